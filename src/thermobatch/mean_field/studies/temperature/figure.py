"""D4: the temperature of SGD's noise against the batch fraction and the persistence of the batches."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from thermobatch.mean_field.studies.decisions import welch
from thermobatch.mean_field.studies.points import independent, persistence_times, seeds_of, temperatures
from thermobatch.mean_field.studies.temperature.claims import WEAK_NOISE
from thermobatch.statistics.intervals import mean_interval
from thermobatch.study import style


def draw(dataset: xr.Dataset) -> Figure:
    """Return the figure: T against b, T against tau, simulation over theory below.

    Parameters
    ----------
    dataset
        Of the experiment `mean_field_temperature`.
    """
    with style.style():
        figure = Figure(figsize=(style.DOUBLE_COLUMN, 3.4))
        grid = figure.add_gridspec(2, 2, height_ratios=(2.5, 1))
        left, right = figure.add_subplot(grid[0, 0]), figure.add_subplot(grid[0, 1])
        below = [figure.add_subplot(grid[1, 0], sharex=left), figure.add_subplot(grid[1, 1], sharex=right)]
        if independent(dataset).sizes["point"]:
            _against_batch(left, below[0], independent(dataset))
        if np.isfinite(persistence_times(dataset)).any():
            _against_persistence(right, below[1], dataset)
        left.set_ylabel("temperature $T$")
        right.set_ylabel(r"$T(\tau)\,/\,T({\rm independent})$")
        below[0].set_ylabel("sim. / theory")
        style.panel_letters([left, right])
    return figure


def _against_batch(axes: Axes, ratios: Axes, dataset: xr.Dataset) -> None:
    """T_rep and T_int over the noise strength (1 - b)/b, both methods; the weak-noise law."""
    points = [dataset.sel(point=point) for point in dataset.point.values]
    points.sort(key=lambda point: -float(point.batch_fraction))
    fractions = np.array([float(point.batch_fraction) for point in points])
    strength = (1.0 - fractions) / fractions
    dark, light = style.hues(3)[0], style.hues(3)[2]
    drawn = (
        ("replica_temperature", r"$T_{\rm rep}$", dark, "o"),
        ("integral_temperature", r"$T_{\rm int}$", light, "s"),
    )
    for shift, (name, symbol, colour, marker) in zip((0.97, 1.03), drawn, strict=True):
        theory, simulated = (
            [seeds_of(point[name].sel(origin=origin)) for point in points]
            for origin in ("theory", "simulation")
        )
        axes.plot(strength, [values.mean() for values in theory], color=colour, label=f"{symbol}, theory")
        found = [mean_interval(values) for values in simulated]
        _bars(axes, strength * shift, found, colour, marker, f"{symbol}, simulation")
        ratio_bars(ratios, strength * shift, simulated, theory, colour, marker)
    wide = np.geomspace(strength.min() / 1.4, strength.max() * 1.4, 50)
    axes.plot(
        wide, WEAK_NOISE * wide, color="black", linestyle="--", linewidth=0.9, label="$0.054\\,(1-b)/b$"
    )
    axes.set(xscale="log", yscale="log", xlim=(wide[0], 2 * wide[-1]))
    axes.tick_params(labelbottom=False, which="both")
    axes.legend(loc="upper left", fontsize=7, handlelength=1.6)
    ratios.axhline(1, color="black", linewidth=0.6)
    ratios.set(xlabel="noise strength $(1-b)/b$", ylim=(0.75, 1.25))
    style.plain_log_labels(ratios.xaxis, "125")
    for x, values, b in zip(strength, theory, fractions, strict=True):
        style.direct_label(axes, x, values.mean(), f"$b={b:g}$", "0.25", xytext=(5, -12), fontsize=7)


def _against_persistence(axes: Axes, ratios: Axes, dataset: xr.Dataset) -> None:
    """T_rep over that of independent batches against tau, for each b with persistent batches."""
    taus = persistence_times(dataset)
    fractions = sorted({float(b) for b in dataset.batch_fraction.values[np.isfinite(taus)]}, reverse=True)
    largest = float(np.nanmax(taus))
    for colour, marker, b in zip(style.hues(max(3, len(fractions))), style.MARKERS, fractions, strict=False):
        same = dataset.isel(point=dataset.batch_fraction.values == b)
        own = persistence_times(same)
        reference = same.isel(point=int(np.flatnonzero(np.isnan(own))[0])) if np.isnan(own).any() else None
        if reference is None:
            continue
        chosen = same.isel(point=np.flatnonzero(np.isfinite(own))[np.argsort(own[np.isfinite(own)])])
        points = [chosen.sel(point=point) for point in chosen.point.values]
        tau = persistence_times(chosen)
        relative = {
            origin: [
                _relative(temperatures(point, origin), temperatures(reference, origin)) for point in points
            ]
            for origin in ("theory", "simulation")
        }
        line = [1.0, *(each[0] for each in relative["theory"])]
        start = float(reference.learning_rate) / b  # independent batches are tau = eta / b
        axes.plot([start, *tau], line, color=colour, marker=".", markersize=2.5)
        axes.plot([start], [1.0], marker, color=colour, markersize=3.6)
        found = np.array(relative["simulation"])
        bars = np.stack([found[:, 0] - found[:, 1], found[:, 2] - found[:, 0]])
        axes.errorbar(
            tau * 1.03, found[:, 0], bars, fmt=marker, color=colour, markerfacecolor="white", elinewidth=0.8
        )
        style.direct_label(axes, tau[-1], line[-1], f"$b={b:g}$", colour, xytext=(7, 0))
        ratio_bars(
            ratios,
            tau,
            [temperatures(point, "simulation") for point in points],
            [temperatures(point, "theory") for point in points],
            colour,
            marker,
        )
    axes.axhline(1, color="black", linewidth=0.6)
    axes.set(xscale="log", yscale="log", xlim=(None, largest * 2.2))
    axes.tick_params(labelbottom=False, which="both")
    style.plain_log_labels(axes.yaxis, "12357")
    ratios.axhline(1, color="black", linewidth=0.6)
    ratios.set(xlabel=r"persistence time $\tau$ (steps $\times\,\eta$)", ylim=(0.75, 1.25))
    style.plain_log_labels(ratios.xaxis, "125")


def _relative(first: np.ndarray, second: np.ndarray) -> tuple[float, float, float]:
    """Ratio of geometric means and its 90% interval."""
    return tuple(np.exp(welch(np.log(first), np.log(second))))


def ratio_bars(axes: Axes, x, first: list, second: list, colour, marker: str) -> None:
    """Draw ratios of means of two lists of seeds' values, with Welch's 90% intervals.

    Parameters
    ----------
    axes
        Where.
    x
        Places.
    first, second
        For each place, positive values of independent seeds.
    colour, marker
        How.
    """
    found = np.array([_relative(one, two) for one, two in zip(first, second, strict=True)])
    bars = np.stack([found[:, 0] - found[:, 1], found[:, 2] - found[:, 0]])
    axes.errorbar(
        x, found[:, 0], bars, fmt=marker, color=colour, markerfacecolor="white", markersize=3, elinewidth=0.8
    )


def _bars(axes: Axes, x, found: list, colour, marker: str, label: str | None = None) -> None:
    """Draw means with their intervals."""
    middle = np.array([each.estimate for each in found])
    bars = np.array([[each.estimate - each.lower, each.upper - each.estimate] for each in found]).T
    bars[0] = np.minimum(bars[0], 0.999 * middle)  # on a logarithmic axis
    axes.errorbar(
        x, middle, bars, fmt=marker, color=colour, markerfacecolor="white", elinewidth=0.8, label=label
    )


def model_words(dataset: xr.Dataset) -> str:
    """Return the model of a mean-field dataset in words, for captions.

    Parameters
    ----------
    dataset
        Of a mean-field experiment.
    """
    kinds = {"mixture": "Mixture of two Gaussian clusters (Delta = 1)", "teacher": "Teacher-student data"}
    margin = dataset.margin.values[0] if "margin" in dataset.coords else np.nan
    margin = 1.0 if np.isnan(float(margin)) else float(margin)
    values = {
        name: float(dataset[name].values[0]) for name in ("alpha", "ridge", "learning_rate", "q0", "m0")
    }
    return (
        f"{kinds[str(dataset.data.values[0])]}, {str(dataset.loss.values[0]).replace('_', ' ')} loss (kappa = "
        f"{margin:g}), alpha = {values['alpha']:g}, lambda = {values['ridge']:g}, eta = {values['learning_rate']:g}, "
        f"start with m0 = {values['m0']:g}, q0 = {values['q0']:g}"
    )


def caption(dataset: xr.Dataset) -> str:
    """Return what a reader must know to understand the figure alone."""
    drift = float(np.abs(dataset.loss_drift.mean("seed")).max())
    wait, steps = int(dataset.waiting_time.values[0]), int(dataset.steps.values[0])
    return style.paragraph(
        f"""**D4, the temperature of SGD's noise.** {model_words(dataset)}. T_int = [C(0) - C(inf)]/chi(inf) from
        fluctuation and response after {wait} steps (limits: mean over the last quarter of the {steps - wait} lags),
        C being corrected by the overlap of two replicas; T_rep = |w1 - w2|^2/(2 d chi(inf)) from the distance of two
        replicas with the same data and start and independent batches. (a) Against the strength (1 - b)/b of the noise
        of independent batches; dashed: weak-noise law, with a coefficient measured beforehand. (b) T_rep of
        persistent batches over that of independent ones (drawn at tau = eta/b). Lines: mean-field theory,
        mean over populations of {int(dataset.paths.values[0])} paths. Markers: simulation at d =
        {int(dataset.d.values[0])}, mean with 95% t intervals in (a), 90% intervals of the ratios elsewhere. These are
        integral temperatures: there is no single one (see D3). After the waiting time the mean loss still changes by at
        most {drift:.1%} from its first to its second half. {style.provenance(dataset)}"""
    )
