"""E5: averaged detailed balance holds roughly, detailed balance does not: acceptances, flows, entropy production."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from thermobatch.coloring.studies.balance.claims import FEWEST_MOVES, counts, paramagnetic_flows
from thermobatch.statistics.detailed_balance import (
    LARGEST_CHANGE,
    acceptance_ratios,
    balanced_asymmetry,
    entropy_production_bound,
    flow_asymmetry,
)
from thermobatch.statistics.intervals import mean_interval
from thermobatch.study import style

SHOWN = 4  # curves of the left column: more would hide each other
# asymmetries measured independently with the authors' program, c = 19 (drawn as grey crosses)
KNOWN_DEGREE = 19
KNOWN = {0.6: 0.12, 0.8: 0.15, 0.85: 0.14, 0.9: 0.11, 0.95: 0.06}


def draw(dataset: xr.Dataset, exact: xr.Dataset) -> Figure:
    """Return the figure: acceptance ratios on the left, asymmetry and entropy production against B on the right.

    Parameters
    ----------
    dataset
        Of the experiment `coloring_balance`.
    exact
        Of the experiment `coloring_entropy_production`.
    """
    with style.style():
        figure = Figure(figsize=(style.DOUBLE_COLUMN, 5.0))
        panels = figure.subplots(2, 2)
        figure.get_layout_engine().set(wspace=0.06, hspace=0.05)
        _ratios(panels[0, 0], panels[1, 0], dataset)
        ordered = dataset.isel(point=np.argsort(dataset.batch_fraction.values))
        _asymmetry(panels[0, 1], ordered)
        _entropy(panels[1, 1], ordered, exact)
        style.panel_letters([*panels.T.ravel()])
    return figure


def _ratios(upper: Axes, lower: Axes, dataset: xr.Dataset) -> None:
    """w(d)/w(-d) against d/T and, below, over exp(-d/T) against d, for some values of B."""
    order = np.argsort(dataset.batch_fraction.values)
    chosen = order[np.unique(np.linspace(0, len(order) - 1, SHOWN).round().astype(int))]
    d = np.arange(1, LARGEST_CHANGE + 1)
    reach, lowest = 1.0, 1.0
    for colour, marker, index in zip(style.hues(len(chosen)), style.MARKERS, chosen, strict=False):
        point = dataset.isel(point=[index])
        temperature = point.matched_temperature.transpose("seed", "point").values
        for dynamics in ("metropolis", "sgd_like"):
            flows, proposals = counts(point, dynamics)
            uphill = np.stack([np.trace(flows[:, 0], offset=k, axis1=-2, axis2=-1) for k in d], axis=-1)
            enough = (uphill >= FEWEST_MOVES).all(axis=0)
            if not enough.any():
                continue
            ratios = acceptance_ratios(flows, proposals)[:, 0, enough]
            relative = ratios * np.exp(d[enough] / temperature)
            place = d[enough] / temperature.mean()
            reach = max(reach, 1.05 * float(place[-1]))
            lowest = min(lowest, float(relative.min()))
            if dynamics == "metropolis":
                _line(upper, place, ratios, colour)
                _line(lower, d[enough], relative, colour)
            else:
                label = f"$B={float(point.batch_fraction[0]):g}$"
                _bars(upper, place, ratios, colour, marker, label=label)
                _bars(lower, d[enough], relative, colour, marker)
    grid = np.linspace(0, reach, 50)
    upper.plot(grid, np.exp(-grid), color="black", linewidth=0.7, zorder=0, label=r"$e^{-d/T}$")
    upper.set(xlabel="$d/T$", ylabel="$w(d)\\,/\\,w(-d)$", yscale="log", xlim=(0, reach))
    upper.legend(loc="lower left")
    lower.axhline(1, color="black", linewidth=0.7, zorder=0)
    lower.set(
        xlabel="change of energy $d$", ylabel=r"$[w(d)/w(-d)]\,/\,e^{-d/T}$", yscale="log", xlim=(0.6, 8.4)
    )
    lower.set_ylim(lowest / 1.4, None)
    lower.yaxis.set_major_formatter("{x:g}")
    lower.yaxis.set_minor_formatter(lambda value, _: f"{value:g}" if f"{value:g}"[-1] in "25" else "")
    lower.xaxis.set_minor_locator(NullLocator())
    lower.set_xticks(d)


def _interval(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Geometric mean over graphs with its 95% t interval: all quantities of the figure are positive."""
    logs = np.log(values)
    if len(values) == 1:
        return values[0], values[0], values[0]
    found = mean_interval(logs)
    return np.exp(found.estimate), np.exp(found.lower), np.exp(found.upper)


def _line(axes: Axes, x: np.ndarray, values: np.ndarray, colour) -> None:
    """Mean over graphs as a line with its band."""
    mean, low, high = _interval(values)
    axes.plot(x, mean, color=colour, linewidth=0.9, zorder=1)
    axes.fill_between(x, low, high, color=colour, alpha=style.BAND_ALPHA, linewidth=0, zorder=0)


def _bars(axes: Axes, x: np.ndarray, values: np.ndarray, colour, marker: str, **options) -> None:
    """Mean over graphs as markers with bars."""
    mean, low, high = _interval(values)
    look = {"fmt": marker, "color": colour, "markerfacecolor": "white", "elinewidth": 0.8} | options
    axes.errorbar(x, mean, np.stack([mean - low, high - mean]), **look)


def _asymmetry(axes: Axes, dataset: xr.Dataset) -> None:
    """Asymmetry of the flows against B; Metropolis as measured, and the noise of independent balanced moves."""
    batch = dataset.batch_fraction.values
    dark = style.hues(2)[0]
    grid, theory = _paramagnetic_flows(dataset)
    if len(grid):
        axes.plot(grid, flow_asymmetry(theory), color="black", linestyle="--", linewidth=0.9, zorder=1)
    measured = flow_asymmetry(counts(dataset, "sgd_like")[0])
    _bars(axes, batch, measured, dark, "o", zorder=3)
    flows, _ = counts(dataset, "metropolis")
    _line(axes, batch, flow_asymmetry(flows), dark)
    noise = balanced_asymmetry(flows).mean(axis=0)
    axes.plot(batch, noise, ":", color="0.45", linewidth=1.2, zorder=2)
    if float(dataset.mean_degree[0]) == KNOWN_DEGREE:
        axes.plot(
            np.array(list(KNOWN)) + 0.018, list(KNOWN.values()), "x", color="0.5", markersize=4, zorder=2
        )
    axes.set(xlabel="mini-batch fraction $B$", ylabel="asymmetry of the flows", xlim=(0, 1), ylim=(0, 0.2))
    axes.text(0.66, 0.168, "Poisson law of the paramagnet", color="black", ha="right", fontsize=8)
    axes.text(0.6, 0.102, "SGD-like", color=dark, fontsize=8)
    noisy = "Metropolis (line) and\nnoise of balanced moves (dotted)"
    axes.text(0.36, float(noise.max()) + 0.008, noisy, color=dark, va="bottom", fontsize=8)


def _entropy(axes: Axes, dataset: xr.Dataset, exact: xr.Dataset) -> None:
    """Entropy production per accepted move: exact on tiny graphs, and what the measured flows show of it."""
    dark, light = style.hues(2)
    tiny = exact.isel(point=0).sel(dynamics="sgd_like").transpose("seed", "batch_fraction")
    _line(axes, tiny.batch_fraction.values, tiny.entropy_production.values, light)
    shown = _interval(tiny.entropy_production_bound.values)[0]
    axes.plot(tiny.batch_fraction, shown, color=light, linestyle="--", linewidth=0.9)
    batch = dataset.batch_fraction.values
    curve, theory = _paramagnetic_flows(dataset)
    if len(curve):
        bound = entropy_production_bound(theory)
        axes.plot(curve, bound, color="black", linestyle="--", linewidth=0.9, zorder=1)
    _bars(axes, batch, entropy_production_bound(counts(dataset, "sgd_like")[0]), dark, "o", zorder=3)
    _line(axes, batch, entropy_production_bound(counts(dataset, "metropolis")[0]), dark)
    label = "entropy production\n(nats per accepted move)"
    axes.set(xlabel="mini-batch fraction $B$", ylabel=label, yscale="log", xlim=(0, 1), ylim=(1e-6, 0.3))
    handles = [
        Line2D([], [], color="black", linestyle="--", linewidth=0.9, label="bound, Poisson law"),
        Line2D(
            [], [], color=dark, marker="o", linestyle="none", markerfacecolor="white", label="bound, SGD-like"
        ),
        Line2D([], [], color=light, label=f"exact, SGD-like, $N={int(exact.n[0])}$"),
        Line2D([], [], color=light, linestyle="--", linewidth=0.9, label="its bound"),
        Line2D([], [], color=dark, linewidth=0.9, label="bound, Metropolis (noise)"),
    ]
    below = {
        "loc": "upper center",
        "bbox_to_anchor": (0.45, -0.22),
        "ncols": 2,
    }  # beside the curves, not on them
    axes.legend(handles=handles, fontsize=7.5, labelspacing=0.25, columnspacing=1.0, **below)


def _paramagnetic_flows(dataset: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Values of B up to the last that equilibrates, where there is a paramagnet, and the F(a, b) of its Poisson law."""
    degree, q = float(dataset.mean_degree[0]), int(dataset.q[0])
    last = float(dataset.batch_fraction.where(dataset.matching == "equilibrium").max())
    grid = np.linspace(0.02, last, 60) if np.isfinite(last) else np.zeros(0)
    return grid, np.array([paramagnetic_flows(fraction, degree, q) for fraction in grid])


def caption(dataset: xr.Dataset, exact: xr.Dataset) -> str:
    """Return what a reader must know to understand the figure alone."""
    n, q, sweeps = (int(dataset[name][0]) for name in ("n", "q", "sweeps"))
    distance = float(exact.distance.max())
    long = ", ".join(
        f"B = {b:g}" for b in dataset.batch_fraction.values[dataset.matching.values == "long_times"]
    )
    control = float(abs(exact.entropy_production.sel(dynamics="metropolis")).max())
    return style.paragraph(
        f"""**E5, balance.** Moves of SGD-like dynamics (markers; half-edge mini-batches, sequential sweeps) and
        of Metropolis at the matched temperature T(B) (lines) on {dataset.graph.values[0]!s} graphs with N = {n}
        vertices, mean degree c = {float(dataset.mean_degree[0]):g}, q = {q} colours, counted over the last half
        of {sweeps} sweeps by the numbers of neighbours with the old (a) and the new colour (b); d = b - a.
        Geometric means over {dataset.sizes["seed"]} graphs with 95% t intervals (bars, bands), mostly smaller
        than the symbols. T is the temperature of equal paramagnetic energy or, where the chains do not
        equilibrate ({long or "nowhere"}), that of equal energy of Metropolis runs of the same length. (a) Ratio
        of the mean acceptances w(d)/w(-d), which detailed balance makes exp(-d/T) (black). (b) The same over
        exp(-d/T); changes d with fewer than {FEWEST_MOVES} uphill moves on some graph are left out. (c) Asymmetry
        of the flows F(a,b), sum |F(a,b) - F(b,a)| / sum F. Detailed balance makes it 0 but for noise: dotted, its
        mean for independent balanced moves. Dashed: Poisson law of the paramagnet at the zero-drift T(B), where
        the chain equilibrates. Grey
        crosses (moved to the right): measured independently with the authors' program. (d) Entropy production per
        accepted move. Light: exact, from the stationary law of all colourings of {exact.sizes["seed"]} random
        graphs with N = {int(exact.n[0])}, q = {int(exact.q[0])}, c = {float(exact.mean_degree[0]):g}, one fresh
        mini-batch a proposal (band: 95% over graphs), and the part of it that the flows F(a,b) show, a lower
        bound (dashed). Dark: this bound measured on the large graphs, and black, dashed, that of the Poisson law.
        Metropolis produces no entropy: on the tiny graphs less than {max(control, 1e-15):.0e} is found, on the
        large ones the line is the noise of counting. The exact stationary laws are within {distance:.3f} (total
        variation) of the Gibbs law of equal energy. {style.provenance(dataset)}"""
    )
