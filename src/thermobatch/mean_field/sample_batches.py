"""Random mini-batches of samples: independent at each step, or persistent (each sample keeps its place for a while).

A sample is in the batch (sigma = 1) or not (0); its gradient is multiplied by ``s = sigma / b``, whose mean is 1.
Persistent batches (p-SGD) are the two-state chain P(0 -> 1) = eta / tau, P(1 -> 0) = eta (1 - b) / (b tau), started in
its stationary law; independent batches are the chain at tau = eta / b (F. Mignacco, P. Urbani, arXiv:2112.10852).
"""

from dataclasses import dataclass

import numpy as np

from thermobatch.foundation.arguments import checked_real


@dataclass(frozen=True)
class BatchChain:
    """The two-state chain of every sample.

    Parameters
    ----------
    batch_fraction : float
        b in (0, 1], the mean fraction of samples in the batch.
    enter, leave : float
        Probabilities of entering and of leaving the batch in one step.
    independent : bool
        True if a batch does not depend on the one before.
    """

    batch_fraction: float
    enter: float
    leave: float
    independent: bool

    @property
    def full(self) -> bool:
        """True if every sample is in every batch."""
        return self.batch_fraction == 1.0

    def start(self, rng: np.random.Generator, samples: int) -> np.ndarray:
        """Draw the first batch, bool[samples], from the stationary law."""
        return rng.random(samples) < self.batch_fraction

    def advance(self, rng: np.random.Generator, batch: np.ndarray) -> np.ndarray:
        """Draw the next batch, bool, given the present one."""
        return rng.random(batch.size) < self.probability_next(batch)

    def probability_next(self, batch: np.ndarray | None) -> np.ndarray | float:
        """Return the probability of being in the next batch given the present one (None: at the start)."""
        if batch is None or self.independent:
            return self.batch_fraction
        return np.where(batch, 1.0 - self.leave, self.enter)


def batch_chain(batch_fraction: float, learning_rate: float, persistence: float | None = None) -> BatchChain:
    """Return the chain of the batches.

    Parameters
    ----------
    batch_fraction : float
        b in (0, 1].
    learning_rate : float
        eta, the time of one step.
    persistence : float, optional
        tau, in units of time (steps x eta): mean time outside the batch. None means independent batches.

    Raises
    ------
    ValueError
        If b is outside (0, 1], or a transition probability would be above 1.
    """
    batch_fraction = checked_real("batch_fraction", batch_fraction, 0.0, 1.0, open_low=True)
    if persistence is None:
        return BatchChain(batch_fraction, batch_fraction, 1.0 - batch_fraction, True)
    persistence = checked_real("persistence", persistence, 0.0, open_low=True)
    enter = learning_rate / persistence
    leave = learning_rate * (1.0 - batch_fraction) / (batch_fraction * persistence)
    if max(enter, leave) > 1.0:
        smallest = learning_rate * max(1.0, (1.0 - batch_fraction) / batch_fraction)
        raise ValueError(
            f"persistence = {persistence!r}: must be at least {smallest:.6g}, so that the probabilities "
            "learning_rate / persistence and learning_rate (1 - b) / (b persistence) are at most 1"
        )
    return BatchChain(batch_fraction, enter, leave, False)
