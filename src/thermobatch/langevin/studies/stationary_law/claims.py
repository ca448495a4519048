"""Claims on the stationary law of SGD (L1): where it has a temperature, and where it has not."""

import numpy as np
import xarray as xr

from thermobatch.statistics.equivalence import curve_equivalence, verdict
from thermobatch.statistics.total_variation import total_variation
from thermobatch.study.claim import Outcome, claim

POPULAR = "popular accounts of SGD as a Langevin process"
BOOTSTRAP_SEED = 11
CONFIDENCE = 0.9


@claim(
    "L1.exact_covariance",
    source="arXiv:1810.00004",
    protocol="paper",
    statement="The discrete fluctuation-dissipation relation gives the stationary covariance of SGD on a quadratic "
    "loss at every learning rate and batch of L1: relative difference of its trace tr V.",
)
def exact_covariance(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the largest mean relative difference over learning rates and batches, data set by data set."""
    measured = dataset.variance.sum("mode")
    exact = dataset.predicted.sel(theory="exact").sum("mode")
    differences = (measured / exact - 1).transpose("seed", "point").values
    found = curve_equivalence(differences, margin, seed=BOOTSTRAP_SEED)
    method = f"{found.method}; {differences.shape[1]} pairs of eta and B, {len(differences)} data sets"
    return Outcome(found.estimate, (found.lower, found.upper), margin, method, found.verdict)


@claim(
    "L1.additive_is_boltzmann",
    source=POPULAR,
    protocol="ours",
    statement="With additive mini-batch noise SGD has Boltzmann's law in the loss at T = eta sigma^2 / (2B): total "
    "variation in a double well.",
)
def additive_is_boltzmann(dataset: xr.Dataset, *, margin: float, largest_learning_rate: float) -> Outcome:
    """Decide by the largest total variation over the temperatures, at small learning rates."""
    chosen = dataset.sel(point=dataset.learning_rate <= largest_learning_rate)
    found = {
        float(point.temperature[0]): distance(point) for point in (chosen.sel(point=p) for p in chosen.point)
    }
    worst = max(found, key=lambda heat: float(found[heat].upper))
    words = f"largest over T = {', '.join(f'{heat:.3g}' for heat in sorted(found))}"
    return _outcome(found[worst], margin, f"{words} (reached at {worst:.3g})", equal=True)


@claim(
    "L1.additive_is_boltzmann_in_a_bowl",
    source=POPULAR,
    protocol="ours",
    statement="With additive mini-batch noise on a quadratic loss SGD has Boltzmann's law: total variation in two "
    "dimensions.",
)
def additive_is_boltzmann_in_a_bowl(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the total variation of the histogram in two dimensions."""
    found = distance(dataset.isel(point=0).sel(noise="additive"))
    return _outcome(found, margin, "control of the next claim", equal=True)


@claim(
    "L1.natural_is_not_boltzmann",
    source="beyond the accounts",
    protocol="ours",
    statement="With natural mini-batch noise, which follows the Hessian, SGD does not have Boltzmann's law at the "
    "temperature of its mean loss: total variation on the same quadratic loss.",
)
def natural_is_not_boltzmann(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the total variation of the histogram in two dimensions, which must exceed the margin."""
    found = distance(dataset.isel(point=0).sel(noise="natural"))
    return _outcome(found, margin, "reproduced when above the margin", equal=False)


def distance(point: xr.Dataset) -> xr.Dataset:
    """Return the total variation to Boltzmann's law of the histograms of all seeds of one point (and noise)."""
    cells = [name for name in point.histogram.dims if name != "seed"]
    run = np.isfinite(point.outside.values)
    counts = point.histogram.transpose("seed", *cells).values[run]
    law = point.boltzmann.transpose("seed", *cells).values[run][0]
    return total_variation(counts, law, outside=point.outside.values[run], confidence=CONFIDENCE)


def _outcome(found: xr.Dataset, margin: float, words: str, equal: bool) -> Outcome:
    bounds = (float(found.lower), float(found.upper))
    allowed = (-1.0, margin) if equal else (margin, 2.0)
    method = (
        f"total variation of pooled histograms, {CONFIDENCE:.0%} interval between cross-fitted and plug-in estimates "
        f"over {found.attrs['runs']} runs; sampling alone would give {float(found.floor):.2g}; {words}"
    )
    return Outcome(float(found.plug_in), bounds, margin, method, verdict(bounds, allowed))
