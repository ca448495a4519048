"""Runs of both dynamics: the same moves as the definition on both paths, what is recorded, when they stop."""

import doctest
import math

import numpy as np
import pytest
from fixed_blocks import fix_blocks
from hypothesis import given, settings
from hypothesis import strategies as st
from naive.coloring import dynamics as naive

from thermobatch.coloring.colorings import correlation, overlap
from thermobatch.coloring.dynamics import chain as coloring_chain
from thermobatch.coloring.dynamics import metropolis, minibatch
from thermobatch.coloring.dynamics.acceptance import half_edge_acceptance, metropolis_acceptance
from thermobatch.coloring.dynamics.chain import ORDERS
from thermobatch.coloring.dynamics.metropolis import metropolis as run_metropolis
from thermobatch.coloring.dynamics.minibatch import SCHEMES, sgd_like
from thermobatch.coloring.graph import ColoringGraph, energy, planted_coloring, random_coloring
from thermobatch.foundation.record_times import log_spaced_sweeps
from thermobatch.foundation.streams import child_seed, random_stream

RUNS = {
    "metropolis": lambda graph, **options: run_metropolis(graph, 0.6, **options),
    **{
        scheme: (lambda graph, scheme=scheme, **options: sgd_like(graph, 0.8, scheme=scheme, **options))
        for scheme in SCHEMES
    },
}
STREAMS = {"metropolis": 1, "sgd_like": 2}


def star(leaves, q=3):
    return ColoringGraph.from_edges([(0, leaf) for leaf in range(1, leaves + 1)], leaves + 1, q)


def on_general_path(monkeypatch):
    monkeypatch.setattr(coloring_chain, "fits_words", lambda graph: False)


@pytest.mark.parametrize("general", [False, True])
@pytest.mark.parametrize("dynamics", ["metropolis", "sgd_like"])
def test_runs_make_the_moves_of_the_definition(monkeypatch, dynamics, general):
    """Word by word: same random numbers, naive counting, for five sweeps; also flows, energies and moves."""
    graph = planted_coloring(60, 5, 7.0, 1)
    edges = graph.edges().tolist()
    if dynamics == "metropolis":
        acceptance = metropolis_acceptance(0.6, graph.max_degree)
    else:
        acceptance = half_edge_acceptance(0.8, graph.max_degree)
    if general:
        on_general_path(monkeypatch)
    result = RUNS["metropolis" if dynamics == "metropolis" else "half_edge"](
        graph, sweeps=5, seed=2, record=[1, 2, 3, 4, 5], flows_from=2
    )
    assert result.path == ("general" if general else "word")
    colors = np.random.default_rng(child_seed(2, 0)).integers(0, 5, 60, dtype=np.uint8).tolist()
    stream = naive.Xoshiro(random_stream(child_seed(2, STREAMS[dynamics], 0)))
    proposals, flows = np.zeros((2, graph.max_degree + 1, graph.max_degree + 1), int)
    total = 0
    late = []
    for sweep in range(1, 6):

        def accept(n_old, n_new, fraction, sweep=sweep):
            accepted = fraction < int(
                acceptance.thresholds[acceptance.origin + acceptance.stride * n_old + n_new]
            )
            proposals[n_old, n_new] += sweep > 2
            flows[n_old, n_new] += (sweep > 2) * accepted
            return accepted

        colors, _, moves = naive.sweep(edges, colors, 5, accept, [stream.word() for _ in range(60)])
        total += moves
        assert int(result.accepted[sweep]) == total
        assert float(result.energy[sweep]) == naive.energy(edges, colors) / 60
        late += [naive.energy(edges, colors)] if sweep > 2 else []
        assert float(result.overlap[sweep]) == pytest.approx(
            naive.overlap(colors, graph.planted, 5), abs=1e-12
        )
    assert result.colors.values.tolist() == colors
    assert float(result.late_energy) == sum(late) / (3 * 60)
    assert np.array_equal(result.proposals, proposals) and np.array_equal(result.flows, flows)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(2, 7),
    st.sampled_from(["metropolis", *SCHEMES]),
    st.sampled_from(list(ORDERS)),
    st.floats(0.05, 1.0),
    st.integers(0, 2**32),
)
def test_both_paths_make_the_same_moves(q, which, order, parameter, seed):
    graph = planted_coloring(20 * q, q, 6.0, seed)
    options = {"order": order, "waiting_times": [3], "flows_from": 5, "stop_overlap": 0.9}
    results = []
    with pytest.MonkeyPatch.context() as patch:
        for path in ("word", "general"):
            if path == "general":
                on_general_path(patch)
            if which == "metropolis":
                results.append(run_metropolis(graph, parameter, 12, seed, **options))
            else:
                results.append(sgd_like(graph, parameter, 12, seed, scheme=which, **options))
            assert results[-1].attrs.pop("path") == path
    assert results[0].identical(results[1])


@pytest.mark.parametrize("order", list(ORDERS))
@pytest.mark.parametrize("which", list(RUNS))
def test_recorded_observables_are_those_of_the_colours(which, order):
    """Energies, overlaps and correlations kept along the way equal those of the colours of shorter runs."""
    graph = planted_coloring(400, 5, 12.0, 3)
    result = RUNS[which](graph, sweeps=30, seed=4, order=order, record=[5, 10, 20, 30], waiting_times=[5, 10])
    colors = {
        t: RUNS[which](graph, sweeps=t, seed=4, order=order).colors.values for t in (0, 5, 10, 15, 20, 30)
    }
    assert result.time.values.tolist() == [0, 5, 10, 20, 30]
    for t in (0, 5, 10, 20, 30):
        now = result.sel(time=t)
        assert float(now.energy) * 400 == pytest.approx(energy(graph, colors[t]), abs=1e-9)
        assert float(now.overlap) == overlap(colors[t], graph.planted, 5)
    for waiting, lag in ((5, 0), (5, 5), (5, 10), (10, 5), (10, 10), (10, 20)):
        expected = correlation(colors[waiting], colors[waiting + lag], 5)
        assert float(result.correlation.sel(waiting_time=waiting, lag=lag)) == expected
    assert np.isnan(result.correlation.sel(waiting_time=10, lag=30))
    assert np.array_equal(result.colors, colors[30])


@pytest.mark.parametrize("which", list(RUNS))
def test_runs_are_determined_by_their_seed(which):
    graph = random_coloring(300, 5, 12.0, 5)
    first, again, other = (
        RUNS[which](graph, sweeps=10, seed=seed) for seed in (6, np.random.SeedSequence(6), 7)
    )
    assert first.identical(again)
    assert not np.array_equal(first.energy, other.energy)


def test_time_zero_is_before_any_move_and_both_dynamics_share_it():
    graph = planted_coloring(500, 5, 12.0, 8)
    starts = [run(graph, sweeps=0, seed=9) for run in RUNS.values()]
    for start in starts:
        assert start.time.values.tolist() == [0] and int(start.accepted[0]) == 0
        assert np.array_equal(start.colors, starts[0].colors)
        assert float(start.energy[0]) == energy(graph, start.colors.values) / 500
    after = [
        RUNS[which](graph, sweeps=1, seed=9, initial=graph.planted) for which in ("metropolis", "half_edge")
    ]
    assert [int(result.stopped_at) for result in after] == [0, 0]


def test_initial_colours_are_uniform_and_one_by_one_independent():
    colors = run_metropolis(random_coloring(50_000, 5, 2.0, 0), 1.0, 0, 1).colors.values
    pairs = np.bincount(5 * colors[::2].astype(int) + colors[1::2], minlength=25)
    assert abs(pairs - 1000).max() < 6 * np.sqrt(1000)


def test_blocks_do_not_change_a_run(monkeypatch):
    graph = planted_coloring(200, 5, 12.0, 10)
    whole = [
        run(graph, sweeps=25, seed=11, waiting_times=[4], order="random_permutation") for run in RUNS.values()
    ]
    fix_blocks(monkeypatch, 3)
    done = []
    parts = [
        run(graph, sweeps=25, seed=11, waiting_times=[4], order="random_permutation", progress=done.append)
        for run in RUNS.values()
    ]
    assert all(one.identical(other) for one, other in zip(whole, parts, strict=True))
    per_run = np.split(np.array(done), np.flatnonzero(np.diff(done) < 0) + 1)
    assert len(per_run) == len(RUNS)
    assert all(np.all(np.diff(each) > 0) and np.diff(each).max() <= 3 and each[-1] == 25 for each in per_run)


def test_a_run_can_be_continued():
    graph = planted_coloring(500, 5, 12.0, 12)
    first = run_metropolis(graph, 0.4, 20, 13)
    initial = first.colors.values
    second = run_metropolis(graph, 0.4, 20, 14, initial=initial)
    assert float(second.energy[0]) == float(first.energy[-1])
    assert not np.array_equal(second.colors, initial) and np.array_equal(first.colors, initial)


@pytest.mark.parametrize("which", list(RUNS))
def test_runs_stop_at_a_solution(which):
    graph = random_coloring(50, 5, 1.5, 15)
    result = RUNS[which](graph, sweeps=400, seed=16, record=list(range(401)))
    solved = int(result.solved_at)
    assert result.stopped == "solution" and int(result.stopped_at) == solved > 0
    assert energy(graph, result.colors.values) == 0 == float(result.energy[solved])
    assert np.all(result.energy[:solved] > 0) and np.all(np.isnan(result.energy[solved + 1 :]))
    assert np.all(result.accepted[solved:] == result.accepted[solved])
    onwards = RUNS[which](graph, sweeps=solved + 20, seed=16, record=[solved], stop_at_solution=False)
    assert onwards.stopped == "horizon" and int(onwards.stopped_at) == solved + 20
    assert int(onwards.solved_at) == solved and int(onwards.accepted[1]) == int(result.accepted[solved])
    at_once = RUNS[which](graph, sweeps=5, seed=17, initial=result.colors.values)
    assert (int(at_once.solved_at), int(at_once.stopped_at), at_once.stopped) == (0, 0, "solution")


@pytest.mark.parametrize("general", [False, True])
def test_first_passage_is_the_first_sweep_above_the_overlap(monkeypatch, general):
    if general:
        on_general_path(monkeypatch)
    graph = planted_coloring(500, 5, 22.0, 18)
    whole = run_metropolis(graph, 0.6, 600, 19, record=list(range(601)))
    for value in (0.0, 0.3, 0.6, 0.75):
        result = run_metropolis(graph, 0.6, 600, 19, record=list(range(601)), stop_overlap=value)
        expected = int(np.argmax(whole.overlap.values > value))
        assert (
            float(result.first_passage) == expected == int(result.stopped_at) and result.stopped == "overlap"
        )
        assert np.array_equal(result.overlap[: expected + 1], whole.overlap[: expected + 1])
        assert np.all(np.isnan(result.energy[expected + 1 :]))
    never = run_metropolis(graph, 0.6, 20, 19, stop_overlap=0.95)
    assert np.isnan(never.first_passage) and never.stopped == "horizon"
    # three groups that share a colour look matched to the bound in the kernel, not to the exact overlap
    merged = run_metropolis(graph, 0.0, 3, 19, initial=np.minimum(graph.planted, 2), stop_overlap=0.9)
    assert np.isnan(merged.first_passage) and int(merged.stopped_at) == 3


def test_at_zero_temperature_and_with_the_whole_batch_energy_never_rises():
    graph = random_coloring(2000, 5, 19.0, 20)
    for result in (
        run_metropolis(graph, 0, 50, 21, record=list(range(51))),
        sgd_like(graph, 1.0, 50, 21, record=list(range(51))),
        sgd_like(graph, 1, 50, 21, scheme="shared_edge", record=list(range(51))),
        sgd_like(graph, 1, 50, 21, scheme="shared_edge_exact", record=list(range(51))),
    ):
        assert np.all(np.diff(result.energy) <= 0) and result.energy[-1] < 0.35 * result.energy[0]


def test_flows_count_every_proposal_and_move():
    graph = planted_coloring(500, 5, 12.0, 22)
    for run in RUNS.values():
        for order in ORDERS:
            result = run(graph, sweeps=20, seed=23, order=order, flows_from=5, record=[5, 20])
            assert int(result.proposals.sum()) == 15 * 500
            assert int(result.flows.sum()) == int(result.accepted[2] - result.accepted[1])
            old, new = np.indices(result.flows.shape)
            change = (result.flows.values * (new - old)).sum()
            assert change == pytest.approx(500 * float(result.energy[2] - result.energy[1]), abs=1e-9)
            assert np.all(result.flows <= result.proposals)
    early = RUNS["metropolis"](graph, sweeps=20, seed=23, flows_from=5, initial=graph.planted)
    assert int(early.proposals.sum()) == 0


def test_relabelling_the_colours_of_the_start_relabels_nothing_but_chance():
    """Isolated vertices accept everything: after a sweep each has another colour, uniformly among the q - 1 others."""
    graph = ColoringGraph.from_edges([(0, 1)], 60_001, 4)
    initial = np.arange(60_001) % 4
    for run in (RUNS["metropolis"], RUNS["half_edge"], RUNS["shared_edge"]):
        final = run(graph, sweeps=1, seed=24, initial=initial, stop_at_solution=False).colors.values
        counts = np.zeros((4, 4))
        np.add.at(counts, (initial[2:], final[2:]), 1)
        assert np.all(np.diag(counts) == 0)
        off = counts[~np.eye(4, dtype=bool)]
        assert abs(off - 5000).max() < 6 * math.sqrt(5000)


@pytest.mark.parametrize(
    ("graph", "scheme", "order", "path"),
    [
        (star(255, q=7), "half_edge", "sequential", "word"),
        (star(256, q=7), "half_edge", "sequential", "general"),
        (star(255, q=8), "half_edge", "sequential", "general"),
        (star(40, q=32), "half_edge", "random_permutation", "general"),
        (star(2000, q=3), "half_edge", "sequential", "general"),
        (star(40), "half_edge", "random_sequential", "word"),
        (star(40), "per_proposal", "random_sequential", "word"),
        (star(40), "shared_edge", "sequential", "word"),
        (star(2000), "shared_edge_exact", "random_permutation", "general"),
    ],
)
def test_the_path_is_chosen_by_what_fits(graph, scheme, order, path):
    options = {"stop_at_solution": False, "initial": np.zeros(graph.n, int)}
    result = sgd_like(graph, 0.7, 20, 1, scheme=scheme, order=order, **options)
    assert result.path == path
    assert float(result.energy[-1]) * graph.n == pytest.approx(energy(graph, result.colors.values), abs=1e-9)
    assert run_metropolis(graph, 0.5, 2, 1, order=order).path == (
        "word" if graph.q <= 7 and graph.max_degree <= 255 else "general"
    )


@pytest.mark.parametrize("scheme", SCHEMES)
def test_counts_fill_their_bytes(monkeypatch, scheme):
    """255 neighbours of one colour, the most a byte holds, on both paths."""
    graph = star(255, q=3)
    options = {"scheme": scheme, "initial": np.zeros(256, int), "stop_at_solution": False, "flows_from": 0}
    word = sgd_like(graph, 0.9, 30, 2, **options)
    on_general_path(monkeypatch)
    general = sgd_like(graph, 0.9, 30, 2, **options)
    assert (word.path, general.path) == ("word", "general")
    assert word.equals(general) and int(word.proposals[255].sum()) >= 1


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(1, 40))
def test_log_spaced_sweeps_are_prefixes_of_each_other(sweeps, longer, per_decade):
    short, long = sorted(
        (log_spaced_sweeps(sweeps, per_decade), log_spaced_sweeps(longer, per_decade)), key=max
    )
    assert short[0] == 0 and short[-1] == min(sweeps, longer) and short.dtype == np.int64
    assert np.all(np.diff(short) > 0)
    assert np.array_equal(short[:-1], long[: short.size - 1])
    assert np.all(np.diff(np.log(long[1:-1][long[1:-1] > 10 * per_decade])) < 2.6 / per_decade)


def test_log_spaced_sweeps_of_one_decade():
    assert log_spaced_sweeps(10, per_decade=5).tolist() == [0, 1, 2, 3, 4, 6, 10]
    assert log_spaced_sweeps(0).tolist() == [0] and log_spaced_sweeps(1).tolist() == [0, 1]


GRAPH = random_coloring(20, 5, 4.0, 0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sweeps": -1}, "sweeps = -1: must be an integer >= 0"),
        ({"sweeps": 1.5}, "sweeps = 1.5: must be an integer >= 0"),
        ({"sweeps": True}, "sweeps = True"),
        ({"seed": -1}, "seed = -1"),
        ({"order": "random"}, "order = 'random': must be one of sequential, random_permutation, random_seq"),
        ({"order": None}, "order = None: must be one of"),
        ({"initial": [0, 1]}, "initial: shape .2,., dtype int64: must be 20 integers"),
        ({"initial": [5] * 20}, "initial has colours 5..5: must be in 0..4"),
        ({"record": [3, 3]}, r"record = \[3, 3\]: must be strictly increasing sweeps in 0..9"),
        ({"record": [10]}, r"record = \[10\]: must be strictly increasing sweeps in 0..9"),
        ({"record": [-1]}, "record = .*: must be strictly increasing"),
        ({"record": [1.5]}, "record( =| has rows) .*: must be a sequence of integers"),
        ({"record": 3}, "record = 3: must be a sequence of integers"),
        ({"record": [[1, 2], [3]]}, "record( =| has rows) .*: must be a sequence of integers"),
        ({"graph": GRAPH.to_networkx()}, "graph is a MultiGraph: must be a ColoringGraph"),
        ({"waiting_times": [10]}, r"waiting_times = \[10\]: must be strictly increasing sweeps in 0..9"),
        ({"stop_overlap": 0.5}, "stop_overlap = 0.5: must be None, the graph has no planted colouring"),
        ({"stop_overlap": 1.0}, r"stop_overlap = 1.0: must be in \[0, 1\)"),
        ({"flows_from": 10}, "flows_from = 10: must be an integer in 0..9"),
        ({"stop_at_solution": 1}, "stop_at_solution = 1: must be True or False"),
    ],
)
def test_bad_options_are_rejected_by_both_dynamics(options, message):
    good = {"graph": GRAPH, "sweeps": 9, "seed": 0}
    for run in RUNS.values():
        with pytest.raises(ValueError, match=message):
            run(**good | options)


@pytest.mark.parametrize("temperature", [-1, math.nan, math.inf, "0.5", None])
def test_bad_temperatures_are_rejected(temperature):
    with pytest.raises(ValueError, match=r"temperature = .*: must be a finite number >= 0"):
        run_metropolis(GRAPH, temperature, 1, 0)


@pytest.mark.parametrize("fraction", [0, -0.1, 1.2, math.nan, "0.5"])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_bad_batch_fractions_are_rejected(fraction, scheme):
    with pytest.raises(ValueError, match=r"batch_fraction = .*: must be in \(0, 1\]"):
        sgd_like(GRAPH, fraction, 1, 0, scheme=scheme)


def test_bad_schemes_and_degrees_are_rejected():
    with pytest.raises(
        ValueError, match="scheme = 'edges': must be one of half_edge, shared_edge, shared_edge_e"
    ):
        sgd_like(GRAPH, 0.5, 1, 0, scheme="edges")
    with pytest.raises(ValueError, match="the largest degree is 1024 and per_proposal allows 1023"):
        sgd_like(star(1024), 0.5, 1, 0, scheme="per_proposal")
    with pytest.raises(
        ValueError, match="flows_from = 0: must be None, flows are counted for degrees up to 1023"
    ):
        run_metropolis(star(1024), 0.5, 1, 0, flows_from=0)


@settings(max_examples=40, deadline=None)
@given(
    st.one_of(st.floats(), st.sampled_from([0, 1, True, "1", None])),
    st.one_of(st.integers(-1, 5), st.floats(0, 3)),
    st.one_of(st.none(), st.lists(st.integers(-1, 6), max_size=4)),
    st.lists(st.integers(-1, 6), max_size=3),
)
def test_any_arguments_give_a_run_or_a_clear_error(parameter, sweeps, record, waiting_times):
    for run in (run_metropolis, sgd_like):
        try:
            result = run(GRAPH, parameter, sweeps, 0, record=record, waiting_times=waiting_times)
        except ValueError as error:
            name = str(error).split(" = ")[0]
            assert name in {"temperature", "batch_fraction", "sweeps", "record", "waiting_times"}
        else:
            assert result.time[0] == 0 and np.isfinite(result.energy[0])


def test_every_variable_and_coordinate_is_described():
    graph = planted_coloring(100, 5, 6.0, 1)
    result = run_metropolis(graph, 0.5, 10, 2, waiting_times=[1], stop_overlap=0.9, flows_from=1)
    for name in (*result.data_vars, *result.coords):
        assert set(result[name].attrs) == {"long_name", "units"}, name
    assert set(result.data_vars) == {
        *("energy", "overlap", "accepted", "colors", "correlation", "flows", "proposals"),
        *("solved_at", "stopped_at", "first_passage", "late_energy"),
    }
    assert result.accepted.dtype == result.flows.dtype == np.int64 and result.colors.dtype == np.uint8


def test_results_can_be_written_to_a_file(tmp_path):
    graph = planted_coloring(100, 5, 6.0, 1)
    for run in RUNS.values():
        run(graph, sweeps=10, seed=2, waiting_times=[1], flows_from=1).to_netcdf(tmp_path / "run.nc")


@pytest.mark.parametrize("module", [metropolis, minibatch])
def test_examples_in_docstrings(module):
    outcome = doctest.testmod(module)
    assert outcome.attempted > 0 and outcome.failed == 0
