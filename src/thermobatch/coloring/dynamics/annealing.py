"""Simulated annealing of one colouring, or of coupled replicas of it, by Metropolis moves or mini-batches (R7, R8).

The replicas have the energy H = sum_a E(s^a) - (gamma/R) sum_{a<b} sum_i delta(s_i^a, s_i^b): a vertex gains gamma/R
for every pair of replicas that give it the same colour, by name. One sweep visits every vertex of one replica in
order, then of the next.

Source: M. C. Angelini, F. Ricci-Tersenghi, Phys. Rev. X 13, 021011 (2023), arXiv:2206.04760, for the replicated
annealing; mini-batches of replicas are ours.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
import xarray as xr

from thermobatch.coloring.adjacency import monochromatic_edges
from thermobatch.coloring.colorings import checked_colors, confusion_matrix, overlap_of_confusion
from thermobatch.coloring.dynamics.acceptance import LARGEST_TABLE_DEGREE
from thermobatch.coloring.dynamics.chain import LARGEST_WORD_DEGREE, PROPOSALS_AT_FIRST, fits_words
from thermobatch.coloring.dynamics.replica_sweeps import Replicas, Schedule, empty_tables, run_replicas
from thermobatch.coloring.dynamics.run import checked_graph
from thermobatch.coloring.dynamics.sweeps import Instance, colors_of, words_of
from thermobatch.coloring.graph import ColoringGraph
from thermobatch.coloring.node_labels import in_vertex_order, vertex_coordinate
from thermobatch.foundation.arguments import checked_integer, checked_real, described, real_numbers
from thermobatch.foundation.blocks import Blocks
from thermobatch.foundation.compilation import kernel
from thermobatch.foundation.description import named, seed_attribute
from thermobatch.foundation.ramps import Ramp, checked_ramp
from thermobatch.foundation.record_times import evenly_spaced_sweeps
from thermobatch.foundation.streams import Seed, child_seed, random_stream

MOST_REPLICAS = 255


def anneal_coloring(
    graph: ColoringGraph,
    sweeps: int,
    seed: Seed,
    *,
    temperature: Ramp = (1.0, 0.0),
    replicas: int = 10,
    coupling: float = 0.5,
    batch_fraction: Ramp | Sequence[float] | None = None,
    stop_overlap: float | None = 0.6,
    initial=None,
    records: int = 200,
    progress: Callable[[int], object] | None = None,
) -> xr.Dataset:
    """Cool coupled replicas of a colouring together, at constant coupling: replicated simulated annealing (RSA).

    One sweep is R N proposals: every replica in turn, every vertex in order, a new colour uniform among the q - 1
    others. The move costs dH = n_new - n_old + (gamma/R) (r_old - r_new), where n_old and n_new neighbours in the same
    replica, and r_old and r_new other replicas at the same vertex, have the current and the proposed colour. It is made
    with probability min(1, exp(-dH/T)). With `batch_fraction`, every neighbour is instead in a mini-batch with
    probability B and every other replica with probability B_R = 1 - exp(-gamma/(R T)), afresh at every proposal, and
    the move is made iff the terms in the mini-batch do not cost more afterwards.

    Parameters
    ----------
    graph : ColoringGraph
        The instance.
    sweeps : int
        Length of the schedule, >= 1, in sweeps of every replica.
    seed : int or SeedSequence
        Determines the run.
    temperature : (first, last)
        T >= 0, in units of the energy of an edge, falls linearly: sweep k of n (from 0) is made at
        first + (last - first) k/n, so that the last temperature itself is not reached. Two equal numbers: no annealing.
    replicas : int
        R, 1 to 255; 1 is plain simulated annealing.
    coupling : float
        gamma >= 0, in units of the energy of an edge; 0 is R independent chains.
    batch_fraction : None, (first, last), or array_like of float, shape (sweeps,)
        None: Metropolis moves. Else B in (0, 1] of the mini-batches of edges: linear as `temperature` is, or one a
        sweep (such as B(T): `batch_fraction_for_temperature`; so are two numbers for two sweeps). T then only gives
        B_R.
    stop_overlap : float or None
        In [0, 1): the run stops at the end of the first sweep after which the overlap of some replica with the planted
        colouring exceeds this. None: the whole schedule is run (needed where nothing is planted).
    initial : array_like of int, shape (R, N), optional
        Colours to start from, in the order of ``graph.nodes`` (or a list of R mappings from node to colour); default:
        independent and uniform.
    records : int
        About how many times the run is recorded, >= 1 (the start always is, and the end of the schedule).
    progress : callable, optional
        Called with the number of sweeps done, about twice a second.

    Returns
    -------
    xarray.Dataset
        - ``energy(time, replica)`` = E/N and, of planted graphs, ``overlap(time, replica)``; time in sweeps, 0 before
          any move;
        - ``pair_overlap(time)`` = (q f - 1)/(q - 1), f the share of vertices with equal colours in two replicas, mean
          over pairs (NaN for one replica); ``temperature(time)``: T of the sweep that would come next;
        - ``colors(replica, vertex)``: the final colours, uint8; ``proposals`` and ``accepted``; ``stopped_at``: sweeps
          made;
        - with `stop_overlap`, ``first_passage``: the sweep at which the overlap was exceeded, ``passage_temperature``:
          the temperature of that sweep, and ``passage_replica``: which one it was (the largest overlap); NaN if none.

        Of a run that stopped early nothing is invented: later values are NaN.

    Raises
    ------
    ValueError
        If an argument is out of range; the message names it, its value and what is allowed.

    References
    ----------
    Angelini & Ricci-Tersenghi, Phys. Rev. X 13, 021011 (2023), arXiv:2206.04760.

    Examples
    --------
    >>> from thermobatch.coloring.graph import planted_coloring
    >>> graph = planted_coloring(n=500, q=5, mean_degree=20.0, seed=1)
    >>> run = anneal_coloring(graph, sweeps=2000, replicas=5, coupling=0.5, stop_overlap=0.6, seed=2)
    >>> bool(run.first_passage < 2000)
    True
    """
    graph = checked_graph(graph)
    sweeps = checked_integer("sweeps", sweeps, 1)
    replicas = checked_integer("replicas", replicas, 1, MOST_REPLICAS)
    records = checked_integer("records", records, 1)
    if stop_overlap is not None:
        stop_overlap = checked_real("stop_overlap", stop_overlap, 0, 1, open_high=True)
        if graph.planted is None:
            raise ValueError(
                f"stop_overlap = {stop_overlap!r}: must be None, the graph has no planted colouring"
            )
    schedule = _schedule(sweeps, temperature, replicas, coupling, batch_fraction)
    if schedule.batch_fraction.size and graph.max_degree > LARGEST_TABLE_DEGREE:
        raise ValueError(
            f"batch_fraction {described(batch_fraction)}: must be None, the largest degree is {graph.max_degree} and "
            f"mini-batches allow {LARGEST_TABLE_DEGREE}"
        )
    colors = _initial_colors(graph, replicas, initial, seed)
    chain = _ReplicatedChain(graph, schedule, colors, random_stream(child_seed(seed, 1)))
    times = evenly_spaced_sweeps(sweeps, records)
    dataset = _run(graph, chain, times, stop_overlap, progress)
    return dataset.assign_attrs(
        dynamics="sgd_like" if schedule.batch_fraction.size else "metropolis",
        replicas=replicas,
        coupling=schedule.coupling,
        sweeps=sweeps,
        path=chain.path,
        n_vertices=graph.n,
        n_edges=graph.n_edges,
        q=graph.q,
        seed=seed_attribute(seed),
        **({} if stop_overlap is None else {"stop_overlap": stop_overlap}),
    )


def _schedule(sweeps: int, temperature, replicas: int, coupling, batch_fraction) -> Schedule:
    """Return T, B and B_R of every sweep, and of one more, checked."""
    temperatures = _along(checked_ramp("temperature", temperature), sweeps)
    coupling = checked_real("coupling", coupling, 0)
    nothing = np.empty(0)
    if batch_fraction is None:
        return Schedule(temperatures, nothing, nothing, coupling)
    given = real_numbers("batch_fraction", batch_fraction, "two numbers, or one per sweep")
    if given.shape not in ((2,), (sweeps,)):
        raise ValueError(
            f"batch_fraction of shape {given.shape}: must be two numbers, the first and the last value, or {sweeps}, "
            "one per sweep"
        )
    each = given.astype(float)
    fractions = np.append(each, each[-1]) if given.shape == (sweeps,) else _along(each, sweeps)
    if not ((given > 0) & (given <= 1)).all():
        raise ValueError(f"batch_fraction from {given.min():g} to {given.max():g}: must be > 0 and <= 1")
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        exponent = np.where(coupling > 0, coupling / (replicas * temperatures), 0.0)
    return Schedule(temperatures, fractions, -np.expm1(-exponent), coupling)


def _along(ramp, sweeps: int) -> np.ndarray:
    """Return a linear ramp over the sweeps, float64[sweeps + 1]: its end would be the value of one sweep more."""
    return ramp[0] + (ramp[1] - ramp[0]) * (np.arange(sweeps + 1) / sweeps)


def _initial_colors(graph: ColoringGraph, replicas: int, initial, seed: Seed) -> np.ndarray:
    """Return the given colours, checked, or independent random ones: uint8[R, N]."""
    if initial is None:
        generator = np.random.default_rng(child_seed(seed, 0))
        return generator.integers(0, graph.q, size=(replicas, graph.n), dtype=np.uint8)
    if isinstance(initial, list | tuple):
        rows = [in_vertex_order("initial", row, graph.nodes) for row in initial]
    else:
        if isinstance(initial, xr.DataArray):
            initial = in_vertex_order("initial", initial, graph.nodes)
        rows = np.atleast_1d(real_numbers("initial", initial, "integers of shape (replicas, N)"))
    if len(rows) != replicas:
        raise ValueError(f"initial has {len(rows)} rows: must be {replicas}, one per replica")
    return np.array([checked_colors("initial", row, graph.n, graph.q) for row in rows])


class _ReplicatedChain:
    """Coupled replicas between compiled blocks of sweeps."""

    def __init__(self, graph: ColoringGraph, schedule: Schedule, colors: np.ndarray, stream: np.ndarray):
        groups = np.zeros(graph.n, np.uint8) if graph.planted is None else graph.planted
        self._instance = Instance(graph.offsets, graph.neighbors, groups, np.uint64(graph.q))
        self._schedule, self._stream = schedule, stream
        fast = fits_words(graph) and len(colors) <= LARGEST_WORD_DEGREE
        self.path = "word" if fast else "general"
        self._state = Replicas(
            words=np.empty((len(colors), graph.n if fast else 0), np.uint64),
            shared_word=np.zeros(graph.n if fast else 0, np.uint64),
            colors=colors,
            shared=np.zeros((0 if fast else graph.n, graph.q), np.int32),
            confusion=np.array([confusion_matrix(groups, row, graph.q) for row in colors]),
            energies=np.array([monochromatic_edges(graph.offsets, graph.neighbors, row) for row in colors]),
        )
        _fill_counts(self._state, self._instance)
        self._tables = empty_tables(graph.max_degree, len(colors), schedule.batch_fraction.size > 0)
        entries = sum(table.size for table in self._tables[:3])  # filled every sweep
        self._blocks = Blocks(first=PROPOSALS_AT_FIRST // (colors.size + entries))
        self.sweeps = 0
        self.accepted = 0

    @property
    def colors(self) -> np.ndarray:
        """The current colours, uint8[R, N]: the chain's own array."""
        if self.path == "word":
            for words, colors in zip(self._state.words, self._state.colors, strict=True):
                colors_of(words, colors)
        return self._state.colors

    @property
    def temperatures(self) -> np.ndarray:
        """Of every sweep of the schedule, and of one more: float64[sweeps + 1]."""
        return self._schedule.temperature

    @property
    def energies(self) -> np.ndarray:
        """Monochromatic edges of every replica, int64[R]."""
        return self._state.energies

    def overlaps(self) -> np.ndarray:
        """Return the overlap of every replica with the planted colouring, float64[R]."""
        return np.array([overlap_of_confusion(confusion) for confusion in self._state.confusion])

    def pair_overlap(self) -> float:
        """Return the mean overlap of two replicas, colours compared by name; NaN for one replica."""
        colors = self.colors
        replicas, n = colors.shape
        q = self._state.confusion.shape[1]
        if replicas == 1:
            return math.nan
        shared = sum((colors == color).sum(axis=0).astype(np.int64) ** 2 for color in range(q)).sum()
        equal = (int(shared) - replicas * n) / (replicas * (replicas - 1) * n)
        return (q * equal - 1) / (q - 1)

    def advance(self, until: int, target: int, progress) -> None:
        """Run to sweep `until`, or to the first after which a replica may have passed the target."""
        batches = True if self._schedule.batch_fraction.size else None
        for end in self._blocks.ends(self.sweeps, until):
            self.sweeps, moves, near = run_replicas(
                self._state,
                self._instance,
                self._schedule,
                self._tables,
                batches,
                self.sweeps,
                end,
                target,
                self._stream,
            )
            self.accepted += moves
            if progress is not None:
                progress(self.sweeps)
            if near:
                break


@kernel
def _fill_counts(state, instance):
    """Fill the words, and how many replicas agree at every vertex, from the colours."""
    for replica in range(state.colors.shape[0]):
        colors = state.colors[replica]
        if state.words.size > 0:
            words_of(instance, colors, state.words[replica])
            for vertex in range(colors.size):
                state.shared_word[vertex] += np.uint64(1) << (np.uint64(8) * np.uint64(colors[vertex]))
        else:
            for vertex in range(colors.size):
                state.shared[vertex, colors[vertex]] += 1


def _run(
    graph: ColoringGraph, chain: _ReplicatedChain, times: np.ndarray, stop_overlap, progress
) -> xr.Dataset:
    """Run through the record times and return what was recorded."""
    n, q, replicas = graph.n, graph.q, len(chain.energies)
    target = n
    if stop_overlap is not None:
        # one below the exact bound: rounding may not hide a passage, and the overlaps decide anyway
        target = math.floor(n * (1 + stop_overlap * (q - 1)) / q) - 1
    energy, overlap = (np.full((len(times), replicas), math.nan) for _ in range(2))
    pairs = np.full(len(times), math.nan)
    passed = None
    for row, time in enumerate(times.tolist()):
        while passed is None:
            overlaps = chain.overlaps()
            if stop_overlap is not None and overlaps.max() > stop_overlap:
                passed = int(overlaps.argmax())
            elif chain.sweeps == time:
                break
            else:
                chain.advance(time, target, progress)
        if chain.sweeps == time:
            energy[row], overlap[row], pairs[row] = chain.energies / n, chain.overlaps(), chain.pair_overlap()
        if passed is not None:
            break
    return _dataset(
        graph, chain, times, {"energy": energy, "overlap": overlap, "pairs": pairs}, stop_overlap, passed
    )


def _dataset(graph, chain: _ReplicatedChain, times, traces: dict, stop_overlap, passed) -> xr.Dataset:
    """Name, describe and collect what was recorded."""
    schedule = chain.temperatures
    both = ("time", "replica")
    variables = {
        "energy": (both, traces["energy"], named("monochromatic edges per vertex, E/N")),
        "pair_overlap": ("time", traces["pairs"], named("mean overlap of two replicas")),
        "temperature": ("time", schedule[times], named("temperature T")),
        "colors": (("replica", "vertex"), chain.colors.copy(), named("final colouring")),
        "proposals": ((), chain.sweeps * chain.colors.size, named("proposals")),
        "accepted": ((), chain.accepted, named("accepted moves")),
        "stopped_at": ((), np.int64(chain.sweeps), named("sweeps made", "sweeps")),
    }
    if graph.planted is not None:
        variables["overlap"] = (both, traces["overlap"], named("overlap with the planted colouring"))
    if stop_overlap is not None:
        found = passed is not None
        passage = float(chain.sweeps) if found else math.nan
        heat = schedule[max(chain.sweeps - 1, 0)] if found else math.nan
        words = f"first sweep with overlap > {stop_overlap:g}"
        variables["first_passage"] = ((), passage, named(words, "sweeps"))
        variables["passage_temperature"] = ((), heat, named("temperature of that sweep"))
        variables["passage_replica"] = (
            (),
            float(passed) if found else math.nan,
            named("replica of that passage"),
        )
    coordinates = {"time": ("time", times, named("time t", "sweeps")), **vertex_coordinate(graph.nodes)}
    return xr.Dataset(variables, coordinates)
