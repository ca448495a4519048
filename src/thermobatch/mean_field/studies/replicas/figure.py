"""D5: the distance of replicas at zero loss, against time, against the noise, and against the temperature."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from thermobatch.mean_field.studies.points import independent, persistence_times, seeds_of
from thermobatch.mean_field.studies.replicas.claims import arrived, final_distances, paired, simulated_then
from thermobatch.mean_field.studies.temperature.figure import model_words, ratio_bars
from thermobatch.statistics.intervals import mean_interval
from thermobatch.study import style


def draw(replicas: xr.Dataset, stationary: xr.Dataset) -> Figure:
    """Return the figure: D(t), D(b), D(tau), and D against the temperature of the stationary state.

    Parameters
    ----------
    replicas
        Of the experiment `mean_field_replicas`.
    stationary
        Of the experiment `mean_field_temperature`.
    """
    with style.style():
        figure = Figure(figsize=(style.DOUBLE_COLUMN, 5.2))
        grid = figure.add_gridspec(2, 2)
        time, heat = figure.add_subplot(grid[0, 0]), figure.add_subplot(grid[1, 1])
        batch, persistence = (_with_ratios(figure, grid[place]) for place in ((0, 1), (1, 0)))
        _in_time(time, replicas)
        if independent(replicas).sizes["point"]:
            _against_batch(*batch, independent(replicas))
        if np.isfinite(persistence_times(replicas)).any():
            _against_persistence(*persistence, replicas)
        _against_temperature(heat, replicas, stationary)
        style.panel_letters([time, batch[0], persistence[0], heat])
    return figure


def _with_ratios(figure: Figure, place) -> tuple[Axes, Axes]:
    """Two axes one above the other, the lower for the ratio of simulation and theory."""
    parts = place.subgridspec(2, 1, height_ratios=(2.4, 1))
    axes = figure.add_subplot(parts[0])
    ratios = figure.add_subplot(parts[1], sharex=axes)
    axes.tick_params(labelbottom=False, which="both")
    ratios.axhline(1, color="black", linewidth=0.6)
    ratios.set(ylabel="sim. / th.", ylim=(0.7, 1.3))
    return axes, ratios


def _in_time(axes: Axes, dataset: xr.Dataset) -> None:
    """Distance against time for some of the algorithms: theory as lines, simulation as markers."""
    points = [dataset.sel(point=point) for point in dataset.point.values]
    plain = sorted(
        (point for point in points if np.isnan(persistence_times(point.expand_dims("point"))).all()),
        key=lambda point: -float(point.batch_fraction),
    )
    slow = [point for point in points if np.isfinite(persistence_times(point.expand_dims("point"))).all()]
    slow.sort(key=lambda point: (float(point.batch_fraction), float(point.persistence)))
    shown = [plain[k] for k in sorted({0, len(plain) // 2, len(plain) - 1}) if k >= 0 and plain] + slow[-1:]
    ends = []
    for colour, marker, chosen in zip(style.hues(max(3, len(shown))), style.MARKERS, shown, strict=False):
        theory, simulated = (
            seeds_of(chosen.replica_distance.sel(origin=origin)) for origin in ("theory", "simulation")
        )
        axes.plot(np.arange(1, theory.shape[1]), theory.mean(axis=0)[1:], color=colour)
        some = np.unique(np.rint(np.geomspace(1, simulated.shape[1] - 1, 16)).astype(int))
        found = mean_interval(simulated[:, some])
        low = np.maximum(found.lower, 1e-3 * found.estimate)
        axes.fill_between(some, low, found.upper, color=colour, alpha=style.BAND_ALPHA, linewidth=0)
        axes.plot(some, found.estimate, marker, color=colour, markerfacecolor="white", markersize=3)
        ends.append((float(some[-1]), float(found.estimate[-1]), _name(chosen), colour))
    last = float(dataset.time.values[-1])
    axes.set(
        xscale="log", yscale="log", xlim=(1, last * 9), xlabel="steps $t$", ylabel="replica distance $D(t)$"
    )
    axes.set_xticks(10.0 ** np.arange(0, np.log10(last) + 0.2))
    style.end_labels(axes, ends)


def _name(chosen: xr.Dataset) -> str:
    tau = float(chosen.persistence) if "persistence" in chosen.coords else np.nan
    return f"$b={float(chosen.batch_fraction):g}$" + (rf", $\tau={tau:g}$" if np.isfinite(tau) else "")


def _against_batch(axes: Axes, ratios: Axes, dataset: xr.Dataset) -> None:
    """Final distance against the noise strength."""
    points = sorted(
        (dataset.sel(point=point) for point in dataset.point.values),
        key=lambda point: -float(point.batch_fraction),
    )
    fractions = np.array([float(point.batch_fraction) for point in points])
    colour = style.hues(3)[0]
    _final(axes, ratios, (1.0 - fractions) / fractions, points, colour, "o")
    axes.set(xscale="log", yscale="log", ylabel="final distance $D$")
    ratios.set_xlabel("noise strength $(1-b)/b$")
    style.plain_log_labels(ratios.xaxis, "125")
    keys = [
        Line2D([], [], color=colour, label="theory"),
        Line2D(
            [], [], color=colour, marker="o", markerfacecolor="white", linestyle="none", label="simulation"
        ),
    ]
    axes.legend(handles=keys, loc="upper left")


def _against_persistence(axes: Axes, ratios: Axes, dataset: xr.Dataset) -> None:
    """Final distance against tau for each b with persistent batches; independent ones at tau = eta / b."""
    taus = persistence_times(dataset)
    fractions = sorted({float(b) for b in dataset.batch_fraction.values[np.isfinite(taus)]}, reverse=True)
    for colour, marker, b in zip(style.hues(max(3, len(fractions))), style.MARKERS, fractions, strict=False):
        points = [dataset.isel(point=int(k)) for k in np.flatnonzero(dataset.batch_fraction.values == b)]
        tau = np.array([float(point.persistence) for point in points])
        place = np.where(np.isnan(tau), float(dataset.learning_rate.values[0]) / b, tau)
        order = np.argsort(place)
        points, place = [points[k] for k in order], place[order]
        _final(axes, ratios, place, points, colour, marker)
        height = final_distances(points[-1], "simulation").mean()
        style.direct_label(axes, place[-1], height, f"$b={b:g}$", colour, xytext=(6, 0))
    axes.set(xscale="log", yscale="log", ylabel="final distance $D$")
    ratios.set_xlabel(r"persistence time $\tau$ (steps $\times\,\eta$)")
    axes.set_xlim(None, float(np.nanmax(taus)) * 2)
    style.plain_log_labels(ratios.xaxis, "125")
    low, high = axes.get_ylim()
    if high < 30 * low:
        style.plain_log_labels(axes.yaxis, "125")


def _final(axes: Axes, ratios: Axes, x: np.ndarray, points: list, colour, marker: str) -> None:
    """Final distances: simulated means with 95% intervals, theory where it reaches zero loss."""
    solved = [k for k, point in enumerate(points) if arrived(point, "theory")]
    theory = [final_distances(points[k], "theory") for k in solved]
    axes.plot(x[solved], [values.mean() for values in theory], color=colour, marker="_", markersize=4)
    if solved:
        simulated = [simulated_then(points[k]) for k in solved]
        ratio_bars(ratios, x[solved], simulated, theory, colour, marker)
    for place, point in zip(x, points, strict=True):
        found = mean_interval(final_distances(point, "simulation"))
        low = min(found.estimate - found.lower, 0.99 * found.estimate)
        face = "white" if arrived(point, "simulation") else colour
        bars = [[low], [found.upper - found.estimate]]
        axes.errorbar(
            place, found.estimate, bars, fmt=marker, color=colour, markerfacecolor=face, elinewidth=0.8
        )


def _against_temperature(axes: Axes, replicas: xr.Dataset, stationary: xr.Dataset) -> None:
    """Simulated distance at zero loss against the temperature of the stationary state, for every algorithm."""
    names, distances, heats = paired(replicas, stationary)
    ends = []
    colours = {False: style.hues(3)[0], True: style.hues(3)[1]}
    for name, distance, heat in zip(names, distances, heats, strict=True):
        kind = "tau" in name
        parts = [mean_interval(values) for values in (heat, distance)]
        bars = [
            [[each.estimate - max(each.lower, 0.01 * each.estimate)], [each.upper - each.estimate]]
            for each in parts
        ]
        colour, marker = colours[kind], "s" if kind else "o"
        axes.errorbar(
            parts[0].estimate,
            parts[1].estimate,
            xerr=bars[0],
            yerr=bars[1],
            fmt=marker,
            color=colour,
            markerfacecolor="white",
            elinewidth=0.8,
        )
        text = rf"$\tau={name.split('tau = ')[-1]}$" if kind else f"${name.split('= ')[-1]}$"
        if kind:
            ends.append((parts[0].estimate, parts[1].estimate, text, colour))
        else:
            place = {"xytext": (-5, 5), "ha": "right"}
            style.direct_label(axes, parts[0].estimate, parts[1].estimate, text, colour, fontsize=7, **place)
    axes.set(xscale="log", yscale="log", ylabel="distance $D$ at zero loss")
    axes.margins(x=0.15, y=0.08)
    style.end_labels(axes, ends)
    axes.set_xlabel(r"temperature $T_{\rm rep}$ (stationary problem, D4)")
    keys = [
        Line2D(
            [],
            [],
            color=colours[False],
            marker="o",
            markerfacecolor="white",
            linestyle="none",
            label="independent, $b$",
        ),
        Line2D(
            [],
            [],
            color=colours[True],
            marker="s",
            markerfacecolor="white",
            linestyle="none",
            label=r"persistent, $\tau$",
        ),
    ]
    axes.legend(handles=keys, loc="upper left")


def caption(replicas: xr.Dataset, stationary: xr.Dataset) -> str:
    """Return what a reader must know to understand the figure alone."""
    solved = int(replicas.solved_steps.values[0])
    steps = sorted({int(value) for value in replicas.steps.values})
    persistent = sorted(
        {f"{b:g}" for b in replicas.batch_fraction.values[np.isfinite(persistence_times(replicas))]}
    )
    return style.paragraph(
        f"""**D5, distance of replicas at zero loss.** {model_words(replicas)}: separable data, so the loss reaches zero
        and the noise stops. D = |w1 - w2|^2/(2d) of two replicas with the same data and start and independent batches.
        (a) Against time. (b) After the last step, against the noise strength of independent batches. (c) Against the
        persistence time tau of the batches (independent ones at tau = eta/b). (d) Against the temperature T_rep of the
        same algorithm in the stationary problem of D4 (simulated as well, at d =
        {int(stationary.d.values[0])}); numbers are b of independent and tau of persistent batches.
        Lines: mean-field theory with all response functions, one population of
        {int(replicas.paths.values[0])} paths for each seed, {solved} steps; in (b, c) only where it reaches zero loss
        (below 1e-3 of the start); strips: the ratio at its last step with 90%
        intervals. Markers: simulation at d = {int(replicas.d.values[0])},
        {" or ".join(map(str, steps))} steps, mean and 95% t interval over seeds; filled where the loss is not zero yet.
        Persistent batches: b = {", ".join(persistent)}. {style.provenance(replicas)}"""
    )
