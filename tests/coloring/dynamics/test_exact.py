"""Both dynamics against their exact transition matrices on tiny graphs, and mutants that must fail the same tests.

One run on many disjoint copies of a tiny graph is that many independent runs; the final colours of the copies follow
the matching row of the transition matrix. 30 000 copies: a total variation distance of about 0.03 would be seen.
"""

import numpy as np
import pytest
import scipy.stats
from coloring_laws import FALSE_ALARM, copies_of, multinomial_p_value
from naive.coloring import dynamics as naive

from thermobatch.coloring.dynamics import chain as coloring_chain
from thermobatch.coloring.dynamics import minibatch
from thermobatch.coloring.dynamics.acceptance import half_edge_probability
from thermobatch.coloring.dynamics.metropolis import metropolis
from thermobatch.coloring.dynamics.minibatch import sgd_like

EDGES, N, Q = [(0, 1), (0, 2), (1, 2), (2, 3), (2, 3)], 4, 3
START = (0, 0, 1, 1)
TRIANGLE = [(0, 1), (0, 2), (1, 2)]
COPIES = 30_000
TEMPERATURE, FRACTION = 0.7, 0.6


def metropolis_matrices(temperature=TEMPERATURE):
    def accept(n_old, n_new):
        return naive.metropolis_probability(n_old, n_new, temperature)

    probability = naive.counting_probability(EDGES, N, accept)
    return [naive.vertex_matrix(N, Q, vertex, probability) for vertex in range(N)]


def half_edge_matrices(fraction=FRACTION):
    def accept(n_old, n_new):
        return naive.half_edge_probability(n_old, n_new, fraction)

    probability = naive.counting_probability(EDGES, N, accept)
    return [naive.vertex_matrix(N, Q, vertex, probability) for vertex in range(N)]


def boltzmann(temperature=TEMPERATURE):
    energies = np.array([naive.energy(EDGES, colors) for colors in naive.colorings(N, Q)])
    weights = np.exp(-energies / temperature)
    return weights / weights.sum()


def final_numbers(dynamics, parameter, sweeps, seed, edges=EDGES, start=START, **options):
    """State numbers of all copies after a run."""
    n = len(start)
    graph = copies_of(edges, n, Q, COPIES)
    start = np.tile(start, COPIES)
    result = dynamics(graph, parameter, sweeps, seed, initial=start, record=[sweeps], **options)
    return naive.number_of(result.colors.values.reshape(COPIES, n), Q)


def row(matrix, start=START):
    return matrix[naive.number_of(start, Q)]


@pytest.fixture(params=["word", "general"])
def path(request, monkeypatch):
    """Run on the fast path, then with the general path forced."""
    if request.param == "general":
        monkeypatch.setattr(coloring_chain, "fits_words", lambda graph: False)
    return request.param


@pytest.mark.parametrize("order", ["sequential", "random_permutation"])
@pytest.mark.parametrize("dynamics", ["metropolis", "sgd_like"])
def test_one_sweep_has_the_exact_law(path, dynamics, order):
    if dynamics == "metropolis":
        matrices, numbers = metropolis_matrices(), final_numbers(metropolis, TEMPERATURE, 1, 1, order=order)
    else:
        matrices, numbers = half_edge_matrices(), final_numbers(sgd_like, FRACTION, 1, 1, order=order)
    law = row(naive.sweep_matrix(matrices, order))
    assert multinomial_p_value(numbers, law) > FALSE_ALARM


@pytest.mark.parametrize("dynamics", ["metropolis", "sgd_like"])
def test_the_stationary_law_is_exact(dynamics):
    if dynamics == "metropolis":
        matrices, numbers = metropolis_matrices(), final_numbers(metropolis, TEMPERATURE, 40, 2)
    else:
        matrices, numbers = half_edge_matrices(), final_numbers(sgd_like, FRACTION, 40, 2)
    sweep = naive.sweep_matrix(matrices, "sequential")
    law = naive.stationary_law(sweep)
    np.testing.assert_allclose(row(np.linalg.matrix_power(sweep, 40)), law, atol=1e-6)
    assert multinomial_p_value(numbers, law) > FALSE_ALARM


def test_metropolis_obeys_detailed_balance_and_samples_boltzmann():
    law = boltzmann()
    for matrix in metropolis_matrices():
        flow = law[:, None] * matrix
        np.testing.assert_allclose(flow, flow.T, atol=1e-15)
    np.testing.assert_allclose(
        naive.stationary_law(naive.sweep_matrix(metropolis_matrices(), "sequential")), law, atol=1e-12
    )
    assert multinomial_p_value(final_numbers(metropolis, TEMPERATURE, 40, 3), law) > FALSE_ALARM


def test_the_sgd_like_chain_violates_detailed_balance():
    """Also with one uniformly drawn vertex per step, where Metropolis is reversible; and it is no Boltzmann law."""
    for matrices, reversible in ((metropolis_matrices(), True), (half_edge_matrices(), False)):
        single = sum(matrices) / N
        law = naive.stationary_law(single)
        flow = law[:, None] * single
        asymmetry = abs(flow - flow.T).sum() / (flow.sum() - np.trace(flow))
        assert asymmetry < 1e-12 if reversible else asymmetry > 0.02
        spread = max(np.ptp(np.log(law[states])) for states in states_by_energy())
        assert spread < 1e-9 if reversible else spread > 0.01


def states_by_energy():
    """Numbers of the states of each energy: a Boltzmann law gives them the same probability."""
    energies = np.array([naive.energy(EDGES, colors) for colors in naive.colorings(N, Q)])
    return [np.flatnonzero(energies == level) for level in np.unique(energies)]


@pytest.mark.parametrize("order", ["sequential", "random_permutation"])
@pytest.mark.parametrize("scheme", ["shared_edge", "half_edge"])
def test_shared_flags_have_the_exact_law(scheme, order):
    """Two sweeps, from sums over all flags of the triangle (half_edge here is the explicit sum, not the table)."""
    matrix = naive.batch_sweep_matrix(TRIANGLE, 3, Q, scheme, FRACTION, order)
    numbers = final_numbers(sgd_like, FRACTION, 2, 4, TRIANGLE, (0, 0, 1), scheme=scheme, order=order)
    assert multinomial_p_value(numbers, row(matrix @ matrix, (0, 0, 1))) > FALSE_ALARM


def test_flags_replace_the_table_where_degrees_are_too_large_for_it(monkeypatch):
    monkeypatch.setattr(minibatch, "LARGEST_TABLE_DEGREE", 1)
    numbers = final_numbers(sgd_like, FRACTION, 1, 9)
    law = row(naive.sweep_matrix(half_edge_matrices(), "sequential"))
    assert multinomial_p_value(numbers, law) > FALSE_ALARM


def test_shared_flags_on_multi_edges_have_the_exact_law():
    matrix = naive.batch_sweep_matrix(EDGES, N, Q, "shared_edge", FRACTION, "sequential")
    numbers = final_numbers(sgd_like, FRACTION, 1, 5, scheme="shared_edge")
    assert multinomial_p_value(numbers, row(matrix)) > FALSE_ALARM


def test_exact_batches_have_the_exact_law():
    """2 of 3 edges, on one triangle: 3000 runs of one sweep (a total variation of 0.1 would be seen)."""
    matrix = naive.batch_sweep_matrix(TRIANGLE, 3, Q, "shared_edge_exact", 2 / 3, "sequential")
    graph = copies_of(TRIANGLE, 3, Q, 1)
    options = {"scheme": "shared_edge_exact", "initial": [0, 0, 1], "record": [0]}
    finals = [sgd_like(graph, 2 / 3, 1, seed, **options).colors.values for seed in range(3000)]
    assert multinomial_p_value(naive.number_of(finals, Q), row(matrix, (0, 0, 1))) > FALSE_ALARM


@pytest.mark.parametrize("scheme", ["half_edge", "per_proposal", "shared_edge"])
def test_random_sequential_order_has_the_exact_law(scheme):
    """A copy is visited Bin(3 K, 1/K) times in a sweep; half_edge and shared_edge visits share the flags."""
    visits = scipy.stats.binom.pmf(np.arange(20), 3 * COPIES, 1 / COPIES)
    if scheme == "per_proposal":

        def accept(n_old, n_new):
            return naive.half_edge_probability(n_old, n_new, FRACTION)

        probability = naive.counting_probability(TRIANGLE, 3, accept)
        matrix = naive.visits_matrix([naive.vertex_matrix(3, Q, i, probability) for i in range(3)], visits)
    else:
        matrix = naive.batch_visits_matrix(TRIANGLE, 3, Q, scheme, FRACTION, visits)
    numbers = final_numbers(
        sgd_like, FRACTION, 1, 6, TRIANGLE, (0, 0, 1), scheme=scheme, order="random_sequential"
    )
    assert multinomial_p_value(numbers, row(matrix, (0, 0, 1))) > FALSE_ALARM


# Mutants: each is a plausible mistake, and the laws above must reject it.


def copies_p_value(table, **mutation):
    """P-value of naive copies, possibly mutated, against the exact SGD-like law after two sweeps."""
    sweep = naive.sweep_matrix(half_edge_matrices(), "sequential")
    rng = np.random.default_rng(7)
    finals = naive.simulate_copies(EDGES, START, Q, table, 2, COPIES, rng, **mutation)
    return multinomial_p_value(naive.number_of(finals, Q), row(sweep @ sweep))


def one_sided(fraction, max_degree):
    """B thins only the neighbours of the new colour."""
    counts = np.arange(max_degree + 1)
    return scipy.stats.binom.cdf(counts[:, None], counts[None, :], fraction)


def test_the_unmutated_copies_pass():
    assert copies_p_value(half_edge_probability(FRACTION, 4)) > FALSE_ALARM


@pytest.mark.parametrize(
    "mutation",
    [{"own_color": True}, {"stale": True}],
    ids=["proposes the current colour", "counts not updated"],
)
def test_mutated_sweeps_fail(mutation):
    assert copies_p_value(half_edge_probability(FRACTION, 4), **mutation) < FALSE_ALARM


@pytest.mark.parametrize(
    "table",
    [
        one_sided(FRACTION, 4),
        half_edge_probability(FRACTION, 4).T,
        half_edge_probability(FRACTION, 5)[1:, :-1],
        half_edge_probability(FRACTION, 5)[:-1, 1:],
        half_edge_probability(FRACTION + 0.04, 4),
        1 - half_edge_probability(FRACTION, 4).T,
    ],
    ids=["B on one side", "transposed", "n_old + 1", "n_new + 1", "B + 0.04", "strict inequality"],
)
def test_mutated_tables_fail(table):
    assert copies_p_value(table) < FALSE_ALARM


def test_a_metropolis_table_shifted_by_one_fails(monkeypatch):
    """The package's own kernel with a wrong table: off by one in dE."""
    from thermobatch.coloring.dynamics import metropolis as module

    right = module.metropolis_acceptance

    def shifted(temperature, max_degree):
        acceptance = right(temperature, max_degree)
        return acceptance._replace(thresholds=np.append(acceptance.thresholds[0], acceptance.thresholds[:-1]))

    sweep = naive.sweep_matrix(metropolis_matrices(), "sequential")
    assert multinomial_p_value(final_numbers(metropolis, TEMPERATURE, 1, 8), row(sweep)) > FALSE_ALARM
    monkeypatch.setattr(module, "metropolis_acceptance", shifted)
    assert multinomial_p_value(final_numbers(metropolis, TEMPERATURE, 1, 8), row(sweep)) < FALSE_ALARM
