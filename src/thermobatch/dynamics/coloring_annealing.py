"""Simulated annealing of coupled replicas of a graph colouring (experiment R7).

The law is that of `thermobatch.systems.replicated_coloring`; one replica is plain simulated annealing. A proposal
picks a replica, a vertex and one of the q - 1 other colours uniformly; a sweep is y N proposals.
"""

from typing import NamedTuple

import numpy as np
import xarray as xr

from thermobatch.compilation import kernel
from thermobatch.dynamics.annealing import (
    Ramp,
    check_count,
    checked_number,
    checked_ramp,
    child,
    named,
    record_times,
)
from thermobatch.streams import Seed, next_below, next_float, random_stream, seed_sequence
from thermobatch.systems.replicated_coloring import (
    ColoringInstance,
    ReplicatedColors,
    center_ratio,
    planted_overlap,
    recolor,
    recoloring_cost,
    replicated_colors,
)


class ColorTrace(NamedTuple):
    """What is recorded after `sweeps[r]` sweeps."""

    sweeps: np.ndarray
    """int64[R], increasing; 0 is the initial state."""
    energies: np.ndarray
    """int64[R, y]."""
    colors: np.ndarray
    """uint8[R, y, N]."""


def replicated_coloring_annealing(
    graph: ColoringInstance,
    replicas: int = 1,
    *,
    temperature: Ramp = (1.0, 0.1),
    coupling: Ramp = (0.0, 0.5),
    sweeps: int = 1000,
    stop_at_solution: bool = True,
    records: int = 64,
    initial: np.ndarray | None = None,
    seed: Seed = 0,
) -> xr.Dataset:
    """Anneal coupled replicas of a colouring, once, along linear ramps of temperature and coupling.

    Parameters
    ----------
    graph : a ColoringGraph, or anything with offsets int64[N + 1], neighbors int32[2 M], q, planted uint8[N] or None.
    replicas : number of replicas y; 1 is plain simulated annealing (the coupling then has no effect).
    temperature : first and last temperature, > 0 (equal: a run at fixed temperature).
    coupling : first and last gamma, in the convention exp(2 gamma delta(s_i, V_i)) that is the binary one at q = 2.
    sweeps : length of the ramp.
    stop_at_solution : stop after the sweep in which a replica reaches zero energy.
    records : about how many times the run is recorded (the start and the end always are).
    initial : uint8[y, N] colours; random when left out.
    seed : non-negative integer or SeedSequence.

    Returns
    -------
    Dataset
        Over ``time`` (sweeps, from 0 before any move): ``energies`` per vertex of every replica, ``distance`` between
        replicas (mean fraction of vertices coloured differently), ``planted_overlap`` of every replica if the graph
        is planted (best over colour permutations). Finally ``colors`` (best replica), ``errors``, ``solved``,
        ``proposals``, ``accepted``.

    Raises
    ------
    ValueError
        For a value out of range.
    """
    for name, value in (("replicas", replicas), ("sweeps", sweeps), ("records", records)):
        check_count(name, value)
    temperature = checked_ramp("temperature", temperature)
    if min(temperature) <= 0:
        raise ValueError(f"temperature = {temperature!r}: must be positive")
    coupling = checked_ramp("coupling", coupling)
    if checked_number("coupling", max(coupling)) > 300:
        raise ValueError(f"coupling = {coupling!r}: must be at most 300")
    n = len(graph.offsets) - 1
    root = seed_sequence(seed)
    if initial is None:
        generator = np.random.default_rng(child(root, 0))
        initial = generator.integers(0, graph.q, size=(replicas, n), dtype=np.uint8)
    elif np.shape(initial) != (replicas, n) or np.min(initial) < 0 or np.max(initial) >= graph.q:
        raise ValueError(
            f"initial has shape {np.shape(initial)}: must be {(replicas, n)} colours in 0..{graph.q - 1}"
        )
    state = replicated_colors(graph, np.asarray(initial, dtype=np.uint8))
    times = record_times(sweeps, records)
    trace = ColorTrace(
        times, np.zeros((len(times), replicas), np.int64), np.zeros((len(times), replicas, n), np.uint8)
    )
    proposals, accepted, rows = anneal_colors(
        state, (temperature, coupling), sweeps, stop_at_solution, trace, random_stream(child(root, 1))
    )
    dataset = coloring_dataset(graph, state, trace, rows)
    dataset["proposals"] = ((), proposals, named("proposals"))
    dataset["accepted"] = ((), accepted, named("accepted moves"))
    return dataset.assign_attrs(
        replicas=replicas, temperature=list(temperature), coupling=list(coupling), sweeps=sweeps
    )


def coloring_dataset(graph: ColoringInstance, state: ReplicatedColors, trace: ColorTrace, rows: int) -> xr.Dataset:
    """Return the final colours and what was recorded."""
    replicas, n = state.colors.shape
    best = int(np.argmin(state.energies))
    dims = ("time", "replica")
    dataset = xr.Dataset(
        {
            "colors": (("vertex",), state.colors[best], named("colours of the best replica")),
            "errors": ((), int(state.energies[best]), named("monochromatic edges of the best replica")),
            "solved": ((), bool(state.energies[best] == 0), named("a replica is a proper colouring")),
            "energies": (dims, trace.energies[:rows] / n, named("energy per vertex")),
            "distance": (("time",), replica_distances(trace.colors[:rows]), named("distance between replicas")),
        },
        coords={"time": ("time", trace.sweeps[:rows], named("time", "sweeps"))},
    )
    if graph.planted is not None:
        overlaps = [[planted_overlap(c, graph.planted, graph.q) for c in row] for row in trace.colors[:rows]]
        dataset["planted_overlap"] = (dims, np.array(overlaps), named("overlap with the planted colouring"))
    return dataset


def replica_distances(colors: np.ndarray) -> np.ndarray:
    """Return the mean fraction of vertices coloured differently by two replicas, from uint8[R, y, N] (0 if y = 1)."""
    replicas = colors.shape[1]
    pairs = [(a, b) for a in range(replicas) for b in range(a)]
    if not pairs:
        return np.zeros(len(colors))
    return np.mean([(colors[:, a] != colors[:, b]).mean(axis=-1) for a, b in pairs], axis=0)


@kernel
def sweep_colors(state, temperature, coupling, stream):
    """Make y N proposals; return how many were accepted."""
    colors, counts, energies, offsets, neighbors = state
    replicas, vertices = colors.shape
    coupled = replicas > 1 and coupling > 0.0
    powers = np.exp(2.0 * coupling * np.arange(-replicas, 2))
    accepted = 0
    for _ in range(replicas * vertices):
        spin = next_below(stream, replicas * vertices)
        replica = spin // vertices
        vertex = spin - replica * vertices
        old = np.int64(colors[replica, vertex])
        new = next_below(stream, counts.shape[1] - 1)
        new += np.int64(new >= old)
        cost = recoloring_cost(colors, offsets, neighbors, (replica, vertex), new)
        ratio = np.exp(min(700.0, -cost / temperature)) if coupled or cost > 0 else 1.0
        if coupled:
            ratio *= center_ratio(counts, vertex, old, new, powers)
        if ratio >= 1.0 or next_float(stream) < ratio:
            recolor(colors, counts, (replica, vertex), new)
            energies[replica] += cost
            accepted += 1
    return accepted


@kernel
def anneal_colors(state, ramps, sweeps, stop_at_solution, trace, stream):
    """Run the ramps, recording; return (proposals, accepted, filled rows of the trace)."""
    replicas, vertices = state.colors.shape
    temperature, coupling = ramps
    accepted = 0
    row = 0
    for number in range(sweeps + 1):
        done = number == sweeps or (stop_at_solution and state.energies.min() == 0)
        if trace.sweeps[row] == number or done:
            trace.sweeps[row] = number
            trace.energies[row] = state.energies
            trace.colors[row] = state.colors
            row += 1
        if done:
            break
        progress = number / max(sweeps - 1, 1)
        accepted += sweep_colors(
            state,
            temperature[0] + progress * (temperature[1] - temperature[0]),
            coupling[0] + progress * (coupling[1] - coupling[0]),
            stream,
        )
    return number * replicas * vertices, accepted, row
