"""The cache of compiled kernels: the folder named after the sources or nothing, safe from other writers and users."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from thermobatch.foundation import compilation, kernel_cache
from thermobatch.foundation.compilation_error import CompilationError

CORE = [Path(module.__file__) for module in (compilation, kernel_cache)]
# Root may write everywhere, unless it gives that up.
MORTAL = [] if os.geteuid() else ["setpriv", "--bounding-set=-dac_override"]
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
FACTOR = """
from thermobatch.foundation.compilation import kernel
@kernel
def factor(x):
    return {} * x
"""
DOUBLE = """
from thermobatch.foundation.compilation import kernel
from thermobatch.factor import factor
@kernel
def double(x):
    return factor(x)
"""
COUNT = (
    "from thermobatch.doubling import double; print(double(1), double(1.5)); "
    "print(sum(double.stats.cache_hits.values()), sum(double.stats.cache_misses.values()))"
)


@pytest.fixture
def small_package(tmp_path):
    """A copy of the package that has its compiler and two small kernels in two files, and nothing else."""
    package = tmp_path / "thermobatch"
    (package / "foundation").mkdir(parents=True)
    for file in (*CORE, CORE[0].with_name("compilation_error.py"), CORE[0].with_name("__init__.py")):
        shutil.copy(file, package / "foundation" / file.name)
    shutil.copy(compilation.PACKAGE / "__init__.py", package)
    (package / "doubling.py").write_text(DOUBLE)
    (package / "factor.py").write_text(FACTOR.format(2))
    return package


def python(folder, code, cache="cache", mortal=(), **variables):
    environment = {"THERMOBATCH_CACHE": str(folder / cache), "PYTHONPATH": str(folder)}
    return subprocess.Popen(
        [*mortal, sys.executable, "-c", code],
        env=os.environ | environment | variables,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def outputs(processes):
    results = [process.communicate()[0] for process in processes]
    assert not any(process.returncode for process in processes), results
    return results


@pytest.mark.slow
def test_two_writers_at_once_lose_nothing(small_package, tmp_path):
    call = SLOW_WRITER + "from thermobatch.doubling import double; double({})"
    outputs([python(tmp_path, call.format(argument)) for argument in ("1", "1.5")])
    assert len(list((tmp_path / "cache").rglob("doubling.*.nbc"))) == 2
    assert outputs([python(tmp_path, COUNT)]) == ["2 3.0\n2 0\n"]


@pytest.mark.parametrize("lost", ["the cache", "home", "any home"])
def test_without_a_place_to_write_no_stale_kernel_runs_and_it_is_said_once(small_package, tmp_path, lost):
    """Numba by itself would go on in __pycache__, and not see that a callee in another file has changed."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    places = {
        "the cache": {},
        "home": {"THERMOBATCH_CACHE": "", "HOME": str(closed), "XDG_CACHE_HOME": ""},
        "any home": {"THERMOBATCH_CACHE": "~no such user~/kernels"},
    }
    for factor in (2, 3):
        (small_package / "factor.py").write_text(FACTOR.format(factor))
        (said,) = outputs([python(tmp_path, COUNT, "closed/kernels", MORTAL, **places[lost])])
        *notice, numbers, counts = said.splitlines()
        assert (numbers, counts) == (f"{factor} {1.5 * factor}", "0 2")
        assert (
            len(notice) == 1 and "cannot be written" in notice[0] and "Set THERMOBATCH_CACHE to" in notice[0]
        )
    assert not [*tmp_path.rglob("*.nb[ic]"), *tmp_path.glob("*~*")]


def test_a_full_cache_is_read_where_nothing_can_be_written(small_package, tmp_path):
    outputs([python(tmp_path, COUNT)])
    places = [tmp_path, *(tmp_path / "cache").rglob("*"), tmp_path / "cache", small_package]
    for place in places:
        place.chmod(0o500 if place.is_dir() else 0o400)
    try:
        assert outputs([python(tmp_path, COUNT, "cache", MORTAL)]) == ["2 3.0\n2 0\n"]
    finally:
        for place in places:
            place.chmod(0o700)


def test_home_may_be_written_short(small_package, tmp_path):
    said = outputs([python(tmp_path, COUNT, HOME=str(tmp_path / "me"), THERMOBATCH_CACHE="~/kernels")])
    assert said == ["2 3.0\n0 2\n"] and list((tmp_path / "me" / "kernels").rglob("*.nbc"))


def test_the_cache_is_its_owners_alone_whatever_the_umask(small_package, tmp_path):
    outputs([python(tmp_path, f"import os; os.umask(0); {COUNT}", "new/cache")])
    made = [tmp_path / "new", *(tmp_path / "new").rglob("*")]
    assert len(made) > 6
    assert not [path for path in made if path.stat().st_mode & 0o077 and path.suffix != ".lock"]


@pytest.mark.parametrize("shared", ["cache", ".", "cache/numba/key/kernels"])
def test_a_cache_that_others_can_write_is_refused(tmp_path, shared):
    cache = tmp_path / "cache/numba/key/kernels"
    kernel_cache.make_private(cache)
    kernel_cache.check_private(cache, cache)
    for mode in (0o777, 0o757):
        (tmp_path / shared).chmod(mode)
        with pytest.raises(CompilationError, match=rf"mode {mode:o}.*Set THERMOBATCH_CACHE to") as refused:
            kernel_cache.check_private(cache, cache)
        assert "\n" not in str(refused.value) and f"chmod go-w {tmp_path / shared}" in str(refused.value)


def test_a_sticky_folder_protects_what_is_in_it_and_not_itself(tmp_path):
    kernel_cache.make_private(tmp_path / "cache")
    tmp_path.chmod(0o1777)
    kernel_cache.check_private(tmp_path / "cache", tmp_path)
    with pytest.raises(CompilationError, match="mode 1777"):
        kernel_cache.check_private(tmp_path, tmp_path)


def test_only_the_owners_private_group_may_write(tmp_path, monkeypatch):
    tmp_path.chmod(0o770)
    owner = kernel_cache.pwd.getpwuid(os.geteuid()).pw_name
    for name, members, private in [(owner, [], True), (owner, [owner, "guest"], False), ("users", [], False)]:
        group = kernel_cache.grp.struct_group((name, "x", tmp_path.stat().st_gid, members))
        monkeypatch.setattr(kernel_cache.grp, "getgrgid", lambda _, group=group: group)
        if private:
            kernel_cache.check_private(tmp_path, tmp_path)
        else:
            with pytest.raises(CompilationError, match="mode 770"):
                kernel_cache.check_private(tmp_path, tmp_path)


def test_another_users_cache_is_refused_and_roots_is_not(tmp_path, monkeypatch):
    me = os.geteuid()
    monkeypatch.setattr(kernel_cache.os, "geteuid", lambda: me + 1)
    monkeypatch.setattr(kernel_cache, "_roots", lambda: {me, 0})
    kernel_cache.check_private(tmp_path, tmp_path)
    monkeypatch.setattr(kernel_cache, "_roots", lambda: set())
    with pytest.raises(CompilationError, match="belongs to"):
        kernel_cache.check_private(tmp_path, tmp_path)


def test_a_planted_file_is_not_read(small_package, tmp_path):
    outputs([python(tmp_path, COUNT)])
    planted = next((tmp_path / "cache").rglob("doubling.*.nbc"))
    planted.chmod(0o666)
    process = python(tmp_path, COUNT)
    said, _ = process.communicate()
    assert process.returncode and f"{planted} can be written by others (mode 666)" in said.splitlines()[-1]


def test_users_own_kernels_are_not_kept(small_package, tmp_path):
    """They may call what is in other files, of which the name of the cache says nothing."""
    (tmp_path / "mine.py").write_text(FACTOR.format(3))
    assert outputs([python(tmp_path, "from mine import factor; print(factor(2))")]) == ["6\n"]
    assert not list(tmp_path.rglob("*.nb[ic]"))


def test_kernels_that_are_not_compiled_are_refused(small_package, tmp_path):
    process = python(tmp_path, COUNT, NUMBA_DISABLE_JIT="1")
    said, _ = process.communicate()
    assert process.returncode and "unset NUMBA_DISABLE_JIT" in said.splitlines()[-1]


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
