"""Claims on the accuracy of the mean-field solver, and on the published curve (D2)."""

import numpy as np
import xarray as xr

from thermobatch.mean_field.studies.decisions import BEYOND, SOURCE, same_curves
from thermobatch.mean_field.studies.points import case_name, published_point, seeds_of
from thermobatch.statistics.equivalence import verdict
from thermobatch.statistics.intervals import mean_interval
from thermobatch.study.claim import Outcome, claim

CONFIDENCE = 0.9


@claim(
    "D2.full_batch_is_exact",
    source=BEYOND,
    protocol="ours",
    statement="With full batches and the square loss the solver is exact to rounding at every population size: the "
    "largest error of overlap, loss and self-overlap over all steps and populations is below the margin.",
)
def full_batch_is_exact(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the largest error of all populations: a rounding error, without a law over seeds."""
    chosen = dataset.isel(point=dataset.batch_fraction.values == 1.0)
    if not chosen.sizes["point"]:
        raise ValueError("the dataset has no point with full batches")
    largest = float(chosen.largest_error.max())
    method = (
        f"maximum over {int(chosen.largest_error.count())} errors; rounding, so the interval is (0, maximum)"
    )
    return Outcome(
        largest, (0.0, largest), margin, method, "reproduced" if largest < margin else "not_reproduced"
    )


@claim(
    "D2.error_falls_as_root_n",
    source=BEYOND,
    protocol="ours",
    statement="At the stated batch fraction the root-mean-square error over steps of the solver's overlap falls as "
    "n^(-1/2) with the population size n: the fitted exponent is inside the margin.",
)
def error_falls_as_root_n(dataset: xr.Dataset, *, margin: list[float], batch_fraction: float) -> Outcome:
    """Decide by the slopes of log error against log n, one fit for each seed."""
    sizes, errors = sizes_and_errors(dataset, batch_fraction, exact_response=False)
    if len(sizes) < 3:
        raise ValueError(f"only {len(sizes)} population sizes at b = {batch_fraction}; at least 3 are needed")
    x = np.log(sizes) - np.log(sizes).mean()
    slopes = np.log(errors) @ x / (x @ x)
    found = mean_interval(slopes, confidence=CONFIDENCE)
    method = (
        f"slope of log rms error against log n for each seed, n = {sizes[0]:g} to {sizes[-1]:g}; t interval over "
        f"{len(slopes)} seeds"
    )
    bounds = (found.lower, found.upper)
    return Outcome(found.estimate, bounds, tuple(margin), method, verdict(bounds, tuple(margin)))


@claim(
    "D2.accuracy",
    source=BEYOND,
    protocol="ours",
    statement="At the stated batch fraction one population of the largest size gives the exact overlap: its largest "
    "error over the steps, averaged over populations, is below the margin.",
)
def accuracy(dataset: xr.Dataset, *, margin: float, batch_fraction: float) -> Outcome:
    """Decide by the mean over populations of the largest error at the largest size."""
    chosen = point_of(dataset, batch_fraction, exact_response=False)
    errors = seeds_of(chosen.largest_error.sel(quantity="magnetization"))[:, -1]
    found = mean_interval(errors, confidence=CONFIDENCE)
    bounds = (found.lower, found.upper)
    method = f"n = {int(chosen.paths[-1])}, {CONFIDENCE:.0%} t interval over populations"
    return Outcome(found.estimate, bounds, margin, method, verdict(bounds, (-margin, margin)))


@claim(
    "D2.published_curve",
    source=SOURCE,
    protocol="program",
    statement="The theory gives the published simulation of ridge regression by full-batch gradient descent: at every "
    "step the overlap differs by less than the margin (the published curve has no known error, and none is included).",
)
def published_curve(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the full-batch point; the published number of runs is unknown, so its error is not in the interval."""
    chosen = published_point(dataset)
    solved = seeds_of(chosen.magnetization.sel(origin="theory"))
    known = seeds_of(chosen.published_magnetization)
    times = min(known.shape[1], solved.shape[1])
    words = "theory minus the published simulation, whose error is not known and not included"
    return same_curves({case_name(chosen): solved[:, :times] - known[:, :times]}, margin, words)


def sizes_and_errors(
    dataset: xr.Dataset, batch_fraction: float, exact_response: bool, quantity: str = "magnetization"
) -> tuple[np.ndarray, np.ndarray]:
    """Return the population sizes and the root-mean-square errors, float64[seeds, sizes].

    Parameters
    ----------
    dataset : xarray.Dataset
        Of the experiment `mean_field_accuracy`.
    batch_fraction : float
        b.
    exact_response : bool
        Which way of following the response.
    quantity : str
        Learning curve.

    Raises
    ------
    ValueError
        If there is no such point.
    """
    chosen = point_of(dataset, batch_fraction, exact_response)
    return chosen.paths.values.astype(float), seeds_of(chosen.rms_error.sel(quantity=quantity))


def point_of(dataset: xr.Dataset, batch_fraction: float, exact_response: bool) -> xr.Dataset:
    """Return the point of one batch fraction and kind of response, with its population sizes in increasing order.

    Parameters
    ----------
    dataset : xarray.Dataset
        Of the experiment `mean_field_accuracy`.
    batch_fraction : float
        b.
    exact_response : bool
        Which way of following the response.

    Raises
    ------
    ValueError
        If there is no such point.
    """
    same = (dataset.batch_fraction.values == batch_fraction) & (
        dataset.exact_response.values == exact_response
    )
    if not same.any():
        raise ValueError(
            f"the dataset has no point with b = {batch_fraction}, exact_response = {exact_response}"
        )
    return (
        dataset.isel(point=int(np.argmax(same)))
        .dropna("paths", how="all", subset=["rms_error"])
        .sortby("paths")
    )
