"""E4: the time to find the planted colouring, versus temperature and mini-batch fraction."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from thermobatch.coloring.studies.recovery.claims import (
    effective_temperatures,
    fastest_point,
    one_connectivity,
    optimum,
    passages,
    scanned,
)
from thermobatch.coloring.theory.effective_temperature import effective_temperature
from thermobatch.statistics.censored import median_time, survival_curve
from thermobatch.study import style

BOOTSTRAP_SEED = 40
DYNAMICS = {"temperature": "Metropolis", "batch_fraction": "SGD-like"}
FACES = {"temperature": None, "batch_fraction": "white"}
SHOWN_RUNS = 4
BATCH_TICKS = np.array([0.8, 0.82, 0.84, 0.86, 0.88, 0.9, 0.92, 0.94, 0.96])


def draw(dataset: xr.Dataset) -> Figure:
    """Return the figure: medians against T, survival curves at the optimum, and runs while they nucleate.

    Parameters
    ----------
    dataset
        Of the experiment `coloring_recovery`; with several connectivities, the one with most recoveries is drawn.
    """
    dataset = one_connectivity(dataset)
    sizes = np.unique(dataset.n)
    colours = style.hues(max(3, len(sizes)))
    smallest = dataset.sel(point=dataset.n == sizes[0])
    with style.style():
        figure = Figure(figsize=(style.DOUBLE_COLUMN, 4.0))
        grid = figure.add_gridspec(2, 2, width_ratios=(1.35, 1))
        medians = figure.add_subplot(grid[:, 0])
        survival, traces = figure.add_subplot(grid[0, 1]), figure.add_subplot(grid[1, 1])
        for colour, marker, size in zip(colours, style.MARKERS, sizes, strict=False):
            _medians(medians, dataset.sel(point=dataset.n == size), colour, marker)
        _optima(medians, smallest)
        _batch_axis(medians, smallest)
        medians.legend(handles=_keys(), loc="lower left")
        _survival(survival, smallest, colours[0])
        _nucleation(traces, smallest)
        style.panel_letters([survival, traces], "bc")
        medians.text(-0.16, 1.02, "(a)", transform=medians.transAxes, fontweight="bold", fontsize=9)
    return figure


def _medians(axes: Axes, dataset: xr.Dataset, colour, marker: str) -> None:
    """Kaplan-Meier medians with intervals; where fewer than half arrive, a triangle at the cap; censored shares."""
    cap = float(dataset.sweeps[0])
    for name, face in FACES.items():
        chosen = scanned(dataset, name)
        x = effective_temperatures(chosen)
        samples = [passages(chosen, slug) for slug in chosen.point.values]
        found = [median_time(*sample, seed=BOOTSTRAP_SEED) for sample in samples]
        height = np.array([min(each.estimate, cap) for each in found])
        arrived = np.array([np.isfinite(each.estimate) for each in found])
        lower = height - [min(each.lower, cap) for each in found]
        upper = np.array([min(each.upper, cap) for each in found]) - height
        markers = {"fmt": "none"} if name == "temperature" else {"fmt": marker, "markerfacecolor": face}
        bars = np.stack([lower, upper])[:, arrived]
        axes.errorbar(x[arrived], height[arrived], bars, color=colour, elinewidth=0.8, **markers)
        if name == "temperature":
            axes.plot(x[arrived], height[arrived], color=colour)
            label = f"$N={int(dataset.n[0])}$"
            style.direct_label(axes, x[arrived][-1], height[arrived][-1], label, colour)
        if not arrived.all():
            marks = {"color": colour, "markerfacecolor": face or colour, "clip_on": False}
            axes.plot(x[~arrived], height[~arrived], "^", **marks)
        for position, level, (_, observed) in zip(x, height, samples, strict=True):
            if not observed.all():
                style.direct_label(axes, position, level, f"{int((~observed).sum())}", colour, fontsize=6.5)
    axes.set(yscale="log", xlabel="temperature $T$, or $T(B)$")
    style.plain_log_labels(axes.yaxis)
    axes.set_ylabel(f"median time to overlap > {float(dataset.stop_overlap[0]):g} (sweeps)")


def _optima(axes: Axes, dataset: xr.Dataset) -> None:
    """Minima of the fitted parabolas, where they are, with the interval of their places."""
    for name, face in FACES.items():
        found = optimum(dataset, name)
        reach = [[found.location - found.lower], [found.upper - found.location]]
        look = {
            "fmt": "D",
            "color": "black",
            "markerfacecolor": face or "black",
            "markersize": 4,
            "zorder": 5,
        }
        axes.errorbar([found.location], [found.median], xerr=reach, elinewidth=0.9, capsize=2, **look)


def _batch_axis(axes: Axes, dataset: xr.Dataset) -> None:
    """A second axis says which mini-batch fraction has the temperature below."""
    left, right = axes.get_xlim()
    low, high = axes.get_ylim()
    axes.set(xlim=(left, right + 0.16 * (right - left)), ylim=(low / 1.5, high))
    batch = BATCH_TICKS
    positions = effective_temperature(batch, mean_degree=float(dataset.mean_degree[0]), q=int(dataset.q[0]))
    inside = (positions > left) & (positions < axes.get_xlim()[1])
    upper = axes.twiny()
    upper.xaxis.set_minor_locator(NullLocator())
    upper.set(xlim=axes.get_xlim(), xlabel="mini-batch fraction $B$")
    upper.set_xticks(positions[inside], [f"{value:g}" for value in batch[inside]])
    axes.tick_params(top=False, which="both")


def _keys() -> list[Line2D]:
    white = {"marker": "o", "linestyle": "none", "markerfacecolor": "white"}
    return [
        Line2D([], [], color="0.3", label="Metropolis, $T$"),
        Line2D([], [], color="0.3", label="SGD-like, $T(B)$", **white),
    ]


def _survival(axes: Axes, dataset: xr.Dataset, colour) -> None:
    """Kaplan-Meier curves at the fastest points; ticks are censored runs."""
    for name, label in DYNAMICS.items():
        slug = fastest_point(dataset, name)
        curve = survival_curve(*passages(dataset, slug))
        control = float(dataset[name].sel(point=slug))
        symbol = "T" if name == "temperature" else "B"
        line = {"color": colour} if name == "temperature" else {"color": "0.45", "linestyle": (0, (4, 1.5))}
        axes.step(curve.time, curve.survival, where="post", label=f"{label}, ${symbol}={control:g}$", **line)
        axes.fill_between(
            curve.time, curve.lower, curve.upper, step="post", color=line["color"], alpha=0.18, linewidth=0
        )
        lost = curve.censored > 0
        axes.plot(curve.time[lost], curve.survival[lost], "|", color=line["color"], markersize=6)
    axes.set(xscale="log", ylim=(0, 1.03), xlabel="time $t$ (sweeps)", ylabel="not yet recovered")
    start = min(passages(dataset, fastest_point(dataset, name))[0].min() for name in DYNAMICS)
    axes.set_xlim(start / 1.5, None)
    style.plain_log_labels(axes.xaxis)
    axes.set_title(f"$N={int(dataset.n[0])}$, fastest points", loc="right")
    axes.legend(loc="lower left", fontsize=7.5)


def _nucleation(axes: Axes, dataset: xr.Dataset) -> None:
    """Overlap of a few runs at the fastest points: it stays at its floor and then jumps."""
    for name in DYNAMICS:
        chosen = dataset.sel(point=fastest_point(dataset, name))
        for colour, seed in zip(style.hues(SHOWN_RUNS), chosen.seed.values[:SHOWN_RUNS], strict=False):
            run = chosen.sel(seed=seed).dropna("time", how="any", subset=["overlap"])
            run = run.sel(time=run.time > 0)
            end = float(run.first_passage)
            time = np.append(run.time.values, end) if np.isfinite(end) else run.time.values
            overlap = (
                np.append(run.overlap.values, float(run.stop_overlap))
                if np.isfinite(end)
                else run.overlap.values
            )
            if name == "temperature":
                axes.plot(time, overlap, color=colour)
            else:
                axes.plot(time, overlap, "o", color=colour, markerfacecolor="white", markersize=2.8)
    axes.axhline(float(dataset.stop_overlap[0]), color="black", linestyle=":", linewidth=0.8)
    axes.set(xscale="log", xlabel="time $t$ (sweeps)", ylabel="overlap $Q(t)$")


def caption(dataset: xr.Dataset) -> str:
    """Return what a reader must know to understand the figure alone."""
    sizes = ", ".join(str(size) for size in np.unique(dataset.n))
    return style.paragraph(
        f"""**E4, recovery.** Time at which the overlap with the planted colouring first exceeds
        {float(dataset.stop_overlap[0]):g}, q = {int(dataset.q[0])}, mean degree
        c = {float(dataset.mean_degree[0]):g}, N = {sizes}; runs are stopped (censored) after
        {int(dataset.sweeps[0])} sweeps. (a) Kaplan-Meier medians with 95%
        bootstrap intervals over graphs: Metropolis at T (lines) and SGD-like dynamics at B (open markers), drawn at the
        zero-drift T(B); the upper axis gives B. Small numbers count censored runs; triangles at the cap: fewer than
        half of the runs arrived. Black diamonds: minima of parabolas through log(median) for the smallest N (filled:
        Metropolis, open: SGD-like), with 90% bootstrap intervals of their places. (b) Kaplan-Meier survival curves at
        the fastest T and B of the scan (chosen from the runs that are shown), 95% bands, ticks at censored runs. (c)
        Overlap in {SHOWN_RUNS} runs of each dynamics at those points (lines: Metropolis, markers: SGD-like, same hue
        = same graph): a plateau, then nucleation. {style.provenance(dataset)}"""
    )
