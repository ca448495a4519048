"""Loss landscapes of a continuous position, in which a mini-batch of a finite data set makes the noise.

A landscape is L(w) = (1/N) sum_mu l_mu(w), w in R^d. Two kinds of samples mu = 1..N make the noise of a
mini-batch:

*additive*
    l_mu(w) = L(w) + xi_mu . w with sum_mu xi_mu = 0: the noise does not depend on w. With covariance sigma^2
    I it is the case in which SGD is a Langevin process at temperature eta sigma^2 / (2B).
*regression*
    l_mu(w) = (x_mu . w - y_mu)^2 / 2: natural mini-batch noise, whose covariance is nearly proportional to
    the Hessian and depends on w.

The double well and the rugged landscape are those of the popular accounts of SGD as a Langevin process; their
parameters and the samples are our choice (science note 4).
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import scipy
from numpy.typing import ArrayLike

from thermobatch.foundation.arguments import checked_array, checked_integer, checked_real, real_numbers
from thermobatch.foundation.streams import Seed, seed_sequence
from thermobatch.langevin.own_functions import CheckedFunction
from thermobatch.langevin.potentials import DoubleWell, Quadratic, Rugged, energies, gradients

Box = tuple[np.ndarray, np.ndarray]
LARGEST_TILT = 8 / (3 * np.sqrt(3.0))  # of a double well of barrier 1 that still has two minima


class AdditiveSamples(NamedTuple):
    """Offsets xi, float64[N, d], of the sample gradients: columns of mean zero."""

    offsets: np.ndarray


class RegressionSamples(NamedTuple):
    """Inputs x, float64[N, d], and labels y, float64[N], of a linear regression."""

    inputs: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True, eq=False)
class Landscape:
    """A loss landscape (made by the functions of this module).

    Attributes
    ----------
    name : str
        What it is called in the attributes of datasets.
    dimension : int
        d, the number of components of a position.
    potential : NamedTuple
        The form of L and its parameters, as kernels take them (:mod:`thermobatch.langevin.potentials`).
    samples : AdditiveSamples, RegressionSamples or None
        The finite data set that mini-batches are drawn from; None leaves only gradient descent and Langevin.
    start : (float64[d], float64[d])
        Lower and upper corners of the box in which runs start, uniformly.
    basin : (float64[d], float64[d]) or None
        Corners of the box that is the basin of the global minimum; None where there is one minimum, or two as
        deep.
    minimum : float64[d] or None
        The global minimum where it is known in closed form.
    checked : tuple of CheckedFunction
        Energy and gradient of the user's own, with bounds checks; empty for the forms of this package.
    """

    name: str
    dimension: int
    potential: NamedTuple
    samples: AdditiveSamples | RegressionSamples | None
    start: Box
    basin: Box | None = None
    minimum: np.ndarray | None = None
    checked: tuple[CheckedFunction, ...] = ()

    @property
    def sample_count(self) -> int:
        """N, the number of samples (0 without samples)."""
        return 0 if self.samples is None else len(self.samples[0])

    @property
    def description(self) -> str:
        """The name with the parameters of the form and the number of samples, for attributes of datasets."""
        words = {"dimension": self.dimension, "samples": self.sample_count}
        words |= {k: v for k, v in self.potential._asdict().items() if isinstance(v, float)}
        return f"{self.name}({', '.join(f'{key}={value:g}' for key, value in words.items())})"

    def energy(self, positions: ArrayLike) -> np.ndarray:
        """Return L at `positions`, float64[..., d], as float64[...]."""
        rows, shape = self._rows(positions)
        for function in self.checked[:1]:
            function.refuse_failures(rows)
        values = np.empty(len(rows))
        energies(self.potential, rows, values)
        return values.reshape(shape)

    def gradient(self, positions: ArrayLike) -> np.ndarray:
        """Return the gradient of L at `positions`, float64[..., d], in the same shape."""
        rows, shape = self._rows(positions)
        for function in self.checked[1:]:
            function.refuse_failures(rows)
        values = np.empty_like(rows)
        gradients(self.potential, rows, values)
        return values.reshape(*shape, self.dimension)

    def sample_gradients(self, position: ArrayLike) -> np.ndarray:
        """Return the gradients of all l_mu at one `position`, float64[d], as float64[N, d]."""
        place = checked_array("position", position, (self.dimension,))
        if self.samples is None:
            raise ValueError(f"landscape = {self.name}: has no samples (give it some with with_samples)")
        if isinstance(self.samples, AdditiveSamples):
            return self.gradient(place) + self.samples.offsets
        residuals = self.samples.inputs @ place - self.samples.labels
        return residuals[:, None] * self.samples.inputs

    def gradient_noise(self, position: ArrayLike) -> np.ndarray:
        """Return the covariance over the N samples of their gradients at `position`, as float64[d, d]."""
        noise = self.sample_gradients(position)
        noise = noise - noise.mean(axis=0)
        return noise.T @ noise / len(noise)

    def contains_basin(self, positions: ArrayLike) -> np.ndarray:
        """Return whether `positions`, float64[..., d], are in the global minimum's basin, as bool[...]."""
        if self.basin is None:
            raise ValueError(f"landscape = {self.name}: has no basin of one global minimum")
        rows, shape = self._rows(positions)
        return np.all((rows > self.basin[0]) & (rows < self.basin[1]), axis=1).reshape(shape)

    def with_samples(self, samples: int | ArrayLike, variance: float = 1.0, seed: Seed = 0) -> "Landscape":
        """Return the same landscape with a finite data set of additive noise.

        Parameters
        ----------
        samples : int or float64[N, d]
            N > d: Gaussian offsets with mean exactly zero and covariance exactly `variance` times the
            identity. An array: the offsets themselves, of mean zero (`variance` and `seed` are then not
            used).
        variance : float
            sigma^2 > 0, the variance of each component of the gradient of one sample.
        seed : int or SeedSequence
            Of the Gaussian offsets.

        Raises
        ------
        ValueError
            When N is too small, or given offsets do not have mean zero.
        """
        if not isinstance(samples, int | np.integer):
            offsets = checked_array("samples", samples, (None, self.dimension))
            if len(offsets) == 0 or np.abs(offsets.mean(axis=0)).max() > 1e-12 * np.abs(offsets).max():
                raise ValueError("samples: the mean offset must be zero (else it would tilt the landscape)")
        else:
            count = checked_integer("samples", samples, self.dimension + 1)
            offsets = _white_offsets(count, self.dimension, seed)
            offsets *= np.sqrt(checked_real("variance", variance, 0.0, open_low=True))
        return replace(self, samples=AdditiveSamples(offsets))

    def _rows(self, positions: ArrayLike) -> tuple[np.ndarray, tuple[int, ...]]:
        """Positions as rows, and the shape they had without the last axis."""
        array = np.ascontiguousarray(real_numbers("positions", positions), dtype=np.float64)
        if array.ndim == 0 or array.shape[-1] != self.dimension:
            raise ValueError(f"positions has shape {array.shape}: its last axis must be {self.dimension}")
        return array.reshape(-1, self.dimension), array.shape[:-1]


def quadratic(hessian: ArrayLike, minimum: ArrayLike | None = None) -> Landscape:
    """Return L = (w - w0) H (w - w0) / 2, without samples (give it additive noise with ``with_samples``).

    Parameters
    ----------
    hessian : float64[d, d]
        H, symmetric and positive definite.
    minimum : float64[d], optional
        w0; the origin by default. Runs start there.

    Returns
    -------
    Landscape
        Of dimension d, without samples and without a basin.
    """
    matrix = checked_array("hessian", hessian, (None, None))
    square = matrix.shape[0] == matrix.shape[1] > 0
    if not square or not np.allclose(matrix, matrix.T, rtol=1e-12, atol=0.0):
        raise ValueError(f"hessian has shape {matrix.shape}: must be a symmetric square matrix")
    lowest = np.linalg.eigvalsh(matrix)[0]
    if lowest <= 0.0:
        raise ValueError(f"hessian: its lowest eigenvalue is {lowest:g}: must be > 0")
    place = np.zeros(len(matrix)) if minimum is None else checked_array("minimum", minimum, (len(matrix),))
    potential = Quadratic(matrix, place, 0.0)
    return Landscape("quadratic", len(matrix), potential, None, (place, place), minimum=place)


def regression(inputs: ArrayLike, labels: ArrayLike) -> Landscape:
    """Return the landscape of a linear regression, L = (1/2N) sum_mu (x_mu . w - y_mu)^2, with its N samples.

    Parameters
    ----------
    inputs : float64[N, d]
        x, of rank d.
    labels : float64[N]
        y.

    Returns
    -------
    Landscape
        Of dimension d, with its samples; runs start at the minimum.
    """
    x = checked_array("inputs", inputs, (None, None))
    y = checked_array("labels", labels, (len(x),))
    rank = int(np.linalg.matrix_rank(x)) if x.size else 0
    if rank < x.shape[1] or rank == 0:
        raise ValueError(f"inputs has rank {rank}: must be {x.shape[1]} (its columns), else no one minimum")
    minimum = np.linalg.lstsq(x, y, rcond=None)[0]
    potential = Quadratic(x.T @ x / len(x), minimum, float(0.5 * np.mean((x @ minimum - y) ** 2)))
    samples = RegressionSamples(x, y)
    return Landscape("regression", x.shape[1], potential, samples, (minimum, minimum), minimum=minimum)


def gaussian_regression(
    samples: int = 1000, scales: ArrayLike = (0.5, 1.0, 1.5), label_noise: float = 1.0, seed: Seed = 0
) -> Landscape:
    """Return the regression of Gaussian data: x_i ~ N(0, scales_i^2), y = sum_i x_i + label_noise N(0, 1).

    Parameters
    ----------
    samples : int
        N, at least the number of scales.
    scales : float64[d]
        Standard deviations of the inputs, > 0: the Hessian has eigenvalues near their squares.
    label_noise : float
        Standard deviation >= 0 of the labels around the teacher.
    seed : int or SeedSequence
        Of the data.

    Returns
    -------
    Landscape
        That of :func:`regression`.
    """
    spread = checked_array("scales", scales, (None,))
    if spread.size == 0 or spread.min() <= 0.0:
        raise ValueError(f"scales = {spread.tolist()}: must be positive numbers, at least one")
    count = checked_integer("samples", samples, spread.size)
    noise = checked_real("label_noise", label_noise, 0.0)
    generator = np.random.default_rng(seed_sequence(seed))
    inputs = generator.standard_normal((count, spread.size)) * spread
    return regression(inputs, inputs.sum(axis=1) + noise * generator.standard_normal(count))


def double_well(barrier: float = 0.1, tilt: float = 0.04) -> Landscape:
    """Return the tilted double well L = barrier (x^2 - 1)^2 + tilt x, whose left minimum is the global one.

    Parameters
    ----------
    barrier : float
        Height > 0 of the barrier without tilt.
    tilt : float
        In [0, 1.5396 barrier), so that there are two minima.

    Returns
    -------
    Landscape
        Of dimension 1, without samples; runs start uniformly in [-1.5, 1.5].
    """
    height = checked_real("barrier", barrier, 0.0, open_low=True)
    slope = checked_real("tilt", tilt, 0.0, height * LARGEST_TILT, open_high=True)
    left, top, _ = np.sort(np.roots([4.0 * height, 0.0, -4.0 * height, slope]).real)
    basin = (np.array([-np.inf]), np.array([top])) if slope else None
    return Landscape(
        name="double_well",
        dimension=1,
        potential=DoubleWell(height, slope),
        samples=None,
        start=(np.array([-1.5]), np.array([1.5])),
        basin=basin,
        minimum=np.array([left]) if slope else None,
    )


def rugged(
    curvature: float = 0.05, amplitude: float = 0.3, wavenumber: float = 2.5, dimension: int = 2
) -> Landscape:
    """Return the rugged bowl L = sum_i [curvature x_i^2 + amplitude (1 - cos(wavenumber x_i))].

    Its global minimum is the origin. Runs start uniformly in [-6, 6]^d. The basin of the global minimum is
    the cube |x_i| < x_b that gradient flow keeps, where x_b is the first maximum of one term.

    Parameters
    ----------
    curvature, amplitude, wavenumber : float
        > 0, >= 0 and > 0.
    dimension : int
        d >= 1.

    Returns
    -------
    Landscape
        Of dimension d, without samples.
    """
    bowl = checked_real("curvature", curvature, 0.0, open_low=True)
    height = checked_real("amplitude", amplitude, 0.0)
    wave = checked_real("wavenumber", wavenumber, 0.0, open_low=True)
    size = checked_integer("dimension", dimension, 1)
    edge = _rugged_basin_edge(bowl, height, wave)
    return Landscape(
        name="rugged",
        dimension=size,
        potential=Rugged(bowl, height, wave),
        samples=None,
        start=(np.full(size, -6.0), np.full(size, 6.0)),
        basin=None if edge is None else (np.full(size, -edge), np.full(size, edge)),
        minimum=np.zeros(size),
    )


def _rugged_basin_edge(curvature: float, amplitude: float, wavenumber: float) -> float | None:
    """First maximum at x > 0 of one term of the rugged landscape; None where it has a single minimum."""

    def slope(x):
        return 2.0 * curvature * x + amplitude * wavenumber * np.sin(wavenumber * x)

    bend = 2.0 * curvature / (amplitude * wavenumber**2) if amplitude else np.inf
    if bend >= 1.0:
        return None
    # where the slope is least, beyond pi / wavenumber
    steepest = (2.0 * np.pi - np.arccos(-bend)) / wavenumber
    if slope(steepest) >= 0.0:
        return None
    return float(scipy.optimize.brentq(slope, np.pi / wavenumber, steepest, xtol=1e-14))


def _white_offsets(count: int, dimension: int, seed: Seed) -> np.ndarray:
    """Gaussian rows of mean exactly zero and covariance exactly the identity (to rounding)."""
    offsets = np.random.default_rng(seed_sequence(seed)).standard_normal((count, dimension))
    offsets -= offsets.mean(axis=0)
    factor = np.linalg.cholesky(offsets.T @ offsets / count)
    offsets = np.linalg.solve(factor, offsets.T).T
    return np.ascontiguousarray(offsets - offsets.mean(axis=0))
