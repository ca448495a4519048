"""Check the arguments of public functions: one clear line that names the argument, its value and what is allowed."""

import math
import numbers

import numpy as np


def checked_integer(name: str, value, low: int | None = None, high: int | None = None) -> int:
    """Return `value` as an int, or raise ValueError unless it is an integer in [`low`, `high`] (None: no bound)."""
    whole = isinstance(value, numbers.Integral) and not isinstance(value, bool | np.bool_)
    if not whole or (low is not None and value < low) or (high is not None and value > high):
        bounds = {
            (True, True): "an integer",
            (False, True): f"an integer >= {low}",
            (True, False): f"an integer <= {high}",
            (False, False): f"an integer in {low}..{high}",
        }[low is None, high is None]
        raise ValueError(f"{name} = {value!r}: must be {bounds}")
    return int(value)


def checked_real(
    name: str,
    value,
    low: float = -math.inf,
    high: float = math.inf,
    *,
    open_low: bool = False,
    open_high: bool = False,
) -> float:
    """Return `value` as a float, or raise ValueError unless it is a finite number in the stated interval.

    `open_low` and `open_high` exclude the bounds themselves.
    """
    number = (
        float(value)
        if isinstance(value, numbers.Real) and not isinstance(value, bool | np.bool_)
        else math.nan
    )
    inside = (number > low if open_low else number >= low) and (
        number < high if open_high else number <= high
    )
    if not (math.isfinite(number) and inside):
        raise ValueError(f"{name} = {value!r}: must be {_interval(low, high, open_low, open_high)}")
    return number


def checked_choice(name: str, value, choices: tuple[str, ...]) -> str:
    """Return `value`, or raise ValueError unless it is one of `choices`."""
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{name} = {value!r}: must be one of {', '.join(choices)}")
    return value


def _interval(low: float, high: float, open_low: bool, open_high: bool) -> str:
    """Write an interval as people do: `> 0`, `>= 0`, `in (0, 1]`."""
    if math.isinf(low) and math.isinf(high):
        return "a finite number"
    if math.isinf(high):
        return f"a finite number {'>' if open_low else '>='} {low:g}"
    if math.isinf(low):
        return f"a finite number {'<' if open_high else '<='} {high:g}"
    return f"in {'(' if open_low else '['}{low:g}, {high:g}{')' if open_high else ']'}"
