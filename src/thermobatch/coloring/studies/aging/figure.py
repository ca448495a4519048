"""E3: two-time correlations of SGD-like dynamics on those of Metropolis at the matched temperature."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from thermobatch.statistics.intervals import mean_interval
from thermobatch.study import style

MARGIN = 0.03


def draw(dataset: xr.Dataset) -> Figure:
    """Return the figure: a column for each (c, B), correlations above, differences below.

    Parameters
    ----------
    dataset
        Of the experiment `coloring_aging`.
    """
    with style.style():
        points = dataset.point.values
        figure = Figure(figsize=(style.DOUBLE_COLUMN, 4.4))
        panels = figure.subplots(
            2, len(points), sharex=True, sharey="row", squeeze=False, height_ratios=(2, 1)
        )
        for (upper, lower), slug in zip(panels.T, points, strict=True):
            point = dataset.sel(point=slug)
            point = point.sel(lag=point.lag >= 1).dropna("lag", how="all", subset=["correlation"])
            _correlations(upper, point)
            _differences(lower, point)
            upper.set_title(_title(point), loc="right")
        panels[0, 0].set_ylabel(r"correlation $C(t_w, t_w+t)$")
        panels[1, 0].set_ylabel(r"$C - C_{\rm Metropolis}$")
        panels[0, 0].legend(handles=_keys(), loc="lower left")
        panels[1, 0].legend(handles=_control_key(dataset), loc="lower left", fontsize=7.5)
        style.panel_letters([*panels.ravel()])
    return figure


def _title(point: xr.Dataset) -> str:
    found = mean_interval(point.matched_temperature.values) if point.sizes["seed"] > 1 else None
    spread = rf"\pm{(found.upper - found.lower) / 2:.3f}" if found else ""
    temperature = float(point.matched_temperature.mean())
    return f"$c={float(point.mean_degree):g}$, $B={float(point.batch_fraction):g}$, $T={temperature:.3f}{spread}$"


def _waits(point: xr.Dataset):
    """Every waiting time with its colour, marker, and the lags recorded after it."""
    waits = point.waiting_time.values
    for colour, marker, wait in zip(style.hues(len(waits)), style.MARKERS, waits, strict=False):
        yield colour, marker, point.sel(waiting_time=wait).dropna("lag", how="all", subset=["correlation"])


def _correlations(axes: Axes, point: xr.Dataset) -> None:
    last = float(point.lag[-1])
    for colour, marker, waited in _waits(point):
        mean = waited.correlation.mean("seed")
        thermal = mean.sel(dynamics="metropolis")
        axes.plot(waited.lag, thermal, color=colour)
        axes.plot(waited.lag, mean.sel(dynamics="sgd_like"), marker, color=colour, markerfacecolor="white")
        label = f"$t_w={int(waited.waiting_time)}$"
        style.direct_label(axes, float(waited.lag[-1]), float(thermal[-1]), label, colour)
    axes.set(xscale="log", xlim=(0.85, last * 4.5), ylim=(0, 1))


def _differences(axes: Axes, point: xr.Dataset) -> None:
    """Difference on the same graph with its 95% band, and that of the control at a wrong temperature."""
    axes.axhspan(-MARGIN, MARGIN, color="0.92", linewidth=0, zorder=0)
    axes.axhline(0, color="black", linewidth=0.6)
    for colour, marker, waited in _waits(point):
        curves = waited.correlation.transpose("dynamics", "seed", "lag")
        thermal = curves.sel(dynamics="metropolis")
        paired = curves.sel(dynamics="sgd_like") - thermal
        if paired.sizes["seed"] > 1:
            band = mean_interval(paired.values)
            look = {"color": colour, "alpha": style.BAND_ALPHA, "linewidth": 0}
            axes.fill_between(waited.lag, band.lower, band.upper, **look)
        axes.plot(
            waited.lag, paired.mean("seed"), marker, color=colour, markersize=2.4, markerfacecolor="white"
        )
        control = (curves.sel(dynamics="metropolis_detuned") - thermal).mean("seed")
        axes.plot(waited.lag, control, color=colour, linewidth=0.8, linestyle=(0, (1, 1.2)))
    axes.set(xlabel="time $t$ since $t_w$ (sweeps)", xscale="log")


def _keys() -> list[Line2D]:
    white = {"marker": "o", "linestyle": "none", "markerfacecolor": "white"}
    return [
        Line2D([], [], color="0.3", label="SGD-like", **white),
        Line2D([], [], color="0.3", label="Metropolis, $T$ matched"),
    ]


def _control_key(dataset: xr.Dataset) -> list[Line2D]:
    wrong = 1 + float(dataset.detuning.values[0])
    return [
        Line2D(
            [],
            [],
            color="0.3",
            linewidth=0.8,
            linestyle=(0, (1, 1.2)),
            label=f"Metropolis at ${wrong:g}\\,T$",
        )
    ]


def caption(dataset: xr.Dataset) -> str:
    """Return what a reader must know to understand the figure alone."""
    n, q, sweeps = (int(np.atleast_1d(dataset[name])[0]) for name in ("n", "q", "sweeps"))
    wrong = 1 + float(dataset.detuning.values[0])
    late = dataset.late_energy.mean("seed")
    mismatch = float(abs(late.sel(dynamics="sgd_like") - late.sel(dynamics="metropolis")).max())
    return style.paragraph(
        f"""**E3, aging.** Two-time correlation C = (q f - 1)/(q - 1), f the fraction of vertices with the same
        colour at the times t_w and t_w + t, for q = {q} colours on {dataset.graph.values[0]!s} graphs with N =
        {n} vertices; mean degree c and mini-batch fraction B above the panels. Markers: SGD-like dynamics
        (half-edge mini-batches, sequential sweeps). Lines: Metropolis on the same graph from the same random
        colouring, at the temperature T at which it reaches the same energy over the last half of {sweeps} sweeps.
        T is matched on every graph by runs of its own (above the panels: mean and half-width of its 95%
        interval); the mean energies per vertex of the runs shown then differ by at most {mismatch:.4f}. Lower
        panels: difference on the same graph, mean over {dataset.sizes["seed"]} graphs with its 95% t interval;
        grey: the margin of the claim, {MARGIN:g}. Dotted, a control of what the comparison can tell apart:
        Metropolis at {wrong:g} T less Metropolis at T (means). {style.provenance(dataset)}"""
    )
