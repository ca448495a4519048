"""R9: annealing weights of several bits: costs against size, the advantage of replicas, flatness of the solutions."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullLocator

from thermobatch.networks.studies.annealing.claims import Runs, coupled
from thermobatch.networks.studies.annealing.figure import enough, median_point, middle, scattered_runs
from thermobatch.networks.studies.bits.claims import (
    EQUAL_LOAD,
    advantage,
    equal,
    flatness,
    named,
    precisions,
    ramps,
    runs_of,
    scaled,
    share,
    wrong_shares,
)
from thermobatch.statistics.growth import fit_growth
from thermobatch.statistics.intervals import mean_interval
from thermobatch.statistics.resampling import MINIMUM_RESAMPLED, percentile_bounds
from thermobatch.study import style

SIZE = 801
"""The size at which flatness is claimed."""
BOOTSTRAP_SEED = 90
RESAMPLES = 2000
TICKS = (201, 401, 801, 1601, 3201, 6401)
PLAIN, WARM, REPLICATED = range(3)
LINES = ((0, (1, 1.2)), (0, (4, 1.5)), "-")
MARKERS = ("o", "D", "s")
SHIFTS = (0.96, 1.0, 1.04)


def draw(dataset: xr.Dataset) -> Figure:
    """Return the figure: costs against N by bits (upper row), advantage, errors and their ratio (lower row).

    Parameters
    ----------
    dataset
        Of the experiment `perceptron_bits`.
    """
    colours = looks(dataset)
    n = flat_size(dataset)
    with style.style():
        figure = Figure(figsize=(style.DOUBLE_COLUMN, 5.0))
        upper, lower = figure.subfigures(2, 1, height_ratios=(1.15, 1))
        costs = upper.subplots(1, len(colours), sharex=True, sharey=True, squeeze=False)[0]
        for axes, (bits, colour) in zip(costs, colours.items(), strict=True):
            _costs(axes, scaled(dataset, bits), colour)
            load = float(scaled(dataset, bits).alpha[0])
            axes.set_title(rf"{named(bits)}, $\alpha={load:.2g}$", loc="right")
        spent = dataset.proposals.values[np.isfinite(dataset.proposals.values)]
        costs[0].set(xscale="log", yscale="log", ylim=(spent.min() / 1.5, spent.max() * 2))
        costs[0].set_ylabel("proposals to a solution")
        _sizes(costs)
        costs[0].legend(handles=_keys(dataset), loc="upper left", labelspacing=0.25, fontsize=7.5)
        advantages, wrong, ratios = lower.subplots(1, 3)
        _advantages(advantages, dataset, colours)
        _wrong(wrong, dataset, colours, n)
        _ratios(ratios, dataset, colours, n)
        style.panel_letters([*costs, advantages, wrong, ratios])
    return figure


def looks(dataset: xr.Dataset) -> dict[int, tuple]:
    """Return the colour of every number of bits."""
    every = precisions(dataset)
    return dict(zip(every, style.hues(len(every)), strict=True))


def flat_size(dataset: xr.Dataset) -> int:
    """Return the size at which flatness is drawn: that of the claims, else the largest."""
    return SIZE if SIZE in dataset.n.values else int(dataset.n.values.max())


def algorithms(dataset: xr.Dataset) -> list[tuple[int, int, float | None]]:
    """Return (look, replicas, last beta) of the algorithms among the points of one load and precision."""
    ordered = ramps(dataset)
    found = [(PLAIN, 1, ordered[0])]
    if len(ordered) > 1:
        found.append((WARM, 1, ordered[1]))
    return [*found, (REPLICATED, coupled(dataset), None)]


def _sizes(panels) -> None:
    """Sizes as ticks."""
    for axes in panels:
        axes.set_xlabel("$N$")
        axes.xaxis.set_major_locator(FixedLocator(TICKS))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter("{x:g}")


def _costs(axes: Axes, points: xr.Dataset, colour: tuple) -> None:
    """Runs, medians and power laws of one precision."""
    for kind, replicas, ramp in algorithms(points):
        look = {"color": colour, "marker": MARKERS[kind]}
        every = runs_of(points, replicas, ramp)
        scattered_runs(axes, every, look, SHIFTS[kind])
        for size in np.unique(every.sizes):
            here = Runs(*(column[every.sizes == size] for column in every))
            median_point(axes, size * SHIFTS[kind], middle(here), here, 1.0, look)
        if enough(every):
            fine = np.geomspace(every.sizes.min(), every.sizes.max(), 100)
            law = fit_growth(*every, shape=0.0)
            axes.plot(fine, law.median(fine), color=colour, linestyle=LINES[kind], linewidth=0.9, zorder=2)


def _keys(dataset: xr.Dataset) -> list[Line2D]:
    """Algorithms."""
    points = scaled(dataset, precisions(dataset)[0])
    names = {PLAIN: "SA", WARM: "SA, half $\\beta$", REPLICATED: f"rSA, $y={coupled(points)}$"}
    return [
        Line2D([], [], color="0.25", marker=MARKERS[kind], linestyle=LINES[kind], label=names[kind])
        for kind, *_ in algorithms(points)
    ]


def _advantages(axes: Axes, dataset: xr.Dataset, colours: dict) -> None:
    """Median of the better ramp of SA over that of rSA against N, at shares of capacity and at the equal load."""
    axes.axhline(1.0, color="black", linewidth=0.8)
    highest = 2.0
    for place, (bits, colour) in enumerate(colours.items()):
        for at, line, face in ((scaled, "-", colour), (equal, (0, (3, 1.5)), "white")):
            points = at(dataset, bits)
            if at is equal and bits == precisions(dataset)[0]:
                continue  # the same points
            rows = [(size, *_interval(points, size)) for size in np.unique(points.n.values)]
            sizes, middle_, low, high = np.array(rows).T
            known = np.isfinite(middle_)
            shifted = sizes * SHIFTS[place % 3]
            axes.plot(shifted[known], middle_[known], color=colour, linestyle=line, linewidth=0.9)
            look = {"color": colour, "markerfacecolor": face, "elinewidth": 0.8, "fmt": MARKERS[REPLICATED]}
            ends = np.where(np.isfinite(high), high, middle_)
            bars = [(middle_ - low)[known], (ends - middle_)[known]]
            axes.errorbar(shifted[known], middle_[known], bars, **look)
            rest = ~known & np.isfinite(low) & (low > 0)
            axes.plot(shifted[rest], low[rest], "^", color=colour, markerfacecolor=face)
            highest = max(highest, *ends[known], *low[rest], 1.0)
    handles = [
        Line2D([], [], color="0.25", linestyle="-", marker="s", label=f"{_part(dataset)} of capacity"),
        Line2D(
            [], [], color="0.25", linestyle=(0, (3, 1.5)), marker="s", markerfacecolor="white",
            label=rf"$\alpha={EQUAL_LOAD:g}$",
        ),
    ]  # fmt: skip
    axes.legend(handles=handles, loc="upper left", labelspacing=0.25, fontsize=7.5)
    axes.set(xscale="log", yscale="log", ylabel="SA / rSA, medians", ylim=(None, highest * 5))
    style.plain_log_labels(axes.yaxis, "125")
    _sizes([axes])


def _part(dataset: xr.Dataset) -> str:
    return f"{share(scaled(dataset, precisions(dataset)[0]))[0]:g}"


def _interval(points: xr.Dataset, size: float) -> tuple[float, float, float]:
    """Advantage with its 95% bootstrap interval (nan: not run or too few runs)."""
    try:
        found = advantage(points, int(size))
    except ValueError:
        return (np.nan,) * 3
    if found.count < MINIMUM_RESAMPLED:
        return found.estimate, found.estimate, found.estimate
    lower, upper = found.draw(RESAMPLES, np.random.SeedSequence(BOOTSTRAP_SEED))
    return found.estimate, *percentile_bounds(lower, upper, 0.95)


def _wrong(axes: Axes, dataset: xr.Dataset, colours: dict, n: int) -> None:
    """Wrong share of disturbed solutions against the distance, means with 95% t intervals."""
    for bits, colour in colours.items():
        points = scaled(dataset, bits)
        for kind, replicas, face in ((PLAIN, 1, "white"), (REPLICATED, coupled(points), colour)):
            rows = np.array([wrong_shares(points, replicas, n, float(d)) for d in points.distance.values])
            rows = rows[:, np.isfinite(rows).all(axis=0)]
            if rows.shape[1] < 2:
                continue
            found = mean_interval(rows.T)
            bars = [found.estimate - found.lower, found.upper - found.estimate]
            look = {"color": colour, "markerfacecolor": face, "elinewidth": 0.8, "linewidth": 0.9}
            axes.errorbar(
                points.distance, found.estimate, bars, marker=MARKERS[kind], linestyle=LINES[kind], **look
            )
    handles = [
        Line2D([], [], color="0.25", marker=MARKERS[kind], linestyle=LINES[kind], markerfacecolor=face, label=name)
        for kind, face, name in ((PLAIN, "white", "SA"), (REPLICATED, "0.25", "rSA"))
    ]  # fmt: skip
    axes.legend(handles=handles, loc="upper left", labelspacing=0.25, fontsize=7.5)
    axes.set(xscale="log", xlabel="distance $d$", ylabel="share of wrong patterns", ylim=(0, None))
    axes.set_ylim(0, axes.get_ylim()[1] * 1.25)
    _distances(axes, dataset)


def _ratios(axes: Axes, dataset: xr.Dataset, colours: dict, n: int) -> None:
    """Ratio of the wrong shares, SA over rSA, geometric means of pairs with 95% t intervals."""
    axes.axhline(1.0, color="black", linewidth=0.8)
    for place, (bits, colour) in enumerate(colours.items()):
        points = scaled(dataset, bits)
        rows = []
        for distance in points.distance.values:
            logs = np.log(flatness(points, n, float(distance)))
            if logs.size > 1:
                found = mean_interval(logs)
                middle_ = np.exp(found.estimate)
                shifted = distance * (1 + 0.06 * (place - (len(colours) - 1) / 2))
                rows.append((shifted, middle_, middle_ - np.exp(found.lower), np.exp(found.upper) - middle_))
        if rows:
            at, middles, below, above = np.array(rows).T
            axes.errorbar(
                at, middles, [below, above], fmt=f"{MARKERS[REPLICATED]}-", color=colour, linewidth=0.9,
                elinewidth=0.8, label=named(bits),
            )  # fmt: skip
    axes.set(xscale="log", xlabel="distance $d$", ylabel="wrong share, SA / rSA")
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.35 * (high - low))
    axes.legend(loc="upper right", labelspacing=0.25, fontsize=7.5)
    axes.set_title(f"$N={n}$", loc="right")
    _distances(axes, dataset)


def _distances(axes: Axes, dataset: xr.Dataset) -> None:
    """Distances as ticks."""
    places = dataset.distance.values
    axes.set_xticks(places, [f"{place:g}" for place in places])
    axes.xaxis.set_minor_locator(NullLocator())


def caption(dataset: xr.Dataset) -> str:
    """Return what a reader must know to understand the figure alone."""
    points = scaled(dataset, precisions(dataset)[0])
    ordered, several = ramps(points), coupled(points)
    warm = f" or to {ordered[1]:g} (half beta)" if len(ordered) > 1 else ""
    last = float(points.last_beta.values[points.replicas.values == several][0])
    capacities = ", ".join(
        f"{float(scaled(dataset, bits).capacity.mean()):.4g} with {named(bits)}"
        for bits in precisions(dataset)
    )
    loads = ", ".join(f"{float(scaled(dataset, bits).alpha[0]):g}" for bits in precisions(dataset))
    disturbances = int(dataset.disturbances.max())
    n = flat_size(dataset)
    return style.paragraph(
        f"""**R9, precision bits.** Perceptrons whose weights have p bits, the 2^p odd levels up to T = 2^p - 1, random
        labels, {points.energy[0].values!s} energy: simulated annealing (SA) and replicated annealing (rSA, y =
        {several}, traced centre) until a replica has no error. A proposal moves one weight by one level (p = 1: a
        flip). Beta rises tenfold, in units of 2 / sqrt(N) to {ordered[0]:g}{warm} for SA and to {last:g} for rSA;
        gamma, of the distance in units of T, from 0 to 3 T^2, so that a move by one level costs the same at any p.
        Attempts double from {int(dataset.sweeps[0])} sweeps until one succeeds and all are counted. (a to c)
        Proposals, summed over replicas, at loads alpha = {loads}, {_part(dataset)} of the replica symmetric
        capacity ({capacities}). Small dots: runs, one an instance, shared by the algorithms; small triangles: runs
        censored after the last attempt that ends below {float(dataset.max_proposals.max()):.1e} proposals. Large
        markers: Kaplan-Meier medians with 95% bootstrap intervals; open ones have no upper end, triangles are lower
        bounds. Lines: power laws fitted by maximum likelihood, what a solution takes lying between the attempts
        that failed and those that sufficed, censored runs included (their medians lie below those of the costs,
        which are the upper ends). (d) Median of SA, with the better ramp at each N, over that of rSA, with 95%
        intervals of the paired bootstrap, at those loads and at alpha = {EQUAL_LOAD:g} for all; colours as in (a to
        c) and (f). Triangles: lower bounds where no median of SA was reached. (e) Share of wrong patterns at N =
        {n} after random moves of solutions of SA (ramp to {ordered[0]:g}) and rSA: different weights, uniformly
        drawn, moved by one level, up or down with probability 1/2, inwards at the ends, {disturbances} times an
        instance; d = sum (dW)^2 / (4 T^2 N), for p = 1 Hamming / N; means with 95% t intervals over instances. (f)
        Ratio of these shares on the same instance, geometric means with 95% t intervals. {style.provenance(dataset)}"""
    )
