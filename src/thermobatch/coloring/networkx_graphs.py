"""Read a networkx graph as a graph to be coloured, refusing what colouring would not see."""

import numbers
import warnings

import networkx

from thermobatch.coloring.node_labels import names_its_nodes, refuse_unordered


def read_edges(graph: networkx.Graph) -> list[tuple[int, int]]:
    """Return the edges, by the places of their ends in node order; ValueError if they are more than pairs.

    Warn of other attributes with numbers: they may be meant as weights, under another name.
    """
    if not isinstance(graph, networkx.Graph):
        raise ValueError(
            f"graph is a {type(graph).__name__}: must be a networkx Graph or MultiGraph "
            "(networkx.from_edgelist, networkx.from_numpy_array or networkx.from_scipy_sparse_array make one)"
        )
    if graph.is_directed():
        raise ValueError(
            "graph is directed: must be an undirected networkx Graph or MultiGraph (graph.to_undirected() makes one)"
        )
    if graph.number_of_edges() == 0:
        raise ValueError("graph has no edge: must have at least one")
    index = {node: i for i, node in enumerate(graph.nodes)}
    edges = []
    ignored = None
    for node, other, data in graph.edges(data=True):
        weight = data.get("weight", 1)
        if node == other:
            raise ValueError(f"graph has a self-loop at node {node!r}: must have none")
        if not isinstance(weight, numbers.Number) or weight != 1:
            raise ValueError(
                f"graph has edge ({node!r}, {other!r}) of weight {weight!r}: must be 1 or none, every edge counts "
                "once. To do without the weights: networkx.set_edge_attributes(graph, 1, 'weight'). An edge that "
                "counts m times is m parallel edges of a MultiGraph"
            )
        if ignored is None:
            ignored = next(((node, other, *item) for item in data.items() if _may_be_weight(item[1])), None)
        edges.append((index[node], index[other]))
    if ignored is not None:
        node, other, name, value = ignored
        warnings.warn(
            f"graph has edge ({node!r}, {other!r}) with {name} = {value!r}, which is not looked at: every edge counts "
            "once, whatever its attributes",
            stacklevel=3,
        )
    return edges


def _may_be_weight(value) -> bool:
    """Say whether an attribute is a number other than 1."""
    return isinstance(value, numbers.Number) and not isinstance(value, bool) and value != 1


def read_planted(graph: networkx.Graph, planted):
    """Return the hidden colouring, given or from the node attribute; ValueError if it may be in another order."""
    if planted is None:
        marked = {node: data["planted"] for node, data in graph.nodes(data=True) if "planted" in data}
        if marked and len(marked) < len(graph):
            raise ValueError(
                f"planted: {len(marked)} of {len(graph)} nodes have the attribute: must be all or none"
            )
        return marked or None
    if not names_its_nodes(planted):
        refuse_unordered("planted", planted, graph.nodes)
    return planted
