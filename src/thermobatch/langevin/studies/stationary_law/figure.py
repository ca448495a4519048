"""L1: the stationary law of SGD: exact covariance, Boltzmann's law with additive noise, and not with natural noise."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Ellipse

from thermobatch.langevin.studies.stationary_law.claims import distance
from thermobatch.statistics.intervals import mean_interval
from thermobatch.study import style

ELLIPSES = (0.5, 0.9)  # shares of Boltzmann's law inside the drawn curves


def draw(covariance: xr.Dataset, wells: xr.Dataset, bowls: xr.Dataset) -> Figure:
    """Return the figure: covariance against eta, laws in the double well, and natural against additive noise.

    Parameters
    ----------
    covariance
        Of the experiment `regression_covariance`.
    wells
        Of the experiment `double_well_law`.
    bowls
        Of the experiment `regression_law`.
    """
    with style.style():
        figure = Figure(figsize=(style.DOUBLE_COLUMN, 4.9))
        figure.get_layout_engine().set(wspace=0.05, hspace=0.04)
        upper, lower = figure.subfigures(2, 1, height_ratios=(1.15, 1))
        grid = upper.add_gridspec(2, 3, height_ratios=(2.3, 1))
        variance = upper.add_subplot(grid[0, 0])
        ratio = upper.add_subplot(grid[1, 0], sharex=variance)
        density, total = upper.add_subplot(grid[:, 1]), upper.add_subplot(grid[:, 2])
        modes, natural, additive = lower.subplots(1, 3)
        _covariance(variance, ratio, covariance)
        _densities(density, wells)
        _distances(total, wells)
        _modes(modes, covariance)
        _bowl(natural, bowls.isel(point=0).sel(noise="natural"), "natural noise")
        _bowl(additive, bowls.isel(point=0).sel(noise="additive"), "additive noise")
        style.panel_letters([variance, density, total, modes, natural, additive])
    return figure


def _covariance(axes: Axes, ratios: Axes, dataset: xr.Dataset) -> None:
    """Total variance against the learning rate for every batch; below, over the exact one."""
    batches = np.unique(dataset.batch)
    for colour, marker, batch in zip(style.hues(max(3, len(batches))), style.MARKERS, batches, strict=False):
        chosen = dataset.sel(point=dataset.batch == batch)
        chosen = chosen.isel(point=np.argsort(chosen.learning_rate.values))
        rate = chosen.learning_rate.values
        predicted = chosen.predicted.sum("mode").transpose("theory", "seed", "point")
        measured = chosen.variance.sum("mode").transpose("seed", "point")
        exact = predicted.sel(theory="exact")
        axes.plot(rate, exact.mean("seed"), color=colour)
        axes.plot(
            rate, predicted.sel(theory="langevin").mean("seed"), color=colour, linestyle="--", linewidth=0.8
        )
        axes.plot(rate, measured.mean("seed"), marker, color=colour, markerfacecolor="white")
        style.direct_label(axes, rate[0], float(exact.mean("seed")[0]), f"$B={batch}$", colour, xytext=(0, 9))
        found = mean_interval((measured / exact).values)
        bars = np.stack([found.estimate - found.lower, found.upper - found.estimate])
        ratios.errorbar(
            rate, found.estimate, bars, fmt=marker, color=colour, markerfacecolor="white", elinewidth=0.8
        )
        limit = (predicted.sel(theory="langevin") / exact).mean("seed")
        ratios.plot(rate, limit, color=colour, linestyle="--", linewidth=0.8)
    ratios.axhline(1, color="black", linewidth=0.8)
    axes.set(xscale="log", yscale="log", ylabel=r"variance ${\rm tr}\,V$")
    axes.tick_params(labelbottom=False, which="both")
    axes.set_ylim(axes.get_ylim()[0] / 3, None)
    ratios.set(xlabel=r"learning rate $\eta$", ylabel="/ exact")
    style.plain_log_labels(ratios.xaxis, "125")
    keys = [
        Line2D([], [], color="0.3", marker="o", markerfacecolor="white", linestyle="none", label="SGD"),
        Line2D([], [], color="0.3", label="exact"),
        Line2D([], [], color="0.3", linestyle="--", linewidth=0.8, label="Langevin limit"),
    ]
    axes.legend(handles=keys, loc="lower right", fontsize=7)


def _densities(axes: Axes, dataset: xr.Dataset) -> None:
    """Histograms at the smallest learning rate on Boltzmann's law."""
    chosen = dataset.sel(point=dataset.learning_rate == dataset.learning_rate.min())
    heats = chosen.temperature.isel(seed=0).values
    order = np.argsort(heats)
    width = float(np.diff(chosen.bin.values[:2])[0])
    reach = 0.0
    for colour, marker, index in zip(style.hues(max(3, len(order))), style.MARKERS, order, strict=False):
        point = chosen.isel(point=index)
        law = point.boltzmann.isel(seed=0).values / width
        measured = point.histogram.sum("seed").values / float(
            (point.histogram.sum("bin") + point.outside).sum()
        )
        axes.plot(chosen.bin, law, color=colour)
        axes.plot(chosen.bin, measured / width, marker, color=colour, markerfacecolor="white", markersize=2.8)
        peak = int(np.argmax(law))
        reach = max(reach, law[peak])
        label = f"$T={heats[index]:.2g}$"
        side = {"xytext": (5, 3)}
        style.direct_label(axes, chosen.bin.values[peak], law[peak], label, colour, fontsize=7, **side)
    axes.set(xlabel="position $x$", ylabel="density", xlim=(-2, 2), ylim=(0, 1.12 * reach))
    axes.set_title("additive noise", loc="right")


def _distances(axes: Axes, dataset: xr.Dataset) -> None:
    """Total variation against the learning rate at one temperature."""
    heats = dataset.temperature.isel(seed=0).values
    values, counts = np.unique(heats.round(9), return_counts=True)
    heat = values[np.argmax(counts)]
    chosen = dataset.sel(point=np.isclose(heats, heat))
    chosen = chosen.isel(point=np.argsort(chosen.learning_rate.values))
    rate = chosen.learning_rate.values
    found = [distance(chosen.isel(point=index)) for index in range(len(rate))]
    middle = np.array([float(each.plug_in) for each in found])
    bars = [middle - [float(each.lower) for each in found], [float(each.upper) for each in found] - middle]
    colour = style.hues(3)[0]
    exact = 0.5 * np.abs(chosen.discrete_langevin - chosen.boltzmann).isel(seed=0).sum("bin")
    axes.plot(rate, exact, color="black", linewidth=0.9)
    axes.plot(rate, [float(each.floor) for each in found], color="0.55", linestyle=":")
    axes.errorbar(
        rate, middle, np.maximum(bars, 0), fmt="o", color=colour, markerfacecolor="white", elinewidth=0.8
    )
    low = min(float(exact.min()), *(float(each.floor) for each in found))
    axes.set(
        xscale="log", yscale="log", xlabel=r"learning rate $\eta$", ylabel="total variation to Boltzmann"
    )
    axes.set_ylim(low / 2, 12 * max(middle))
    style.plain_log_labels(axes.xaxis, "125")
    style.plain_log_labels(axes.yaxis, "125")
    keys = [
        Line2D([], [], color=colour, marker="o", markerfacecolor="white", linestyle="none", label="SGD, 90%"),
        Line2D([], [], color="black", linewidth=0.9, label=r"Langevin at this $\eta$, exact"),
        Line2D([], [], color="0.55", linestyle=":", label="sampling alone"),
    ]
    axes.legend(handles=keys, loc="upper left", fontsize=7)
    axes.set_title(f"$T={heat:.2g}$", loc="right")


def _modes(axes: Axes, dataset: xr.Dataset) -> None:
    """Variance of each mode against its curvature, in units of Boltzmann's at the same mean loss and h = 1."""
    batch = dataset.batch.values.max()
    chosen = dataset.sel(point=dataset.batch == batch)
    chosen = chosen.isel(point=int(np.argmin(chosen.learning_rate.values)))
    curvature, variance = (
        chosen.curvature.transpose("seed", "mode"),
        chosen.variance.transpose("seed", "mode"),
    )
    exact = chosen.predicted.sel(theory="exact").transpose("seed", "mode")
    heat = float((curvature * variance).mean())
    h = curvature.mean("seed").values
    line = np.geomspace(h.min() / 1.3, h.max() * 1.3, 50)
    axes.plot(line, heat / line, color="black", linestyle="--", linewidth=0.9)
    colour = style.hues(3)[0]
    axes.plot(h, exact.mean("seed"), color=colour)
    found = mean_interval(variance.values)
    bars = np.stack([found.estimate - found.lower, found.upper - found.estimate])
    axes.errorbar(h, found.estimate, bars, fmt="o", color=colour, markerfacecolor="white", elinewidth=0.8)
    axes.set(xscale="log", yscale="log", xlabel="curvature $h$", ylabel="variance of the mode")
    low = min(heat / line[-1], found.estimate.min())
    axes.set_ylim(low / 1.6, 1.6 * heat / line[0])
    style.plain_log_labels(axes.xaxis, "125")
    style.plain_log_labels(axes.yaxis, "125")
    style.direct_label(axes, line[6], heat / line[6], "Boltzmann, $T/h$", "black", xytext=(5, 4))
    style.direct_label(axes, h[0], float(exact.mean("seed")[0]), "SGD and exact", colour, xytext=(-2, -10))
    axes.set_title(rf"natural noise, $\eta={float(chosen.learning_rate):g}$", loc="right", fontsize=8)


def _bowl(axes: Axes, point: xr.Dataset, title: str) -> None:
    """Histogram in two dimensions, with the ellipses that hold given shares of Boltzmann's law."""
    counts = point.histogram.sum("seed").transpose("bin_1", "bin_0")
    heat = float(point.temperature.isel(seed=0))
    first, second = (heat / h for h in point.attrs.get("curvatures", _curvatures(point)))
    unit = np.sqrt(first)
    cells = (counts.bin_0 / unit, counts.bin_1 / unit, counts / counts.max())
    axes.pcolormesh(*cells, cmap="Greys", vmin=0, vmax=1.2, shading="nearest", rasterized=True)
    levels = _levels(counts.values, ELLIPSES)
    axes.contour(*cells[:2], counts.values, levels=levels, colors=[style.hues(3)[0]], linewidths=1.0)
    for share in ELLIPSES:
        radius = 2 * np.sqrt(-2 * np.log(1 - share))
        size = (radius * np.sqrt(first) / unit, radius * np.sqrt(second) / unit)
        axes.add_patch(Ellipse((0, 0), *size, fill=False, color="black", linestyle="--", linewidth=0.9))
    found = distance(point)
    axes.set(
        xlim=(-3, 3), ylim=(-2.2, 2.2), xlabel=r"$w_1\,/\,\sqrt{T/h_1}$", ylabel=r"$w_2\,/\,\sqrt{T/h_1}$"
    )
    axes.set_title(title, loc="right")
    axes.text(0.03, 0.04, f"TV $={float(found.plug_in):.2g}$", transform=axes.transAxes, fontsize=8)


def _curvatures(point: xr.Dataset) -> tuple[float, float]:
    """Hessian eigenvalues, read off Boltzmann's law itself: T over its variances."""
    law = point.boltzmann.isel(seed=0)
    heat = float(point.temperature.isel(seed=0))
    return tuple(heat / float((law * law[name] ** 2).sum()) for name in ("bin_0", "bin_1"))


def _levels(counts: np.ndarray, shares: tuple[float, ...]) -> list[float]:
    """Heights above which the cells hold the given shares of all counts, increasing."""
    ordered = np.sort(counts.ravel())[::-1]
    held = np.cumsum(ordered) / ordered.sum()
    return sorted(float(ordered[np.searchsorted(held, share)]) for share in shares)


def caption(covariance: xr.Dataset, wells: xr.Dataset, bowls: xr.Dataset) -> str:
    """Return what a reader must know to understand the figure alone.

    Parameters
    ----------
    covariance, wells, bowls
        As in :func:`draw`.
    """
    eta = float(bowls.learning_rate[0])
    return style.paragraph(
        f"""**L1, stationary law of SGD.** (a) Total variance of SGD (markers; with replacement) at the minimum of a
        linear regression of N = {int(covariance.samples[0])} Gaussian samples in {covariance.sizes["mode"]} dimensions,
        the exact solution of V = (I - eta H) V (I - eta H) + eta^2 f (S0 + Q[V]) (lines) and its Langevin limit
        (dashed); below, the ratio to the exact value, means with 95% intervals over data sets. (b) SGD with additive
        mini-batch noise in the tilted double well L = {float(wells.barrier[0]):g} (x^2 - 1)^2 +
        {float(wells.tilt[0]):g} x (markers) on Boltzmann's law at T = eta sigma^2 / (2B) (lines),
        eta = {float(wells.learning_rate.min()):g}.
        (c) Total variation between both against eta at one T (B grows with eta); bars run from the cross-fitted lower
        to the plug-in upper 90% bound over runs, the dotted line is what sampling alone would give, the black line the
        exact distance of the Langevin equation at this eta. (d) Natural mini-batch noise follows the Hessian: the
        variances of its modes are nearly equal, not T/h (dashed: Boltzmann's at the same mean loss). (e, f) The same
        in two dimensions, eta = {eta:g}, B = {int(bowls.batch[0])}: density of SGD (grey) and the curves that hold
        {ELLIPSES[0]:.0%} and {ELLIPSES[1]:.0%} of it (solid), with those of Boltzmann's law at the same mean loss
        (dashed); TV, total variation. {style.provenance(covariance)} {style.provenance(wells)}
        {style.provenance(bowls)}"""
    )
