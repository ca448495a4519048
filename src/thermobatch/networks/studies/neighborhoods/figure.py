"""R6: local entropies around the solutions that algorithms find, between those of typical and of densest regions."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from thermobatch.networks.studies.entropies.claims import Curve, entropy_at, scaled_entropy, theory_curve
from thermobatch.networks.studies.neighborhoods.claims import (
    ALGORITHMS,
    AROUND,
    algorithm_point,
    at_distance,
    nearest_size,
)
from thermobatch.statistics.intervals import mean_interval
from thermobatch.study import style

SIZE, DISTANCE = 801, 0.09
"""The size and the distance that the claims look at."""

PLACES = np.geomspace(0.01, 0.3, 60)
FREEZING = 3.0
"""Ratio of the distances at successive fields above which the messages have frozen on the solution."""

TYPICAL = {"color": "black", "linestyle": (0, (4, 1.5)), "linewidth": 1.0}
DENSEST = {"color": "black", "linewidth": 1.3}


def draw(dataset: xr.Dataset, entropies: xr.Dataset) -> Figure:
    """Return the figure: entropies against distance on the left, at one distance by algorithm and size on the right.

    Parameters
    ----------
    dataset
        Of the experiment `solution_neighborhoods`.
    entropies
        Of the experiment `perceptron_entropies`.
    """
    alpha = float(dataset.alpha[0])
    theory = {kind: theory_curve(entropies, kind, alpha) for kind in ("typical", "densest")}
    n = nearest_size(dataset, SIZE)
    sizes = np.unique(dataset.n.values)
    with style.style():
        figure = Figure(figsize=(style.DOUBLE_COLUMN, 4.9))
        left, right = figure.subfigures(1, 2, width_ratios=(1.15, 1))
        upper, lower = left.subplots(2, 1, sharex=True, height_ratios=(1.6, 1))
        _curves(upper, lower, dataset, theory, n)
        several = sizes.size > 1
        panels = np.atleast_1d(right.subplots(1 + several, 1, height_ratios=(1.6, 1)[: 1 + several]))
        _instances(panels[0], dataset, theory, n)
        if several:
            _sizes(panels[1], dataset, theory, sizes)
        style.panel_letters([upper, lower, *panels])
    return figure


def looks() -> dict[str, tuple]:
    """Return the colour and the marker of every algorithm."""
    return {
        name: look
        for name, *look in zip(ALGORITHMS, style.hues(len(ALGORITHMS)), style.MARKERS, strict=False)
    }


def curves(dataset: xr.Dataset, name: str, n: int, total: float) -> np.ndarray:
    """Return scaled local entropies (instances, PLACES) of one algorithm; nan where it froze or was not solved.

    Parameters
    ----------
    dataset
        Of the experiment `solution_neighborhoods`.
    name
        A key of ALGORITHMS.
    n
        Number of weights N.
    total
        Total entropy of theory.
    """
    chosen = dataset.sel(point=algorithm_point(dataset, name, n)).transpose("seed", "field", ...)
    chosen = chosen.where(chosen.solved == 1, drop=True)
    prefix = AROUND.get(name, "")
    entropies = chosen[f"{prefix}entropy"]
    scaled = scaled_entropy(entropies, entropies.isel(field=0), total).values
    rows = []
    for distances, values in zip(chosen[f"{prefix}distance"].values, scaled, strict=True):
        ratios = distances[:-1] / np.maximum(distances[1:], 1e-12)
        last = np.argmax(ratios > FREEZING) if (ratios > FREEZING).any() else distances.size - 1
        rows.append(entropy_at(distances[: last + 1], values[: last + 1], PLACES))
    return np.array(rows)


def _curves(upper: Axes, lower: Axes, dataset: xr.Dataset, theory: dict[str, Curve], n: int) -> None:
    """Means over instances with 95% bands, and the same less Franz-Parisi."""
    typical, densest = theory["typical"], theory["densest"]
    base = typical.at(PLACES)
    for axes, less in ((upper, 0.0), (lower, base)):
        axes.plot(PLACES, base - less, **TYPICAL)
        axes.plot(PLACES, densest.at(PLACES) - less, **DENSEST)
    for place, (name, (colour, marker)) in enumerate(looks().items()):
        if algorithm_point(dataset, name, n) is None:
            continue
        rows = curves(dataset, name, n, typical.total)
        known = np.isfinite(rows).all(axis=0)
        if len(rows) < 2 or not known.any():
            continue
        found = mean_interval(rows[:, known])
        some = slice(place, None, len(ALGORITHMS) + 1)
        for axes, less in ((upper, 0.0), (lower, base[known])):
            low, middle, high = found.lower - less, found.estimate - less, found.upper - less
            axes.fill_between(PLACES[known], low, high, color=colour, alpha=0.25, linewidth=0)
            axes.plot(PLACES[known], middle, color=colour, linewidth=0.8)
            axes.plot(PLACES[known][some], middle[some], marker, color=colour, markerfacecolor="white")
            axes.plot([], [], marker=marker, color=colour, markerfacecolor="white", linewidth=0.8, label=name)
    for axes in (upper, lower):
        axes.axvline(DISTANCE, color="0.75", linewidth=0.6, zorder=0)
        axes.set(xscale="log", xlim=(PLACES[0], PLACES[-1]))
    upper.plot([], [], **DENSEST, label=r"$y\to\infty$")
    upper.plot([], [], **TYPICAL, label="Franz-Parisi")
    handles, labels = upper.get_legend_handles_labels()
    order = [labels.index(r"$y\to\infty$"), *range(len(labels) - 3, -1, -1), labels.index("Franz-Parisi")]
    upper.legend([handles[k] for k in order], [labels[k] for k in order], loc="upper left", labelspacing=0.25)
    upper.set(ylabel="local entropy $s$ (nats)", ylim=(0, None))
    lower.set(xlabel="distance $d/N$", ylabel=r"$s-s_{\rm Franz\ Parisi}$")
    lower.set_xticks([0.01, 0.03, 0.1, 0.3], ["0.01", "0.03", "0.1", "0.3"])
    lower.xaxis.set_minor_formatter("")


def _instances(axes: Axes, dataset: xr.Dataset, theory: dict[str, Curve], n: int) -> None:
    """Scaled local entropy at one distance of every instance, by algorithm, and the mean with its 95% interval."""
    found = at_distance(dataset, n, DISTANCE, theory["typical"].total)
    names = [str(name) for name in found.solver.values]
    for kind, line in (("typical", TYPICAL), ("densest", DENSEST)):
        axes.axvline(float(theory[kind].at(DISTANCE)), **line)
    spread = np.linspace(-0.22, 0.22, found.sizes["seed"])
    for row, name in enumerate(names):
        colour, marker = looks()[name]
        values = found.sel(solver=name).values
        axes.plot(values, row + spread, ".", color=colour, markersize=2.5, alpha=0.55)
        solved = values[np.isfinite(values)]
        if solved.size > 1:
            mean = mean_interval(solved)
            bars = [[mean.estimate - mean.lower], [mean.upper - mean.estimate]]
            look = {
                "fmt": marker,
                "color": colour,
                "markerfacecolor": "white",
                "markersize": 4.5,
                "zorder": 3,
            }
            axes.errorbar(mean.estimate, row, xerr=bars, elinewidth=1.2, capsize=2, **look)
        if solved.size < np.count_nonzero(_run(dataset, name, n)):
            words = f" {solved.size}/{np.count_nonzero(_run(dataset, name, n))}"
            axes.text(float(np.max(solved, initial=0)), row, words, fontsize=7, va="center")
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(axis="y", which="minor", length=0)
    axes.set(xlabel=rf"local entropy $s$ at $d/N={DISTANCE:g}$ (nats)", ylim=(-0.6, len(names) - 0.4))
    axes.set_title(f"$N={n}$", loc="right")


def _run(dataset: xr.Dataset, name: str, n: int) -> np.ndarray:
    """Which seeds were run."""
    return np.isfinite(dataset.solved.sel(point=algorithm_point(dataset, name, n)).values)


def _sizes(axes: Axes, dataset: xr.Dataset, theory: dict[str, Curve], sizes: np.ndarray) -> None:
    """Mean scaled local entropy at one distance against the number of weights, with 95% intervals."""
    for kind, line in (("typical", TYPICAL), ("densest", DENSEST)):
        axes.axhline(float(theory[kind].at(DISTANCE)), **line)
    tables = {int(n): at_distance(dataset, n, DISTANCE, theory["typical"].total) for n in sizes}
    for place, (name, (colour, marker)) in enumerate(looks().items()):
        rows = []
        for n, found in tables.items():
            values = found.sel(solver=name).values if name in found.solver.values else np.array([])
            values = values[np.isfinite(values)]
            if values.size > 1:
                mean = mean_interval(values)
                shift = 1 + 0.02 * (place - (len(ALGORITHMS) - 1) / 2)
                rows.append(
                    (n * shift, mean.estimate, mean.estimate - mean.lower, mean.upper - mean.estimate)
                )
        if rows:
            at, middle, below, above = np.array(rows).T
            look = {"color": colour, "markerfacecolor": "white", "linewidth": 0.7, "elinewidth": 0.7}
            axes.errorbar(at, middle, [below, above], fmt=f"{marker}-", **look)
    axes.set(xscale="log", xlabel="number of weights $N$", ylabel=rf"$s$ at $d/N={DISTANCE:g}$")
    axes.set_xticks(sizes, [f"{n:g}" for n in sizes])
    axes.xaxis.set_minor_formatter("")
    axes.tick_params(axis="x", which="minor", length=0)


def caption(dataset: xr.Dataset, entropies: xr.Dataset) -> str:
    """Return what a reader must know to understand the figure alone."""
    n, alpha = nearest_size(dataset, SIZE), float(dataset.alpha[0])
    points = {name: algorithm_point(dataset, name, n) for name in ("rSA", "rSGD", "SA")}
    replicas = {name: int(dataset.replicas.sel(point=point)) for name, point in points.items()}
    centre = float(dataset.centre.sel(point=points["rSGD"]).mean())
    instances = np.count_nonzero(_run(dataset, "SA", n))
    return style.paragraph(
        f"""**R6, where algorithms end.** Number of solutions (logarithm per weight) at Hamming distance d from the
        solution that each algorithm finds, binary perceptron, N = {n}, alpha = {alpha:g}, random labels, by belief
        propagation in a field along the solution that rises from 0. SA and rSA: simulated annealing, alone and with
        y = {replicas["rSA"]} replicas (linear energy, or counting errors: step); SGD and rSGD: mini-batch SGD with
        hidden accumulators, alone and with y = {replicas["rSGD"]}; reinforced and focusing (pseudo-reinforcement)
        belief propagation. All run on the same instances; the first solution met is taken, that of a replica or
        (rSGD, {centre:.0%} of the runs) of their centre. Entropies of an instance are scaled by the total entropy of
        theory over its own. Black: replica
        theory, around typical solutions (Franz-Parisi, dashed) and in the densest regions (y to infinity). (a) Means
        over {instances} instances with 95% bands; curves end where the messages of an instance freeze on the
        solution. (b) The same less Franz-Parisi. (c) Every instance (dots) at the distance of the grey line, means with
        95% t intervals{"; (d) their means against N" if np.unique(dataset.n.values).size > 1 else ""}.
        {style.provenance(dataset)} Theory: {entropies.attrs["fidelity"]}"""
    )
