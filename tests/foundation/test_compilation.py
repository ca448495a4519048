"""The cache of compiled kernels: several processes may write it at once."""

import os
import subprocess
import sys

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
