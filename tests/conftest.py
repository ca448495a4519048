"""What all tests share: repeatable hypothesis examples, and kernel caches that parallel workers do not share."""

import os
from pathlib import Path

from hypothesis import settings

# Numba's cache index is not safe against concurrent writers. Must be set before the package is imported.
if worker := os.environ.get("PYTEST_XDIST_WORKER"):
    shared = Path(
        os.environ.get("THERMOBATCH_CACHE") or Path(__file__).parent.parent / ".pytest_cache" / "kernels"
    )
    os.environ["THERMOBATCH_CACHE"] = str(shared / worker)

# The same examples every time, and no deadline: the first call of a kernel compiles it.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")
