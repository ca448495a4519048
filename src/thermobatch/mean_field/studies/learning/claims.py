"""Claims on learning curves: theory, simulation and exact solution (D1), and a covariance of the inputs (D7)."""

import numpy as np
import xarray as xr

from thermobatch.mean_field.studies.decisions import (
    BEYOND,
    BOOTSTRAP_SEED,
    SOURCE,
    case_name,
    same_curves,
    seeds_of,
)
from thermobatch.statistics.equivalence import curve_difference
from thermobatch.study.claim import Outcome, claim

CURVES = ("magnetization", "training_loss")
COVARIANCE_CURVES = (*CURVES, "self_overlap")


@claim(
    "D1.theory_is_simulation",
    source=SOURCE,
    protocol="ours",
    statement="The mean-field theory gives overlap and training loss of SGD at finite dimension, for every loss, "
    "batch and momentum: largest difference over time.",
)
def theory_is_simulation(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the largest mean difference over cases and times, with the errors of both."""
    differences = _differences(isotropic(dataset), "theory", "simulation", CURVES)
    return same_curves(differences, margin, f"d = {int(dataset.d.values[0])}")


@claim(
    "D1.theory_is_exact",
    source=SOURCE,
    protocol="ours",
    statement="For the square loss, where the dynamics are exactly solvable, the mean-field theory gives their overlap "
    "and training loss with mini-batches and momentum: largest difference over time.",
)
def theory_is_exact(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide as theory_is_simulation, over the cases with an exact solution."""
    return same_curves(
        _differences(isotropic(dataset), "theory", "exact", CURVES), margin, _population(dataset)
    )


@claim(
    "D2.published_curve",
    source=SOURCE,
    protocol="program",
    statement="The theory gives the published simulation of ridge regression by gradient descent: largest difference "
    "of the overlap over time.",
)
def published_curve(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the full-batch point; the published number of runs is unknown, so its error is not in the interval."""
    chosen = published_point(dataset)
    solved = seeds_of(chosen.magnetization.sel(origin="theory"))
    known = seeds_of(chosen.published_magnetization)
    times = min(known.shape[1], solved.shape[1])
    words = "the error of the published mean is not known and not included"
    return same_curves({case_name(chosen): solved[:, :times] - known[:, :times]}, margin, words)


@claim(
    "D7.theory_is_exact",
    source=SOURCE,
    protocol="ours",
    statement="With correlated inputs the mean-field theory of the square loss gives the exact overlap, training loss "
    "and self-overlap: largest difference over time.",
)
def covariance_theory_is_exact(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide over all covariances that are not the identity."""
    return same_curves(
        _differences(correlated(dataset), "theory", "exact", COVARIANCE_CURVES), margin, _population(dataset)
    )


@claim(
    "D7.theory_is_simulation",
    source=SOURCE,
    protocol="ours",
    statement="With correlated inputs the mean-field theory gives overlap, training loss and self-overlap of SGD at "
    "finite dimension: largest difference over time.",
)
def covariance_theory_is_simulation(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide over all covariances that are not the identity."""
    differences = _differences(correlated(dataset), "theory", "simulation", COVARIANCE_CURVES)
    return same_curves(differences, margin, f"d = {int(dataset.d.values[0])}")


@claim(
    "D7.covariance_matters",
    source=BEYOND,
    protocol="ours",
    statement="Control: the same margin tells correlated from uncorrelated inputs (largest difference of the "
    "simulated overlap from the exact one with the identity covariance).",
)
def covariance_matters(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the difference that must exceed the margin for every covariance."""
    plain = isotropic(dataset)
    found = {}
    for chosen in (correlated(dataset).sel(point=name) for name in correlated(dataset).point.values):
        twin = plain.sel(point=_twin(plain, chosen))
        identity = seeds_of(twin.magnetization.sel(origin="exact"))[0]
        simulated = seeds_of(chosen.magnetization.sel(origin="simulation"))
        found[case_name(chosen)] = curve_difference(simulated - identity, margin, seed=BOOTSTRAP_SEED)
    if not found:
        raise ValueError("the dataset has no point with correlated inputs")
    least = min(found, key=lambda name: found[name].lower)
    each = found[least]
    method = f"{each.method}; smallest over {len(found)} cases (at {least})"
    return Outcome(each.estimate, (each.lower, each.upper), margin, method, each.verdict)


def isotropic(dataset: xr.Dataset) -> xr.Dataset:
    """Return the points with the identity covariance.

    Parameters
    ----------
    dataset : xarray.Dataset
        Of the experiment `mean_field_learning`.
    """
    return dataset.isel(point=~_is_correlated(dataset))


def correlated(dataset: xr.Dataset) -> xr.Dataset:
    """Return the points with another covariance.

    Parameters
    ----------
    dataset : xarray.Dataset
        Of the experiment `mean_field_learning`.
    """
    return dataset.isel(point=_is_correlated(dataset))


def published_point(dataset: xr.Dataset) -> xr.Dataset:
    """Return the point of the published simulation.

    Parameters
    ----------
    dataset : xarray.Dataset
        Of the experiment `mean_field_learning`.

    Raises
    ------
    ValueError
        If there is none.
    """
    known = np.isfinite(dataset.published_magnetization).any([name for name in ("seed", "time")])
    if not known.any():
        raise ValueError("the dataset has no point with the parameters of the published simulation")
    return dataset.isel(point=int(np.argmax(known.values)))


def identity_twin(dataset: xr.Dataset, chosen: xr.Dataset) -> xr.Dataset:
    """Return the point that differs from `chosen` in the covariance only.

    Parameters
    ----------
    dataset : xarray.Dataset
        Of the experiment `mean_field_learning`.
    chosen : xarray.Dataset
        One of its points.

    Raises
    ------
    ValueError
        If there is none.
    """
    plain = isotropic(dataset)
    return plain.sel(point=_twin(plain, chosen))


def _twin(plain: xr.Dataset, chosen: xr.Dataset) -> str:
    names = ("loss", "data", "batch_fraction", "learning_rate", "alpha", "ridge", "momentum", "m0", "q0")
    same = np.ones(plain.sizes["point"], dtype=bool)
    for name in names:
        same &= plain[name].values == chosen[name].item()
    same &= np.isnan(plain.persistence.values) if "persistence" in plain else True
    if not same.any():
        raise ValueError(f"the dataset has no point with the identity covariance like {case_name(chosen)}")
    return str(plain.point.values[same][0])


def _is_correlated(dataset: xr.Dataset) -> np.ndarray:
    found = np.zeros(dataset.sizes["point"], dtype=bool)
    for name in ("eigenvalue_ratio", "spectral_exponent"):
        if name in dataset.coords:
            found |= np.isfinite(dataset[name].values)
    return found


def _differences(dataset: xr.Dataset, first: str, second: str, names: tuple[str, ...]) -> dict:
    """Differences of two methods for each case and curve, where both are known."""
    found = {}
    for point in dataset.point.values:
        chosen = dataset.sel(point=point)
        for name in names:
            curves = [seeds_of(chosen[name].sel(origin=origin)) for origin in (first, second)]
            if all(values.size for values in curves):
                found[f"{name.replace('_', ' ')}: {case_name(chosen)}"] = curves[0] - curves[1]
    return found


def _population(dataset: xr.Dataset) -> str:
    return f"populations of {int(dataset.paths.values[0])} paths"
