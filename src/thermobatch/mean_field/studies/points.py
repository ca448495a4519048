"""The points of mean-field datasets: their names, which belong together, and their values by seed."""

from collections.abc import Callable

import numpy as np
import xarray as xr


def seeds_of(values: xr.DataArray) -> np.ndarray:
    """Return the values of one point as float64[seeds, ...], without seeds that were not run and trailing gaps.

    Parameters
    ----------
    values : xarray.DataArray
        With the dimension `seed` and at most one other.
    """
    others = [name for name in values.dims if name != "seed"]
    kept = values.dropna("seed", how="all")
    if others:
        kept = kept.dropna(others[0], how="all")
    return kept.transpose("seed", *others).values


def temperatures(chosen: xr.Dataset, origin: str) -> np.ndarray:
    """Return T_rep of every seed.

    Parameters
    ----------
    chosen : xarray.Dataset
        One point of the experiment `mean_field_temperature`.
    origin : str
        theory or simulation.
    """
    return seeds_of(chosen.replica_temperature.sel(origin=origin))


# --- names -----------------------------------------------------------------------------------------------------------


def case_name(chosen: xr.Dataset) -> str:
    """Return a short name of one point: its loss, data and learning rate, and what differs from gradient descent.

    Parameters
    ----------
    chosen : xarray.Dataset
        One point of a mean-field dataset: its coordinates are the parameters.
    """
    values = {name: coordinate.item() for name, coordinate in chosen.coords.items() if coordinate.ndim == 0}
    parts = [values["loss"].replace("_", " ")] + [values["data"]] * (values["data"] != "teacher")
    parts += [f"b = {values['batch_fraction']:g}", f"eta = {values['learning_rate']:g}"]
    if np.isfinite(values.get("persistence", np.nan)):
        parts.append(f"tau = {values['persistence']:g}")
    if values["momentum"] > 0:
        parts.append(f"{'Nesterov' if values['nesterov'] else 'heavy ball'} {values['momentum']:g}")
    for name in ("eigenvalue_ratio", "spectral_exponent"):
        if np.isfinite(values.get(name, np.nan)):
            parts.append(f"{name.replace('_', ' ')} {values[name]:g}")
    return ", ".join(parts)


def named(dataset: xr.Dataset, name: Callable[[xr.Dataset], str]) -> dict[str, xr.Dataset]:
    """Return the points of a dataset by name.

    Parameters
    ----------
    dataset : xarray.Dataset
        Of a mean-field experiment.
    name : callable
        Of one point.

    Raises
    ------
    ValueError
        If two points have the same name: one would hide the other.
    """
    points = [dataset.sel(point=point) for point in dataset.point.values]
    names = [name(point) for point in points]
    for each in set(names):
        alike = [point.point.item() for point, other in zip(points, names, strict=True) if other == each]
        if len(alike) > 1:
            raise ValueError(
                f"the points {' and '.join(alike)} are both {each!r} to this claim, which would see one of them only: "
                "scan what differs in experiments of their own"
            )
    return dict(zip(names, points, strict=True))


def algorithm_name(chosen: xr.Dataset) -> str:
    """Return the batch fraction and persistence of a point.

    Parameters
    ----------
    chosen : xarray.Dataset
        One point of a mean-field dataset.
    """
    tau = float(chosen.persistence) if "persistence" in chosen.coords else np.nan
    return f"b = {float(chosen.batch_fraction):g}" + (f", tau = {tau:g}" if np.isfinite(tau) else "")


# --- independent and persistent batches ------------------------------------------------------------------------------


def independent(dataset: xr.Dataset) -> xr.Dataset:
    """Return the points with independent batches.

    Parameters
    ----------
    dataset : xarray.Dataset
        Of a mean-field experiment.
    """
    return dataset.isel(point=np.isnan(persistence_times(dataset)))


def persistence_times(dataset: xr.Dataset) -> np.ndarray:
    """Return tau of every point, NaN for independent batches.

    Parameters
    ----------
    dataset : xarray.Dataset
        Of a mean-field experiment.
    """
    if "persistence" not in dataset.coords:
        return np.full(dataset.sizes["point"], np.nan)
    return dataset.persistence.values.astype(float)


def by_noise(dataset: xr.Dataset) -> xr.Dataset:
    """Return the points with independent batches from the largest batch fraction (the weakest noise) on.

    Parameters
    ----------
    dataset : xarray.Dataset
        Of a mean-field experiment.
    """
    chosen = independent(dataset)
    return chosen.isel(point=np.argsort(-chosen.batch_fraction.values))


def by_persistence(dataset: xr.Dataset, batch_fraction: float) -> xr.Dataset:
    """Return the points of one batch fraction in the order of their correlation time.

    Independent batches are persistent ones with tau = eta / b.

    Parameters
    ----------
    dataset : xarray.Dataset
        Of a mean-field experiment.
    batch_fraction : float
        b.
    """
    chosen = dataset.isel(point=dataset.batch_fraction.values == batch_fraction)
    times = persistence_times(chosen)
    return chosen.isel(
        point=np.argsort(np.where(np.isnan(times), chosen.learning_rate.values / batch_fraction, times))
    )


# --- covariances of the inputs ---------------------------------------------------------------------------------------


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
    names = ("loss", "data", "batch_fraction", "learning_rate", "alpha", "ridge", "momentum", "m0", "q0")
    same = np.ones(plain.sizes["point"], dtype=bool)
    for name in names:
        same &= plain[name].values == chosen[name].item()
    same &= np.isnan(plain.persistence.values) if "persistence" in plain else True
    if not same.any():
        raise ValueError(f"the dataset has no point with the identity covariance like {case_name(chosen)}")
    return plain.isel(point=int(np.argmax(same)))


def _is_correlated(dataset: xr.Dataset) -> np.ndarray:
    found = np.zeros(dataset.sizes["point"], dtype=bool)
    for name in ("eigenvalue_ratio", "spectral_exponent"):
        if name in dataset.coords:
            found |= np.isfinite(dataset[name].values)
    return found


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
    known = np.isfinite(dataset.published_magnetization).any(["seed", "time"])
    if not known.any():
        raise ValueError("the dataset has no point with the parameters of the published simulation")
    return dataset.isel(point=int(np.argmax(known.values)))
