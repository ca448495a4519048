"""R5: entropies of the binary perceptron against distance and coupling, theory and focusing belief propagation."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from thermobatch.networks.studies.entropies.claims import PRECISE, scaled_entropy, theory_curve
from thermobatch.statistics.intervals import mean_interval
from thermobatch.study import style

TYPICAL = {"color": "black", "linestyle": (0, (4, 1.5)), "linewidth": 1.0}
DENSEST = {"color": "black", "linewidth": 1.3}
SHOWN = (0.0022, 0.5)


def draw(entropies: xr.Dataset, focusing: xr.Dataset) -> Figure:
    """Return the figure: a column for each load, entropy against distance above, both against the coupling below.

    Parameters
    ----------
    entropies
        Of the experiment `perceptron_entropies`.
    focusing
        Of the experiment `focusing_entropies`.
    """
    loads = np.unique(focusing.alpha.values)
    looks = _looks(entropies, focusing)
    with style.style():
        figure = Figure(figsize=(style.DOUBLE_COLUMN if len(loads) > 1 else 4.6, 7.0))
        panels = figure.subplots(
            4, len(loads), squeeze=False, height_ratios=(2.1, 1.2, 1.2, 0.9), sharey="row"
        )
        for alpha, (first, *others) in zip(loads, panels.T, strict=True):
            chosen = focusing.sel(point=np.isclose(focusing.alpha, alpha))
            _entropies(first, entropies, chosen, alpha, looks)
            _against_coupling(others, entropies, chosen, alpha, looks)
            first.set_title(rf"$\alpha={alpha:g}$", loc="right")
        names = (
            "local entropy $s$ (nats)",
            "distance $d/N$",
            "local entropy $s$ (nats)",
            r"$s_{\rm fBP}-s_{\rm theory}$",
        )
        for axes, name in zip(panels[:, 0], names, strict=True):
            axes.set_ylabel(name)
        panels[0, 0].legend(
            handles=_keys(looks, set(focusing.replicas.values)), loc="upper left", labelspacing=0.25
        )
        figure.align_ylabels(panels[:, 0])
        style.panel_letters(list(panels.ravel()))
    return figure


def _looks(entropies: xr.Dataset, focusing: xr.Dataset) -> dict[float, tuple]:
    """Colour and marker of every number of replicas."""
    values = np.concatenate([entropies.replicas.values, focusing.replicas.values])
    replicas = np.unique(values[np.isfinite(values)])
    return {
        float(y): look for y, *look in zip(replicas, style.hues(len(replicas)), style.MARKERS, strict=False)
    }


def _keys(looks: dict, marked: set[float]) -> list[Line2D]:
    """What lines and markers mean."""
    theory = [
        Line2D(
            [],
            [],
            color=colour,
            marker=marker if y in marked else "",
            markerfacecolor="white",
            label=f"$y={y:g}$",
        )
        for y, (colour, marker) in looks.items()
    ]
    ends = [
        Line2D([], [], **DENSEST, label=r"$y\to\infty$"),
        Line2D([], [], **TYPICAL, label="Franz-Parisi"),
    ]
    return [*ends[:1], *theory[::-1], *ends[1:]]


def _entropies(axes: Axes, entropies: xr.Dataset, focusing: xr.Dataset, alpha: float, looks: dict) -> None:
    """Local entropy against distance: theory as lines, focusing belief propagation as markers."""
    typical = theory_curve(entropies, "typical", alpha)
    axes.plot(typical.distance, typical.entropy, **TYPICAL)
    for y, curve in _robust(entropies, alpha, looks):
        axes.plot(curve.distance, curve.entropy, color=looks[y][0])
    densest = theory_curve(entropies, "densest", alpha)
    axes.plot(densest.distance, densest.entropy, **DENSEST)
    for y, found in _found(focusing, typical.total):
        colour, marker = looks[y]
        mean, low, high = found["entropy"]
        place, near, far = found["distance"]
        bars = {"xerr": [place - near, far - place], "yerr": [mean - low, high - mean]}
        axes.errorbar(
            place, mean, **bars, fmt=marker, color=colour, markerfacecolor="white", elinewidth=0.6, zorder=3
        )
    axes.axhline(0, color="0.6", linewidth=0.6, zorder=0)
    axes.set(xscale="log", xlim=SHOWN, xlabel="distance $d/N$", ylim=(-0.03, 0.43))
    axes.set_xticks([0.003, 0.01, 0.03, 0.1, 0.3])
    style.plain_log_labels(axes.xaxis, digits="")
    axes.set_xticklabels(["0.003", "0.01", "0.03", "0.1", "0.3"])


def _against_coupling(
    panels: list[Axes], entropies: xr.Dataset, focusing: xr.Dataset, alpha: float, looks: dict
) -> None:
    """Distance, local entropy and its difference from theory against gamma."""
    distance, entropy, difference = panels
    curves = dict(_robust(entropies, alpha, looks))
    densest = theory_curve(entropies, "densest", alpha)
    for y, curve in curves.items():
        order = np.argsort(curve.coupling)
        distance.plot(curve.coupling[order], curve.distance[order], color=looks[y][0])
        entropy.plot(curve.coupling[order], curve.entropy[order], color=looks[y][0])
    distance.plot(densest.coupling, densest.distance, **DENSEST)
    entropy.plot(densest.coupling, densest.entropy, **DENSEST)
    difference.axhline(0, color="black", linewidth=0.6)
    last = float(focusing.coupling.max())
    for y, found in _found(focusing, densest.total):
        colour, marker = looks[y]
        look = {"fmt": marker, "color": colour, "markerfacecolor": "white", "elinewidth": 0.6, "zorder": 3}
        for axes, name in ((distance, "distance"), (entropy, "entropy")):
            mean, low, high = found[name]
            axes.errorbar(found["coupling"], mean, [mean - low, high - mean], **look)
        if y in curves:
            shared = [np.argmin(np.abs(curves[y].coupling - g)) for g in found["coupling"]]
            same = np.isclose(curves[y].coupling[shared], found["coupling"])
            mean, low, high = (part[same] for part in found["entropy"])
            theory = curves[y].entropy[shared][same]
            difference.errorbar(found["coupling"][same], mean - theory, [mean - low, high - mean], **look)
    distance.set(yscale="log", ylim=(SHOWN[0], 0.6))
    distance.set_yticks([0.003, 0.01, 0.03, 0.1, 0.3], ["0.003", "0.01", "0.03", "0.1", "0.3"])
    distance.yaxis.set_minor_formatter("")
    entropy.set(ylim=(-0.03, 0.43))
    difference.set(xlabel=r"coupling $\gamma$")
    for axes in panels:
        axes.set_xlim(0, last * 1.04)
    for axes in panels[:2]:
        axes.tick_params(labelbottom=False)


def _robust(entropies: xr.Dataset, alpha: float, looks: dict):
    """Curves of theory at finite y."""
    for y in looks:
        try:
            curve = theory_curve(entropies, "robust", alpha, y)
        except ValueError:
            continue
        yield y, curve


def _found(focusing: xr.Dataset, theory_total: float):
    """Means over instances, with 95% t intervals, of every y: coupling, distance and scaled entropy."""
    for point in focusing.point.values:
        chosen = focusing.sel(point=point).dropna("seed", how="all", subset=["distance"])
        chosen = chosen.isel(coupling=slice(1, None))
        scaled = scaled_entropy(chosen.local_entropy, chosen.total_entropy, theory_total)
        table = {"coupling": chosen.coupling.values}
        for name, values in (("distance", chosen.distance), ("entropy", scaled)):
            values = values.transpose("seed", "coupling").values
            known = np.isfinite(values).all(axis=0)
            found = mean_interval(values[:, known])
            parts = np.full((3, values.shape[1]), np.nan)
            parts[:, known] = found.estimate, found.lower, found.upper
            table[name] = parts
        yield float(chosen.replicas), table


def caption(entropies: xr.Dataset, focusing: xr.Dataset) -> str:
    """Return what a reader must know to understand the figure alone."""
    converged = focusing.converged.transpose("point", "seed", "coupling").values
    share = np.nanmean(converged)
    return style.paragraph(
        f"""**R5, entropies of the binary perceptron.** Logarithm (per weight) of the number of solutions at Hamming
        distance d from a centre; random labels. Lines: replica theory. Dashed: around a typical solution
        (Franz-Parisi; it vanishes at d > 0, typical solutions are isolated). Coloured: y replicas coupled to a
        centre by gamma (robust ensemble), black: y to infinity, the densest regions. At small y and weak coupling
        the centre is nearly random, and the entropy below Franz-Parisi. Curves end where the saddle point disappears
        or its numerical error exceeds {PRECISE:g}. Markers: focusing belief propagation on single instances, N =
        {int(focusing.n[0])}, scoping protocol (y fixed, gamma in steps of {float(focusing.step[0]):g}, at most
        {int(focusing.iterations[0])} iterations each; {share:.0%} of the steps converged to
        {float(focusing.tolerance[0]):g}); means over {focusing.sizes["seed"]} instances with 95% t intervals, the
        entropies of each scaled by the total entropy of theory over its own. It factorises the replicas at the
        patterns, so it differs from the theory at strong coupling, the more the smaller y. Lowest panels: difference
        at the same y and gamma. {style.provenance(focusing)} Theory: {entropies.attrs["fidelity"]}"""
    )
