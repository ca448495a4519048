"""The effective noise of SGD: temperatures from fluctuation and response, distances of replicas, gaps to the boundary.

After F. Mignacco, P. Urbani, J. Stat. Mech. 2022 (arXiv:2112.10852). All functions read Datasets of the theory
(:func:`thermobatch.mean_field.theory.dmft.dmft`) and of the simulations (``glm_sgd``) alike, and keep any further
dimension (``seed``).

In equilibrium at temperature T, ``C(t_w, t_w) - C(t, t_w) = T chi(t, t_w)`` at every lag. For SGD the plot of one side
against the other is curved: there is no single temperature, and only the ratio at long lags, T_int, is reported.
"""

import json

import numpy as np
import xarray as xr

from thermobatch.foundation.docstrings import described_like


def fdt_curve(dataset: xr.Dataset, waiting_time: int, from_replicas: bool = False) -> xr.Dataset:
    """Return fluctuation and response after a waiting time.

    Parameters
    ----------
    dataset : xarray.Dataset
        With ``correlation`` (..., time, time2) and ``integrated_response`` (..., time, time2), or (..., time) from a
        simulation probed at this waiting time.
    waiting_time : int
        t_w, in steps; the state should be stationary from there on.
    from_replicas : bool
        Take the fluctuation from the difference of two replicas, C - C12 instead of C. The same in a stationary state
        that has forgotten its start (there C12 does not depend on time) and much less scattered when the noise is weak.

    Returns
    -------
    xarray.Dataset
        ``decay`` (..., lag) = |w(t_w + lag) - w(t_w)|^2 / (2d), which equals C(0) - C(lag) in a stationary state and
        scatters less; ``integrated_response`` (..., lag).

    Raises
    ------
    ValueError
        If the waiting time is out of range or is not that of the simulation's probe.
    """
    _check_waiting_time(dataset, waiting_time)
    correlation = dataset.correlation
    if from_replicas:
        _require(dataset, "replica_overlap", "run with replicas = 2")
        correlation = correlation - dataset.replica_overlap
    correlation = correlation.drop_vars(["time", "time2", "physical_time"], errors="ignore")
    times = xr.DataArray(np.arange(waiting_time, dataset.sizes["time"]), dims="lag")
    later, first = (
        correlation.isel(time=times, time2=times),
        correlation.isel(time=waiting_time, time2=waiting_time),
    )
    decay = (later + first) / 2.0 - correlation.isel(time=times, time2=waiting_time)
    response = _response_after(dataset, waiting_time).rename(time="lag")
    curve = xr.Dataset({"decay": decay, "integrated_response": response})
    curve = curve.assign_coords(lag=np.arange(times.size))
    curve.decay.attrs = {"long_name": "C(t_w, t_w) - C(t_w + lag, t_w), symmetrised", "units": "1"}
    curve.integrated_response.attrs = {"long_name": "integrated response chi(t_w + lag, t_w)", "units": "1"}
    curve.lag.attrs = {"long_name": "lag after the waiting time", "units": "steps"}
    return curve.assign_attrs(waiting_time=waiting_time)


def local_temperature(curve: xr.Dataset) -> xr.DataArray:
    """Return the slope d(decay) / d(response) along an FDT curve, dims (..., lag): constant only in equilibrium.

    Parameters
    ----------
    curve : xarray.Dataset
        From :func:`fdt_curve`.
    """
    slope = curve.decay.differentiate("lag") / curve.integrated_response.differentiate("lag")
    slope.attrs = {"long_name": "slope of fluctuation against response", "units": "1"}
    return slope


@described_like(fdt_curve)
def integral_temperature(
    dataset: xr.Dataset, waiting_time: int, tail: float = 0.25, from_replicas: bool = False
) -> xr.DataArray:
    """Return ``T_int = [C(0) - C(inf)] / chi(inf)``, dims (...).

    Parameters
    ----------
    dataset, waiting_time
        As in :func:`fdt_curve`.
    tail : float
        Last fraction of the lags, over which both limits are averaged.
    from_replicas : bool
        As in :func:`fdt_curve`.

    Returns
    -------
    xarray.DataArray
        The temperature, one for each seed if the dataset has seeds.

    Raises
    ------
    ValueError
        As :func:`fdt_curve`, or if `tail` is not in (0, 1].
    """
    curve = fdt_curve(dataset, waiting_time, from_replicas)
    late = curve.isel(lag=slice(-_tail_length(tail, curve.sizes["lag"]), None)).mean("lag")
    return _temperature(late.decay / late.integrated_response, "T_int = [C(0) - C(inf)] / chi(inf)")


@described_like(fdt_curve)
def replica_temperature(dataset: xr.Dataset, waiting_time: int, tail: float = 0.25) -> xr.DataArray:
    """Return ``T_rep = D12 / chi(inf)``, dims (...), D12 averaged over all times from the waiting time on.

    D12 = |w1 - w2|^2 / (2d) of two replicas equals C(0) - C(inf) in the stationary state and scatters much less.

    Parameters
    ----------
    dataset : xarray.Dataset
        As in :func:`fdt_curve`. And ``replica_distance`` (..., time).
    waiting_time : int
        t_w, in steps.
    tail : float
        Last fraction of the lags, over which the response is averaged.

    Returns
    -------
    xarray.DataArray
        The temperature, one for each seed if the dataset has seeds.

    Raises
    ------
    ValueError
        If there are no replicas, or as :func:`fdt_curve`.
    """
    _check_waiting_time(dataset, waiting_time)
    _require(dataset, "replica_distance", "run with replicas = 2")
    distance = dataset.replica_distance.isel(time=slice(waiting_time, None)).mean("time")
    response = _response_after(dataset, waiting_time)
    response = response.isel(time=slice(-_tail_length(tail, response.sizes["time"]), None)).mean("time")
    return _temperature(distance / response, "T_rep = |w1 - w2|^2 / (2 d chi(inf))")


def gap_statistics(dataset: xr.Dataset, margin: float, near: float = 0.02) -> xr.Dataset:
    """Return how far the training samples are from the decision boundary: gap = y h - margin.

    Meant for the spherical constraint with |w|^2 = d; with a free norm the smallest normalised margin and the median
    move in opposite directions, and neither is the gap.

    Parameters
    ----------
    dataset : xarray.Dataset
        With ``final_field`` and ``final_target`` (..., path or sample); run with ``fields=True``.
    margin : float
        kappa of the loss.
    near : float
        Gaps below this count as near the boundary.

    Returns
    -------
    xarray.Dataset
        ``near_fraction`` and ``median_gap``, dims (...).
    """
    gaps = boundary_gaps(dataset, margin)
    over = gaps.dims[-1]
    result = xr.Dataset({"near_fraction": (gaps < near).mean(over), "median_gap": gaps.median(over)})
    result.near_fraction.attrs = {
        "long_name": f"fraction of training samples with gap below {near}",
        "units": "1",
    }
    result.median_gap.attrs = {"long_name": "median gap of the training samples", "units": "1"}
    return result


def boundary_gaps(dataset: xr.Dataset, margin: float) -> xr.DataArray:
    """Return the gaps ``y h - margin`` of the training samples after the last step, dims (..., path or sample).

    Parameters
    ----------
    dataset : xarray.Dataset
        As in :func:`gap_statistics`.
    margin : float
        kappa of the loss.

    Raises
    ------
    ValueError
        If the fields were not kept, or the targets of own samples are no labels +-1.
    """
    _require(dataset, "final_field", "run with fields = True")
    own = json.loads(dataset.attrs.get("parameters", "{}")).get("data") == "own"
    if own and not (np.abs(dataset.final_target) == 1.0).all():
        raise ValueError(
            "dataset: its samples have targets other than +1 and -1: must have labels, to have a gap"
        )
    labels = xr.where(dataset.final_target >= 0.0, 1.0, -1.0)
    gaps = labels * dataset.final_field - margin
    gaps.attrs = {"long_name": "gap y h - kappa", "units": "1"}
    return gaps


def _require(dataset: xr.Dataset, name: str, remedy: str) -> None:
    """Say how to get a variable that a Dataset lacks."""
    if name not in dataset:
        raise ValueError(f"dataset: has no {name}; {remedy}")


def _check_waiting_time(dataset: xr.Dataset, waiting_time: int) -> None:
    """Reject a waiting time outside the run, or other than the simulation's."""
    last = dataset.sizes["time"] - 1
    if not 0 <= waiting_time < last:
        raise ValueError(f"waiting_time = {waiting_time!r}: must be in [0, {last}), the steps of the run")
    _require(dataset, "integrated_response", "simulate with waiting_time")
    probed = dataset.attrs.get("waiting_time")
    if "time2" not in dataset.integrated_response.dims and probed != waiting_time:
        raise ValueError(
            f"waiting_time = {waiting_time!r}: the simulation's force was switched on at {probed}"
        )


def _response_after(dataset: xr.Dataset, waiting_time: int) -> xr.DataArray:
    """Return chi(t, t_w) for t >= t_w, without the coordinates of the run."""
    response = dataset.integrated_response.isel(time=slice(waiting_time, None))
    if "time2" in response.dims:
        response = response.isel(time2=waiting_time, drop=True)
    return response.drop_vars(["time", "physical_time"], errors="ignore")


def _tail_length(tail: float, lags: int) -> int:
    """Return the number of lags in the tail, at least 1."""
    if not 0.0 < tail <= 1.0:
        raise ValueError(f"tail = {tail!r}: must be in (0, 1]")
    return max(1, round(tail * lags))


def _temperature(values: xr.DataArray, name: str) -> xr.DataArray:
    """Name a temperature."""
    values = values.rename("temperature")
    values.attrs = {"long_name": name, "units": "1"}
    return values
