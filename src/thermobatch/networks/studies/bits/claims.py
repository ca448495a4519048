"""Claims on annealing weights of several bits, alone and as coupled replicas (R9)."""

import math
from collections.abc import Callable

import numpy as np
import xarray as xr

from thermobatch.networks.studies.annealing.claims import Runs, coupled, runs
from thermobatch.statistics.censored import medians
from thermobatch.statistics.convergence import Resampled, resampled_verdict
from thermobatch.statistics.equivalence import Verdict, ratio_equivalence
from thermobatch.statistics.extremes import largest_mean
from thermobatch.statistics.growth import exponent_draws, fit_growth
from thermobatch.statistics.resampling import generator, resampling_weights
from thermobatch.statistics.worst import Worst, worst_point
from thermobatch.study.claim import Outcome, claim

SOURCE = "doi:10.1073/pnas.1608103113"
BEYOND = "beyond the paper"
BOOTSTRAP_SEED = 9
CONFIDENCE = 0.9
RESAMPLES, MOST_RESAMPLES = 2000, 32_000
FITTED, MOST_FITTED = 200, 800
"""Bootstrap samples of ratios of medians and of fitted laws: to begin with, and at most."""
EQUAL_LOAD = 0.3
"""The load of R2, at which weights of any number of bits are compared; the other loads are shares of their capacity."""


@claim(
    "R9.replicas_need_fewer_proposals",
    source=SOURCE,
    protocol="ours",
    statement="With 1, 2 and 3 bits, at an equal share of the capacity, replicas solve large instances with fewer "
    "proposals than plain annealing with the better of its two ramps: ratio of the medians, largest over the bits, "
    "below the margin.",
)
def replicas_need_fewer_proposals(dataset: xr.Dataset, *, margin: float, n: int) -> Outcome:
    """Decide by the largest ratio, which must lie below the margin; simultaneous bounds are Bonferroni's."""
    every = precisions(dataset)
    found = [advantage(scaled(dataset, bits), n) for bits in every]
    ratios = [1 / each.estimate for each in found]
    worst, verdict = _worst(
        ratios, [_inverse(each) for each in found], margin, (-1.0, margin), (RESAMPLES, MOST_RESAMPLES)
    )
    listed = ", ".join(f"{ratio:.2g} with {named(p)}" for ratio, p in zip(ratios, every, strict=True))
    words = (
        f"ratios of Kaplan-Meier medians at N = {n}: {listed} (0: the median of plain annealing is beyond the cap); "
        f"paired bootstrap over instances, the better ramp chosen in each sample, {CONFIDENCE:.0%} intervals, "
        f"{worst.words}"
    )
    return Outcome(worst.estimate, (worst.lower, worst.upper), margin, words, verdict)


@claim(
    "R9.advantage_depends_weakly",
    source=SOURCE,
    protocol="ours",
    statement="At an equal share of the capacity, how many times more proposals plain annealing (the better ramp) "
    "needs than replicas do depends weakly on the bits: this advantage with 3 bits over that with 1 bit, within the "
    "margin.",
)
def advantage_depends_weakly(dataset: xr.Dataset, *, margin: list[float], n: int) -> Outcome:
    """Decide by the ratio of the two advantages, which must lie within the margin."""
    return _advantages(dataset, scaled, n, margin, tuple(margin))


@claim(
    "R9.advantage_fades_at_equal_load",
    source=BEYOND,
    protocol="ours",
    statement="At the equal load alpha = 0.3, which is a smaller share of the capacity the more bits there are, how "
    "many times more proposals plain annealing (the better ramp) needs than replicas do falls with the bits: this "
    "advantage with 3 bits over that with 1 bit, below the margin.",
)
def advantage_fades_at_equal_load(dataset: xr.Dataset, *, margin: float, n: int) -> Outcome:
    """Decide by the ratio of the two advantages, which must lie below the margin."""
    return _advantages(dataset, equal, n, margin, (-1.0, margin))


@claim(
    "R9.replicas_grow_slower",
    source=SOURCE,
    protocol="ours",
    statement="With 1, 2 and 3 bits, at an equal share of the capacity, the proposals of plain annealing (each of its "
    "ramps) grow faster with N than those of replicas: difference of the exponents of power laws, smallest over bits "
    "and ramps, above the margin.",
)
def replicas_grow_slower(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the smallest difference of fitted exponents; simultaneous bounds are Bonferroni's."""
    pairs = [
        (
            bits,
            ramp,
            runs_of(scaled(dataset, bits), 1, ramp),
            runs_of(scaled(dataset, bits), coupled(dataset)),
        )
        for bits in precisions(dataset)
        for ramp in ramps(scaled(dataset, bits))
    ]
    steps = [exponent(single) - exponent(several) for *_, single, several in pairs]
    draws = [_exponents(single, several) for *_, single, several in pairs]
    worst, verdict = _worst(steps, draws, margin, (margin, math.inf), (FITTED, MOST_FITTED), smallest=True)
    bits, ramp, single, several = pairs[worst.index]
    words = (
        f"power laws fitted by maximum likelihood, what a solution takes lying between failed and sufficient attempts, "
        f"censored runs included; smallest of {len(pairs)} differences, with {named(bits)} and beta to {ramp:g}: "
        f"exponents {exponent(single):.2f} and {exponent(several):.2f}; bootstrap over instances, "
        f"{CONFIDENCE:.0%} intervals, {worst.words}"
    )
    return Outcome(worst.estimate, (worst.lower, worst.upper), margin, words, verdict)


@claim(
    "R9.replicas_end_flatter",
    source=SOURCE,
    protocol="ours",
    statement="With 1, 2 and 3 bits, at an equal share of the capacity and the given N and distance, solutions of "
    "plain annealing (its ramp to the larger beta) are less flat than those of replicas: share of wrong patterns after "
    "random moves by one level, ratio plain over replicated on instances that both solved, smallest over the bits, "
    "above the margin.",
)
def replicas_end_flatter(dataset: xr.Dataset, *, margin: float, n: int, distance: float) -> Outcome:
    """Decide by paired t tests of the logarithms, the smallest of which must exceed the margin's."""
    every = precisions(dataset)
    logs = [np.log(flatness(scaled(dataset, bits), n, distance)) for bits in every]
    fewest = min(map(len, logs))
    tested = largest_mean(-np.stack([each[:fewest] for each in logs], axis=1), -math.log(margin))
    estimate, lower, upper = np.exp([-tested.estimate, -tested.upper, -tested.lower])
    low, high = np.exp([-tested.bounds[1], -tested.bounds[0]])
    listed = ", ".join(
        f"{np.exp(each[:fewest].mean()):.3f} with {named(p)}" for each, p in zip(logs, every, strict=True)
    )
    words = (
        f"geometric means over {fewest} instances at N = {n}, d = {distance:g}: {listed}; one-sided 95% t bounds of "
        f"paired logarithms, interval of the smallest; simultaneous bounds over {len(every)} points, the upper one "
        f"Bonferroni's: {low:.3g} to {high:.3g}"
    )
    return Outcome(float(estimate), (float(lower), float(upper)), margin, words, tested.verdict)


@claim(
    "R9.flatness_depends_weakly",
    source=SOURCE,
    protocol="ours",
    statement="At an equal share of the capacity and the given N and distance, by how much solutions of plain "
    "annealing (its ramp to the larger beta) are less flat than those of replicas depends weakly on the bits: that "
    "ratio of wrong shares with 3 bits over the one with 1 bit, within the margin.",
)
def flatness_depends_weakly(dataset: xr.Dataset, *, margin: list[float], n: int, distance: float) -> Outcome:
    """Decide by the ratio of the two geometric means, which must lie within the margin."""
    return _flatness(dataset, margin, n, distance)


@claim(
    "R9.flatness_depends_weakly_at_large_n",
    source=SOURCE,
    protocol="ours",
    statement="What R9.flatness_depends_weakly says of its N holds at the largest N of the standard scale too: the "
    "ratio of wrong shares, plain annealing over replicas, with 3 bits over the one with 1 bit, within the margin.",
)
def flatness_depends_weakly_at_large_n(
    dataset: xr.Dataset, *, margin: list[float], n: int, distance: float
) -> Outcome:
    """Decide as R9.flatness_depends_weakly does, at another N."""
    return _flatness(dataset, margin, n, distance)


def _flatness(dataset: xr.Dataset, margin: list[float], n: int, distance: float) -> Outcome:
    """The ratio with most bits over the one with fewest, and how it goes with N."""
    fewest, most = precisions(dataset)[0], precisions(dataset)[-1]
    first, second = (flatness(scaled(dataset, bits), n, distance) for bits in (most, fewest))
    tested = ratio_equivalence(first, second, tuple(margin), paired=False)
    trend = {
        int(size): [_geometric(flatness(scaled(dataset, bits), size, distance)) for bits in (most, fewest)]
        for size in np.unique(scaled(dataset, most).n.values)
    }
    listed = ", ".join(f"{up / down:.2f} at N = {size}" for size, (up, down) in trend.items())
    words = (
        f"{named(most)} over {named(fewest)} at N = {n}, d = {distance:g}: {_geometric(first):.3f} over "
        f"{_geometric(second):.3f}, {len(first)} and {len(second)} instances; {tested.method}; it is {listed}"
    )
    return Outcome(tested.estimate, (tested.lower, tested.upper), tuple(margin), words, tested.verdict)


def precisions(dataset: xr.Dataset) -> list[int]:
    """Return the numbers of bits, increasing."""
    return np.unique(dataset.bits.values).astype(int).tolist()


def named(bits: int) -> str:
    """Return a number of bits in words."""
    return "1 bit" if bits == 1 else f"{bits} bits"


def share(dataset: xr.Dataset) -> np.ndarray:
    """Return the loads as shares of the capacity, rounded to 1%: float64[point]."""
    return np.round(dataset.alpha.values / dataset.capacity.mean("seed").values, 2)


def scaled(dataset: xr.Dataset, bits: int) -> xr.Dataset:
    """Return the points of p bits at the share of the capacity that one bit has at the equal load."""
    single = (dataset.bits.values == min(precisions(dataset))) & (dataset.alpha.values == EQUAL_LOAD)
    if not single.any():
        raise ValueError(f"perceptron_bits: no point of the fewest bits at alpha = {EQUAL_LOAD}")
    wanted = (dataset.bits.values == bits) & (share(dataset) == share(dataset)[single][0])
    return _points(dataset, wanted, f"bits = {bits} at {share(dataset)[single][0]:g} of the capacity")


def equal(dataset: xr.Dataset, bits: int) -> xr.Dataset:
    """Return the points of p bits at the equal load."""
    wanted = (dataset.bits.values == bits) & (dataset.alpha.values == EQUAL_LOAD)
    return _points(dataset, wanted, f"bits = {bits} at alpha = {EQUAL_LOAD}")


def ramps(dataset: xr.Dataset) -> list[float]:
    """Return the last inverse temperatures of plain annealing, each a ramp of its own, the coldest first."""
    return sorted(set(dataset.last_beta.values[dataset.replicas.values == 1].tolist()), reverse=True)


def runs_of(dataset: xr.Dataset, replicas: int, ramp: float | None = None, n: int | None = None) -> Runs:
    """Return the runs of an algorithm among the points of one load and precision, at one size or at all."""
    wanted = dataset.replicas.values == replicas
    words = f"replicas = {replicas}"
    for value, values, name in ((ramp, dataset.last_beta.values, "last_beta"), (n, dataset.n.values, "n")):
        if value is not None:
            wanted &= values == value
            words += f", {name} = {value:g}"
    return runs(_points(dataset, wanted, words), replicas, "proposals")


def flatness(dataset: xr.Dataset, n: int, distance: float) -> np.ndarray:
    """Return, by instance that both solved, the wrong share around solutions of plain annealing over that of replicas.

    Parameters
    ----------
    dataset
        Points of one load and precision; plain annealing is taken with its coldest ramp.
    n
        Number of weights N.
    distance
        Normalised distance of the disturbance.
    """
    single = wrong_shares(dataset, 1, n, distance)
    several = wrong_shares(dataset, coupled(dataset), n, distance)
    both = np.isfinite(single) & np.isfinite(several) & (single > 0) & (several > 0)
    return single[both] / several[both]


def _geometric(ratios: np.ndarray) -> float:
    """Return the geometric mean, nan of nothing."""
    return float(np.exp(np.log(ratios).mean())) if ratios.size else math.nan


def wrong_shares(dataset: xr.Dataset, replicas: int, n: int, distance: float) -> np.ndarray:
    """Return the wrong share of every instance at a distance, nan where it was not solved: float64[seed]."""
    wanted = (dataset.replicas.values == replicas) & (dataset.n.values == n)
    if replicas == 1:
        wanted &= dataset.last_beta.values == ramps(dataset)[0]
    chosen = _points(dataset, wanted, f"replicas = {replicas}, n = {n}")
    return chosen.wrong.sel(distance=distance).isel(point=0).values


def exponent(every: Runs) -> float:
    """Return the exponent of the power law of some runs, censored ones included."""
    return fit_growth(*every, shape=0.0).rate


class Advantage:
    """How many times more proposals plain annealing needs than replicas, with bootstrap samples over instances."""

    def __init__(self, single: list[Runs], several: Runs):
        lengths = {len(each.costs) for each in (*single, several)}
        if len(lengths) != 1:
            raise ValueError(f"perceptron_bits: {sorted(lengths)} instances, algorithms are paired by them")
        self.single, self.several, self.count = single, several, lengths.pop()
        self.estimate = float(self._ratio(np.ones((1, self.count)))[0])

    def draw(self, count: int, seed: np.random.SeedSequence) -> np.ndarray:
        """Return bootstrap samples for a lower and for an upper bound, which differ where both medians are unknown."""
        ratios = self._ratio(resampling_weights(self.count, count, generator(seed)))
        return np.stack([np.where(np.isnan(ratios), unknown, ratios) for unknown in (0.0, np.inf)])

    def _ratio(self, weights: np.ndarray) -> np.ndarray:
        best = np.min([medians(each.costs, each.solved, weights) for each in self.single], axis=0)
        with np.errstate(invalid="ignore"):
            return best / medians(self.several.costs, self.several.solved, weights)


def advantage(dataset: xr.Dataset, n: int) -> Advantage:
    """Return the advantage of replicas over the better ramp of plain annealing, at one load, precision and size."""
    single = [runs_of(dataset, 1, ramp, n) for ramp in ramps(dataset)]
    return Advantage(single, runs_of(dataset, coupled(dataset), None, n))


def _points(dataset: xr.Dataset, wanted: np.ndarray, words: str) -> xr.Dataset:
    if not wanted.any():
        raise ValueError(f"perceptron_bits: no point with {words}")
    return dataset.isel(point=np.flatnonzero(wanted))


def _settled(
    draw: Callable, allowed: tuple[float, float], confidence: float, first: int, most: int
) -> Resampled:
    return resampled_verdict(
        draw, allowed, seed=BOOTSTRAP_SEED, confidence=confidence, first=first, most=most
    )


def _worst(
    estimates: list[float],
    draws: list[Callable],
    margin: float,
    allowed: tuple[float, float],
    samples: tuple[int, int],
    *,
    smallest: bool = False,
) -> tuple[Worst, Verdict]:
    """The worst of several points and what it says: each must lie in the range by its own settled interval.

    Refuted is what one of them refutes by its settled simultaneous interval, sampled further only where it may decide.
    """
    first, most = samples
    found = [_settled(draw, allowed, CONFIDENCE, first, most) for draw in draws]
    shown = all(each.verdict == "reproduced" for each in found)
    wide = 1 - (1 - CONFIDENCE) / len(draws)
    safe = [_settled(draw, allowed, wide, first, first if shown else most) for draw in draws]
    bounds = [([each.lower for each in some], [each.upper for each in some]) for some in (found, safe)]
    worst = worst_point(estimates, *bounds[0], margin, simultaneous=bounds[1], smallest=smallest)
    refuted = any(each.verdict == "not_reproduced" for each in safe)
    return worst, "reproduced" if shown else "not_reproduced" if refuted else "inconclusive"


def _inverse(found: Advantage) -> Callable:
    """Bootstrap samples of 1 / advantage."""

    def draw(count: int, seed: np.random.SeedSequence) -> np.ndarray:
        with np.errstate(divide="ignore"):
            return 1 / found.draw(count, seed)[::-1]

    return draw


def _exponents(single: Runs, several: Runs) -> Callable:
    known = {}

    def draw(count: int, seed: np.random.SeedSequence) -> np.ndarray:
        if seed.spawn_key not in known:  # asked for again with another confidence
            one, other = (
                exponent_draws(*each, seed=part, resamples=count)
                for each, part in zip((single, several), seed.spawn(2), strict=True)
            )
            known[seed.spawn_key] = one - other
        return known[seed.spawn_key]

    return draw


def _advantages(dataset: xr.Dataset, at: Callable, n: int, margin, allowed: tuple[float, float]) -> Outcome:
    """The advantage with most bits over that with fewest, resampled independently, against a range."""
    fewest, most = precisions(dataset)[0], precisions(dataset)[-1]
    high, low = (advantage(at(dataset, bits), n) for bits in (most, fewest))

    def draw(count: int, seed: np.random.SeedSequence) -> np.ndarray:
        one, other = (each.draw(count, part) for each, part in zip((high, low), seed.spawn(2), strict=True))
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = one / other[::-1]
        return np.stack(
            [np.nan_to_num(ratio[0], nan=0.0), np.nan_to_num(ratio[1], nan=np.inf, posinf=np.inf)]
        )

    found = _settled(draw, allowed, CONFIDENCE, RESAMPLES, MOST_RESAMPLES)
    words = (
        f"advantages at N = {n}: {high.estimate:.2g} with {named(most)}, {low.estimate:.2g} with {named(fewest)}; "
        f"Kaplan-Meier medians, bootstrap over {high.count} and {low.count} instances (other ones), "
        f"{CONFIDENCE:.0%} interval; {found.words}"
    )
    kept = tuple(margin) if isinstance(margin, list) else margin
    return Outcome(high.estimate / low.estimate, (found.lower, found.upper), kept, words, found.verdict)
