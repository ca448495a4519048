"""What all tests share: repeatable hypothesis examples, and a cache of kernels."""

import os
from pathlib import Path

from hypothesis import settings

# Parallel workers share one cache, apart from the user's. Must be set before the package is imported.
os.environ.setdefault("THERMOBATCH_CACHE", str(Path(__file__).parent.parent / ".pytest_cache" / "kernels"))

# The same examples every time, and no deadline: the first call of a kernel compiles it.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")


def pytest_collection_modifyitems(items):
    """Begin with the workflow: it takes longest, and on several processes the rest runs beside it."""
    items.sort(key=lambda item: item.get_closest_marker("pipeline") is None)
