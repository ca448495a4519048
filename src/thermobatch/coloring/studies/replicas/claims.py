"""Claims on annealing coupled replicas of planted colourings (R7)."""

from typing import NamedTuple

import numpy as np
import xarray as xr

from thermobatch.coloring.studies.decisions import CONFIDENCE
from thermobatch.statistics.censored import median_ratio
from thermobatch.statistics.equivalence import verdict
from thermobatch.statistics.intervals import proportion_difference
from thermobatch.statistics.midpoint import midpoint, midpoint_draws
from thermobatch.statistics.resampling import percentile_bounds
from thermobatch.statistics.worst import worst_point
from thermobatch.study.claim import Outcome, claim

SOURCE = "doi:10.1103/PhysRevX.13.021011"
DRAWS = 4000
SEED = 7
FEWEST = 3  # connectivities of a threshold


class Scheme(NamedTuple):
    """What is annealed: R replicas, their coupling, whether for R times the sweeps, whether by mini-batches."""

    replicas: int
    coupling: float = 0.0
    longer: bool = False
    batches: bool = False


class Recoveries(NamedTuple):
    """How many runs of a scheme have recovered: arrays over increasing mean degrees."""

    mean_degree: np.ndarray
    recovered: np.ndarray
    runs: np.ndarray


SINGLE = Scheme(1)


class Threshold(NamedTuple):
    """The c at which half of the graphs are recovered: estimate, and draws of what the runs leave open."""

    estimate: float
    draws: np.ndarray


@claim(
    "R7.replication_lowers_threshold",
    source=SOURCE,
    protocol="ours",
    statement="Coupled replicas cooled together recover planted colourings at smaller mean degrees than one system "
    "cooled in as many sweeps, which makes one try and 1/R of the proposals: c_50 of simulated annealing minus c_50 of "
    "replicated annealing at the given gamma, at the largest N where both were run.",
)
def replication_lowers_threshold(dataset: xr.Dataset, *, margin: float, coupling: float) -> Outcome:
    """Decide by the difference of the thresholds, which must be above the margin."""
    return compared_thresholds(dataset, SINGLE, coupled_scheme(dataset, coupling), (margin, np.inf))


@claim(
    "R7.coupling_lowers_threshold",
    source=SOURCE,
    protocol="ours",
    statement="Coupling replicas, and not only having several of them, lowers the recovery threshold: c_50 of as "
    "many uncoupled replicas, the first of which counts, minus c_50 of replicated annealing, at the "
    "largest N where both were run.",
)
def coupling_lowers_threshold(dataset: xr.Dataset, *, margin: float, coupling: float) -> Outcome:
    """Decide by the difference of the thresholds, which must be above the margin."""
    coupled = coupled_scheme(dataset, coupling)
    return compared_thresholds(dataset, Scheme(coupled.replicas), coupled, (margin, np.inf))


@claim(
    "R7.replicas_beat_longer_annealing",
    source=SOURCE,
    protocol="ours",
    statement="At equal numbers of proposals coupled replicas recover at smaller mean degrees than one system: c_50 "
    "of simulated annealing with R times the sweeps minus c_50 of replicated annealing, at the largest N "
    "where both were run.",
)
def replicas_beat_longer_annealing(dataset: xr.Dataset, *, margin: float, coupling: float) -> Outcome:
    """Decide by the difference of the thresholds, which must be above the margin."""
    coupled = coupled_scheme(dataset, coupling)
    return compared_thresholds(dataset, Scheme(1, longer=True), coupled, (margin, np.inf))


@claim(
    "R7.annealing_threshold_rises",
    source=SOURCE,
    protocol="ours",
    statement="The recovery threshold of simulated annealing rises with N where the number of sweeps is "
    "proportional to N: c_50 at the largest N minus c_50 at the smallest.",
)
def annealing_threshold_rises(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the difference of the thresholds, which must be above the margin."""
    found = _thresholds(dataset, SINGLE)
    first, last = min(found), max(found)
    words = f"c_50 = {found[last].estimate:.2f} at N = {last}, {found[first].estimate:.2f} at N = {first}"
    return _difference(found[last], found[first], (margin, np.inf), words)


@claim(
    "R7.replicas_reach_the_bayes_threshold",
    source=SOURCE,
    protocol="ours",
    statement="The recovery threshold of replicated annealing lies within the margin of that of Bayes-optimal "
    "algorithms (belief propagation), c = (q - 1)^2, at every N of the scan, as that of others may at small N: largest "
    "|c_50 - (q - 1)^2|.",
)
def replicas_reach_the_bayes_threshold(dataset: xr.Dataset, *, margin: float, coupling: float) -> Outcome:
    """Decide by an intersection of tests over N; the opposite by Bonferroni's bounds."""
    found = _thresholds(dataset, coupled_scheme(dataset, coupling))
    optimal = (int(dataset.q.values[0]) - 1) ** 2
    distances = {n: each.estimate - optimal for n, each in found.items()}
    bounds = np.array([_interval(each.draws - optimal) for each in found.values()])
    safe = np.array([_interval(each.draws - optimal, len(found)) for each in found.values()])
    sides = np.where(np.array(list(distances.values())) < 0, -1.0, 1.0)
    own, together = (np.sort(sides[:, None] * each, axis=1) for each in (bounds, safe))
    worst = worst_point(
        np.abs(list(distances.values())), *own.T, margin, simultaneous=(together[:, 0], together[:, 1])
    )
    listed = ", ".join(f"{each.estimate:.2f} at N = {n}" for n, each in found.items())
    place = f"largest distance from {optimal}, N = {list(found)[worst.index]}"
    method = f"c_50 = {listed}; {place}; {worst.words} (decide); {_how()}"
    return Outcome(worst.estimate, (worst.lower, worst.upper), margin, method, worst.verdict)


@claim(
    "R7.replicas_need_fewer_sweeps",
    source=SOURCE,
    protocol="ours",
    statement="On the ramp from T = 1 to 0 coupled replicas recover after fewer sweeps of a replica than one system, "
    "which must wait until the ramp is cold: ratio of the median sweeps to recovery or to the end of the ramp, "
    "replicated over simulated annealing, at the smallest N and the given c. In proposals it is R times that.",
)
def replicas_need_fewer_sweeps(
    dataset: xr.Dataset, *, margin: float, coupling: float, mean_degree: float
) -> Outcome:
    """Decide by the ratio of medians, which must be below the margin; a run that did not recover counts as its length.

    Where fewer than half of the single systems recover, the ratio is thus an upper bound.
    """
    n = min(sizes(dataset))
    runs = [
        runs_at(dataset, scheme, n, mean_degree) for scheme in (coupled_scheme(dataset, coupling), SINGLE)
    ]
    times = [each.stopped_at.values for each in runs]
    made = [np.ones(len(each), bool) for each in times]
    found = median_ratio(times[0], made[0], times[1], made[1], seed=SEED, confidence=CONFIDENCE)
    bounds = (found.lower, found.upper)
    counts = [int(np.isfinite(each.first_passage.values).sum()) for each in runs]
    method = (
        f"N = {n}, c = {mean_degree:g}, recovered {counts[0]} and {counts[1]} of {len(times[0])} graphs (the others "
        f"count as the whole ramp); medians {np.median(times[0]):.0f} and {np.median(times[1]):.0f}; percentile "
        f"bootstrap over runs, {CONFIDENCE:.0%}"
    )
    return Outcome(found.estimate, bounds, margin, method, verdict(bounds, (-np.inf, margin)))


@claim(
    "R7.strong_coupling_collapses",
    source=SOURCE,
    protocol="ours",
    statement="Replicas must be coupled weakly: recovered share at the given gamma minus that at a strong gamma, at "
    "the smallest N and the given c. Strongly coupled ones collapse onto one another before they find the "
    "planted colouring.",
)
def strong_coupling_collapses(
    dataset: xr.Dataset, *, margin: float, coupling: float, strong: float, mean_degree: float
) -> Outcome:
    """Decide by the difference of two shares, which must be above the margin."""
    n = min(sizes(dataset))
    runs = [runs_at(dataset, coupled_scheme(dataset, gamma), n, mean_degree) for gamma in (coupling, strong)]
    lost = runs[1].pair_overlap.transpose("seed", "record").values[np.isnan(runs[1].first_passage.values)]
    left = (
        f"; pair overlap at the end of those that do not: {np.nanmean(lost[:, -1]):.3f}" if len(lost) else ""
    )
    return _more_recovered(
        runs, margin, f"gamma = {coupling:g} and {strong:g}, N = {n}, c = {mean_degree:g}{left}"
    )


@claim(
    "R7.useful_coupling_falls_with_size",
    source=SOURCE,
    protocol="ours",
    statement="The coupling beyond which replicas collapse falls with N: recovered share at the given gamma and c "
    "at the smallest N minus that at the largest N where this gamma was run.",
)
def useful_coupling_falls_with_size(
    dataset: xr.Dataset, *, margin: float, strong: float, mean_degree: float
) -> Outcome:
    """Decide by the difference of two shares, which must be above the margin."""
    scheme = coupled_scheme(dataset, strong)
    found = [n for n in sizes(dataset) if mean_degree in recoveries(dataset, scheme, n).mean_degree]
    if len(found) < 2:
        raise ValueError(
            f"coupling: gamma = {strong:g} was run at c = {mean_degree:g} for {len(found)} sizes, two are needed"
        )
    runs = [runs_at(dataset, scheme, n, mean_degree) for n in (found[0], found[-1])]
    return _more_recovered(
        runs, margin, f"N = {found[0]} and {found[-1]}, gamma = {strong:g}, c = {mean_degree:g}"
    )


def sizes(dataset: xr.Dataset) -> list[int]:
    """Return the numbers of vertices, increasing."""
    return np.unique(dataset.n.values).tolist()


def rows(dataset: xr.Dataset, scheme: Scheme, n: int) -> xr.Dataset:
    """Return the points of a scheme at one N, by increasing mean degree (none: no such point).

    The shortest schedule of an N is that of all schemes but one: a single system that is cooled for longer.
    """
    here = dataset.n == n
    shortest = dataset.sweeps.values[here.values].min()
    wanted = here & (dataset.replicas == scheme.replicas) & (dataset.coupling == scheme.coupling)
    wanted &= ((dataset.sweeps > shortest) == scheme.longer) & (dataset.batches == scheme.batches)
    return dataset.isel(point=wanted.values).sortby("mean_degree")


def recoveries(dataset: xr.Dataset, scheme: Scheme, n: int) -> Recoveries:
    """Return the recovered runs of a scheme against the mean degree, at one N."""
    points = rows(dataset, scheme, n)
    passages = points.first_passage.transpose("point", "seed").values
    made = np.isfinite(points.stopped_at.transpose("point", "seed").values)
    return Recoveries(points.mean_degree.values, np.isfinite(passages).sum(axis=1), made.sum(axis=1))


def threshold(dataset: xr.Dataset, scheme: Scheme, n: int) -> Threshold | None:
    """Return c_50 of a scheme at one N; None where it was run at fewer than three mean degrees."""
    found = recoveries(dataset, scheme, n)
    if len(found.mean_degree) < FEWEST:
        return None
    values = (found.mean_degree, found.recovered, found.runs)
    return Threshold(midpoint(*values), midpoint_draws(*values, count=DRAWS, seed=SEED))


def threshold_bounds(found: Threshold) -> tuple[float, float]:
    """Return the interval of a threshold."""
    return _interval(found.draws)


def coupled_scheme(dataset: xr.Dataset, coupling: float) -> Scheme:
    """Return the scheme of most replicas with this coupling."""
    known = dataset.replicas.values[dataset.coupling.values == coupling]
    if not len(known):
        raise ValueError(f"coupling: gamma = {coupling:g} was not run")
    return Scheme(int(known.max()), coupling)


def _thresholds(dataset: xr.Dataset, scheme: Scheme) -> dict[int, Threshold]:
    """The thresholds of a scheme by N."""
    found = {n: threshold(dataset, scheme, n) for n in sizes(dataset)}
    found = {n: each for n, each in found.items() if each is not None}
    if not found:
        raise ValueError(
            f"no N with {FEWEST} or more mean degrees for R = {scheme.replicas}, gamma = {scheme.coupling:g}"
        )
    return found


def compared_thresholds(
    dataset: xr.Dataset, first: Scheme, second: Scheme, margin: tuple[float, float]
) -> Outcome:
    """Decide whether c_50 of one scheme minus that of another lies inside a margin, at the largest N of both."""
    found = [_thresholds(dataset, scheme) for scheme in (first, second)]
    common = sorted(set(found[0]) & set(found[1]))
    if not common:
        raise ValueError("no N at which both were run")
    n = common[-1]
    pair = [each[n] for each in found]
    words = f"N = {n}, c_50 = {pair[0].estimate:.2f} against {pair[1].estimate:.2f}"
    return _difference(*pair, margin, words)


def _difference(first: Threshold, second: Threshold, margin: tuple[float, float], words: str) -> Outcome:
    """Decide whether the difference of two thresholds, first - second, lies inside a margin."""
    order = np.random.default_rng(SEED).permutation(DRAWS)  # the draws of the two are independent
    bounds = _interval(first.draws - second.draws[order])
    difference = first.estimate - second.estimate
    return Outcome(difference, bounds, margin, f"{words}; {_how()}", verdict(bounds, margin))


def _interval(draws: np.ndarray, points: int = 1) -> tuple[float, float]:
    """The interval of some draws, simultaneous over several points by Bonferroni's inequality."""
    return percentile_bounds(draws, draws, 1 - (1 - CONFIDENCE) / points)


def _how() -> str:
    return (
        "midpoints of logistic curves by maximum likelihood, intervals from draws of every share from its Jeffreys "
        f"posterior, {CONFIDENCE:.0%}"
    )


def runs_at(dataset: xr.Dataset, scheme: Scheme, n: int, mean_degree: float) -> xr.Dataset:
    """Return the runs of a scheme at one N and mean degree."""
    points = rows(dataset, scheme, n)
    points = points.isel(point=points.mean_degree.values == mean_degree)
    if points.sizes["point"] != 1:
        raise ValueError(
            f"mean_degree: c = {mean_degree:g} was not run at N = {n} with R = {scheme.replicas}, "
            f"gamma = {scheme.coupling:g}"
        )
    return points.isel(point=0).dropna("seed", subset=["stopped_at"])


def _more_recovered(runs: list[xr.Dataset], margin: float, words: str) -> Outcome:
    """Whether the first recovers a share that is larger by more than a margin."""
    counts = [(int(np.isfinite(each.first_passage.values).sum()), each.sizes["seed"]) for each in runs]
    found = proportion_difference(*counts, confidence=CONFIDENCE)
    bounds = (found.lower, found.upper)
    shares = " and ".join(f"{k} of {total}" for k, total in counts)
    method = f"{words}: {shares} graphs recovered; Newcombe's interval, {CONFIDENCE:.0%}"
    return Outcome(found.estimate, bounds, margin, method, verdict(bounds, (margin, np.inf)))
