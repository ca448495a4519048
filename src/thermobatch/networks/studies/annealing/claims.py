"""Claims on the cost of annealing the perceptron, alone and as coupled replicas (R2)."""

import math
from typing import NamedTuple

import numpy as np
import xarray as xr

from thermobatch.statistics.censored import median_ratio
from thermobatch.statistics.equivalence import verdict
from thermobatch.statistics.growth import GrowthComparison, compare_growth
from thermobatch.statistics.intervals import Interval
from thermobatch.study.claim import Outcome, claim

SOURCE = "doi:10.1073/pnas.1608103113"
BEYOND = "beyond the paper"
BOOTSTRAP_SEED = 2
CONFIDENCE = 0.9
RESAMPLES = 200
MEASURES = ("proposals", "accepted")


class Runs(NamedTuple):
    """Sizes, costs (of censored runs: what was spent) and whether a solution was found, each of shape (runs,)."""

    sizes: np.ndarray
    costs: np.ndarray
    solved: np.ndarray


@claim(
    "R2.sa_faster_than_power",
    source=SOURCE,
    protocol="ours",
    statement="The proposals of simulated annealing grow faster with N than any power: shape s of "
    "log median = a + b (N^s - 1)/s, where s = 0 is a power law.",
)
def sa_faster_than_power(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the bootstrap interval of s, which must lie above the margin."""
    found = growth(dataset, 1, "proposals")
    return _outcome(found.shape, margin, (margin, math.inf), f"shape s, {_method(found)}")


@claim(
    "R2.sa_exponential",
    source=SOURCE,
    protocol="ours",
    statement="An exponential describes the proposals of simulated annealing better than a power of N: "
    "AIC(power) - AIC(exponential).",
)
def sa_exponential(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the bootstrap interval of the difference, which must lie above the margin."""
    found = growth(dataset, 1, "proposals")
    words = f"AIC(power) - AIC(exponential), {_method(found)}"
    return _outcome(found.difference, margin, (margin, math.inf), words)


@claim(
    "R2.rsa_polynomial",
    source=SOURCE,
    protocol="ours",
    statement="A power of N describes the proposals of replicated simulated annealing better than an exponential: "
    "AIC(exponential) - AIC(power).",
)
def rsa_polynomial(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the bootstrap interval of the difference, which must lie above the margin."""
    found = growth(dataset, coupled(dataset), "proposals")
    middle, lower, upper, confidence = found.difference
    turned = Interval(-middle, -upper, -lower, confidence)
    words = f"AIC(exponential) - AIC(power), {_method(found)}"
    return _outcome(turned, margin, (margin, math.inf), words)


@claim(
    "R2.rsa_exponent",
    source=BEYOND,
    protocol="ours",
    statement="The cost of replicated simulated annealing grows as N^2.1 in proposals and N^1.7 in accepted moves, as "
    "measured before: the larger deviation of an exponent.",
)
def rsa_exponent(dataset: xr.Dataset, *, margin: float, expected: list[float]) -> Outcome:
    """Decide by the exponent (proposals, accepted moves) that lies farther from what is expected."""
    replicas = coupled(dataset)
    found = [growth(dataset, replicas, measure).exponent for measure in MEASURES]
    shifted = [
        Interval(each.estimate - value, each.lower - value, each.upper - value, CONFIDENCE)
        for each, value in zip(found, expected, strict=True)
    ]
    farthest = max(shifted, key=lambda each: abs(each.estimate))
    words = ", ".join(
        f"{each.estimate:.2f} ({each.lower:.2f} to {each.upper:.2f}) in {measure}"
        for each, measure in zip(found, MEASURES, strict=True)
    )
    return _outcome(
        farthest, margin, (-margin, margin), f"power laws, bootstrap over instances: exponents {words}"
    )


@claim(
    "R2.replicas_need_fewer_proposals",
    source=SOURCE,
    protocol="ours",
    statement="Replicas solve large instances with fewer proposals: ratio of the medians, replicated annealing over "
    "plain annealing, at the largest N where both medians were reached.",
)
def replicas_need_fewer_proposals(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the ratio of the Kaplan-Meier medians, which must lie below the margin."""
    return _ratio(dataset, "proposals", margin)


@claim(
    "R2.replicas_need_fewer_moves",
    source=SOURCE,
    protocol="ours",
    statement="Replicas solve large instances with fewer accepted moves: ratio of the medians, replicated annealing "
    "over plain annealing, at the largest N where both medians were reached.",
)
def replicas_need_fewer_moves(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the ratio of the Kaplan-Meier medians, which must lie below the margin."""
    return _ratio(dataset, "accepted", margin)


def coupled(dataset: xr.Dataset) -> int:
    """Return the largest number of replicas in the dataset."""
    return int(dataset.replicas.max())


def sizes(dataset: xr.Dataset, replicas: int) -> np.ndarray:
    """Return the sizes at which y replicas were annealed, increasing."""
    return np.unique(dataset.n.values[dataset.replicas.values == replicas])


def runs(dataset: xr.Dataset, replicas: int, measure: str, size: int | None = None) -> Runs:
    """Return the runs of y replicas, at one size or at all, in the order of the instances."""
    wanted = dataset.replicas == replicas
    wanted = wanted if size is None else wanted & (dataset.n == size)
    if not wanted.any():
        raise ValueError(f"perceptron_annealing: no point with replicas = {replicas} and n = {size}")
    chosen = dataset.sel(point=wanted).transpose("point", "seed", ...)
    ran = np.isfinite(chosen[measure].values)
    each = np.broadcast_to(chosen.n.values[:, None], ran.shape)
    return Runs(each[ran].astype(float), chosen[measure].values[ran], chosen.solved.values[ran] > 0)


def growth(dataset: xr.Dataset, replicas: int, measure: str) -> GrowthComparison:
    """Return how the cost of y replicas grows with N."""
    return compare_growth(
        *runs(dataset, replicas, measure), seed=BOOTSTRAP_SEED, confidence=CONFIDENCE, resamples=RESAMPLES
    )


def largest_measured_size(dataset: xr.Dataset) -> int:
    """Return the largest N at which at least half of the runs of either algorithm were solved."""
    common = np.intersect1d(sizes(dataset, 1), sizes(dataset, coupled(dataset)))
    measured = [
        int(size)
        for size in common
        if all(runs(dataset, y, MEASURES[0], size).solved.mean() >= 0.5 for y in (1, coupled(dataset)))
    ]
    if not measured:
        raise ValueError(
            "perceptron_annealing: no size at which both algorithms solved half of the instances"
        )
    return measured[-1]


def _ratio(dataset: xr.Dataset, measure: str, margin: float) -> Outcome:
    size = largest_measured_size(dataset)
    several, single = (runs(dataset, replicas, measure, size) for replicas in (coupled(dataset), 1))
    found = median_ratio(
        several.costs, several.solved, single.costs, single.solved,
        seed=BOOTSTRAP_SEED, paired=True, confidence=CONFIDENCE,
    )  # fmt: skip
    censored = int(np.count_nonzero(~single.solved))
    words = (
        f"ratio of Kaplan-Meier medians at N = {size}, paired bootstrap over {len(single.costs)} instances, "
        f"{CONFIDENCE:.0%} interval (0: the median of plain annealing is beyond the cap); {censored} runs of plain "
        "annealing are censored"
    )
    return _outcome(found, margin, (-1.0, margin), words)


def _method(found: GrowthComparison) -> str:
    return (
        f"maximum likelihood with log-normal scatter, {found.censored:.0%} of the runs censored; bootstrap over "
        f"instances, {CONFIDENCE:.0%} interval; fitted s = {found.shape.estimate:.2f} ({found.shape.lower:.2f} "
        f"to {found.shape.upper:.2f}), exponent of the power law {found.exponent.estimate:.2f}"
    )


def _outcome(found: Interval, margin: float, allowed: tuple[float, float], words: str) -> Outcome:
    bounds = (found.lower, found.upper)
    return Outcome(found.estimate, bounds, margin, words, verdict(bounds, allowed))
