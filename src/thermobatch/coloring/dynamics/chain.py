"""A running chain of colour changes: its configuration, streams and counters between compiled blocks of sweeps."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from thermobatch.coloring.adjacency import monochromatic_edges
from thermobatch.coloring.colorings import checked_colors, confusion_matrix
from thermobatch.coloring.dynamics import sweeps as coloring_sweeps
from thermobatch.coloring.dynamics.sweeps import Configuration, Counts, Instance, Limits, Rule, Visits
from thermobatch.coloring.graph import ColoringGraph
from thermobatch.coloring.node_labels import in_vertex_order
from thermobatch.foundation.blocks import Blocks
from thermobatch.foundation.streams import Seed, child_seed, random_stream

Progress = Callable[[int], object]
ORDERS = {
    "sequential": coloring_sweeps.SEQUENTIAL,
    "random_permutation": coloring_sweeps.RANDOM_PERMUTATION,
    "random_sequential": coloring_sweeps.RANDOM_SEQUENTIAL,
}
MOST_WORD_COLORS, LARGEST_WORD_DEGREE = 7, 255
PROPOSALS_AT_FIRST = 1_000_000
"""Of the first block of sweeps (5 to 100 ms)."""


@dataclass(frozen=True)
class Dynamics:
    """A local dynamics: how it decides, and what a data set says about it.

    `stream` numbers its random streams, so that different dynamics given the same seed share the initial colouring
    and nothing else.
    """

    name: str
    stream: int
    rule: Rule
    attributes: dict = field(default_factory=dict)


def fits_words(graph: ColoringGraph) -> bool:
    """Say whether the fast path applies: seven counts of neighbours and a colour in the eight bytes of a word."""
    return graph.q <= MOST_WORD_COLORS and graph.max_degree <= LARGEST_WORD_DEGREE


def initial_colors(graph: ColoringGraph, seed: Seed, initial=None) -> np.ndarray:
    """Return the colouring a run starts from, uint8[N]: a copy of `initial`, or uniform from a child of the seed."""
    if initial is not None:
        initial = in_vertex_order("initial", initial, graph.nodes)
        return checked_colors("initial", initial, graph.n, graph.q).copy()
    return np.random.default_rng(child_seed(seed, 0)).integers(0, graph.q, graph.n, dtype=np.uint8)


class ColoringChain:
    """A chain on the colourings of a graph.

    Attributes
    ----------
    sweeps, accepted : int
        Sweeps made and moves accepted so far.
    energy : int
        Number of monochromatic edges.
    energy_total : int
        Sum of the energies after every sweep made.
    solved_at : int or None
        First sweep after which the energy was 0 (0: at the start).
    path : str
        "word" or "general": which kernel runs.
    """

    def __init__(self, graph: ColoringGraph, dynamics: Dynamics, order: str, colors: np.ndarray, seed: Seed):
        q, n = graph.q, graph.n
        groups = graph.planted
        if groups is None:
            groups = np.zeros(n, np.uint8)
            groups.flags.writeable = False
        self._instance = Instance(graph.offsets, graph.neighbors, groups, np.uint64(q))
        self._rule = dynamics.rule
        vertices = np.arange(n, dtype=np.int32)
        self._visits = Visits(ORDERS[order], vertices, random_stream(child_seed(seed, dynamics.stream, 1)))
        self._streams = tuple(random_stream(child_seed(seed, dynamics.stream, key)) for key in (0, 2))
        self.path = "word" if fits_words(graph) else "general"
        n_words = n if self.path == "word" else 0
        n_batch_words = n_words if dynamics.rule.batch.flags.size else 0
        self._configuration = Configuration(
            np.empty(n_words, np.uint64), np.empty(n_batch_words, np.uint64), colors
        )
        if self.path == "word":
            coloring_sweeps.words_of(self._instance, colors, self._configuration.words)
        nothing = np.zeros((0, 0), np.int64)
        self._counts = Counts(confusion_matrix(groups, colors, q), nothing, nothing)
        self._blocks = Blocks(first=PROPOSALS_AT_FIRST // n)
        self.sweeps = 0
        self.accepted = 0
        self.energy = int(monochromatic_edges(graph.offsets, graph.neighbors, colors))
        self.energy_total = 0
        self.solved_at = 0 if self.energy == 0 else None

    @property
    def colors(self) -> np.ndarray:
        """The current colouring, uint8[N]: the chain's own array, copy it to keep it."""
        if self.path == "word":
            coloring_sweeps.colors_of(self._configuration.words, self._configuration.colors)
        return self._configuration.colors

    @property
    def confusion(self) -> np.ndarray:
        """Vertices of each planted colour (one group if there is none) and colour, int64[q, q]."""
        return self._counts.confusion

    @property
    def flows(self) -> tuple[np.ndarray, np.ndarray]:
        """Proposals and accepted moves by (n_old, n_new) since :meth:`count_flows`."""
        return self._counts.proposed, self._counts.accepted

    def count_flows(self, max_degree: int) -> None:
        """Count proposals and moves by (n_old, n_new) from now on, up to `max_degree` neighbours."""
        shape = (max_degree + 1, max_degree + 1)
        self._counts = Counts(self._counts.confusion, np.zeros(shape, np.int64), np.zeros(shape, np.int64))

    def advance(self, until: int, stop_at_solution: bool, target: int, progress: Progress | None) -> None:
        """Run to sweep `until`, or stop before as :class:`~thermobatch.coloring.dynamics.sweeps.Limits` says."""
        for end in self._blocks.ends(self.sweeps, until):
            limits = Limits(end - self.sweeps, stop_at_solution, target)
            made, self.energy, total, moves, first_solution, reason = coloring_sweeps.run_sweeps(
                self._configuration,
                self._instance,
                self._rule,
                self._visits,
                self._counts,
                self._streams,
                limits,
                self.energy,
            )
            if self.solved_at is None and first_solution >= 0:
                self.solved_at = self.sweeps + first_solution
            self.sweeps += made
            self.energy_total += total
            self.accepted += moves
            if progress is not None:
                progress(self.sweeps)
            if reason != coloring_sweeps.RAN:
                break
