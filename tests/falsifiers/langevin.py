"""For every claim on SGD as a Langevin process (L1, L2) a plausible world in which it fails."""

from collections.abc import Callable
from functools import partial

import xarray as xr
from worlds.langevin import SHARES, annealing, bowls, covariance, wells


def other_shares(**shares: float) -> list[xr.Dataset]:
    """L2: other shares of the runs in the global basin at the end."""
    return [annealing(SHARES | shares)]


def exchanged_noises() -> list[xr.Dataset]:
    """L1: natural noise has Boltzmann's law, additive noise has not."""
    return [bowls().assign_coords(noise=["additive", "natural"])]


FALSIFIERS: dict[str, Callable[[], list[xr.Dataset]]] = {
    "L1.exact_covariance": lambda: [covariance(1.1)],
    "L1.additive_is_boltzmann": lambda: [wells(1.5)],
    "L1.additive_is_boltzmann_in_a_bowl": exchanged_noises,
    "L1.natural_is_not_boltzmann": exchanged_noises,
    "L2.cooling_wins_at_last": partial(other_shares, cooled=0.6),
    "L2.far_better": other_shares,
    "L2.batch_cools_like_temperature": partial(other_shares, growing=0.5),
    "L2.reshuffling_is_colder": partial(other_shares, shuffled=0.8),
}
