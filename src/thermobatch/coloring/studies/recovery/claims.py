"""Claims on the recovery of the planted colouring (E4)."""

from collections.abc import Callable

import numpy as np
import xarray as xr

from thermobatch.coloring.theory.effective_temperature import effective_temperature
from thermobatch.statistics.censored import logrank, medians
from thermobatch.statistics.convergence import resampled_verdict
from thermobatch.statistics.equivalence import verdict
from thermobatch.statistics.optimum import Optimum, fastest
from thermobatch.statistics.resampling import (
    MINIMUM_RESAMPLED,
    generator,
    resampling_weights,
)
from thermobatch.study.claim import Outcome, claim

SOURCE = "doi:10.1038/s41598-024-62625-8"
BOOTSTRAP_SEED = 4
CONFIDENCE = 0.9


@claim(
    "E4.same_first_passage",
    source=SOURCE,
    protocol="ours",
    statement="At equal temperature, T = T(B) by zero drift, both dynamics find the planted colouring in the same "
    "time: ratio (SGD-like over Metropolis) of the median first passages, geometric mean over all B of the scan "
    "whose T(B) lies in the scan of T.",
)
def same_first_passage(dataset: xr.Dataset, *, margin: list[float]) -> Outcome:
    """Decide by the mean ratio, Metropolis interpolated in log(median) against T; all points resampled together."""
    dataset = smallest_graphs(dataset)
    thermal, minibatch = scanned(dataset, "temperature"), scanned(dataset, "batch_fraction")
    grid, places = effective_temperatures(thermal), effective_temperatures(minibatch)
    minibatch = minibatch.isel(point=np.flatnonzero((places >= grid[0]) & (places <= grid[-1])))
    places = effective_temperatures(minibatch)

    def pooled(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore"):
            at_equal = np.array([np.interp(places, grid, row) for row in np.log(second)])
            return np.exp(np.mean(np.log(first) - at_equal, axis=1))

    what = f"geometric mean over {len(places)} values of B"
    return _resampled(minibatch, thermal, margin, pooled, what)


@claim(
    "E4.same_best_time",
    source=SOURCE,
    protocol="ours",
    statement="At its best T and at its best B the planted colouring is found in the same time: ratio (SGD-like over "
    "Metropolis) of the shortest median first passages of the two scans.",
)
def same_best_time(dataset: xr.Dataset, *, margin: list[float]) -> Outcome:
    """Decide by the ratio of the shortest medians; every bootstrap sample chooses its own fastest T and B."""
    dataset = smallest_graphs(dataset)
    thermal, minibatch = scanned(dataset, "temperature"), scanned(dataset, "batch_fraction")

    def shortest(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore"):
            return first.min(axis=1) / second.min(axis=1)

    first, second = (
        passages(dataset, fastest_point(dataset, name)) for name in ("batch_fraction", "temperature")
    )
    p_value = logrank(*first, *second).p_value
    what = f"shortest of both, chosen in every sample (log-rank p = {p_value:.2g} for one law at the fastest of all)"
    return _resampled(minibatch, thermal, margin, shortest, what)


@claim(
    "E4.same_optimum",
    source=SOURCE,
    protocol="ours",
    statement="The best mini-batch is the best temperature: T(B_opt) - T_opt, T(B) by zero drift.",
)
def same_optimum(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the difference of the two fitted optima, with the bootstrap intervals of both added in quadrature."""
    dataset = smallest_graphs(dataset)
    thermal, minibatch = optimum(dataset, "temperature"), optimum(dataset, "batch_fraction")
    difference = minibatch.location - thermal.location
    low = np.hypot(minibatch.location - minibatch.lower, thermal.upper - thermal.location)
    high = np.hypot(minibatch.upper - minibatch.location, thermal.location - thermal.lower)
    bounds = (float(difference - low), float(difference + high))
    border = (
        " (an optimum lies at the border of the scan)" if thermal.at_border or minibatch.at_border else ""
    )
    method = (
        f"minima of parabolas through log(median) against T and against T(B), N = {int(dataset.n[0])}: T_opt = "
        f"{thermal.location:.3f}, T(B_opt) = {minibatch.location:.3f}{border}; bootstrap over runs, {CONFIDENCE:.0%}"
    )
    decided = "inconclusive" if border else verdict(bounds, margin)
    return Outcome(difference, bounds, margin, method, decided)


def _resampled(
    first: xr.Dataset,
    second: xr.Dataset,
    margin: list[float],
    ratio: Callable[[np.ndarray, np.ndarray], np.ndarray],
    what: str,
) -> Outcome:
    """Decide by a ratio made of the medians [samples, points] of two scans.

    Graphs that ran at every point are resampled, the same ones at all points, until the verdict is settled.
    """
    ran = np.isfinite(first.stopped_at).all("point") & np.isfinite(second.stopped_at).all("point")
    graphs = int(ran.sum())
    if graphs < MINIMUM_RESAMPLED:
        raise ValueError(f"seed: {graphs} graphs ran at every point; at least {MINIMUM_RESAMPLED} are needed")
    scans = [scan.isel(seed=np.flatnonzero(ran)) for scan in (first, second)]
    samples = [[passages(scan, slug) for slug in scan.point.values] for scan in scans]

    def ratios(weights: np.ndarray) -> np.ndarray:
        return ratio(*(np.stack([medians(*one, weights) for one in points], axis=1) for points in samples))

    def draw(count: int, seed: np.random.SeedSequence) -> np.ndarray:
        drawn = ratios(resampling_weights(graphs, count, generator(seed)))
        return np.stack([np.nan_to_num(drawn, nan=undecided, posinf=np.inf) for undecided in (0.0, np.inf)])

    found = resampled_verdict(draw, tuple(margin), seed=BOOTSTRAP_SEED, confidence=CONFIDENCE)
    method = (
        f"{what}, Kaplan-Meier medians, N = {int(first.n[0])}; bootstrap over {graphs} graphs, all points together, "
        f"{CONFIDENCE:.0%} interval, {found.words}"
    )
    estimate = float(ratios(np.ones((1, graphs)))[0])
    return Outcome(estimate, (found.lower, found.upper), tuple(margin), method, found.verdict)


def smallest_graphs(dataset: xr.Dataset) -> xr.Dataset:
    """Return the points of the connectivity with most recoveries at the smallest N, which has the most runs."""
    dataset = dataset.sel(point=dataset.n == dataset.n.min())
    return one_connectivity(dataset)


def one_connectivity(dataset: xr.Dataset) -> xr.Dataset:
    """Return the points of the mean degree at which most runs recovered."""
    arrived = dataset.first_passage.notnull().sum("seed").groupby(dataset.mean_degree).sum()
    return dataset.sel(point=dataset.mean_degree == arrived.mean_degree[int(np.argmax(arrived.values))])


def scanned(dataset: xr.Dataset, name: str) -> xr.Dataset:
    """Return the points of one dynamics, `name` being what they scan, in increasing order of T or T(B)."""
    chosen = dataset.sel(point=np.isfinite(dataset[name]))
    return chosen.isel(point=np.argsort(effective_temperatures(chosen)))


def effective_temperatures(dataset: xr.Dataset) -> np.ndarray:
    """Return T of every point, by zero drift where B was set."""
    c, q = float(dataset.mean_degree[0]), int(dataset.q[0])
    mapped = [
        t if np.isfinite(t) else effective_temperature(b, mean_degree=c, q=q)
        for t, b in zip(dataset.temperature.values, dataset.batch_fraction.values, strict=True)
    ]
    return np.array(mapped)


def passages(dataset: xr.Dataset, point: str) -> tuple[np.ndarray, np.ndarray]:
    """Return times and arrival flags of the runs of one point; a censored run holds the sweeps it made."""
    chosen = dataset.sel(point=point)
    ran = np.isfinite(chosen.stopped_at.values)
    times, first = chosen.stopped_at.values[ran], chosen.first_passage.values[ran]
    return times, np.isfinite(first)


def optimum(dataset: xr.Dataset, name: str) -> Optimum:
    """Return the fitted optimum of one dynamics in terms of T (or T(B))."""
    chosen = scanned(dataset, name)
    samples = [passages(chosen, slug) for slug in chosen.point.values]
    times, observed = zip(*samples, strict=True)
    return fastest(
        effective_temperatures(chosen), times, observed, seed=BOOTSTRAP_SEED, confidence=CONFIDENCE
    )


def fastest_point(dataset: xr.Dataset, name: str) -> str:
    """Return the point of one dynamics with the shortest median."""
    return str(scanned(dataset, name).point.values[np.argmin(optimum(dataset, name).medians)])
