"""R2: the cost of annealing a perceptron against its size, alone and as coupled replicas, with laws of growth."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullLocator

from thermobatch.networks.studies.annealing.claims import (
    MEASURES,
    UNCOUPLED,
    Runs,
    coupled,
    growth,
    runs,
    sizes,
)
from thermobatch.statistics.censored import median_time, medians
from thermobatch.statistics.growth import Growth, fit_growth
from thermobatch.statistics.intervals import Interval
from thermobatch.statistics.resampling import MINIMUM_RESAMPLED
from thermobatch.study import style

BOOTSTRAP_SEED = 20
NAMES = {"proposals": "proposals", "accepted": "accepted moves"}
LAWS = {"free shape $s$": (None, "-"), "exponential": (1.0, (0, (1, 1.2))), "power law": (0.0, (0, (4, 1.5)))}
CONTROL = {"color": "0.45", "marker": "D"}
TICKS = (200, 400, 800, 1600, 3200, 6400, 12800)
MINIMUM_SIZES = 3


def draw(dataset: xr.Dataset) -> Figure:
    """Return the figure: costs against N for proposals and accepted moves, and their ratio to the power law.

    Parameters
    ----------
    dataset
        Of the experiment `perceptron_annealing`.
    """
    algorithms = drawn_algorithms(dataset)
    colours = dict(zip(algorithms, style.hues(3), strict=False))
    with style.style():
        figure = Figure(figsize=(style.DOUBLE_COLUMN, 5.0))
        panels = figure.subplots(2, 2, height_ratios=(2, 1), sharex=True)
        for measure, (costs, ratios) in zip(MEASURES, panels.T, strict=True):
            for marker, replicas in zip(style.MARKERS, algorithms, strict=False):
                look = {"color": colours[replicas], "marker": marker}
                _costs(costs, ratios, dataset, (replicas, measure), look)
            _control(costs, dataset, measure)
            spent = dataset[measure].values[np.isfinite(dataset[measure].values)]
            costs.set(xscale="log", yscale="log", ylim=(spent.min() / 2, spent.max() * 12))
            costs.set_ylabel(f"{NAMES[measure]} to a solution")
            ratios.set(yscale="log", ylim=(0.15, 40), xlabel="$N$", ylabel="median / power law")
            ratios.axhline(1.0, color="black", linewidth=0.8, linestyle=LAWS["power law"][1])
            style.plain_log_labels(ratios.yaxis, "125")
            ratios.xaxis.set_major_locator(FixedLocator(TICKS))
            ratios.xaxis.set_minor_locator(NullLocator())
            ratios.xaxis.set_major_formatter("{x:g}")
        panels[0, 0].legend(handles=_keys(colours), loc="upper left", fontsize=7.5)
        style.panel_letters(panels.ravel())
    return figure


def drawn_algorithms(dataset: xr.Dataset) -> list[int]:
    """Return the numbers of (coupled) replicas that are drawn with their laws: one, and the largest, as far as run."""
    return sorted({1, coupled(dataset)} & set(dataset.replicas.values.tolist()))


def name(replicas: int | str) -> str:
    """Return the short name of an algorithm."""
    if replicas == UNCOUPLED:
        return r"rSA, $\gamma=0$"
    return "SA" if replicas == 1 else f"rSA, $y={replicas}$"


def _costs(costs: Axes, ratios: Axes, dataset: xr.Dataset, what: tuple[int, str], look: dict) -> None:
    """One algorithm in one measure: all runs, medians, censored runs, laws; and the medians over the power law."""
    replicas, measure = what
    every = runs(dataset, replicas, measure)
    scattered_runs(costs, every, look, 0.97 if replicas == 1 else 1.03)
    power = fit_growth(*every, shape=0.0) if enough(every) else None
    for size in sizes(dataset, replicas):
        here = runs(dataset, replicas, measure, size)
        at = middle(here)
        median_point(costs, size, at, here, 1.0, look)
        if power is not None:
            median_point(ratios, size, at, here, float(power.median(size)), look)
        lost = int(np.count_nonzero(~here.solved))
        if lost:
            place = {"xytext": (0, 4), "ha": "center", "va": "bottom", "fontsize": 7}
            style.direct_label(costs, size, here.costs.max(), str(lost), look["color"], **place)
    if power is not None:
        _laws(costs, ratios, every, power, look)


def _control(costs: Axes, dataset: xr.Dataset, measure: str) -> None:
    """Medians of the replicas that are not coupled."""
    for size in sizes(dataset, UNCOUPLED):
        here = runs(dataset, UNCOUPLED, measure, size)
        median_point(costs, size * 1.07, middle(here), here, 1.0, CONTROL)


def middle(here: Runs) -> Interval:
    """Return the Kaplan-Meier median with its interval; too few runs have none."""
    if len(here.costs) >= MINIMUM_RESAMPLED:
        return median_time(here.costs, here.solved, seed=BOOTSTRAP_SEED)
    return Interval(*(float(medians(here.costs, here.solved, np.ones((1, len(here.costs))))[0]),) * 3, 0.95)


def enough(every: Runs) -> bool:
    """Say whether laws of growth can be fitted and compared."""
    fewest = min(np.unique(every.sizes, return_counts=True)[1])
    return len(np.unique(every.sizes[every.solved])) >= MINIMUM_SIZES and fewest >= MINIMUM_RESAMPLED


def scattered_runs(axes: Axes, every: Runs, look: dict, shift: float) -> None:
    """Draw all runs as faint dots, censored ones as open triangles where they were stopped."""
    for found, kind in ((every.solved, {"marker": "."}), (~every.solved, {"marker": "^"})):
        axes.plot(
            every.sizes[found] * shift,
            every.costs[found],
            linestyle="none",
            color=look["color"],
            markerfacecolor="white" if kind["marker"] == "^" else look["color"],
            markeredgewidth=0.4,
            markersize=3,
            alpha=0.45,
            zorder=1,
            **kind,
        )


def median_point(axes: Axes, size: float, middle: Interval, here: Runs, unit: float, look: dict) -> None:
    """Draw a Kaplan-Meier median with its interval; an arrow upwards where the data give no upper end."""
    spent = here.costs.max()
    height = middle.estimate if np.isfinite(middle.estimate) else spent
    upper = min(middle.upper, spent)
    bars = [[(height - min(middle.lower, height)) / unit], [(upper - height) / unit]]
    open_ended = not np.isfinite(middle.upper)
    axes.errorbar(
        size,
        height / unit,
        bars,
        fmt="^" if not np.isfinite(middle.estimate) else look["marker"],
        color=look["color"],
        markerfacecolor="white" if open_ended else look["color"],
        markersize=4.5,
        elinewidth=1.0,
        zorder=3,
    )


def _laws(costs: Axes, ratios: Axes, every: Runs, power: Growth, look: dict) -> None:
    """The three fitted laws on both panels."""
    fine = np.geomspace(every.sizes.min() * 0.9, every.sizes.max() * 1.1, 200)
    for shape, line in LAWS.values():
        law = power if shape == power.shape else fit_growth(*every, shape=shape)
        drawn = {"color": look["color"], "linestyle": line, "linewidth": 1.2 if shape is None else 0.9}
        costs.plot(fine, law.median(fine), zorder=2, **drawn)
        if law is not power:
            ratios.plot(fine, law.median(fine) / power.median(fine), zorder=2, **drawn)


def _keys(colours: dict) -> list[Line2D]:
    """Algorithms and laws."""
    keys = [
        Line2D([], [], color=colour, marker=marker, linestyle="none", label=name(replicas))
        for marker, (replicas, colour) in zip(style.MARKERS, colours.items(), strict=False)
    ]
    keys.append(Line2D([], [], linestyle="none", label=name(UNCOUPLED), **CONTROL))
    return keys + [Line2D([], [], color="0.3", linestyle=line, label=law) for law, (_, line) in LAWS.items()]


def caption(dataset: xr.Dataset) -> str:
    """Return what a reader must know to understand the figure alone."""
    several = coupled(dataset)
    sentences = []
    for replicas in drawn_algorithms(dataset):
        for measure in MEASURES:
            every = runs(dataset, replicas, measure)
            if not enough(every):
                continue
            found = growth(every)
            sentences.append(
                f"{name(replicas).replace('$', '')}, {NAMES[measure]}: s = {found.shape.estimate:.2f} "
                f"({found.shape.lower:.2f} to {found.shape.upper:.2f}), AIC(power) - AIC(exponential) = "
                f"{found.difference.estimate:.0f} ({found.difference.lower:.0f} to {found.difference.upper:.0f}), "
                f"exponent of the power law {found.exponent.estimate:.2f}."
            )
    return style.paragraph(
        f"""**R2, the cost of annealing.** Binary perceptron, alpha = {float(dataset.alpha[0]):g}, random labels:
        simulated annealing (SA) and replicated annealing (rSA, y = {several} replicas, traced centre) until a replica
        has no error, {dataset.energy[0].values!s} energy; grey, as many replicas with the same schedule and
        gamma = 0, of which the first to solve ends the run. Beta and gamma ramp linearly; attempts double from
        {int(dataset.sweeps[0])} sweeps until one succeeds and all are counted. (a) Proposals, summed over replicas;
        (b) accepted moves. Small dots: runs, one an instance, shared by both algorithms; small triangles: runs
        censored after the last attempt that ends below {float(dataset.max_proposals.max()):.1e} proposals, with
        their number. Large markers:
        Kaplan-Meier medians with 95% bootstrap intervals; open ones have no upper end, triangles are lower bounds.
        Lines: laws of growth fitted by maximum likelihood, log-normal scatter, what a solution takes lying between the
        attempts that failed and those that sufficed, censored runs included (the laws' medians lie below those of the
        costs, which are the upper ends): power law,
        exponential, and log median = a + b (N^s - 1)/s with free s (0: power law, 1: exponential). (c, d) Medians and
        laws over the power law of their algorithm. {" ".join(sentences)} (90% bootstrap intervals over instances.)
        {style.provenance(dataset)}"""
    )
