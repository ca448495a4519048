"""Compile kernels with numba and cache them safely on disk.

Numba's on-disk cache does not see changes in callees that live in other files, and its key ignores numba's own
options. Every kernel of the package is therefore cached in a directory named by a hash of all package sources, the
numba version and the processor, or not at all; a changed source can never load stale machine code. Numba's index is not
safe against concurrent writers, so it is written behind a lock; jobs compile in `compile_once`, and the others wait.
"""

import contextlib
import fnmatch
import hashlib
import os
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import CellType, CodeType

import filelock
import numba
import platformdirs
from llvmlite import binding

from thermobatch.foundation.compilation_error import CompilationError
from thermobatch.foundation.kernel_cache import KernelCache, check_private, kept_if_possible, make_private

PACKAGE = Path(__file__).parent.parent
WITHOUT_KERNELS = ("pipeline/*", "study/*", "*/studies/*/claims.py", "*/studies/*/figure.py")
ENVIRONMENT_OPTIONS = (
    "BOUNDSCHECK",
    "OPT",
    "LOOP_VECTORIZE",
    "SLP_VECTORIZE",
)  # NUMBA_BOUNDSCHECK=1 and the like


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
    base = Path(os.environ.get("THERMOBATCH_CACHE") or platformdirs.user_cache_dir("thermobatch"))
    try:
        base = base.expanduser()
    except (
        RuntimeError
    ):  # no such home: below a device nothing can be kept, which is said as of any such place
        base = Path(os.devnull) / base
    processor = f"{binding.get_host_cpu_name()} {binding.get_host_cpu_features().flatten()}"
    options = [getattr(numba.config, name) for name in ENVIRONMENT_OPTIONS]
    key = f"{source_hash(kernel_sources())} {numba.__version__} {processor} {options}"
    return Path(os.path.realpath(base)) / "numba" / hashlib.sha256(key.encode()).hexdigest()[:16]


def uncached(function, copies: dict | None = None, **changed):
    """Return a copy of a compiled function, and of those it calls, that leaves no machine code on disk.

    For kernels that are given a user's own classes: the cache records the types of arguments, and a process that
    cannot import such a class could not read it any more. Numba's options `changed`, such as ``boundscheck``, hold in
    every copy.
    """
    copies = {} if copies is None else copies
    if function not in copies:
        original = function.py_func
        names = dict(original.__globals__)
        cells = tuple(CellType(cell.cell_contents) for cell in original.__closure__ or ())
        code = type(original)(
            original.__code__, names, original.__name__, original.__defaults__, cells or None
        )
        options = {name: value for name, value in function.targetoptions.items() if name != "nopython"}
        copies[function] = numba.njit(**options | changed)(code)
        for name in _names(original.__code__):
            if hasattr(names.get(name), "py_func"):
                names[name] = uncached(names[name], copies, **changed)
        for cell in cells:
            if hasattr(cell.cell_contents, "py_func"):
                cell.cell_contents = uncached(cell.cell_contents, copies, **changed)
    return copies[function]


def _names(code: CodeType) -> set[str]:
    """Global names in a function and in the functions inside it."""
    inner = (constant for constant in code.co_consts if isinstance(constant, CodeType))
    return set(code.co_names).union(*map(_names, inner))


def own_function(function: Callable):
    """Return a user's function as ``numba.njit`` makes it, with nothing of it on disk; itself if it is such a one."""
    return function if isinstance(function, numba.core.dispatcher.Dispatcher) else numba.njit(function)


def c_function(function, signature):
    """Compile a user's ``numba.njit`` function behind a fixed numba `signature` of one or two arguments.

    The result can be a field of a kernel's argument: kernels call it by address, so one cached kernel serves every
    user's function, and nothing of the user's is cached. It keeps `function`, to be compiled in another process too.
    """
    call = (lambda x: function(x)) if len(signature.args) == 1 else (lambda x, out: function(x, out))
    compiled = numba.cfunc(signature)(call)
    compiled.function = function
    return compiled


def kernel(function: Callable | None = None, **options):
    """Declare a compiled kernel: ``numba.njit`` with the package's safe on-disk cache.

    Use as ``@kernel`` or ``@kernel(inline="always")``. ``fastmath`` and ``parallel`` stay off unless asked for:
    sums over threads are not deterministic. Kernels in files outside the package are not kept on disk: the name of the
    cache says nothing of them.
    """
    if function is None:
        return lambda decorated: kernel(decorated, **options)
    if numba.config.DISABLE_JIT:
        raise CompilationError(
            "NUMBA_DISABLE_JIT=1: nothing can be computed, as kernels draw their random numbers by instructions that "
            "only compiled code has. Start again without it: unset NUMBA_DISABLE_JIT"
        )
    dispatcher = numba.njit(**options)(function)
    if function.__code__.co_filename.startswith(f"{PACKAGE}{os.sep}"):
        dispatcher._cache = KernelCache(function, cache_directory())
    return dispatcher


@contextlib.contextmanager
def compile_once(what: str) -> Iterator[bool]:
    """Let one process at a time compile the kernels called `what`; yield whether that is still to be done.

    Run every kernel of `what` inside the block when it yields True. Other processes wait, then find the machine code.
    """
    directory = cache_directory()
    done = directory / f"{hashlib.sha256(what.encode()).hexdigest()[:16]}.compiled"
    check_private(directory, directory)
    if os.path.exists(done):  # also False where it cannot be seen
        yield False
        return
    with contextlib.ExitStack() as locked:
        with kept_if_possible(directory):
            make_private(directory)
            locked.enter_context(filelock.FileLock(directory / "compiling.lock"))
        needed = not os.path.exists(done)
        yield needed
        if needed:
            with kept_if_possible(directory):
                done.write_text(f"{what}\n", encoding="utf-8")
