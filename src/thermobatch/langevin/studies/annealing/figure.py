"""L2: the probability of the global basin of a rugged landscape against time, for constant and cooled noise."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from thermobatch.foundation.schedules import Logarithmic
from thermobatch.langevin.studies.annealing.claims import at_end, best_thermal, successes
from thermobatch.statistics.intervals import wilson_interval
from thermobatch.study import style

SIDE = 6.5


def draw(dataset: xr.Dataset) -> Figure:
    """Return the figure: probabilities against time for Langevin dynamics and SGD, and a path of three of them.

    Parameters
    ----------
    dataset
        Of the experiment `landscape_annealing`.
    """
    thermal = dataset.point.values[np.isnan(dataset.batch.values)]
    noisy = dataset.point.values[np.isfinite(dataset.batch.values)]
    with style.style():
        figure = Figure(figsize=(style.DOUBLE_COLUMN, 5.0))
        upper, lower = figure.subfigures(2, 1, height_ratios=(1.2, 1))
        left, right = upper.subplots(1, 2, sharey=True)
        _probabilities(left, dataset, _shown(dataset, thermal), marks=False)
        _probabilities(right, dataset, noisy, marks=True)
        left.set_ylabel("probability of the global basin")
        left.set_title("gradient descent, Langevin", loc="right")
        right.set_title("mini-batch SGD", loc="right")
        scan, *panels = lower.subplots(1, 4, width_ratios=(1.25, 1, 1, 1))
        _scan(scan, dataset)
        shown = _examples(dataset, thermal)
        for axes, point in zip(panels, shown, strict=False):
            _path(axes, dataset.sel(point=point))
        for axes in panels[len(shown) :]:
            axes.set_visible(False)
        for axes in panels[1:]:
            axes.tick_params(labelleft=False)
        panels[0].set_ylabel("$y$")
        style.panel_letters([left, right, scan, *panels[: len(shown)]])
    return figure


def label(chosen: xr.Dataset) -> str:
    """Return the name of a point's schedule, with the paper's symbols.

    Parameters
    ----------
    chosen
        One point of the dataset.
    """
    cooled = str(chosen.cooling.values) == "logarithmic"
    if np.isfinite(chosen.temperature):
        heat = float(chosen.temperature)
        return (f"$T={heat:g}/\\log n$" if heat != 1 else r"$T=1/\log n$") if cooled else f"$T={heat:g}$"
    if not np.isfinite(chosen.batch):
        return "descent"
    size = float(chosen.batch)
    name = rf"$B=\lceil {size:g}\log n\rceil$" if cooled else f"$B={size:g}$"
    return name + {"reshuffling": ", shuffled", "thermal": ", thermal"}.get(str(chosen.sampling.values), "")


def _shown(dataset: xr.Dataset, thermal) -> list[str]:
    """Points drawn against time: descent, the best of each cooling and its neighbours at the ends of the scan."""
    chosen = dataset.sel(point=thermal)
    kept = [str(point) for point in chosen.point.values[np.isnan(chosen.temperature.values)]]
    for cooling in ("constant", "logarithmic"):
        one = chosen.sel(point=np.isfinite(chosen.temperature) & (chosen.cooling == cooling))
        if one.sizes["point"]:
            order = [str(one.point.values[k]) for k in np.argsort(one.temperature.values)]
            kept += dict.fromkeys([order[0], best_thermal(dataset, cooling), order[-1]])
    return kept


def _scan(axes: Axes, dataset: xr.Dataset) -> None:
    """Share in the basin at the end against the constant temperature, or against that at the end of the cooling."""
    steps = int(dataset.steps[0])
    dark, _, light = style.hues(3)
    for cooling, colour, marker in (("constant", dark, "s"), ("logarithmic", light, "o")):
        wanted = np.isfinite(dataset.temperature) & (dataset.cooling == cooling)
        points = dataset.point.values[wanted.values]
        heats = dataset.temperature.sel(point=points).values
        if cooling == "logarithmic":
            heats = np.array([Logarithmic(heat).at(np.array([steps]))[0] for heat in heats])
        order = np.argsort(heats)
        found = [at_end(dataset, points[k], confidence=0.95) for k in order]
        middle = np.array([each.estimate for each in found])
        bars = np.array([[each.estimate - each.lower, each.upper - each.estimate] for each in found]).T
        look = {"color": colour, "markerfacecolor": "white", "elinewidth": 0.8, "linewidth": 0.7}
        name = {"constant": "constant $T$", "logarithmic": r"$c/\log n$"}[cooling]
        axes.errorbar(heats[order], middle, bars, fmt=f"{marker}-", markersize=3.5, label=name, **look)
    axes.set(xlabel="$T$ at the end", ylabel="in the basin at the end", ylim=(0, 1), box_aspect=1)
    axes.legend(loc="lower right", fontsize=7)


def _probabilities(axes: Axes, dataset: xr.Dataset, points, marks: bool) -> None:
    """Shares in the basin with Wilson bands; lines for Langevin dynamics, markers for SGD; cooled ones are solid."""
    ends = []
    order = sorted(
        points, key=lambda point: float(np.nanmax(dataset.share.sel(point=point).mean("seed")[-1:]))
    )
    for colour, marker, point in zip(style.hues(max(3, len(order))), style.MARKERS, order, strict=False):
        inside, runs = successes(dataset, point)
        chosen = dataset.sel(point=point)
        time = dataset.time.values
        kept = time > 0
        found = wilson_interval(inside[kept].astype(int), runs)
        cooled = str(chosen.cooling.values) == "logarithmic"
        line = {"linestyle": "-" if cooled else (0, (4, 1.5)), "color": colour}
        axes.fill_between(time[kept], found.lower, found.upper, color=colour, alpha=0.18, linewidth=0)
        if marks:
            axes.plot(time[kept], found.estimate, linewidth=0.6, **line)
            some = slice(None, None, 5)
            axes.plot(
                time[kept][some],
                found.estimate[some],
                marker,
                color=colour,
                markerfacecolor="white",
                markersize=3,
            )
        else:
            axes.plot(time[kept], found.estimate, **line)
        ends.append((float(time[-1]), float(found.estimate[-1]), label(chosen), colour))
    last = float(dataset.time.values[-1])
    axes.set(xscale="log", xlim=(10, last * (500 if marks else 20)), ylim=(0, 1), xlabel="steps $n$")
    axes.set_xticks(10.0 ** np.arange(1, np.log10(last) + 0.5))
    style.end_labels(axes, ends, points_apart=9.0)


def _examples(dataset: xr.Dataset, thermal) -> list[str]:
    """Points whose paths are drawn: descent, the middle constant temperature, the warmest cooling."""
    chosen = dataset.sel(point=thermal)
    heat = chosen.temperature.values
    cooled = chosen.cooling.values == "logarithmic"
    descent = [str(p) for p in chosen.point.values[np.isnan(heat)]][:1]
    constant = chosen.point.values[np.isfinite(heat) & ~cooled]
    constant = constant[np.argsort(chosen.temperature.sel(point=constant).values)]
    cooling = chosen.point.values[np.isfinite(heat) & cooled]
    cooling = cooling[np.argsort(chosen.temperature.sel(point=cooling).values)]
    return [*descent, *map(str, constant[len(constant) // 2 :][:1]), *map(str, cooling[-1:])]


def _path(axes: Axes, chosen: xr.Dataset) -> None:
    """A run on the contours of the landscape, from start (square) to end (disc), coloured by log time."""
    profile = chosen.profile.isel(seed=0)
    grid = profile.place.values
    energy = profile.values[:, None] + profile.values  # the loss is a sum over the components
    axes.contourf(grid, grid, energy, levels=14, cmap="Greys", vmin=-0.5, vmax=9, zorder=0)
    edge = float(chosen.basin_edge.isel(seed=0))
    axes.plot(
        edge * np.array([-1, 1, 1, -1, -1]),
        edge * np.array([-1, -1, 1, 1, -1]),
        color="black",
        linewidth=0.8,
        linestyle=":",
    )
    path = chosen.path.isel(seed=0).transpose("time", "component").values
    path = path[np.isfinite(path).all(axis=1)]
    colours = style.hues(len(path))
    axes.plot(*path.T, color="0.35", linewidth=0.4)
    axes.scatter(*path.T, s=5, c=colours, linewidth=0, zorder=3)
    axes.plot(*path[0], "s", color=colours[0], markerfacecolor="white", zorder=4)
    axes.plot(*path[-1], "o", color="black", markerfacecolor=colours[-1], markersize=5, zorder=4)
    axes.set(xlim=(-SIDE, SIDE), ylim=(-SIDE, SIDE), xlabel="$x$", aspect="equal")
    axes.set_title(label(chosen), loc="right")


def caption(dataset: xr.Dataset) -> str:
    """Return what a reader must know to understand the figure alone."""
    counts = [successes(dataset, point)[1] for point in dataset.point.values]
    runs = f"{min(counts)} to {max(counts)}" if min(counts) < max(counts) else f"{min(counts)}"
    rate, variance = float(dataset.learning_rate[0]), float(dataset.noise_variance[0])
    return style.paragraph(
        f"""**L2, cooling as global optimisation.** Share of {runs} independent runs that are in the basin of the global
        minimum of L = 0.05 r^2 + 0.3 (2 - cos 2.5x - cos 2.5y) after n steps, uniform starts in [-6, 6]^2, eta =
        {rate:g}; bands are 95% Wilson intervals (point by point). Solid: cooled, dashed: constant. (a) Gradient
        descent and Langevin dynamics at temperature T. (b) Mini-batch SGD with N = {int(dataset.samples[0])} samples
        of additive noise, sigma^2 = {variance:g}, so that T = eta sigma^2 / (2B) = {rate * variance / 2:g} / B;
        "shuffled" draws the batches from reshuffled epochs, whose noises are anticorrelated and colder than
        this T, "thermal" is Langevin dynamics at T(B_n) itself. log n is log(n + e). (c) Shares at the end of all
        constant T, and of all cooled runs against their last T, with 95% Wilson intervals; (a) shows the best of each
        kind, chosen on the first half of the seeds, and the ends of the scan. (d-f) One run each at logarithmic times
        (dark to light; square: start, disc: end) on the landscape; the dotted square is the global basin.
        {style.provenance(dataset)}"""
    )
