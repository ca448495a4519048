"""Metropolis dynamics of the robust ensemble: the compiled sampler shared by annealing and equilibrium runs.

A proposal picks a (replica, variable) pair uniformly and flips it with probability min(1, ratio), the ratio
of the weights of `thermobatch.networks.replicated`. A sweep is as many proposals as there are spins: y V, or
(y + 1) V with an explicit centre. One replica without coupling is plain Metropolis.
"""

from typing import NamedTuple

import numpy as np

from thermobatch.foundation.compilation import kernel
from thermobatch.foundation.streams import advance
from thermobatch.networks.binary import energy_change
from thermobatch.networks.replicated import alignment_of, coupling_factors, flip_replicated

NO_TARGET = -(2**62)
NEGLIGIBLE = 64 * np.log(2.0)
"""A move whose probability is below 2**-64 is refused without drawing: one wrong refusal in 1e19 proposals."""
LARGEST_EXPONENT = 700.0
"""Exponents are cut there, so that no factor is infinite (exp(700) is 1e304: certain anyway)."""


class Schedule(NamedTuple):
    """Linear ramps of beta and gamma, sweep by sweep from the first to the last value, and when to stop."""

    sweeps: int
    """Number of sweeps T."""
    beta: tuple[float, float]
    """Inverse temperature (1 / energy) of the first and of the last sweep."""
    coupling: tuple[float, float]
    """Gamma of the first and of the last sweep."""
    target: int
    """Stop as soon as the energy of any replica is this or lower (NO_TARGET: never)."""
    max_proposals: int
    """Stop after this many proposals."""


class Trace(NamedTuple):
    """What is recorded, after `sweeps[r]` sweeps (and in the final state if the target is reached before)."""

    sweeps: np.ndarray
    """int64[R], increasing; 0 is the initial state."""
    energies: np.ndarray
    """int64[R, y]."""
    distances: np.ndarray
    """float64[R, y]: Hamming distance per variable from the centre (traced: the majority, a tie counting 1/2)."""
    overlaps: np.ndarray
    """float64[R]: mean overlap of two different replicas (1 for a single replica)."""
    spins: np.ndarray
    """int8[R, y, V], or of size 0 when configurations are not kept."""


def empty_trace(sweeps: np.ndarray, replicas: int, variables: int, keep_spins: bool = False) -> Trace:
    """Return a trace to be filled at the given numbers of sweeps."""
    records = len(sweeps)
    return Trace(
        sweeps=np.asarray(sweeps, dtype=np.int64),
        energies=np.zeros((records, replicas), dtype=np.int64),
        distances=np.zeros((records, replicas)),
        overlaps=np.zeros(records),
        spins=np.zeros((records if keep_spins else 0, replicas, variables), dtype=np.int8),
    )


@kernel
def distance_to_centre(state, replica):
    """Return the Hamming distance per variable of a replica from the centre (or from the majority)."""
    spins = state.system.spins[replica]
    overlap = 0
    for variable in range(spins.size):
        if state.centre.size:
            overlap += spins[variable] * state.centre[variable]
        else:
            overlap += spins[variable] * np.sign(state.sums[variable])
    return 0.5 * (1.0 - overlap / spins.size)


@kernel
def mean_overlap(state):
    """Return the mean overlap of two different replicas, from sum_i (sum_r W_i^r)^2."""
    replicas, variables = state.system.spins.shape
    if replicas == 1:
        return 1.0
    total = 0.0
    for variable in range(variables):
        total += np.float64(state.sums[variable]) ** 2
    return (total / variables - replicas) / (replicas * (replicas - 1))


@kernel
def record(trace, row, state):
    """Write the observables of a state in a row of the trace."""
    trace.overlaps[row] = mean_overlap(state)
    for replica in range(state.system.energies.size):
        trace.energies[row, replica] = state.system.energies[replica]
        trace.distances[row, replica] = distance_to_centre(state, replica)
        if trace.spins.size:
            trace.spins[row, replica] = state.system.spins[replica]


@kernel
def boltzmann_factors(beta, negligible):
    """Return exp(-beta dE) for dE = -D..D, D as far as the factor is not negligible (and 1024 at most)."""
    reach = 1024
    if beta * reach > negligible:
        reach = np.int64(np.ceil(negligible / beta))
    factors = np.empty(2 * reach + 1)
    for change in range(-reach, reach + 1):
        factors[change + reach] = np.exp(min(LARGEST_EXPONENT, -beta * change))
    return factors


@kernel
def sweep(state, beta, coupling, stream, proposals, target):
    """Make up to `proposals` proposals, stopping at the target energy; return (made, accepted).

    One random word serves a proposal: its high half draws the spin (Lemire's method, exact), its low half
    decides; the rare case in which 32 bits cannot decide draws another word.
    """
    system, sums, centre = state
    replicas, variables = system.spins.shape
    spins = np.uint64(replicas * variables + centre.size)
    low_half = np.uint64(0xFFFFFFFF)
    threshold = (np.uint64(0x100000000) - spins) % spins
    negligible = NEGLIGIBLE + 2.0 * coupling
    boltzmann = boltzmann_factors(beta, negligible)
    couplings = coupling_factors(coupling, replicas, centre.size > 0)
    reach = boltzmann.size // 2
    s0, s1, s2, s3 = stream[0], stream[1], stream[2], stream[3]
    made = 0
    accepted = 0
    while made < proposals:
        word, s0, s1, s2, s3 = advance(s0, s1, s2, s3)
        product = (word >> np.uint64(32)) * spins
        if (product & low_half) < threshold:
            continue
        made += 1
        index = product >> np.uint64(32)
        replica = np.int64(index // np.uint64(variables))
        variable = np.int64(index) - replica * variables
        change = np.int64(0)
        if replica < replicas:
            change = energy_change(system, replica, variable)
        if -reach <= change <= reach:
            factor = boltzmann[change + reach]
        elif beta * change > negligible:
            continue
        else:
            factor = np.exp(min(LARGEST_EXPONENT, -beta * change))
        factor *= couplings[alignment_of(system.spins, sums, centre, replica, variable) + replicas]
        excess = factor * 4294967296.0 - np.float64(word & low_half)
        if excess <= 0.0:
            continue
        if excess < 1.0:
            word, s0, s1, s2, s3 = advance(s0, s1, s2, s3)
            if np.float64(word >> np.uint64(11)) * 1.1102230246251565e-16 >= excess:
                continue
        flip_replicated(system, sums, centre, replica, variable, change)
        accepted += 1
        if replica < replicas and system.energies[replica] <= target:
            break
    stream[0], stream[1], stream[2], stream[3] = s0, s1, s2, s3
    return made, accepted


@kernel
def run_schedule(state, schedule, trace, stream, reached, until):
    """Go on with a schedule to sweep `until`, recording; return whether it has ended.

    `reached` (int64[4], zeros at the start) holds the sweeps, proposals, accepted moves and filled rows of the trace.
    """
    replicas, variables = state.system.spins.shape
    spins = replicas * variables + state.centre.size
    number, proposals, accepted, row = reached[0], reached[1], reached[2], reached[3]
    while True:
        done = proposals == schedule.max_proposals or state.system.energies.min() <= schedule.target
        ended = done or number == schedule.sweeps
        if number == until and not ended:
            break
        if row < trace.sweeps.size and (trace.sweeps[row] == number or done):
            record(trace, row, state)
            trace.sweeps[row] = number
            row += 1
        if ended:
            break
        progress = number / max(schedule.sweeps - 1, 1)
        beta = schedule.beta[0] + progress * (schedule.beta[1] - schedule.beta[0])
        coupling = schedule.coupling[0] + progress * (schedule.coupling[1] - schedule.coupling[0])
        wanted = min(spins, schedule.max_proposals - proposals)
        made, flipped = sweep(state, beta, coupling, stream, wanted, schedule.target)
        proposals += made
        accepted += flipped
        number += 1
    reached[0], reached[1], reached[2], reached[3] = number, proposals, accepted, row
    return ended
