"""E6: the plane of mean degree and temperature (or mini-batch fraction), and where the planted colouring is found."""

import contextlib

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator
from scipy.interpolate import CubicSpline

from thermobatch.coloring.studies.decisions import CONFIDENCE
from thermobatch.coloring.studies.phases.claims import DYNAMICS, GrowthLaw, arrivals, growth_law
from thermobatch.coloring.theory.effective_temperature import batch_fraction_for_temperature
from thermobatch.coloring.theory.equilibrium import planted_spinodal, spin_glass_temperature
from thermobatch.statistics.censored import median_time
from thermobatch.statistics.intervals import Interval, mean_interval, wilson_interval
from thermobatch.statistics.resampling import percentile_bounds
from thermobatch.study import style

RECOVERED = LinearSegmentedColormap.from_list("recovered", ["#ececec", "#c2d8ea", "#6ba3cb", "#1f5f99"])
BOOTSTRAP_SEED = 60
APART = 1.06  # markers of SGD-like dynamics beside those of Metropolis
SPINODAL = {"color": "black", "linewidth": 1.3}
DYNAMICAL = {"color": "black", "linewidth": 1.1, "linestyle": "--"}
STIGUM = {"color": "black", "linewidth": 0.9, "linestyle": ":"}


def draw(phases: xr.Dataset, growth: xr.Dataset, reconstruction: xr.Dataset) -> Figure:
    """Return the figure: both planes above; recovery times against N and their exponents below.

    Parameters
    ----------
    phases
        Of the experiment `coloring_phases`.
    growth
        Of the experiment `coloring_recovery_growth`.
    reconstruction
        Of the experiment `coloring_reconstruction`.
    """
    with style.style():
        figure = Figure(figsize=(style.DOUBLE_COLUMN, 5.6))
        panels = figure.subplots(2, 2, height_ratios=(1.35, 1))
        thermal, minibatch = (_of(phases, name) for name in ("metropolis", "sgd_like"))
        crossing = mean_interval(_transitions(reconstruction, "annealing_threshold"))
        _plane(panels[0, 0], thermal, reconstruction, crossing, in_batch=False)
        drawn = _plane(panels[0, 1], minibatch, reconstruction, crossing, in_batch=True)
        panels[0, 0].set(ylabel="temperature $T$")
        panels[0, 0].set_title("Metropolis", loc="right")
        panels[0, 1].set(ylabel="mini-batch fraction $B$")
        panels[0, 1].set_title("SGD-like", loc="right")
        bar = figure.colorbar(
            drawn, ax=panels[0, :], pad=0.015, aspect=28, label="fraction of graphs recovered"
        )
        bar.outline.set_linewidth(0.6)
        bar.ax.minorticks_off()
        _times(panels[1, 0], growth)
        _exponents(panels[1, 1], growth, crossing)
        style.panel_letters([*panels.ravel()])
    return figure


def _of(dataset: xr.Dataset, dynamics: str) -> xr.Dataset:
    """Points of one dynamics by increasing mean degree, with the number recovered of the graphs."""
    chosen = dataset.sel(point=dataset.dynamics == dynamics)
    chosen = chosen.isel(point=np.argsort(chosen.mean_degree.values)).transpose(
        "seed", "point", "temperature"
    )
    return chosen.assign(recovered=np.isfinite(chosen.first_passage).sum("seed"))


def _fractions(points: xr.Dataset) -> Interval:
    """Fraction of graphs recovered with Wilson's interval, over (point, temperature)."""
    return wilson_interval(points.recovered.values, points.sizes["seed"])


def _transitions(dataset: xr.Dataset, kind: str, name: str = "transition_mean_degree") -> np.ndarray:
    """Values of one transition, one a seed."""
    return dataset[name].sel(point=dataset.transition == kind).transpose("seed", "point").values[:, 0]


def _plane(axes: Axes, points: xr.Dataset, reconstruction: xr.Dataset, crossing: Interval, *, in_batch: bool):
    """Recovered fraction as colour, theory lines over it; in B each column has its own map from T."""
    degrees, temperatures = points.mean_degree.values, points.temperature.values
    q = int(points.q[0])
    edges_c, edges_t = _edges(degrees), _edges(temperatures)

    def height(temperature: np.ndarray, degree: np.ndarray) -> np.ndarray:
        pairs = np.broadcast_arrays(np.maximum(temperature, 1e-3), np.asarray(degree, dtype=float))
        if not in_batch:
            return pairs[0]
        flat = zip(pairs[0].ravel(), pairs[1].ravel(), strict=True)
        found = [batch_fraction_for_temperature(float(t), mean_degree=float(c), q=q) for t, c in flat]
        return np.reshape(found, pairs[0].shape)

    corners = height(edges_t[None, :], edges_c[:, None])
    drawn = axes.pcolormesh(
        np.broadcast_to(edges_c[:, None], corners.shape),
        corners,
        _fractions(points).estimate,
        cmap=RECOVERED,
        vmin=0,
        vmax=1,
        edgecolor="white",
        linewidth=0.5,
    )
    start = (q - 1) ** 2
    last = edges_c[-1]
    grid = np.concatenate([start + np.geomspace(1e-3, 0.1, 6), np.linspace(start + 0.15, last, 60)])
    spinodal, stigum = planted_spinodal(grid, q), spin_glass_temperature(grid, q)
    axes.plot(grid, height(spinodal, grid), **SPINODAL)
    axes.plot(grid, height(stigum, grid), **STIGUM)
    curve, values = _dynamical(reconstruction)
    along = np.linspace(max(edges_c[0], curve.x[0]), last, 120)
    axes.plot(along, height(_temperature(curve(along)), along), **DYNAMICAL)
    shown = (values["mean_degree"] >= edges_c[0]) & (values["mean_degree"] <= last)
    degree, found = values["mean_degree"][shown], values["temperature"]
    low, middle, high = (
        height(np.asarray(part)[shown], degree) for part in (found.lower, found.estimate, found.upper)
    )
    bars = np.abs(np.stack([middle - low, high - middle]))
    axes.errorbar(degree, middle, bars, fmt="none", ecolor="black", elinewidth=1.0, capsize=1.5)
    c = np.array(crossing.estimate)
    at = float(height(planted_spinodal(c, q), c))
    axes.plot(
        c, at, "*", color="#c8401a", markersize=9, markeredgecolor="white", markeredgewidth=0.6, zorder=5
    )
    axes.set(xlabel="mean degree $c$", xlim=(edges_c[0], last), axisbelow=False)
    ends = height(np.array([edges_t[0], edges_t[-1]]), np.array([last, last]))
    if in_batch:
        axes.set_ylim(float(corners.max()), float(corners.min()))
    else:
        axes.set_ylim(*ends)
    _name_lines(axes, height, curve, last, q)
    return drawn


def _name_lines(axes: Axes, height, curve: CubicSpline, last: float, q: int) -> None:
    """Name each line beside it, where the lines are apart."""
    halo = {"ha": "center", "va": "center"}
    for c, temperature, text, shift in (
        (last - 1.6, planted_spinodal(last - 1.6, q), r"$T_{\rm sp}$", (-9, 8)),
        (15.2, float(_temperature(curve(15.2))), r"$T_{\rm d}$", (-3, 10)),
        (last - 1.6, spin_glass_temperature(last - 1.6, q), r"$c\,\theta^2=1$", (12, -9)),
    ):
        c = np.array(c)
        style.direct_label(axes, float(c), float(height(temperature, c)), text, "black", xytext=shift, **halo)


def _dynamical(reconstruction: xr.Dataset) -> tuple[CubicSpline, dict]:
    """T_d(c) as a smooth curve of exp(-1/T) through the measured points and c_d at T = 0, and the points."""
    chosen = reconstruction.sel(point=reconstruction.transition == "dynamical_temperature")
    chosen = chosen.isel(point=np.argsort(chosen.mean_degree.values))
    chosen = chosen.dropna("point", subset=["transition_temperature"])  # no transition so close to c_d
    found = mean_interval(chosen.transition_temperature.transpose("seed", "point").values)
    degrees = chosen.mean_degree.values
    start = float(np.mean(_transitions(reconstruction, "dynamical_connectivity")))
    above = degrees > start
    knots = np.concatenate([[start], degrees[above]])
    weights = np.concatenate([[0.0], np.exp(-1 / found.estimate[above])])
    return CubicSpline(knots, weights), {"mean_degree": degrees, "temperature": found}


def _temperature(weight: np.ndarray) -> np.ndarray:
    """Temperature of the Boltzmann weight x = exp(-1/T)."""
    return -1 / np.log(np.clip(weight, 1e-300, 0.999))


def _edges(values: np.ndarray) -> np.ndarray:
    """Borders of cells around increasing values."""
    middle = 0.5 * (values[1:] + values[:-1])
    return np.concatenate([[2 * values[0] - middle[0]], middle, [2 * values[-1] - middle[-1]]])


def _times(axes: Axes, growth: xr.Dataset) -> None:
    """Median time against N: Metropolis lines, SGD-like markers; at the cap, with an arrow, where it is not reached."""
    degrees = np.unique(growth.mean_degree)
    for colour, marker, degree in zip(style.hues(len(degrees)), style.MARKERS, degrees, strict=False):
        for name in DYNAMICS:
            points = growth.sel(point=(growth.mean_degree == degree) & np.isfinite(growth[name]))
            if not points.sizes["point"]:
                continue
            points = points.isel(point=np.argsort(points.n.values))
            found = [
                median_time(*arrivals(points.isel(point=k)), seed=BOOTSTRAP_SEED)
                for k in range(points.sizes["point"])
            ]
            n, caps = points.n.values * (1.0 if name == "temperature" else APART), points.sweeps.values
            middle, low, high = np.array([[one.estimate, one.lower, one.upper] for one in found]).T
            reached = np.isfinite(middle)
            ends = middle[reached] - low[reached], np.minimum(high, 10 * caps)[reached] - middle[reached]
            look = {"color": colour, "elinewidth": 0.7}
            if name == "temperature":
                axes.plot(n[reached], middle[reached], color=colour)
                axes.errorbar(n[reached], middle[reached], ends, fmt="none", **look)
            else:
                axes.errorbar(n[reached], middle[reached], ends, fmt=marker, markerfacecolor="white", **look)
            face = colour if name == "temperature" else "white"
            least = np.where(np.isfinite(low), low, caps)[~reached]
            if not reached.all():
                axes.plot(n[~reached], least, "^", color=colour, markerfacecolor=face, clip_on=False)
    axes.set(xscale="log", yscale="log", xlabel="number of vertices $N$")
    axes.set_ylabel(f"median time to overlap > {float(growth.stop_overlap[0]):g} (sweeps)")
    sizes = np.unique(growth.n)
    axes.set_xticks(sizes, [f"{size:g}" for size in sizes])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlim(sizes[0] / 1.25, sizes[-1] * 1.25)
    style.plain_log_labels(axes.yaxis, "1")
    handles = [
        Line2D([], [], color=colour, marker=marker, markerfacecolor="white", label=f"$c={degree:g}$")
        for colour, marker, degree in zip(style.hues(len(degrees)), style.MARKERS, degrees, strict=False)
    ]
    top = axes.get_ylim()[1]
    axes.set_ylim(None, 4 * top)
    axes.legend(handles=handles, loc="upper left", ncols=3, columnspacing=1.0, handletextpad=0.4)


def _exponents(axes: Axes, growth: xr.Dataset, crossing: Interval) -> None:
    """Exponent of N against c, with the margin of the claims and the predicted threshold."""
    axes.axvspan(crossing.lower, crossing.upper, color="#c8401a", alpha=0.35, linewidth=0, zorder=0)
    axes.axhline(1, color="black", linewidth=0.7, linestyle=":", zorder=0)
    dark = style.hues(2)[0]
    for name, words in DYNAMICS.items():
        found = reached_laws(growth, name)
        if not found:
            continue
        degrees = np.array([law.degree for law in found])
        middle = np.array([law.estimate for law in found])
        low, high = np.array([percentile_bounds(law.lower, law.upper, CONFIDENCE) for law in found]).T
        open_ended = ~np.isfinite(high)
        bars = np.stack([middle - np.maximum(low, 0.0), np.where(open_ended, middle, high) - middle])
        shifted = degrees + (0.06 if name == "batch_fraction" else -0.06)
        if name == "temperature":
            axes.plot(shifted, middle, color=dark, label=words)
            axes.errorbar(shifted, middle, bars, fmt="none", color=dark, elinewidth=0.8)
        else:
            look = {"fmt": "o", "color": dark, "markerfacecolor": "white", "elinewidth": 0.8}
            axes.errorbar(shifted, middle, bars, label=words, **look)
        if open_ended.any():
            places = shifted[open_ended], middle[open_ended] + 0.12
            axes.plot(*places, "^", color=dark, markersize=3, clip_on=False)
    axes.set(xlabel="mean degree $c$", ylabel="exponent of $N$ in the median time", ylim=(0, None))
    axes.set_xticks(np.unique(growth.mean_degree))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.legend(loc="upper right")


def reached_laws(growth: xr.Dataset, name: str) -> list[GrowthLaw]:
    """Return the growth laws of one dynamics at the c where enough sizes reach their median."""
    found = []
    for degree in np.unique(growth.mean_degree):
        points = growth.sel(point=(growth.mean_degree == degree) & np.isfinite(growth[name]))
        with contextlib.suppress(ValueError):
            found.append(growth_law(points))
    return found


def caption(phases: xr.Dataset, growth: xr.Dataset, reconstruction: xr.Dataset) -> str:
    """Return what a reader must know to understand the figure alone."""
    crossing = mean_interval(_transitions(reconstruction, "annealing_threshold"))
    connectivity = mean_interval(_transitions(reconstruction, "dynamical_connectivity"))
    n, q, sweeps = (int(phases[name].values[0]) for name in ("n", "q", "sweeps"))
    threshold = float(phases.stop_overlap.values[0])
    ran = np.isfinite(growth.stopped_at).sum("seed").values
    graphs, caps = (ran.min(), ran.max()), (int(growth.sweeps.min()), int(growth.sweeps.max()))
    return style.paragraph(
        f"""**E6, phases.** Where the planted colouring is found, q = {q}. Colour: fraction of {phases.sizes["seed"]}
        planted graphs with N = {n} whose overlap exceeds {threshold:g} within {sweeps} sweeps from random colours,
        (a) for Metropolis at T, (b) for SGD-like dynamics (half-edge mini-batches, sequential sweeps) on the same
        graphs, at the B whose zero-drift T(B) is the T of the cell; B grows downwards, and every column has its own
        map (white: not scanned). Solid line: T_sp, below which the paramagnet is unstable towards the planted
        colouring. Dashed: dynamical temperature T_d by population dynamics (populations of
        {int(reconstruction.population.values[0])}; error bars, mostly within the line: 95% t intervals over
        {reconstruction.sizes["seed"]} independent runs; curve: spline of exp(-1/T) through them and c_d =
        {connectivity.estimate:.2f} at T = 0). Dotted: c theta(T)^2 = 1. Star: T_sp = T_d at c =
        {crossing.estimate:.2f} (95%: {crossing.lower:.2f} to {crossing.upper:.2f}), the predicted
        threshold of annealing-like algorithms for N to infinity. At finite N recovery happens above T_sp too, by
        nucleation, and what is recovered depends on the cap: the lower panels show times. (c) Kaplan-Meier medians of
        the time to the overlap against N at the best T (lines) and B (markers, moved to the right) of a pilot on other
        graphs, c in the legend, with 95% bootstrap intervals over {graphs[0]} to {graphs[1]} graphs; triangles: fewer
        than half of the runs arrived within the cap of {caps[0]} to {caps[1]} sweeps, the median is above. (d)
        Exponent of N in these medians against c, with 90% bootstrap intervals, over the sizes whose median is reached
        (triangles: only two are, the next enters at its cap, the exponent is at least that). Vertical band: the
        predicted threshold; dotted: times that grow as N, the margin of the claims. {style.provenance(phases)} Times:
        {growth.attrs["fidelity"]} Lines: {reconstruction.attrs["fidelity"]}"""
    )
