"""For every claim of the colouring wing a plausible world in which it fails."""

from collections.abc import Callable

import coloring_worlds as worlds
import numpy as np
import xarray as xr
from worlds.coloring import replicated, step

from thermobatch.coloring.studies.replicas.claims import Scheme


def _swapped(dataset: xr.Dataset) -> xr.Dataset:
    """The flows of both dynamics exchanged: "Metropolis" breaks balance."""
    return dataset.assign_coords(dynamics=["metropolis", "sgd_like"])


def _hotter(dataset: xr.Dataset, factor: float) -> xr.Dataset:
    """A matched temperature that is wrong by a factor."""
    return dataset.assign(matched_temperature=factor * dataset.matched_temperature)


def _growth(exponent: Callable[[float, str], float]) -> Callable[[], list[xr.Dataset]]:
    """First passages with these exponents, and the crossing at c = 18.3."""
    return lambda: [worlds.recovery_growth(exponent, runs=64), worlds.reconstruction()]


def _never_below_19(c: float, t: float, dynamics: str) -> float:
    """SGD-like dynamics recover nothing for c <= 19, Metropolis half of the graphs everywhere."""
    return 0.0 if dynamics == "sgd_like" and c <= 19 else 0.5


def _variant(shifts: dict[str, float], phase: float = 1.0) -> Callable[[], list[xr.Dataset]]:
    """Energies (and temperatures) of some variants shifted."""
    return lambda: [worlds.variants(shifts, phase=phase, noise=1e-4)]


def _one_phase() -> list[xr.Dataset]:
    """Inside the planted state T(B) is that of the paramagnet, on every graph."""
    dataset = worlds.variants(noise=1e-4)
    same = dataset.matched_temperature.isel(point=1, drop=True)
    return [dataset.assign(matched_temperature=xr.ones_like(dataset.matched_temperature) * same)]


def _annealed(energy: float = 0.0, overlap: float = 0.0) -> list[xr.Dataset]:
    """Final energies and overlaps of the two annealed dynamics that differ by so much."""
    random, shape = np.random.default_rng(1), (3, 10, 2, 1)
    energies, overlaps = 0.3 + random.normal(0, 0.001, shape), 0.5 + random.normal(0, 0.01, shape)
    energies[:, :, 0] += energy
    overlaps[:, :, 0] -= overlap
    dims = ("point", "seed", "dynamics", "level")
    coords = {"dynamics": ["sgd_like", "metropolis"], "sweeps": ("point", [100, 300, 1000])}
    return [xr.Dataset({"energy": (dims, energies), "overlap": (dims, overlaps)}, coords)]


def _replicated(middle: Callable[[int, Scheme], float] = lambda n, scheme: 16.2, **more):
    """Annealings with these recovery thresholds: by default the same for all, replicated or not, at every N."""
    return lambda: [replicated(lambda c, n, scheme: step(middle(n, scheme))(c), **more)]


BATCHES = {"batches": True, "gammas": (0.7,)}

FALSIFIERS: dict[str, Callable[[], list[xr.Dataset]]] = {
    # energies off by 6%, late ones by twice the margin, a clock slower by 60%, a plateau that no clock explains
    "E1.same_relaxation": lambda: [worlds.relaxation(excess=0.06)],
    "E1.same_energy": lambda: [worlds.relaxation(late=-0.022)],
    "E1.same_clock": lambda: [worlds.relaxation(z=1.6)],
    "E1.same_clock_at_every_time": lambda: [worlds.relaxation(excess=0.3, at=8)],
    "E1.same_relaxation_by_its_clock": lambda: [worlds.relaxation(plateau=0.12)],
    "E2.drift_temperature": lambda: [worlds.temperatures(1.02)],
    # correlations off at a single pair of times; a control that shows nothing
    "E3.same_correlations": lambda: [worlds.correlations(0.06, at=(1, 0, 4))],
    "E3.wrong_temperature_shows": lambda: [worlds.correlations(control=0.0)],
    # twice as slow at every B; an optimum at another temperature
    "E4.same_first_passage": lambda: [worlds.recovery(slower=2.0)],
    "E4.same_best_time": lambda: [worlds.recovery(slower=2.0)],
    "E4.same_optimum": lambda: [worlds.recovery(moved=-0.09, runs=400)],
    # the moves of Metropolis in the place of those of SGD-like dynamics, and the other way round
    "E5.balance_broken": lambda: [worlds.balance("metropolis")],
    "E5.metropolis_balanced": lambda: [_swapped(worlds.balance())],
    "E5.asymmetry": lambda: [worlds.balance("metropolis")],
    "E5.poisson_law": lambda: [worlds.balance("metropolis")],
    "E5.averaged_balance": lambda: [worlds.balance()],
    "E5.slope_temperature": lambda: [_hotter(worlds.balance(), 1.05)],
    "E5.first_ratio": lambda: [worlds.balance()],
    "E5.closed_form": lambda: [worlds.balance("metropolis")],
    "E5.entropy_production": lambda: [worlds.entropy_production(level=1e-5)],
    "E6.connectivity": lambda: [worlds.reconstruction(connectivity=13.1)],
    "E6.threshold": lambda: [worlds.reconstruction(crossing=19.5)],
    # the same law on both sides, or the wrong way round
    "E6.slow_growth_above": _growth(lambda c, dynamics: 1.4),
    "E6.fast_growth_below": _growth(lambda c, dynamics: 0.6),
    "E6.steeper_below": _growth(lambda c, dynamics: 1.4 if c > 18.3 else 0.7),
    "E6.same_recovery": lambda: [worlds.phases(_never_below_19)],
    # no difference where one is claimed, one where none is
    "E7.shared_edge_shift": _variant({}),
    "E7.exact_size_does_not_matter": _variant({"shared_edge_exact.sequential": 0.02}),
    "E7.labels_do_not_matter": _variant({"half_edge.shuffled_labels": 0.02}),
    "E7.scheme_changes_temperature": _variant({}),
    "E7.order_changes_temperature": _variant({"half_edge.random_sequential": -0.06}),
    "E7.reuse_changes_temperature": _variant({"shared_edge.random_permutation": -0.1}),
    "E7.order_alone_changes_energy": _variant({}),
    "E7.phase_changes_temperature": _one_phase,
    "E7.planted_temperature": _variant({}, phase=0.8),
    # replicas, coupled or not, long runs or short, large graphs or small: all recover at the same c
    "R7.replication_lowers_threshold": _replicated(),
    "R7.coupling_lowers_threshold": _replicated(),
    "R7.replicas_beat_longer_annealing": _replicated(),
    "R7.annealing_threshold_rises": _replicated(),
    "R7.replicas_reach_the_bayes_threshold": _replicated(lambda n, scheme: 18.2),
    "R7.replicas_need_fewer_sweeps": _replicated(heat=lambda scheme: 0.5),
    "R7.strong_coupling_collapses": _replicated(),
    "R7.useful_coupling_falls_with_size": _replicated(),
    # mini-batches that recover at another c, colder, and with replicas where without
    "R8.same_threshold": _replicated(lambda n, scheme: 16 + 1.5 * scheme.batches, **BATCHES),
    "R8.replicas_lower_threshold": _replicated(**BATCHES),
    "R8.same_recovery_temperature": _replicated(heat=lambda scheme: 0.8 - 0.2 * scheme.batches, **BATCHES),
    "L3.same_final_energy": lambda: _annealed(energy=0.03),
    "L3.same_recovery": lambda: _annealed(overlap=0.2),
}
