"""Modules of the package with a mistake put in, to see that a test notices it."""

import itertools
import re
import types
from pathlib import Path

NUMBERS = itertools.count(1)


def mutant_of(module, right: str, wrong: str, **replaced) -> types.ModuleType:
    """Return a copy of a module in which the text `right`, found once, reads `wrong`.

    Its kernels are compiled without a cache, and its NamedTuples are numbered: numba names compiled code by the names
    of classes. `replaced` names what it shall use instead of its own imports.
    """
    source = Path(module.__file__).read_text()
    assert source.count(right) == 1, f"{right!r} occurs {source.count(right)} times"
    source = source.replace(right, wrong).replace(
        "from thermobatch.foundation.compilation import kernel", "from numba import njit as kernel"
    )
    number = next(NUMBERS)
    for name in re.findall(r"^class (\w+)\(NamedTuple\)", source, re.MULTILINE):
        source = re.sub(rf"\b{name}\b", f"{name}{number}", source)
    mutant = types.ModuleType(f"mutant_{module.__name__.split('.')[-1]}")
    exec(compile(source, module.__file__, "exec"), mutant.__dict__)  # noqa: S102
    mutant.__dict__.update(replaced)
    return mutant
