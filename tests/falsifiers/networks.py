"""For every claim on binary networks (R2-R6, R9) a plausible world in which it fails; those of R1 are illustrations."""

from collections.abc import Callable
from functools import partial

import xarray as xr
from worlds.networks import (
    AS_MEASURED,
    LEVELS,
    RUNS,
    annealed,
    entropies,
    flat,
    focusing,
    neighborhoods,
    precise,
    saturating,
    searches,
    steep,
    theory,
    theory_curves,
    trained,
)

from thermobatch.networks.studies.annealing.claims import UNCOUPLED


def replicas_do_harm() -> list[xr.Dataset]:
    """R2: plain annealing saturates, replicated annealing takes exponentially long."""
    return [annealed({1: saturating, 3: steep})]


def coupling_is_idle() -> list[xr.Dataset]:
    """R2: replicas take twice as long coupled as uncoupled."""
    return [annealed({1: steep, 3: flat, UNCOUPLED: lambda size: 0.5 * flat(size)})]


def fourth_power() -> list[xr.Dataset]:
    """R2: what replicated annealing takes grows as N^4."""
    return [annealed({1: steep, 3: lambda size: 500.0 * (size / 201) ** 4})]


def replicas_do_not_help() -> list[xr.Dataset]:
    """R3: replicated SGD solves nothing where SGD does not, and errs as much beyond."""
    return [trained(RUNS | {(7, 80, 0.5, 0.001): (0, 0.07), (7, 80, 0.6, 0.001): (0, 0.11)})]


def other_errors() -> list[xr.Dataset]:
    """R3: SGD errs at every load more often, by 4 per cent of the patterns, than was measured before."""
    measured = {0.3: 0.0, 0.35: 0.012, 0.4: 0.032, 0.5: 0.073, 0.6: 0.112}
    return [trained(RUNS | {(1, 80, alpha, 0.001): (0, error + 0.04) for alpha, error in measured.items()})]


def the_contrary() -> list[xr.Dataset]:
    """R4: what was solved is not and the other way round, and the units hardly part."""
    return [searches({key: 1.0 - share for key, share in AS_MEASURED.items()}, parting=0.1)]


def not_isolated() -> list[xr.Dataset]:
    """R5: the Franz-Parisi entropy is positive at every distance."""
    return [entropies(typical=lambda d: 1.0 * d)]


def no_dense_regions() -> list[xr.Dataset]:
    """R5: the densest regions hold hardly more than the surroundings of typical solutions."""
    curves = theory_curves()
    return [curves.assign(entropy=curves.entropy.where(curves.curve != "densest", curves.distance - 0.04))]


def ends(*curves: xr.Dataset, **levels: float) -> list[xr.Dataset]:
    """R6: local entropies of some algorithms at other levels."""
    return [neighborhoods(LEVELS | levels), *curves]


def bits_matter() -> list[xr.Dataset]:
    """R9: replicas help with one bit only; with three plain annealing is faster and ends as flat."""
    return [precise({1: 8.0, 2: 4.0, 3: 0.4}, {2: 10.0, 3: 40.0}, {1: 1.5, 2: 1.3, 3: 0.9})]


def flatness_depends_on_bits() -> list[xr.Dataset]:
    """R9: replicas end flatter with any number of bits, but with three by far less than with one."""
    return [precise(flat={1: 1.65, 2: 1.4, 3: 1.15})]


FALSIFIERS: dict[str, Callable[[], list[xr.Dataset]]] = {
    "R2.sa_faster_than_power": replicas_do_harm,
    "R2.rsa_polynomial": replicas_do_harm,
    "R2.replicas_flatten_growth": replicas_do_harm,
    "R2.sa_exponential": replicas_do_harm,
    "R2.rsa_rather_power": replicas_do_harm,
    "R2.rsa_exponent": fourth_power,
    "R2.replicas_need_fewer_proposals": replicas_do_harm,
    "R2.replicas_need_fewer_moves": replicas_do_harm,
    "R2.coupling_needs_fewer_proposals": coupling_is_idle,
    "R3.solves_where_sgd_fails": replicas_do_not_help,
    "R3.fewer_errors_beyond": replicas_do_not_help,
    "R3.errors_as_measured": other_errors,
    "R4.reinforcement_solves": the_contrary,
    "R4.slow_reinforcement_goes_further": the_contrary,
    "R4.reinforcement_fails": the_contrary,
    "R4.focusing_goes_further": the_contrary,
    "R4.symmetry_breaks": the_contrary,
    "R5.typical_isolated": not_isolated,
    "R5.dense_regions": no_dense_regions,
    "R5.focusing_between": lambda: [focusing(0.33), theory_curves()],
    "R5.focusing_is_dense": lambda: [focusing(0.03), theory_curves()],
    "R6.replication_helps_annealing": partial(ends, rSA=0.19),
    "R6.replication_helps_sgd": partial(ends, **{"rSGD, replica": 0.235}),
    "R6.coupling_helps_annealing": partial(ends, **{"rSA, uncoupled": 0.21}),
    "R6.coupling_helps_sgd": partial(ends, **{"rSGD, uncoupled": 0.255}),
    "R6.sgd_is_denser_than_annealing": partial(ends, SGD=0.2),
    "R6.messages_as_dense_as_replicas": partial(ends, fBP=0.23),
    "R6.ordering": partial(ends, **{"rSA, step": 0.195}),
    "R6.annealing_is_typical": lambda: ends(theory(0.15)),
    "R6.messages_nearly_densest": lambda: ends(theory(densest=0.35)),
    "R9.replicas_need_fewer_proposals": bits_matter,
    "R9.advantage_depends_weakly": bits_matter,
    "R9.advantage_fades_at_equal_load": bits_matter,
    "R9.replicas_grow_slower": lambda: [precise({1: 8.0, 2: 4.0, 3: 0.5})],
    "R9.replicas_end_flatter": bits_matter,
    "R9.flatness_depends_weakly": flatness_depends_on_bits,
    "R9.flatness_depends_weakly_at_large_n": flatness_depends_on_bits,
}
