"""R4: focusing belief propagation on the committee machine: success, iterations, and how the hidden units part."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from thermobatch.networks.studies.messages.claims import relative_overlap, successes, usual
from thermobatch.statistics.intervals import wilson_interval
from thermobatch.study import style

NAMES = {"reinforcement": "reinforcement", "pseudo": "pseudo-reinf.", "scoping": "scoping"}


def draw(dataset: xr.Dataset) -> Figure:
    """Return the figure: success and iterations against the load above, overlaps of the hidden units below.

    Parameters
    ----------
    dataset
        Of the experiment `message_search`.
    """
    kinds = protocols(dataset)
    with style.style():
        figure = Figure(figsize=(style.DOUBLE_COLUMN, 5.0))
        upper, lower = figure.subfigures(2, 1, height_ratios=(1.1, 1))
        success, iterations = upper.subplots(1, 2)
        breaking, first, last = lower.subplots(1, 3, width_ratios=(1.75, 1, 1))
        _success(success, dataset, kinds)
        _iterations(iterations, dataset, kinds)
        chosen = example(dataset)
        _breaking(breaking, dataset, kinds, float(dataset.alpha.sel(point=chosen[0])))
        image = _matrices((first, last), dataset.sel(point=chosen[0], seed=chosen[1]))
        bar = lower.colorbar(image, ax=[first, last], shrink=0.75, aspect=16, pad=0.03)
        bar.set_label(r"$q_{kl}$", rotation=0, labelpad=8)
        bar.ax.minorticks_off()
        style.panel_letters([success, iterations, breaking, first, last])
    return figure


def protocols(dataset: xr.Dataset) -> list[tuple[str, list[str]]]:
    """Return each protocol's label with its points in the order of the load.

    Parameters
    ----------
    dataset
        Of the experiment `message_search`.
    """
    kinds: dict[str, list[str]] = {}
    known = usual(dataset)
    for point in dataset.point.values[np.argsort(dataset.alpha.values, kind="stable")]:
        chosen = dataset.sel(point=point)
        label = f"{NAMES[str(chosen.protocol.values)]} {float(chosen.increment):g}"
        if np.isfinite(chosen.replicas):
            label += f", $y={float(chosen.replicas):g}$"
        if not known.sel(point=point):
            label += (
                rf", $N={int(chosen.n)}$, $\pm{float(chosen.spread):g}$, damping {float(chosen.damping):g}"
            )
        kinds.setdefault(label, []).append(str(point))
    return sorted(kinds.items())


def example(dataset: xr.Dataset) -> tuple[str, int]:
    """Return the solved run whose matrices are shown: of the slowest reinforcement, the load nearest to 0.5."""
    slow = dataset.increment.where(dataset.protocol == "reinforcement")
    points = dataset.point.values[(slow == slow.min()).values]
    nearest = min(points, key=lambda point: abs(float(dataset.alpha.sel(point=point)) - 0.5))
    solved = dataset.solved.sel(point=nearest)
    return str(nearest), int(dataset.seed.values[int(np.argmax(solved.values == 1))])


def _shifted(dataset: xr.Dataset, points: list[str], place: int, count: int) -> np.ndarray:
    """Loads of some points, moved a little apart so that protocols do not hide each other."""
    return dataset.alpha.sel(point=points).values + 0.005 * (place - (count - 1) / 2)


def _success(axes: Axes, dataset: xr.Dataset, kinds: list) -> None:
    """Share of solved instances with Wilson's 95% interval."""
    colours = style.hues(len(kinds))
    for place, ((label, points), colour, marker) in enumerate(
        zip(kinds, colours, style.MARKERS, strict=False)
    ):
        counts = np.array([successes(dataset, point) for point in points])
        found = wilson_interval(counts[:, 0], counts[:, 1])
        bars = np.stack([found.estimate - found.lower, found.upper - found.estimate])
        look = {
            "color": colour,
            "markerfacecolor": "white",
            "elinewidth": 0.7,
            "linewidth": 0.8,
            "label": label,
        }
        loads = _shifted(dataset, points, place, len(kinds))
        axes.errorbar(loads, found.estimate, bars, fmt=f"{marker}-", clip_on=False, **look)
    axes.set(xlabel=r"load $\alpha$ (patterns per weight)", ylabel="fraction solved", ylim=(-0.02, 1.02))
    _loads(axes, dataset)
    axes.legend(loc="lower left", labelspacing=0.3)


def _iterations(axes: Axes, dataset: xr.Dataset, kinds: list) -> None:
    """Iterations of every run: open markers solved, crosses given up; lines through the medians of solved runs."""
    colours = style.hues(len(kinds))
    for place, ((_, points), colour, marker) in enumerate(zip(kinds, colours, style.MARKERS, strict=False)):
        loads, medians = _shifted(dataset, points, place, len(kinds)), []
        for load, point in zip(loads, points, strict=True):
            chosen = dataset.sel(point=point).dropna("seed", subset=["solved"])
            made, solved = chosen.iterations_made.values, chosen.solved.values == 1
            medians.append(np.median(made[solved]) if solved.any() else np.nan)
            axes.plot(
                np.full(solved.sum(), load), made[solved], marker, color=colour, markersize=2.6, alpha=0.45
            )
            axes.plot(np.full((~solved).sum(), load), made[~solved], "x", color=colour, markersize=4)
        axes.plot(loads, medians, f"{marker}-", color=colour, markerfacecolor="white", linewidth=0.8)
    axes.set(xlabel=r"load $\alpha$ (patterns per weight)", ylabel="iterations", yscale="log")
    style.plain_log_labels(axes.yaxis)
    _loads(axes, dataset)
    keys = [
        Line2D(
            [], [], color="0.3", marker="o", markerfacecolor="white", linewidth=0.8, label="median, solved"
        ),
        Line2D([], [], color="0.3", marker="x", linestyle="none", label="not solved"),
    ]
    axes.legend(handles=keys, loc="best", labelspacing=0.3)


def _loads(axes: Axes, dataset: xr.Dataset) -> None:
    """Limits of the axis of loads."""
    loads = np.unique(dataset.alpha.values)
    room = 0.05 * max(0.6, np.ptp(loads))
    axes.set_xlim(loads[0] - room, loads[-1] + room)
    if loads.size == 1:
        axes.set_xticks(loads)
        axes.tick_params(axis="x", which="minor", length=0)


def _breaking(axes: Axes, dataset: xr.Dataset, kinds: list, alpha: float) -> None:
    """Relative overlap of two units against the overlap of a unit with itself, a line for every run."""
    relative = relative_overlap(dataset)
    for (_, points), colour, marker in zip(kinds, style.hues(len(kinds)), style.MARKERS, strict=False):
        for point in (p for p in points if np.isclose(float(dataset.alpha.sel(point=p)), alpha)):
            for seed in dataset.seed.values:
                run = {"point": point, "seed": seed}
                own, other = dataset.own_overlap.sel(run).values, relative.sel(run).values
                axes.plot(own, other, color=colour, linewidth=0.5, alpha=0.5)
                known = np.flatnonzero(np.isfinite(own))
                if known.size:
                    last = known[-1]
                    axes.plot(own[last], other[last], marker, color=colour, markerfacecolor="white", zorder=3)
    axes.axhline(0, color="0.6", linewidth=0.6, zorder=0)
    axes.set(xlabel=r"self-overlap $q_{kk}$", ylabel=r"relative overlap $q_{kl}/q_{kk}$", xlim=(0, 1.02))
    axes.set_title(rf"$\alpha={alpha:g}$", loc="right")


def _matrices(panels: tuple[Axes, Axes], run: xr.Dataset):
    """The overlaps of the hidden units of one run after the first step and the last."""
    for axes, moment, title in zip(panels, ("first", "last"), ("first step", "solved"), strict=True):
        values = run.unit_overlap.sel(moment=moment).transpose("unit", "other_unit").values
        image = axes.imshow(values, cmap="cividis", vmin=min(0.0, values.min()), vmax=1, origin="lower")
        for (row, column), value in np.ndenumerate(values):
            ink = "white" if value < 0.5 else "black"
            axes.text(column, row, _short(value), ha="center", va="center", fontsize=6, color=ink)
        units = np.arange(len(values))
        axes.set_xticks(units, units + 1)
        axes.set_yticks(units, units + 1)
        axes.minorticks_off()
        axes.tick_params(length=0)
        axes.set_title(title, loc="right")
        axes.set_xlabel("hidden unit $k$")
    panels[0].set_ylabel("hidden unit $l$")
    return image


def _short(value: float) -> str:
    """Two digits without the leading zero."""
    return f"{value:.2f}".replace("0.", ".").replace("-.00", ".00")


def caption(dataset: xr.Dataset) -> str:
    """Return what a reader must know to understand the figure alone."""
    point, seed = example(dataset)
    alpha = float(dataset.alpha.sel(point=point))
    return style.paragraph(
        f"""**R4, message passing on the committee machine.** Focusing belief propagation on fully connected
        committees of K = {int(dataset.hidden[0])} hidden units with N = {int(dataset.n[0])} inputs each and M =
        alpha N K random patterns. Protocols: reinforcement (gamma infinite, y = 1/(1-x), x rising by the number
        given at every iteration), pseudo-reinforcement (rho rising by it; exponent 1/2) and scoping (gamma rising by
        it at fixed y), the latter two with at most {int(np.max(dataset.iterations))} iterations a step. A run ends
        when the signs of the fields make no error, or with the protocol. All protocols run on the same
        {dataset.sizes["seed"]} instances
        at each load. (a) Fraction solved, 95% Wilson intervals (loads shifted for legibility). (b) Iterations of every
        run, and medians over the solved ones; crosses: protocol ended unsolved. (c) Breaking of the symmetry between
        hidden units at alpha = {alpha:g}: overlap of the magnetisations of two units (mean over pairs) over that of a
        unit with itself, against the latter, which grows along the protocol; a line for every run, a marker at its
        end. (d, e) Overlaps of the units of one run ({point.replace(",", ", ")}, seed {seed}) after the first step and
        at the end. {style.provenance(dataset)}"""
    )
