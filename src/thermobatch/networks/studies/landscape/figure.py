"""R1: energy and solutions around flat and isolated solutions of enumerated perceptrons, and what replicas sample."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from thermobatch.statistics.intervals import Interval, mean_interval
from thermobatch.study import style

LINES = {"flat": "-", "typical": (0, (1, 1.2)), "isolated": (0, (4, 1.5))}
NAMES = {"flat": "flattest", "typical": "median", "isolated": "most isolated"}


def draw(dataset: xr.Dataset) -> Figure:
    """Return the figure: profiles around three solutions, and the solutions that coupled replicas sample.

    Parameters
    ----------
    dataset
        Of the experiment `perceptron_landscape`; its first point is drawn.
    """
    chosen = dataset.isel(point=0)
    with style.style():
        figure = Figure(figsize=(style.DOUBLE_COLUMN, 4.6))
        (errors, solutions), (shares, entropies) = figure.subplots(2, 2)
        _profiles(errors, solutions, chosen)
        _sampled(shares, entropies, chosen)
        style.panel_letters([errors, solutions, shares, entropies])
    return figure


def over_instances(values: np.ndarray) -> Interval:
    """Return means and t intervals over the instances (axis 0) that have solutions; one instance has no interval.

    Parameters
    ----------
    values
        float[instances, points], NaN for instances without solutions.
    """
    known = values[np.isfinite(values).all(axis=1)]
    if len(known) > 1:
        return mean_interval(known)
    return Interval(*(np.nanmean(values, axis=0),) * 3, 0.95)


def _profiles(errors: Axes, solutions: Axes, chosen: xr.Dataset) -> None:
    """Mean errors and numbers of solutions by distance from three solutions of every instance."""
    colours = dict(zip(LINES, style.hues(4), strict=False))
    inner = chosen.distance.values <= 0.5
    distance = chosen.distance.values[inner]
    radius = float(chosen.radius / chosen.n)
    for kind, line in LINES.items():
        here = chosen.sel(surrounding=kind).transpose("seed", ...)
        wrong = over_instances(100 * here.profile_error.values)
        logs = over_instances(np.log1p(here.profile_solutions.values))
        drawn = {"color": colours[kind], "linestyle": line, "label": NAMES[kind]}
        band = {"color": colours[kind], "alpha": 0.2, "linewidth": 0}
        errors.plot(distance, wrong.estimate[inner], **drawn)
        errors.fill_between(distance, np.maximum(wrong.lower, 0)[inner], wrong.upper[inner], **band)
        solutions.plot(distance, np.expm1(logs.estimate[inner]), **drawn)
        low = np.expm1(np.maximum(logs.lower, 0))[inner]
        solutions.fill_between(distance, low, np.expm1(logs.upper)[inner], **band)
    for axes in (errors, solutions):
        axes.axvline(radius, color="0.5", linewidth=0.7, linestyle=":")
        axes.set(xlabel="distance $d$ from the solution", xlim=(0, 0.5))
    errors.set(ylabel="wrong patterns (%)", ylim=(0, None))
    solutions.set(yscale="symlog", ylabel="solutions at distance $d$", ylim=(0, None))
    solutions.legend(loc="lower right")
    style.direct_label(errors, radius, errors.get_ylim()[1] * 0.94, "radius", "0.4")


def _sampled(shares: Axes, gains: Axes, chosen: xr.Dataset) -> None:
    """Law of the local entropy of sampled solutions at one coupling, and what its mean gains over one system."""
    counts = chosen.replica_count.values
    colours = style.hues(max(3, len(counts)))
    gamma = strongest_coupling(chosen)
    single = chosen.local_entropy.sel(replica_count=counts[0])
    ends = []
    for colour, y in zip(colours, counts, strict=False):
        here = chosen.sel(replica_count=y).transpose("seed", ...)
        law = over_instances(here.share.sel(gamma=gamma).values)
        shares.step(here.bin, law.estimate, where="mid", color=colour, label=f"$y={y}$")
        band = {"color": colour, "linewidth": 0}
        shares.fill_between(here.bin, np.maximum(law.lower, 0), law.upper, step="mid", alpha=0.1, **band)
        gain = over_instances((here.local_entropy - single).transpose("seed", ...).values)
        gains.plot(here.gamma, gain.estimate, color=colour)
        gains.fill_between(here.gamma, gain.lower, gain.upper, alpha=0.2, **band)
        ends.append((float(here.gamma[-1]), float(gain.estimate[-1]), f"$y={y}$", colour))
    gains.axvline(gamma, color="0.5", linewidth=0.7, linestyle=":")
    occupied = (chosen.share.max(("seed", "replica_count", "gamma")) > 0).values
    shares.set(xlabel=r"local entropy $\log(n_r)/N$", ylabel="share of sampled solutions", ylim=(0, None))
    shares.set_xlim(0, float(chosen.bin[occupied].max()) * 1.1)
    shares.set_title(rf"$\gamma={gamma:g}$", loc="right")
    shares.legend(loc="upper left")
    last = float(chosen.gamma[-1])
    gains.set(xlabel=r"coupling $\gamma$", xlim=(0, 1.12 * last))
    gains.set_ylabel(f"gain of local entropy over $y={counts[0]}$")
    gains.set_ylim(-0.08 * gains.get_ylim()[1], None)
    style.end_labels(gains, ends[1:])  # the first is the zero line, named by the axis


def strongest_coupling(chosen: xr.Dataset) -> float:
    """Return the coupling at which the most replicas differ most from a single system, on average.

    Parameters
    ----------
    chosen
        One point of the dataset.
    """
    entropy = chosen.local_entropy
    most, single = entropy.isel(replica_count=-1), entropy.isel(replica_count=0)
    return float(chosen.gamma[int((most - single).mean("seed").argmax("gamma"))])


def caption(dataset: xr.Dataset) -> str:
    """Return what a reader must know to understand the figure alone."""
    chosen = dataset.isel(point=0)
    counts = chosen.solutions.values[np.isfinite(chosen.solutions.values)]
    patterns = round(float(chosen.alpha) * int(chosen.n))
    return style.paragraph(
        f"""**R1, flat and isolated minima.** Binary perceptron of N = {int(chosen.n)} weights and {patterns} random
        patterns (alpha = {float(chosen.alpha):g}); all 2^N configurations of {len(counts)} instances enumerated
        ({int(counts.min())} to {int(counts.max())} solutions). n_r is the number of solutions within
        {int(chosen.radius)} flips of a solution, itself included; the flattest solution has the largest n_r, the most
        isolated one the smallest. (a) Mean share of wrong patterns of all configurations at Hamming distance d (in
        units of N), (b) number of solutions at distance d; dotted vertical: the radius. (c) Law of the local entropy
        of a solution sampled by one of y replicas that are coupled to a common centre, at zero temperature and at the
        coupling where replicas matter most; y = 1 samples all solutions alike. (d) Its mean minus that of y = 1,
        against the coupling. Lines are means over instances (b: of log(1 + number)), bands 95% t intervals over
        instances; within an instance all numbers are exact. The steps between even and odd d are real: stabilities
        are odd.
        {style.provenance(dataset)}"""
    )
