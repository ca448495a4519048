"""E6: the plane of mean degree and temperature (or mini-batch fraction), and where the planted colouring is found."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from scipy.interpolate import CubicSpline

from thermobatch.coloring.theory.effective_temperature import batch_fraction_for_temperature
from thermobatch.coloring.theory.equilibrium import planted_spinodal, spin_glass_temperature
from thermobatch.statistics.intervals import Interval, mean_interval, wilson_interval
from thermobatch.study import style

RECOVERED = LinearSegmentedColormap.from_list("recovered", ["#ececec", "#c2d8ea", "#6ba3cb", "#1f5f99"])
SLICES = 4  # mean degrees drawn one by one: those around the crossing, and a little above
SPINODAL = {"color": "black", "linewidth": 1.3}
DYNAMICAL = {"color": "black", "linewidth": 1.1, "linestyle": "--"}
STIGUM = {"color": "black", "linewidth": 0.9, "linestyle": ":"}


def draw(phases: xr.Dataset, reconstruction: xr.Dataset) -> Figure:
    """Return the figure: both planes above; best fractions and slices at fixed mean degree below.

    Parameters
    ----------
    phases
        Of the experiment `coloring_phases`.
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
        _best(panels[1, 0], thermal, minibatch, crossing)
        _slices(panels[1, 1], thermal, minibatch, crossing)
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


def _best(axes: Axes, thermal: xr.Dataset, minibatch: xr.Dataset, crossing: Interval) -> None:
    """Fraction at the best temperature of each mean degree, both dynamics, with the predicted threshold."""
    axes.axvspan(crossing.lower, crossing.upper, color="#c8401a", alpha=0.35, linewidth=0)
    axes.axvline(crossing.estimate, color="#c8401a", linewidth=0.8)
    style.direct_label(
        axes, crossing.estimate, 0.62, r"$T_{\rm sp}=T_{\rm d}$", "#c8401a", xytext=(-3, 0), ha="right"
    )
    colour = style.hues(2)[0]
    for points in (thermal, minibatch):
        found = _fractions(points)
        best = points.recovered.values.argmax(axis=1)[:, None]
        estimate, lower, upper = (
            np.take_along_axis(part, best, 1)[:, 0] for part in (found.estimate, found.lower, found.upper)
        )
        degrees = points.mean_degree.values
        if points is thermal:
            axes.fill_between(degrees, lower, upper, color=colour, alpha=0.18, linewidth=0)
            axes.plot(degrees, estimate, color=colour, label="Metropolis, best $T$")
        else:
            bars = np.stack([estimate - lower, upper - estimate])
            look = {"fmt": "o", "color": colour, "markerfacecolor": "white", "elinewidth": 0.7}
            axes.errorbar(degrees, estimate, bars, label="SGD-like, best $B$", clip_on=False, **look)
    axes.set(xlabel="mean degree $c$", ylabel="fraction recovered", ylim=(-0.02, 1.02))
    axes.set_xlim(*_edges(thermal.mean_degree.values)[[0, -1]])
    axes.legend(loc="upper left")


def _slices(axes: Axes, thermal: xr.Dataset, minibatch: xr.Dataset, crossing: Interval) -> None:
    """Fraction against T (or T(B)) for mean degrees around the crossing; lines Metropolis, markers SGD-like."""
    q, temperatures = int(thermal.q[0]), thermal.temperature.values
    degrees = thermal.mean_degree.values
    near = np.argsort(np.abs(degrees - crossing.estimate - 1), kind="stable")[:SLICES]
    degrees = np.sort(degrees[near])
    span = float(temperatures[-1] - temperatures[0])
    for k, (colour, marker, degree) in enumerate(
        zip(style.hues(len(degrees)), style.MARKERS, degrees, strict=False)
    ):
        line, marks = (
            _fractions(points.sel(point=points.mean_degree == degree)) for points in (thermal, minibatch)
        )
        axes.fill_between(temperatures, line.lower[0], line.upper[0], color=colour, alpha=0.13, linewidth=0)
        axes.plot(temperatures, line.estimate[0], color=colour, label=f"$c={degree:g}$")
        shifted = temperatures + span * 0.004 * (k - (len(degrees) - 1) / 2)
        bars = np.stack([marks.estimate[0] - marks.lower[0], marks.upper[0] - marks.estimate[0]])
        axes.errorbar(
            shifted,
            marks.estimate[0],
            bars,
            fmt=marker,
            color=colour,
            markerfacecolor="white",
            elinewidth=0.7,
            clip_on=False,
        )
        if degree > (q - 1) ** 2:
            axes.plot(
                planted_spinodal(float(degree), q), 1.045, "v", color=colour, markersize=4.5, clip_on=False
            )
    first = degrees[degrees > (q - 1) ** 2][:1]
    for degree in first:
        spinodal = planted_spinodal(float(degree), q)
        style.direct_label(axes, spinodal, 1.045, r"$T_{\rm sp}$", "black", xytext=(-5, 0), ha="right")
    axes.set_title("lines: Metropolis, markers: SGD-like", loc="right", fontsize=8, pad=12)
    axes.set(xlabel="temperature $T$ or $T(B)$", ylabel="fraction recovered", ylim=(-0.02, 1.02))
    axes.set_xlim(*_edges(temperatures)[[0, -1]])
    handles = [
        Line2D([], [], color=colour, marker=marker, markerfacecolor="white", label=f"$c={degree:g}$")
        for colour, marker, degree in zip(style.hues(len(degrees)), style.MARKERS, degrees, strict=False)
    ]
    axes.legend(handles=handles, loc="upper left")


def caption(phases: xr.Dataset, reconstruction: xr.Dataset) -> str:
    """Return what a reader must know to understand the figure alone."""
    crossing = mean_interval(_transitions(reconstruction, "annealing_threshold"))
    connectivity = mean_interval(_transitions(reconstruction, "dynamical_connectivity"))
    n, q, sweeps = (int(phases[name].values[0]) for name in ("n", "q", "sweeps"))
    threshold = float(phases.stop_overlap.values[0])
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
        threshold of annealing-like algorithms for N to infinity. (c) Fraction at the best T (line, with its band)
        and at the best B (markers), 95% Wilson intervals; vertical band: the predicted threshold. (d) Fraction
        against T (lines) and T(B) (markers) at fixed c; triangles above the frame: T_sp. Runs that do not arrive are
        censored at the cap and count as not recovered; at finite N recovery happens above T_sp too, by nucleation.
        {style.provenance(phases)} Lines: {reconstruction.attrs["fidelity"]}"""
    )
