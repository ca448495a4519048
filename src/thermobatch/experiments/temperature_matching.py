"""Match a Metropolis temperature to an SGD-like chain where neither equilibrates: equal energies at long times."""

import numpy as np

from thermobatch.dynamics.metropolis import metropolis
from thermobatch.systems.coloring import ColoringGraph
from thermobatch.theory.coloring_equilibrium import paramagnetic_specific_heat

BRACKET = 0.12
RANGE = 0.75, 1.35
SMALLEST_SLOPE = 0.1
RUNS = 3


def late_sweeps(sweeps: int) -> np.ndarray:
    """Return the sweeps whose mean is the energy at long times: 100 of them in the last half of the run."""
    return np.unique(np.linspace(sweeps // 2, sweeps, 100).astype(np.int64))


def late_energy(run, sweeps: int) -> float:
    """Return the mean of `energy` over the recorded times in the last half of a run."""
    return float(run.energy.sel(time=slice(sweeps // 2, sweeps)).mean())


def matched_at_long_times(
    graph: ColoringGraph, energy: float, start: float, sweeps: int, seed: np.random.SeedSequence
) -> float:
    """Return the temperature at which Metropolis reaches `energy` (per vertex) at long times on this graph.

    Two runs at `start` (1 -+ 12%) give the slope of the late energy, a third at the chord's estimate corrects it.
    On small graphs at low temperature the slope drowns in noise; it is taken as no less than a tenth of the
    paramagnet's.

    Parameters
    ----------
    graph
        The graph both dynamics run on.
    energy
        Mean energy per vertex of the SGD-like chain over the last half of its run.
    start
        First guess of the temperature.
    sweeps
        Length of the runs.
    seed
        Seed of the matching runs.
    """
    low, high, last = seed.spawn(RUNS)

    def reached(temperature: float, run_seed: np.random.SeedSequence) -> float:
        run = metropolis(graph, temperature, sweeps, run_seed, record=late_sweeps(sweeps))
        return late_energy(run, sweeps)

    temperatures = start * (1 - BRACKET), start * (1 + BRACKET)
    energies = reached(temperatures[0], low), reached(temperatures[1], high)
    paramagnet = paramagnetic_specific_heat(start, mean_degree=graph.mean_degree, q=graph.q)
    measured = (energies[1] - energies[0]) / (temperatures[1] - temperatures[0])
    slope = max(measured, SMALLEST_SLOPE * paramagnet)
    allowed = start * RANGE[0], start * RANGE[1]
    middle = (sum(temperatures) + (2 * energy - sum(energies)) / slope) / 2
    estimate = float(np.clip(middle, *allowed))
    corrected = estimate + (energy - reached(estimate, last)) / slope
    return float(np.clip(corrected, *allowed))
