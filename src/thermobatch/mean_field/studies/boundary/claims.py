"""Claims on the decision boundary (D6): noise keeps the samples away from it, and the rule generalises better."""

import xarray as xr

from thermobatch.mean_field.studies.decisions import BEYOND, NOISE_SOURCE, increasing, same_curves
from thermobatch.mean_field.studies.points import by_noise, seeds_of
from thermobatch.study.claim import Outcome, claim


@claim(
    "D6.fewer_samples_at_the_boundary",
    source=NOISE_SOURCE,
    protocol="ours",
    statement="From every batch fraction to the next smaller one fewer training samples sit at the decision "
    "boundary in simulations: the share with a gap below 0.02 falls by more than the margin at every step.",
)
def fewer_samples_at_the_boundary(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the order of the simulated shares over b."""
    return _ordered(dataset, "near_fraction", -1.0, margin)


@claim(
    "D6.gaps_widen",
    source=NOISE_SOURCE,
    protocol="ours",
    statement="From every batch fraction to the next smaller one the median gap of the training samples to the "
    "decision boundary widens in simulations: it rises by more than the margin at every step.",
)
def gaps_widen(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the order of the simulated medians over b."""
    return _ordered(dataset, "median_gap", 1.0, margin)


@claim(
    "D6.generalises_better",
    source=BEYOND,
    protocol="ours",
    statement="From every batch fraction to the next smaller one the generalisation error falls in simulations, by "
    "more than the margin at every step.",
)
def generalises_better(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the order of the simulated errors over b."""
    return _ordered(dataset, "test_error", -1.0, margin)


@claim(
    "D6.generalises_better_overall",
    source=BEYOND,
    protocol="ours",
    statement="From full batches to the smallest batch fraction the generalisation error falls in simulations, by more "
    "than the margin.",
)
def generalises_better_overall(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the simulated errors of the largest and the smallest batch fraction alone."""
    return _ordered(by_noise(dataset).isel(point=[0, -1]), "test_error", -1.0, margin)


@claim(
    "D6.theory_is_simulation",
    source=BEYOND,
    protocol="ours",
    statement="The mean-field theory gives the distribution of the gaps at finite dimension: at every batch fraction "
    "and gap the distribution functions differ by less than the margin.",
)
def boundary_theory_is_simulation(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide over all batches and gaps."""
    found = {}
    for chosen in (dataset.sel(point=name) for name in dataset.point.values):
        theory, simulated = (
            seeds_of(chosen.gap_distribution.sel(origin=origin)) for origin in ("theory", "simulation")
        )
        found[f"b = {float(chosen.batch_fraction):g}"] = simulated - theory
    words = f"simulation minus theory at every gap, d = {int(dataset.d.values[0])}"
    return same_curves(found, margin, words, axis="gap number")


def _ordered(dataset: xr.Dataset, name: str, sign: float, margin: float) -> Outcome:
    """Decide whether sign x a simulated value increases as b falls."""
    chosen = by_noise(dataset)
    points = [chosen.sel(point=each) for each in chosen.point.values]
    values = {
        f"b = {float(point.batch_fraction):g}": sign * seeds_of(point[name].sel(origin="simulation"))
        for point in points
    }
    words = f"{'minus ' if sign < 0 else ''}the {name.replace('_', ' ')}, simulated"
    return increasing(values, margin, words)
