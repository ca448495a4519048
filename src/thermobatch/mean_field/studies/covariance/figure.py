"""D7: learning curves of the square loss with correlated inputs: theory, simulation and exact solution."""

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from thermobatch.mean_field.studies.learning.figure import case, method_keys
from thermobatch.mean_field.studies.points import correlated, identity_twin, seeds_of
from thermobatch.study import style

QUANTITIES = {
    "magnetization": "overlap $m$",
    "self_overlap": "self-overlap $C(t,t)$",
    "training_loss": r"training loss $\ell$",
}


def draw(dataset: xr.Dataset) -> Figure:
    """Return the figure: overlap, self-overlap and training loss for each covariance, residuals below.

    Parameters
    ----------
    dataset
        Of the experiment `mean_field_learning`.
    """
    chosen = correlated(dataset)
    count = chosen.sizes["point"]
    width = style.DOUBLE_COLUMN if count > 1 else style.SINGLE_COLUMN + 0.4
    with style.style():
        figure = Figure(figsize=(width, 3.3 if count > 1 else 3.9))
        figure.get_layout_engine().set(hspace=0.0, wspace=0.02, h_pad=0.02, w_pad=0.02)
        grid = figure.add_gridspec(2, count, height_ratios=(2.4, 1))
        panels = []
        for column, point in enumerate(chosen.point.values):
            curves, residuals = (figure.add_subplot(grid[row, column]) for row in (0, 1))
            one = chosen.sel(point=point)
            _identity(curves, dataset, one)
            case(curves, residuals, one, QUANTITIES)
            curves.set_title(label(one), loc="right", fontsize=8)
            curves.set_ylim(0, 1.3)
            for axes, name in ((curves, r"$m$, $C(t,t)$, $\ell$"), (residuals, "sim. $-$ th.")):
                axes.tick_params(labelleft=column == 0, labelbottom=axes is residuals, which="both")
                axes.set_ylabel(name if column == 0 else "")
            residuals.set_xlabel("steps $t$")
            panels.append(curves)
        style.panel_letters(panels)
        keys = method_keys(QUANTITIES)
        keys.append(Line2D([], [], color="0.6", linestyle="--", label="exact, uncorrelated"))
        figure.legend(
            handles=keys, loc="outside lower center", ncols=4 if count > 1 else 2, columnspacing=1.2
        )
    return figure


def _identity(axes, dataset: xr.Dataset, chosen: xr.Dataset) -> None:
    """The exact curves of the same run with uncorrelated inputs, if the dataset has them."""
    try:
        twin = identity_twin(dataset, chosen)
    except ValueError:
        return
    for name in QUANTITIES:
        curve = seeds_of(twin[name].sel(origin="exact"))[0]
        axes.plot(np.arange(curve.size), curve, color="0.6", linestyle="--", linewidth=0.9)


def label(chosen: xr.Dataset) -> str:
    """Return the covariance and the batch fraction of a case.

    Parameters
    ----------
    chosen
        One point of the dataset.
    """
    ratio = float(chosen.eigenvalue_ratio) if "eigenvalue_ratio" in chosen.coords else np.nan
    if np.isfinite(ratio):
        kind = f"two levels, 1:{ratio:g}"
    else:
        kind = f"power law $u^{{-{float(chosen.spectral_exponent):g}}}$"
    return f"{kind}, $b={float(chosen.batch_fraction):g}$"


def caption(dataset: xr.Dataset) -> str:
    """Return what a reader must know to understand the figure alone."""
    chosen = correlated(dataset)
    return style.paragraph(
        f"""**D7, correlated inputs.** SGD with the square loss on teacher-student data whose inputs have the covariance
        Sigma/d: two equal levels of variance in the ratio given, or a power law in eight equal levels,
        sigma(u) ~ (0.01 + u)^-a with u uniform in (0, 1) and mean 1. alpha = {float(chosen.alpha.values[0]):g},
        lambda = {float(chosen.ridge.values[0]):g}, eta = {float(chosen.learning_rate.values[0]):g}, batch fraction
        b; teacher and start are isotropic. Overlap m, self-overlap C(t, t) = |w|^2/d and training loss against the
        number of steps. Solid lines: causal mean-field equations, one population of
        {int(chosen.paths.values[0])} paths for each seed. Markers and bands: simulation at d =
        {int(chosen.d.values[0])}, mean and 95% t interval over seeds. Dotted: exact solution; grey dashes: exact
        solution with uncorrelated inputs. Below: simulation minus theory with the 95% interval of the difference
        and exact minus theory (dotted). {style.provenance(dataset)}"""
    )
