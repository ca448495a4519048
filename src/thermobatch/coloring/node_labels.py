"""What the vertices 0..N-1 of a graph are called outside: its nodes, in the order of the vertices."""

import hashlib
import re
from collections.abc import Hashable, Mapping, Sequence
from itertools import pairwise

import numpy as np
import xarray as xr


def checked_nodes(nodes, n: int) -> Sequence[Hashable]:
    """Return the names of n vertices, a range (the default: 0..n-1) or a tuple; ValueError unless n different ones."""
    if nodes is None:
        return range(n)
    if not isinstance(nodes, range):
        nodes = tuple(nodes.tolist() if isinstance(nodes, np.ndarray) else nodes)
    try:
        different = len(nodes if isinstance(nodes, range) else set(nodes))
    except TypeError as error:
        raise ValueError(f"nodes: {error}: must be {n} different names that can be keys of a dict") from None
    if (len(nodes), different) != (n, n):
        raise ValueError(
            f"nodes has {len(nodes)} names, {different} different ones: must be {n}, one per vertex"
        )
    return range(n) if all(node == vertex for vertex, node in enumerate(nodes)) else nodes


def vertex_coordinate(nodes: Sequence[Hashable]) -> dict:
    """Return the coordinate ``vertex`` of a Dataset, or nothing where the nodes are 0..N-1.

    It holds integers (int64) or text as they are; nodes of other or several kinds by their `repr`.
    """
    if nodes == range(len(nodes)):
        return {}
    if _all_integers(nodes):
        names = np.array(nodes, np.int64)
    else:
        names = np.empty(len(nodes), object)  # shares the text with the graph
        names[:] = nodes if _all_text(nodes) else [repr(node) for node in nodes]
    return {"vertex": ("vertex", names, {"long_name": "node of the graph", "units": "1"})}


def storable_nodes(nodes: Sequence[Hashable]) -> dict:
    """Return that coordinate where it keeps the nodes as they are, else raise ValueError."""
    if not _all_integers(nodes) and not _all_text(nodes):
        raise ValueError(
            f"nodes: {nodes[0]!r}, {nodes[1]!r}, ...: must be all text or all integers (64 bits) to be kept in a "
            "Dataset; networkx.convert_node_labels_to_integers makes such a graph"
        )
    return vertex_coordinate(nodes)


def order_checksum(nodes: Sequence[Hashable]) -> str:
    """Return a checksum of the names of the vertices in their order."""
    return hashlib.sha256("\n".join(map(str, nodes)).encode()).hexdigest()[:16]


def in_vertex_order(name: str, colors, nodes: Sequence[Hashable]):
    """Return colours in the order of the vertices: a mapping by its nodes, anything else as it stands.

    ValueError if a mapping lacks a node, if a DataArray has a coordinate ``vertex`` that is not the graph's, or for a
    list where the nodes have more than one order that people would think of.
    """
    if isinstance(colors, list | tuple | range):
        refuse_unordered(name, colors, nodes)
        return colors
    if isinstance(colors, xr.DataArray):
        if "vertex" not in colors.coords:
            return colors
        coordinate = vertex_coordinate(nodes)
        names = coordinate["vertex"][1] if coordinate else np.arange(len(nodes))
        if not np.array_equal(colors.coords["vertex"].values, names):
            raise ValueError(
                f"{name} has a coordinate vertex: must be the nodes of the graph, in their order"
            )
        return colors
    if not names_its_nodes(colors):
        return colors
    by_node = colors if isinstance(colors, Mapping) else colors.to_dict()
    missing = [node for node in nodes if node not in by_node]
    if missing:
        raise ValueError(f"{name} has no entry for node {missing[0]!r}: must give every node a colour")
    return [by_node[node] for node in nodes]


def names_its_nodes(colors) -> bool:
    """Say whether colours come with their nodes: a mapping, a pandas Series or a DataArray over ``vertex``."""
    series = hasattr(colors, "to_dict") and hasattr(colors, "index")
    return isinstance(colors, Mapping) or series or "vertex" in getattr(colors, "coords", ())


def refuse_unordered(name: str, colors, nodes: Sequence[Hashable]) -> None:
    """Raise ValueError for colours without names, unless the nodes are in the only order that they can have."""
    problem = _other_order(nodes)
    if problem:
        first = ", ".join(repr(node) for node, _ in zip(nodes, range(4), strict=False))
        raise ValueError(
            f"{name} is a {type(colors).__name__} and the nodes of graph {problem} ({first}, ...): must be a "
            f"mapping from node to colour, dict(zip(graph.nodes, {name})) if it follows graph.nodes, "
            f"dict(zip(sorted(graph.nodes), {name})) if it follows the sorted nodes"
        )


def refuse_other_order(name: str, colors, name_of_other: str, other) -> None:
    """Raise ValueError if two Series or DataArrays over ``vertex`` have different nodes, or another order of them."""
    ours, theirs = _names_carried(colors), _names_carried(other)
    if ours is not None and theirs is not None and ours != theirs:
        raise ValueError(
            f"{name} and {name_of_other} have different nodes, or the same in another order: must have the same index "
            "or coordinate vertex (reindex one as the other)"
        )


def _names_carried(colors) -> list | None:
    """Return the nodes that colours come with, if they do."""
    if isinstance(colors, xr.DataArray):
        return colors.coords["vertex"].values.tolist() if "vertex" in colors.coords else None
    return colors.index.tolist() if names_its_nodes(colors) and hasattr(colors, "index") else None


def _other_order(nodes: Sequence[Hashable]) -> str:
    """Say in words why a list by node might be in another order than the nodes; nothing if it cannot be."""
    if isinstance(nodes, range) and nodes.step > 0:
        return ""
    try:
        if not all(node < after for node, after in pairwise(nodes)):
            return "are not sorted"
    except TypeError:
        return "are of several kinds" if len(set(map(type, nodes))) > 1 else ""
    if _all_text(nodes) and not all(node < after for node, after in pairwise(map(_by_numbers, nodes))):
        return "are sorted as text, not by the numbers in it"
    return ""


def _by_numbers(text: str) -> list:
    """Return what sorts text as people do: v2 before v10."""
    parts = re.split(r"([0-9]+)", text)
    return [(int(part), part) if place % 2 else part for place, part in enumerate(parts)]


def _all_integers(nodes) -> bool:
    """Say whether every node is an integer of 64 bits."""
    smallest, largest = -(2**63), 2**63 - 1
    if isinstance(nodes, range):
        nodes = nodes[0], nodes[-1]
    return all(
        isinstance(node, int | np.integer) and not isinstance(node, bool) and smallest <= node <= largest
        for node in nodes
    )


def _all_text(nodes) -> bool:
    """Say whether every node is text."""
    return all(isinstance(node, str) for node in nodes)
