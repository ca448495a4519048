"""The cache of compiled kernels: several processes may write it at once."""

import os
import shutil
import subprocess
import sys

import pytest

from thermobatch.foundation import compilation

SLOW_WRITER = """
import sys, time
from numba.core.caching import IndexDataCacheFile
load = IndexDataCacheFile._load_index
def slow_load(self):
    overloads = load(self)
    time.sleep(1.0)  # between reading the index and writing it
    return overloads
def save(self, key, data, plain_save=IndexDataCacheFile.save):
    IndexDataCacheFile._load_index = slow_load
    plain_save(self, key, data)
IndexDataCacheFile.save = save
"""
DOUBLE = """
from thermobatch.foundation.compilation import kernel
@kernel
def double(x):
    return x + x
"""


def python(folder, code):
    environment = os.environ | {"THERMOBATCH_CACHE": str(folder / "cache"), "PYTHONPATH": str(folder)}
    return subprocess.Popen(
        [sys.executable, "-c", code],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def outputs(processes):
    results = [process.communicate()[0] for process in processes]
    assert not any(process.returncode for process in processes), results
    return results


def test_two_writers_at_once_lose_nothing(tmp_path):
    (tmp_path / "doubling.py").write_text(DOUBLE)
    call = SLOW_WRITER + "from doubling import double; double({})"
    outputs([python(tmp_path, call.format(argument)) for argument in ("1", "1.5")])
    assert len(list((tmp_path / "cache").rglob("*.nbc"))) == 2
    check = (
        "from doubling import double; print(double(1), double(1.5)); "
        "print(sum(double.stats.cache_hits.values()), sum(double.stats.cache_misses.values()))"
    )
    assert outputs([python(tmp_path, check)]) == ["2 3.0\n2 0\n"]


EDITED = {
    "foundation/streams.py": True,
    "coloring/dynamics/sweeps.py": True,
    "coloring/theory/tree_population.py": True,
    "networks/bit_planes.py": True,
    "networks/dynamics/message_passing.py": True,
    "mean_field/losses.py": True,
    "mean_field/theory/dmft_response.py": True,
    "langevin/dynamics/kernels.py": True,
    "langevin/studies/annealing/experiment.py": True,
    "coloring/studies/recovery/claims.py": False,
    "mean_field/studies/covariance/figure.py": False,
    "pipeline/jobs.py": False,
    "study/style.py": False,
}


@pytest.fixture(scope="module")
def copied_package(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sources") / "thermobatch"
    shutil.copytree(compilation.PACKAGE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.mark.parametrize(("edited", "counts"), EDITED.items())
def test_an_edited_file_leaves_the_old_machine_code_where_it_may_hold_kernels(
    edited, counts, copied_package, monkeypatch
):
    monkeypatch.setattr(compilation, "PACKAGE", copied_package)
    directory = compilation.cache_directory.__wrapped__
    before, source = directory(), (copied_package / edited).read_text()
    (copied_package / edited).write_text(source + "\n# edited\n")
    after = directory()
    (copied_package / edited).write_text(source)
    assert (after != before) == counts and directory() == before


def test_every_kernel_is_in_the_key_of_the_cache():
    declaring = [file for file in compilation.PACKAGE.rglob("*.py") if "@kernel" in file.read_text()]
    assert len(declaring) > 20 and set(declaring) <= set(compilation.kernel_sources())
