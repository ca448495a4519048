"""E1: energy versus time of SGD-like dynamics on that of Metropolis at T(B)."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from thermobatch.coloring.theory.equilibrium import paramagnetic_energy
from thermobatch.statistics.intervals import mean_interval
from thermobatch.study import style

MARGIN = 0.011
FROM_TIME = 50
LABEL_ROOM = 0.55


def draw(dataset: xr.Dataset) -> Figure:
    """Return the figure: a column for each way T(B) is obtained, curves above, differences below.

    Parameters
    ----------
    dataset
        Of the experiment `coloring_relaxation`.
    """
    titles = {"drift": "closed form $T(B)$", "matched": "$T$ matched at long times"}
    columns = [kind for kind in titles if (dataset.temperature == kind).any()]
    with style.style():
        figure = Figure(figsize=(style.DOUBLE_COLUMN, 4.4))
        panels = figure.subplots(2, len(columns), sharex="col", squeeze=False, height_ratios=(2.2, 1))
        for (upper, lower), kind in zip(panels.T, columns, strict=True):
            chosen = dataset.sel(point=dataset.temperature == kind).dropna(
                "time", how="all", subset=["energy"]
            )
            chosen = chosen.sel(time=chosen.time >= 1)
            _relaxation(upper, chosen)
            _difference(lower, chosen)
            upper.set_title(titles[kind], loc="right")
        panels[0, 0].set_ylabel("energy per vertex $e(t)$")
        panels[1, 0].set_ylabel(r"$e_{\rm SGD} - e_{\rm Metropolis}$")
        keys = [
            Line2D(
                [],
                [],
                color="0.3",
                marker="o",
                linestyle="none",
                markerfacecolor="white",
                label="SGD-like, $B$",
            ),
            Line2D([], [], color="0.3", label="Metropolis, $T(B)$"),
            Line2D([], [], color="black", linestyle="--", linewidth=0.7, label="paramagnet at $T(B)$"),
        ]
        panels[0, -1].legend(
            handles=keys if "drift" in columns else keys[:2], loc="upper right", borderaxespad=0.8
        )
        style.panel_letters([*panels.ravel()])
    return figure


def _points(dataset: xr.Dataset):
    """Every point with its colour and marker, from small to large B, over the times it was recorded at."""
    slugs = dataset.point.values[np.argsort(dataset.batch_fraction.values)]
    for colour, marker, slug in zip(style.hues(len(slugs)), style.MARKERS, slugs, strict=False):
        yield colour, marker, dataset.sel(point=slug).dropna("time", how="all", subset=["energy"])


def _relaxation(axes: Axes, dataset: xr.Dataset) -> None:
    """Markers on lines, each pair named beside its end."""
    last, ends = float(dataset.time[-1]), []
    for colour, marker, point in _points(dataset):
        mean = point.energy.mean("seed")
        thermal, minibatch = mean.sel(dynamics="metropolis"), mean.sel(dynamics="sgd_like")
        temperature = float(point.matched_temperature.mean())
        if str(point.temperature.values) == "drift":
            level = paramagnetic_energy(temperature, mean_degree=float(point.mean_degree), q=int(point.q))
            axes.plot([1, last], [level, level], color="black", linestyle="--", linewidth=0.7, zorder=0)
        axes.plot(point.time, thermal, color=colour)
        axes.plot(point.time, minibatch, marker, color=colour, markerfacecolor="white")
        label = f"$B={float(point.batch_fraction):g}$, $T={temperature:.3f}$"
        ends.append((float(point.time[-1]), float(thermal[-1]), label, colour))
    axes.set(xscale="log", yscale="log", xlim=(0.85, last ** (1 + LABEL_ROOM)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter("{x:g}")
    style.end_labels(axes, ends)


def _difference(axes: Axes, dataset: xr.Dataset) -> None:
    """Paired difference on the same graphs, with its 95% band, and the margin of the claim."""
    last = float(dataset.time[-1])
    axes.fill_between([FROM_TIME, last], -MARGIN, MARGIN, color="0.9", linewidth=0)
    axes.axhline(0, color="black", linewidth=0.6)
    reach = 2 * MARGIN
    for colour, marker, point in _points(dataset):
        paired = point.energy.sel(dynamics="sgd_like") - point.energy.sel(dynamics="metropolis")
        if paired.sizes["seed"] > 1:
            band = mean_interval(paired.transpose("seed", "time").values)
            axes.fill_between(
                point.time, band.lower, band.upper, color=colour, alpha=style.BAND_ALPHA, linewidth=0
            )
        mean = paired.mean("seed")
        axes.plot(point.time, mean, marker, color=colour, markersize=2.4, markerfacecolor="white")
        reach = max(reach, 1.15 * float(abs(mean.sel(time=mean.time >= 2)).max()))
    axes.set(xlabel="time $t$ (sweeps)", xscale="log", ylim=(-reach, reach))


def caption(dataset: xr.Dataset) -> str:
    """Return what a reader must know to understand the figure alone."""
    n, q, c = (float(np.atleast_1d(dataset[name])[0]) for name in ("n", "q", "mean_degree"))
    return style.paragraph(
        f"""**E1, relaxation.** Energy per vertex (monochromatic edges over N) against time in sweeps for q = {q:g}
        colours on {dataset.graph.values[0]!s} graphs with N = {n:g} vertices and mean degree c = {c:g}. Markers:
        SGD-like dynamics at mini-batch fraction B (each half-edge in the batch with probability B, redrawn every
        sweep; sequential order). Lines: Metropolis at T(B), from the same colouring on the same graph. Left: T(B)
        is the closed zero-drift form; dashed lines are the paramagnetic energy at T(B). Right: the chains do not
        equilibrate and T is matched, graph by graph, to the mean energy over the last half of the run; only the
        shape of the curves is then a test. Lower panels: difference on the same graph, mean over
        {dataset.sizes["seed"]} graphs with its 95% t interval; the grey band is the margin of the claim,
        {MARGIN:g} from t = {FROM_TIME} on. At t = 0 (not shown) both start from the same random colouring.
        {style.provenance(dataset)}"""
    )
