"""How focusing belief propagation raises the coupling gamma and the number y of replicas.

Source: Baldassi et al., PNAS 113, E7655 (2016), doi:10.1073/pnas.1608103113, and its supporting text. A
protocol is a list of steps (gamma, y); at each one messages are iterated until they converge or a number of
iterations is spent.
"""

from dataclasses import dataclass

import numpy as np

from thermobatch.foundation.arguments import checked_integer, checked_real, real_numbers
from thermobatch.foundation.read_only import ReadOnlyArrays

ITERATIONS = 50
"""Default of the most iterations at a step of the protocols that let the messages converge."""


@dataclass(frozen=True, eq=False)
class Protocol(ReadOnlyArrays):
    """A schedule of couplings.

    Attributes
    ----------
    name : str
    gamma : float64[steps], coupling of every replica to the centre, not negative, possibly infinite.
    replicas : float64[steps], number y of replicas, at least 1 (not necessarily an integer).
    iterations : int, most iterations at a step.
    """

    name: str
    gamma: np.ndarray
    replicas: np.ndarray
    iterations: int

    def __post_init__(self):
        given = {"gamma": self.gamma, "replicas": self.replicas}
        gamma, replicas = (np.atleast_1d(np.array(real_numbers(*v), dtype=float)) for v in given.items())
        if gamma.ndim != 1 or gamma.size == 0 or not np.all(gamma >= 0.0):
            raise ValueError(f"gamma = {self.gamma}: must be a list of numbers, none negative")
        if replicas.size == 1:
            replicas = np.full(gamma.size, replicas[0])
        if replicas.shape != gamma.shape or not np.all((replicas >= 1.0) & np.isfinite(replicas)):
            raise ValueError(
                f"replicas = {self.replicas}: must be a finite number of at least 1, or {gamma.size} of them,"
                " one for each gamma"
            )
        checked_integer("iterations", self.iterations, 1)
        gamma.setflags(write=False)
        replicas.setflags(write=False)
        object.__setattr__(self, "gamma", gamma)
        object.__setattr__(self, "replicas", replicas)

    def __reduce__(self):
        """Be made anew in another process: NumPy does not keep an array read-only."""
        return type(self), (self.name, self.gamma, self.replicas, self.iterations)


def reinforcement(step: float = 0.01, *, iterations: int = 1) -> Protocol:
    """Return the reinforcement protocol: gamma infinite, y = 1 / (1 - x), x = 0, step, 2 step, ... below 1.

    The message of the centre is then x / (1 - x) times the cavity field: the reinforcement of belief
    propagation.
    """
    ramp = _ramp(step)
    return Protocol("reinforcement", np.full(ramp.size, np.inf), 1.0 / (1.0 - ramp), iterations)


def pseudo_reinforcement(
    step: float = 0.01, *, exponent: float = 0.5, iterations: int = ITERATIONS
) -> Protocol:
    """Return the pseudo-reinforcement protocol: gamma = atanh rho^x, y = 1 + rho^(1 - 2x) / (1 - rho).

    Parameters
    ----------
    step : float
        Increase of rho between steps, in (0, 1); rho starts at `step`.
    exponent : float
        x, in (0, 0.5] (0 is plain reinforcement).
    iterations : int
        Most iterations at a step.
    """
    exponent = checked_real("exponent", exponent, 0.0, 0.5, open_low=True)
    rho = _ramp(step)[1:]
    if rho.size == 0:
        raise ValueError(f"step = {step}: must be below 0.5, so that rho takes a value between 0 and 1")
    replicas = 1.0 + rho ** (1.0 - 2.0 * exponent) / (1.0 - rho)
    return Protocol("pseudo", np.arctanh(rho**exponent), replicas, iterations)


def scoping(
    replicas: float = 7.0, *, largest: float = 3.0, step: float = 0.05, iterations: int = ITERATIONS
) -> Protocol:
    """Return the scoping protocol: y fixed, gamma = 0, step, 2 step, ... up to `largest`."""
    largest = checked_real("largest", largest, 0.0, open_low=True)
    step = checked_real("step", step, 0.0, largest, open_low=True)
    gamma = np.arange(round(largest / step) + 1) * step
    return Protocol("scoping", gamma, replicas, iterations)


def free(gamma: np.ndarray, replicas: float | np.ndarray, *, iterations: int = ITERATIONS) -> Protocol:
    """Return a protocol of the user's own couplings and numbers of replicas (one for all, or one each)."""
    return Protocol("free", gamma, replicas, iterations)


def _ramp(step: float) -> np.ndarray:
    """Multiples of `step` from 0 to below 1."""
    step = checked_real("step", step, 0.0, 1.0, open_low=True, open_high=True)
    ramp = np.arange(int(np.ceil(1.0 / step))) * step
    return ramp[ramp < 1.0 - 1e-9]
