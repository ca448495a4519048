"""Worlds in which the claims on SGD as a Langevin process (L1, L2) are false."""

from collections.abc import Callable

import xarray as xr

FALSIFIERS: dict[str, Callable[[], list[xr.Dataset]]] = {}
"""For each claim the datasets of a plausible world in which its verdict is *not reproduced*."""

NOT_YET = {
    "L1.exact_covariance",
    "L1.additive_is_boltzmann",
    "L1.additive_is_boltzmann_in_a_bowl",
    "L1.natural_is_not_boltzmann",
    "L2.cooling_wins_at_last",
    "L2.far_better",
    "L2.batch_cools_like_temperature",
    "L2.reshuffling_is_colder",
}
"""Claims whose falsifier is not written yet."""
