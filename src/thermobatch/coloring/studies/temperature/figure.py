"""E2: the effective temperature T(B) of SGD-like dynamics, measured and in closed form."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from thermobatch.coloring.theory.effective_temperature import effective_temperature
from thermobatch.statistics.intervals import mean_interval
from thermobatch.study import style

THEORIES = {
    "drift": ("zero drift", {"linestyle": "-", "color": "black"}),
    "detailed_balance": ("detailed balance, fit", {"linestyle": "--", "color": "black"}),
    "detailed_balance_1": ("detailed balance, $d=1$", {"linestyle": "-.", "color": "black"}),
    "limit": (r"$B\to1$: $-1/\ln(1-B)$", {"linestyle": ":", "color": "black"}),
}
MARGIN = 0.01


def draw(dataset: xr.Dataset) -> Figure:
    """Return the figure: T(B) and its ratio to the zero-drift form, for every connectivity.

    Parameters
    ----------
    dataset
        Of the experiment `coloring_temperature`.
    """
    with style.style():
        figure = Figure(figsize=(style.SINGLE_COLUMN, 4.6))
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(1.8, 1))
        degrees = np.unique(dataset.mean_degree)
        q, largest = int(dataset.q.values[0]), float(degrees[-1])
        grid = np.linspace(
            float(dataset.batch_fraction.min()) * 0.9, float(dataset.batch_fraction.max()), 120
        )
        reference = effective_temperature(grid, mean_degree=largest, q=q)
        for method, (label, line) in THEORIES.items():
            curve = effective_temperature(grid, mean_degree=largest, q=q, method=method)
            upper.plot(grid, curve, label=label, linewidth=0.9, zorder=1, **line)
            lower.plot(grid, curve / reference, linewidth=0.9, zorder=1, **line)
        for colour, marker, degree in zip(style.hues(len(degrees)), style.MARKERS, degrees, strict=False):
            _measured(upper, lower, dataset.sel(point=dataset.mean_degree == degree), colour, marker)
        lower.axhspan(1 - MARGIN, 1 + MARGIN, color="0.92", zorder=0, linewidth=0)
        upper.set(ylabel="effective temperature $T(B)$", yscale="log")
        style.plain_log_labels(upper.yaxis, "12356")
        lower.set(xlabel="mini-batch fraction $B$", ylabel=r"$T\,/\,T_{\rm drift}$", ylim=(0.93, 1.12))
        handles, labels = upper.get_legend_handles_labels()
        upper.add_artist(upper.legend(handles[: len(THEORIES)], labels[: len(THEORIES)], loc="lower left"))
        upper.legend(handles[len(THEORIES) :], labels[len(THEORIES) :], loc="upper right")
        style.panel_letters([upper, lower])
    return figure


def _measured(upper: Axes, lower: Axes, dataset: xr.Dataset, colour, marker: str) -> None:
    """Full markers where the chain equilibrates, open ones where T is matched at long times."""
    degree, q = float(dataset.mean_degree.values[0]), int(dataset.q.values[0])
    for matching, face in (("equilibrium", colour), ("long_times", "white")):
        chosen = dataset.sel(point=dataset.matching == matching)
        if not chosen.sizes["point"]:
            continue
        batch = chosen.batch_fraction.values
        measured = mean_interval(chosen.temperature.transpose("seed", "point").values)
        drift = effective_temperature(batch, mean_degree=degree, q=q)
        bars = np.stack([measured.estimate - measured.lower, measured.upper - measured.estimate])
        look = {"fmt": marker, "color": colour, "markerfacecolor": face, "elinewidth": 0.8, "zorder": 3}
        label = f"$c={degree:g}$, " + ("in equilibrium" if matching == "equilibrium" else "at long times")
        upper.errorbar(batch, measured.estimate, bars, label=label, **look)
        lower.errorbar(batch, measured.estimate / drift, bars / drift, **look)


def caption(dataset: xr.Dataset) -> str:
    """Return what a reader must know to understand the figure alone."""
    degrees = np.unique(dataset.mean_degree)
    return style.paragraph(
        f"""**E2, temperature.** (a) Effective temperature of SGD-like dynamics (half-edge mini-batches, sequential
        sweeps) against the mini-batch fraction B for q = {int(dataset.q.values[0])} colours on
        {dataset.graph.values[0]!s} graphs with N = {int(dataset.n.values[0])} vertices and mean degree
        {" and ".join(f"{degree:g}" for degree in degrees)}. Full markers: the temperature whose paramagnetic energy
        is the measured one. Open markers (flagged): the chain does not equilibrate, T is the one at which Metropolis
        reaches the same energy at long times on the same graph. Error bars: 95% t intervals over
        {dataset.sizes["seed"]} graphs, mostly smaller than the markers. Lines, for c = {degrees[-1]:g}: zero drift
        (solid), averaged detailed balance by a fit over d = 1..8 (dashed) and at d = 1 (dash-dotted), and the limit
        B -> 1 (dotted). (b) The same over the zero-drift temperature of each c; the grey band is the margin of
        the claim, {MARGIN:.0%}. {style.provenance(dataset)}"""
    )
