"""Metropolis dynamics of coupled replicas whose weights have several levels: the sampler of `networks.level_replicas`.

A proposal picks a (replica, weight, direction) triple uniformly and moves that weight by one level, by +2 or -2. It is
symmetric: a move beyond the last level is proposed as often as any, and refused. It counts as a proposal, as those do
that are refused by their probability; a sweep is y V proposals. With two levels half of the proposals would be beyond
the end; binary weights have their own sampler, `replicated_metropolis`, which does not make these.
"""

from collections.abc import Callable

import numpy as np

from thermobatch.foundation.blocks import Blocks
from thermobatch.foundation.compilation import kernel
from thermobatch.foundation.streams import advance
from thermobatch.networks.bit_planes import ONES, popcount
from thermobatch.networks.dynamics.replicated_metropolis import (
    LARGEST_EXPONENT,
    NEGLIGIBLE,
    Schedule,
    Trace,
    boltzmann_factors,
)
from thermobatch.networks.level_replicas import LevelReplicas, distances_and_overlap
from thermobatch.networks.threshold_units import flip_single_unit


def run_levels(
    state: LevelReplicas,
    schedule: Schedule,
    trace: Trace,
    stream: np.ndarray,
    progress: Callable[[int, int], object],
    blocks: Blocks,
) -> tuple[int, int, int]:
    """Run a schedule on a state; return (proposals, accepted, filled rows of the trace).

    `progress` is told the sweeps and the proposals made; `blocks` knows the speed of runs before.
    """
    reached = np.zeros(3, dtype=np.int64)
    row, done = 0, False
    for until in blocks.ends(0, schedule.sweeps):
        while True:
            done = reached[1] == schedule.max_proposals or state.system.energies.min() <= schedule.target
            if row < trace.sweeps.size and (done or trace.sweeps[row] == reached[0]):
                record_levels(trace, row, state)
                trace.sweeps[row] = reached[0]
                row += 1
            if done or reached[0] == until:
                break
            due = trace.sweeps[row] if row < trace.sweeps.size else until
            level_sweeps(state, schedule, stream, reached, min(until, due))
        progress(int(reached[0]), int(reached[1]))
        if done:
            break
    return int(reached[1]), int(reached[2]), row


def record_levels(trace: Trace, row: int, state: LevelReplicas) -> None:
    """Write the observables of a state in a row of the trace."""
    trace.energies[row] = state.system.energies
    trace.distances[row], trace.overlaps[row] = distances_and_overlap(state)
    if trace.spins.size:
        trace.spins[row] = state.system.spins


@kernel
def level_sweeps(state, schedule, stream, reached, until):
    """Go on with a schedule to sweep `until`, or until a target or the cap is reached.

    `reached` (int64[3], zeros at the start) holds the sweeps, the proposals and the accepted moves.
    """
    replicas, variables = state.system.spins.shape
    while reached[0] < until:
        progress = reached[0] / max(schedule.sweeps - 1, 1)
        beta = schedule.beta[0] + progress * (schedule.beta[1] - schedule.beta[0])
        coupling = schedule.coupling[0] + progress * (schedule.coupling[1] - schedule.coupling[0])
        wanted = min(replicas * variables, schedule.max_proposals - reached[1])
        made, moved = level_sweep(state, beta, coupling, stream, wanted, schedule.target)
        reached[0] += 1
        reached[1] += made
        reached[2] += moved
        if reached[1] == schedule.max_proposals or state.system.energies.min() <= schedule.target:
            break


@kernel
def level_factors(coupling, replicas, top):
    """Return the factor of the acceptance ratio due to the coupling, by [direction, (W + T) / 2, (S + y T) / 2].

    Direction 0 is down, 1 is up; places that no move can come from stay 1.
    """
    scale = coupling / (2.0 * top * top)
    free = np.empty(replicas * top + 1)  # g of the module `level_replicas`, by (S + y T) / 2
    for place in range(free.size):
        total = 2.0 * place - replicas * top
        best = -np.inf
        for centre in range(-top, top + 1, 2):
            best = max(best, -scale * centre * (replicas * centre - 2.0 * total))
        terms = 0.0
        for centre in range(-top, top + 1, 2):
            terms += np.exp(-scale * centre * (replicas * centre - 2.0 * total) - best)
        free[place] = best + np.log(terms)
    factors = np.ones((2, top + 1, free.size))
    for direction in range(2):
        step = 2 * direction - 1
        for index in range(top + 1):
            for place in range(free.size):
                if 0 <= index + step <= top and 0 <= place + step < free.size:
                    exponent = -4.0 * scale * (step * (2 * index - top) + 1)
                    exponent += free[place + step] - free[place]
                    factors[direction, index, place] = np.exp(min(LARGEST_EXPONENT, exponent))
    return factors


@kernel(forceinline=True)
def level_energy_change(system, replica, variable, inverted):
    """Return dE of moving a weight by a level, down (inverted = 0) or up (all bits), as of a flip from +1 or -1."""
    change = 0
    for word in range(system.columns.shape[1]):
        falls = system.columns[variable, word] ^ inverted
        change += popcount(system.masks[0, replica, 0, word] & falls)
        change -= popcount(system.masks[1, replica, 0, word] & ~falls)
    return change


@kernel
def level_sweep(state, beta, coupling, stream, proposals, target):
    """Make up to `proposals` proposals, stopping at the target energy; return (made, accepted).

    Random words are used as in `replicated_metropolis.sweep`: the high half draws the triple, the low half decides.
    """
    system, sums, top = state
    replicas, variables = system.spins.shape
    triples = np.uint64(2 * replicas * variables)
    low_half = np.uint64(0xFFFFFFFF)
    threshold = (np.uint64(0x100000000) - triples) % triples
    negligible = NEGLIGIBLE + 2.0 * coupling
    boltzmann = boltzmann_factors(beta, negligible)
    couplings = level_factors(coupling, replicas, top)
    reach = boltzmann.size // 2
    s0, s1, s2, s3 = stream[0], stream[1], stream[2], stream[3]
    made = 0
    accepted = 0
    while made < proposals:
        word, s0, s1, s2, s3 = advance(s0, s1, s2, s3)
        product = (word >> np.uint64(32)) * triples
        if (product & low_half) < threshold:
            continue
        made += 1
        index = np.int64(product >> np.uint64(32))
        direction = index & 1
        step = 2 * direction - 1
        replica = np.int64(np.uint64(index >> 1) // np.uint64(variables))
        variable = (index >> 1) - replica * variables
        weight = np.int64(system.spins[replica, variable])
        if weight * step == top:
            continue
        inverted = ONES if direction else np.uint64(0)
        change = level_energy_change(system, replica, variable, inverted)
        if -reach <= change <= reach:
            factor = boltzmann[change + reach]
        elif beta * change > negligible:
            continue
        else:
            factor = np.exp(min(LARGEST_EXPONENT, -beta * change))
        factor *= couplings[direction, (weight + top) >> 1, (sums[variable] + replicas * top) >> 1]
        excess = factor * 4294967296.0 - np.float64(word & low_half)
        if excess <= 0.0:
            continue
        if excess < 1.0:
            word, s0, s1, s2, s3 = advance(s0, s1, s2, s3)
            if np.float64(word >> np.uint64(11)) * 1.1102230246251565e-16 >= excess:
                continue
        system.spins[replica, variable] += 2 * step
        system.energies[replica] += change
        sums[variable] += 2 * step
        flip_single_unit(system, replica, variable, inverted)
        accepted += 1
        if system.energies[replica] <= target:
            break
    stream[0], stream[1], stream[2], stream[3] = s0, s1, s2, s3
    return made, accepted
