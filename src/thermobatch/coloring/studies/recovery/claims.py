"""Claims on the recovery of the planted colouring (E4)."""

import numpy as np
import xarray as xr

from thermobatch.coloring.theory.effective_temperature import effective_temperature
from thermobatch.statistics.censored import logrank, median_ratio
from thermobatch.statistics.equivalence import verdict
from thermobatch.statistics.optimum import Optimum, fastest
from thermobatch.study.claim import Outcome, claim

SOURCE = "doi:10.1038/s41598-024-62625-8"
BOOTSTRAP_SEED = 4
CONFIDENCE = 0.9


@claim(
    "E4.same_first_passage",
    source=SOURCE,
    protocol="ours",
    statement="At its best T and at its best B the planted colouring is found in the same time: ratio of the medians.",
)
def same_first_passage(dataset: xr.Dataset, *, margin: list[float]) -> Outcome:
    """Decide by the ratio (SGD-like over Metropolis) of the median first passages at the fastest points."""
    dataset = smallest_graphs(dataset)
    first, second = (
        passages(dataset, fastest_point(dataset, name)) for name in ("batch_fraction", "temperature")
    )
    found = median_ratio(*first, *second, seed=BOOTSTRAP_SEED, paired=True, confidence=CONFIDENCE)
    test = logrank(*first, *second)
    method = (
        f"ratio of Kaplan-Meier medians at the fastest B and T of the scan, N = {int(dataset.n[0])}; paired bootstrap "
        f"over {len(first[0])} graphs, {CONFIDENCE:.0%} interval; log-rank p = {test.p_value:.2g} for one law"
    )
    bounds = (found.lower, found.upper)
    return Outcome(found.estimate, bounds, tuple(margin), method, verdict(bounds, tuple(margin)))


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
