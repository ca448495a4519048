"""Generalised linear models on Gaussian data: teacher-student, a mixture of two clusters, or the user's own samples.

Inputs are normalised so that fields ``h = w.x`` are of order 1 for weights of order 1: ``x ~ N(0, Sigma / d)``. Sigma
is diagonal (the model is invariant under rotations), with the levels of a
:class:`thermobatch.mean_field.spectra.Spectrum`; teacher and start have exactly the norms
|w*|^2 = d, |r0|^2 = q0 d and are orthogonal, within every level, because the random fluctuations of these numbers are
of order d^-1/2 and would cover the effects studied.
"""

from dataclasses import dataclass

import numpy as np

from thermobatch.foundation.arguments import checked_integer, checked_real, real_numbers
from thermobatch.foundation.docstrings import described_like
from thermobatch.foundation.streams import Seed, seed_sequence
from thermobatch.mean_field.spectra import IDENTITY, Spectrum


@dataclass(frozen=True, eq=False)
class GLMSamples:
    """Samples of a generalised linear model.

    Parameters
    ----------
    inputs : ndarray, float64[n, d]
        One sample a row.
    targets : ndarray, float64[n]
        Second argument of the loss: teacher field, or label.
    teacher : ndarray, float64[d], optional
        w*, for the magnetization.
    input_variance : ndarray, float64[d], optional
        d times the variance of each input, for the test error on new data.
    level_sizes : tuple of int
        Sizes of the runs of directions with one variance; their sum is d.
    data : {"teacher", "mixture", "own"}
        Origin.
    """

    inputs: np.ndarray
    targets: np.ndarray
    teacher: np.ndarray | None
    input_variance: np.ndarray | None
    level_sizes: tuple[int, ...]
    data: str

    @property
    def dimension(self) -> int:
        """Number of weights d."""
        return self.inputs.shape[1]

    @property
    def samples(self) -> int:
        """Number of samples n."""
        return self.inputs.shape[0]


def teacher_student(d: int, alpha: float, spectrum: Spectrum = IDENTITY, seed: Seed = 0) -> GLMSamples:
    """Draw round(alpha d) inputs of covariance Sigma / d with the teacher's fields h0 = w*.x as targets.

    Parameters
    ----------
    d : int
        Dimension.
    alpha : float
        Samples per dimension.
    spectrum : Spectrum
        Levels of Sigma.
    seed : int or numpy.random.SeedSequence
        Seed.

    Returns
    -------
    GLMSamples
        Accepted as `data` by :func:`thermobatch.glm_sgd`.

    Raises
    ------
    ValueError
        If d or alpha leaves no sample, or d is too small for the levels.
    """
    rng, teacher, variance, sizes = _draw_teacher(d, spectrum, seed)
    inputs = rng.standard_normal((_sample_count(d, alpha), d))
    inputs *= np.sqrt(variance / d)
    return GLMSamples(inputs, np.einsum("ni,i->n", inputs, teacher), teacher, variance, sizes, "teacher")


@described_like(teacher_student)
def gaussian_mixture(
    d: int, alpha: float, variance: float = 1.0, spectrum: Spectrum = IDENTITY, seed: Seed = 0
) -> GLMSamples:
    """Draw round(alpha d) inputs of two clusters at +- w*/d, in the gauge where every label is +1 (y x instead of x).

    Parameters
    ----------
    d, alpha
        As in :func:`teacher_student`.
    variance : float
        Delta: the covariance within a cluster is Delta Sigma / d.
    spectrum, seed
        As in :func:`teacher_student`.

    Returns
    -------
    GLMSamples
        Accepted as `data` by :func:`thermobatch.glm_sgd`.

    Raises
    ------
    ValueError
        If an argument is out of range.
    """
    checked_real("variance", variance, 0.0, open_low=True)
    rng, teacher, levels, sizes = _draw_teacher(d, spectrum, seed)
    inputs = rng.standard_normal((_sample_count(d, alpha), d))
    inputs *= np.sqrt(variance * levels / d)
    inputs += teacher / d
    return GLMSamples(inputs, np.ones(len(inputs)), teacher, variance * levels, sizes, "mixture")


def own_samples(inputs: np.ndarray, targets: np.ndarray, teacher: np.ndarray | None = None) -> GLMSamples:
    """Take the user's own samples.

    Parameters
    ----------
    inputs : array_like, float[n, d]
        One sample a row, scaled so that w.x is of order 1.
    targets : array_like, float[n]
        Targets of a regression loss ("square", "tanh"); labels +1 and -1 for one that classifies ("logistic",
        "squared_hinge"; all +1 if the inputs are multiplied by their labels).
    teacher : array_like, float[d], optional
        Direction whose overlap is the magnetization.

    Returns
    -------
    GLMSamples
        Accepted as `data` by :func:`thermobatch.glm_sgd`.

    Raises
    ------
    ValueError
        If shapes do not match, an entry is no finite number, or the teacher is zero.
    """
    inputs = np.array(real_numbers("inputs", inputs), dtype=np.float64, order="C")
    targets = np.array(real_numbers("targets", targets, "numbers, or labels +1 and -1"), dtype=np.float64)
    if inputs.ndim != 2 or inputs.size == 0:
        raise ValueError(f"inputs of shape {inputs.shape}: must be [samples, dimension], not empty")
    if targets.shape != inputs.shape[:1]:
        raise ValueError(
            f"targets of shape {targets.shape}: must be [{inputs.shape[0]}], one for each row of inputs"
        )
    if teacher is not None:
        teacher = np.array(real_numbers("teacher", teacher), dtype=np.float64)
        if teacher.shape != inputs.shape[1:]:
            raise ValueError(
                f"teacher of shape {teacher.shape}: must be [{inputs.shape[1]}], one for each column of inputs"
            )
        if not teacher.any():
            raise ValueError("teacher: is zero, which is no direction: must have a component, or be left out")
    for name, array in (("inputs", inputs), ("targets", targets), ("teacher", teacher)):
        if array is not None and not np.isfinite(array).all():
            raise ValueError(f"{name}: must hold finite numbers only")
    return GLMSamples(inputs, targets, teacher, None, (inputs.shape[1],), "own")


def start_weights(samples: GLMSamples, m0: float, q0: float, rng: np.random.Generator) -> np.ndarray:
    """Return ``m0 w* + r0``, float64[d]: |r0|^2 = q0 d and r0 orthogonal to w*, exactly, in every level.

    Raises
    ------
    ValueError
        If m0 is not 0 and the samples have no teacher, or q0 is not 0 and there is no direction besides the teacher's.
    """
    if samples.teacher is None and m0 != 0.0:
        raise ValueError(f"m0 = {m0!r}: must be 0 for samples without a teacher")
    weights = np.empty(samples.dimension)
    first = 0
    for size in samples.level_sizes:
        here = slice(first, first + size)
        rest = rng.standard_normal(size)
        along = np.zeros(size) if samples.teacher is None else samples.teacher[here]
        if along.any() and size == 1:
            if q0 != 0.0:
                raise ValueError(
                    f"teacher: in one dimension no start r0 is orthogonal to it (q0 = {q0!r}): must be left out, "
                    "or give q0 = 0"
                )
            rest[:] = 1.0  # of weight 0
        elif along.any():
            rest -= along * (np.sum(rest * along) / np.sum(along**2))
        weights[here] = m0 * along + rest * np.sqrt(q0 * size / np.sum(rest**2))
        first += size
    return weights


def _sample_count(d: int, alpha: float) -> int:
    """Return the number of samples, checked."""
    count = round(checked_real("alpha", alpha, 0.0, open_low=True) * d)
    if count < 1:
        raise ValueError(f"alpha = {alpha!r}: leaves no sample at d = {d}")
    return count


def _draw_teacher(
    d: int, spectrum: Spectrum, seed: Seed
) -> tuple[np.random.Generator, np.ndarray, np.ndarray, tuple[int, ...]]:
    """Draw w* with |w*|^2 = size in every level; return also the variance of each direction and the levels' sizes."""
    counts = spectrum.counts(checked_integer("d", d, 2))
    if counts.min() < 2:
        raise ValueError(
            f"d = {d}: too small: every covariance level needs 2 directions, they would have {counts.tolist()}"
        )
    rng = np.random.default_rng(seed_sequence(seed))
    teacher = rng.standard_normal(d)
    for part in np.split(teacher, np.cumsum(counts)[:-1]):
        part *= np.sqrt(part.size / np.sum(part**2))
    return rng, teacher, np.repeat(spectrum.eigenvalues, counts), tuple(int(count) for count in counts)
