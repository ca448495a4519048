"""D1: learning curves of SGD, one panel a case: mean-field theory, simulation, exact and published curves."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator

from thermobatch.mean_field.studies.points import isotropic, seeds_of
from thermobatch.statistics.intervals import mean_interval
from thermobatch.study import style

COLUMNS = 3
PANELS = 9
QUANTITIES = {"magnetization": "overlap $m$", "training_loss": r"training loss $\ell$"}
COLOURS = dict(zip(("magnetization", "self_overlap", "training_loss"), style.hues(3), strict=True))
MARKERS = dict(zip(("magnetization", "training_loss", "self_overlap"), style.MARKERS, strict=False))
LOSSES = {"square": "square", "logistic": "logistic", "squared_hinge": "hinge$^2$", "tanh": "tanh"}
RESIDUAL = 0.035


def draw(dataset: xr.Dataset) -> Figure:
    """Return the figure: overlap and training loss against time for every case, residuals below.

    Parameters
    ----------
    dataset
        Of the experiment `mean_field_learning`.
    """
    points = list(isotropic(dataset).point.values)[:PANELS]
    rows = -(-len(points) // COLUMNS)
    with style.style():
        figure = Figure(figsize=(style.DOUBLE_COLUMN, 0.55 + 2.15 * rows))
        figure.get_layout_engine().set(hspace=0.0, wspace=0.02, h_pad=0.01, w_pad=0.02)
        grid = figure.add_gridspec(2 * rows, COLUMNS, height_ratios=(2.4, 1) * rows)
        panels = []
        for index, point in enumerate(points):
            row, column = divmod(index, COLUMNS)
            curves = figure.add_subplot(grid[2 * row, column])
            residuals = figure.add_subplot(grid[2 * row + 1, column])
            case(curves, residuals, dataset.sel(point=point), QUANTITIES)
            curves.set_ylim(0, 1.3)
            for axes, name in ((curves, r"$m$, $\ell$"), (residuals, "sim. $-$ th.")):
                axes.tick_params(labelleft=column == 0, labelbottom=axes is residuals, which="both")
                axes.set_ylabel(name if column == 0 else "")
            residuals.set_xlabel("steps $t$" if index >= len(points) - COLUMNS else "")
            panels.append(curves)
        style.panel_letters(panels)
        keys = method_keys(QUANTITIES)
        if np.isfinite(dataset.published_magnetization).any():
            keys.append(Patch(facecolor="0.75", label="published simulation"))
        figure.legend(handles=keys, loc="outside lower center", ncols=len(keys), columnspacing=1.2)
    return figure


def case(curves: Axes, residuals: Axes, chosen: xr.Dataset, quantities: dict[str, str]) -> None:
    """Draw one case: theory as lines, simulation as markers, exact dotted in black; differences with bands below.

    Parameters
    ----------
    curves, residuals
        Axes for the curves and for simulation minus theory.
    chosen
        One point of the dataset.
    quantities
        Variable -> name.
    """
    published = chosen.published_magnetization
    if np.isfinite(published).any() and "magnetization" in quantities:
        known = seeds_of(published)[0]
        spread = seeds_of(chosen.published_deviation)[0]
        time = np.arange(known.size)
        curves.fill_between(time, known - spread, known + spread, color="0.75", linewidth=0)
        theory = seeds_of(chosen.magnetization.sel(origin="theory")).mean(axis=0)[: known.size]
        residuals.plot(time, known - theory, color="0.45", linewidth=1.4, zorder=4)
    for name in quantities:
        colour = COLOURS[name]
        theory, simulated, exact = (
            seeds_of(chosen[name].sel(origin=origin)) for origin in ("theory", "simulation", "exact")
        )
        time = np.arange(theory.shape[1])
        curves.plot(time, theory.mean(axis=0), color=colour)
        found = mean_interval(simulated)
        some = np.unique(np.rint(np.geomspace(1, time.size, 14)).astype(int)) - 1
        curves.fill_between(time, found.lower, found.upper, color=colour, alpha=style.BAND_ALPHA, linewidth=0)
        curves.plot(
            time[some],
            found.estimate[some],
            MARKERS[name],
            color=colour,
            markerfacecolor="white",
            markersize=3.2,
        )
        difference = mean_interval(simulated - theory)
        residuals.fill_between(
            time, difference.lower, difference.upper, color=colour, alpha=style.BAND_ALPHA, linewidth=0
        )
        residuals.plot(time, difference.estimate, color=colour, linewidth=0.9)
        if exact.size:
            curves.plot(time, exact[0], color="black", linestyle=":", linewidth=1.0)
            residuals.plot(time, (exact - theory).mean(axis=0), color="black", linestyle=":", linewidth=1.0)
    residuals.axhline(0, color="black", linewidth=0.5)
    residuals.set_ylim(-RESIDUAL, RESIDUAL)
    residuals.set_yticks((-0.02, 0, 0.02))
    curves.set_title(label(chosen), loc="right", fontsize=8)
    for axes in (curves, residuals):
        axes.set_xscale("symlog", linthresh=1)
        axes.set(xlim=(-0.08, time[-1] * 1.1), xticks=[0, 1, 10], xticklabels=["0", "1", "10"])
        axes.xaxis.set_minor_locator(FixedLocator([*range(2, 10), *range(20, time[-1] + 1, 10)]))


def label(chosen: xr.Dataset) -> str:
    """Return the name of a case with the paper's symbols.

    Parameters
    ----------
    chosen
        One point of the dataset.
    """
    parts = [LOSSES[str(chosen.loss.values)]]
    if str(chosen.data.values) == "mixture":
        parts[0] += ", mixture"
    parts.append(f"$b={float(chosen.batch_fraction):g}$")
    if "persistence" in chosen.coords and np.isfinite(chosen.persistence):
        parts.append(rf"$\tau={float(chosen.persistence):g}$")
    if float(chosen.momentum) > 0:
        parts.append("Nesterov" if bool(chosen.nesterov) else "heavy ball")
    return ", ".join(parts)


def method_keys(quantities: dict[str, str]) -> list:
    """Return the keys of a legend: the quantities' colours, then how theory, simulation and exact curves are drawn.

    Parameters
    ----------
    quantities
        Variable -> name.
    """
    keys = [Line2D([], [], color=COLOURS[name], label=text) for name, text in quantities.items()]
    return [
        *keys,
        Line2D([], [], color="0.3", label="theory"),
        Line2D(
            [], [], color="0.3", marker="o", markerfacecolor="white", linestyle="none", label="simulation"
        ),
        Line2D([], [], color="black", linestyle=":", label="exact"),
    ]


def caption(dataset: xr.Dataset) -> str:
    """Return what a reader must know to understand the figure alone."""
    d, paths = int(dataset.d.values[0]), int(dataset.paths.values[0])
    alpha, ridge = float(dataset.alpha.values[0]), float(dataset.ridge.values[0])
    plain = isotropic(dataset)
    momentum = sorted({float(value) for value in plain.momentum.values if value > 0})
    rates = sorted({f"{float(value):g}" for value in plain.learning_rate.values[:PANELS]})
    return style.paragraph(
        f"""**D1, learning curves of SGD.** Overlap m = w.w*/d with the teacher (or the cluster mean) and mean training
        loss (without the ridge) against the number of steps, alpha = {alpha:g}, lambda = {ridge:g}, eta =
        {" or ".join(rates)}, start at m = {float(dataset.m0.values[0]):g} with q0 = {float(dataset.q0.values[0]):g},
        batch fraction b (at most nine cases are drawn);
        tau marks persistent batches; momentum beta = {", ".join(f"{b:g}" for b in momentum) or "0"}.
        Solid lines: causal mean-field equations, mean of one population of {paths} paths for each seed. Markers and
        bands: simulation at d = {d}, mean and 95% t interval over seeds (point by point). Dotted: exact solution
        (square loss, independent batches). Grey: published simulation of the first case, mean +- standard deviation
        over its runs. Lower strips: simulation minus theory with the 95% interval of the difference, exact minus
        theory (dotted), published minus theory (grey). {style.provenance(dataset)}"""
    )
