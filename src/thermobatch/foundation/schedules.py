"""Schedules: the value of a temperature, a learning rate, a batch size or a batch fraction at every step.

A schedule is plain data with one method, ``at(steps)``, that returns its value at step numbers n = 0, 1, 2...
(the value used by the move that leads from time n to time n + 1; for the colouring dynamics a step is a
sweep). Kernels never see schedules: they are given arrays of values, so any object with such a method is a
schedule.

The logarithmic schedules are the cooling T_n = c / log n under which annealing finds the global minimum when
c is large enough (Geman & Geman, IEEE TPAMI 6, 721 (1984); Hajek, Math. Oper. Res. 13, 311 (1988)), and the
batch B_n = ceil(c log n) that cools mini-batch dynamics in the same way, since their temperature is ~ 1/B.
Here log n is log(n + offset), with offset e by default, so that the value at n = 0 is c.
"""

import dataclasses
import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike

from thermobatch.foundation.arguments import checked_array, checked_integer, checked_real


@runtime_checkable
class Schedule(Protocol):
    """Anything that gives a value at every step."""

    def at(self, steps: ArrayLike) -> np.ndarray:
        """Return the values at the integers `steps` >= 0, in an array of the same shape."""


def _step_numbers(steps: ArrayLike) -> np.ndarray:
    """Step numbers as an integer array."""
    numbers = np.asarray(steps)
    if numbers.dtype.kind not in "iu" or (numbers.size and numbers.min() < 0):
        raise ValueError(f"steps = {steps!r}: must be integers >= 0")
    return numbers


@dataclass(frozen=True)
class Constant:
    """The same `value` at every step."""

    value: float

    def __post_init__(self):
        checked_real("value", self.value)

    def at(self, steps: ArrayLike) -> np.ndarray:
        """Return `value` at each of the integers `steps`: float64 of the same shape."""
        return np.full(_step_numbers(steps).shape, float(self.value))


@dataclass(frozen=True)
class Linear:
    """A straight line from `start` at step 0 to `stop` at step ``steps - 1``, and `stop` afterwards.

    With temperatures this is simulated annealing; with batch fractions, its mini-batch counterpart.
    """

    start: float
    stop: float
    steps: int

    def __post_init__(self):
        checked_real("start", self.start)
        checked_real("stop", self.stop)
        checked_integer("steps", self.steps, 2)

    def at(self, steps: ArrayLike) -> np.ndarray:
        """Return the values at the integers `steps`: float64 of the same shape."""
        fraction = np.minimum(_step_numbers(steps) / (self.steps - 1), 1.0)
        return self.start * (1.0 - fraction) + self.stop * fraction


@dataclass(frozen=True)
class Logarithmic:
    """Slow cooling: ``scale / log(n + offset)`` at step n; `scale` > 0, `offset` > 1."""

    scale: float
    offset: float = math.e

    def __post_init__(self):
        checked_real("scale", self.scale, 0.0, open_low=True)
        checked_real("offset", self.offset, 1.0, open_low=True)

    def at(self, steps: ArrayLike) -> np.ndarray:
        """Return the values at the integers `steps`: float64 of the same shape."""
        return self.scale / np.log(_step_numbers(steps) + self.offset)


@dataclass(frozen=True)
class GrowingBatch:
    """Slow cooling by the batch: ``ceil(scale * log(n + offset))`` at step n, at most `maximum` when given.

    `scale` > 0, `offset` > 1, so that every batch holds at least one sample.
    """

    scale: float
    offset: float = math.e
    maximum: int | None = None

    def __post_init__(self):
        checked_real("scale", self.scale, 0.0, open_low=True)
        checked_real("offset", self.offset, 1.0, open_low=True)
        if self.maximum is not None:
            checked_integer("maximum", self.maximum, 1)

    def at(self, steps: ArrayLike) -> np.ndarray:
        """Return the batch sizes at the integers `steps`: int64 of the same shape."""
        sizes = np.ceil(self.scale * np.log(_step_numbers(steps) + self.offset))
        return np.minimum(sizes, np.inf if self.maximum is None else self.maximum).astype(np.int64)


@dataclass(frozen=True)
class Tabulated:
    """``values[n]`` at step n, and the last value afterwards; for instance T(B_n) matched to batches B_n."""

    values: tuple[float, ...]

    def __post_init__(self):
        values = checked_array("values", self.values, (None,))
        if values.size == 0:
            raise ValueError("values: must not be empty")
        object.__setattr__(self, "values", tuple(values.tolist()))

    def at(self, steps: ArrayLike) -> np.ndarray:
        """Return the values at the integers `steps`: float64 of the same shape."""
        return np.asarray(self.values)[np.minimum(_step_numbers(steps), len(self.values) - 1)]


KINDS = {
    "constant": Constant,
    "linear": Linear,
    "logarithmic": Logarithmic,
    "growing_batch": GrowingBatch,
    "tabulated": Tabulated,
}


def schedule(description: Any, name: str = "schedule") -> Schedule:
    """Return the schedule that `description` means.

    Parameters
    ----------
    description : number, mapping, Schedule or 1-D array
        A number is constant; a mapping holds a ``kind`` (constant, linear, logarithmic, growing_batch or
        tabulated) and the fields of that kind, as in ``{"kind": "logarithmic", "scale": 1.0}``; an array or a
        list gives one value a step; a schedule is returned as it is.
    name : str
        What to call the argument in errors.

    Raises
    ------
    ValueError
        When `description` is none of these, or its kind or fields are not known.
    """
    if isinstance(description, np.ndarray | list | tuple) or getattr(description, "ndim", 0):
        return Tabulated(tuple(checked_array(name, description, (None,))))
    if isinstance(description, Schedule):  # not before arrays: those of pandas have an attribute `at` too
        return description
    if isinstance(description, Mapping):
        return _from_mapping(description, name)
    return Constant(checked_real(name, description))


def as_mapping(given: Schedule) -> dict[str, Any]:
    """Return a schedule of this module as plain data, which :func:`schedule` reads."""
    for kind, form in KINDS.items():
        if type(given) is form:
            return {"kind": kind, **dataclasses.asdict(given)}
    raise ValueError(f"schedule = {given!r}: only the schedules of this module are plain data")


def _from_mapping(description: Mapping[str, Any], name: str) -> Schedule:
    """Build a schedule from its plain data, naming whatever is unknown or missing."""
    fields = dict(description)
    kind = fields.pop("kind", None)
    if kind not in KINDS:
        nearest = difflib.get_close_matches(str(kind), KINDS, n=1)
        hint = f" (did you mean {nearest[0]}?)" if nearest else ""
        raise ValueError(f"{name}.kind = {kind!r}: must be one of {', '.join(KINDS)}{hint}")
    form = KINDS[kind]
    known = {field.name: field.default is dataclasses.MISSING for field in dataclasses.fields(form)}
    for key in fields:
        if key not in known:
            raise ValueError(f"{name}.{key}: not a field of a {kind} schedule, which has {', '.join(known)}")
    for key, required in known.items():
        if required and key not in fields:
            raise ValueError(f"{name}.{key}: missing, a {kind} schedule needs it")
    try:
        return form(**fields)
    except ValueError as error:
        raise ValueError(f"{name}.{error}") from None
