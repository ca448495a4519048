"""Losses of one sample, ``l(field, target)``, with their first two derivatives in the field.

The field is ``h = w.x``. The target is the teacher's field ``h0 = w*.x`` in the teacher-student setting and the label
(+1 in the gauge where every label is +1) for a mixture. The margin losses read the target's sign only.
The same objects serve the mean-field theory and the simulations.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from thermobatch.foundation.compilation import kernel

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
    """

    name: str
    terms: Terms
    largest_curvature: float = np.inf


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


def _filled(fill: Callable, *parameters: float) -> Terms:
    """Give a kernel that fills three arrays the signature of `Loss.terms`."""

    def terms(fields, targets):
        values, slopes, curvatures = (np.empty_like(fields) for _ in range(3))
        flat = (
            fields.ravel(),
            targets.ravel(),
            *parameters,
            values.ravel(),
            slopes.ravel(),
            curvatures.ravel(),
        )
        fill(*flat)
        return values, slopes, curvatures

    return terms


def square() -> Loss:
    """Return the square loss ``(h - h0)^2 / 2``."""
    return Loss("square", _filled(square_terms), 1.0)


def logistic() -> Loss:
    """Return the logistic loss ``log(1 + exp(-y h))`` with ``y = sign(target)``."""
    return Loss("logistic", _filled(logistic_terms), 0.25)


def squared_hinge(margin: float = 1.0) -> Loss:
    """Return the squared hinge loss ``max(0, margin - y h)^2 / 2`` with ``y = sign(target)``."""
    if not np.isfinite(margin):
        raise ValueError(f"margin = {margin!r}: must be a finite number")
    return Loss("squared_hinge", _filled(squared_hinge_terms, float(margin)), 1.0)


def tanh() -> Loss:
    """Return the non-convex loss ``(tanh h - tanh h0)^2 / 2`` (largest curvature: below 2)."""
    return Loss("tanh", _filled(tanh_terms), 2.0)


LOSSES = {"square": square, "logistic": logistic, "squared_hinge": squared_hinge, "tanh": tanh}


def custom_loss(
    name: str,
    value: Callable,
    slope: Callable | None,
    curvature: Callable | None,
    largest_curvature: float = np.inf,
) -> Loss:
    """Make a loss from the user's own functions.

    Parameters
    ----------
    name : str
        Name, stored in the Datasets.
    value, slope, curvature : callable
        ``f(h, target)``: the loss, dl/dh and d2l/dh2, for two float64 arrays of one shape: NumPy functions, or compiled
        with ``numba.njit``; decorate a scalar function that branches with ``numba.vectorize``.
    largest_curvature : float
        Supremum of |d2l/dh2|, if known.

    Returns
    -------
    Loss
        Accepted as `loss` by :func:`thermobatch.dmft` and :func:`thermobatch.glm_sgd`.

    Raises
    ------
    ValueError
        If a derivative is missing, a result is not a finite array of the argument's shape, or a derivative differs
        from the finite difference of the function before it (checked at random points; isolated kinks are allowed).
    """
    named = {"value": value, "slope": slope, "curvature": curvature}
    for argument, function in named.items():
        if not callable(function):
            raise ValueError(
                f"{argument} = {function!r}: must be a function of (field, target); a loss needs its value and its two "
                "derivatives in the field"
            )

    def terms(fields, targets):
        return tuple(
            np.broadcast_to(np.asarray(function(fields, targets), dtype=np.float64), fields.shape)
            for function in named.values()
        )

    _check_derivatives(name, terms)
    return Loss(name, terms, largest_curvature)


def _check_derivatives(name: str, terms: Terms) -> None:
    """Compare the derivatives with central differences; one point in ten may sit on a kink."""
    rng = np.random.default_rng(0)
    fields, targets = 2.0 * rng.standard_normal((2, 200))
    step = 1e-5
    try:
        here, above, below = (terms(fields + shift, targets) for shift in (0.0, step, -step))
    except Exception as error:
        raise ValueError(
            f"loss = {name!r}: its functions must take two float64 arrays (decorate scalar functions with "
            f"numba.vectorize); they fail with: {str(error).splitlines()[0]}"
        ) from error
    if not all(np.isfinite(array).all() for array in here):
        raise ValueError(f"loss = {name!r}: its value or a derivative is not finite at some |h| < 7")
    for order, argument in ((1, "slope"), (2, "curvature")):
        difference = (above[order - 1] - below[order - 1]) / (2.0 * step)
        wrong = np.abs(difference - here[order]) > 1e-4 * (1.0 + np.abs(difference))
        if wrong.mean() > 0.1:
            at = np.flatnonzero(wrong)[0]
            raise ValueError(
                f"{argument} of loss {name!r}: is {here[order][at]:.6g} at h = {fields[at]:.4g}, "
                f"target = {targets[at]:.4g}, but the finite difference is {difference[at]:.6g}"
            )


def get_loss(loss: str | Loss, margin: float | None = None) -> Loss:
    """Return a Loss from its name (``margin`` is for the squared hinge, default 1) or the Loss itself."""
    if isinstance(loss, Loss):
        if margin is not None:
            raise ValueError(
                f"margin = {margin!r}: goes with a loss given by name; give squared_hinge(margin) instead"
            )
        return loss
    if loss not in LOSSES:
        raise ValueError(
            f"loss = {loss!r}: must be one of {', '.join(LOSSES)}, or a thermobatch.mean_field.losses.Loss"
        )
    if loss == "squared_hinge":
        return squared_hinge(1.0 if margin is None else margin)
    if margin is not None:
        raise ValueError(f"margin = {margin!r}: only loss = 'squared_hinge' has a margin, not {loss!r}")
    return LOSSES[loss]()
