"""Graph colouring: planted and random sparse multigraphs, their energy, overlap and correlation.

A colouring gives each of N vertices one of q colours; its energy E is the number of monochromatic edges. The *planted*
ensemble hides a colouring of zero energy: vertices are split in q groups of N/q and every edge joins different groups.

Sources: Angelini, Cavaliere, Marino & Ricci-Tersenghi, Sci. Rep. 14, 11638 (2024), doi:10.1038/s41598-024-62625-8;
Angelini & Ricci-Tersenghi, arXiv:2206.04760.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import scipy
import xarray as xr

from thermobatch.coloring import adjacency
from thermobatch.foundation.arguments import checked_integer, checked_real
from thermobatch.foundation.compilation import kernel
from thermobatch.foundation.streams import Seed, child_seed, random_stream

if TYPE_CHECKING:
    import networkx

MOST_COLORS = 32
LARGEST_INT32 = 2**31 - 1
MOST_EDGES = LARGEST_INT32 // 2


@dataclass(frozen=True, eq=False, repr=False)
class ColoringGraph:
    """A multigraph to be coloured with q colours, as compressed adjacency lists.

    Parameters
    ----------
    offsets : int64[N + 1]
        The neighbours of vertex i are ``neighbors[offsets[i]:offsets[i + 1]]``.
    neighbors : int32[2 M]
        Sorted within each row. Every edge is listed from both its ends, a multi-edge as often as it occurs.
    q : int
        Number of colours, 2..32.
    planted : uint8[N], optional
        The hidden colouring, colours in 0..q-1. It need not be proper.

    Raises
    ------
    ValueError
        If q is out of range, a row is not sorted, an edge is not listed from both ends, there is a self-loop or no
        edge at all, or `planted` has another length than N or a colour outside 0..q-1.

    Notes
    -----
    The arrays are seen read-only and not copied. Use :meth:`from_edges`, :meth:`from_networkx`,
    :func:`planted_coloring` or :func:`random_coloring` rather than writing them by hand.
    """

    offsets: np.ndarray
    neighbors: np.ndarray
    q: int
    planted: np.ndarray | None = None

    def __post_init__(self):
        object.__setattr__(self, "q", checked_integer("q", self.q, 2, MOST_COLORS))
        object.__setattr__(self, "offsets", _read_only(_integers("offsets", self.offsets, np.int64)))
        object.__setattr__(self, "neighbors", _read_only(_integers("neighbors", self.neighbors, np.int32)))
        offsets, neighbors = self.offsets, self.neighbors
        if neighbors.size > 2 * MOST_EDGES:
            raise ValueError(f"neighbors has {neighbors.size} half-edges: must fit 32-bit indices")
        if neighbors.size == 0:
            raise ValueError("neighbors is empty: must list at least one edge (the graph is empty)")
        ends = [0, neighbors.size]
        if offsets.size < 3 or list(offsets[[0, -1]]) != ends or np.any(offsets[1:] < offsets[:-1]):
            raise ValueError(f"offsets: must rise from 0 to 2 M = {neighbors.size} in N + 1 >= 3 entries")
        flaw = adjacency.first_flaw(offsets, neighbors)
        if flaw >= 0:
            raise ValueError(
                f"neighbors of vertex {flaw} = {neighbors[offsets[flaw] : offsets[flaw + 1]]} or of one of them: must "
                "be other vertices in 0..N-1, sorted, with every edge listed from both ends and no self-loop"
            )
        if self.planted is not None:
            planted = checked_colors("planted", self.planted, self.n, self.q)
            object.__setattr__(self, "planted", _read_only(planted))

    def __repr__(self):
        kind = "random" if self.planted is None else "planted"
        return f"<ColoringGraph: {kind}, N = {self.n}, M = {self.n_edges}, q = {self.q}>"

    @property
    def n(self) -> int:
        """Number of vertices N."""
        return self.offsets.size - 1

    @property
    def n_edges(self) -> int:
        """Number of edges M; a multi-edge counts as often as it occurs."""
        return self.neighbors.size // 2

    @property
    def mean_degree(self) -> float:
        """Mean degree c = 2 M / N."""
        return self.neighbors.size / self.n

    @property
    def degrees(self) -> np.ndarray:
        """Degree of every vertex, int64[N]."""
        return np.diff(self.offsets)

    @cached_property
    def max_degree(self) -> int:
        """Largest degree."""
        return int(self.degrees.max())

    def edges(self) -> np.ndarray:
        """Return every edge once, int32[M, 2], smaller vertex first, in lexicographic order."""
        return adjacency.list_edges(self.offsets, self.neighbors)

    @classmethod
    def from_edges(cls, edges, n: int, q: int, planted=None) -> "ColoringGraph":
        """Make a graph with vertices 0..n-1 from a list of edges.

        Parameters
        ----------
        edges : array_like of int, shape (M, 2)
            Pairs of vertices, in any order; a pair that occurs m times is a multi-edge that counts m times.
        n, q : int
            Number of vertices and of colours.
        planted : array_like of int, shape (n,), optional
            The hidden colouring.

        Raises
        ------
        ValueError
            If an edge leaves 0..n-1 or is a self-loop, if there is none, or for a bad n, q or `planted`.
        """
        n = checked_integer("n", n, 2, LARGEST_INT32)
        pairs = np.asarray(edges)
        if pairs.size == 0:
            raise ValueError("edges is empty: must list at least one edge (the graph is empty)")
        if pairs.ndim != 2 or pairs.shape[1] != 2 or pairs.dtype.kind not in "iu":
            raise ValueError(
                f"edges: shape {pairs.shape}, dtype {pairs.dtype}: must be integers of shape (M, 2)"
            )
        bad = np.flatnonzero((pairs < 0).any(1) | (pairs >= n).any(1) | (pairs[:, 0] == pairs[:, 1]))
        if bad.size:
            raise ValueError(
                f"edges[{bad[0]}] = {pairs[bad[0]].tolist()}: must join different vertices in 0..{n - 1}"
            )
        return cls(*adjacency.adjacency_of_edges(np.ascontiguousarray(pairs, np.int32), n), q, planted)

    @classmethod
    def from_networkx(cls, graph: "networkx.Graph", q: int, planted=None) -> "ColoringGraph":
        """Make a graph from a networkx Graph or MultiGraph.

        Parameters
        ----------
        graph : networkx.Graph or networkx.MultiGraph
            Undirected, with at least one edge and no self-loop. Nodes of any kind become 0..N-1 in node order.
        q : int
            Number of colours, 2..32.
        planted : array_like of int, shape (N,), or mapping from node to int, optional
            The hidden colouring, in node order. Default: the node attribute ``planted``, if every node has it.

        Raises
        ------
        ValueError
            If the graph is directed, empty or has a self-loop; if only some nodes have the attribute ``planted``; if
            `planted` has the wrong length or a colour outside 0..q-1. Whether it is proper is *not* checked: use
            :func:`energy`.
        """
        if graph.is_directed():
            raise ValueError("graph is directed: must be an undirected networkx Graph or MultiGraph")
        if graph.number_of_edges() == 0:
            raise ValueError("graph has no edge: must have at least one")
        index = {node: i for i, node in enumerate(graph.nodes)}
        loops = [node for node, other in graph.edges() if node == other]
        if loops:
            raise ValueError(f"graph has a self-loop at node {loops[0]!r}: must have none")
        if planted is None:
            marked = [data["planted"] for _, data in graph.nodes(data=True) if "planted" in data]
            if marked and len(marked) < len(index):
                raise ValueError(
                    f"planted: {len(marked)} of {len(index)} nodes have the attribute: must be all or none"
                )
            planted = marked or None
        elif isinstance(planted, Mapping):
            missing = [node for node in index if node not in planted]
            if missing:
                raise ValueError(
                    f"planted has no entry for node {missing[0]!r}: must give every node a colour"
                )
            planted = [planted[node] for node in index]
        edges = [(index[node], index[other]) for node, other in graph.edges()]
        return cls.from_edges(edges, len(index), q, planted)

    def to_networkx(self) -> "networkx.MultiGraph":
        """Return a networkx MultiGraph: nodes 0..N-1, node attribute ``planted`` (if any), graph attribute ``q``."""
        import networkx

        graph = networkx.MultiGraph(q=self.q)
        graph.add_nodes_from(range(self.n))
        graph.add_edges_from(self.edges().tolist())
        if self.planted is not None:
            networkx.set_node_attributes(graph, dict(enumerate(self.planted.tolist())), "planted")
        return graph

    def to_dataset(self) -> xr.Dataset:
        """Return the graph as a Dataset: ``offsets(row)``, ``neighbors(half_edge)``, ``planted(vertex)``, q."""
        variables = {
            "offsets": ("row", self.offsets, {"long_name": "first half-edge of each vertex", "units": "1"}),
            "neighbors": (
                "half_edge",
                self.neighbors,
                {"long_name": "vertex at the other end", "units": "1"},
            ),
        }
        if self.planted is not None:
            variables["planted"] = ("vertex", self.planted, {"long_name": "planted colour", "units": "1"})
        return xr.Dataset(variables, attrs={"title": "graph to be coloured", "q": self.q})

    @classmethod
    def from_dataset(cls, dataset: xr.Dataset) -> "ColoringGraph":
        """Make a graph from what :meth:`to_dataset` returned; ValueError if a part is missing or inconsistent."""
        missing = [name for name in ("offsets", "neighbors") if name not in dataset]
        if missing or "q" not in dataset.attrs:
            raise ValueError(
                f"dataset lacks {(missing or ['q'])[0]}: must have offsets, neighbors and the attribute q"
            )
        planted = dataset["planted"].values if "planted" in dataset else None
        return cls(dataset["offsets"].values, dataset["neighbors"].values, dataset.attrs["q"], planted)


def planted_coloring(n: int, q: int, mean_degree: float, seed: Seed, shuffle: bool = False) -> ColoringGraph:
    """Draw a planted graph: every edge joins two vertices of different groups.

    Parameters
    ----------
    n : int
        Number of vertices N, a multiple of q.
    q : int
        Number of colours, 2..32.
    mean_degree : float
        Mean degree c > 0: the graph has M = round(c N / 2) edges, at least one.
    seed : int or SeedSequence
        Determines the graph.
    shuffle : bool
        By default the groups are contiguous blocks of indices, as in the program of the source's authors, so that a
        sequential sweep visits one group after the other. True gives the vertices random labels.

    Returns
    -------
    ColoringGraph
        Edges are independent and uniform among the pairs in different groups; multi-edges may occur (about
        (c^2/4) q/(q-1) of them) and count as often as they occur.

    Raises
    ------
    ValueError
        If an argument is out of range, q does not divide n, or the graph is empty or too large for 32-bit indices.
    """
    n, q, n_edges = _checked_sizes(n, q, mean_degree)
    if n % q:
        raise ValueError(f"n = {n}: must be a multiple of q = {q} (groups of exactly n/q vertices)")
    if not isinstance(shuffle, bool | np.bool_):
        raise ValueError(f"shuffle = {shuffle!r}: must be True or False")
    group_size = n // q
    planted = np.repeat(np.arange(q, dtype=np.uint8), group_size)
    labels = None
    if shuffle:
        labels = np.random.default_rng(child_seed(seed, 1)).permutation(np.arange(n, dtype=np.int32))
        planted[labels] = planted.copy()
    return ColoringGraph(*_draw(n, n_edges, group_size, seed, labels), q, planted)


def random_coloring(n: int, q: int, mean_degree: float, seed: Seed) -> ColoringGraph:
    """Draw a random graph: every edge joins two different vertices drawn uniformly.

    Parameters
    ----------
    n, q : int
        Number of vertices (at least 2) and of colours (2..32).
    mean_degree : float
        Mean degree c > 0: the graph has M = round(c N / 2) edges, at least one.
    seed : int or SeedSequence
        Determines the graph.

    Returns
    -------
    ColoringGraph
        Without planted colouring. Multi-edges may occur and count as often as they occur; self-loops cannot.

    Raises
    ------
    ValueError
        If an argument is out of range or the graph is empty or too large for 32-bit indices.
    """
    n, q, n_edges = _checked_sizes(n, q, mean_degree)
    return ColoringGraph(*_draw(n, n_edges, 1, seed, None), q)


def energy(graph: ColoringGraph, colors) -> int:
    """Return E, the number of monochromatic edges of `graph` coloured by `colors` (int[N], colours in 0..q-1)."""
    colors = checked_colors("colors", colors, graph.n, graph.q)
    return int(adjacency.monochromatic_edges(graph.offsets, graph.neighbors, colors))


def overlap(colors, planted, q: int) -> float:
    """Return the overlap of a colouring with the planted one.

    Q = max over colour permutations pi of (q #{i: colors_i = pi(planted_i)} - N) / ((q - 1) N), exactly for every q
    (an assignment problem on the q x q confusion matrix). Q = 1 for the planted colouring; at a random colouring it
    is about 3/sqrt(N) for q = 5, not 0.

    Parameters
    ----------
    colors, planted : array_like of int, shape (N,)
        Two colourings, colours in 0..q-1.
    q : int
        Number of colours, 2..32.
    """
    q = checked_integer("q", q, 2, MOST_COLORS)
    colors = checked_colors("colors", colors, None, q)
    planted = checked_colors("planted", planted, colors.size, q)
    return overlap_of_confusion(confusion_matrix(planted, colors, q))


def overlap_of_confusion(confusion: np.ndarray) -> float:
    """Return the overlap from the confusion matrix, int64[q, q]: vertices of each planted colour and colour."""
    q, n = len(confusion), int(confusion.sum())
    matches = int(confusion[scipy.optimize.linear_sum_assignment(confusion, maximize=True)].sum())
    return (q * matches - n) / ((q - 1) * n)


def correlation(colors_a, colors_b, q: int) -> float:
    """Return (q f - 1) / (q - 1), where f is the fraction of vertices with the same colour in both colourings.

    1 for equal colourings, 0 on average for independent uniform ones. Colours are compared as they are, without
    permutations: this is the two-time correlation of one run.

    Parameters
    ----------
    colors_a, colors_b : array_like of int, shape (N,)
        Two colourings, colours in 0..q-1.
    q : int
        Number of colours, 2..32.
    """
    q = checked_integer("q", q, 2, MOST_COLORS)
    colors_a = checked_colors("colors_a", colors_a, None, q)
    colors_b = checked_colors("colors_b", colors_b, colors_a.size, q)
    return (q * int(np.count_nonzero(colors_a == colors_b)) / colors_a.size - 1) / (q - 1)


@kernel
def confusion_matrix(planted, colors, q):
    """Return int64[q, q]: the number of vertices with each planted colour (row) and colour (column)."""
    confusion = np.zeros((q, q), np.int64)
    for vertex in range(planted.size):
        confusion[planted[vertex], colors[vertex]] += 1
    return confusion


def checked_colors(name: str, colors, n: int | None, q: int) -> np.ndarray:
    """Return a colouring as contiguous uint8[n] (any n >= 1 if None), or raise ValueError naming the argument."""
    array = np.asarray(colors)
    if (
        array.ndim != 1
        or array.size == 0
        or (n is not None and array.size != n)
        or array.dtype.kind not in "iu"
    ):
        expected = "one integer per vertex" if n is None else f"{n} integers, one per vertex"
        raise ValueError(f"{name}: shape {array.shape}, dtype {array.dtype}: must be {expected}")
    if array.min() < 0 or array.max() >= q:
        raise ValueError(f"{name} has colours {array.min()}..{array.max()}: must be in 0..{q - 1}")
    return np.ascontiguousarray(array, np.uint8)


def _checked_sizes(n, q, mean_degree) -> tuple[int, int, int]:
    """Check what both ensembles ask for; return ``(n, q, n_edges)``."""
    q = checked_integer("q", q, 2, MOST_COLORS)
    n = checked_integer("n", n, 2, LARGEST_INT32)
    mean_degree = checked_real("mean_degree", mean_degree, 0, open_low=True)
    n_edges = round(min(mean_degree * n / 2, LARGEST_INT32))
    if not 1 <= n_edges <= MOST_EDGES:
        problem = (
            "the graph would have no edge" if n_edges < 1 else "its half-edges do not fit 32-bit indices"
        )
        raise ValueError(
            f"mean_degree = {mean_degree!r} with n = {n}: {problem}; must give "
            f"1..{MOST_EDGES} edges (mean_degree*n/2)"
        )
    return n, q, n_edges


def _draw(n: int, n_edges: int, group_size: int, seed: Seed, labels: np.ndarray | None):
    """Draw the adjacency lists; the edges do not depend on the labels."""
    return adjacency.draw_adjacency(random_stream(child_seed(seed, 0)), n, n_edges, group_size, labels)


def _integers(name: str, values, dtype) -> np.ndarray:
    """Return `values` as contiguous integers of `dtype`, refusing what a silent cast would change."""
    array = np.asarray(values)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise ValueError(f"{name}: shape {array.shape}, dtype {array.dtype}: must be a 1-D array of integers")
    converted = np.ascontiguousarray(array, dtype)
    if not np.can_cast(array.dtype, dtype) and not np.array_equal(array, converted):
        raise ValueError(f"{name} has values {array.min()}..{array.max()}: must fit {np.dtype(dtype).name}")
    return converted


def _read_only(array: np.ndarray) -> np.ndarray:
    """Return a read-only view: graphs are shared between runs."""
    view = array.view()
    view.flags.writeable = False
    return view
