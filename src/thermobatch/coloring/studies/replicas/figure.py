"""R7: recovery of planted colourings by annealing one system, and replicas with and without coupling."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from thermobatch.coloring.studies.replicas.claims import degrees, recovered, schemes, threshold
from thermobatch.statistics.intervals import mean_interval, wilson_interval
from thermobatch.study import style

LINES = ("-", (0, (4, 1.5)), (0, (1, 1.2)), (0, (5, 1, 1, 1)))


def draw(dataset: xr.Dataset) -> Figure:
    """Return the figure: recovered shares against the mean degree, and the course of annealings near the threshold.

    Parameters
    ----------
    dataset
        Of the experiment `replicated_coloring`.
    """
    looks = _looks(schemes(dataset))
    with style.style():
        figure = Figure(figsize=(style.DOUBLE_COLUMN, 3.6))
        grid = figure.add_gridspec(2, 2, width_ratios=(1.35, 1))
        shares = figure.add_subplot(grid[:, 0])
        overlaps, distances = figure.add_subplot(grid[0, 1]), figure.add_subplot(grid[1, 1])
        overlaps.sharex(distances)
        _shares(shares, dataset, looks)
        _course(overlaps, distances, dataset, looks)
        style.panel_letters([shares, overlaps, distances])
    return figure


def name(scheme: tuple[int, float]) -> str:
    """Return the label of a scheme (y, last gamma).

    Parameters
    ----------
    scheme
        Number of replicas and last coupling.
    """
    y, gamma = scheme
    if y == 1:
        return "$y=1$"
    return rf"$y={y}$, $\gamma\to{gamma:g}$" if gamma else f"$y={y}$, uncoupled"


def _looks(found: list[tuple[int, float]]) -> dict[tuple[int, float], dict]:
    """Hue tells y, the dash the coupling."""
    replicas = sorted({y for y, _ in found})
    couplings = sorted({gamma for _, gamma in found})
    colours = dict(zip(replicas, style.hues(max(3, len(replicas))), strict=False))
    looks = {}
    for y, gamma in found:
        place = couplings.index(gamma) % len(LINES)
        marker = style.MARKERS[place + (1 if y > 1 else 0)]
        looks[y, gamma] = {"color": colours[y], "linestyle": LINES[place if y > 1 else 0], "marker": marker}
    return looks


def _shares(axes: Axes, dataset: xr.Dataset, looks: dict) -> None:
    """Recovered shares with Wilson intervals, and the thresholds below."""
    c = degrees(dataset)
    width = 0.012 * np.ptp(c)
    for place, (scheme, look) in enumerate(looks.items()):
        table = recovered(dataset, scheme)
        found = wilson_interval(table.sum(axis=1), table.shape[1])
        shifted = c + width * (place - (len(looks) - 1) / 2)
        bars = [found.estimate - found.lower, found.upper - found.estimate]
        axes.errorbar(shifted, found.estimate, bars, elinewidth=0.7, label=name(scheme), **look)
        each = threshold(dataset, table)
        middle = mean_interval(each)
        height = -0.06 - 0.055 * place
        axes.plot([middle.lower, middle.upper], [height, height], color=look["color"], linewidth=0.9)
        axes.plot(middle.estimate, height, look["marker"], color=look["color"])
    axes.axhline(0, color="0.7", linewidth=0.6)
    axes.set(
        xlabel="mean degree $c$", ylabel="recovered share of graphs", ylim=(-0.09 - 0.055 * len(looks), 1.03)
    )
    axes.set_yticks(np.linspace(0, 1, 6))
    axes.legend(loc="upper left")


def _course(above: Axes, below: Axes, dataset: xr.Dataset, looks: dict) -> None:
    """Overlap of the best replica and distance of replicas against temperature, near the threshold of y = 1."""
    middle = threshold(dataset, recovered(dataset, schemes(dataset)[0]).mean(axis=1))
    degree = degrees(dataset)[np.argmin(np.abs(degrees(dataset) - middle))]
    for scheme, look in looks.items():
        wanted = (
            (dataset.replicas == scheme[0])
            & (dataset.coupling == scheme[1])
            & (dataset.mean_degree == degree)
        )
        chosen = dataset.sel(point=wanted).isel(point=0).dropna("time", how="all", subset=["overlap"])
        progress = chosen.time.values / chosen.time.values[-1]
        heat = float(chosen.hottest) + progress * float(chosen.coldest - chosen.hottest)
        drawn = {"color": look["color"], "linestyle": look["linestyle"]}
        for axes, values in ((above, chosen.overlap), (below, chosen.distance)):
            if axes is below and scheme[0] == 1:
                continue
            found = mean_interval(values.transpose("seed", "time").values)
            axes.plot(heat, found.estimate, **drawn)
            axes.fill_between(heat, found.lower, found.upper, color=look["color"], alpha=0.1, linewidth=0)
    above.set(ylabel="overlap $Q$", ylim=(0, 1))
    above.tick_params(labelbottom=False)
    below.set(
        xlabel="temperature $T$ (annealed from right to left)", ylabel="replica distance", ylim=(0, None)
    )
    above.set_title(rf"$c={degree:g}$", loc="right")


def caption(dataset: xr.Dataset) -> str:
    """Return what a reader must know to understand the figure alone."""
    first = dataset.isel(point=0)
    return style.paragraph(
        f"""**R7, replicated annealing of planted colourings.** Planted graphs, q = {int(first.q)}, N = {int(first.n)}:
        Metropolis dynamics of y replicas while T falls linearly from {float(first.hottest):g} to
        {float(first.coldest):g} and the coupling gamma to the traced centre rises from 0, in {int(first.sweeps)} sweeps
        of every replica (equal cost per replica; y replicas cost y times as much). (a) Share of graphs on which the
        replica of lowest final energy has an overlap above {float(first.stop_overlap):g} with the planted colouring,
        95% Wilson intervals (points are displaced sideways); uncoupled replicas count by the best of y. Below: recovery
        thresholds, where a step with the same area as the curve would be, 95% t intervals over sets of graphs. (b)
        Overlap of that replica and (c) mean share of vertices that two replicas colour differently, means over graphs
        with 95% t intervals (bands), at the scanned mean degree next to the threshold of y = 1.
        {style.provenance(dataset)}"""
    )
