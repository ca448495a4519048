"""L3: annealing the mini-batch against simulated annealing on planted colouring."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from thermobatch.coloring.theory.equilibrium import paramagnetic_energy
from thermobatch.statistics.intervals import Interval, bootstrap_interval, wilson_interval
from thermobatch.statistics.resampling import MINIMUM_RESAMPLED
from thermobatch.study import style

RECOVERED = 0.6
BOOTSTRAP_SEED = 31
BATCH_TICKS = np.array([0.6, 0.7, 0.8, 0.85, 0.9, 0.95])


def draw(dataset: xr.Dataset) -> Figure:
    """Return the figure: final energy and recovery against the length, and the energy while cooling.

    Parameters
    ----------
    dataset
        Of the experiment `coloring_annealing`.
    """
    dataset = dataset.isel(point=np.argsort(dataset.sweeps.values))
    with style.style():
        figure = Figure(figsize=(style.DOUBLE_COLUMN, 3.5))
        grid = figure.add_gridspec(2, 3, height_ratios=(2.3, 1), width_ratios=(1, 1, 1.25))
        energy, below = figure.add_subplot(grid[0, 0]), figure.add_subplot(grid[1, 0])
        recovery, cooling = figure.add_subplot(grid[:, 1]), figure.add_subplot(grid[:, 2])
        _final_energy(energy, below, dataset)
        _recovery(recovery, dataset)
        energy.legend(handles=_keys(), loc="upper right", fontsize=7.5)
        _cooling(cooling, dataset)
        style.panel_letters([energy, recovery, cooling])
    return figure


def _keys() -> list[Line2D]:
    white = {"marker": "o", "linestyle": "none", "markerfacecolor": "white"}
    return [
        Line2D([], [], color=style.hues(3)[1], label="annealed in $T$"),
        Line2D([], [], color=style.hues(3)[0], label="annealed in $B$", **white),
    ]


def _final_energy(axes: Axes, below: Axes, dataset: xr.Dataset) -> None:
    """Means over graphs with bootstrap intervals and every graph as a dot; below, the paired difference."""
    thermal, minibatch = _at_the_end(dataset, "energy")
    sweeps = dataset.sweeps.values.astype(float)
    _band_and_marks(axes, sweeps, _mean(thermal), _mean(minibatch))
    _dots(axes, sweeps, thermal, minibatch)
    _bars(below, sweeps, _mean(minibatch - thermal))
    below.axhline(0, color="black", linewidth=0.8)
    below.set(xscale="log", xlabel="length (sweeps)", ylabel="difference")
    highest = max(thermal.max(), minibatch.max())
    axes.set(
        xscale="log",
        xlim=below.get_xlim(),
        ylim=(-0.03 * highest, 1.45 * highest),
        ylabel="final energy per vertex $e$",
    )
    axes.tick_params(labelbottom=False, which="both")


def _mean(values: np.ndarray) -> Interval:
    """Mean over graphs with its percentile bootstrap interval, which stays within the data; few graphs: their range.

    Graphs either recover or do not, so that energies have two values: t intervals would reach below 0.
    """
    if len(values) < MINIMUM_RESAMPLED:
        return Interval(values.mean(axis=0), values.min(axis=0), values.max(axis=0), 1.0)
    return bootstrap_interval(values, seed=BOOTSTRAP_SEED, method="percentile")


def _recovery(axes: Axes, dataset: xr.Dataset) -> None:
    """Share of graphs whose final overlap exceeds RECOVERED, with Wilson intervals; every overlap as a dot."""
    overlaps = _at_the_end(dataset, "overlap")
    sweeps, graphs = dataset.sweeps.values.astype(float), dataset.sizes["seed"]
    shares = [wilson_interval((values > RECOVERED).sum(axis=0), graphs) for values in overlaps]
    axes.axhline(RECOVERED, color="0.6", linewidth=0.6, linestyle=":")
    _band_and_marks(axes, sweeps, *shares)
    _dots(axes, sweeps, *overlaps)
    axes.set(
        xscale="log",
        ylim=(-0.03, 1.05),
        xlabel="length (sweeps)",
        ylabel=rf"graphs recovered, $Q>{RECOVERED:g}$",
    )


def _at_the_end(dataset: xr.Dataset, name: str) -> tuple[np.ndarray, np.ndarray]:
    """The last value of every run, (graphs, lengths): Metropolis, SGD-like."""
    last = dataset[name].isel(level=-1).transpose("dynamics", "seed", "point")
    return last.sel(dynamics="metropolis").values, last.sel(dynamics="sgd_like").values


def _band_and_marks(axes: Axes, sweeps: np.ndarray, thermal: Interval, minibatch: Interval) -> None:
    middle = style.hues(3)[1]
    axes.plot(sweeps, thermal.estimate, color=middle)
    axes.fill_between(sweeps, thermal.lower, thermal.upper, color=middle, alpha=style.BAND_ALPHA, linewidth=0)
    _bars(axes, sweeps * 1.06, minibatch)


def _bars(axes: Axes, sweeps: np.ndarray, found: Interval) -> None:
    bars = np.stack([found.estimate - found.lower, found.upper - found.estimate]).clip(min=0)
    axes.errorbar(
        sweeps, found.estimate, bars, fmt="o", color=style.hues(3)[0], markerfacecolor="white", elinewidth=0.8
    )


def _dots(axes: Axes, sweeps: np.ndarray, thermal: np.ndarray, minibatch: np.ndarray) -> None:
    dark, middle, _ = style.hues(3)
    for values, place, colour in ((thermal, 0.94, middle), (minibatch, 1.15, dark)):
        across = np.broadcast_to(sweeps * place, values.shape)
        axes.plot(across.ravel(), values.ravel(), ".", color=colour, markersize=1.8, alpha=0.5)


def _cooling(axes: Axes, dataset: xr.Dataset) -> None:
    """Energy at the end of every level against T: shortest, middle and longest annealing, and the paramagnet."""
    chosen = np.unique([0, dataset.sizes["point"] // 2, dataset.sizes["point"] - 1])
    temperature = dataset.level_temperature.isel(seed=0, point=0).values
    q, degree = int(dataset.q[0]), float(dataset.mean_degree[0])
    axes.plot(
        temperature, paramagnetic_energy(temperature, mean_degree=degree, q=q), color="black", linestyle="--"
    )
    ends = []
    for colour, index in zip(style.hues(3), chosen, strict=False):
        point = dataset.isel(point=index)
        energies = {k: point.energy.sel(dynamics=k).mean("seed").values for k in ("metropolis", "sgd_like")}
        axes.plot(temperature, energies["metropolis"], color=colour)
        axes.plot(
            temperature, energies["sgd_like"], "o", color=colour, markerfacecolor="white", markersize=2.8
        )
        ends.append(
            (temperature[-1], float(energies["metropolis"][-1]), f"{int(point.sweeps)} sweeps", colour)
        )
    axes.set(xlabel="temperature $T=T(B)$ while cooling", ylabel="energy per vertex $e$")
    low, high = temperature.min(), temperature.max()
    axes.set_xlim(high + 0.02, low - 0.55 * (high - low))
    last = float(paramagnetic_energy(low, mean_degree=degree, q=q))
    style.end_labels(axes, [*ends, (low, last, "paramagnet", "black")])
    fractions = dataset.level_batch.isel(seed=0, point=0).values
    inside = (BATCH_TICKS > fractions.min()) & (BATCH_TICKS < fractions.max())
    upper = axes.twiny()
    upper.xaxis.set_minor_locator(NullLocator())
    upper.set(xlim=axes.get_xlim(), xlabel="mini-batch fraction $B$")
    places = np.interp(BATCH_TICKS[inside], fractions, temperature)
    upper.set_xticks(places, [f"{value:g}" for value in BATCH_TICKS[inside]])
    axes.tick_params(top=False, which="both")


def _bars_are(dataset: xr.Dataset) -> str:
    few = dataset.sizes["seed"] < MINIMUM_RESAMPLED
    return "the range" if few else "95% percentile bootstrap intervals"


def caption(dataset: xr.Dataset) -> str:
    """Return what a reader must know to understand the figure alone."""
    first = dataset.isel(point=0)
    return style.paragraph(
        f"""**L3, two ways of annealing.** Planted colouring, q = {int(first.q)}, mean degree c =
        {float(first.mean_degree):g}, N = {int(first.n)}. Metropolis dynamics
        cooled from T = {float(first.hottest):g} to
        {float(first.coldest):g} in {int(first.levels)} equal steps (simulated annealing; lines), and SGD-like dynamics
        (half-edge mini-batches) whose mini-batch grows so that its zero-drift T(B) is the same at every level (open
        markers), on the same graphs from the same random colouring. (a) Energy at the end against the length of the
        annealing: means with {_bars_are(dataset)} over {dataset.sizes["seed"]} graphs, a dot per graph; below, SGD-like
        minus Metropolis, paired by graph. (b) Share of the graphs whose overlap Q with the planted colouring exceeds
        {RECOVERED:g} (dotted) at the end, with 95% Wilson intervals; dots: Q of every graph. (c) Mean energy at
        the end of each level while cooling, for three lengths; dashed: paramagnet. T(B) is that of the paramagnet;
        inside the planted state, at large B, it differs. {style.provenance(dataset)}"""
    )
