"""Compile kernels with numba and cache them safely on disk.

Numba's on-disk cache does not see changes in callees that live in other files, and its key ignores numba's own
options. Every kernel of the package is therefore cached in a directory named by a hash of all package sources, the
numba version and the processor; a changed source can never load stale machine code. Numba's index is not safe against
concurrent writers, so it is written behind a lock; jobs compile in `compile_once`, and the others wait.
"""

import contextlib
import fnmatch
import hashlib
import os
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import filelock
import numba
import platformdirs
from llvmlite import binding
from numba.core.caching import FunctionCache

PACKAGE = Path(__file__).parent.parent
WITHOUT_KERNELS = ("pipeline/*", "study/*", "*/studies/*/claims.py", "*/studies/*/figure.py")


def source_hash(files: list[Path]) -> str:
    """Return a short hash of some package sources (independent of dates and of the checkout's place)."""
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(file.relative_to(PACKAGE).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def kernel_sources() -> list[Path]:
    """Return the package sources that hold kernels, or that kernels may use."""
    files = {file: file.relative_to(PACKAGE).as_posix() for file in PACKAGE.rglob("*.py")}
    return [
        file
        for file, name in files.items()
        if not any(fnmatch.fnmatchcase(name, pattern) for pattern in WITHOUT_KERNELS)
    ]


@cache
def cache_directory() -> Path:
    """Return the directory of this machine's compiled kernels (base: THERMOBATCH_CACHE, else the user's cache)."""
    base = os.environ.get("THERMOBATCH_CACHE") or platformdirs.user_cache_dir("thermobatch")
    processor = f"{binding.get_host_cpu_name()} {binding.get_host_cpu_features().flatten()}"
    key = hashlib.sha256(
        f"{source_hash(kernel_sources())} {numba.__version__} {processor}".encode()
    ).hexdigest()[:16]
    return Path(base) / "numba" / key


def uncached(function, copies: dict | None = None):
    """Return a copy of a kernel, and of all kernels it calls, that leaves no machine code on disk.

    For kernels that are given a user's own classes: the cache records the types of arguments, and a process that
    cannot import such a class could not read it any more.
    """
    copies = {} if copies is None else copies
    if function not in copies:
        original = function.py_func
        names = dict(original.__globals__)
        code = type(original)(original.__code__, names, original.__name__, original.__defaults__)
        options = {name: value for name, value in function.targetoptions.items() if name != "nopython"}
        copies[function] = numba.njit(**options)(code)
        for name in original.__code__.co_names:
            if hasattr(names.get(name), "py_func"):
                names[name] = uncached(names[name], copies)
    return copies[function]


@contextlib.contextmanager
def _numba_cache_in(directory: Path):
    """Point numba's cache at `directory` while a kernel is declared, leaving the user's own kernels alone."""
    previous = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(directory)
    try:
        yield
    finally:
        numba.config.CACHE_DIR = previous


def c_function(name: str, function: Callable, signature):
    """Compile a user's `function` behind a fixed numba `signature` of one or two arguments.

    The result can be a field of a kernel's argument: kernels call it by address, so one cached kernel serves every
    user's function, and nothing of the user's is cached. `function` is plain Python or already ``numba.njit``.
    ValueError, naming `name`, when numba cannot compile it.
    """
    if not callable(function):
        raise ValueError(f"{name} = {function!r}: must be a function")
    compiled = function if isinstance(function, numba.core.dispatcher.Dispatcher) else numba.njit(function)
    call = (lambda x: compiled(x)) if len(signature.args) == 1 else (lambda x, out: compiled(x, out))
    try:
        return numba.cfunc(signature)(call)
    except numba.core.errors.NumbaError as error:
        first_line = str(error).strip().splitlines()[0]
        raise ValueError(f"{name}: numba cannot compile it as {signature}: {first_line}") from error


class _LockedCache(FunctionCache):
    """Numba's cache of a kernel, one writer at a time: two could give two signatures the same file.

    A damaged file counts as none: the kernel is compiled again.
    """

    def load_overload(self, sig, target_context):
        try:
            return super().load_overload(sig, target_context)
        except Exception:  # damaged bytes can raise anything, and compiling anew is always right
            self._cache_file.flush()
            return None

    def _save_overload(self, sig, data):
        Path(self._cache_path).mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(Path(self._cache_path) / "writing.lock"):
            super()._save_overload(sig, data)


def kernel(function: Callable | None = None, **options):
    """Declare a compiled kernel: ``numba.njit`` with the package's safe on-disk cache.

    Use as ``@kernel`` or ``@kernel(inline="always")``. ``fastmath`` and ``parallel`` stay off unless asked for:
    sums over threads are not deterministic.
    """
    if function is None:
        return lambda decorated: kernel(decorated, **options)
    dispatcher = numba.njit(**options)(function)
    with _numba_cache_in(cache_directory()):
        dispatcher._cache = _LockedCache(function)
    return dispatcher


@contextlib.contextmanager
def compile_once(what: str) -> Iterator[bool]:
    """Let one process at a time compile the kernels called `what`; yield whether that is still to be done.

    Run every kernel of `what` inside the block when it yields True. Other processes wait, then find the machine code.
    """
    name = hashlib.sha256(what.encode()).hexdigest()[:16]
    directory = cache_directory()
    directory.mkdir(parents=True, exist_ok=True)
    done = directory / f"{name}.compiled"
    if done.exists():
        yield False
        return
    with filelock.FileLock(directory / "compiling.lock"):
        needed = not done.exists()
        yield needed
        if needed:
            done.write_text(f"{what}\n")
