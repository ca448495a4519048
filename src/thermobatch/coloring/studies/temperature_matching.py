"""Match a Metropolis temperature to the energy of an SGD-like chain, by Metropolis runs of the same length.

Needed where neither chain equilibrates in the paramagnet, whose energy is known in closed form.
"""

import numpy as np

from thermobatch.coloring.dynamics.metropolis import metropolis
from thermobatch.coloring.graph import ColoringGraph
from thermobatch.coloring.theory.equilibrium import paramagnetic_specific_heat
from thermobatch.study.experiment import Progress, part

BRACKET = 0.12
RANGE = 0.75, 1.35
SMALLEST_SLOPE = 0.1
RUNS = 3
CALIBRATION_POWERS = 3


def late_sweeps(sweeps: int) -> np.ndarray:
    """Return the sweeps whose mean is the energy at long times: 100 of them in the last half of the run."""
    return np.unique(np.linspace(sweeps // 2, sweeps, 100).astype(np.int64))


def late_energy(run, sweeps: int) -> float:
    """Return the mean of `energy` over the recorded times in the last half of a run."""
    return float(run.energy.sel(time=slice(sweeps // 2, sweeps)).mean())


def matched_at_long_times(
    graph: ColoringGraph,
    energy: float,
    start: float,
    sweeps: int,
    seed: np.random.SeedSequence,
    progress: Progress = lambda share: None,
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
    progress
        Told the share of their sweeps that is made.
    """
    low, high, last = seed.spawn(RUNS)

    def reached(temperature: float, run_seed: np.random.SeedSequence, number: int) -> float:
        report = part(progress, number / RUNS, (number + 1) / RUNS, sweeps)
        run = metropolis(graph, temperature, sweeps, run_seed, record=late_sweeps(sweeps), progress=report)
        return late_energy(run, sweeps)

    temperatures = start * (1 - BRACKET), start * (1 + BRACKET)
    energies = reached(temperatures[0], low, 0), reached(temperatures[1], high, 1)
    paramagnet = paramagnetic_specific_heat(start, mean_degree=graph.mean_degree, q=graph.q)
    measured = (energies[1] - energies[0]) / (temperatures[1] - temperatures[0])
    slope = max(measured, SMALLEST_SLOPE * paramagnet)
    allowed = start * RANGE[0], start * RANGE[1]
    middle = (sum(temperatures) + (2 * energy - sum(energies)) / slope) / 2
    estimate = float(np.clip(middle, *allowed))
    corrected = estimate + (energy - reached(estimate, last, 2)) / slope
    return float(np.clip(corrected, *allowed))


def calibrated_temperatures(temperatures, calibration, energies) -> np.ndarray:
    """Return the temperatures at which Metropolis has the given energies, from runs at a few temperatures.

    The energy is fitted by a cubic polynomial of x = exp(-1/T), in which it is nearly linear both in the paramagnet
    and in a planted state.

    Parameters
    ----------
    temperatures : array_like, shape (runs,)
        Temperatures of the calibration runs, positive and increasing.
    calibration : array_like, shape (runs,)
        Their energies per vertex; runs whose energy is NaN are left out.
    energies : array_like
        Energies to find the temperatures of.

    Returns
    -------
    float64 array
        The temperatures, in the shape of `energies`; NaN outside the calibrated range, and everywhere if fewer than
        five runs are left.

    Raises
    ------
    ValueError
        When the temperatures are not positive and increasing.
    """
    t, e = np.asarray(temperatures, dtype=float), np.asarray(calibration, dtype=float)
    if t.ndim != 1 or t.shape != e.shape or not np.all(np.diff(t, prepend=0.0) > 0):
        raise ValueError(
            f"temperatures = {temperatures!r}: must be positive and increasing, one for each energy"
        )
    usable = np.isfinite(e)
    t, e = t[usable], e[usable]
    if len(t) < CALIBRATION_POWERS + 2:
        return np.full(np.shape(energies), np.nan)
    curve = np.polynomial.Polynomial.fit(np.exp(-1 / t), e, CALIBRATION_POWERS)
    grid = np.linspace(t[0], t[-1], 2001)
    reached = np.maximum.accumulate(curve(np.exp(-1 / grid)))  # noise may bend the ends of a polynomial
    return np.interp(energies, reached, grid, left=np.nan, right=np.nan)
