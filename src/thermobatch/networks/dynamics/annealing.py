"""Simulated annealing of binary systems, alone or as coupled replicas (SA and rSA), and sampling at equilibrium.

Both run the sampler of `thermobatch.networks.dynamics.replicated_metropolis` on the robust ensemble of an instance
(`thermobatch.networks.replicated`); inverse temperatures are stated in the instance's unit (`beta_unit`).

Source: Baldassi et al., PNAS 113, E7655 (2016), doi:10.1073/pnas.1608103113 (arXiv:1605.06444). The
schedule of the paper is not known: linear ramps, restarted with twice the sweeps after a failure, are our
choice.
"""

from collections.abc import Callable

import numpy as np
import xarray as xr

from thermobatch.foundation.arguments import checked_integer, checked_real, real_numbers
from thermobatch.foundation.blocks import Blocks
from thermobatch.foundation.description import named, seed_attribute
from thermobatch.foundation.ramps import Ramp, checked_ramp
from thermobatch.foundation.record_times import evenly_spaced_sweeps
from thermobatch.foundation.streams import Seed, child_seed, random_stream
from thermobatch.networks.binary import BinarySystem, kernel_for, n_variables
from thermobatch.networks.dynamics.level_metropolis import run_levels
from thermobatch.networks.dynamics.replicated_metropolis import (
    NO_TARGET,
    Schedule,
    Trace,
    empty_trace,
    run_schedule,
)
from thermobatch.networks.dynamics.solver_dataset import teacher_variables
from thermobatch.networks.level_replicas import LevelReplicas, ensemble
from thermobatch.networks.replicated import Centre, Replicated, ReplicatedState

BETA_RAMPS = {
    ("linear", False): (10, 100),
    ("linear", True): (5, 50),
    ("step", False): (1, 10),
    ("step", True): (0.5, 5),
}
"""Default ramps by (energy, several replicas)."""


def simulated_annealing(
    instance: BinarySystem,
    replicas: int = 1,
    energy: str = "linear",
    *,
    beta: Ramp | None = None,
    coupling: Ramp | None = None,
    centre: Centre = "traced",
    sweeps: int = 16,
    max_proposals: int = 10**9,
    records: int = 256,
    seed: Seed = 0,
    progress: Callable[[int], object] | None = None,
) -> xr.Dataset:
    """Anneal one system, or coupled replicas of it, until a replica has energy 0.

    An attempt starts from random configurations and moves beta and gamma linearly, sweep by sweep, from
    their first to their last value. After a failure another attempt, from new configurations, lasts twice
    as many sweeps. The cost counts all attempts; it is censored when `max_proposals` ends the run unsolved.

    Parameters
    ----------
    instance : Perceptron (of two or more `levels`), Committee, or any `thermobatch.networks.binary.BinarySystem`.
    replicas : number of replicas y; 1 is plain simulated annealing.
    energy : one of the instance's energies: "linear" or "step" for patterns.
    beta : first and last inverse temperature, in units of ``instance.beta_unit(energy)`` (for N inputs 2 /
        sqrt(N) with the linear energy, 1 with the step energy). Left out: (10, 100) linear and (1, 10)
        step, half of it with several replicas.
    coupling : first and last gamma; left out: (0, 3) with several replicas, no coupling otherwise. Of L levels
        (0, 3 (L - 1)^2), so that a move by one level costs what a flip does.
    centre : "traced" (summed over) or "explicit" (V more spins to propose; two levels only).
    sweeps : sweeps of the first attempt; a sweep is as many proposals as spins (y V, (y + 1) V with an
        explicit centre).
    max_proposals : proposals after which the run stops, solved or not.
    records : about how many times the last attempt is recorded (its start and its end always are).
    seed : non-negative integer or SeedSequence.
    progress : called with the number of proposals made, about twice a second.

    Returns
    -------
    Dataset
        ``weights`` (best replica, +-1), ``errors``, ``energy`` and ``solved`` of it; ``proposals``,
        ``accepted`` and, per attempt, their parts and the lowest final energy; ``replica_weights``,
        ``centre`` (0: a tie of the replicas); traces of the last attempt over ``time`` (sweeps, rounded
        up): ``energies``, ``distance`` to the centre (Hamming / V), ``overlap`` between replicas.

    Raises
    ------
    ValueError
        For a value out of range, or an energy without default schedule when `beta` is left out.

    Notes
    -----
    With more than two levels -T, -T + 2, ..., T a proposal moves one weight by one level, up or down with probability
    1/2, and is refused beyond the last one; a sweep is y V proposals. Replicas are coupled by their normalised distance
    from a centre c on the same levels, which is summed over: the weight of a site is
    sum_c exp(-(gamma / 2) sum_r ((W^r - c) / T)^2), for T = 1 that of binary weights, exp(-gamma y) 2 cosh(gamma
    sum_r W^r). ``distance`` is the mean over i of ((W_i - c_i) / (2 T))^2, with c the level nearest to the mean, and
    ``overlap`` is 1 - 2 d of two replicas. Law and moves for several levels are ours.
    """
    coupled = ensemble(instance, replicas, energy, centre)
    beta = checked_ramp("beta", default_beta(energy, replicas) if beta is None else beta)
    coupling = checked_ramp(
        "coupling", default_coupling(instance, replicas) if coupling is None else coupling
    )
    sweeps = checked_integer("sweeps", sweeps, 1)
    max_proposals = checked_integer("max_proposals", max_proposals, 1)
    records = checked_integer("records", records, 1)
    generator = np.random.default_rng(child_seed(seed, 0))
    stream = random_stream(child_seed(seed, 1))
    ramp = (beta[0] * instance.beta_unit(energy), beta[1] * instance.beta_unit(energy))
    attempts = []
    spent = 0
    blocks = Blocks()

    def report(_, made: int) -> None:
        if progress is not None:
            progress(spent + made)

    while True:
        length = sweeps << len(attempts)
        state = coupled.random_state(generator)
        trace = empty_trace(evenly_spaced_sweeps(length, records), replicas, n_variables(instance))
        schedule = Schedule(length, ramp, coupling, 0, max_proposals - spent)
        proposals, accepted, rows = run(state, schedule, trace, stream, report, blocks)
        spent += proposals
        attempts.append((length, proposals, accepted, int(state.system.energies.min())))
        if attempts[-1][-1] <= 0 or spent >= max_proposals:
            break
    dataset = final_dataset(coupled, state, seed).merge(trace_dataset(trace, rows))
    return dataset.assign(attempt_variables(attempts)).assign_attrs(
        run_attributes(coupled, seed)
        | {"beta": list(beta), "coupling": list(coupling), "sweeps": sweeps, "max_proposals": max_proposals}
    )


def replicated_metropolis(
    instance: BinarySystem,
    replicas: int = 1,
    energy: str = "linear",
    *,
    beta: float,
    coupling: float = 0.0,
    centre: Centre = "traced",
    sweeps: int = 1000,
    every: int = 1,
    initial: np.ndarray | None = None,
    keep_weights: bool = False,
    seed: Seed = 0,
    progress: Callable[[int], object] | None = None,
) -> xr.Dataset:
    """Sample the robust ensemble at fixed beta and gamma by Metropolis dynamics.

    Parameters
    ----------
    instance, replicas, energy : as in :func:`simulated_annealing`.
    beta : inverse temperature, in units of ``instance.beta_unit(energy)``.
    coupling : gamma.
    centre : as in :func:`simulated_annealing`.
    sweeps : sweeps to run.
    every : sweeps between two records; the first record is the initial state.
    initial : +-1 (or levels), shape (y, V) or (y, *shape of the weights); random when left out. An explicit centre
        starts at the majority of the replicas (ties go to the first one).
    keep_weights : keep every recorded configuration (``samples``).
    seed : as in :func:`simulated_annealing`.
    progress : called with the number of sweeps made, about twice a second.

    Returns
    -------
    Dataset
        Over ``time`` (sweeps): ``energies``, ``distance``, ``overlap`` and perhaps ``samples`` (int8); the
        final state as in :func:`simulated_annealing`; ``proposals`` and ``accepted``.
    """
    coupled = ensemble(instance, replicas, energy, centre)
    beta = checked_real("beta", beta, 0)
    coupling = checked_real("coupling", coupling, 0)
    sweeps = checked_integer("sweeps", sweeps, 1)
    every = checked_integer("every", every, 1)
    state = initial_state(coupled, initial, np.random.default_rng(child_seed(seed, 0)))
    scaled = float(beta * instance.beta_unit(energy))
    schedule = Schedule(sweeps, (scaled, scaled), (coupling, coupling), NO_TARGET, 2**62)
    trace = empty_trace(np.arange(0, sweeps + 1, every), replicas, n_variables(instance), keep_weights)

    def report(done: int, _) -> None:
        if progress is not None:
            progress(done)

    proposals, accepted, rows = run(state, schedule, trace, random_stream(child_seed(seed, 1)), report)
    dataset = final_dataset(coupled, state, seed).merge(trace_dataset(trace, rows))
    if keep_weights:
        dims = ("time", "replica", *instance.variable_dims)
        samples = trace.spins.reshape(rows, replicas, *instance.variable_dims.values())
        dataset["samples"] = (dims, samples, named("recorded weights"))
    dataset["proposals"] = ((), proposals, named("proposals"))
    dataset["accepted"] = ((), accepted, named("accepted moves"))
    return dataset.assign_attrs(run_attributes(coupled, seed) | {"beta": beta, "coupling": coupling})


def run(
    state: ReplicatedState | LevelReplicas,
    schedule: Schedule,
    trace: Trace,
    stream: np.ndarray,
    progress: Callable[[int, int], object] | None = None,
    blocks: Blocks | None = None,
) -> tuple[int, int, int]:
    """Run a schedule on a state of any system; return (proposals, accepted, filled rows of the trace).

    `progress` is told the sweeps and the proposals made; `blocks` knows the speed of runs before.
    """
    if isinstance(state, LevelReplicas):
        return run_levels(state, schedule, trace, stream, progress or (lambda *_: None), blocks or Blocks())
    go_on = kernel_for(run_schedule, type(state.system))
    reached = np.zeros(4, dtype=np.int64)
    for until in (blocks or Blocks()).ends(0, schedule.sweeps):
        ended = go_on(state, schedule, trace, stream, reached, until)
        if progress is not None:
            progress(int(reached[0]), int(reached[1]))
        if ended:
            break
    return tuple(reached[1:].tolist())


def default_beta(energy: str, replicas: int) -> Ramp:
    """Return the default ramp of an energy; refuse an energy that has none."""
    if (energy, replicas > 1) not in BETA_RAMPS:
        raise ValueError(f"beta = None: must be given, energy {energy!r} has no default schedule")
    return BETA_RAMPS[energy, replicas > 1]


def default_coupling(instance: BinarySystem, replicas: int) -> Ramp:
    """Return the default ramp of gamma: of one replica none, of several to 3, in units of a move by one level."""
    return 0, 3 * (getattr(instance, "levels", 2) - 1) ** 2 if replicas > 1 else 0


def initial_state(
    coupled: Replicated, initial, generator: np.random.Generator
) -> ReplicatedState | LevelReplicas:
    """Return the state of the given replicas (with their majority as explicit centre), or a random one."""
    if initial is None:
        return coupled.random_state(generator)
    shape = (coupled.replicas, n_variables(coupled.instance))
    initial = real_numbers("initial", initial, "an array of +1 and -1")
    if initial.size != shape[0] * shape[1] or initial.shape[0] != shape[0]:
        raise ValueError(
            f"initial has shape {initial.shape}: must hold {shape[0]} replicas of {shape[1]} weights"
        )
    return coupled.given_state(np.reshape(initial, shape))


def run_attributes(coupled: Replicated, seed: Seed) -> dict:
    """Return the attributes that say what was run."""
    return {
        "replicas": int(coupled.replicas),
        "energy": coupled.energy,
        "centre": coupled.centre,
        "beta_unit": float(coupled.instance.beta_unit(coupled.energy)),
        "seed": seed_attribute(seed),
    }


def final_dataset(coupled: Replicated, state: ReplicatedState | LevelReplicas, seed: Seed) -> xr.Dataset:
    """Return the final replicas and the best of them."""
    instance = coupled.instance
    dims = tuple(instance.variable_dims)
    lengths = tuple(instance.variable_dims.values())
    spins = state.system.spins
    centre = coupled.centre_of(state).reshape(lengths)
    best = int(np.argmin(state.system.energies))
    weights = spins[best].reshape(lengths)
    lowest = int(state.system.energies[best])
    replica_weights = spins.reshape(-1, *lengths)
    return xr.Dataset(
        {
            "weights": (dims, weights, named("weights of the best replica")),
            "errors": ((), instance.errors(weights), named("violated constraints of the best replica")),
            "energy": ((), lowest, named("energy of the best replica")),
            "solved": ((), lowest <= 0, named("a replica has energy 0")),
            "replica_weights": (("replica", *dims), replica_weights, named("weights of the replicas")),
            "centre": (dims, centre, named("centre of the replicas")),
        }
    ).assign(teacher_variables(instance, weights, seed))


def trace_dataset(trace: Trace, rows: int) -> xr.Dataset:
    """Return what was recorded over time."""
    return xr.Dataset(
        {
            "energies": (("time", "replica"), trace.energies[:rows], named("energy")),
            "distance": (("time", "replica"), trace.distances[:rows], named("distance to the centre")),
            "overlap": (("time",), trace.overlaps[:rows], named("mean overlap between replicas")),
        },
        coords={"time": ("time", trace.sweeps[:rows], named("time", "sweeps"))},
    )


def attempt_variables(attempts: list[tuple[int, int, int, int]]) -> dict:
    """Return the costs, in all and by attempt, from (sweeps, proposals, accepted, lowest energy) of each attempt."""
    table = np.array(attempts, dtype=np.int64)
    return {
        "proposals": ((), table[:, 1].sum(), named("proposals in all attempts")),
        "accepted": ((), table[:, 2].sum(), named("accepted moves in all attempts")),
        "attempt_sweeps": (("attempt",), table[:, 0], named("length of the attempt's ramp", "sweeps")),
        "attempt_proposals": (("attempt",), table[:, 1], named("proposals of the attempt")),
        "attempt_accepted": (("attempt",), table[:, 2], named("accepted moves of the attempt")),
        "attempt_energy": (("attempt",), table[:, 3], named("lowest final energy of the attempt")),
    }
