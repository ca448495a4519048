"""Colouring instances: form, ensembles, observables, conversions, errors."""

import networkx
import numpy as np
import pytest
import scipy.stats
import xarray as xr
from coloring_laws import FALSE_ALARM
from hypothesis import given, settings
from hypothesis import strategies as st
from naive.coloring import dynamics as naive

from thermobatch.coloring import adjacency
from thermobatch.coloring.colorings import correlation, overlap
from thermobatch.coloring.graph import ColoringGraph, energy, planted_coloring, random_coloring

edge_lists = st.integers(2, 9).flatmap(
    lambda n: st.tuples(
        st.just(n),
        st.lists(
            st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)).filter(lambda pair: pair[0] != pair[1]),
            min_size=1,
            max_size=25,
        ),
    )
)


@settings(max_examples=60, deadline=None)
@given(edge_lists)
def test_adjacency_is_that_of_the_edges(case):
    n, edges = case
    graph = ColoringGraph.from_edges(edges, n, 3)
    rows = np.split(graph.neighbors, graph.offsets[1:-1])
    assert [row.tolist() for row in rows] == [sorted(row) for row in naive.neighbor_lists(edges, n)]
    listed = graph.edges()
    assert listed.dtype == np.int32 and listed.tolist() == sorted(sorted(pair) for pair in edges)
    assert (graph.n, graph.n_edges, graph.mean_degree) == (n, len(edges), 2 * len(edges) / n)
    assert graph.degrees.tolist() == [len(row) for row in rows] and graph.max_degree == max(map(len, rows))


@settings(max_examples=40, deadline=None)
@given(edge_lists)
def test_both_half_edges_of_an_edge_have_its_number(case):
    n, edges = case
    graph = ColoringGraph.from_edges(edges, n, 3)
    edge_of = adjacency.edge_of_half_edge(graph.offsets, graph.neighbors)
    vertex_of = np.repeat(np.arange(n), graph.degrees)
    ends = [sorted(vertex_of[edge_of == edge].tolist()) for edge in range(graph.n_edges)]
    assert ends == graph.edges().tolist()


@settings(max_examples=40, deadline=None)
@given(edge_lists, st.integers(2, 5), st.randoms(use_true_random=False))
def test_observables_are_those_of_the_definition(case, q, random):
    n, edges = case
    colors, others = ([random.randrange(q) for _ in range(n)] for _ in range(2))
    assert energy(ColoringGraph.from_edges(edges, n, q), colors) == naive.energy(edges, colors)
    assert overlap(colors, others, q) == pytest.approx(naive.overlap(colors, others, q), abs=1e-12)
    assert correlation(colors, others, q) == pytest.approx(naive.correlation(colors, others, q), abs=1e-12)


def test_observables_do_not_change_under_relabelling():
    rng = np.random.default_rng(0)
    graph = planted_coloring(700, 7, 9.0, 1)
    colors = rng.integers(0, 7, 700)
    permutation = rng.permutation(7)
    assert energy(graph, permutation[colors]) == energy(graph, colors)
    assert overlap(permutation[colors], graph.planted, 7) == overlap(colors, graph.planted, 7)
    assert overlap(permutation[graph.planted], graph.planted, 7) == 1.0
    labels = rng.permutation(700)
    moved = ColoringGraph.from_edges(labels[graph.edges()], 700, 7)
    assert energy(moved, colors[np.argsort(labels)]) == energy(graph, colors)


@pytest.mark.parametrize("q", [2, 5, 32])
def test_overlap_of_random_colours_is_of_order_one_over_root_n(q):
    rng = np.random.default_rng(q)
    values = [overlap(rng.integers(0, q, 9600), np.arange(9600) % q, q) for _ in range(20)]
    assert 0 < np.mean(values) < 8 / np.sqrt(9600)


def test_planted_edges_join_different_groups():
    for q, seed in ((2, 0), (5, 1), (32, 2)):
        for shuffle in (False, True):
            graph = planted_coloring(64 * 15, q, 11.0, seed, shuffle=shuffle)
            assert energy(graph, graph.planted) == 0
            assert np.array_equal(np.bincount(graph.planted), np.full(q, 64 * 15 // q))
            assert graph.n_edges == round(11.0 * 64 * 15 / 2)
            assert np.array_equal(graph.planted, np.sort(graph.planted)) is not shuffle


def test_shuffling_renames_the_vertices_of_the_same_graph():
    plain, shuffled = planted_coloring(200, 5, 7.0, 3), planted_coloring(200, 5, 7.0, 3, shuffle=True)
    assert sorted(plain.degrees) == sorted(shuffled.degrees)
    assert not np.array_equal(plain.degrees, shuffled.degrees)
    first, second = (networkx.Graph(graph.to_networkx()) for graph in (plain, shuffled))
    assert networkx.faster_could_be_isomorphic(first, second)


@pytest.mark.parametrize(
    ("n", "q", "draw"), [(6, 3, planted_coloring), (8, 2, planted_coloring), (5, 3, random_coloring)]
)
def test_edges_are_uniform_over_the_allowed_pairs(n, q, draw):
    """30 000 edges on few vertices: a pair whose probability is off by 15% would be seen."""
    graph = draw(n, q, 60_000 / n, 4)
    pairs, counts = np.unique(graph.edges(), axis=0, return_counts=True)
    group = np.arange(n) // (n // q) if draw is planted_coloring else np.arange(n)
    allowed = [[i, j] for i in range(n) for j in range(i + 1, n) if group[i] != group[j]]
    assert pairs.tolist() == allowed
    assert scipy.stats.chisquare(counts).pvalue > FALSE_ALARM


def test_degrees_have_the_poisson_law():
    """50 000 vertices: a mean degree of a group off by 1% or a variance off by 4% would be seen."""
    graph = planted_coloring(50_000, 5, 19.0, 5)
    observed = np.bincount(graph.degrees, minlength=60)
    expected = scipy.stats.poisson.pmf(np.arange(observed.size), 19.0) * graph.n
    inside = expected >= 10
    observed = np.append(observed[inside], observed[~inside].sum())
    expected = np.append(expected[inside], graph.n - expected[inside].sum())
    assert scipy.stats.chisquare(observed, expected).pvalue > FALSE_ALARM
    per_group = graph.degrees.reshape(5, -1).mean(axis=1)
    assert np.all(abs(per_group - 19.0) < 5.5 * np.sqrt(19.0 / 10_000))


@pytest.mark.parametrize(
    ("draw", "factor"), [(planted_coloring, 5 / 4), (random_coloring, 1.0)], ids=["planted", "random"]
)
def test_multi_edges_are_kept_and_as_many_as_expected(draw, factor):
    """Pairs of edges on the same pair of vertices: Poisson with mean (c^2/4) q/(q-1), whatever N (here 10 graphs)."""
    total = 0
    for seed in range(10):
        counts = np.unique(draw(2000, 5, 19.0, seed).edges(), axis=0, return_counts=True)[1]
        total += (counts * (counts - 1) // 2).sum()
    mean = 10 * 19.0**2 / 4 * factor
    assert (
        min(scipy.stats.poisson.cdf(total, mean), scipy.stats.poisson.sf(total - 1, mean)) > FALSE_ALARM / 2
    )


def test_graphs_are_determined_by_their_seed():
    first, again = (
        planted_coloring(500, 5, 19.0, 6),
        planted_coloring(500, 5, 19.0, np.random.SeedSequence(6)),
    )
    assert np.array_equal(first.neighbors, again.neighbors)
    assert not np.array_equal(first.neighbors, planted_coloring(500, 5, 19.0, 7).neighbors)


def test_graphs_cannot_be_changed():
    graph = planted_coloring(10, 5, 3.0, 0)
    for array in (graph.offsets, graph.neighbors, graph.planted):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    with pytest.raises(AttributeError):
        graph.q = 4


@pytest.mark.parametrize("shuffle", [False, True])
def test_networkx_round_trip(shuffle):
    graph = planted_coloring(60, 3, 8.0, 8, shuffle=shuffle)
    there = graph.to_networkx()
    assert there.number_of_edges() == graph.n_edges and there.graph["q"] == 3
    back = ColoringGraph.from_networkx(there, q=3)
    for name in ("offsets", "neighbors", "planted"):
        assert np.array_equal(getattr(back, name), getattr(graph, name))
    assert ColoringGraph.from_networkx(random_coloring(9, 3, 4.0, 1).to_networkx(), 3).planted is None


def test_networkx_nodes_may_be_anything():
    graph = networkx.Graph([("a", (1, 2)), ((1, 2), 7.5)])
    expected = ([0, 1, 3, 4], [1, 0, 2, 1])
    for planted in ({"a": 0, (1, 2): 1, 7.5: 0}, None):
        back = ColoringGraph.from_networkx(graph, 2, planted)
        assert (back.offsets.tolist(), back.neighbors.tolist()) == expected
        assert planted is None or back.planted.tolist() == [0, 1, 0]
    with pytest.raises(ValueError, match="of several kinds"):
        ColoringGraph.from_networkx(graph, 2, [0, 1, 0])


@pytest.mark.parametrize("draw", [planted_coloring, random_coloring])
def test_dataset_round_trip_through_a_file(tmp_path, draw):
    graph = draw(60, 5, 8.0, 9)
    graph.to_dataset().to_netcdf(tmp_path / "graph.nc")
    with xr.open_dataset(tmp_path / "graph.nc") as dataset:
        back = ColoringGraph.from_dataset(dataset)
    assert back.q == graph.q and repr(back) == repr(graph)
    for name in ("offsets", "neighbors", "planted"):
        assert np.array_equal(getattr(back, name), getattr(graph, name))
        assert getattr(back, name) is None or getattr(back, name).dtype == getattr(graph, name).dtype


def test_a_corrupted_dataset_is_noticed():
    dataset = planted_coloring(60, 5, 8.0, 9).to_dataset()
    for name, change in (("offsets", 1), ("neighbors", 2), ("planted", 250)):
        broken = dataset.copy(deep=True)
        broken[name][3] = broken[name][3] + np.asarray(change, broken[name].dtype)
        with pytest.raises(ValueError, match=name if name != "offsets" else "offsets|neighbors"):
            ColoringGraph.from_dataset(broken)
    with pytest.raises(ValueError, match="dataset lacks neighbors"):
        ColoringGraph.from_dataset(dataset.drop_vars("neighbors"))
    del dataset.attrs["q"]
    with pytest.raises(ValueError, match="dataset lacks q"):
        ColoringGraph.from_dataset(dataset)


@pytest.mark.parametrize(
    ("offsets", "neighbors", "message"),
    [
        ([0, 0, 0], [], "neighbors is empty"),
        ([0, 1, 2], [0, 1], "neighbors of vertex"),
        ([0, 1, 2], [1, 1], "neighbors of vertex 0 = .1. or of one of them: must"),
        ([0, 1, 2], [1, 2], "neighbors of vertex"),
        ([0, 1, 2], [1, -1], "neighbors of vertex"),
        ([0, 2, 3, 4], [2, 1, 0, 0], "neighbors of vertex"),
        ([0, 2, 2], [1, 1], "neighbors of vertex"),
        ([0, 1, 3], [1, 0], "offsets: must rise"),
        ([1, 1, 2], [1, 0], "offsets: must rise"),
        ([0, 3, 2], [1, 0], "offsets: must rise"),
        ([0, 2], [1, 0], "offsets: must rise"),
        ([0, 1, 2], [1, 2**32], "neighbors has values 1..4294967296: must fit int32"),
        ([0, 1, 2], [1.0, 0.0], "neighbors: shape .2,., dtype float64"),
        ([[0, 1, 2]], [1, 0], "offsets: shape .1, 3."),
    ],
)
def test_bad_adjacency_is_rejected(offsets, neighbors, message):
    with pytest.raises(ValueError, match=message):
        ColoringGraph(np.array(offsets), np.array(neighbors, np.int64 if not neighbors else None), 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n": 11}, "n = 11: must be a multiple of q = 5"),
        ({"n": 1}, "n = 1: must be an integer in 2..2147483647"),
        ({"n": 2**31}, "n = 2147483648: must be an integer in"),
        ({"n": 10.0}, "n = 10.0: must be an integer"),
        ({"n": True}, "n = True: must be an integer"),
        ({"q": 1}, "q = 1: must be an integer in 2..32"),
        ({"q": 33}, "q = 33: must be an integer in 2..32"),
        ({"mean_degree": 0}, "mean_degree = 0: must be a finite number > 0"),
        ({"mean_degree": -1.0}, "mean_degree = -1.0: must be a finite number > 0"),
        ({"mean_degree": float("nan")}, "mean_degree = nan: must be"),
        ({"mean_degree": float("inf")}, "mean_degree = inf: must be"),
        ({"mean_degree": "19"}, "mean_degree = '19': must be"),
        ({"mean_degree": 0.05}, "mean_degree = 0.05 with n = 10: the graph would have no edge"),
        ({"mean_degree": 1e300}, "half-edges do not fit 32-bit indices"),
        ({"mean_degree": 1e9}, "half-edges do not fit 32-bit indices; must give 1..1073741823 edges"),
        ({"shuffle": 1}, "shuffle = 1: must be True or False"),
        ({"seed": -1}, "seed = -1: must be a non-negative integer"),
    ],
)
def test_bad_arguments_are_rejected(arguments, message):
    good = {"n": 10, "q": 5, "mean_degree": 3.0, "seed": 0}
    with pytest.raises(ValueError, match=message):
        planted_coloring(**good | arguments)


@pytest.mark.parametrize(
    ("colors", "message"),
    [
        ([0, 1, 2], "colors: shape .3,., dtype int64: must be 4 integers"),
        ([0, 1, 2, 3], "colors has colours 0..3: must be in 0..2"),
        ([0, 1, 2, -1], "colors has colours -1..2"),
        ([0.0, 1.0, 2.0, 1.0], "colors: shape .4,., dtype float64"),
    ],
)
def test_bad_colours_are_rejected(colors, message):
    graph = ColoringGraph.from_edges([(0, 1), (2, 3)], 4, 3)
    with pytest.raises(ValueError, match=message):
        energy(graph, colors)


@pytest.mark.parametrize(
    ("edges", "message"),
    [
        ([], "edges is empty"),
        ([(0, 1), (2, 2)], r"edges\[1\] = \[2, 2\]: must join different vertices in 0..2"),
        ([(0, 3)], r"edges\[0\] = \[0, 3\]"),
        ([(0.0, 1.0)], "edges: shape .1, 2., dtype float64"),
        ([(0, 1, 2)], "edges: shape .1, 3."),
    ],
)
def test_bad_edges_are_rejected(edges, message):
    with pytest.raises(ValueError, match=message):
        ColoringGraph.from_edges(edges, 3, 3)


@pytest.mark.parametrize(
    ("graph", "planted", "message"),
    [
        (networkx.DiGraph([(0, 1)]), None, "graph is directed"),
        (networkx.Graph([(0, 0), (0, 1)]), None, "self-loop at node 0"),
        (networkx.empty_graph(4), None, "graph has no edge"),
        (networkx.Graph([("a", "b")]), {"a": 0}, "planted has no entry for node 'b'"),
        (networkx.Graph([(0, 1)]), [0], "planted: shape"),
        (networkx.Graph([(0, 1)]), [0, 3], "planted has colours 0..3: must be in 0..2"),
    ],
)
def test_bad_networkx_graphs_are_rejected(graph, planted, message):
    with pytest.raises(ValueError, match=message):
        ColoringGraph.from_networkx(graph, 3, planted)


def test_a_partly_planted_networkx_graph_is_rejected():
    graph = networkx.Graph([(0, 1)])
    graph.nodes[0]["planted"] = 1
    with pytest.raises(ValueError, match="planted: 1 of 2 nodes have the attribute"):
        ColoringGraph.from_networkx(graph, 3)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(-3, 40),
    st.integers(-1, 40),
    st.one_of(st.floats().filter(lambda degree: not 1e3 < degree < 1e10), st.integers(-2, 30)),
    st.integers(-1, 10),
    st.booleans(),
)
def test_any_arguments_give_a_graph_or_a_clear_error(n, q, mean_degree, seed, shuffle):
    try:
        graph = planted_coloring(n, q, mean_degree, seed, shuffle)
    except ValueError as error:
        assert str(error).split(" = ")[0] in {"n", "q", "mean_degree", "seed"}
    else:
        assert energy(graph, graph.planted) == 0 and graph.n_edges == round(mean_degree * n / 2)
