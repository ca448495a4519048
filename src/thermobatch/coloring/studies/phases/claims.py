"""Claims on the phase diagram and where the planted colouring is found (E6)."""

from typing import NamedTuple

import numpy as np
import xarray as xr

from thermobatch.coloring.studies.decisions import CONFIDENCE, all_within
from thermobatch.statistics.censored import medians
from thermobatch.statistics.equivalence import verdict
from thermobatch.statistics.intervals import mean_interval
from thermobatch.statistics.resampling import generator, percentile_bounds, resampling_weights
from thermobatch.statistics.worst import worst_point
from thermobatch.study.claim import Outcome, claim

BOOTSTRAP_SEED = 6
RESAMPLES = 2000
FEWEST_SIZES = 3
DYNAMICS = {"temperature": "Metropolis", "batch_fraction": "SGD-like"}
PAPERS = "arXiv:2206.04760; doi:10.1038/s41598-024-62625-8"


@claim(
    "E6.connectivity",
    source="doi:10.1103/PhysRevE.76.031131",
    protocol="paper",
    statement="Reconstruction of 5 colours on the tree becomes possible at c_d = 12.84 at T = 0: c_d - 12.84.",
)
def connectivity(dataset: xr.Dataset, *, literature: float, margin: float) -> Outcome:
    """Decide by the t interval over populations."""
    values = transitions(dataset, "dynamical_connectivity").transition_mean_degree.values[:, 0] - literature
    return _located(values, margin, "c_d by population dynamics at T = 0, difference to the literature")


@claim(
    "E6.threshold",
    source="arXiv:2206.04760",
    protocol="paper",
    statement="T_sp(c) and T_d(c) cross between c = 18 and 19: the predicted threshold of annealing-like algorithms.",
)
def threshold(dataset: xr.Dataset, *, margin: list[float]) -> Outcome:
    """Decide by the t interval over populations."""
    return _located(crossings(dataset), tuple(margin), "transition along the line T = T_sp(c)")


@claim(
    "E6.slow_growth_above",
    source=PAPERS,
    protocol="ours",
    statement="Above the crossing of T_sp and T_d by at least `distance` the median time to find the planted "
    "colouring, in sweeps at a T or B that a pilot found at some of the sizes and extrapolated to the others, grows "
    "slower than N over the sizes measured: exponent of N below the margin, at every c and for both dynamics. The "
    "choice of T is not in the interval.",
)
def slow_growth_above(
    growth: xr.Dataset, reconstruction: xr.Dataset, *, margin: float, distance: float
) -> Outcome:
    """Decide by the largest exponent: intersection of one-sided tests; the opposite by a Bonferroni bound."""
    return _beside_the_crossing(growth, reconstruction, margin, distance, side=1)


@claim(
    "E6.fast_growth_below",
    source=PAPERS,
    protocol="ours",
    statement="Below the crossing of T_sp and T_d by at least `distance` the median time to find the planted "
    "colouring, in sweeps at a T or B that a pilot found at some of the sizes and extrapolated to the others, grows "
    "faster than N over the sizes whose median is reached: exponent of N above the margin, at every c and for both "
    "dynamics. The choice of T is not in the interval.",
)
def fast_growth_below(
    growth: xr.Dataset, reconstruction: xr.Dataset, *, margin: float, distance: float
) -> Outcome:
    """Decide by the smallest exponent: intersection of one-sided tests; the opposite by a Bonferroni bound."""
    return _beside_the_crossing(growth, reconstruction, margin, distance, side=-1)


@claim(
    "E6.steeper_below",
    source=PAPERS,
    protocol="ours",
    statement="The median time to find the planted colouring grows with a larger power of N below the crossing of T_sp "
    "and T_d than above it: difference of the mean exponents of the c further than `distance` on either side, over "
    "the same sizes (up to the largest that enters at every c), smaller one of the two dynamics.",
)
def steeper_below(
    growth: xr.Dataset, reconstruction: xr.Dataset, *, margin: float, distance: float
) -> Outcome:
    """Decide by the smaller difference: intersection of one-sided tests."""
    crossing = float(np.mean(crossings(reconstruction)))
    rows, ends = [], []
    for name, label in DYNAMICS.items():
        entering = [law.sizes[-1] for side in (-1, 1) for law in laws(growth, name, side, crossing, distance)]
        common = growth.sel(point=growth.n <= min(entering, default=np.inf))
        sides = {side: _mean_of(laws(common, name, side, crossing, distance)) for side in (-1, 1)}
        lower, upper = sides[-1].lower - sides[1].upper, sides[-1].upper - sides[1].lower
        estimate = sides[-1].estimate - sides[1].estimate
        words = f"{label}, N <= {min(entering):g}"
        rows.append((float(estimate), *percentile_bounds(lower, upper, CONFIDENCE), words))
        ends.append(percentile_bounds(lower, upper, (1 + CONFIDENCE) / 2))
    estimate, lower, upper, words = min(rows)
    bounds = min(row[1] for row in rows), min(end[1] for end in ends)
    method = (
        f"smaller of two differences, {words}, with its own bootstrap interval over graphs ({CONFIDENCE:.0%}; medians "
        f"beyond the cap enter the lower end at the cap, the upper at infinity); bounds of the smaller one: "
        f"{bounds[0]:.2g} to {bounds[1]:.2g} (decide)"
    )
    return Outcome(estimate, (lower, upper), margin, method, verdict(bounds, (margin, np.inf)))


@claim(
    "E6.same_recovery",
    source="doi:10.1038/s41598-024-62625-8",
    protocol="ours",
    statement="SGD-like dynamics at B and Metropolis at T(B) recover equally often within the cap at every T of the "
    "grid: difference of the recovered fraction, averaged over the mean degrees at which some but not all runs of the "
    "two dynamics recovered.",
)
def same_recovery(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the largest mean difference over temperatures, paired by number of the graph."""
    found = np.isfinite(dataset.first_passage).astype(float)
    sgd, thermal = (
        found.sel(point=dataset.dynamics == name).set_index(point="mean_degree").sortby("point")
        for name in ("sgd_like", "metropolis")
    )
    pooled = ((sgd + thermal) / 2).mean("seed")
    informative = (pooled > 0) & (pooled < 1)
    differences = (sgd - thermal).where(informative).mean("point").transpose("seed", "temperature")
    differences = differences.dropna("temperature", how="all")
    if not differences.sizes["temperature"]:
        raise ValueError("first_passage: at every (c, T) all runs of both dynamics recovered, or none")
    counts = informative.sum("point").sel(temperature=differences.temperature).values
    pairs = zip(differences.temperature.values, counts, strict=True)
    labels = [f"T = {t:g} ({count} mean degrees)" for t, count in pairs]
    where = (
        f"{int(informative.sum())} of {informative.size} cells (c, T) in which some runs but not all recovered within "
        f"{int(dataset.sweeps[0])} sweeps, N = {int(dataset.n[0])}, {differences.sizes['seed']} graphs each"
    )
    return all_within(differences.values, margin, labels, where, seed=BOOTSTRAP_SEED)


class GrowthLaw(NamedTuple):
    """Exponent of the median time in N at one c; `lower` and `upper` are its bootstrap draws with medians beyond the
    cap at the cap and at infinity; `sizes` those that enter, the last of them by its cap if `at_least`."""

    degree: float
    estimate: float
    lower: np.ndarray
    upper: np.ndarray
    sizes: np.ndarray
    at_least: bool


def laws(dataset: xr.Dataset, name: str, side: int, crossing: float, distance: float) -> list[GrowthLaw]:
    """Return the laws of one dynamics at the c on one side of the crossing; `name` is what it is run at."""
    chosen = dataset.sel(point=np.isfinite(dataset[name]))
    degrees = np.unique(chosen.mean_degree)
    degrees = degrees[side * (degrees - crossing) >= distance]
    return [growth_law(chosen.sel(point=chosen.mean_degree == degree)) for degree in degrees]


def growth_law(points: xr.Dataset) -> GrowthLaw:
    """Return the exponent of N: least squares through log(Kaplan-Meier median) against log N.

    The sizes are those up to the last whose median is reached; if these are two, the next one enters at its cap: the
    exponent is at least that. ValueError if they are fewer, or there is no next.
    """
    points = points.isel(point=np.argsort(points.n.values))
    samples = [arrivals(points.isel(point=k)) for k in range(points.sizes["point"])]
    middle = np.array([medians(*sample, np.ones((1, len(sample[0]))))[0] for sample in samples])
    reached = int(np.argmin(np.isfinite(np.append(middle, np.inf))))
    used = max(reached, FEWEST_SIZES)
    if reached < FEWEST_SIZES - 1 or used > len(middle):
        raise ValueError(
            f"c = {float(points.mean_degree[0]):g}: the median is reached at {reached} of {len(middle)} sizes, the "
            f"smallest first; {FEWEST_SIZES} are needed, or {FEWEST_SIZES - 1} and a censored one"
        )
    sizes, caps = points.n.values[:used].astype(float), points.sweeps.values[:used].astype(float)
    away = np.log(sizes) - np.log(sizes).mean()
    weights = away / np.sum(away**2)
    random = generator(np.random.SeedSequence([BOOTSTRAP_SEED, round(1000 * float(points.mean_degree[0]))]))
    draws = np.stack(
        [medians(*one, resampling_weights(len(one[0]), RESAMPLES, random)) for one in samples[:used]], axis=1
    )
    ends = []
    for censored in (np.where(weights > 0, caps, np.inf), np.where(weights > 0, np.inf, caps)):
        with np.errstate(invalid="ignore"):
            ends.append(np.log(np.where(np.isfinite(draws), draws, censored)) @ weights)
    low, high = np.where(np.isnan(ends[0]), -np.inf, ends[0]), np.where(np.isnan(ends[1]), np.inf, ends[1])
    estimate = float(np.log(np.minimum(middle[:used], caps)) @ weights)
    return GrowthLaw(float(points.mean_degree[0]), estimate, low, high, sizes, used > reached)


def arrivals(point: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Return times and arrival flags of the runs of one point; a censored run holds the sweeps it made."""
    ran = np.isfinite(point.stopped_at.values)
    return point.stopped_at.values[ran], np.isfinite(point.first_passage.values[ran])


def transitions(dataset: xr.Dataset, kind: str) -> xr.Dataset:
    """Return the points of one kind of transition, by increasing mean degree, dimensions (seed, point)."""
    chosen = dataset.sel(point=dataset.transition == kind).transpose("seed", "point")
    return chosen.isel(point=np.argsort(chosen.transition_mean_degree.mean("seed").values))


def crossings(dataset: xr.Dataset) -> np.ndarray:
    """Return the mean degree where T_sp = T_d, one a seed."""
    return transitions(dataset, "annealing_threshold").transition_mean_degree.values[:, 0]


def _mean_of(found: list[GrowthLaw]) -> GrowthLaw:
    if not found:
        raise ValueError("mean_degree: no c lies far enough from the crossing on one of its sides")
    columns = [
        np.mean([getattr(law, name) for law in found], axis=0) for name in ("estimate", "lower", "upper")
    ]
    return GrowthLaw(np.nan, *columns, found[0].sizes, any(law.at_least for law in found))


def _beside_the_crossing(
    growth: xr.Dataset, reconstruction: xr.Dataset, margin: float, distance: float, *, side: int
) -> Outcome:
    """Test whether the exponents above (side = 1) are all below the margin, or those below (-1) all above it."""
    crossing = float(np.mean(crossings(reconstruction)))
    found = [
        (law, label)
        for name, label in DYNAMICS.items()
        for law in laws(growth, name, side, crossing, distance)
    ]
    if not found:
        raise ValueError(
            f"mean_degree: no c is {distance:g} or more from the crossing at {crossing:.2f} on this side"
        )
    together = 1 - (1 - CONFIDENCE) / len(found)
    ends, safe = (
        np.array([percentile_bounds(law.lower, law.upper, confidence) for law, _ in found])
        for confidence in (CONFIDENCE, together)
    )
    middle = np.array([law.estimate for law, _ in found])
    worst = worst_point(middle, *ends.T, margin, simultaneous=(safe[:, 0], safe[:, 1]), smallest=side < 0)
    law, label = found[worst.index]
    listed = ", ".join(
        f"{'>= ' if one.at_least else ''}{one.estimate:.2f} ({low:.2f} to {high:.2f}, N <= {one.sizes[-1]:g}) at c = "
        f"{one.degree:g}, {which}"
        for (one, which), (low, high) in zip(found, ends, strict=True)
    )
    method = (
        f"{'largest' if side > 0 else 'smallest'} exponent of Kaplan-Meier medians, c = {law.degree:g}, {label}; "
        f"bootstrap {worst.words} (decide), {CONFIDENCE:.0%}, over graphs; crossing at c = {crossing:.2f}; all: "
        f"{listed}"
    )
    return Outcome(worst.estimate, (worst.lower, worst.upper), margin, method, worst.verdict)


def _located(values: np.ndarray, margin, what: str) -> Outcome:
    found = mean_interval(values, confidence=CONFIDENCE)
    method = f"{what}; t interval over {len(values)} seeds (independent populations), {CONFIDENCE:.0%}"
    bounds = (found.lower, found.upper)
    return Outcome(found.estimate, bounds, margin, method, verdict(bounds, margin))
