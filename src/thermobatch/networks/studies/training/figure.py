"""R3: training errors and epochs to a solution of SGD and replicated SGD, their course, and their tuning."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from thermobatch.networks.studies.training.claims import (
    SETTINGS,
    epochs_to_solution,
    loads,
    plain,
    reference_point,
    replicated,
    smallest_errors,
    solved,
)
from thermobatch.statistics.intervals import mean_interval
from thermobatch.study import style

SHOWN_RUNS = 3
WORDS = {
    "replicas": "$y={}$",
    "batch": "batch {}",
    "centre": "{} centre",
    "attraction": r"$\lambda={}$",
    "coupling": r"$\gamma_0={}$",
    "coupling_step": r"$\Delta\gamma={}$",
    "learning_rate": r"$\eta={}$",
    "batch_rule": "{} batches",
}


def draw(dataset: xr.Dataset) -> Figure:
    """Return the figure: errors and epochs against the load, their course, and changed settings.

    Parameters
    ----------
    dataset
        Of the experiment `committee_training`.
    """
    y = replicated(dataset)
    colours = dict(zip((1, y), style.hues(3), strict=False))
    with style.style():
        figure = Figure(figsize=(style.DOUBLE_COLUMN, 4.9))
        grid = figure.add_gridspec(2, 3, width_ratios=(1.05, 1.0, 0.95))
        errors, epochs, course, distance = (
            figure.add_subplot(grid[row, column]) for column in (0, 1) for row in (0, 1)
        )
        tuning = figure.add_subplot(grid[:, 2])
        epochs.sharex(errors)
        distance.sharex(course)
        keys = []
        for replicas, colour in colours.items():
            for batch, look in _looks(dataset, replicas).items():
                drawn = look | {"color": colour}
                _errors(errors, dataset, replicas, batch, drawn)
                _epochs(epochs, dataset, replicas, batch, drawn)
                keys.append(Line2D([], [], label=f"{name(replicas)}, batch {batch}", **drawn))
        errors.set(ylabel="smallest training error (%)", ylim=(-0.4, None))
        errors.legend(handles=keys, loc="upper left", fontsize=7)
        epochs.set(yscale="log", xlabel=r"load $\alpha$", ylabel=r"$y\,\times$ epochs to a solution")
        style.plain_log_labels(epochs.yaxis, "125")
        _course(course, distance, dataset, colours)
        _tuning(tuning, dataset, colours[y])
        style.panel_letters([errors, epochs, course, distance, tuning], "abcde")
    return figure


def name(replicas: int) -> str:
    """Return the short name of an algorithm."""
    return "SGD" if replicas == 1 else f"rSGD $y={replicas}$"


def batches(dataset: xr.Dataset, replicas: int) -> list[int]:
    """Return the batches of the reference setting at which several loads were scanned, largest first."""
    chosen = plain(dataset)
    found = np.unique(chosen.batch.values[chosen.replicas.values == replicas])
    return [int(batch) for batch in found[::-1] if len(loads(dataset, replicas, batch)) > 1]


def _looks(dataset: xr.Dataset, replicas: int) -> dict[int, dict]:
    """Markers by batch: filled for the largest, open and dashed for others."""
    looks = {}
    for place, batch in enumerate(batches(dataset, replicas)):
        marker = "o" if replicas == 1 else "s"
        looks[batch] = {"marker": marker, "markersize": 3.8, "linestyle": "-"}
        if place:
            looks[batch] |= {"markerfacecolor": "white", "linestyle": (0, (4, 1.5))}
    return looks


def _errors(axes: Axes, dataset: xr.Dataset, replicas: int, batch: int, look: dict) -> None:
    """Mean smallest errors in per cent with t intervals over instances."""
    alphas = loads(dataset, replicas, batch)
    values = [100 * smallest_errors(dataset, reference_point(dataset, a, batch, replicas)) for a in alphas]
    middle = np.array([each.mean() for each in values])
    found = [mean_interval(each) if len(each) > 1 else None for each in values]
    bars = [
        [m - max(f.lower, 0.0) if f else 0.0 for m, f in zip(middle, found, strict=True)],
        [f.upper - m if f else 0.0 for m, f in zip(middle, found, strict=True)],
    ]
    axes.errorbar(alphas, middle, bars, elinewidth=0.8, **look)


def _epochs(axes: Axes, dataset: xr.Dataset, replicas: int, batch: int, look: dict) -> None:
    """Medians where at least half of the runs were solved, all runs as dots; else a triangle, and who was solved."""
    alphas = loads(dataset, replicas, batch)
    known = []
    for alpha in alphas:
        point = reference_point(dataset, alpha, batch, replicas)
        spent, done = epochs_to_solution(dataset, point)
        spent = replicas * spent
        dots = {"color": look["color"], "alpha": 0.4, "markersize": 2.5, "linestyle": "none"}
        axes.plot(np.full(done.sum(), alpha), spent[done], ".", zorder=1, **dots)
        if 2 * done.sum() >= len(done):
            known.append((alpha, float(np.median(np.where(done, spent, np.inf)))))
        if not done.all():
            shift = 0.004 if replicas == 1 else -0.004
            cap = spent[~done].max() * (1.0 if "markerfacecolor" not in look else 1.35)
            face = look.get("markerfacecolor", look["color"])
            axes.plot(alpha + shift, cap, "^", color=look["color"], markerfacecolor=face, markersize=4)
    known = [(alpha, height) for alpha, height in known if np.isfinite(height)]
    if known:
        axes.plot(*np.transpose(known), **look)


def _course(above: Axes, below: Axes, dataset: xr.Dataset, colours: dict) -> None:
    """Errors and distances of a few runs of both algorithms at one load, from the beginning to the solution."""
    y = replicated(dataset)
    alpha, batch = tuning_load(dataset), batches(dataset, y)[0]
    for replicas, colour in colours.items():
        if batch not in batches(dataset, replicas) or alpha not in loads(dataset, replicas, batch):
            continue
        chosen = dataset.sel(point=reference_point(dataset, alpha, batch, replicas))
        for seed in chosen.seed.values[:SHOWN_RUNS]:
            run = chosen.sel(seed=seed).dropna("time", subset=["error"])
            run = run.sel(time=run.time > 0)
            above.plot(run.time, 100 * run.error, color=colour, linewidth=0.9)
            if replicas > 1:
                above.plot(
                    run.time, 100 * run.centre_error, color="0.55", linewidth=0.8, linestyle=(0, (1, 1))
                )
                below.plot(run.time, run.distance, color=colour, linewidth=0.9)
            end = float(run.epochs_run)
            if run.solved > 0:
                above.axvline(end, color=colour, linewidth=0.5, linestyle=":")
                below.axvline(end, color=colour, linewidth=0.5, linestyle=":")
    above.set(xscale="log", ylabel="training error (%)", ylim=(0, None))
    below.set(xlabel="epochs", ylabel="distance to the centre", ylim=(0, None))
    above.set_title(rf"$\alpha={alpha:g}$, batch {batch}", loc="right")
    keys = [
        Line2D([], [], color=colours[1], label="SGD"),
        Line2D([], [], color=colours[y], label="rSGD, replicas"),
        Line2D([], [], color="0.55", linestyle=(0, (1, 1)), label="rSGD, centre"),
    ]
    above.legend(handles=keys, loc="upper right", fontsize=7)


def tuning_load(dataset: xr.Dataset) -> float:
    """Return the load at which most settings of replicated SGD were tried."""
    several = dataset.alpha.values[dataset.replicas.values > 1]
    values, counts = np.unique(several, return_counts=True)
    return float(values[np.argmax(counts)])


def changed_settings(dataset: xr.Dataset) -> list[tuple[str, str]]:
    """Return (label, point) of the reference setting and of each single change of it, at one load."""
    y, alpha = replicated(dataset), tuning_load(dataset)
    reference = reference_point(dataset, alpha, batches(dataset, y)[0], y)
    here = dataset.sel(point=(dataset.replicas > 1) & np.isclose(dataset.alpha, alpha))
    base = dataset.sel(point=reference)
    found = [("reference", reference)]
    for setting in SETTINGS:
        rows = []
        for point in here.point.values:
            chosen = here.sel(point=point)
            other = [s for s in SETTINGS if str(chosen[s].values) != str(base[s].values)]
            if other == [setting]:
                rows.append((chosen[setting].values.item(), str(point)))
        rows.sort(key=lambda row: str(row[0]) if isinstance(row[0], str) else row[0])
        found += [(_word(setting, value), point) for value, point in rows]
    return found


def _word(setting: str, value) -> str:
    if setting == "same_start":
        return "equal starts" if value else "different starts"
    if setting == "ties":
        return "$J=-1$ at $H=0$" if value == "minus" else "$J$ kept at $H=0$"
    return WORDS[setting].format(value if isinstance(value, str) else f"{value:g}")


def _tuning(axes: Axes, dataset: xr.Dataset, colour) -> None:
    """Epochs to a solution under changed settings, run by run; unsolved runs are triangles at the cap."""
    rows = changed_settings(dataset)
    cap = float(dataset.epochs.sel(point=[point for _, point in rows]).max())
    for place, (_, point) in enumerate(rows):
        spent, done = epochs_to_solution(dataset, point)
        height = place + 0.32 * np.linspace(-1, 1, len(spent)) if len(spent) > 1 else np.array([place])
        axes.plot(spent[done], height[done], ".", color=colour, markersize=3.5)
        axes.plot(spent[~done], height[~done], ">", color="0.55", markerfacecolor="white", markersize=2.8)
        share = {"transform": axes.get_yaxis_transform(), "va": "center", "ha": "right", "fontsize": 7}
        axes.text(0.99, place, f"{done.sum()}/{len(done)}", **share)
        if place % 2:
            axes.axhspan(place - 0.5, place + 0.5, color="0.95", zorder=0, linewidth=0)
    axes.axhline(0.5, color="black", linewidth=0.6)
    axes.set(xscale="log", xlabel="epochs to a solution", ylim=(len(rows) - 0.5, -0.5))
    axes.set_xlim(None, cap * 2.2)
    style.plain_log_labels(axes.xaxis, "125")
    axes.set_yticks(range(len(rows)), [label for label, _ in rows], fontsize=7.5)
    axes.yaxis.set_minor_locator(NullLocator())
    axes.tick_params(axis="y", length=0)
    axes.set_title(rf"rSGD, $\alpha={tuning_load(dataset):g}$: solved", loc="right")


def caption(dataset: xr.Dataset) -> str:
    """Return what a reader must know to understand the figure alone."""
    y, alpha = replicated(dataset), tuning_load(dataset)
    batch = batches(dataset, y)[0]
    base = dataset.sel(point=reference_point(dataset, alpha, batch, y))
    longest = {r: dataset.epochs.values[dataset.replicas.values == r].max(initial=0) for r in (1, y)}
    counts = {
        r: solved(dataset, reference_point(dataset, alpha, batch, r))
        for r in (1, y)
        if alpha in loads(dataset, r, batch)
    }
    shares = ", ".join(
        f"{name(r).replace('$', '')} {int(done.sum())} of {len(done)}" for r, done in counts.items()
    )
    return style.paragraph(
        f"""**R3, replicated stochastic gradient descent.** Committee machine of K = {int(base.hidden)} units on N =
        {int(base.n)} inputs, M = alpha N K random patterns: SGD and replicated SGD (rSGD, y = {y}, traced centre,
        gamma = {float(base.coupling):g} + {float(base.coupling_step):g} per epoch) until a replica or the centre has
        no error, at most {longest[y]} epochs per replica for rSGD and {longest[1]} for SGD, so that both visit as many
        patterns. (a) Smallest training error of a run; means with 95% t intervals over instances (shared by all
        curves). (b) Epochs to a solution times y: dots are solved runs, lines medians where half of the runs or more
        were solved, triangles loads with unsolved runs. Solved at alpha = {alpha:g}, batch {batch}: {shares}.
        (c) Training errors in {SHOWN_RUNS} runs of each algorithm (means over replicas; grey: centre), (d) mean
        Hamming distance of the replicas to the centre / KN; dotted verticals: solution. (e) rSGD at alpha = {alpha:g}
        with one setting changed at a time (reference: batch {batch}, lambda = 0.75, simple centre, each replica its
        own permutation of the patterns, weights -1 where their accumulator is 0): epochs of solved runs, open triangles
        for unsolved runs, shares of solved runs. {style.provenance(dataset)}"""
    )
