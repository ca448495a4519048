"""Replicated annealing of colourings: the moves of a naive twin, exact laws of both rules, what is recorded, stops."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pandas
import pytest
import scipy.stats
import xarray as xr
from coloring_laws import FALSE_ALARM, copies_of, multinomial_p_value
from fixed_blocks import fix_blocks
from mutants import mutant_of
from naive.coloring import annealing as naive
from naive.coloring import dynamics as single

from thermobatch.coloring.colorings import correlation, overlap
from thermobatch.coloring.dynamics import annealing, replica_sweeps
from thermobatch.coloring.dynamics import chain as coloring_chain
from thermobatch.coloring.dynamics.annealing import anneal_coloring
from thermobatch.coloring.dynamics.metropolis import metropolis
from thermobatch.coloring.graph import ColoringGraph, energy, planted_coloring, random_coloring
from thermobatch.foundation.compilation import kernel
from thermobatch.foundation.streams import child_seed, next_word, random_stream

EASY = planted_coloring(n=300, q=4, mean_degree=14.0, seed=1)
GRAPH = planted_coloring(n=60, q=3, mean_degree=4.0, seed=1)


def on_general_path(patch):
    for module in (annealing, coloring_chain):
        patch.setattr(module, "fits_words", lambda graph: False)


@pytest.fixture(params=["word", "general"])
def path(request, monkeypatch):
    """Run on the fast path, then with the general path forced."""
    if request.param == "general":
        on_general_path(monkeypatch)
    return request.param


# --- move by move ----------------------------------------------------------------------------------------------------


def twin(graph, sweeps, seed, *, temperature, replicas, coupling, batch_fraction=None):
    """Colours before every sweep and after the last, and the number of moves, of the definition."""
    generator = np.random.default_rng(child_seed(seed, 0))
    colors = generator.integers(0, graph.q, (replicas, graph.n), dtype=np.uint8).tolist()
    words = single.Xoshiro(random_stream(child_seed(seed, 1)))
    edges, moves, history = graph.edges().tolist(), 0, [np.array(colors)]
    for k in range(sweeps):
        rule = {"temperature": along(temperature, k, sweeps), "coupling": coupling}
        if batch_fraction is not None:
            rule["fraction"] = along(batch_fraction, k, sweeps)
        moves += naive.sweep(edges, colors, graph.q, words, **rule)
        history.append(np.array(colors))
    return history, moves


def along(ramp, k, sweeps):
    return ramp[0] + (ramp[1] - ramp[0]) * (k / sweeps)


def mean_pair_overlap(colors, q):
    pairs = itertools.combinations(colors, 2)
    values = [(q * np.mean(one == other) - 1) / (q - 1) for one, other in pairs]
    return np.mean(values) if values else math.nan


STAR = ColoringGraph.from_edges(
    [(0, leaf % 7 + 1) for leaf in range(300)], 8, 3, planted=[0, 1, 2, 1, 2, 1, 2, 1]
)
GRAPHS = {
    "planted": (planted_coloring(30, 5, 6.0, 1), "word"),
    "two colours": (planted_coloring(20, 2, 3.0, 1), "word"),
    "seven colours": (planted_coloring(28, 7, 9.0, 1), "word"),
    "eight colours": (planted_coloring(32, 8, 9.0, 1), "general"),
    "degree 300": (STAR, "general"),
}


@pytest.mark.parametrize("batch_fraction", [None, (1.0, 0.4)], ids=["Metropolis", "mini-batches"])
@pytest.mark.parametrize("replicas", [1, 2, 3])
@pytest.mark.parametrize("name", GRAPHS)
def test_runs_are_those_of_the_twin(name, replicas, batch_fraction):
    """Same random numbers, naive counting, T and B falling: every recorded number, after every sweep."""
    graph, path = GRAPHS[name]
    options = {
        "temperature": (1.1, 0.0),
        "replicas": replicas,
        "coupling": 0.9,
        "batch_fraction": batch_fraction,
    }
    run = anneal_coloring(graph, 10, 2, stop_overlap=None, records=10, **options)
    assert run.attrs["path"] == path
    history, moves = twin(graph, 10, 2, **options)
    assert np.array_equal(run.colors, history[-1])
    assert 0 < int(run.accepted) == moves < int(run.proposals) == 10 * replicas * graph.n
    assert run.time.values.tolist() == list(range(11)) and int(run.stopped_at) == 10
    edges = graph.edges().tolist()
    for colors, row in zip(history, range(11), strict=True):
        now = run.isel(time=row)
        assert now.energy.values.tolist() == [
            single.energy(edges, each) / graph.n for each in colors.tolist()
        ]
        assert now.overlap.values.tolist() == [overlap(each, graph.planted, graph.q) for each in colors]
        assert float(now.pair_overlap) == pytest.approx(
            mean_pair_overlap(colors, graph.q), nan_ok=True, abs=1e-12
        )
        assert float(now.temperature) == along((1.1, 0.0), row, 10)


@pytest.mark.parametrize("batch_fraction", [None, (1.0, 1.0)], ids=["Metropolis", "mini-batches"])
def test_runs_at_zero_temperature_are_those_of_the_twin(batch_fraction):
    """Ties included: with R = 3 and gamma = 3/2, two replicas weigh as much as an edge."""
    options = {"temperature": (0.0, 0.0), "replicas": 3, "coupling": 1.5, "batch_fraction": batch_fraction}
    run = anneal_coloring(GRAPHS["planted"][0], 8, 3, stop_overlap=None, **options)
    history, moves = twin(GRAPHS["planted"][0], 8, 3, **options)
    assert np.array_equal(run.colors, history[-1]) and int(run.accepted) == moves


@pytest.mark.parametrize("batch_fraction", [None, (1.0, 0.5)], ids=["Metropolis", "mini-batches"])
@pytest.mark.parametrize("replicas", [1, 4, 255])
def test_both_paths_make_the_same_moves(replicas, batch_fraction):
    """Also with as many replicas as a byte counts, all equal at the start."""
    initial = np.tile(np.random.default_rng(1).integers(0, 3, 60), (replicas, 1))
    options = {"replicas": replicas, "coupling": 1.0, "batch_fraction": batch_fraction, "initial": initial}
    runs = []
    with pytest.MonkeyPatch.context() as patch:
        for path in ("word", "general"):
            if path == "general":
                on_general_path(patch)
            runs.append(anneal_coloring(GRAPH, 12, 5, stop_overlap=0.99, **options))
            assert runs[-1].attrs.pop("path") == path
    assert runs[0].identical(runs[1]) and int(runs[0].accepted) > 0


def test_one_replica_makes_the_moves_of_metropolis(path, monkeypatch):
    """On the same stream, whatever the coupling."""
    graph = planted_coloring(200, 5, 10.0, 3)
    initial = np.random.default_rng(1).integers(0, 5, 200)
    plain = metropolis(graph, 0.6, 40, 7, initial=initial, record=range(41))
    monkeypatch.setattr(annealing, "random_stream", lambda seed: random_stream(child_seed(7, 1, 0)))
    options = {"replicas": 1, "initial": initial[None], "stop_overlap": None, "records": 40}
    run = anneal_coloring(graph, 40, 0, temperature=(0.6, 0.6), coupling=3.0, **options)
    assert run.attrs["path"] == plain.attrs["path"] == path
    assert np.array_equal(run.colors[0], plain.colors)
    assert np.array_equal(run.energy[:, 0], plain.energy) and np.array_equal(run.overlap[:, 0], plain.overlap)
    assert int(run.accepted) == int(plain.accepted[-1])


# --- exact laws ------------------------------------------------------------------------------------------------------

EDGES, N, Q = [(0, 1), (0, 1), (1, 2)], 3, 3
PAIR = [(0, 1), (0, 1)]
LAWS = {
    "two replicas": (EDGES, 3, (0, 0, 1, 0, 2, 1)),
    "three replicas": (PAIR, 2, (0, 0, 0, 1, 0, 0)),
}
RULES = {
    "Metropolis": {"temperature": 0.7, "coupling": 0.9},
    "mini-batches": {"temperature": 0.7, "coupling": 0.9, "fraction": 0.6},
}
COPIES = 30_000


def sweep_law(edges, n, n_replicas, **rule):
    """Exact transition matrix of one sweep of all replicas."""
    return single.chain(naive.visit_matrices(edges, n, Q, n_replicas, **rule))


def final_numbers(edges, n, start, sweeps, seed, *, temperature, coupling, fraction=None):
    """State numbers, after a run, of disjoint copies of a tiny graph: as many independent runs."""
    graph = copies_of(edges, n, Q, COPIES)
    replicas = len(start) // n
    run = anneal_coloring(
        graph,
        sweeps,
        seed,
        temperature=(temperature, temperature),
        replicas=replicas,
        coupling=coupling,
        batch_fraction=None if fraction is None else (fraction, fraction),
        initial=np.array([np.tile(colors, COPIES) for colors in naive.split(start, n)]),
        stop_overlap=None,
        records=1,
    )
    states = run.colors.values.reshape(replicas, COPIES, n).transpose(1, 0, 2).reshape(COPIES, -1)
    return single.number_of(states, Q)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("law", LAWS)
def test_one_sweep_has_the_exact_law(path, law, rule):
    """From sums over all flags, for mini-batches; a total variation of about 0.03 would be seen."""
    edges, n, start = LAWS[law]
    matrix = sweep_law(edges, n, len(start) // n, **RULES[rule])
    numbers = final_numbers(edges, n, start, 1, 1, **RULES[rule])
    assert multinomial_p_value(numbers, matrix[single.number_of(start, Q)]) > FALSE_ALARM


@pytest.mark.parametrize("law", LAWS)
def test_metropolis_obeys_detailed_balance_with_the_energy_of_the_replicas(law):
    edges, n, start = LAWS[law]
    replicas = len(start) // n
    gibbs = naive.gibbs(edges, n, Q, replicas, 0.9, 0.7)
    for matrix in naive.visit_matrices(edges, n, Q, replicas, **RULES["Metropolis"]):
        flow = gibbs[:, None] * matrix
        np.testing.assert_allclose(flow, flow.T, atol=1e-15)


@pytest.mark.parametrize("law", LAWS)
def test_metropolis_samples_the_gibbs_measure(law):
    edges, n, start = LAWS[law]
    replicas = len(start) // n
    gibbs = naive.gibbs(edges, n, Q, replicas, 0.9, 0.7)
    sweep = sweep_law(edges, n, replicas, **RULES["Metropolis"])
    at_last = np.linalg.matrix_power(sweep, 60)[single.number_of(start, Q)]
    np.testing.assert_allclose(at_last, gibbs, atol=1e-6)
    numbers = final_numbers(edges, n, start, 60, 2, **RULES["Metropolis"])
    assert multinomial_p_value(numbers, gibbs) > FALSE_ALARM


@pytest.mark.parametrize("rule", RULES)
def test_uncoupled_replicas_are_independent_chains(rule):
    """Two sweeps: the law of both replicas is the product of the laws of single chains."""
    edges, n, start = LAWS["two replicas"]
    options = RULES[rule] | {"coupling": 0.0}

    def accept(n_old, n_new):
        if rule == "Metropolis":
            return single.metropolis_probability(n_old, n_new, 0.7)
        return single.half_edge_probability(n_old, n_new, 0.6)

    probability = single.counting_probability(edges, n, accept)
    matrix = single.chain([single.vertex_matrix(n, Q, vertex, probability) for vertex in range(n)])
    rows = [(matrix @ matrix)[single.number_of(colors, Q)] for colors in naive.split(start, n)]
    numbers = final_numbers(edges, n, start, 2, 3, **options)
    assert multinomial_p_value(numbers, np.outer(*rows).ravel()) > FALSE_ALARM


@pytest.mark.parametrize("rule", RULES)
def test_mini_batches_are_no_other_rule(rule):
    """The law tests can tell the two rules, and a coupling 20% off."""
    edges, n, start = LAWS["three replicas"]
    row = sweep_law(edges, n, 3, **RULES[rule])[single.number_of(start, Q)]
    (other,) = set(RULES) - {rule}
    for wrong in (RULES[other], RULES[rule] | {"coupling": 0.9 * 1.2}):
        assert multinomial_p_value(final_numbers(edges, n, start, 1, 1, **wrong), row) < FALSE_ALARM


# --- mutants ---------------------------------------------------------------------------------------------------------

MINUS_ONE = "((agreeing >> old_shift) & np.uint64(255)) - np.uint64(1)"
MUTANTS = {
    "coupling not divided by R": (
        "Metropolis",
        "(replicas * edges + coupling * others) / replicas",
        "edges + coupling * others",
    ),
    "repulsion": (
        "Metropolis",
        "r_old + replicas - np.uint64(1) - r_new",
        "r_new + replicas - np.uint64(1) - r_old",
    ),
    "r_old with the mover": (
        "Metropolis",
        MINUS_ONE,
        "min((agreeing >> old_shift) & np.uint64(255), tables.replicas - np.uint64(1))",
    ),
    "proposes the current colour": (
        "Metropolis",
        "old = word >> np.uint64(56)\n        new = pick + np.uint64(pick >= old)",
        "old = word >> np.uint64(56)\n        new = pick + np.uint64(pick > old)",
    ),
    "neighbours not told": (
        "Metropolis",
        "words[np.uint64(neighbors[half_edge])] += delta",
        "words[np.uint64(neighbors[half_edge])] += np.uint64(0)",
    ),
    "missed instead of kept": (
        "mini-batches",
        "return count - (k - count * size)",
        "return k - count * size",
    ),
    "repulsion in mini-batches": (
        "mini-batches",
        "    broken += kept_of(tables.missed_replicas, replicas, r_old, second & LOW)\n"
        "    mended = kept_of(tables.missed_edges, degrees, n_old, first >> HALF)\n"
        "    mended += kept_of(tables.missed_replicas, replicas, r_new, second >> HALF)\n",
        "    broken += kept_of(tables.missed_replicas, replicas, r_new, second & LOW)\n"
        "    mended = kept_of(tables.missed_edges, degrees, n_old, first >> HALF)\n"
        "    mended += kept_of(tables.missed_replicas, replicas, r_old, second >> HALF)\n",
    ),
    "strict inequality": ("mini-batches", "return broken <= mended", "return broken < mended"),
    "one draw for edges and replicas": (
        "mini-batches",
        "r_old, second & LOW",
        "r_old, first & LOW",
    ),
    "B of the edges for the replicas": (
        "mini-batches",
        "schedule.replica_fraction[sweep]",
        "schedule.batch_fraction[sweep]",
    ),
}


def mutant_p_value(monkeypatch, rule, right, wrong):
    """Of one sweep of the package's own kernel with a mistake put in, against the exact law."""
    monkeypatch.setattr(annealing, "run_replicas", mutant_of(replica_sweeps, right, wrong).run_replicas)
    edges, n, start = LAWS["three replicas"]
    row = sweep_law(edges, n, 3, **RULES[rule])[single.number_of(start, Q)]
    return multinomial_p_value(final_numbers(edges, n, start, 1, 1, **RULES[rule]), row)


@pytest.mark.slow
@pytest.mark.parametrize("mutant", MUTANTS)
def test_mutants_break_the_law(monkeypatch, mutant):
    assert mutant_p_value(monkeypatch, *MUTANTS[mutant]) < FALSE_ALARM


@pytest.mark.slow
@pytest.mark.parametrize("rule", RULES)
def test_a_mutant_without_a_mistake_keeps_the_law(monkeypatch, rule):
    assert mutant_p_value(monkeypatch, rule, MINUS_ONE, MINUS_ONE) > FALSE_ALARM


# --- acceptance ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kept", [0.0, 1e-3, 0.3, 0.77, 1.0])
@pytest.mark.parametrize("size", [1, 2, 12, 301])
def test_missed_terms_are_binomial(size, kept):
    missed = np.zeros(size * size, np.uint64)
    replica_sweeps.fill_missed(missed, size, kept)
    n, k = np.indices((size, size))
    expected = np.rint(scipy.stats.binom.cdf(k, n, 1 - kept) * 2.0**32)
    deviation = missed.reshape(size, size).astype(float) - expected
    assert abs(deviation).max() <= 1
    assert (missed.reshape(size, size)[k >= n] == 2**32).all()  # a draw always finds its number
    assert kept < 1 or (missed == 2**32).all()
    assert kept > 0 or not missed.reshape(size, size)[k < n].any()


def metropolis_table(max_degree, replicas, temperature, coupling):
    """Probabilities by n_new - n_old and r_old - r_new, from -max_degree and -(replicas - 1)."""
    tables = replica_sweeps.empty_tables(max_degree, replicas, False)
    replica_sweeps.fill_metropolis(tables, temperature, coupling)
    return tables.thresholds.reshape(2 * max_degree + 1, 2 * replicas - 1)


@pytest.mark.parametrize("temperature", [0.0, 1e-320, 0.05, 0.8, 1e6])
@pytest.mark.parametrize(("replicas", "coupling"), [(1, 0.5), (2, 0.0), (3, 1.5), (10, 0.5), (7, 1e308)])
def test_metropolis_thresholds(replicas, coupling, temperature):
    table = metropolis_table(5, replicas, temperature, coupling)
    for edges, others in itertools.product(range(-5, 6), range(1 - replicas, replicas)):
        change = edges + Fraction(coupling) * others / replicas
        expected = naive.metropolis_probability(change, temperature) * 2**63
        assert int(table[edges + 5, others + replicas - 1]) == pytest.approx(expected, rel=1e-14, abs=0.5)


@pytest.mark.parametrize("replicas", [2, 3, 4, 6, 10, 255])
def test_zero_temperature_accepts_ties_and_gains_only(replicas):
    """Couplings that make dH = 0 of edges and replicas together: gamma (r_new - r_old) = R (n_new - n_old)."""
    ties = 0
    for coupling in (0.0, replicas / 8, replicas / 2, float(replicas), 1.5, 5.0):
        table = metropolis_table(4, replicas, 0.0, coupling)
        for edges, others in itertools.product(range(-4, 5), range(1 - replicas, replicas)):
            change = edges + Fraction(coupling) * others / replicas
            assert int(table[edges + 4, others + replicas - 1]) == (2**63 if change <= 0 else 0)
            ties += change == 0 and edges != 0
    assert ties > 0


@kernel
def count_accepted(tables, counts, draws, stream):
    accepted = 0
    for _ in range(draws):
        first, second = next_word(stream), next_word(stream)
        accepted += np.int64(replica_sweeps.accepts(tables, np.uint64(0), first, second, counts))
    return accepted


@pytest.mark.parametrize(
    ("fraction", "beside"), [(0.6, 0.1), (0.95, 0.5), (1.0, 0.2), (0.3, 1.0), (1.0, 1.0)]
)
def test_batches_accept_as_the_convolution_says(fraction, beside):
    """Of binomial laws, and of all flags: 12 tests of 200 000 draws each (3 thousandths would be seen)."""
    tables = replica_sweeps.empty_tables(6, 5, True)
    replica_sweeps.fill_missed(tables.missed_edges, 7, fraction)
    replica_sweeps.fill_missed(tables.missed_replicas, 5, beside)
    draws, stream = 200_000, random_stream(4)
    cases = [(0, 0, 0, 0), (0, 1, 0, 0), (1, 0, 4, 0), (0, 2, 0, 4), (3, 3, 2, 2), (2, 4, 0, 3)]
    cases += [(4, 2, 3, 0), (0, 6, 0, 4), (6, 0, 4, 0), (1, 2, 1, 1), (0, 0, 1, 3), (0, 0, 3, 1)]
    for counts in cases:
        expected = convolution(counts, fraction, beside)
        assert expected == pytest.approx(naive.batch_probability(counts, fraction, beside), abs=1e-12)
        found = count_accepted(tables, tuple(map(np.uint64, counts)), draws, stream)
        if min(expected, 1 - expected) < 1e-12:
            assert found == draws * round(expected)
        else:
            assert scipy.stats.binomtest(found, draws, expected).pvalue > FALSE_ALARM


def convolution(counts, fraction, beside):
    """P[Bin(n_new, B) - Bin(n_old, B) + Bin(r_old, B_R) - Bin(r_new, B_R) <= 0]."""
    n_old, n_new, r_old, r_new = counts
    laws = [(n_new, fraction), (r_old, beside), (n_old, fraction), (r_new, beside)]
    laws = [scipy.stats.binom.pmf(np.arange(n + 1), n, p) for n, p in laws]
    costs, gains = np.convolve(*laws[:2]), np.convolve(*laws[2:])
    return sum(chance * costs[: gained + 1].sum() for gained, chance in enumerate(gains))


@pytest.mark.parametrize(
    ("temperature", "coupling", "expected"),
    [
        (0.5, 0.0, 0.0),
        (0.0, 0.0, 0.0),
        (0.0, 1e-9, 1.0),
        (1e-320, 0.5, 1.0),
        (0.5, 1e308, 1.0),
        (0.5, 2.0, None),
    ],
)
def test_share_of_the_replicas_in_a_batch(temperature, coupling, expected):
    schedule = annealing._schedule(3, (temperature, temperature), 4, coupling, (0.9, 0.6))
    if expected is None:
        expected = naive.replica_fraction(coupling, 4, temperature)
    assert schedule.replica_fraction == pytest.approx([expected] * 4, rel=1e-14)


def test_batch_fractions_may_be_given_one_by_one():
    ramp = 0.9 + (0.5 - 0.9) * (np.arange(20) / 20)
    options = {"stop_overlap": None, "replicas": 2}
    runs = [
        anneal_coloring(GRAPH, 20, 1, batch_fraction=each, **options)
        for each in ((0.9, 0.5), ramp, list(ramp))
    ]
    assert runs[0].identical(runs[1]) and runs[0].identical(runs[2])
    assert runs[0].attrs["dynamics"] == "sgd_like"


# --- what is recorded, and stops -------------------------------------------------------------------------------------

BATCHES = {"Metropolis": None, "mini-batches": (1.0, 0.6)}


@pytest.mark.parametrize("batch_fraction", BATCHES.values(), ids=BATCHES)
def test_the_last_record_is_of_the_final_colours(path, batch_fraction):
    run = anneal_coloring(
        EASY, 30, 4, replicas=3, batch_fraction=batch_fraction, stop_overlap=None, records=7
    )
    assert run.attrs["path"] == path
    colors = run.colors.values
    assert run.energy.values[-1].tolist() == [energy(EASY, each) / 300 for each in colors]
    assert run.overlap.values[-1].tolist() == [overlap(each, EASY.planted, 4) for each in colors]
    pairs = [correlation(one, other, 4) for one, other in itertools.combinations(colors, 2)]
    assert float(run.pair_overlap[-1]) == pytest.approx(np.mean(pairs), abs=1e-12)
    assert run.temperature.values == pytest.approx(1 - run.time.values / 30, abs=1e-15)
    assert set(run.data_vars) == {
        "energy", "overlap", "pair_overlap", "temperature", "colors", "proposals", "accepted", "stopped_at"
    }  # fmt: skip
    for variable in run.variables.values():
        assert {"units", "long_name"} <= set(variable.attrs)


@pytest.mark.parametrize("batch_fraction", BATCHES.values(), ids=BATCHES)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_run_stops_at_the_first_passage(path, seed, batch_fraction):
    options = {"replicas": 3, "coupling": 0.5, "batch_fraction": batch_fraction}
    whole = anneal_coloring(EASY, 400, seed, stop_overlap=None, records=400, **options)
    run = anneal_coloring(EASY, 400, seed, stop_overlap=0.6, records=80, **options)
    first = int(np.argmax(whole.overlap.max("replica").values > 0.6))
    assert 0 < first < 400 and float(whole.overlap[first].max()) > 0.6
    assert float(run.first_passage) == int(run.stopped_at) == first
    assert float(run.passage_temperature) == float(whole.temperature[first - 1])
    assert float(run.passage_replica) == int(whole.overlap.values[first].argmax())
    assert int(run.proposals) == first * 3 * 300
    shown = [overlap(each, EASY.planted, 4) for each in run.colors.values]
    assert shown == whole.overlap.values[first].tolist()
    done = run.time.values <= first
    assert 0 < done.sum() < done.size
    for name in ("energy", "overlap", "pair_overlap"):
        assert np.isnan(run[name][~done]).all()
        assert np.array_equal(run[name][done], whole[name].sel(time=run.time[done]))
    assert np.array_equal(run.temperature, whole.temperature.sel(time=run.time))


def test_nothing_found_is_nan():
    run = anneal_coloring(GRAPH, 5, 1, temperature=(2.0, 2.0), replicas=2, stop_overlap=0.95)
    assert int(run.stopped_at) == 5 and not np.isnan(run.overlap).any()
    for name in ("first_passage", "passage_temperature", "passage_replica"):
        assert np.isnan(run[name])


def test_a_run_that_begins_at_the_planted_colouring_is_over():
    initial = np.array([np.zeros(300, int), (EASY.planted + 1) % 4])
    run = anneal_coloring(EASY, 50, 1, replicas=2, initial=initial, temperature=(0.8, 0.2))
    assert (float(run.first_passage), int(run.stopped_at), int(run.proposals), int(run.accepted)) == (
        0,
        0,
        0,
        0,
    )
    assert float(run.passage_temperature) == 0.8 and float(run.passage_replica) == 1
    assert np.array_equal(run.colors, initial) and run.overlap.values[0].tolist() == [0, 1]
    assert np.isnan(run.energy[1:]).all()


def test_one_colour_everywhere_is_no_passage():
    """The bound of the kernel, the most frequent colour of every group, is reached and the overlap is not."""
    options = {"replicas": 2, "coupling": 4.0, "initial": np.zeros((2, 60)).astype(int), "records": 30}
    options |= {"temperature": (0.5, 0.1)}
    ends = []
    run = anneal_coloring(GRAPH, 30, 1, stop_overlap=0.9, progress=ends.append, **options)
    assert run.energy.identical(anneal_coloring(GRAPH, 30, 1, stop_overlap=None, **options).energy)
    assert ends == sorted(ends) and ends[-1] == 30


@pytest.mark.parametrize("batch_fraction", BATCHES.values(), ids=BATCHES)
def test_records_and_blocks_change_no_number(monkeypatch, batch_fraction):
    options = {"replicas": 3, "batch_fraction": batch_fraction, "stop_overlap": 0.6}
    few, many, again = (anneal_coloring(EASY, 400, 1, records=records, **options) for records in (7, 400, 7))
    assert few.identical(again) and 7 < float(few.first_passage) < 400
    common = many.sel(time=few.time)
    for name in few.data_vars:
        xr.testing.assert_identical(few[name], common[name])
    for steps in (1, 17):
        fix_blocks(monkeypatch, steps)
        assert anneal_coloring(EASY, 400, 1, records=7, **options).identical(few)


def test_other_seeds_are_other_runs():
    first, again, other = (
        anneal_coloring(GRAPH, 20, seed, stop_overlap=None) for seed in (6, np.random.SeedSequence(6), 7)
    )
    assert first.identical(again) and not np.array_equal(first.energy, other.energy)
    assert first.replica.size == 10 and len({row.tobytes() for row in first.colors.values}) == 10


def test_one_sweep_ends_at_the_last_temperature():
    run = anneal_coloring(GRAPH, 1, 1, temperature=(0.9, 0.4), stop_overlap=None)
    assert run.temperature.values.tolist() == pytest.approx([0.9, 0.4])


def test_runs_are_kept_in_files(tmp_path):
    run = anneal_coloring(GRAPH, 5, 1, replicas=2)
    run.to_netcdf(tmp_path / "run.nc")
    with xr.open_dataset(tmp_path / "run.nc") as read:
        assert read.load().equals(run)


def test_strong_coupling_binds_the_replicas_and_none_leaves_them_apart():
    """1/sqrt((q - 1) N) = 0.01 is the spread of a pair overlap of independent colours; limits are eight of them."""
    graph = random_coloring(3000, 5, 5.0, seed=1)
    options = {"temperature": (1.0, 0.7), "replicas": 3, "stop_overlap": None, "records": 1}
    apart, bound = (anneal_coloring(graph, 150, 1, coupling=gamma, **options) for gamma in (0.0, 20.0))
    assert abs(float(apart.pair_overlap[-1])) < 0.08
    assert float(bound.pair_overlap[-1]) > 0.95 and abs(float(bound.pair_overlap[0])) < 0.08


def test_coupled_replicas_recover_hotter_than_one():
    """Each of 3 seeds: R = 10 and gamma = 0.7 beside one chain of as many sweeps."""
    for seed in (1, 2, 3):
        graph = planted_coloring(500, 5, 19.0, seed)
        alone, coupled = (
            anneal_coloring(graph, 1500, seed, replicas=replicas, coupling=0.7) for replicas in (1, 10)
        )
        assert float(coupled.passage_temperature) > 0.7
        assert not float(alone.passage_temperature) >= float(coupled.passage_temperature)


# --- arguments -------------------------------------------------------------------------------------------------------

NAMED = ColoringGraph.from_edges([(0, 1), (1, 2), (2, 3)], 4, 2, nodes=["c", "a", "d", "b"])


def test_colours_may_come_with_their_nodes():
    mapping = {"a": 0, "b": 1, "c": 1, "d": 1}
    options = {"replicas": 2, "stop_overlap": None}
    rows = np.array([[1, 0, 1, 1], [0, 0, 0, 0]])
    labelled = xr.DataArray(rows, {"vertex": list("cadb")}, ("replica", "vertex"))
    given = [rows, labelled, [mapping, pandas.Series(0, list("abcd"))], [labelled[0], labelled[1]]]
    runs = [anneal_coloring(NAMED, 2, 1, initial=initial, **options) for initial in given]
    assert all(run.identical(runs[0]) for run in runs) and runs[0].vertex.values.tolist() == list("cadb")
    assert runs[0].energy.values[0].tolist() == [1 / 4, 3 / 4]
    with pytest.raises(
        ValueError, match="initial has a coordinate vertex: must be the nodes of the graph, in"
    ):
        anneal_coloring(NAMED, 2, 1, initial=labelled[:, ::-1], **options)
    onwards = anneal_coloring(NAMED, 2, 1, initial=runs[0].colors, **options)
    assert onwards.energy[0].equals(runs[0].energy[-1].drop_vars("time").assign_coords(time=0))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"sweeps": 0}, "sweeps = 0: must be an integer >= 1"),
        ({"sweeps": 2.0}, "sweeps = 2.0: must be an integer >= 1"),
        ({"seed": -1}, "seed = -1: must be a non-negative integer"),
        ({"replicas": 0}, "replicas = 0: must be an integer in 1..255"),
        ({"replicas": 256}, "replicas = 256: must be an integer in 1..255"),
        ({"records": 0}, "records = 0: must be an integer >= 1"),
        ({"coupling": -0.1}, "coupling = -0.1: must be a finite number >= 0"),
        ({"coupling": math.nan}, "coupling = nan: must be a finite number >= 0"),
        ({"coupling": (0, 1)}, "coupling = (0, 1): must be a finite number >= 0"),
        ({"temperature": 1.0}, "temperature = 1.0: must be two numbers, the first and the last value"),
        ({"temperature": (1, 0, 0)}, "temperature = (1, 0, 0): must be two numbers"),
        ({"temperature": (1, -0.1)}, "temperature[1] = -0.1: must be a finite number >= 0"),
        ({"temperature": (math.inf, 0)}, "temperature[0] = inf: must be a finite number >= 0"),
        ({"batch_fraction": 0.5}, "batch_fraction of shape (): must be two numbers"),
        ({"batch_fraction": (0.5, 0.0)}, "batch_fraction from 0 to 0.5: must be > 0 and <= 1"),
        ({"batch_fraction": (1.2, 0.5)}, "batch_fraction from 0.5 to 1.2: must be > 0 and <= 1"),
        ({"batch_fraction": (0.5, math.nan)}, "batch_fraction from nan to nan: must be > 0 and <= 1"),
        (
            {"batch_fraction": [0.5] * 4},
            "batch_fraction of shape (4,): must be two numbers, the first and the last",
        ),
        ({"batch_fraction": [0.5] * 4}, "or 5, one per sweep"),
        ({"batch_fraction": "0.5"}, "batch_fraction = '0.5': must be two numbers, or one per sweep"),
        ({"stop_overlap": 1.0}, "stop_overlap = 1.0: must be in [0, 1)"),
        ({"stop_overlap": -0.1}, "stop_overlap = -0.1: must be in [0, 1)"),
        ({"stop_overlap": math.nan}, "stop_overlap = nan: must be in [0, 1)"),
        (
            {"graph": random_coloring(9, 3, 2.0, 1)},
            "stop_overlap = 0.6: must be None, the graph has no planted",
        ),
        ({"graph": "graph"}, "graph"),
        ({"initial": np.zeros((3, 60), int)}, "initial has 3 rows: must be 2, one per replica"),
        ({"initial": np.zeros(60, int)}, "initial has 60 rows: must be 2"),
        ({"initial": [[0] * 60, [0] * 59]}, "initial: shape (59,)"),
        ({"initial": [0, 1]}, "initial: shape ()"),
        ({"initial": np.zeros((2, 60))}, "dtype float64: must be 60 integers, one per vertex"),
        ({"initial": np.full((2, 60), 3)}, "initial has colours 3..3: must be in 0..2"),
        ({"initial": {"a": 1}}, "initial = {'a': 1}: must be integers of shape (replicas, N)"),
        (
            {
                "graph": ColoringGraph.from_edges([(0, 1)] * 1024, 2, 2, planted=[0, 1]),
                "batch_fraction": (1, 1),
            },
            "batch_fraction = (1, 1): must be None, the largest degree is 1024 and mini-batches allow 1023",
        ),
    ],
)
def test_bad_arguments_are_named(options, words):
    with pytest.raises(ValueError) as error:
        anneal_coloring(**({"graph": GRAPH, "sweeps": 5, "seed": 1, "replicas": 2} | options))
    assert words in str(error.value) and "\n" not in str(error.value)


def test_metropolis_needs_no_table_of_mini_batches():
    """Of a hub of 200 000 neighbours that would be 300 GB; nor are a million fills of a table begun at once."""
    hub = ColoringGraph.from_edges([(0, leaf) for leaf in range(1, 200_001)], 200_001, 2)
    run = anneal_coloring(hub, 2, 1, replicas=2, stop_overlap=None)
    assert float(run.energy[-1, 0]) * hub.n == pytest.approx(energy(hub, run.colors[0].values))
    many = ColoringGraph.from_edges([(0, 1)] * 1000, 2, 2)
    ends = []
    anneal_coloring(
        many, 20, 1, replicas=2, batch_fraction=(1, 0.9), stop_overlap=None, records=1, progress=ends.append
    )
    assert ends[0] == 1
