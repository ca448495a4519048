"""Simulated annealing of coupled replicas of a graph colouring (experiment R7).

The law is that of `thermobatch.coloring.replicated`; one replica is plain simulated annealing. A
proposal picks a replica, a vertex and one of the q - 1 other colours uniformly; a sweep is y N proposals.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import xarray as xr

from thermobatch.coloring.colorings import checked_colors, overlap
from thermobatch.coloring.graph import ColoringGraph
from thermobatch.coloring.node_labels import refuse_unordered, vertex_coordinate
from thermobatch.coloring.replicated import (
    ReplicatedColors,
    centre_ratio,
    recolor,
    recoloring_cost,
    replicated_colors,
)
from thermobatch.foundation.arguments import checked_integer, checked_real, real_numbers
from thermobatch.foundation.blocks import Blocks
from thermobatch.foundation.compilation import kernel
from thermobatch.foundation.description import named, seed_attribute
from thermobatch.foundation.ramps import Ramp, checked_ramp
from thermobatch.foundation.record_times import evenly_spaced_sweeps
from thermobatch.foundation.streams import Seed, child_seed, next_below, next_float, random_stream

LARGEST_COUPLING = 300.0
"""So that exp(2 gamma) is finite; far beyond any coupling that lets replicas differ."""


class ColorTrace(NamedTuple):
    """What is recorded after `sweeps[r]` sweeps."""

    sweeps: np.ndarray
    """int64[R], increasing; 0 is the initial state."""
    energies: np.ndarray
    """int64[R, y]."""
    colors: np.ndarray
    """uint8[R, y, N]."""


def replicated_coloring_annealing(
    graph: ColoringGraph,
    replicas: int = 1,
    *,
    temperature: Ramp = (1.0, 0.1),
    coupling: Ramp = (0.0, 0.5),
    sweeps: int = 1000,
    stop_at_solution: bool = True,
    records: int = 64,
    initial: np.ndarray | None = None,
    seed: Seed = 0,
    progress: Callable[[int], object] | None = None,
) -> xr.Dataset:
    """Anneal coupled replicas of a colouring, once, along linear ramps of temperature and coupling.

    Parameters
    ----------
    graph : ColoringGraph.
    replicas : number of replicas y; 1 is plain simulated annealing (the coupling then has no effect).
    temperature : first and last temperature, > 0 (equal: a run at fixed temperature).
    coupling : first and last gamma, in the convention exp(2 gamma delta(s_i, V_i)) that is the binary one
        at q = 2.
    sweeps : length of the ramp.
    stop_at_solution : stop after the sweep in which a replica reaches zero energy.
    records : about how many times the run is recorded (the start and the end always are).
    initial : uint8[y, N] colours; random when left out.
    seed : non-negative integer or SeedSequence.
    progress : called with the number of sweeps made, about twice a second.

    Returns
    -------
    Dataset
        Over ``time`` (sweeps, from 0 before any move): ``energy`` E/N of every replica, ``distance`` between
        replicas (mean fraction of vertices coloured differently), ``overlap`` of every replica with the planted
        colouring, if any (the best over colour permutations). Finally ``colors`` (best replica),
        ``replica_colors``, ``errors``, ``solved``, ``proposals``, ``accepted``.

    Raises
    ------
    ValueError
        For a value out of range.
    """
    replicas = checked_integer("replicas", replicas, 1)
    sweeps = checked_integer("sweeps", sweeps, 1)
    records = checked_integer("records", records, 1)
    temperature = checked_ramp("temperature", temperature)
    checked_real("temperature", min(temperature), 0, open_low=True)
    coupling = checked_ramp("coupling", coupling)
    checked_real("coupling", max(coupling), 0, LARGEST_COUPLING)
    state = replicated_colors(graph, initial_replicas(graph, replicas, initial, seed))
    times = evenly_spaced_sweeps(sweeps, records)
    trace = ColorTrace(
        sweeps=times,
        energies=np.zeros((len(times), replicas), np.int64),
        colors=np.zeros((len(times), replicas, graph.n), np.uint8),
    )
    ramps = (temperature, coupling)
    stream = random_stream(child_seed(seed, 1))
    proposals, accepted, rows = anneal_colors(state, ramps, sweeps, stop_at_solution, trace, stream, progress)
    dataset = coloring_dataset(graph, state, trace, rows)
    dataset["proposals"] = ((), proposals, named("proposals"))
    dataset["accepted"] = ((), accepted, named("accepted moves"))
    return dataset.assign_attrs(
        replicas=replicas,
        temperature=list(temperature),
        coupling=list(coupling),
        sweeps=sweeps,
        seed=seed_attribute(seed),
    )


def initial_replicas(graph: ColoringGraph, replicas: int, initial, seed: Seed) -> np.ndarray:
    """Return the given colours, checked, or independent random ones: uint8[y, N]."""
    if initial is None:
        generator = np.random.default_rng(child_seed(seed, 0))
        return generator.integers(0, graph.q, size=(replicas, graph.n), dtype=np.uint8)
    if isinstance(initial, list | tuple):
        refuse_unordered("initial", initial, graph.nodes)
    rows = np.atleast_1d(real_numbers("initial", initial, "integers of shape (replicas, N)"))
    if len(rows) != replicas:
        raise ValueError(f"initial has {len(rows)} rows: must be {replicas}, one per replica")
    return np.array([checked_colors("initial", row, graph.n, graph.q) for row in rows])


def coloring_dataset(
    graph: ColoringGraph, state: ReplicatedColors, trace: ColorTrace, rows: int
) -> xr.Dataset:
    """Return the final colours and what was recorded."""
    best = int(np.argmin(state.energies))
    distances = replica_distances(trace.colors[:rows])
    dims = ("time", "replica")
    dataset = xr.Dataset(
        {
            "colors": (("vertex",), state.colors[best], named("colours of the best replica")),
            "replica_colors": (("replica", "vertex"), state.colors, named("colours of the replicas")),
            "errors": ((), int(state.energies[best]), named("monochromatic edges of the best replica")),
            "solved": ((), bool(state.energies[best] == 0), named("a replica is a proper colouring")),
            "energy": (dims, trace.energies[:rows] / graph.n, named("energy per vertex")),
            "distance": (("time",), distances, named("distance between replicas")),
        },
        coords={
            "time": ("time", trace.sweeps[:rows], named("time", "sweeps")),
            **vertex_coordinate(graph.nodes),
        },
    )
    if graph.planted is not None:
        overlaps = [
            [overlap(colors, graph.planted, graph.q) for colors in row] for row in trace.colors[:rows]
        ]
        dataset["overlap"] = (dims, np.array(overlaps), named("overlap with the planted colouring"))
    return dataset


def replica_distances(colors: np.ndarray) -> np.ndarray:
    """Return the mean fraction of vertices that two replicas colour differently, from uint8[R, y, N] (y = 1: 0)."""
    replicas = colors.shape[1]
    pairs = [(a, b) for a in range(replicas) for b in range(a)]
    if not pairs:
        return np.zeros(len(colors))
    return np.mean([(colors[:, a] != colors[:, b]).mean(axis=-1) for a, b in pairs], axis=0)


@kernel
def sweep_colors(state, boltzmann, powers, stream):
    """Make y N proposals; return how many were accepted.

    boltzmann[dE + D] = exp(-dE / T) with D the largest degree, powers[k + y] = exp(2 gamma k) for k = -y..1.
    """
    colors, counts, energies, offsets, neighbors = state
    replicas, vertices = colors.shape
    coupled = replicas > 1 and powers[replicas + 1] > 1.0
    reach = boltzmann.size // 2
    accepted = 0
    for _ in range(replicas * vertices):
        spin = np.uint64(next_below(stream, replicas * vertices))
        replica = np.int64(spin // np.uint64(vertices))
        vertex = np.int64(spin) - replica * vertices
        old = np.int64(colors[replica, vertex])
        new = next_below(stream, counts.shape[1] - 1)
        new += np.int64(new >= old)
        cost = recoloring_cost(colors, offsets, neighbors, (replica, vertex), new)
        ratio = boltzmann[cost + reach]
        if coupled:
            ratio *= centre_ratio(counts, vertex, old, new, powers)
        if ratio >= 1.0 or next_float(stream) < ratio:
            recolor(colors, counts, (replica, vertex), new)
            energies[replica] += cost
            accepted += 1
    return accepted


def anneal_colors(
    state: ReplicatedColors,
    ramps: tuple[Ramp, Ramp],
    sweeps: int,
    stop_at_solution: bool,
    trace: ColorTrace,
    stream: np.ndarray,
    progress: Callable[[int], object] | None = None,
) -> tuple[int, int, int]:
    """Run the ramps, recording; return (proposals, accepted, filled rows of the trace)."""
    reached = np.zeros(3, dtype=np.int64)
    for until in Blocks().ends(0, sweeps):
        ended = run_ramps(state, ramps, sweeps, stop_at_solution, trace, stream, reached, until)
        if progress is not None:
            progress(int(reached[0]))
        if ended:
            break
    number, accepted, rows = reached.tolist()
    return number * state.colors.size, accepted, rows


@kernel
def run_ramps(state, ramps, sweeps, stop_at_solution, trace, stream, reached, until):
    """Go on with the ramps to sweep `until`, recording; return whether they have ended.

    `reached` (int64[3], zeros at the start) holds the sweeps, accepted moves and filled rows of the trace.
    """
    replicas = state.colors.shape[0]
    temperature, coupling = ramps
    largest_degree = np.diff(state.offsets).max()
    changes = np.arange(-largest_degree, largest_degree + 1)
    number, accepted, row = reached[0], reached[1], reached[2]
    while True:
        ended = number == sweeps or (stop_at_solution and state.energies.min() == 0)
        if number == until and not ended:
            break
        if trace.sweeps[row] == number or ended:
            trace.sweeps[row] = number
            trace.energies[row] = state.energies
            trace.colors[row] = state.colors
            row += 1
        if ended:
            break
        progress = number / max(sweeps - 1, 1)
        now = temperature[0] + progress * (temperature[1] - temperature[0])
        gamma = coupling[0] + progress * (coupling[1] - coupling[0])
        boltzmann = np.exp(np.minimum(700.0, -changes / now))
        powers = np.exp(2.0 * gamma * np.arange(-replicas, 2))
        accepted += sweep_colors(state, boltzmann, powers, stream)
        number += 1
    reached[0], reached[1], reached[2] = number, accepted, row
    return ended
