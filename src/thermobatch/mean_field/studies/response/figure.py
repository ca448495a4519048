"""D3: fluctuation against response of SGD in its stationary state, and how curved it is."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from thermobatch.mean_field.studies.points import (
    by_persistence,
    independent,
    persistence_times,
    seeds_of,
    temperatures,
)
from thermobatch.mean_field.studies.response.claims import curvature, late_response
from thermobatch.mean_field.studies.temperature.figure import model_words
from thermobatch.statistics.intervals import mean_and_error, mean_interval
from thermobatch.study import style

SHOWN = 4  # curves in a panel


def draw(dataset: xr.Dataset) -> Figure:
    """Return the figure: chi against C(0) - C for several b, for several tau, and the curvature of all.

    Parameters
    ----------
    dataset
        Of the experiment `mean_field_temperature`.
    """
    plain = independent(dataset)
    order = np.argsort(-plain.batch_fraction.values)
    if order.size > SHOWN:
        order = order[np.unique(np.linspace(0, order.size - 1, SHOWN).round().astype(int))]
    plain = plain.isel(point=order)
    taus = persistence_times(dataset)
    with style.style():
        figure = Figure(figsize=(style.DOUBLE_COLUMN, 2.75))
        left, middle, right = figure.subplots(1, 3, width_ratios=(1, 1, 0.95))
        if plain.sizes["point"]:
            _plots(left, plain, [f"$b={float(b):g}$" for b in plain.batch_fraction.values])
        if np.isfinite(taus).any():
            values, counts = np.unique(dataset.batch_fraction.values[np.isfinite(taus)], return_counts=True)
            slow = by_persistence(dataset, float(values[np.argmax(counts)]))
            slow = slow.isel(point=slice(-SHOWN, None)) if slow.sizes["point"] > SHOWN else slow
            times = persistence_times(slow)
            _plots(middle, slow, ["indep." if np.isnan(t) else rf"$\tau={t:g}$" for t in times])
            middle.set_title(f"$b={float(slow.batch_fraction.values[0]):g}$", loc="right")
        left.set_title("independent batches", loc="right")
        left.text(0.62, 0.57, "one temperature", fontsize=7, va="top")
        left.set_ylabel(r"fluctuation $[C(0)-C(t)]\,/\,T_{\rm rep}\chi_\infty$")
        _curvatures(right, dataset)
        style.panel_letters([left, middle, right])
    return figure


def _plots(axes: Axes, dataset: xr.Dataset, labels: list[str]) -> None:
    """Fluctuation and response in units of T_rep chi(inf) and chi(inf): a straight line is one temperature."""
    points = [dataset.sel(point=point) for point in dataset.point.values]
    keys = []
    for colour, marker, chosen, text in zip(
        style.hues(max(3, len(points))), style.MARKERS, points, labels, strict=False
    ):
        for origin in ("theory", "simulation"):
            run = chosen.sel(origin=origin)
            heat, end = temperatures(chosen, origin).mean(), late_response(chosen, origin).mean()
            response, error = mean_and_error(seeds_of(run.response) / end)
            decay, spread = mean_and_error(seeds_of(run.replica_fluctuation) / (heat * end))
            if origin == "theory":
                axes.plot(response, decay, color=colour)
            else:
                some = np.unique(np.rint(np.geomspace(1, response.size - 1, 9)).astype(int))
                axes.errorbar(
                    response[some],
                    decay[some],
                    xerr=error[some],
                    yerr=spread[some],
                    fmt=marker,
                    color=colour,
                    markerfacecolor="white",
                    markersize=3,
                    elinewidth=0.6,
                )
        keys.append(
            Line2D([], [], color=colour, marker=marker, markerfacecolor="white", markersize=3, label=text)
        )
    axes.plot([0, 1], [0, 1], color="black", linestyle="--", linewidth=0.9)
    axes.set(xlim=(0, 1.12), ylim=(0, 1.2), xlabel=r"response $\chi(t)\,/\,\chi_\infty$")
    axes.legend(handles=keys, loc="upper left", fontsize=7, handlelength=1.6, labelspacing=0.25)


def _curvatures(axes: Axes, dataset: xr.Dataset) -> None:
    """Excess area of every curve, theory and simulation, by noise strength; persistent batches in another marker."""
    dark, middle = style.hues(3)[:2]
    persistent = np.isfinite(persistence_times(dataset))
    fractions = dataset.batch_fraction.values
    order = np.lexsort((np.nan_to_num(persistence_times(dataset)), -fractions))
    labels = []
    for row, index in enumerate(order):
        chosen = dataset.isel(point=int(index))
        colour, marker = (middle, "s") if persistent[index] else (dark, "o")
        for shift, origin in ((-0.14, "theory"), (0.14, "simulation")):
            found = mean_interval(curvature(chosen.sel(origin=origin)))
            bars = [[found.estimate - found.lower], [found.upper - found.estimate]]
            face = colour if origin == "theory" else "white"
            axes.errorbar(
                found.estimate,
                row + shift,
                xerr=bars,
                fmt=marker,
                color=colour,
                markerfacecolor=face,
                elinewidth=0.8,
            )
        text = f"${float(chosen.batch_fraction):g}$"
        labels.append(text + (rf", $\tau={float(chosen.persistence):g}$" if persistent[index] else ""))
    axes.axvline(0, color="black", linestyle="--", linewidth=0.9)
    axes.set(ylim=(len(order) - 0.4, -0.6), xlabel="excess area (0: one temperature)")
    reach = np.abs(axes.get_xlim()).max()
    axes.set_xlim(-reach, reach)
    axes.set_yticks(range(len(order)), labels, fontsize=7)
    axes.tick_params(axis="y", which="minor", left=False, right=False)
    axes.set_ylabel(r"$b$", rotation=0, loc="top", labelpad=2)


def caption(dataset: xr.Dataset) -> str:
    """Return what a reader must know to understand the figure alone."""
    wait = int(dataset.waiting_time.values[0])
    return style.paragraph(
        f"""**D3, fluctuation and response.** {model_words(dataset)}. After {wait} steps: integrated response chi(t) to
        a constant force switched on then, and fluctuation C(0) - C(t), lag t as the parameter, each in units of its
        long-lag value (chi_inf: mean over the last quarter of the lags; T_rep chi_inf: distance of two replicas). C is
        corrected by the overlap of the replicas, C - C12. A single temperature would be the straight dashed line.
        (a) Independent batches, several b. (b) Persistent batches at one b. (c) Area
        under each curve over that of the straight line, minus 1 (0: one temperature; positive: hotter at
        short lags, negative: colder), 95% jackknife intervals over
        seeds; filled: theory, open: simulation; squares: persistent batches. Lines: mean-field theory, populations of
        {int(dataset.paths.values[0])} paths; markers: simulation at d = {int(dataset.d.values[0])}, bars are standard
        errors over seeds. {style.provenance(dataset)}"""
    )
