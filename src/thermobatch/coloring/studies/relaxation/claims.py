"""Claims on the relaxation of the energy (E1)."""

import numpy as np
import xarray as xr

from thermobatch.coloring.studies.decisions import CONFIDENCE, all_within
from thermobatch.statistics.equivalence import verdict
from thermobatch.statistics.intervals import mean_interval
from thermobatch.study.claim import Outcome, claim

SOURCE = "doi:10.1038/s41598-024-62625-8"
BOOTSTRAP_SEED = 1
CLOCKS = np.linspace(0.5, 2.0, 301)


@claim(
    "E1.same_relaxation",
    source=SOURCE,
    protocol="ours",
    statement="SGD-like dynamics at B relax like Metropolis at T(B), the closed form or, at large B, matched to the "
    "late energy of the same graph: difference of the energies relative to that of Metropolis, at every recorded time "
    "and every B.",
)
def same_relaxation(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the largest mean difference over all B and times."""
    curves = _curves(dataset)
    minibatch, thermal = (curves.sel(dynamics=name).values for name in ("sgd_like", "metropolis"))
    labels = [
        f"B = {b:g}, t = {t:g}" for b, t in zip(curves.batch_fraction.values, curves.time.values, strict=True)
    ]
    relative = (minibatch - thermal) / thermal.mean(axis=0)
    return all_within(relative, margin, labels, _graphs(dataset), seed=BOOTSTRAP_SEED)


@claim(
    "E1.same_energy",
    source=SOURCE,
    protocol="ours",
    statement="SGD-like dynamics at B relax like Metropolis at T(B): difference of e averaged over the recorded "
    "(logarithmically spaced) late times, at every B whose T(B) is the closed form.",
)
def same_energy(dataset: xr.Dataset, *, margin: float, from_time: float) -> Outcome:
    """Decide by the largest mean difference over all B, each averaged over its times from `from_time` on."""
    late = _closed_form(dataset).energy.sel(time=dataset.time >= from_time)
    paired = late.sel(dynamics="sgd_like") - late.sel(dynamics="metropolis")
    averages = paired.mean("time").transpose("seed", "point")
    labels = [f"B = {b:g}" for b in averages.batch_fraction.values]
    where = f"per vertex, averaged over t >= {from_time:g}; {_graphs(dataset)}"
    return all_within(averages.values, margin, labels, where, seed=BOOTSTRAP_SEED)


@claim(
    "E1.same_clock",
    source=SOURCE,
    protocol="ours",
    statement="SGD-like dynamics relax on the whole as fast as Metropolis at T(B) to within the margin: the one factor "
    "z of the time that fits e(t) best, at every B whose T(B) is the closed form.",
)
def same_clock(dataset: xr.Dataset, *, margin: list[float], until: float) -> Outcome:
    """Decide by the z furthest from 1 over the B: that with which e(t) is e of Metropolis at t/z, graph by graph."""
    chosen = _closed_form(dataset)
    clocks = np.array([[clock(*curves) for curves in _early(point, until)] for point in _points(chosen)]).T
    found = mean_interval(np.log(clocks), confidence=CONFIDENCE)
    ends = float(np.exp(np.min(found.lower))), float(np.exp(np.max(found.upper)))
    worst = int(np.argmax(np.abs(found.estimate)))
    interval = float(np.exp(found.lower[worst])), float(np.exp(found.upper[worst]))
    fractions = chosen.batch_fraction.values
    listed = ", ".join(
        f"{np.exp(z):.3g} at B = {b:g}" for z, b in zip(found.estimate, fractions, strict=True)
    )
    method = (
        f"z furthest from 1, B = {fractions[worst]:g}, with its own t interval of log z ({CONFIDENCE:.0%}); least "
        f"squares over the recorded 1 <= t <= {until:g}; {listed}; all intervals lie in {ends[0]:.3g} to {ends[1]:.3g} "
        f"(decide); {_graphs(dataset)}"
    )
    decided = verdict(ends, tuple(margin))
    outside = np.any(found.lower > np.log(margin[1])) or np.any(found.upper < np.log(margin[0]))
    return Outcome(
        float(np.exp(found.estimate[worst])),
        interval,
        tuple(margin),
        method,
        "not_reproduced" if outside else decided,
    )


@claim(
    "E1.same_clock_at_every_time",
    source=SOURCE,
    protocol="ours",
    statement="SGD-like dynamics at any time are as far in their relaxation as Metropolis at T(B), within the margin: "
    "ratio of the times at which they have the same energy, at every B whose T(B) is the closed form and every "
    "recorded time from 1 to `until` at which the energy of Metropolis still is at least the share `falling` of its "
    "fall since t = 1 above that at `until`.",
)
def same_clock_at_every_time(
    dataset: xr.Dataset, *, margin: list[float], until: float, falling: float
) -> Outcome:
    """Decide by the ratio furthest from 1 over all B and times: t of SGD-like dynamics over that of Metropolis."""
    columns, labels = [], []
    for point in _points(_closed_form(dataset)):
        curves = _early(point, until)
        times = curves[0][0]
        mean = np.mean([thermal for _, _, thermal in curves], axis=0)
        span = mean[times >= 1][0] - mean[-1]
        for index in np.flatnonzero((times >= 1) & (mean - mean[-1] >= falling * span)):
            reached = [time_of(times, thermal, minibatch[index]) for _, minibatch, thermal in curves]
            columns.append(np.log(times[index] / np.array(reached)))
            labels.append(f"B = {float(point.batch_fraction):g}, t = {times[index]:g}")
    where = f"logarithms of the ratios; {_graphs(dataset)}"
    low, high = np.log(margin)
    if not np.isclose(low, -high):
        raise ValueError(f"margin = {margin}: must be 1/x and x, as ratios of times are compared")
    found = all_within(np.array(columns).T, high, labels, where, seed=BOOTSTRAP_SEED)
    ends = (float(np.exp(found.interval[0])), float(np.exp(found.interval[1])))
    return Outcome(float(np.exp(found.estimate)), ends, tuple(margin), found.method, found.verdict)


@claim(
    "E1.same_relaxation_by_its_clock",
    source="beyond the paper",
    protocol="ours",
    statement="With a clock slower by z SGD-like dynamics relax like Metropolis at the closed form T(B): difference of "
    "e(t) and e of Metropolis at t/z relative to the latter, z chosen on the other graphs, at every B whose T(B) is "
    "the closed form and every recorded time from 1 to `until`.",
)
def same_relaxation_by_its_clock(dataset: xr.Dataset, *, margin: float, until: float) -> Outcome:
    """Decide by the largest mean difference over all B and times from 1 to `until`; z leaves the graph itself out."""
    chosen = _closed_form(dataset)
    columns, labels = [], []
    for point in _points(chosen):
        curves = _early(point, until)
        clocks = np.array([clock(*each) for each in curves])
        others = [np.delete(clocks, k).mean() for k in range(len(clocks))]
        rows = [
            minibatch - slowed(times, thermal, z)
            for (times, minibatch, thermal), z in zip(curves, others, strict=True)
        ]
        levels = np.mean([thermal[times >= 1] for times, _, thermal in curves], axis=0)
        times = curves[0][0]
        columns.append(np.array(rows)[:, times >= 1] / levels)
        labels += [f"B = {float(point.batch_fraction):g}, t = {t:g}" for t in times[times >= 1]]
    where = f"z of the other graphs; {_graphs(dataset)}"
    return all_within(np.concatenate(columns, axis=1), margin, labels, where, seed=BOOTSTRAP_SEED)


def _closed_form(dataset: xr.Dataset) -> xr.Dataset:
    """The points whose temperature is not fitted to the energy that is compared."""
    kept = dataset.sel(point=dataset.temperature == "drift")
    if not kept.sizes["point"]:
        raise ValueError("coloring_relaxation: no B whose T(B) is the closed form, temperature = drift")
    return kept


def clock(times: np.ndarray, minibatch: np.ndarray, thermal: np.ndarray) -> float:
    """Return the z that brings the energy of Metropolis at t/z closest to that of SGD-like dynamics at t >= 1."""
    misfits = [np.sum((minibatch - slowed(times, thermal, z))[times >= 1] ** 2) for z in CLOCKS]
    return float(CLOCKS[np.argmin(misfits)])


def time_of(times: np.ndarray, energies: np.ndarray, energy: float) -> float:
    """Return when a falling energy is at a value: interpolated linearly in log(1 + t), its rises by noise left out."""
    falling = np.minimum.accumulate(energies)[::-1]
    return float(np.expm1(np.interp(energy, falling, np.log1p(times)[::-1])))


def slowed(times: np.ndarray, energies: np.ndarray, z: float) -> np.ndarray:
    """Return the energies at t/z: interpolated linearly in log(1 + t), in which they are smooth."""
    return np.interp(np.log1p(times / z), np.log1p(times), energies)


def _early(point: xr.Dataset, until: float) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Times and both energies of every graph, from t = 0 to `until`; and one time more to interpolate to."""
    chosen = point.sel(time=point.time <= until).dropna("time", how="any", subset=["energy"])
    curves = chosen.energy.transpose("seed", "dynamics", "time")
    names = list(curves.dynamics.values)
    first, second = names.index("sgd_like"), names.index("metropolis")
    return [(chosen.time.values.astype(float), each[first], each[second]) for each in curves.values]


def _points(dataset: xr.Dataset) -> list[xr.Dataset]:
    return [dataset.isel(point=k) for k in range(dataset.sizes["point"])]


def _curves(dataset: xr.Dataset) -> xr.DataArray:
    """Energies (dynamics, seed, entry), the recorded times of all points side by side."""
    labelled = dataset.energy.sel(time=dataset.time > 0).drop_vars("point", errors="ignore")
    curves = labelled.stack(entry=("point", "time"), create_index=False).dropna("entry", how="all")
    return curves.transpose("dynamics", "seed", "entry")


def _graphs(dataset: xr.Dataset) -> str:
    return f"paired by graph ({dataset.sizes['seed']} graphs)"
