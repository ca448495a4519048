"""Keep numba's compiled kernels in one folder that nobody else can write, or nowhere.

Numba's own choice of a place falls back to folders whose names do not say which sources they were compiled from: there
an edited callee loads stale machine code. And its files are pickles: whoever can write them runs code as their reader.
"""

import contextlib
import errno
import grp
import logging
import os
import pwd
import stat
import sys
import uuid
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import filelock
from numba.core.caching import CompileResultCacheImpl, FunctionCache, IndexDataCacheFile, _CacheLocator

from thermobatch.foundation.compilation_error import CompilationError

OWNER_ONLY = 0o700
NOT_SHARED = "so whoever can write there can run programs as you"


def check_private(path: Path, cache_folder: Path) -> None:
    """Raise CompilationError if others than its owner and root can change `path`, or put another in its place.

    Every folder above it counts: who can write one can exchange what is in it, unless it is sticky, as `/tmp` is.
    """
    for place in (path, *path.parents):
        try:
            status = place.lstat()
        except OSError:  # not there, or not for us to see: then nothing is read from it either
            continue
        if place != path and not stat.S_ISDIR(status.st_mode):  # nothing can be below it
            continue
        fault = _fault(status, last=place == path)
        if fault:
            raise CompilationError(
                f"compiled kernels cannot be kept in {cache_folder}: {place} {fault}, {NOT_SHARED}. Set "
                "THERMOBATCH_CACHE to a folder that only you can write (a new one is made so)"
                + (f", or: chmod go-w {place} && rm -r {cache_folder}" if _ours(status) else "")
            )


def _fault(status: os.stat_result, last: bool) -> str:
    if not _ours(status) and status.st_uid not in _roots():
        return f"belongs to {_user(status.st_uid)}"
    shared = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    if status.st_mode & stat.S_ISVTX and not last:
        shared = 0
    if shared == stat.S_IWGRP and _private_group(status.st_uid, status.st_gid):
        shared = 0
    return f"can be written by others (mode {stat.S_IMODE(status.st_mode):o})" if shared else ""


def _ours(status: os.stat_result) -> bool:
    return status.st_uid == os.geteuid()


@cache
def _roots() -> set[int]:
    """Return the numbers of root: in a container of one user's, the root outside has that of "nobody"."""
    with contextlib.suppress(OSError, ValueError):
        mapped = sum(int(line.split()[2]) for line in Path("/proc/self/uid_map").read_bytes().splitlines())
        if mapped < 2**32 - 1:
            return {0, int(Path("/proc/sys/kernel/overflowuid").read_bytes())}
    return {0}


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"


def _private_group(user: int, group: int) -> bool:
    """Say whether a group is the user's own, named after them and without other members, as many systems make it."""
    try:
        name, found = pwd.getpwuid(user).pw_name, grp.getgrgid(group)
    except KeyError:
        return False
    return found.gr_name == name and set(found.gr_mem) <= {name}


def make_private(folder: Path) -> None:
    """Make a folder, and those missing above it, for its owner alone."""
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    for place in reversed(missing):
        place.mkdir(OWNER_ONLY, exist_ok=True)


@cache
def say_not_kept(folder: Path, why: str) -> None:
    """Say once a process that compiled kernels are not kept."""
    logging.getLogger("thermobatch").warning(
        "thermobatch: compiled kernels cannot be written to %s (%s): what is not there already, every process compiles "
        "for itself. Set THERMOBATCH_CACHE to a folder that you can write",
        folder,
        why,
    )


@contextlib.contextmanager
def kept_if_possible(cache_folder: Path) -> Iterator[None]:
    """Go on without keeping kernels where the folder cannot be written or locked, and say so."""
    try:
        yield
    except (OSError, NotImplementedError) as error:  # filelock's answer to a file system without locks
        number = getattr(error, "errno", None)
        say_not_kept(cache_folder, os.strerror(number) if number else str(error))


def check_cache(cache_folder: Path) -> None:
    """Refuse a cache that others can write, and say so if kernels cannot be kept in it."""
    check_private(cache_folder, cache_folder)
    with kept_if_possible(cache_folder):
        make_private(cache_folder)
        if not os.access(cache_folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


class _Place(_CacheLocator):
    """Where a kernel's files are. Its folder is named after all sources, so no other stamp is needed."""

    def __init__(self, function: Callable, cache_folder: Path):
        self._py_file = function.__code__.co_filename
        self._lineno = function.__code__.co_firstlineno
        self.cache_folder = cache_folder

    def get_cache_path(self):
        return str(self.cache_folder / self.get_suitable_cache_subpath(self._py_file))

    def get_source_stamp(self):
        return self.cache_folder.name

    def get_disambiguator(self):
        return str(self._lineno)

    def ensure_cache_path(self):
        make_private(Path(self.get_cache_path()))
        check_private(Path(self.get_cache_path()), self.cache_folder)


class _Content(CompileResultCacheImpl):
    """What numba keeps of a kernel, in our place whatever NUMBA_CACHE_LOCATOR_CLASSES says."""

    def __init__(self, function: Callable, cache_folder: Path):
        self._lineno = function.__code__.co_firstlineno
        self._locator = _Place(function, cache_folder)
        name = f"{Path(function.__code__.co_filename).stem}.{function.__qualname__}"
        self._filename_base = self.get_filename_base(name, getattr(sys, "abiflags", ""))


class _PrivateFiles(IndexDataCacheFile):
    """The files of one kernel: read only if nobody else could have written them."""

    def __init__(self, content: _Content):
        place = content.locator
        super().__init__(place.get_cache_path(), content.filename_base, place.get_source_stamp())
        self._cache_folder = place.cache_folder
        self._data_files = f"{content.filename_base}.*.nbc"

    def flush(self):
        for file in Path(self._cache_path).glob(self._data_files):  # or a new index might point to an old one
            file.unlink(missing_ok=True)
        super().flush()

    def _load_index(self):
        check_private(Path(self._index_path), self._cache_folder)
        return super()._load_index()

    def _load_data(self, name):
        check_private(Path(self._data_path(name)), self._cache_folder)
        return super()._load_data(name)

    @contextlib.contextmanager
    def _open_for_write(self, filepath):
        temporary = Path(f"{filepath}.tmp.{uuid.uuid4().hex[:16]}")
        try:
            with open(temporary, "xb", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
                yield file
            temporary.replace(filepath)
        finally:
            temporary.unlink(missing_ok=True)


class KernelCache(FunctionCache):
    """Numba's cache of one kernel, in our folder; one writer at a time: two could give two signatures one file.

    A damaged file counts as none: the kernel is compiled again. A folder that cannot be written is only read.
    """

    def __init__(self, function: Callable, cache_folder: Path):
        self._name, self._py_func = repr(function), function
        self._impl = _Content(function, cache_folder)
        self._cache_path = self._impl.locator.get_cache_path()
        self._cache_file = _PrivateFiles(self._impl)
        self._cache_folder = cache_folder
        self.enable()

    def load_overload(self, sig, target_context):
        """Return the kernel compiled for a signature, None if it is not there."""
        try:
            return super().load_overload(sig, target_context)
        except CompilationError:
            raise
        except Exception:  # damaged bytes can raise anything, and compiling anew is always right
            with kept_if_possible(self._cache_folder):
                self._cache_file.flush()
            return None

    def _save_overload(self, sig, data):
        with kept_if_possible(self._cache_folder):
            self._impl.locator.ensure_cache_path()
            with filelock.FileLock(Path(self._cache_path) / "writing.lock"):
                super()._save_overload(sig, data)
