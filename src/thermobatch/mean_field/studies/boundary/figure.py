"""D6: gaps of the training samples to the decision boundary, and generalisation, against the noise."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from thermobatch.mean_field.studies.points import seeds_of
from thermobatch.mean_field.studies.temperature.figure import model_words
from thermobatch.statistics.intervals import mean_interval
from thermobatch.study import style

QUANTITIES = {
    "near_fraction": r"share with gap $<0.02$",
    "median_gap": "median gap",
    "test_error": r"generalisation error $\epsilon$",
}
WIDEST = 2.2


def draw(dataset: xr.Dataset) -> Figure:
    """Return the figure: distributions of the gaps, simulation minus theory, and three summaries against b.

    Parameters
    ----------
    dataset
        Of the experiment `mean_field_boundary`.
    """
    dataset = dataset.isel(point=np.argsort(-dataset.batch_fraction.values))
    with style.style():
        figure = Figure(figsize=(style.DOUBLE_COLUMN, 3.9))
        left, right = figure.subfigures(1, 2, width_ratios=(1.25, 1))
        curves, residuals = left.subplots(2, 1, height_ratios=(2.6, 1), sharex=True)
        _distributions(curves, residuals, dataset)
        panels = right.subplots(3, 1, sharex=True)
        for axes, (name, label) in zip(panels, QUANTITIES.items(), strict=True):
            _summary(axes, dataset, name, label)
        panels[-1].set_xlabel("batch fraction $b$")
        style.panel_letters([curves, *panels])
    return figure


def _distributions(curves: Axes, residuals: Axes, dataset: xr.Dataset) -> None:
    """Distribution functions: theory as lines, simulation as markers; differences with 95% bands below."""
    keys = []
    gaps = dataset.gap.values
    for colour, marker, point in zip(
        style.hues(max(3, dataset.sizes["point"])), style.MARKERS, dataset.point.values, strict=False
    ):
        chosen = dataset.sel(point=point)
        theory, simulated = (
            seeds_of(chosen.gap_distribution.sel(origin=origin)) for origin in ("theory", "simulation")
        )
        curves.plot(gaps, theory.mean(axis=0), color=colour)
        some = np.flatnonzero((gaps >= -0.1) & (gaps <= WIDEST))[::7]
        found = mean_interval(simulated)
        curves.plot(
            gaps[some], found.estimate[some], marker, color=colour, markerfacecolor="white", markersize=3
        )
        difference = mean_interval(simulated - theory)
        residuals.fill_between(
            gaps, difference.lower, difference.upper, color=colour, alpha=0.15, linewidth=0
        )
        residuals.plot(gaps, difference.estimate, color=colour, linewidth=0.9)
        text = f"$b={float(chosen.batch_fraction):g}$"
        keys.append(
            Line2D([], [], color=colour, marker=marker, markerfacecolor="white", markersize=3, label=text)
        )
    curves.set(xlim=(-0.1, WIDEST), ylim=(0, 1.02), ylabel="share of samples with a smaller gap")
    curves.legend(handles=keys, loc="lower right")
    residuals.axhline(0, color="black", linewidth=0.6)
    residuals.set(xlabel=r"gap $y h-\kappa$", ylabel="sim. $-$ th.", ylim=(-0.06, 0.06))


def _summary(axes: Axes, dataset: xr.Dataset, name: str, label: str) -> None:
    """One number against b: theory as a line with its standard error, simulation as markers with 95% intervals."""
    fractions = dataset.batch_fraction.values
    colour = style.hues(3)[0]
    theory, simulated = (
        [
            mean_interval(seeds_of(dataset[name].isel(point=k).sel(origin=origin)))
            for k in range(fractions.size)
        ]
        for origin in ("theory", "simulation")
    )
    axes.plot(fractions, [each.estimate for each in theory], color=colour, label="theory")
    axes.fill_between(
        fractions,
        [each.lower for each in theory],
        [each.upper for each in theory],
        color=colour,
        alpha=style.BAND_ALPHA,
        linewidth=0,
    )
    middle = np.array([each.estimate for each in simulated])
    bars = np.array([[each.estimate - each.lower, each.upper - each.estimate] for each in simulated]).T
    axes.errorbar(
        fractions,
        middle,
        bars,
        fmt="o",
        color=colour,
        markerfacecolor="white",
        elinewidth=0.8,
        label="simulation",
    )
    axes.set(xscale="log", ylabel=label)
    style.plain_log_labels(axes.xaxis, "1235")
    if name == "near_fraction":
        axes.legend(loc="lower right")


def caption(dataset: xr.Dataset) -> str:
    """Return what a reader must know to understand the figure alone."""
    exact = bool(dataset.exact_response.values[0])
    left = float(dataset.training_loss.mean("seed").max())
    return style.paragraph(
        f"""**D6, gaps to the decision boundary.** {model_words(dataset)}; the weights stay on the sphere of the initial
        norm, |w|^2 = d. (a) Share of the training samples whose gap y h - kappa after
        {int(dataset.steps.values[0])} steps is smaller than a value, for several batch fractions b (mean training
        loss then at most {left:.1g}); below, simulation
        minus theory with 95% bands. (b) Share at the boundary (gap below 0.02), (c) median gap, (d) generalisation
        error (probability of a wrong sign on new data). Lines: mean-field theory
        {"with all response functions, " if exact else ""}one population of {int(dataset.paths.values[0])} paths for
        each seed (bands: 95% t interval). Markers: simulation at d = {int(dataset.d.values[0])}, 95% t intervals over
        seeds. {style.provenance(dataset)}"""
    )
