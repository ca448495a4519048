"""R7: recovered shares, thresholds, recovery temperatures and the pair overlap of annealed replicas."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from thermobatch.coloring.studies.decisions import CONFIDENCE
from thermobatch.coloring.studies.phases.claims import crossings
from thermobatch.coloring.studies.replicas.claims import (
    SINGLE,
    Scheme,
    recoveries,
    rows,
    sizes,
    threshold,
    threshold_bounds,
)
from thermobatch.coloring.theory.replica_stability import replica_instability
from thermobatch.statistics.intervals import mean_interval, wilson_interval
from thermobatch.study import style

MOST_SIZES = 3
CURVE = np.linspace(0.0, 1.5, 61)
THEORY = {"color": "black", "linewidth": 1.0}


def draw(dataset: xr.Dataset, reconstruction: xr.Dataset) -> Figure:
    """Return the figure: recovered shares at three N above; thresholds, temperatures and pair overlaps below.

    Parameters
    ----------
    dataset
        Of the experiment `replicated_coloring`.
    reconstruction
        Of the experiment `coloring_reconstruction`: where T_sp and T_d cross.
    """
    shown = schemes(dataset)
    looks = _looks(shown)
    with style.style():
        figure = Figure(figsize=(style.DOUBLE_COLUMN, 4.9))
        panels = figure.subplots(2, 3)
        chosen = sizes(dataset)[-MOST_SIZES:]
        for axes, n in zip(panels[0], chosen, strict=False):
            _shares(axes, dataset, n, looks)
        for axes in panels[0, len(chosen) :]:
            axes.set_axis_off()
        panels[0, 0].set_ylabel("recovered share of graphs")
        handles = [panels[0, 0].plot([], [], label=name(scheme), **look)[0] for scheme, look in looks.items()]
        figure.legend(handles=handles, loc="outside upper center", ncols=len(handles), columnspacing=1.2)
        _thresholds(panels[1, 0], dataset, mean_interval(crossings(reconstruction)), looks)
        _temperatures(panels[1, 1], dataset)
        _pairs(panels[1, 2], dataset)
        style.panel_letters([*panels[0, : len(chosen)], *panels[1]])
    return figure


def schemes(dataset: xr.Dataset) -> list[Scheme]:
    """Return the schemes whose thresholds are compared: single, longer, uncoupled, and coupled at most mean degrees."""
    most = int(dataset.replicas.max())
    gammas = np.unique(dataset.coupling.values[dataset.coupling.values > 0])
    counts = [sum(len(rows(dataset, Scheme(most, g), n).point) for n in sizes(dataset)) for g in gammas]
    coupled = [Scheme(most, float(gammas[int(np.argmax(counts))]))] if len(gammas) else []
    wanted = [SINGLE, Scheme(1, longer=True), Scheme(most), *coupled]
    return [
        scheme for scheme in wanted if any(rows(dataset, scheme, n).sizes["point"] for n in sizes(dataset))
    ]


def name(scheme: Scheme) -> str:
    """Return the label of a scheme.

    Parameters
    ----------
    scheme
        What was annealed.
    """
    if scheme.replicas == 1:
        return "SA, sweeps $\\times R$" if scheme.longer else "SA"
    if scheme.coupling == 0:
        return rf"$R={scheme.replicas}$, uncoupled"
    return rf"RSA, $R={scheme.replicas}$, $\gamma={scheme.coupling:g}$"


def _looks(found: list[Scheme]) -> dict[Scheme, dict]:
    colours = style.hues(max(len(found), 2))
    lines = ((0, (1, 1.2)), (0, (4, 1.5)), (0, (5, 1, 1, 1)), "-")
    return {
        scheme: {"color": colours[-1 - k], "marker": style.MARKERS[k], "linestyle": lines[-len(found) :][k]}
        for k, scheme in enumerate(found)
    }


def _shares(axes: Axes, dataset: xr.Dataset, n: int, looks: dict) -> None:
    """Recovered shares of all schemes at one N with Wilson intervals."""
    for place, (scheme, look) in enumerate(looks.items()):
        found = recoveries(dataset, scheme, n)
        if not len(found.mean_degree):
            continue
        share = wilson_interval(found.recovered, found.runs)
        aside = 0.05 * (place - (len(looks) - 1) / 2)
        bars = [share.estimate - share.lower, share.upper - share.estimate]
        axes.errorbar(found.mean_degree + aside, share.estimate, bars, elinewidth=0.7, **look)
    optimal = (int(dataset.q[0]) - 1) ** 2
    axes.axvline(optimal, color="0.55", linewidth=0.8, zorder=0)
    axes.set(xlabel="mean degree $c$", ylim=(-0.04, 1.04))
    axes.set_title(f"$N={n}$", loc="right")


def _thresholds(axes: Axes, dataset: xr.Dataset, crossing, looks: dict) -> None:
    """Thresholds against N, with c = (q-1)^2 and the crossing of T_sp and T_d."""
    places = sizes(dataset)
    for k, (scheme, look) in enumerate(looks.items()):
        found = {n: threshold(dataset, scheme, n) for n in places}
        found = {n: each for n, each in found.items() if each is not None}
        if not found:
            continue
        x = np.array(list(found)) * 1.04 ** (k - (len(looks) - 1) / 2)
        middle = np.array([each.estimate for each in found.values()])
        ends = np.array([threshold_bounds(each) for each in found.values()])
        bars = np.abs(ends.T - middle)
        axes.errorbar(x, middle, bars, elinewidth=0.7, **look)
    optimal = (int(dataset.q[0]) - 1) ** 2
    axes.axhline(optimal, color="0.55", linewidth=0.8, zorder=0)
    axes.axhspan(crossing.lower, crossing.upper, color="0.85", zorder=0)
    axes.axhline(crossing.estimate, color="0.3", linewidth=0.8, linestyle="--", zorder=0)
    inside = {"transform": axes.get_yaxis_transform(), "fontsize": 7, "va": "top", "ha": "right"}
    axes.text(0.98, optimal - 0.04, r"$(q-1)^2$", color="0.35", **inside)
    axes.text(0.98, crossing.lower - 0.03, r"$T_\mathrm{sp}=T_\mathrm{d}$", color="0.2", **inside)
    axes.set(xscale="log", xlabel="vertices $N$", ylabel=r"threshold $c_{50}$")
    axes.set_xlim(places[0] / 1.25, places[-1] * 1.25)
    axes.set_xticks(places, [f"{n}" for n in places])
    axes.minorticks_off()


def _temperatures(axes: Axes, dataset: xr.Dataset) -> None:
    """Temperature of the recovery against gamma, with the line where the coupled paramagnet is unstable in RPA."""
    most = int(dataset.replicas.max())
    degree = scanned_degree(dataset)
    for n, colour, marker in zip(
        sizes(dataset), style.hues(len(sizes(dataset))), style.MARKERS, strict=False
    ):
        points = scanned(dataset, n)
        if not points.sizes["point"]:
            continue
        heats = points.passage_temperature.transpose("point", "seed").values
        gammas = points.coupling.values
        made = np.isfinite(points.stopped_at.transpose("point", "seed").values).sum(axis=1)
        several = np.isfinite(heats).sum(axis=1) > 0
        middle, spread = np.nanmean(heats[several], axis=1), np.nanstd(heats[several], axis=1)
        axes.errorbar(gammas[several], middle, spread, fmt=marker, color=colour, label=f"$N={n}$")
        lost = [f"{k}/{total}" for k, total in zip(np.isfinite(heats).sum(axis=1), made, strict=True)]
        if n == sizes(dataset)[0]:
            for gamma, words in zip(gammas, lost, strict=True):
                axes.text(gamma, 0.03, words, fontsize=6.5, ha="center", transform=axes.get_xaxis_transform())
    first = dataset.isel(point=0)
    line = [replica_instability(g, replicas=most, mean_degree=degree, q=int(first.q)) for g in CURVE]
    axes.plot(CURVE, line, **THEORY, label="RPA")
    axes.set(
        xlabel=r"coupling $\gamma$", ylabel="temperature of recovery", ylim=(0.2, float(first.hottest) * 1.02)
    )
    axes.set_xlim(CURVE[0] - 0.12, CURVE[-1] + 0.05)
    axes.set_title(f"$c={degree:g}$", loc="right")
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 0.08))


def _pairs(axes: Axes, dataset: xr.Dataset) -> None:
    """Pair overlaps along the schedule at the smallest N, one line a run: found and collapsed."""
    degree, n = scanned_degree(dataset), sizes(dataset)[0]
    points = scanned(dataset, n)
    gammas = [gamma for gamma in points.coupling.values if gamma > 0]
    gammas = sorted({compared(dataset), gammas[-1]}) if gammas else []
    for gamma, colour in zip(gammas, style.hues(max(len(gammas), 2)), strict=False):
        runs = points.isel(point=np.flatnonzero(points.coupling.values == gamma)[0])
        courses(axes, runs, color=colour, linewidth=0.7, alpha=0.8)
        axes.plot([], [], color=colour, label=rf"$\gamma={gamma:g}$")
    axes.plot([], [], "k*", linestyle="none", markersize=6, label="recovered")
    axes.set(xlabel="temperature $T$", ylabel="overlap of two replicas", ylim=(-0.03, 1.03))
    axes.invert_xaxis()
    axes.set_title(f"$N={n}$, $c={degree:g}$", loc="right")
    axes.legend(loc="center right")


def courses(axes: Axes, runs: xr.Dataset, **look) -> None:
    """Draw the pair overlap of every run of a point against temperature, with a star where one recovers.

    Parameters
    ----------
    axes
        Where to draw.
    runs
        One point.
    look
        Of the lines.
    """
    runs = runs.transpose("seed", "record")
    heat = float(runs.hottest) + runs.schedule.values * float(runs.coldest - runs.hottest)
    for values, passage in zip(runs.pair_overlap.values, runs.first_passage.values, strict=True):
        axes.plot(heat, values, **look)
        recorded = np.flatnonzero(np.isfinite(values))
        if np.isfinite(passage) and recorded.size:
            axes.plot(heat[recorded[-1]], values[recorded[-1]], "*", color=look["color"], markersize=6)


def compared(dataset: xr.Dataset) -> float:
    """Return the coupling whose thresholds are shown."""
    return schemes(dataset)[-1].coupling


def scanned_degree(dataset: xr.Dataset) -> float:
    """Return the mean degree at which most couplings were run."""
    most = dataset.isel(point=(dataset.replicas == int(dataset.replicas.max())).values)
    degrees = np.unique(most.mean_degree.values)
    counts = [len(np.unique(most.coupling.values[most.mean_degree.values == c])) for c in degrees]
    return float(degrees[int(np.argmax(counts))])


def scanned(dataset: xr.Dataset, n: int, *, batches: bool = False) -> xr.Dataset:
    """Return the points of most replicas at that mean degree and one N, by increasing coupling.

    Parameters
    ----------
    dataset
        Of the experiment.
    n
        Number of vertices.
    batches
        Whether those by mini-batches or those by Metropolis moves.
    """
    wanted = (dataset.n == n) & (dataset.replicas == int(dataset.replicas.max()))
    wanted &= (dataset.mean_degree == scanned_degree(dataset)) & (dataset.batches == batches)
    return dataset.isel(point=wanted.values).sortby("coupling")


def caption(dataset: xr.Dataset) -> str:
    """Return what a reader must know to understand the figure alone."""
    first = dataset.isel(point=0)
    shortest = {n: int(dataset.sweeps.values[dataset.n.values == n].min()) for n in sizes(dataset)}
    lengths = ", ".join(f"{sweeps} for N = {n}" for n, sweeps in shortest.items())
    optimal = (int(first.q) - 1) ** 2
    return style.paragraph(
        f"""**R7, replicated annealing of planted colourings.** Planted graphs, q = {int(first.q)}: T falls linearly
        from {float(first.hottest):g} to {float(first.coldest):g}; R = {int(dataset.replicas.max())} replicas are
        coupled from the start by the energy -gamma/R for every pair that gives a vertex the same colour. Sweeps of
        every replica: {lengths}; "sweeps x R" is a single system with R times as many, which costs what R replicas
        cost. A graph is recovered when the overlap of any replica with the planted colouring exceeds
        {float(first.stop_overlap):g}. (a to c) Recovered share, 95% Wilson intervals, points displaced sideways;
        the grey line is c = (q-1)^2 = {optimal}, where the planted colouring destabilises the paramagnet at T = 0.
        (d) Midpoints of logistic fits, {CONFIDENCE:.0%} intervals from Jeffreys' posteriors of the shares; dashed:
        where T_sp and T_d cross (95% band), the threshold predicted for annealing one system. (e) Temperature at
        which coupled replicas recover, mean and standard deviation over those that do (their numbers below, at the
        smallest N); line: where the coupled paramagnet turns unstable in the replicated Potts approximation, which
        neglects fluctuations of order 1/R: recovery comes hotter. (f) Pair overlap along single runs, a star where
        one recovers. The crossing is that of the experiment coloring_reconstruction. {style.provenance(dataset)}"""
    )
