"""What the functions of a user's own loss must do, and which of them does not."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from thermobatch.foundation.arguments import real_numbers

STEP = 1e-5  # of the finite differences
POINTS = 200  # at which the functions are tried


@dataclass(frozen=True)
class Terms:
    """Value, slope and curvature of (fields, targets), each broadcast to the shape of the fields."""

    functions: tuple[Callable, Callable, Callable]

    def __call__(self, fields: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, ...]:
        """Evaluate all three."""
        return tuple(
            np.broadcast_to(np.asarray(function(fields, targets), dtype=np.float64), fields.shape)
            for function in self.functions
        )


def functions_of(terms: Callable) -> dict[str, Callable]:
    """Return value, slope and curvature one by one, from ``terms(fields, targets)`` that returns all three."""
    parts = ("value", "slope", "curvature")
    if isinstance(terms, Terms):
        return dict(zip(parts, terms.functions, strict=True))
    return {part: lambda h, y, place=place: terms(h, y)[place] for place, part in enumerate(parts)}


def check(name: str, functions: dict[str, Callable]) -> None:
    """Raise a ValueError that names the function of the loss `name` which is not what it must be.

    Each is tried by itself first; then each derivative is compared with central differences of the function before it,
    where one point in ten may sit on a kink (its one-sided differences disagree) and one point in all be off for
    another reason.
    """
    fields, targets = 2.0 * np.random.default_rng(0).standard_normal((2, POINTS))
    here = [
        _tried(f"{argument} of loss {name!r}", function, fields, targets)
        for argument, function in functions.items()
    ]
    terms = Terms(tuple(functions.values()))
    above, below = terms(fields + STEP, targets), terms(fields - STEP, targets)
    arguments = tuple(functions)
    for order in (1, 2):
        difference = (above[order - 1] - below[order - 1]) / (2.0 * STEP)
        wrong = np.abs(difference - here[order]) > 1e-4 * (1.0 + np.abs(difference))
        forward, backward = (
            (there[order - 1] - back[order - 1]) / STEP for there, back in ((above, here), (here, below))
        )
        kinked = np.abs(forward - backward) > 0.01 * (1.0 + np.abs(difference))
        if wrong.mean() <= 0.1 and np.count_nonzero(wrong & ~kinked) <= 1:
            continue
        single, half = (np.array_equal(here[order - 1], here[order - 1].astype(kind)) for kind in "fe")
        if single and not half:  # the values of a step function are those of any precision
            raise ValueError(
                f"{arguments[order - 1]} of loss {name!r}: has the precision of float32, too coarse to compare with "
                f"the {arguments[order]}: must compute in float64, as its arguments are"
            )
        at = np.flatnonzero(wrong & ~kinked if (wrong & ~kinked).any() else wrong)[0]
        raise ValueError(
            f"{arguments[order]} of loss {name!r}: is {here[order][at]:.6g} at h = {fields[at]:.4g}, "
            f"target = {targets[at]:.4g}, but the finite difference of the {arguments[order - 1]} is "
            f"{difference[at]:.6g}"
        )


def classifies(terms: Callable) -> bool:
    """Whether a loss reads the target as a label: by its sign only, or so that a target near 0 gives hardly a slope."""
    fields, targets = 2.0 * np.random.default_rng(1).standard_normal((2, POINTS))
    usual, near_zero, signs, turned = (
        terms(fields, given) for given in (targets, np.full(POINTS, 1e-9), np.sign(targets), -targets)
    )
    sign_only = all(map(np.array_equal, usual, signs)) and not np.array_equal(usual[1], turned[1])
    return sign_only or bool(np.abs(near_zero[1]).max() < 1e-6 * np.abs(usual[1]).max())


def _tried(what: str, function: Callable, fields: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return what a function gives, after making sure that it is a function of its arguments, entry by entry."""
    result = _called(what, function, fields, targets)
    if not np.isfinite(result).all():
        at = np.flatnonzero(~np.isfinite(result))[0]
        raise ValueError(
            f"{what}: is {result[at]} at h = {fields[at]:.4g}, target = {targets[at]:.4g}: must be finite everywhere"
        )
    if not np.array_equal(result, _called(what, function, fields, targets)):
        raise ValueError(f"{what}: gives other numbers when called again: must depend on its arguments only")
    half = POINTS // 2
    part = _called(what, function, fields[half:], targets[half:])
    if not np.allclose(result[half:], part, rtol=1e-9, atol=1e-12):
        raise ValueError(
            f"{what}: an entry depends on the others: must be a function of one field and one target"
        )
    return result


def _called(what: str, function: Callable, fields: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return float64 of the arguments' shape, or say how a call fails."""
    given = fields.copy(), targets.copy()
    try:
        result = function(*given)
    except Exception as error:
        lines = str(error).splitlines() or [""]
        raise ValueError(
            f"{what}: must take two float64 arrays (decorate a scalar function with numba.vectorize); "
            f"it fails with {type(error).__name__}{': ' if lines[0] else ''}{lines[0]}"
        ) from error
    for argument, before, after in zip(("field", "target"), (fields, targets), given, strict=True):
        if not np.array_equal(before, after):
            raise ValueError(
                f"{what}: changes its argument {argument} in place: must leave it (work on a copy)"
            )
    array = real_numbers(f"{what}: what it returns", result, "an array of real numbers", kinds="biuf")
    if array.shape not in ((), fields.shape):
        raise ValueError(
            f"{what}: returns shape {array.shape} for {fields.shape}: must be the shape of its arguments"
        )
    return np.broadcast_to(array.astype(np.float64), fields.shape)
