"""D2: error of the mean-field solver against population size and time, and the published curve."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullFormatter

from thermobatch.mean_field.studies.accuracy.claims import point_of, sizes_and_errors
from thermobatch.mean_field.studies.points import published_point, seeds_of
from thermobatch.statistics.intervals import mean_interval
from thermobatch.study import style

FULL = r"$b=1$"


def draw(accuracy: xr.Dataset, learning: xr.Dataset) -> Figure:
    """Return the figure: errors against n and against time, and the published simulation with the theory.

    Parameters
    ----------
    accuracy
        Of the experiment `mean_field_accuracy`.
    learning
        Of the experiment `mean_field_learning`.
    """
    with style.style():
        figure = Figure(figsize=(style.DOUBLE_COLUMN, 3.0))
        grid = figure.add_gridspec(2, 3, height_ratios=(2.4, 1))
        sizes, floor = figure.add_subplot(grid[0, 0]), figure.add_subplot(grid[1, 0])
        times = figure.add_subplot(grid[0, 1], sharey=sizes)
        floor_times = figure.add_subplot(grid[1, 1], sharey=floor)
        curve, residual = figure.add_subplot(grid[0, 2]), figure.add_subplot(grid[1, 2])
        _errors(sizes, floor, accuracy, against="paths")
        _errors(times, floor_times, accuracy, against="solver_seconds")
        sizes.set_ylabel("rms error of $m(t)$")
        floor.set(ylabel=FULL, xlabel="population size $n$")
        floor_times.set_xlabel("time of one core (s)")
        for panel in (times, floor_times):
            panel.tick_params(labelleft=False, which="both")
        _published(curve, residual, published_point(learning))
        style.panel_letters([sizes, times, curve])
    return figure


def _errors(axes: Axes, floor: Axes, dataset: xr.Dataset, against: str) -> None:
    """Root-mean-square errors with 95% intervals of their geometric means; full batches on their own axes below."""
    series = sorted(
        {
            (float(b), bool(e))
            for b, e in zip(dataset.batch_fraction.values, dataset.exact_response.values, strict=True)
        },
        reverse=True,
    )
    partial = [one for one in series if one[0] < 1.0]
    fractions = sorted({b for b, _ in partial}, reverse=True)
    colours = dict(zip(fractions, style.hues(max(3, len(fractions))), strict=False))
    markers = dict(zip(fractions, style.MARKERS, strict=False))
    keys = []
    for b, exact in series:
        sizes, errors = sizes_and_errors(dataset, b, exact)
        seconds = point_of(dataset, b, exact).solver_seconds.mean("seed").values
        x = sizes if against == "paths" else seconds
        found = mean_interval(np.log(np.maximum(errors, 1e-17)))
        middle = np.exp(found.estimate)
        bars = np.stack([middle - np.exp(found.lower), np.exp(found.upper) - middle])
        panel, colour, marker = (floor, "black", "o") if b == 1.0 else (axes, colours[b], markers[b])
        face = colour if exact else "white"
        line = ":" if exact else "-"
        style_of = {
            "marker": marker,
            "color": colour,
            "markerfacecolor": face,
            "markersize": 3.2,
            "linestyle": line,
        }
        panel.errorbar(x, middle, bars, elinewidth=0.8, linewidth=0.7, **style_of)
        if b < 1.0:
            text = f"$b={b:g}$" + (", exact response" if exact else "")
            keys.append(Line2D([], [], linewidth=0.7, label=text, **style_of))
        if against == "paths" and (b, exact) == partial[0]:
            guide = 0.45 * middle[0] * np.sqrt(sizes[0] / sizes)
            axes.plot(sizes, guide, color="black", linestyle="--", linewidth=0.9)
            axes.annotate(
                "$n^{-1/2}$",
                (sizes[len(sizes) // 2], guide[len(sizes) // 2]),
                xytext=(-4, -2),
                textcoords="offset points",
                ha="right",
                va="top",
                fontsize=8,
            )
    for panel in (axes, floor):
        panel.set(xscale="log", yscale="log")
        panel.xaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(labelbottom=False, which="both")
    floor.set_xlim(axes.get_xlim())
    axes.set_xlim(floor.get_xlim())
    floor.set(ylim=(1e-17, 1e-10), yticks=[1e-16, 1e-13])
    floor.yaxis.set_minor_formatter(NullFormatter())
    if against == "paths":
        axes.set_ylim(axes.get_ylim()[0], axes.get_ylim()[1] * 8)
        axes.legend(handles=keys, loc="upper right", fontsize=7, labelspacing=0.2)


def _published(curve: Axes, residual: Axes, chosen: xr.Dataset) -> None:
    """The published simulation with its deviation, ours, and the theory; differences from the theory below."""
    known, spread = seeds_of(chosen.published_magnetization)[0], seeds_of(chosen.published_deviation)[0]
    theory, simulated = (
        seeds_of(chosen.magnetization.sel(origin=origin)) for origin in ("theory", "simulation")
    )
    time = np.arange(theory.shape[1])
    line = theory.mean(axis=0)
    early = time[: known.size]
    curve.fill_between(early, known - spread, known + spread, color="0.8", linewidth=0)
    curve.plot(early, known, color="0.5", linewidth=2.2, label="published")
    curve.plot(time, line, color="black", linewidth=0.9, label="theory")
    colour = style.hues(3)[0]
    some = np.unique(np.rint(np.geomspace(1, time.size, 14)).astype(int)) - 1
    curve.plot(
        some,
        simulated.mean(axis=0)[some],
        "o",
        color=colour,
        markerfacecolor="white",
        markersize=3,
        label="our simulation",
    )
    difference = mean_interval(simulated - line)
    residual.fill_between(
        time, difference.lower, difference.upper, color=colour, alpha=style.BAND_ALPHA, linewidth=0
    )
    residual.plot(time, difference.estimate, color=colour, linewidth=0.9)
    residual.plot(early, known - line[: known.size], color="0.5", linewidth=1.6)
    residual.axhline(0, color="black", linewidth=0.6)
    curve.set(xlim=(-1, time[-1]), ylim=(0.15, 0.9), ylabel="overlap $m(t)$")
    curve.tick_params(labelbottom=False, which="both")
    curve.legend(loc="lower right", fontsize=7)
    curve.set_title(FULL, loc="right")
    residual.set(xlim=(-1, time[-1]), ylim=(-0.012, 0.012), xlabel="steps $t$", ylabel="$-$ theory")


def caption(accuracy: xr.Dataset, learning: xr.Dataset) -> str:
    """Return what a reader must know to understand the figure alone."""
    values = {
        name: float(accuracy[name].values[0]) for name in ("alpha", "ridge", "learning_rate", "m0", "q0")
    }
    return style.paragraph(
        f"""**D2, accuracy of the mean-field solver.** Ridge regression, alpha = {values["alpha"]:g}, lambda =
        {values["ridge"]:g}, eta = {values["learning_rate"]:g}, m0 = {values["m0"]:g}, q0 = {values["q0"]:g}. (a) Root
        mean square over {int(accuracy.steps.values[0])} steps of the solver's overlap minus the exact one, against the
        number n of paths; geometric means and 95% intervals over independent populations. Open: response from one
        random combination; filled: all response functions. Below: full batches, where the noise with exact moments
        leaves rounding errors only. (b) The same against the time of one core of the reference machine that the cost
        model predicts (predicted, so that the figure does not depend on the machine). (c) The published simulation
        (grey: mean +- standard deviation; their number of runs is not known), the theory, and our simulation at d =
        {int(learning.d.values[0])}; below, differences from the theory (95% band).
        {style.provenance(accuracy)}"""
    )
