"""Datasets of SGD on Gaussian data: one layout for the theory and the simulations."""

import json

import numpy as np
import xarray as xr
from scipy.special import ndtr

from thermobatch import __version__
from thermobatch.mean_field.spectra import Spectrum

LONG_NAMES = {
    "magnetization": "overlap with the teacher, m = w.w*/d",
    "loss": "training loss, mean over samples (without the ridge)",
    "correlation": "two-time correlation, C(t, t') = w(t).w(t')/d",
    "response": "response of w(t) to an impulse of force times the learning rate received by w(t')",
    "integrated_response": "integrated response of w(t) to a constant force switched on at t'",
    "replica_overlap": "overlap of two replicas, w1(t).w2(t')/d",
    "replica_distance": "half squared distance of two replicas, |w1 - w2|^2/(2d)",
    "test_error": "probability that sign(w.x) is wrong on new data",
    "final_field": "field h = w.x of the training samples after the last step",
    "final_target": "target of the training samples: teacher field, or label",
}


def test_error(data: str, overlap: np.ndarray, variance: np.ndarray, teacher_variance: float) -> np.ndarray:
    """Return the probability of a wrong sign on new Gaussian data.

    Parameters
    ----------
    data : {"teacher", "mixture"}
        Where the labels come from.
    overlap : ndarray
        Teacher: covariance of h and h0 on new data. Mixture: mean of h for label +1.
    variance : ndarray
        Variance of h on new data (for a mixture: within a cluster).
    teacher_variance : float
        Variance of h0 (teacher only).
    """
    deviation = np.sqrt(np.maximum(variance, 0.0))
    scale = deviation * np.sqrt(teacher_variance) if data == "teacher" else deviation
    ratio = np.divide(overlap, scale, out=np.zeros_like(scale), where=scale > 0.0)
    return np.arccos(np.clip(ratio, -1.0, 1.0)) / np.pi if data == "teacher" else ndtr(-ratio)


def observables_dataset(
    variables: dict[str, tuple[tuple[str, ...], np.ndarray]],
    learning_rate: float,
    attributes: dict,
) -> xr.Dataset:
    """Assemble a Dataset with named dims, units and long names.

    Parameters
    ----------
    variables : dict
        name -> (dims, values). Names ending in ``_error`` other than ``test_error`` are standard errors of the variable
        they name.
    learning_rate : float
        eta; ``time`` counts steps and the coordinate ``physical_time`` is steps x eta.
    attributes : dict
        Attributes of the Dataset; dicts and spectra are stored as JSON, seeds as entropy and spawn key.
    """
    dataset = xr.Dataset({name: (dims, values) for name, (dims, values) in variables.items()})
    for name, variable in dataset.data_vars.items():
        of = name.removesuffix("_error")
        standard_error = name != "test_error" and of != name
        long_name = (
            f"standard error over populations of: {LONG_NAMES[of]}" if standard_error else LONG_NAMES[name]
        )
        variable.attrs = {"long_name": long_name, "units": "1"}
    steps = dataset.sizes["time"]
    for dim in ("time", "time2"):
        if dim in dataset.dims:
            dataset = dataset.assign_coords({dim: np.arange(steps)})
            dataset[dim].attrs = {
                "long_name": "time" if dim == "time" else "earlier or other time",
                "units": "steps",
            }
    dataset = dataset.assign_coords(physical_time=("time", learning_rate * np.arange(steps)))
    dataset.physical_time.attrs = {
        "long_name": "time in units of the gradient flow, steps x learning rate",
        "units": "1",
    }
    dataset.attrs = {name: _plain(value) for name, value in attributes.items()} | {
        "thermobatch_version": __version__
    }
    return dataset


def _plain(value):
    """Return an attribute NetCDF can hold."""
    if isinstance(value, Spectrum):
        value = {"eigenvalues": value.eigenvalues, "fractions": value.fractions}
    if isinstance(value, np.random.SeedSequence):
        return f"{value.entropy} {list(value.spawn_key)}"
    if isinstance(value, dict):
        return json.dumps(value, sort_keys=True, default=lambda number: number.item())  # NumPy scalars
    return value
