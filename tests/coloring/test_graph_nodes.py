"""Graphs of the user's own: what is refused, and how results find back to the names of the nodes."""

import doctest
import random
import warnings

import networkx
import numpy as np
import pandas
import pytest
import scipy.sparse
import xarray as xr

from thermobatch.coloring import colorings
from thermobatch.coloring import graph as coloring
from thermobatch.coloring.dynamics.annealing import anneal_coloring
from thermobatch.coloring.dynamics.metropolis import metropolis
from thermobatch.coloring.dynamics.minibatch import sgd_like
from thermobatch.coloring.graph import ColoringGraph, energy, planted_coloring


def relabelled(graph: ColoringGraph, names, seed: int = 1) -> networkx.MultiGraph:
    """A networkx graph of the same edges, in another order, so that its nodes are in another order too."""
    edges = [(names[i], names[j]) for i, j in graph.edges().tolist()]
    random.Random(seed).shuffle(edges)
    made = networkx.MultiGraph()
    made.add_edges_from(edges)
    return made


PLANTED = planted_coloring(30, 3, 12.0, 1, shuffle=True)
KINDS = {
    "numbers in another order": range(30),
    "numbers from 1": range(1, 31),
    "text": [f"v{i}" for i in range(30)],
    "numbers as text": [str(i) for i in range(30)],
    "pairs": [(i // 6, i % 6) for i in range(30)],
}


@pytest.mark.parametrize("weight", [-1, 0, 2, 0.5, float("nan"), "1", None, np.array([1, 1])], ids=repr)
@pytest.mark.parametrize("kind", [networkx.Graph, networkx.MultiGraph])
def test_weights_are_refused_with_their_edge(kind, weight):
    graph = kind([("a", "b"), ("b", "c")])
    graph.add_edge("c", "a", weight=weight)
    with pytest.raises(
        ValueError, match=r"graph has edge \('a', 'c'\) of weight .*: must be 1 or none"
    ) as raised:
        ColoringGraph.from_networkx(graph, 3)
    assert repr(weight) in str(raised.value)
    networkx.set_edge_attributes(graph, 1, "weight")  # what the message advises
    assert ColoringGraph.from_networkx(graph, 3).n_edges == 3


def test_one_weighted_edge_of_parallel_ones_is_found():
    graph = networkx.MultiGraph([("a", "b"), ("a", "b"), ("a", "b")])
    assert ColoringGraph.from_networkx(graph, 2).n_edges == 3
    graph.add_edge("b", "a", weight=2)
    with pytest.raises(ValueError, match=r"graph has edge \('a', 'b'\) of weight 2: .*m parallel edges"):
        ColoringGraph.from_networkx(graph, 2)


def test_numbers_of_edges_under_other_names_are_noticed():
    graph = networkx.Graph([("a", "b"), ("b", "c")])
    networkx.set_edge_attributes(graph, {("a", "b"): {"label": "x", "J": 1, "seen": False}})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ColoringGraph.from_networkx(graph, 2)
    for name, value in (("J", -1), ("capacity", 2.5), ("weights", np.float32(3.0))):
        networkx.set_edge_attributes(graph, {("b", "c"): {name: value}})
        with pytest.warns(
            UserWarning, match=rf"edge \('b', 'c'\) with {name} = .* every edge counts once"
        ) as seen:
            assert ColoringGraph.from_networkx(graph, 2).n_edges == 2
        assert len(seen) == 1 and seen[0].filename == __file__
        del graph.edges["b", "c"][name]


def test_sparse_matrices_are_read_by_way_of_networkx_with_their_weights():
    matrix = scipy.sparse.csr_array(np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]]))
    with pytest.raises(
        ValueError, match=r"graph is a csr_array: must be a networkx .*from_scipy_sparse_array"
    ):
        ColoringGraph.from_networkx(matrix, 3)
    assert ColoringGraph.from_networkx(networkx.from_scipy_sparse_array(matrix), 3).n_edges == 2
    with pytest.raises(ValueError, match=r"graph has edge \(0, 1\) of weight -1"):
        ColoringGraph.from_networkx(networkx.from_scipy_sparse_array(-matrix), 3)


@pytest.mark.parametrize(
    ("edges", "message"),
    [
        (
            [(1, 2), (2, 3)],
            r"edges\[1\] = \[2, 3\]: must join different vertices in 0..2; 1-based\? then give edges - 1",
        ),
        ([(0, 2), (2, 3)], r"edges\[1\] = \[2, 3\]: must join different vertices in 0..2$"),
        ([(1, 2), (2, 4)], r"edges\[1\] = \[2, 4\]: must join different vertices in 0..2$"),
        ([(0, 1, 5)], "must be integers of shape .M, 2.; every edge counts once, a third column of weights"),
        (np.array([(0, 1, 1, 0), (1, 2, 2, 1)]), "shape .2, 4., .*; transposed. then give edges.T"),
    ],
)
def test_edges_that_mean_something_else_get_a_hint(edges, message):
    with pytest.raises(ValueError, match=message):
        ColoringGraph.from_edges(edges, 3, 3)


def test_colours_counted_from_one_get_a_hint():
    with pytest.raises(
        ValueError, match=r"planted has colours 1..2: must be in 0..1; 1-based\? then give planted - 1"
    ):
        ColoringGraph.from_edges([(0, 1)], 2, 2, planted=[1, 2])


def test_edges_in_both_directions_are_noticed():
    once = PLANTED.edges()
    both = np.concatenate([once, once[:, ::-1]])
    both = both[np.random.default_rng(0).permutation(len(both))]
    with pytest.warns(UserWarning, match="edges has every edge in both directions") as seen:
        twice = ColoringGraph.from_edges(both, PLANTED.n, 3)
    assert seen[0].filename == __file__ and twice.n_edges == 2 * PLANTED.n_edges
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = ColoringGraph.from_edges(both[both[:, 0] < both[:, 1]], PLANTED.n, 3)  # what it advises
        ColoringGraph.from_edges(np.concatenate([once, once[1:, ::-1], once[:1]]), PLANTED.n, 3)
    assert np.array_equal(again.neighbors, PLANTED.neighbors)


@pytest.mark.parametrize("names", KINDS.values(), ids=KINDS)
def test_planted_follows_the_nodes_or_is_refused(names):
    theirs = relabelled(PLANTED, names)
    by_node = dict(zip(names, PLANTED.planted.tolist(), strict=True))
    assert list(theirs.nodes) != list(names)
    with pytest.raises(
        ValueError, match=r"planted is a list and the nodes of graph are not sorted \(.*a mapping"
    ):
        ColoringGraph.from_networkx(theirs, 3, list(by_node.values()))
    series = pandas.Series(by_node.values(), index=pandas.Index(by_node, tupleize_cols=False))
    marked = theirs.copy()
    networkx.set_node_attributes(marked, by_node, "planted")
    for graph in (
        ColoringGraph.from_networkx(theirs, 3, by_node),
        ColoringGraph.from_networkx(
            theirs, 3, dict(zip(theirs.nodes, map(by_node.get, theirs.nodes), strict=True))
        ),
        ColoringGraph.from_networkx(theirs, 3, series),
        ColoringGraph.from_networkx(marked, 3),
    ):
        assert energy(graph, graph.planted) == 0 == energy(graph, by_node)
        assert graph.nodes == tuple(theirs.nodes) and graph.to_mapping(graph.planted) == by_node


def test_planted_may_be_a_list_where_the_nodes_are_sorted():
    listed = PLANTED.planted.tolist()
    graph = ColoringGraph.from_networkx(PLANTED.to_networkx(), 3, listed)
    assert energy(graph, listed) == 0 and graph.nodes == range(30)
    grid = networkx.grid_2d_graph(3, 4)
    planted = [(i + j) % 2 for i, j in grid.nodes]
    graph = ColoringGraph.from_networkx(grid, 2, planted)
    assert energy(graph, graph.planted) == 0 and graph.nodes == tuple(grid.nodes)


@pytest.mark.parametrize("names", KINDS.values(), ids=KINDS)
def test_results_are_turned_back_into_a_mapping(names, tmp_path):
    theirs = relabelled(PLANTED, names)
    graph = ColoringGraph.from_networkx(theirs, 3)
    runs = {"metropolis": metropolis(graph, 0.3, 20, 1), "sgd_like": sgd_like(graph, 0.9, 20, 1)}
    runs["annealing"] = anneal_coloring(graph, 5, 1, replicas=2, stop_overlap=None)
    runs["annealing"]["colors"] = runs["annealing"].colors[1]
    runs["annealing"]["energy"] = runs["annealing"].energy[:, 1]
    for run in runs.values():
        colors = graph.to_mapping(run.colors)
        assert list(colors) == list(theirs.nodes)
        clashes = sum(colors[node] == colors[other] for node, other in theirs.edges())
        assert clashes == energy(graph, colors) == energy(graph, run.colors)
        assert clashes == pytest.approx(30 * float(run.energy.sel(time=run.stopped_at)))
        shown = [node if isinstance(node, int | str) else repr(node) for node in theirs.nodes]
        assert run.vertex.values.tolist() == shown
        assert int(run.colors.sel(vertex=shown[3])) == colors[list(theirs.nodes)[3]]
        run.to_netcdf(tmp_path / "run.nc")
        with xr.open_dataset(tmp_path / "run.nc") as read:
            assert graph.to_mapping(read.colors) == colors
    onwards = [
        metropolis(graph, 0.3, 0, 1, initial=initial) for initial in (colors, run.colors, run.colors.values)
    ]
    assert all(np.array_equal(each.colors, run.colors) for each in onwards)
    with pytest.raises(
        ValueError, match="initial has a coordinate vertex: must be the nodes of the graph, in their"
    ):
        metropolis(graph, 0.3, 0, 1, initial=run.colors[::-1])
    with pytest.raises(ValueError, match="initial has no entry for node"):
        metropolis(graph, 0.3, 0, 1, initial={"nobody": 1})


@pytest.mark.parametrize("names", KINDS.values(), ids=KINDS)
def test_labelled_graphs_go_to_networkx_and_back(names):
    graph = ColoringGraph.from_networkx(
        relabelled(PLANTED, names), 3, dict(zip(names, PLANTED.planted, strict=True))
    )
    back = ColoringGraph.from_networkx(graph.to_networkx(), 3)
    for name in ("offsets", "neighbors", "planted", "nodes"):
        assert np.array_equal(getattr(back, name), getattr(graph, name))


@pytest.mark.parametrize("kind", ["numbers in another order", "text", "numbers as text"])
@pytest.mark.parametrize("planted", [True, False])
def test_labels_are_kept_in_datasets(tmp_path, kind, planted):
    names = KINDS[kind]
    given = dict(zip(names, PLANTED.planted, strict=True)) if planted else None
    graph = ColoringGraph.from_networkx(relabelled(PLANTED, names), 3, given)
    graph.to_dataset().to_netcdf(tmp_path / "graph.nc")
    with xr.open_dataset(tmp_path / "graph.nc") as dataset:
        back = ColoringGraph.from_dataset(dataset)
    assert back.nodes == graph.nodes and {type(node) for node in back.nodes} == {
        type(node) for node in graph.nodes
    }
    assert np.array_equal(back.neighbors, graph.neighbors) and np.array_equal(back.planted, graph.planted)


@pytest.mark.parametrize(
    ("nodes", "problem"),
    [
        ([2, 0, 1], "are not sorted .2, 0, 1"),
        (["1", "10", "2"], "are sorted as text, not by the numbers in it"),
        (["v1", "v10", "v2"], "are sorted as text"),
        ([1, "a", (2,)], "are of several kinds"),
    ],
)
def test_lists_are_refused_where_nodes_have_other_orders(nodes, problem):
    edges, listed = [(0, 1), (1, 2)], [0, 1, 0]
    graph = ColoringGraph.from_edges(edges, 3, 2, planted=np.array(listed), nodes=nodes)
    by_node = dict(zip(nodes, listed, strict=True))
    assert energy(graph, by_node) == energy(graph, np.array(listed)) == energy(graph, graph.planted) == 0
    assert graph.to_mapping(np.array(listed)) == by_node
    for argument, call in {
        "planted": lambda: ColoringGraph.from_edges(edges, 3, 2, planted=listed, nodes=nodes),
        "colors": lambda: energy(graph, listed),
        "colors ": lambda: graph.to_mapping(tuple(listed)),
        "initial": lambda: metropolis(graph, 1.0, 0, 1, initial=listed),
        "initial ": lambda: anneal_coloring(graph, 2, 1, replicas=2, initial=[listed] * 2),
    }.items():
        with pytest.raises(
            ValueError, match=f"{argument.strip()} is a .* the nodes of graph {problem}.*a mapping"
        ):
            call()


def test_lists_are_taken_where_nodes_have_one_order():
    for nodes in (None, [1, 2, 10], ["a", "b", "c"], ["v1", "v2", "v3"], ["08", "09", "10"], [1j, 2j, 3j]):
        graph = ColoringGraph.from_edges([(0, 1), (1, 2)], 3, 2, planted=[0, 1, 0], nodes=nodes)
        assert energy(graph, [0, 1, 0]) == 0


def test_two_colourings_in_different_orders_of_nodes_are_refused():
    one = pandas.Series([0, 1, 0, 1], index=list("abcd"))
    array = xr.DataArray(one.values, {"vertex": list("abcd")}, "vertex")
    for measure in (colorings.overlap, colorings.correlation):
        assert (
            measure(one, array, 2)
            == measure(one.values, list(one), 2)
            == measure(array, one.values, 2)
            == 1.0
        )
        for other in (one[::-1], array[::-1]):
            with pytest.raises(ValueError, match="have different nodes, or the same in another order"):
                measure(one, other, 2)


def test_datasets_with_their_vertices_in_another_order_are_refused():
    graph = ColoringGraph.from_edges([(0, 1), (1, 2)], 3, 2, planted=np.array([0, 1, 0]), nodes=[2, 0, 1])
    dataset = graph.to_dataset()
    assert ColoringGraph.from_dataset(dataset).nodes == graph.nodes
    for changed in (dataset.sortby("vertex"), dataset.drop_vars("vertex")):
        with pytest.raises(
            ValueError, match="dataset: its vertices are not those of the graph in their order"
        ):
            ColoringGraph.from_dataset(changed)
    assert list(PLANTED.to_dataset().attrs) == [
        "title",
        "q",
    ]  # files of graphs without names stay as they are


def test_labels_that_a_dataset_cannot_keep_are_refused():
    for graph in (networkx.grid_2d_graph(2, 3), networkx.Graph([(1, "1")]), networkx.Graph([(2**63, 1)])):
        with pytest.raises(
            ValueError, match="nodes: .* must be all text or all integers .*convert_node_labels"
        ):
            ColoringGraph.from_networkx(graph, 2).to_dataset()


def test_drawn_graphs_have_no_labels():
    graph = planted_coloring(30, 3, 6.0, 1)
    assert graph.nodes == range(30) and "vertex" not in graph.to_dataset().coords
    assert "vertex" not in metropolis(graph, 0.5, 1, 1).coords
    assert graph.to_mapping(graph.planted) == dict(enumerate(graph.planted.tolist()))


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        (["a"], "nodes has 1 names, 1 different ones: must be 2"),
        (["a", "a"], "nodes has 2 names, 1 different ones: must be 2"),
        ([["a"], ["b"]], "nodes: unhashable type: 'list': must be 2 different names"),
    ],
)
def test_bad_nodes_are_refused(nodes, message):
    with pytest.raises(ValueError, match=message):
        ColoringGraph.from_edges([(0, 1)], 2, 2, nodes=nodes)


def test_edges_may_come_with_names():
    graph = ColoringGraph.from_edges([(0, 1)], 2, 2, planted={"b": 0, "a": 1}, nodes=np.array(["b", "a"]))
    assert graph.nodes == ("b", "a") and graph.planted.tolist() == [0, 1]
    assert ColoringGraph.from_edges([(0, 1)], 2, 2, nodes=range(1, 3)).nodes == range(1, 3)


def test_examples_in_docstrings():
    outcome = doctest.testmod(coloring)
    assert outcome.attempted > 0 and outcome.failed == 0
