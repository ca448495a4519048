"""Claims on learning curves: theory, simulation and exact solution (D1)."""

import xarray as xr

from thermobatch.mean_field.studies.decisions import SOURCE, theory_is
from thermobatch.mean_field.studies.points import isotropic
from thermobatch.study.claim import Outcome, claim


@claim(
    "D1.theory_is_simulation",
    source=SOURCE,
    protocol="ours",
    statement="With uncorrelated inputs the mean-field theory gives overlap and training loss of SGD at finite "
    "dimension, for the losses, batches and momenta of D1: at every step the mean difference is below the margin.",
)
def theory_is_simulation(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide over all cases, curves and steps, with the errors of both."""
    return theory_is(isotropic(dataset), "simulation", margin)


@claim(
    "D1.theory_is_exact",
    source=SOURCE,
    protocol="ours",
    statement="For the square loss with uncorrelated inputs and independent batches, where overlap and training loss "
    "are exactly known, the mean-field theory gives them, momentum included: at every step the mean difference is "
    "below the margin.",
)
def theory_is_exact(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide over the cases with an exact solution: whether the solver is right, a numerical question."""
    return theory_is(isotropic(dataset), "exact", margin)
