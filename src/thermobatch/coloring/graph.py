"""Graph colouring: planted and random sparse multigraphs, and their energy.

A colouring gives each of N vertices one of q colours; its energy E is the number of monochromatic edges. The *planted*
ensemble hides a colouring of zero energy: vertices are split in q groups of N/q and every edge joins different groups.

Sources: Angelini, Cavaliere, Marino & Ricci-Tersenghi, Sci. Rep. 14, 11638 (2024), doi:10.1038/s41598-024-62625-8;
Angelini & Ricci-Tersenghi, arXiv:2206.04760.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from thermobatch.coloring import adjacency
from thermobatch.coloring.colorings import MOST_COLORS, checked_colors
from thermobatch.coloring.edge_lists import checked_edges
from thermobatch.coloring.node_labels import (
    checked_nodes,
    in_vertex_order,
    order_checksum,
    storable_nodes,
)
from thermobatch.foundation.arguments import checked_integer, checked_real, real_numbers
from thermobatch.foundation.read_only import ReadOnlyArrays, read_only
from thermobatch.foundation.streams import Seed, child_seed, random_stream

if TYPE_CHECKING:
    import networkx

LARGEST_INT32 = 2**31 - 1
MOST_EDGES = LARGEST_INT32 // 2


@dataclass(frozen=True, eq=False, repr=False)
class ColoringGraph(ReadOnlyArrays):
    """A multigraph to be coloured with q colours, as compressed adjacency lists.

    Parameters
    ----------
    offsets : int64[N + 1]
        The neighbours of vertex i are ``neighbors[offsets[i]:offsets[i + 1]]``.
    neighbors : int32[2 M]
        Sorted within each row. Every edge is listed from both its ends, a multi-edge as often as it occurs.
    q : int
        Number of colours, 2..32.
    planted : uint8[N] or mapping from node to int, optional
        The hidden colouring, colours in 0..q-1. It need not be proper.
    nodes : sequence of N different names, optional
        What the vertices are called outside, kept as a tuple or a range; default ``range(N)``. Results carry them as
        the coordinate ``vertex``, and :meth:`to_mapping` goes back to them.

    Raises
    ------
    ValueError
        If q is out of range, a row is not sorted, an edge is not listed from both ends, there is a self-loop or no
        edge at all, `planted` has another length than N or a colour outside 0..q-1, or `nodes` are not N different
        names.

    Notes
    -----
    The arrays are seen read-only and not copied; copies and unpickled graphs are read-only too. Use
    :meth:`from_edges`, :meth:`from_networkx`, :func:`planted_coloring` or :func:`random_coloring` rather than writing
    them by hand.
    """

    offsets: np.ndarray
    neighbors: np.ndarray
    q: int
    planted: np.ndarray | None = None
    nodes: Sequence[Hashable] | None = None

    def __post_init__(self):
        object.__setattr__(self, "q", checked_integer("q", self.q, 2, MOST_COLORS))
        object.__setattr__(self, "offsets", read_only(_integers("offsets", self.offsets, np.int64)))
        object.__setattr__(self, "neighbors", read_only(_integers("neighbors", self.neighbors, np.int32)))
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
        object.__setattr__(self, "nodes", checked_nodes(self.nodes, self.n))
        if self.planted is not None:
            planted = in_vertex_order("planted", self.planted, self.nodes)
            planted = checked_colors("planted", planted, self.n, self.q)
            object.__setattr__(self, "planted", read_only(planted))

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
    def from_edges(cls, edges, n: int, q: int, planted=None, nodes=None) -> "ColoringGraph":
        """Make a graph with vertices 0..n-1 from a list of edges.

        Parameters
        ----------
        edges : array_like of int, shape (M, 2)
            Pairs of vertices, counted from 0, in any order; a pair that occurs m times is a multi-edge that counts m
            times. A warning is given if every edge is there in both directions.
        n, q : int
            Number of vertices and of colours.
        planted : array_like of int, shape (n,), or mapping from node to int, optional
            The hidden colouring; a list only if the nodes are sorted.
        nodes : sequence of n different names, optional
            What the vertices 0..n-1 are called outside.

        Raises
        ------
        ValueError
            If an edge leaves 0..n-1 or is a self-loop, if there is none, or for a bad n, q, `planted` or `nodes`.
        """
        n = checked_integer("n", n, 2, LARGEST_INT32)
        pairs = checked_edges(edges, n)
        return cls(*adjacency.adjacency_of_edges(pairs, n), q, planted, nodes)

    @classmethod
    def from_networkx(cls, graph: "networkx.Graph", q: int, planted=None) -> "ColoringGraph":
        """Make a graph from a networkx Graph or MultiGraph.

        Parameters
        ----------
        graph : networkx.Graph or networkx.MultiGraph
            Undirected, with at least one edge, no self-loop and no weight other than 1; m parallel edges count m times.
            A warning is given if edges have other attributes with numbers, which are not looked at.
            Nodes of any kind become the vertices 0..N-1 in node order and stay known as :attr:`nodes`.
        q : int
            Number of colours, 2..32.
        planted : mapping from node to int, or array_like of int, shape (N,), optional
            The hidden colouring; an array in node order, accepted if the nodes are sorted (or of a kind that cannot be
            sorted), so that there is one such order. Default: the node attribute ``planted``, if every node has it.

        Raises
        ------
        ValueError
            If the graph is directed, empty or has a self-loop or a weighted edge; if only some nodes have the attribute
            ``planted``; if `planted` lacks a node, is a sequence for nodes that are not sorted, or has the wrong length
            or a colour outside 0..q-1. Whether it is proper is *not* checked: use :func:`energy`.
        """
        from thermobatch.coloring.networkx_graphs import read_edges, read_planted

        edges = read_edges(graph)
        return cls.from_edges(edges, len(graph), q, read_planted(graph, planted), list(graph.nodes))

    def to_networkx(self) -> "networkx.MultiGraph":
        """Return a networkx MultiGraph of the same nodes, with their attribute ``planted`` (if any) and that of q."""
        import networkx

        graph = networkx.MultiGraph(q=self.q)
        graph.add_nodes_from(self.nodes)
        graph.add_edges_from((self.nodes[i], self.nodes[j]) for i, j in self.edges().tolist())
        if self.planted is not None:
            networkx.set_node_attributes(graph, self.to_mapping(self.planted), "planted")
        return graph

    def to_mapping(self, colors) -> dict[Hashable, int]:
        """Return the colour of every node, such as those of ``colors`` of a run.

        Parameters
        ----------
        colors : array_like of int, shape (N,)
            Colours in 0..q-1, in the order of :attr:`nodes`; a list only if the nodes are sorted, so that there is one
            such order.

        Raises
        ------
        ValueError
            If `colors` is not a colouring of this graph.

        Examples
        --------
        >>> import networkx
        >>> graph = ColoringGraph.from_networkx(networkx.Graph([("b", "a"), ("a", "c")]), q=2)
        >>> graph.to_mapping(np.array([0, 1, 0]))
        {'b': 0, 'a': 1, 'c': 0}
        """
        colors = in_vertex_order("colors", colors, self.nodes)
        return dict(zip(self.nodes, checked_colors("colors", colors, self.n, self.q).tolist(), strict=True))

    def to_dataset(self) -> xr.Dataset:
        """Return the graph as a Dataset: ``offsets(row)``, ``neighbors(half_edge)``, ``planted(vertex)``, q.

        Nodes other than 0..N-1 are the coordinate ``vertex``, with a checksum of their order in the attribute
        ``vertex_order``; ValueError unless they are all text or all integers.
        """
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
        coordinates = storable_nodes(self.nodes)
        attributes = {"title": "graph to be coloured", "q": self.q}
        if coordinates:
            attributes["vertex_order"] = order_checksum(self.nodes)
        return xr.Dataset(variables, coordinates, attributes)

    @classmethod
    def from_dataset(cls, dataset: xr.Dataset) -> "ColoringGraph":
        """Make a graph from what :meth:`to_dataset` returned.

        ValueError if a part is missing or inconsistent, or if the vertices are not in the order they had.
        """
        missing = [name for name in ("offsets", "neighbors") if name not in dataset]
        if missing or "q" not in dataset.attrs:
            raise ValueError(
                f"dataset lacks {(missing or ['q'])[0]}: must have offsets, neighbors and the attribute q"
            )
        planted = dataset["planted"].values if "planted" in dataset else None
        nodes = dataset["vertex"].values if "vertex" in dataset.coords else None
        order = dataset.attrs.get("vertex_order")
        if order is not None and (nodes is None or order_checksum(nodes.tolist()) != order):
            raise ValueError(
                "dataset: its vertices are not those of the graph in their order, which offsets and neighbors go by: "
                "must be as to_dataset made it, not sorted or selected along vertex"
            )
        return cls(dataset["offsets"].values, dataset["neighbors"].values, dataset.attrs["q"], planted, nodes)


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
    """Return E, the number of monochromatic edges of `graph` coloured by `colors`.

    Parameters
    ----------
    graph : ColoringGraph
        The instance.
    colors : array_like of int, shape (N,), or mapping from node to int
        Colours in 0..q-1, an array in the order of ``graph.nodes`` (a list only if the nodes are sorted).
    """
    colors = checked_colors("colors", in_vertex_order("colors", colors, graph.nodes), graph.n, graph.q)
    return int(adjacency.monochromatic_edges(graph.offsets, graph.neighbors, colors))


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
    array = real_numbers(name, values, "a 1-D array of integers")
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise ValueError(f"{name}: shape {array.shape}, dtype {array.dtype}: must be a 1-D array of integers")
    converted = np.ascontiguousarray(array, dtype)
    if not np.can_cast(array.dtype, dtype) and not np.array_equal(array, converted):
        raise ValueError(f"{name} has values {array.min()}..{array.max()}: must fit {np.dtype(dtype).name}")
    return converted
