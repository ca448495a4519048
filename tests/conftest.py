"""What all tests share: repeatable hypothesis examples, and a cache of kernels."""

import os
import signal
import tempfile
from pathlib import Path

import filelock
import pytest
from hypothesis import settings
from workflow_runs import copy_project, snakemake

from thermobatch.foundation.compilation_error import CompilationError
from thermobatch.foundation.kernel_cache import check_private

# Parallel workers share one cache, apart from the user's; in a checkout that others can write it is elsewhere.
KERNELS = Path(__file__).parent.parent / ".pytest_cache" / "kernels"
try:
    check_private(KERNELS, KERNELS)
except CompilationError:
    KERNELS = Path(tempfile.gettempdir()) / f"thermobatch-tests-{os.geteuid()}"
os.environ.setdefault("THERMOBATCH_CACHE", str(KERNELS))

# A shell that starts the tests in the background has Ctrl-C ignored, also in what they start; they send it.
signal.signal(signal.SIGINT, signal.default_int_handler)

# The same examples every time, and no deadline: the first call of a kernel compiles it.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")


def pytest_collection_modifyitems(items):
    """Begin with the workflow: it takes longest, and on several processes the rest runs beside it."""
    items.sort(key=lambda item: item.get_closest_marker("pipeline") is None)


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Path:
    """The whole smoke workflow, run on two cores by the first process that asks; the others wait for it."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder, done = shared / "two cores" / "a project", shared / "two cores" / "finished"
    with filelock.FileLock(shared / "two cores.lock"):
        if not done.exists():
            assert not folder.exists(), "the smoke workflow has failed before: see the other failures"
            folder.parent.mkdir()
            copy_project(folder)
            done.write_text(snakemake(folder, "--cores", "2", "--config", "scale=smoke").stdout)
    return folder
