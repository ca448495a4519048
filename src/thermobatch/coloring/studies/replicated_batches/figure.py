"""R8: mini-batches of edges and of replicas beside temperature and coupling."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from thermobatch.coloring.studies.decisions import CONFIDENCE
from thermobatch.coloring.studies.replicas.claims import (
    SINGLE,
    Scheme,
    recoveries,
    rows,
    sizes,
    threshold,
    threshold_bounds,
)
from thermobatch.coloring.studies.replicas.figure import compared, courses, name, scanned, scanned_degree
from thermobatch.statistics.intervals import mean_interval, wilson_interval
from thermobatch.study import style

LOOKS = {
    False: {"linestyle": "-", "marker": "none"},
    True: {"linestyle": (0, (1, 1.2)), "marker": "o"},
}
WORDS = {False: "Metropolis", True: "mini-batches"}


def draw(dataset: xr.Dataset) -> Figure:
    """Return the figure: recovered shares and thresholds; recovery temperature, and share, against the coupling.

    Parameters
    ----------
    dataset
        Of the experiment `replicated_batches`.
    """
    with style.style():
        figure = Figure(figsize=(style.DOUBLE_COLUMN, 4.6))
        panels = figure.subplots(2, 2)
        _shares(panels[0, 0], dataset)
        _temperatures(panels[0, 1], dataset)
        _courses(panels[1, 0], dataset)
        _couplings(panels[1, 1], dataset)
        style.panel_letters([*panels.ravel()])
    return figure


def _colours(dataset: xr.Dataset) -> dict[Scheme, tuple]:
    coupled = Scheme(int(dataset.replicas.max()), compared(dataset))
    return dict(zip((SINGLE, coupled), style.hues(3)[1::-1], strict=True))


def _shares(axes: Axes, dataset: xr.Dataset) -> None:
    """Recovered share against c, of one system and of coupled replicas; thresholds above."""
    n = max(sizes(dataset))
    for row, (scheme, colour) in enumerate(_colours(dataset).items()):
        for batches, look in LOOKS.items():
            chosen = scheme._replace(batches=batches)
            found = recoveries(dataset, chosen, n)
            share = wilson_interval(found.recovered, found.runs)
            aside = 0.04 * (2 * batches - 1)
            bars = [share.estimate - share.lower, share.upper - share.estimate]
            label = f"{name(scheme)}, {WORDS[batches]}"
            axes.errorbar(
                found.mean_degree + aside,
                share.estimate,
                bars,
                color=colour,
                elinewidth=0.7,
                label=label,
                **look,
            )
            middle = threshold(dataset, chosen, n)
            if middle is not None:
                height = 1.07 + 0.05 * (2 * row + batches)
                axes.plot(threshold_bounds(middle), [height] * 2, color=colour, linewidth=0.9)
                axes.plot(middle.estimate, height, "o" if batches else "|", color=colour)
    axes.axvline((int(dataset.q[0]) - 1) ** 2, color="0.55", linewidth=0.8, zorder=0)
    axes.set(xlabel="mean degree $c$", ylabel="recovered share of graphs", ylim=(-0.04, 1.3))
    axes.set_yticks(np.linspace(0, 1, 6))
    axes.figure.legend(*axes.get_legend_handles_labels(), loc="outside upper center", ncols=4, fontsize=7.5)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_title(f"$N={n}$", loc="right")


def _temperatures(axes: Axes, dataset: xr.Dataset) -> None:
    """T or T(B) at which runs recover, against c: mean with a 95% t interval."""
    n = max(sizes(dataset))
    for scheme, colour in _colours(dataset).items():
        for batches, look in LOOKS.items():
            chosen = scheme._replace(batches=batches)
            points = _passages(dataset, chosen, n)
            if not points:
                continue
            found = [mean_interval(heats) for _, heats in points]
            x = np.array([c for c, _ in points]) + 0.04 * (2 * batches - 1)
            bars = [[f.estimate - f.lower for f in found], [f.upper - f.estimate for f in found]]
            axes.errorbar(x, [f.estimate for f in found], bars, color=colour, elinewidth=0.7, **look)
    axes.set(xlabel="mean degree $c$", ylabel="$T$ or $T(B)$ of recovery", ylim=(0, 1.02))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _passages(dataset: xr.Dataset, scheme: Scheme, n: int) -> list[tuple[float, np.ndarray]]:
    """Mean degrees and temperatures of at least two recoveries each."""
    chosen = rows(dataset, scheme, n)
    values = chosen.passage_temperature.transpose("point", "seed").values
    pairs = zip(chosen.mean_degree.values.tolist(), (row[np.isfinite(row)] for row in values), strict=True)
    return [(c, heats) for c, heats in pairs if len(heats) > 1]


def _courses(axes: Axes, dataset: xr.Dataset) -> None:
    """Pair overlap along single runs at the compared coupling, a star where one recovers."""
    n, degree, gamma = max(sizes(dataset)), scanned_degree(dataset), compared(dataset)
    for (batches, look), colour in zip(LOOKS.items(), style.hues(2), strict=True):
        points = scanned(dataset, n, batches=batches)
        for place in np.flatnonzero(points.coupling.values == gamma):
            courses(axes, points.isel(point=place), color=colour, linewidth=0.8, linestyle=look["linestyle"])
        axes.plot([], [], color=colour, linestyle=look["linestyle"], label=WORDS[batches])
    axes.plot([], [], "k*", linestyle="none", markersize=6, label="recovered")
    axes.set(xlabel="$T$ or $T(B)$", ylabel="overlap of two replicas", ylim=(-0.03, 1.03))
    axes.invert_xaxis()
    axes.set_title(rf"$c={degree:g}$, $\gamma={gamma:g}$", loc="right")
    axes.legend(loc="best")


def _couplings(axes: Axes, dataset: xr.Dataset) -> None:
    """Recovered share against gamma: where both fail."""
    n, degree = max(sizes(dataset)), scanned_degree(dataset)
    for (batches, look), colour in zip(LOOKS.items(), style.hues(2), strict=True):
        points = scanned(dataset, n, batches=batches)
        passages = points.first_passage.transpose("point", "seed").values
        share = wilson_interval(np.isfinite(passages).sum(axis=1), passages.shape[1])
        bars = [share.estimate - share.lower, share.upper - share.estimate]
        x = points.coupling.values + 0.008 * (2 * batches - 1)
        axes.errorbar(x, share.estimate, bars, color=colour, elinewidth=0.7, label=WORDS[batches], **look)
    axes.set(xlabel=r"coupling $\gamma$", ylabel="recovered share of graphs", ylim=(-0.04, 1.04))
    axes.set_title(f"$c={degree:g}$", loc="right")
    axes.legend(loc="best")


def caption(dataset: xr.Dataset) -> str:
    """Return what a reader must know to understand the figure alone."""
    first = dataset.isel(point=0)
    return style.paragraph(
        f"""**R8, mini-batches of edges and of replicas.** Planted graphs, q = {int(first.q)}, N =
        {max(sizes(dataset))}: the replicated annealing of R7 (R = {int(dataset.replicas.max())},
        {int(first.sweeps)} sweeps of every replica, T from {float(first.hottest):g} to {float(first.coldest):g})
        beside a dynamics without temperature: at each visit every adjacent half-edge is in the mini-batch with
        probability B and every other replica with probability B_R = 1 - exp(-gamma/(R T)), and a move is made iff
        the terms in the mini-batch do not cost more; B has the zero-drift T(B) = T. (a) Recovered share, 95% Wilson
        intervals, displaced sideways; above, midpoints of logistic fits with {CONFIDENCE:.0%} intervals; grey: c =
        (q-1)^2. (b) Temperature, or T(B), at which runs recover, mean over those that do and its 95% t interval.
        (c) Overlap of two replicas along single runs. (d) Recovered share against the coupling: replicas that are
        coupled too strongly collapse onto one another by either rule. {style.provenance(dataset)}"""
    )
