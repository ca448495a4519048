"""Claims on the cost of annealing the perceptron, alone and as coupled replicas (R2)."""

import math
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import xarray as xr

from thermobatch.statistics.censored import median_ratio, medians
from thermobatch.statistics.convergence import resampled_verdict
from thermobatch.statistics.equivalence import verdict
from thermobatch.statistics.growth import GrowthComparison, compare_growth
from thermobatch.statistics.intervals import Interval
from thermobatch.statistics.resampling import generator, resampling_weights
from thermobatch.study.claim import Outcome, claim

SOURCE = "doi:10.1073/pnas.1608103113"
BEYOND = "beyond the paper"
BOOTSTRAP_SEED = 2
CONFIDENCE = 0.9
RESAMPLES, MOST_RESAMPLES = 200, 3200
"""Bootstrap samples to begin with, doubled until they settle a verdict, and at most."""
MEASURES = ("proposals", "accepted")
UNCOUPLED = "uncoupled"


class Runs(NamedTuple):
    """Sizes, costs (of censored runs: what was spent), whether solved, costs of failed attempts; each (runs,).

    Without costs of failed attempts the others are taken as exact.
    """

    sizes: np.ndarray
    costs: np.ndarray
    solved: np.ndarray
    failed: np.ndarray | None

    def exact(self) -> "Runs":
        """The same runs, their costs taken as what a solution takes."""
        return self._replace(failed=None)


@claim(
    "R2.sa_faster_than_power",
    source=SOURCE,
    protocol="ours",
    statement="The proposals of simulated annealing grow faster with N, over the sizes measured, than any power: shape "
    "s of log median = a + b (N^s - 1)/s, where s = 0 is a power law, above the margin, whether the cost of a run is "
    "taken to lie between its failed and its sufficient attempts or to be exact.",
)
def sa_faster_than_power(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the bootstrap intervals of s, which must lie above the margin."""
    return _shape(dataset, 1, margin, (margin, math.inf))


@claim(
    "R2.rsa_polynomial",
    source=SOURCE,
    protocol="ours",
    statement="The proposals of replicated simulated annealing grow no faster with N, over the sizes measured, than a "
    "power: shape s, by the yardstick of R2.sa_faster_than_power, below the margin. Sizes at which every run is solved "
    "in its first attempt say little.",
)
def rsa_polynomial(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the bootstrap intervals of s, which must lie below the margin."""
    return _shape(dataset, coupled(dataset), margin, (-math.inf, margin))


@claim(
    "R2.replicas_flatten_growth",
    source=SOURCE,
    protocol="ours",
    statement="The proposals of simulated annealing depart further upwards from a power of N than those of replicated "
    "simulated annealing: difference of the shapes s, plain minus replicated, above the margin, by both yardsticks of "
    "R2.sa_faster_than_power.",
)
def replicas_flatten_growth(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the interval of the difference of the two algorithms' bootstrap samples."""

    def decide(both: list[Runs]) -> Outcome:
        single, several = (growth(each) for each in both)
        words = f"shapes {_interval(single.shape)} and {_interval(several.shape)}; {_method(single)}"

        def draw(count: int, seed: np.random.SeedSequence) -> np.ndarray:
            one, other = (growth(each, count, seed).draws[:, 1] for each in both)
            return one - other

        estimate = single.shape.estimate - several.shape.estimate
        return _settled(estimate, draw, margin, (margin, math.inf), words)

    both = [runs(dataset, replicas, "proposals") for replicas in (1, coupled(dataset))]
    return _by_both_yardsticks(decide(both), decide([each.exact() for each in both]))


@claim(
    "R2.sa_exponential",
    source=SOURCE,
    protocol="ours",
    statement="Of an exponential and a power of N, the exponential describes the proposals of simulated annealing "
    "better (a law between them may do so better than both): AIC(power) - AIC(exponential), above the margin.",
)
def sa_exponential(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the bootstrap interval of the difference, which must lie above the margin."""
    return _laws(dataset, 1, margin, 1)


@claim(
    "R2.rsa_rather_power",
    source=SOURCE,
    protocol="ours",
    statement="Of an exponential and a power of N, the power describes the proposals of replicated simulated annealing "
    "better (a law between them may do so better than both): AIC(exponential) - AIC(power), above the margin.",
)
def rsa_rather_power(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the bootstrap interval of the difference, which must lie above the margin."""
    return _laws(dataset, coupled(dataset), margin, -1)


@claim(
    "R2.rsa_exponent",
    source=BEYOND,
    protocol="ours",
    statement="The median cost spent by replicated simulated annealing grows over the sizes measured as N^2.1 in "
    "proposals and N^1.7 in accepted moves, as measured before: deviations of both slopes of log median against log N, "
    "within the margin.",
)
def rsa_exponent(dataset: xr.Dataset, *, margin: float, expected: list[float]) -> Outcome:
    """Decide by both exponents, which must lie within the margin; one that lies outside refutes the claim."""
    every = [runs(dataset, coupled(dataset), measure) for measure in MEASURES]
    found = [float(median_slopes(each)[0]) for each in every]
    shifts = np.array(found) - expected
    farther, nearer = np.argsort(-np.abs(shifts))

    def decide(index: int) -> Outcome:
        def draw(count: int, seed: np.random.SeedSequence) -> np.ndarray:
            return median_slopes(every[index], count, seed) - expected[index]

        words = (
            f"least squares through Kaplan-Meier medians of what was spent, the slope in {MEASURES[index]} is farther "
            "off and given, both must lie within"
        )
        return _settled(float(shifts[index]), draw, margin, (-margin, margin), words)

    outcome = decide(farther)
    verdicts = [outcome.verdict]
    if outcome.verdict != "not_reproduced":  # else the other one changes nothing
        verdicts.append(decide(nearer).verdict)
    exponents = ", ".join(
        f"{slope:.2f} in {measure} (power law through what solutions take: {_interval(growth(each).exponent)})"
        for slope, measure, each in zip(found, MEASURES, every, strict=True)
    )
    order = ("reproduced", "inconclusive", "not_reproduced")
    return replace(
        outcome,
        method=f"{outcome.method}; bootstrap over instances: {exponents}",
        verdict=max(verdicts, key=order.index),
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


@claim(
    "R2.coupling_needs_fewer_proposals",
    source=SOURCE,
    protocol="ours",
    statement="It is the coupling that saves proposals, not the number of replicas: ratio of the medians, coupled "
    "replicas over as many uncoupled ones of the same schedule, of which the first to solve ends the run, at the "
    "largest N where both medians were reached.",
)
def coupling_needs_fewer_proposals(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the ratio of the Kaplan-Meier medians, which must lie below the margin."""
    return _ratio(dataset, "proposals", margin, UNCOUPLED)


def coupled(dataset: xr.Dataset) -> int:
    """Return the largest number of replicas in the dataset."""
    return int(dataset.replicas.max())


def points(dataset: xr.Dataset, replicas: int | str) -> np.ndarray:
    """Return which points are of y coupled replicas (bool[point]), or of the UNCOUPLED ones, which R9 has none of."""
    attracted = dataset.coupled.values if "coupled" in dataset else np.full(dataset.sizes["point"], True)
    return ~attracted if replicas == UNCOUPLED else attracted & (dataset.replicas.values == replicas)


def sizes(dataset: xr.Dataset, replicas: int | str) -> np.ndarray:
    """Return the sizes at which y replicas were annealed, increasing."""
    return np.unique(dataset.n.values[points(dataset, replicas)])


def runs(dataset: xr.Dataset, replicas: int | str, measure: str, size: int | None = None) -> Runs:
    """Return the runs of y coupled replicas or of the UNCOUPLED, at one size or at all, in the instances' order."""
    wanted = points(dataset, replicas)
    wanted = wanted if size is None else wanted & (dataset.n.values == size)
    if not wanted.any():
        raise ValueError(f"perceptron_annealing: no point with replicas = {replicas} and n = {size}")
    chosen = dataset.sel(point=wanted).transpose("point", "seed", ...)
    ran = np.isfinite(chosen[measure].values)
    each = np.broadcast_to(chosen.n.values[:, None], ran.shape)
    columns = (chosen[measure], chosen.solved > 0, chosen[f"failed_{measure}"])
    return Runs(each[ran].astype(float), *(column.values[ran] for column in columns))


def growth(
    every: Runs, resamples: int | None = None, seed: np.random.SeedSequence | None = None
) -> GrowthComparison:
    """Return how the cost of runs grows with N; what it takes lies between failed and sufficient attempts."""
    root = np.random.SeedSequence(BOOTSTRAP_SEED) if seed is None else seed
    columns = tuple(None if column is None else tuple(column.tolist()) for column in every)
    return _compared(resamples or RESAMPLES, root.entropy, root.spawn_key, columns)


@lru_cache(maxsize=64)
def _compared(resamples: int, entropy: int, spawn_key: tuple, columns: tuple) -> GrowthComparison:
    """Compare the laws, once for all claims on the same runs."""
    seed = np.random.SeedSequence(entropy, spawn_key=spawn_key)
    return compare_growth(*columns, seed=seed, confidence=CONFIDENCE, resamples=resamples)


def median_slopes(every: Runs, resamples: int = 0, seed: np.random.SeedSequence | None = None) -> np.ndarray:
    """Return least-squares slopes of log median cost against log N: that of all runs, or of bootstrap samples.

    Sizes with at most half of the runs solved are left out.
    """
    random = None if seed is None else generator(seed)
    logs, places = [], []
    for size in np.unique(every.sizes):
        here = every.sizes == size
        if every.solved[here].mean() <= 0.5:
            continue
        count = int(here.sum())
        weights = resampling_weights(count, resamples, random) if resamples else np.ones((1, count))
        logs.append(np.log(medians(every.costs[here], every.solved[here], weights)))
        places.append(np.log(size))
    away = np.array(places) - np.mean(places)
    return (away / np.sum(away**2)) @ np.array(logs)


def largest_measured_size(dataset: xr.Dataset, other: int | str) -> int:
    """Return the largest N at which at least half of the runs of coupled replicas and of the others were solved."""
    both = (other, coupled(dataset))
    common = np.intersect1d(*(sizes(dataset, y) for y in both))
    measured = [
        int(size)
        for size in common
        if all(runs(dataset, y, MEASURES[0], size).solved.mean() >= 0.5 for y in both)
    ]
    if not measured:
        raise ValueError(
            "perceptron_annealing: no size at which both algorithms solved half of the instances"
        )
    return measured[-1]


def _ratio(dataset: xr.Dataset, measure: str, margin: float, other: int | str = 1) -> Outcome:
    size = largest_measured_size(dataset, other)
    several, others = (runs(dataset, replicas, measure, size) for replicas in (coupled(dataset), other))
    found = median_ratio(
        several.costs, several.solved, others.costs, others.solved,
        seed=BOOTSTRAP_SEED, paired=True, confidence=CONFIDENCE,
    )  # fmt: skip
    censored = int(np.count_nonzero(~others.solved))
    name = "plain annealing" if other == 1 else "uncoupled replicas"
    if (
        censored and measure != "proposals"
    ):  # the cap is one of proposals: it stops runs at any number of moves
        found = found._replace(lower=0.0)
    words = (
        f"ratio of Kaplan-Meier medians at N = {size}, paired bootstrap over {len(others.costs)} instances, "
        f"{CONFIDENCE:.0%} interval (0: the median of {name} may be beyond the cap, which is one of proposals); "
        f"{censored} runs of {name} are censored"
    )
    return _outcome(found, margin, (-1.0, margin), words)


def _shape(dataset: xr.Dataset, replicas: int, margin: float, allowed: tuple[float, float]) -> Outcome:
    """The shape of one algorithm's proposals against a range: the yardstick of both."""

    def decide(every: Runs) -> Outcome:
        found = growth(every)

        def draw(count: int, seed: np.random.SeedSequence) -> np.ndarray:
            return growth(every, count, seed).draws[:, 1]

        return _settled(found.shape.estimate, draw, margin, allowed, f"shape s, {_method(found)}")

    every = runs(dataset, replicas, "proposals")
    return _by_both_yardsticks(decide(every), decide(every.exact()))


def _by_both_yardsticks(first: Outcome, second: Outcome) -> Outcome:
    """Return the first outcome with the verdict of both: inconclusive where they disagree."""
    said = first.verdict if first.verdict == second.verdict else "inconclusive"
    low, high = second.interval
    words = f"with costs taken as exact {second.estimate:.2f} ({low:.2f} to {high:.2f}); both decide"
    return replace(first, verdict=said, method=f"{first.method}; {words}")


def _laws(dataset: xr.Dataset, replicas: int, margin: float, sign: int) -> Outcome:
    """AIC(power) - AIC(exponential), or with sign -1 its opposite, above the margin."""
    every = runs(dataset, replicas, "proposals")
    found = growth(every)
    free = min(found.power.aic, found.exponential.aic) - found.fitted.aic
    words = f"the law with fitted s has an AIC {free:.1f} below the better of them; {_method(found)}"

    def draw(count: int, seed: np.random.SeedSequence) -> np.ndarray:
        return sign * growth(every, count, seed).draws[:, 0]

    return _settled(sign * found.difference.estimate, draw, margin, (margin, math.inf), words)


def _settled(
    estimate: float, draw: Callable, margin: float, allowed: tuple[float, float], words: str
) -> Outcome:
    """Decide by as many bootstrap samples as that needs."""
    found = resampled_verdict(
        draw, allowed, seed=BOOTSTRAP_SEED, confidence=CONFIDENCE, first=RESAMPLES, most=MOST_RESAMPLES
    )
    return Outcome(estimate, (found.lower, found.upper), margin, f"{words}; {found.words}", found.verdict)


def _interval(found: Interval) -> str:
    return f"{found.estimate:.2f} ({found.lower:.2f} to {found.upper:.2f})"


def _method(found: GrowthComparison) -> str:
    return (
        f"maximum likelihood with log-normal scatter, what a solution takes lying between failed and sufficient "
        f"attempts, {found.censored:.0%} of the runs censored; bootstrap over instances, {CONFIDENCE:.0%} interval; "
        f"fitted s = {_interval(found.shape)}, exponent of the power law {found.exponent.estimate:.2f}"
    )


def _outcome(found: Interval, margin: float, allowed: tuple[float, float], words: str) -> Outcome:
    bounds = (found.lower, found.upper)
    return Outcome(found.estimate, bounds, margin, words, verdict(bounds, allowed))
