"""Losses of one sample, ``l(field, target)``, with their first two derivatives in the field.

The field is ``h = w.x``. The target is the teacher's field ``h0 = w*.x`` in the teacher-student setting and the label
(+1 in the gauge where every label is +1) for a mixture. The margin losses read the target's sign only, so with samples
of the user's own they take no targets but +1 and -1.
The same objects serve the mean-field theory and the simulations.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numba.core.serialize import custom_reduce

from thermobatch.foundation.arguments import described, two_classes
from thermobatch.foundation.compilation import kernel
from thermobatch.mean_field import own_loss

Terms = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Loss:
    """A loss of one sample and its two derivatives.

    Parameters
    ----------
    name : str
        Name, stored in the Datasets.
    terms : callable
        ``terms(fields, targets)`` with two float64 arrays of one shape; returns three arrays of that shape: the loss,
        its slope dl/dh and its curvature d2l/dh2.
    largest_curvature : float
        Supremum of |d2l/dh2| (infinite if unknown); it enters the message about an unstable step.
    labels : bool, optional
        Whether it classifies: samples of the user's own then need targets +1 and -1. By default it does if only the
        sign of the target matters, or if a target 0 gives no slope at any field.

    Raises
    ------
    ValueError
        As :func:`custom_loss`, unless the terms are those of a built-in loss.
    """

    name: str
    terms: Terms
    largest_curvature: float = np.inf
    labels: bool | None = None

    def __post_init__(self):
        if not isinstance(self.terms, _Filled):
            own_loss.check(self.name, own_loss.functions_of(self.terms))
        if self.labels is None:
            object.__setattr__(self, "labels", own_loss.classifies(self.terms))

    def __reduce__(self):
        """Travel by value, as Numba's own functions do: a user's may have no name to be found by."""
        return custom_reduce(Loss, vars(self))

    @classmethod
    def _rebuild(cls, **fields) -> "Loss":
        """Be the same in another process."""
        return cls(**fields)

    def check_targets(self, targets: np.ndarray) -> None:
        """Refuse targets of own samples that are no labels, if the loss classifies: 0 would count as +1, or as nothing.

        All may be +1: that is the gauge y x, in which the label is in the inputs.
        """
        wrong = np.flatnonzero(np.abs(targets) != 1.0) if self.labels else ()
        if len(wrong):
            raise ValueError(
                f"targets[{wrong[0]}] = {targets[wrong[0]]:g}: must be labels +1 or -1 for loss = {self.name!r}"
                f"{two_classes('targets', targets)}; a regression loss, such as 'square', takes any number"
            )


@kernel
def square_terms(fields, targets, values, slopes, curvatures):
    """Square loss: l = (h - h0)^2 / 2."""
    for i in range(fields.size):
        residual = fields[i] - targets[i]
        values[i] = 0.5 * residual * residual
        slopes[i] = residual
        curvatures[i] = 1.0


@kernel
def logistic_terms(fields, targets, values, slopes, curvatures):
    """Logistic loss: l = log(1 + exp(-y h)), y = sign(target); no overflow for any field."""
    for i in range(fields.size):
        label = 1.0 if targets[i] >= 0.0 else -1.0
        aligned = label * fields[i]
        small = np.exp(-abs(aligned))
        wrong = small / (1.0 + small) if aligned > 0.0 else 1.0 / (1.0 + small)  # 1 / (1 + exp(y h))
        values[i] = np.log1p(small) + max(-aligned, 0.0)
        slopes[i] = -label * wrong
        curvatures[i] = wrong * (1.0 - wrong)


@kernel
def squared_hinge_terms(fields, targets, margin, values, slopes, curvatures):
    """Squared hinge: l = max(0, kappa - y h)^2 / 2, y = sign(target)."""
    for i in range(fields.size):
        label = 1.0 if targets[i] >= 0.0 else -1.0
        lack = margin - label * fields[i]
        violated = 1.0 if lack > 0.0 else 0.0
        values[i] = 0.5 * violated * lack * lack
        slopes[i] = -label * violated * lack
        curvatures[i] = violated


@kernel
def tanh_terms(fields, targets, values, slopes, curvatures):
    """Square loss of a saturating unit, not convex: l = (tanh h - tanh h0)^2 / 2."""
    for i in range(fields.size):
        output = np.tanh(fields[i])
        gain = 1.0 - output * output
        residual = output - np.tanh(targets[i])
        values[i] = 0.5 * residual * residual
        slopes[i] = residual * gain
        curvatures[i] = gain * (gain - 2.0 * output * residual)


KERNELS = {
    "square": square_terms,
    "logistic": logistic_terms,
    "squared_hinge": squared_hinge_terms,
    "tanh": tanh_terms,
}


@dataclass(frozen=True)
class _Filled:
    """The signature of `Loss.terms` for a kernel that fills three arrays; known by name, so that it can travel."""

    name: str
    parameters: tuple[float, ...] = ()

    def __call__(self, fields, targets):
        values, slopes, curvatures = (np.empty_like(fields) for _ in range(3))
        flat = (
            fields.ravel(),
            targets.ravel(),
            *self.parameters,
            values.ravel(),
            slopes.ravel(),
            curvatures.ravel(),
        )
        KERNELS[self.name](*flat)
        return values, slopes, curvatures


def square() -> Loss:
    """Return the square loss ``(h - h0)^2 / 2``."""
    return Loss("square", _Filled("square"), 1.0, labels=False)


def logistic() -> Loss:
    """Return the logistic loss ``log(1 + exp(-y h))`` with ``y = sign(target)``."""
    return Loss("logistic", _Filled("logistic"), 0.25, labels=True)


def squared_hinge(margin: float = 1.0) -> Loss:
    """Return the squared hinge loss ``max(0, margin - y h)^2 / 2`` with ``y = sign(target)``."""
    if not np.isfinite(margin):
        raise ValueError(f"margin = {margin!r}: must be a finite number")
    return Loss("squared_hinge", _Filled("squared_hinge", (float(margin),)), 1.0, labels=True)


def tanh() -> Loss:
    """Return the non-convex loss ``(tanh h - tanh h0)^2 / 2`` (largest curvature: below 2)."""
    return Loss("tanh", _Filled("tanh"), 2.0, labels=False)


LOSSES = {"square": square, "logistic": logistic, "squared_hinge": squared_hinge, "tanh": tanh}


def custom_loss(
    name: str,
    value: Callable,
    slope: Callable | None,
    curvature: Callable | None,
    largest_curvature: float = np.inf,
    labels: bool | None = None,
) -> Loss:
    """Make a loss from the user's own functions.

    Parameters
    ----------
    name : str
        Name, stored in the Datasets.
    value, slope, curvature : callable
        ``f(h, target)``: the loss, dl/dh and d2l/dh2, for two float64 arrays of one shape, entry by entry: NumPy
        functions, or compiled with ``numba.njit``; decorate a scalar function that branches with ``numba.vectorize``.
    largest_curvature : float
        Supremum of |d2l/dh2|, if known.
    labels : bool, optional
        Whether the loss classifies: targets of own samples must then be +1 or -1. By default it does if only the sign
        of the target matters, or if a target 0 gives no slope at any field.

    Returns
    -------
    Loss
        Accepted as `loss` by :func:`thermobatch.dmft` and :func:`thermobatch.glm_sgd`.

    Raises
    ------
    ValueError
        If a derivative is missing, a result is not a finite array of the argument's shape, a function changes its
        arguments or depends on more than them, or a derivative differs from the finite difference of the function
        before it (checked at random points; isolated kinks are allowed).
    """
    functions = {"value": value, "slope": slope, "curvature": curvature}
    for argument, function in functions.items():
        if not callable(function):
            raise ValueError(
                f"{argument} = {function!r}: must be a function of (field, target); a loss needs its value and its two "
                "derivatives in the field"
            )
    return Loss(name, own_loss.Terms(tuple(functions.values())), largest_curvature, labels)


def get_loss(loss: str | Loss, margin: float | None = None) -> Loss:
    """Return a Loss from its name (``margin`` is for the squared hinge, default 1) or the Loss itself."""
    if isinstance(loss, Loss):
        if margin is not None:
            raise ValueError(
                f"margin = {margin!r}: goes with a loss given by name; give squared_hinge(margin) instead"
            )
        return loss
    if not isinstance(loss, str) or loss not in LOSSES:
        raise ValueError(
            f"loss {described(loss)}: must be one of {', '.join(LOSSES)}, or a thermobatch.mean_field.losses.Loss"
        )
    if loss == "squared_hinge":
        return squared_hinge(1.0 if margin is None else margin)
    if margin is not None:
        raise ValueError(f"margin = {margin!r}: only loss = 'squared_hinge' has a margin, not {loss!r}")
    return LOSSES[loss]()
