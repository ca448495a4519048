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
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool | np.bool_)
    try:
        number = float(value) if is_number else math.nan
    except OverflowError:  # an integer beyond the largest float
        number = math.inf
    above = number > low if open_low else number >= low
    below = number < high if open_high else number <= high
    if not (math.isfinite(number) and above and below):
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


def checked_array(name: str, value, shape: tuple[int | None, ...]) -> np.ndarray:
    """Return `value` as a C-contiguous float64 array of finite numbers; None in `shape` allows any length."""
    try:
        array = np.ascontiguousarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"{name} = {value!r}: must be an array of numbers") from None
    pairs = zip(shape, array.shape, strict=False)
    if array.ndim != len(shape) or any(wanted not in (None, got) for wanted, got in pairs):
        wanted = ", ".join("any" if length is None else str(length) for length in shape)
        raise ValueError(f"{name} has shape {array.shape}: must be ({wanted})")
    if not np.isfinite(array).all():
        raise ValueError(f"{name}: {np.count_nonzero(~np.isfinite(array))} entries are not finite numbers")
    return array


def checked_axes(name: str, value, dimensions: tuple[int, ...]) -> list[np.ndarray]:
    """Return the edges of cells of each dimension: one increasing array, or a sequence of them.

    ValueError unless there are as many axes as one of `dimensions`, each of at least two increasing finite numbers.
    """
    try:
        axes = [value] if np.ndim(value[0]) == 0 else list(value)
    except (TypeError, IndexError, KeyError):
        raise ValueError(
            f"{name} = {value!r}: must be an array of edges, or one for each dimension"
        ) from None
    if len(axes) not in dimensions:
        raise ValueError(f"{name}: has {len(axes)} axes, must have {' or '.join(map(str, dimensions))}")
    axes = [checked_array(name, axis, (None,)) for axis in axes]
    if any(axis.size < 2 or not (np.diff(axis) > 0.0).all() for axis in axes):
        raise ValueError(f"{name}: must be at least two increasing numbers")
    return axes
