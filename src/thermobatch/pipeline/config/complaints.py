"""Complaints about a configuration: one line a problem, with the key, its value, what is allowed and what to do."""

import difflib
import math
import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, ValidationError

NUMBER_WITH_EXPONENT = r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)[eE][+-]?[0-9]{1,4}"
# How pydantic names, in a path, which kind of value it tried.
KIND_OF_VALUE = r"(dict|list|tuple|literal|constrained|function)\b|(float|int|str|bool)$"


def nearest(name: str, known: Iterable[str]) -> str:
    """Return how a complaint about an unknown name ends: the nearest known one, or all."""
    known = list(known)
    close = difflib.get_close_matches(str(name), known, n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(known) or 'none'}"


def describe(error: ValidationError, known_keys: Callable[[list[str]], list[str]]) -> list[str]:
    """Turn a validation error into one line per problem, with path, value, what is allowed and the nearest name.

    `known_keys` returns the keys that are allowed below a path.
    """
    lines = []
    for problem in error.errors(include_url=False):
        path = [str(part) for part in problem["loc"]]
        where = ".".join(part for part in path if not re.match(KIND_OF_VALUE, part))
        value = problem.get("input")
        shown = "a mapping" if isinstance(value, dict | BaseModel) else repr(value)
        if problem["type"] == "extra_forbidden":
            lines.append(f"{'.'.join(path)} = {shown}: unknown key{nearest(path[-1], known_keys(path[:-1]))}")
        elif problem["type"] == "missing":
            lines.append(f"{where}: missing; it is required")
        elif problem["type"] == "value_error" and not where:
            lines.append(f"parameters: {problem['ctx']['error']}")
        else:
            message = problem["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
            advice = written_out(value, whole=problem["type"].startswith("int"))
            lines.append(f"{where or 'parameters'} = {shown}: {message}{advice}")
    return lines


def written_out(value: Any, whole: bool) -> str:
    """Return the advice on a number that YAML reads as text, or as no integer: how to write it, and be read."""
    exponent = isinstance(value, str) and re.fullmatch(NUMBER_WITH_EXPONENT, value)
    if not exponent and not (whole and isinstance(value, float) and math.isfinite(value)):
        return ""
    number = Decimal(value if exponent else repr(value))
    if whole and (number.adjusted() > 30 or number != number.to_integral_value()):
        return ""
    if number == number.to_integral_value() and (whole or abs(number) < 1e6):
        written = f"{int(number)} in full"
    else:
        mantissa, power = f"{number.normalize():e}".split("e")
        written = f"{mantissa if '.' in mantissa else mantissa + '.0'}e{int(power):+d}"
    return f" (YAML reads {value} as text; write {written})" if exponent else f" (write {written})"
