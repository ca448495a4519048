"""Arguments that several functions share are described once: the docstrings of the others are completed at import."""

import inspect
import re
from collections.abc import Callable

LIKE = re.compile(r"^As (?:in|for) :(?:func|class):`~?(?:[\w.]+\.)?(\w+)`[.,;]\s*", re.DOTALL)
SECTION = re.compile(r"^(Parameters\n-{3,}\n)(.*?)(?=^\S[^\n]*\n-{3,}$|\Z)", re.MULTILINE | re.DOTALL)
ENTRY = re.compile(r"^(\S[^\n]*)\n((?:(?:[ \t]+[^\n]*)?(?:\n|\Z))*)", re.MULTILINE)


def described_like(source: Callable) -> Callable[[Callable], Callable]:
    """Return a decorator that writes a source's descriptions into a docstring which refers to them.

    An entry ``a, b`` described as ``As in :func:`source`.`` becomes the entries of a and b in the docstring of
    `source`; what follows the reference is kept after the last of them.

    Parameters
    ----------
    source : callable
        A function or class with a numpydoc section of parameters.

    Raises
    ------
    ValueError
        When it describes none of the names.
    """

    def complete(function: Callable) -> Callable:
        if function.__doc__ and source.__doc__:  # python -OO has none
            known = parameter_entries(source.__doc__)
            text = inspect.cleandoc(function.__doc__)

            def expanded(entry: re.Match) -> str:
                body = inspect.cleandoc(entry[2])
                reference = LIKE.match(body)
                if reference is None or reference[1] != source.__name__:
                    return entry[0]
                found = _written(_names(entry[1]), known, source.__name__)
                rest, blank = body[reference.end() :], entry[0][len(entry[0].rstrip()) + 1 :]
                return found + (f"    {rest}\n" if rest else "") + blank

            function.__doc__ = SECTION.sub(lambda found: found[1] + ENTRY.sub(expanded, found[2]), text)
        return function

    return complete


def parameter_entries(docstring: str) -> dict[tuple[str, ...], str]:
    """Return the entries of a numpydoc section of parameters by their names, in order; {} without one.

    Parameters
    ----------
    docstring : str
        Of a function or class.
    """
    section = SECTION.search(inspect.cleandoc(docstring))
    entries = ENTRY.finditer(section[2]) if section else ()
    return {_names(entry[1]): f"{entry[0].rstrip()}\n" for entry in entries}


def _names(head: str) -> tuple[str, ...]:
    """The names that an entry describes."""
    return tuple(head.split(":")[0].strip().split(", "))


def _written(names: tuple[str, ...], known: dict[tuple[str, ...], str], source: str) -> str:
    """The entries of names, which may share one."""
    text = ""
    while names:
        group = next((group for group in known if names[: len(group)] == group), None)
        if group is None:
            raise ValueError(
                f"{names[0]}: {source} does not describe it (or describes it together with others)"
            )
        text += known[group]
        names = names[len(group) :]
    return text
