"""The response of the paths: the memory kernel R_g of the mean-field equations.

``Y_r^t`` is the derivative of a path's field h^t in a small field added at step r inside the loss:

    Y_r^{t+1} = (1 - eta lambda) Y_r^t - eta [ sum_{r<k<=t} R_g(t, k) Y_r^k + s^t l''_t (Y_r^t + delta_{tr}) ],
    R_g(t, t) = alpha E[s^t l''_t],   R_g(t, r) = alpha E[s^t l''_t Y_r^t]  (r < t).

The exact kernel follows every Y_r, at a cost of n T^3. Hutchinson's estimator follows one combination
``Y = sum_r eps_r Y_r`` with signs eps_r and reads ``R_g(t, r) = alpha E[s l'' Y eps_r]``, at n T^2. The signs here are
Walsh functions of the path's number: two different ones are exactly orthogonal over the population, so only the
fluctuations of ``s l'' Y_r`` between paths are left as error (none for the square loss with full batches), and the T
averages at one step are one fast Walsh transform.
"""

import numpy as np

from thermobatch.foundation.compilation import kernel
from thermobatch.foundation.row_sums import combine
from thermobatch.mean_field.settings import SGDSettings


def sign_period(steps: int) -> int:
    """Return the number of paths after which the signs repeat: the power of two that holds one sign function a step."""
    return 1 << max(1, (steps - 1).bit_length())


def walsh_signs(row: int, period: int) -> np.ndarray:
    """Return one Walsh function, float64[period]: (-1)^(number of common bits of row and path)."""
    return 1.0 - 2.0 * (np.bitwise_count(np.arange(period) & row) % 2)


def walsh_transform(values: np.ndarray) -> np.ndarray:
    """Return the products of `values` with every Walsh function (fast transform)."""
    result = values.copy()
    _transform(result)
    return result


@kernel
def _transform(result):
    half = 1
    while half < result.size:
        for start in range(0, result.size, 2 * half):
            for i in range(start, start + half):
                x, y = result[i], result[i + half]
                result[i] = x + y
                result[i + half] = x - y
        half *= 2


class PathResponse:
    """Response of every path, marched in time with the paths.

    Parameters
    ----------
    settings : SGDSettings
        Parameters of SGD.
    sigma, fraction : ndarray, float64[K]
        Levels of the covariance.
    paths : int
        n, a multiple of ``sign_period(steps)`` unless `exact`.
    exact : bool
        Follow every Y_r instead of one combination.
    """

    def __init__(
        self, settings: SGDSettings, sigma: np.ndarray, fraction: np.ndarray, paths: int, exact: bool
    ):
        self.settings, self.sigma, self.fraction, self.exact = settings, sigma, fraction, exact
        self.period = sign_period(settings.steps)
        # a probe is what starts at its first step, t = first: row j of its history is time first + 1 + j, [K, times, n]
        firsts = range(settings.steps) if exact else [0]
        self.probes = [
            [np.zeros((sigma.size, settings.steps - first, paths)) for first in firsts]
            for _ in range(settings.replicas)
        ]
        self.buffer = np.empty(paths)

    def _ahead(self, history: np.ndarray, row: int) -> np.ndarray:
        """Return Y at the point where the gradient is taken, summed over levels; row -1 is the time of the start."""
        ahead, behind = self.settings.lookahead
        total = ahead * history[:, row].sum(axis=0) if row >= 0 else np.zeros(history.shape[2])
        if behind != 0.0 and row >= 1:
            total += behind * history[:, row - 1].sum(axis=0)
        return total

    def kernel_row(self, t: int, curvature: np.ndarray) -> np.ndarray:
        """Return R_g(t, 0..t) / alpha given the expected ``s^t l''_t``, float64[replicas, n]."""
        row = np.zeros(t + 1)
        for weight, probes in zip(curvature, self.probes, strict=True):
            row[t] += weight.mean()
            if self.exact:
                for first in range(t):
                    row[first] += np.mean(weight * self._ahead(probes[first], t - first - 1))
            else:
                folded = (weight * self._ahead(probes[0], t - 1)).reshape(-1, self.period).sum(axis=0)
                row[:t] += walsh_transform(folded)[:t] / weight.size
        return row / len(curvature)

    def advance(self, t: int, memory: np.ndarray, curvature: np.ndarray, norm: float) -> None:
        """March to t + 1 given the memory kernel on the history and ``s^t l''_t``, float64[replicas, n]."""
        for weight, probes in zip(curvature, self.probes, strict=True):
            for first, history in enumerate(probes[: t + 1]):
                kicked = self._ahead(history, t - first - 1)
                if not self.exact:
                    kicked += np.tile(walsh_signs(t, self.period), kicked.size // self.period)
                elif first == t:
                    kicked += 1.0
                kicked *= weight
                self._march(history, t - first, memory[first + 1 :], kicked, norm)

    def _march(
        self, history: np.ndarray, row: int, memory: np.ndarray, kicked: np.ndarray, norm: float
    ) -> None:
        """Fill one row of one probe's history."""
        now, previous = self.settings.propagator
        step = self.settings.learning_rate
        for level, (sigma, fraction) in enumerate(zip(self.sigma, self.fraction, strict=True)):
            past, new = history[level], history[level, row]
            combine(-step * sigma * memory, past, self.buffer)
            np.subtract(self.buffer, step * sigma * fraction * kicked, out=new)
            if row >= 1:
                new += now * past[row - 1]
            if row >= 2:
                new += previous * past[row - 2]
            if norm != 1.0:
                new *= norm


def weight_response(
    response: np.ndarray, t: int, kernel: np.ndarray, settings: SGDSettings, sigma: np.ndarray
) -> None:
    """Fill row t + 1 of R_w, float64[K, T + 1, T + 1], from the kernel R_g(t, 0..t) and the earlier rows, in place.

    ``R_w(s, s) = 1``, before the norm is restored: the response of w^t to what the force of step s - 1, times eta,
    added to the weights (and to the momentum).
    """
    now, previous = settings.propagator
    memory = lookahead_memory(kernel, settings)
    pulled = np.empty((sigma.size, t + 1))
    for level in range(sigma.size):
        combine(memory, response[level], pulled[level])
    new = now * response[:, t, : t + 1] - settings.learning_rate * sigma[:, None] * pulled
    if t > 0:
        new += previous * response[:, t - 1, : t + 1]
    response[:, t + 1, : t + 1] = new
    response[:, t + 1, t + 1] = 1.0


def lookahead_memory(
    kernel: np.ndarray, settings: SGDSettings, rest_before_start: bool = False
) -> np.ndarray:
    """Turn the kernel on look-ahead fields into the kernel on the fields themselves, r = 0..t.

    With `rest_before_start` the field before time 0 is that at time 0 (weights start without momentum), else it is 0.
    """
    ahead, behind = settings.lookahead
    if behind == 0.0:
        return kernel
    memory = ahead * kernel
    memory[:-1] += behind * kernel[1:]
    if rest_before_start:
        memory[0] += behind * kernel[0]
    return memory
