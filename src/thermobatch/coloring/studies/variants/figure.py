"""E7: what the energy and the temperature T(B) of SGD-like dynamics depend on."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from thermobatch.coloring.theory.effective_temperature import effective_temperature
from thermobatch.statistics.intervals import mean_interval
from thermobatch.study import style

DEFAULT = "half_edge.sequential"
SCHEMES = {
    "half_edge": "half-edges",
    "per_proposal": "fresh each proposal",
    "shared_edge": "whole edges",
    "shared_edge_exact": "whole edges, exactly $BM$",
}
VISITS = {
    "sequential": "sequential",
    "shuffled_labels": "labels shuffled",
    "random_permutation": "random permutation",
    "random_sequential": "random sequential",
}
STARTS = {"random": "paramagnet", "planted": "planted state"}
# measured independently with the authors' program, c = 19 (drawn as grey crosses): shifts of energy, temperatures
KNOWN_DEGREE = 19
KNOWN_SHIFTS = {0.6: -0.065, 0.8: -0.044, 0.9: -0.010}
KNOWN_TEMPERATURES = {"random": 0.548, "planted": 0.451}
KNOWN_FRACTION = 0.9
MARGIN = 1.0  # of the claims on the temperature, %
DODGE = 0.2  # vertical distance of the values of B of a variant, in rows


def draw(dataset: xr.Dataset) -> Figure:
    """Return the figure: shifts of energy and temperature of every variant, by phase, and T(B) in both phases.

    Parameters
    ----------
    dataset
        Of the experiment `coloring_variants`.
    """
    with style.style():
        figure = Figure(figsize=(style.DOUBLE_COLUMN, 5.6))
        panels = figure.subplots(2, 3, sharex="col", width_ratios=(1, 1, 1.05))
        figure.get_layout_engine().set(wspace=0.04, hspace=0.04)
        batches = np.unique(dataset.batch_fraction)
        looks = dict(zip(batches, zip(style.hues(len(batches)), style.MARKERS, strict=False), strict=False))
        for row, start in zip(panels, STARTS, strict=True):
            chosen = dataset.sel(point=dataset.start == start)
            row[0].set_title(STARTS[start], loc="right")
            if not chosen.sizes["point"]:
                continue
            if start == "random":
                _known_shifts(row[0], chosen)
            _shifts(row[0], chosen, _relative_to_default(chosen.energy, "difference"), looks)
            row[1].axvspan(-MARGIN, MARGIN, color="0.92", linewidth=0, zorder=0)
            _shifts(row[1], chosen, 100 * _relative_to_default(chosen.matched_temperature, "ratio"), looks)
            _name_rows(row[0], dataset)
            row[1].set_yticklabels([])
        panels[1, 0].set_xlabel(r"shift of energy $\Delta e$")
        panels[1, 1].set_xlabel(r"shift of temperature $\Delta T/T$ (%)")
        _temperatures(panels[0, 2], panels[1, 2], dataset)
        keys = [
            Line2D(
                [], [], color=colour, marker=marker, linestyle="none", markerfacecolor="white", label=f"{b:g}"
            )
            for b, (colour, marker) in looks.items()
        ]
        options = {"handletextpad": 0.0, "borderaxespad": 0.2, "title_fontsize": 8}
        panels[1, 0].legend(handles=keys, title="$B$", loc="lower left", **options)
        style.panel_letters([*panels.ravel()])
    return figure


def _relative_to_default(values: xr.DataArray, kind: str) -> xr.DataArray:
    """Difference or relative difference to the default variant on the same graph."""
    default = values.sel(variant=DEFAULT, drop=True)
    return values - default if kind == "difference" else values / default - 1


def _rows(dataset: xr.Dataset) -> list[str]:
    """The variants that are compared with the default, from the lowest row to the highest."""
    return [name for name in dataset.variant.values[::-1] if name != DEFAULT]


def _shifts(axes: Axes, dataset: xr.Dataset, shifts: xr.DataArray, looks: dict) -> None:
    """A row for each variant, in it a marker with its 95% bar for every B."""
    axes.axvline(0, color="black", linewidth=0.6, zorder=0)
    names = _rows(dataset)
    for point in dataset.point.values:
        b = float(dataset.batch_fraction.sel(point=point))
        colour, marker = looks[b]
        place = np.arange(len(names)) - DODGE * (list(looks).index(b) - (len(looks) - 1) / 2)
        values = shifts.sel(point=point, variant=names).transpose("seed", "variant").values
        mean, bars = values.mean(axis=0), None
        if len(values) > 1 and np.isfinite(values).all():
            band = mean_interval(values)
            bars = np.stack([mean - band.lower, band.upper - mean])
        axes.errorbar(
            mean,
            place,
            xerr=bars,
            fmt=marker,
            color=colour,
            markerfacecolor="white",
            elinewidth=0.8,
            markersize=3.2,
        )
    for boundary in np.arange(len(names) - 1) + 0.5:
        axes.axhline(boundary, color="0.88", linewidth=0.5, zorder=0)
    axes.set(ylim=(-0.5, len(names) - 0.5), yticks=np.arange(len(names)))
    axes.tick_params(axis="y", which="both", length=0)


def _name_rows(axes: Axes, dataset: xr.Dataset) -> None:
    schemes, visits = (
        dict(zip(dataset.variant.values, dataset[name].values, strict=True)) for name in ("scheme", "visits")
    )
    labels = [f"{SCHEMES[schemes[name]]}\n{VISITS[visits[name]]}" for name in _rows(dataset)]
    axes.set_yticklabels(labels, fontsize=7, linespacing=0.95)


def _known_shifts(axes: Axes, dataset: xr.Dataset) -> None:
    """What was measured before, for whole edges in sequential order."""
    batches = list(np.unique(dataset.batch_fraction))
    if float(dataset.mean_degree[0]) != KNOWN_DEGREE:
        return
    row = _rows(dataset).index("shared_edge.sequential")
    known = [KNOWN_SHIFTS[b] for b in batches if b in KNOWN_SHIFTS]
    axes.plot(known, np.full(len(known), row + 0.36), "x", color="0.5", markersize=4, zorder=1)


def _temperatures(upper: Axes, lower: Axes, dataset: xr.Dataset) -> None:
    """T(B) of the default variant in both phases, and over the closed form of the paramagnet."""
    degree, q = float(dataset.mean_degree[0]), int(dataset.q[0])
    batches = np.unique(dataset.batch_fraction)
    grid = np.linspace(max(0.02, batches[0] - 0.05), min(0.99, batches[-1] + 0.02), 60)
    upper.plot(
        grid, effective_temperature(grid, mean_degree=degree, q=q), color="black", linewidth=0.9, zorder=0
    )
    lower.axhline(1, color="black", linewidth=0.9, zorder=0)
    colour = style.hues(2)[0]
    for start, face in (("random", "white"), ("planted", colour)):
        chosen = dataset.sel(point=dataset.start == start, variant=DEFAULT)
        if not chosen.sizes["point"]:
            continue
        chosen = chosen.isel(point=np.argsort(chosen.batch_fraction.values))
        b = chosen.batch_fraction.values
        values = chosen.matched_temperature.transpose("seed", "point").values
        form = effective_temperature(b, mean_degree=degree, q=q)
        mean, bars = values.mean(axis=0), np.zeros((2, len(b)))
        if len(values) > 1 and np.isfinite(values).all():
            band = mean_interval(values)
            bars = np.stack([mean - band.lower, band.upper - mean])
        look = {"fmt": "o", "color": colour, "markerfacecolor": face, "elinewidth": 0.8, "zorder": 2}
        upper.errorbar(b, mean, bars, label=STARTS[start], **look)
        lower.errorbar(b, mean / form, bars / form, **look)
        if degree == KNOWN_DEGREE and KNOWN_FRACTION in b:
            known = KNOWN_TEMPERATURES[start]
            scale = effective_temperature(KNOWN_FRACTION, mean_degree=degree, q=q)
            for axes, value in ((upper, known), (lower, known / scale)):
                axes.plot(KNOWN_FRACTION + 0.012, value, "x", color="0.5", markersize=4, zorder=1)
    upper.set(ylabel="temperature $T(B)$", ylim=(0, None))
    lower.set(xlabel="mini-batch fraction $B$", ylabel=r"$T\,/\,T_{\rm drift}$")
    upper.legend(loc="lower left")


def caption(dataset: xr.Dataset) -> str:
    """Return what a reader must know to understand the figure alone."""
    n, q, c = (float(dataset[name][0]) for name in ("n", "q", "mean_degree"))
    lengths = ", ".join(
        f"{int(s)} (B = {float(b):g}, {STARTS[str(start)]})"
        for s, b, start in zip(
            dataset.sweeps.values, dataset.batch_fraction.values, dataset.start.values, strict=True
        )
    )
    overlaps = []
    for start, name in STARTS.items():
        found = dataset.overlap.sel(point=dataset.start == start)
        if found.size:
            overlaps.append(f"{float(found.min()):.2f} to {float(found.max()):.2f} in the {name}")
    return style.paragraph(
        f"""**E7, variants.** What SGD-like dynamics depend on, for q = {q:g} colours on planted graphs with N =
        {n:g} vertices and mean degree c = {c:g}. Top row: from a random colouring (paramagnet). Bottom row: from
        the planted colouring (planted state). Overlap with the planted colouring: {", ".join(overlaps)}. (a), (d)
        Energy per vertex less that of the default variant on the same graph, and (b), (e) relative shift of the
        temperature, that at which Metropolis from the same start has the same energy, read from
        {dataset.sizes["calibration"]} Metropolis runs on the same graph. Default: half-edge mini-batches redrawn
        every sweep, sequential order, the planted groups one after the other. Rows: batches of half-edges, of
        whole edges (both ends see the same) or of exactly floor(BM) whole edges, and a fresh batch each proposal;
        vertices in sequential order, the same with shuffled labels, in a new random permutation every sweep, or
        drawn at random with replacement, when a vertex may be visited twice in a sweep (with half-edges it then
        sees the same batch twice). With a fresh batch each proposal, orders that visit every vertex once are the
        same chain as with half-edges. (c) Temperature of the default variant in the paramagnet (open) and the
        planted state (full); line: zero-drift form of the paramagnet. (f) The same over that form. Energies are
        averages over the last half of the runs; lengths in sweeps: {lengths}. Markers: means over
        {dataset.sizes["seed"]} graphs with 95% t intervals. Grey crosses: measured independently with the
        authors' program. {style.provenance(dataset)}"""
    )
