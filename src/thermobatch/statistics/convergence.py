"""When a bootstrap has enough samples: its own Monte-Carlo error must not decide a claim.

A bound read from bootstrap samples is a quantile, and has an error of its own that more samples make smaller. A verdict
is read only when that error is below a tenth of the distance between bound and margin.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from thermobatch.foundation.streams import Seed, seed_sequence
from thermobatch.statistics.equivalence import Margin, Verdict, margin_bounds, verdict
from thermobatch.statistics.intervals import check_confidence
from thermobatch.statistics.resampling import check_resamples, is_settled, percentile_bounds, quantile_error


@dataclass(frozen=True)
class Resampled:
    """A percentile interval with the error of its ends, and what it says.

    Attributes
    ----------
    lower, upper : float
        Percentile bounds.
    errors : (float, float)
        Monte-Carlo standard errors of the bounds.
    resamples : int
        Number of bootstrap samples that were drawn.
    settled : bool
        Whether both errors are small against the distances to the margin.
    verdict : {"reproduced", "not_reproduced", "inconclusive"}
        Inconclusive also where the samples did not settle it.
    """

    lower: float
    upper: float
    errors: tuple[float, float]
    resamples: int
    settled: bool
    verdict: Verdict

    @property
    def words(self) -> str:
        """For the method of an outcome."""
        error = f"Monte-Carlo error of the bounds {max(self.errors):.2g}"
        if self.settled:
            return f"{self.resamples} bootstrap samples, {error}"
        return f"NOT SETTLED after {self.resamples} bootstrap samples: {error}, too large beside the margin"


def resampled_verdict(
    draw: Callable[[int, np.random.SeedSequence], np.ndarray],
    margin: Margin,
    *,
    seed: Seed,
    confidence: float = 0.9,
    first: int = 2000,
    most: int = 64_000,
) -> Resampled:
    """Draw bootstrap samples until they settle a verdict, or up to a cap.

    Parameters
    ----------
    draw : callable
        ``draw(count, seed)`` returns so many bootstrap samples of the statistic, float64[count]; or float64[2, count]
        where the samples that enter the lower bound differ from those of the upper one (undecided ratios).
    margin : float or (low, high)
        As of :func:`thermobatch.statistics.equivalence.verdict`; infinite ends are allowed.
    seed : int or SeedSequence
        Same seed, same samples: blocks of it are spawned, so that more samples keep those drawn before.
    confidence : float
        Two-sided, of the percentile interval.
    first, most : int
        Samples to begin with (doubled until settled), and the cap.

    Raises
    ------
    ValueError
        With arguments out of range, or samples of another shape.
    """
    check_confidence(confidence)
    check_resamples(first)
    if most < first:
        raise ValueError(f"most = {most}: must be at least first = {first}")
    ends = [end for end in margin_bounds(margin) if np.isfinite(end)]
    root, blocks, drawn = seed_sequence(seed), [], 0
    while True:
        count = min(max(drawn, first), most - drawn)
        block = np.asarray(draw(count, root.spawn(1)[0]), dtype=float)
        if block.shape not in ((count,), (2, count)):
            raise ValueError(f"draw: returned shape {block.shape}; must be ({count},) or (2, {count})")
        blocks.append(np.broadcast_to(block, (2, count)))
        drawn += count
        lower_draws, upper_draws = np.concatenate(blocks, axis=1)
        bounds = percentile_bounds(lower_draws, upper_draws, confidence)
        tail = (1 - confidence) / 2
        errors = quantile_error(lower_draws, tail), quantile_error(upper_draws, 1 - tail)
        settled = all(
            is_settled(bound, error, end) for bound, error in zip(bounds, errors, strict=True) for end in ends
        )
        if settled or drawn >= most:
            said = verdict(bounds, margin) if settled else "inconclusive"
            return Resampled(*bounds, errors, drawn, settled, said)
