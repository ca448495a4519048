"""March the causal mean-field equations of SGD with one population of paths.

Notation (GTMKZ, arXiv:2210.06591, in discrete time with the step eta finite): a path is one training sample; its field
is ``h^t = sum_k m_k^t h0_k + hh_k^t``, k running over the covariance levels (variance sigma_k, fraction p_k; one level
sigma = p = 1 for the identity). With ``g^t = s^t l'(h^t, target)``, for plain SGD,

    hh_k^{t+1} = (1 - eta lambda) hh_k^t - eta [ u_k^t + sigma_k sum_{r<=t} R_g(t, r) hh_k^r + p_k sigma_k g^t ],
    m_k^{t+1}  = (1 - eta lambda) m_k^t  - eta alpha E[g^t h0_k] / p_k,
    <u_k^t u_k^r> = p_k sigma_k^2 C_g(t, r),   C_g(t, r) = alpha E[g^t g^r],
    C_k(t+1, t') = (1 - eta lambda) C_k(t, t') - eta alpha E[g^t h_k^{t'}]   for all t' <= t + 1,

and R_g as in :mod:`thermobatch.mean_field.theory.dmft_response`. Everything at t + 1 needs only what is known at t, so
there is no fixed point to iterate. Teacher data: h0_k ~ N(0, p_k sigma_k), target = h0. Mixture of two clusters, in the
gauge where every label is +1: h0_k ~ N(p_k, p_k sigma_k), target = 1, sigma_k including the clusters' variance Delta.

Two replicas with independent batches are followed as ``h_+- = (h_1 +- h_2) / sqrt(2)``: the two have independent
noises, of covariances alpha E[g_+- g_+-], and a common R_g; only the loss mixes them. The averages over the present
batch are done exactly: E[g^t f] = E[s-bar^t l'_t f], s-bar being the mean of s^t given the past.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from thermobatch.foundation.arguments import checked_choice, checked_real
from thermobatch.foundation.row_sums import combine, project, project_and_combine
from thermobatch.mean_field.losses import Loss
from thermobatch.mean_field.settings import DATA, SGDSettings
from thermobatch.mean_field.spectra import IDENTITY, Spectrum
from thermobatch.mean_field.theory.dmft_basis import extend_basis
from thermobatch.mean_field.theory.dmft_population import Population
from thermobatch.mean_field.theory.dmft_response import PathResponse, lookahead_memory, weight_response


@dataclass(frozen=True)
class GaussianModel:
    """Where the samples come from.

    Parameters
    ----------
    alpha : float
        Samples per dimension.
    data : {"teacher", "mixture"}
        Gaussian inputs with the field of a teacher as target, or two clusters at +- the teacher direction.
    variance : float
        Delta, variance within the clusters (mixture only).
    spectrum : Spectrum
        Covariance of the inputs (of each cluster, in units of Delta).
    """

    alpha: float
    data: str = "teacher"
    variance: float = 1.0
    spectrum: Spectrum = IDENTITY

    def __post_init__(self):
        checked_real("alpha", self.alpha, 0.0, open_low=True)
        checked_choice("data", self.data, DATA)
        checked_real("variance", self.variance, 0.0, open_low=True)
        if self.data == "teacher" and self.variance != 1.0:
            raise ValueError(
                f"variance = {self.variance!r}: is for data = 'mixture'; use spectrum for a teacher"
            )

    @property
    def sigma(self) -> np.ndarray:
        """Variance of each covariance level, float64[K]."""
        return self.variance * np.asarray(self.spectrum.eigenvalues)

    @property
    def fraction(self) -> np.ndarray:
        """Fraction of the directions in each level, float64[K]."""
        return np.asarray(self.spectrum.fractions)


class PathSolution(NamedTuple):
    """What one population gives; time runs over 0..T, channels are + and - for replicas, one otherwise."""

    magnetization: np.ndarray  # [T + 1, K]
    loss: np.ndarray  # [T + 1]
    correlation: np.ndarray  # [channels, K, T + 1, T + 1]
    response: np.ndarray  # [K, T + 1, T + 1]
    memory_kernel: np.ndarray  # [T, T], R_g
    final_field: np.ndarray  # [n]
    target: np.ndarray  # [n]


class PathSolver:
    """One population of paths marching in time.

    Parameters
    ----------
    model : GaussianModel
        Data.
    loss : Loss
        Loss of a sample.
    settings : SGDSettings
        Parameters of SGD.
    population : Population
        Gaussian variables of the paths.
    rng : numpy.random.Generator
        Source of the batches.
    exact_response : bool
        Follow every response function instead of one random combination.
    """

    def __init__(
        self,
        model: GaussianModel,
        loss: Loss,
        settings: SGDSettings,
        population: Population,
        rng: np.random.Generator,
        exact_response: bool = False,
    ):
        self.model, self.loss, self.settings = model, loss, settings
        self.population, self.rng = population, rng
        self.sigma, self.fraction = model.sigma, model.fraction
        self.channels = settings.replicas
        steps, paths, levels = settings.steps, population.paths, self.sigma.size
        two_times = (levels, steps + 1, steps + 1)
        self.response = PathResponse(settings, self.sigma, self.fraction, paths, exact_response)
        self.history = np.zeros((self.channels, levels, steps + 1, paths))  # hh
        self.basis = np.zeros((self.channels, steps, paths))  # orthonormal basis of the g^t
        self.factors = np.zeros((self.channels, steps, steps))  # C_g = factor factor^T
        self.kernel = np.zeros((steps, steps))  # R_g
        self.magnetization = np.empty((steps + 1, levels))
        self.correlation = np.zeros((self.channels, *two_times))
        self.weight_response = np.zeros(two_times)
        noises = steps if self.channels == 2 else 0
        self.answers = np.zeros((levels, steps + 1, noises))  # of w_- to unit white noise
        self.losses = np.empty(steps + 1)
        self.in_batch: list[np.ndarray | None] = [None] * self.channels
        self._start()

    def _start(self) -> None:
        """Set time 0: both replicas have the same weights, so the - channel is 0."""
        model, settings = self.model, self.settings
        deviation = np.sqrt(self.fraction * self.sigma)[:, None]
        mean = self.fraction[:, None] if model.data == "mixture" else 0.0
        self.teacher = mean + deviation * self.population.teacher  # h0_k
        self.target = np.ones(self.population.paths) if model.data == "mixture" else self.teacher.sum(axis=0)
        self.history[0, :, 0] = np.sqrt(self.channels * settings.q0) * deviation * self.population.start
        self.magnetization[0] = settings.m0
        self.correlation[0, :, 0, 0] = self.channels * (settings.m0**2 + settings.q0) * self.fraction
        self.weight_response[:, 0, 0] = 1.0
        self.norm_square = settings.m0**2 + settings.q0

    def run(self, progress: Callable[[int], object] | None = None) -> PathSolution:
        """March to the last step; `progress` is told the steps done."""
        for t in range(self.settings.steps):
            self._step(t)
            if progress is not None:
                progress(t + 1)
        fields = self._fields(self.settings.steps)
        self.losses[-1] = self.loss.terms(fields, np.broadcast_to(self.target, fields.shape))[0].mean()
        return PathSolution(
            self.magnetization,
            self.losses,
            self.correlation,
            self.weight_response,
            self.kernel,
            fields[0],
            self.target,
        )

    def _fields(self, t: int) -> np.ndarray:
        """Return h^t of each replica, float64[replicas, n]."""
        shared = np.einsum("k,ki->i", self.magnetization[t], self.teacher)
        return shared + rotate_replicas(self.history[:, :, t].sum(axis=1))

    def _step(self, t: int) -> None:
        """March every quantity from t to t + 1."""
        settings = self.settings
        fields = self._fields(t)
        target = np.broadcast_to(self.target, fields.shape)
        values, slopes, curvatures = self.loss.terms(fields, target)
        self.losses[t] = values.mean()
        if settings.nesterov:
            ahead, behind = settings.lookahead
            _, slopes, curvatures = self.loss.terms(
                ahead * fields + behind * self._fields(max(t - 1, 0)), target
            )
        expected, drawn = self._draw_batches()
        force, expected_force = rotate_replicas(drawn * slopes), rotate_replicas(expected * slopes)
        square = self._force_square(slopes, expected)

        for channel in range(self.channels):
            row = self.factors[channel, t, : t + 1]
            extend_basis(self.basis[channel], force[channel], row)
            row *= np.sqrt(self.model.alpha)
        kernel = self.model.alpha * self.response.kernel_row(t, expected * curvatures)
        self.kernel[t, : t + 1] = kernel
        memory = lookahead_memory(kernel, settings, rest_before_start=True)
        self._march(t, memory, force, expected_force, square)
        weight_response(self.weight_response, t, kernel, settings, self.sigma)
        if self.channels == 2:
            self._correlate_difference(t)
        norm = self._restore_norm(t)
        self.response.advance(t, memory, drawn * curvatures, norm)

    def _draw_batches(self) -> tuple[np.ndarray, np.ndarray]:
        """Draw s^t of each replica; return its mean given the past and its value, float64[replicas, n]."""
        chain, paths = self.settings.batches, self.population.paths
        expected, drawn = np.ones((2, self.channels, paths))
        if chain.full:
            return expected, drawn
        for replica, before in enumerate(self.in_batch):
            expected[replica] = chain.probability_next(before) / chain.batch_fraction
            after = chain.start(self.rng, paths) if before is None else chain.advance(self.rng, before)
            drawn[replica] = after / chain.batch_fraction
            self.in_batch[replica] = after
        return expected, drawn

    def _force_square(self, slopes: np.ndarray, expected: np.ndarray) -> float:
        """Return E[g^t g^t] of the first channel: s^2 has mean s-bar / b, two replicas have independent batches."""
        square = np.mean(expected * slopes**2) / self.settings.batch_fraction
        if self.channels == 2:
            square += np.mean(expected[0] * slopes[0] * expected[1] * slopes[1])
        return square

    def _march(
        self, t: int, memory: np.ndarray, force: np.ndarray, expected_force: np.ndarray, square: float
    ) -> None:
        """Move the magnetization, the fields and the correlations to t + 1 (before the norm is restored)."""
        now, previous = self.settings.propagator
        shared = np.sqrt(self.channels)  # h_+ = sqrt(2) m h0 + hh_+ with two replicas
        on_teacher = np.empty(self.fraction.size)  # E[g h0_k]
        project(expected_force[0], self.teacher, on_teacher)
        m = self.magnetization
        m[t + 1] = now * m[t] + previous * m[max(t - 1, 0)]
        m[t + 1] -= self.settings.learning_rate * self.model.alpha * on_teacher / (shared * self.fraction)
        for channel, level in np.ndindex(self.channels, self.sigma.size):
            overlaps = self._move_fields(t, channel, level, memory, force[channel], expected_force[channel])
            if channel == 0:  # overlaps = E[g^t h^{t'}], t' = 0..t+1
                overlaps[t + 1] -= self._self_coupling(level) * square
                overlaps += shared * m[: t + 2, level] * on_teacher[level]
                self._correlate(t, self.correlation[0, level], overlaps)

    def _self_coupling(self, level: int) -> float:
        """Return what a sample's own force takes from its field in one step."""
        return self.settings.learning_rate * self.fraction[level] * self.sigma[level]

    def _move_fields(
        self,
        t: int,
        channel: int,
        level: int,
        memory: np.ndarray,
        force: np.ndarray,
        expected_force: np.ndarray,
    ) -> np.ndarray:
        """Move hh of one level to t + 1; return its overlaps with g^t, the last one without the sample's own force."""
        now, previous = self.settings.propagator
        scale = self.settings.learning_rate * self.sigma[level]
        history = self.history[channel, level]
        new, overlaps = history[t + 1], np.empty(t + 2)
        pull, noise = np.empty((2, new.size))
        project_and_combine(expected_force, scale * memory, history, overlaps[: t + 1], pull)
        strength = scale * np.sqrt(self.fraction[level])
        combine(strength * self.factors[channel, t, : t + 1], self.population.white[channel, level], noise)
        np.multiply(history[t], now, out=new)
        if previous != 0.0:
            new += previous * history[max(t - 1, 0)]
        new -= pull
        new -= noise
        project(expected_force, history[t + 1 :], overlaps[t + 1 :])
        new -= self._self_coupling(level) * force
        return overlaps

    def _correlate(self, t: int, correlation: np.ndarray, overlaps: np.ndarray) -> None:
        """Fill row t + 1 of C, the diagonal included, given E[g^t h^{t'}]."""
        now, previous = self.settings.propagator
        before, row = max(t - 1, 0), correlation[t + 1]
        overlaps = self.settings.learning_rate * self.model.alpha * overlaps
        row[: t + 1] = (
            now * correlation[t, : t + 1] + previous * correlation[before, : t + 1] - overlaps[: t + 1]
        )
        row[t + 1] = now * row[t] + previous * row[before] - overlaps[t + 1]

    def _correlate_difference(self, t: int) -> None:
        """Fill row t + 1 of C_-: the weights' difference only answers to its own noise, so C_- = eta^2 R_w C_g R_w^T.

        This has a smaller sampling error than the recursion of `_correlate`, which would hold as well.
        """
        for level in range(self.sigma.size):
            answers = self.answers[level, t + 1]
            combine(self.weight_response[level, t + 1, 1 : t + 2], self.factors[1], answers)
            strength = self.settings.learning_rate**2 * self.fraction[level] * self.sigma[level]
            row = self.correlation[1, level, t + 1, : t + 2]
            np.einsum("sk,k->s", self.answers[level, : t + 2], strength * answers, out=row)

    def _restore_norm(self, t: int) -> float:
        """Rescale time t + 1 to the initial norm (spherical), fill the symmetric half of C; return the factor."""
        square = self.correlation[:, :, t + 1, t + 1].sum() / self.channels
        if not np.isfinite(square) or square > 1e12 * (1.0 + self.norm_square):
            raise ValueError(self._unstable(t))
        norm = 1.0
        if self.settings.spherical:
            norm = float(np.sqrt(self.norm_square / square))
            self.history[:, :, t + 1] *= norm
            self.magnetization[t + 1] *= norm
            self.weight_response[:, t + 1] *= norm
            self.answers[:, t + 1] *= norm
            self.correlation[:, :, t + 1, : t + 1] *= norm
            self.correlation[:, :, t + 1, t + 1] *= norm**2
        self.correlation[:, :, : t + 1, t + 1] = self.correlation[:, :, t + 1, : t + 1]
        return norm

    def _unstable(self, t: int) -> str:
        """Say that the weights diverge and which step is surely stable with full batches."""
        means = np.sqrt(self.model.alpha) if self.model.data == "mixture" else 0.0
        singular = np.sqrt(self.sigma.max()) * (1.0 + np.sqrt(self.model.alpha)) + means  # of X: at most
        rate = self.settings.learning_rate
        message = f"learning_rate = {rate!r}: the weights diverge (step {t + 1}): must be smaller"
        if not np.isfinite(self.loss.largest_curvature):
            return message
        bound = 2.0 / (self.settings.ridge + self.loss.largest_curvature * singular**2)
        return f"{message}; below {bound:.4g} is stable with full batches, small batches need a smaller step"


def rotate_replicas(values: np.ndarray) -> np.ndarray:
    """Turn (1, 2) into (+, -) = (1 +- 2) / sqrt(2), or back; leave a single replica alone. First axis: replicas."""
    if len(values) == 1:
        return values
    return np.stack((values[0] + values[1], values[0] - values[1])) / np.sqrt(2.0)
