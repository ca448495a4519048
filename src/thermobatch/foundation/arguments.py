"""Check the arguments of public functions: one clear line that names the argument, its value and what is allowed.

Arrays may be anything that NumPy reads as real numbers: lists, arrays, pandas objects, DataArrays. They are taken by
value, in the order they are in: an index, coordinates and units are not looked at. What NumPy would silently change
(a mask, an imaginary part, text, dates, True) is refused.
"""

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


NOT_NUMBERS = {"b": "True and False", "U": "text", "S": "text", "T": "text", "M": "dates", "m": "durations"}

CLASSES = ("labels", "targets")  # arguments that may tell classes


def real_numbers(
    name: str, value, allowed: str = "an array of real numbers", kinds: str = "iuf"
) -> np.ndarray:
    """Return `value` as an array of the shape and the type of number it has, not copied if it is one already.

    ValueError, naming `name` and what is `allowed`, for masked entries, and for anything but the `kinds` of numbers
    (as in ``numpy.dtype.kind``): NumPy itself would drop a mask, an imaginary part or a unit of time without a word.
    """
    if _masked(value):
        raise ValueError(
            f"{name} has masked entries: must be {allowed}, all known (drop them, or fill them in)"
        )
    if hasattr(value, "toarray"):  # of scipy.sparse; NumPy would wrap it as one object
        raise ValueError(
            f"{name} is a sparse {type(value).__name__}: must be {allowed} (give its .toarray())"
        )
    try:
        array = np.asarray(value)
    except Exception:  # rows that differ in length, or whatever a foreign object raises
        rows = "has rows that differ in length" if isinstance(value, list | tuple) else described(value)
        raise ValueError(f"{name} {rows}: must be {allowed}") from None
    if array.dtype.kind in kinds or (array.size == 0 and isinstance(value, list | tuple)):
        return array
    if array.dtype.kind == "c":
        raise ValueError(f"{name} has complex numbers: must be {allowed} (give its .real, if that is meant)")
    if array.ndim == 0:
        raise ValueError(f"{name} {described(value)}: must be {allowed}")
    content = NOT_NUMBERS.get(array.dtype.kind, "entries that are not plain numbers")
    classes = f"for two classes give np.where({name}, 1, -1); " if name in CLASSES else ""
    advice = {
        "b": f" ({classes}for numbers 1 and 0, .astype(int))",
        "O": " (give .astype(float), if they are numbers)",
    }.get(array.dtype.kind, "")
    raise ValueError(f"{name} has {content} (dtype {array.dtype}): must be {allowed}{advice}")


def _masked(value) -> bool:
    """Whether an array, or one in a list of them, has a masked entry."""
    if isinstance(value, list | tuple):
        return any(_masked(entry) for entry in value)
    return isinstance(value, np.ma.MaskedArray) and bool(np.ma.is_masked(value))


def described(value) -> str:
    """What a wrong value is, in a line: itself if that is short, else its type."""
    text = repr(value)
    return f"= {text}" if len(text) <= 80 and "\n" not in text else f"is of type {type(value).__name__}"


def two_classes(name: str, values: np.ndarray) -> str:
    """Advice, in parentheses, on how to make +1 and -1 of two other values; nothing if there are not two."""
    found = np.unique(values)
    if len(found) != 2 or not np.isfinite(found).all():
        return ""
    return f" (for two classes give np.where({name} == {found[1]:g}, 1, -1))"


def checked_array(name: str, value, shape: tuple[int | None, ...]) -> np.ndarray:
    """Return `value` as a C-contiguous float64 array of finite numbers; None in `shape` allows any length."""
    array = np.ascontiguousarray(real_numbers(name, value), dtype=np.float64)
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
    allowed = "an array of edges, or one for each dimension"
    parts = value if isinstance(value, list | tuple) else ()
    several = any(getattr(part, "ndim", None) or isinstance(part, list | tuple) for part in parts)
    axes = [real_numbers(name, axis, allowed) for axis in (parts if several else [value])]
    if axes and axes[0].ndim == 0:
        raise ValueError(f"{name} {described(value)}: must be {allowed}")
    axes = list(axes[0]) if len(axes) == 1 and axes[0].ndim == 2 else axes
    if len(axes) not in dimensions:
        raise ValueError(f"{name}: has {len(axes)} axes, must have {' or '.join(map(str, dimensions))}")
    axes = [checked_array(name, axis, (None,)) for axis in axes]
    if any(axis.size < 2 or not (np.diff(axis) > 0.0).all() for axis in axes):
        raise ValueError(f"{name}: must be at least two increasing numbers")
    return axes
