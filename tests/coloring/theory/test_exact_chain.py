"""The exact chain on tiny graphs: against its definition, exact solutions, and the compiled dynamics."""

import numpy as np
import pytest
from naive import detailed_balance as naive

from thermobatch.coloring.dynamics.metropolis import metropolis
from thermobatch.coloring.dynamics.minibatch import sgd_like
from thermobatch.coloring.graph import ColoringGraph
from thermobatch.coloring.theory.effective_temperature import half_edge_acceptance
from thermobatch.coloring.theory.exact_chain import (
    coloring_moves,
    entropy_production,
    gibbs_law,
    gibbs_temperature,
    move_flows,
    stationary_law,
)
from thermobatch.statistics.detailed_balance import entropy_production_bound, flow_asymmetry

# two triangles with a common edge, a double edge and a vertex of degree one
KITE = [(0, 1), (1, 2), (0, 2), (1, 3), (2, 3), (2, 3), (3, 4)]
Z = 5.6  # false-alarm rate 1e-6 over 50 entries


def metropolis_table(temperature, size=6):
    a, b = np.indices((size, size))
    return np.minimum(1.0, np.exp(-(b - a) / temperature))


@pytest.mark.parametrize("fraction", [0.3, 0.9])
@pytest.mark.parametrize(("edges", "n", "q"), [(KITE, 5, 2), (KITE[:5], 4, 3)])
def test_the_naive_twin_agrees(edges, n, q, fraction):
    table = half_edge_acceptance(fraction, 6)
    colourings, matrix, counts, energies = naive.chain(edges, n, q, lambda a, b: table[a, b])
    law = naive.stationary(matrix)
    moves = coloring_moves(edges, n, q)
    # ours counts colours of vertex 0 fastest
    order = [sum(color * q**vertex for vertex, color in enumerate(c)) for c in colourings]
    found = stationary_law(moves, table)
    np.testing.assert_allclose(found[order], law, atol=1e-12)
    np.testing.assert_array_equal(moves.energy[order], energies)
    flows = naive.chain_flows(matrix, counts, law, 7)
    np.testing.assert_allclose(move_flows(moves, table, found), flows, atol=1e-13)
    expected = naive.entropy_production(matrix, law)
    assert entropy_production(moves, table, found) == pytest.approx(expected, rel=1e-8)
    assert expected > 1e-5


@pytest.mark.parametrize("temperature", [0.2, 1.0, 10.0])
def test_metropolis_is_stationary_in_the_gibbs_law_and_reversible(temperature):
    moves = coloring_moves(KITE, 5, 3)
    table = metropolis_table(temperature)
    law = stationary_law(moves, table)
    np.testing.assert_allclose(law, gibbs_law(moves.energy, temperature), rtol=1e-10)
    assert abs(entropy_production(moves, table, law)) < 1e-12
    assert gibbs_temperature(moves.energy, float(law @ moves.energy)) == pytest.approx(temperature, rel=1e-8)
    assert flow_asymmetry(move_flows(moves, table, law)) < 1e-12


@pytest.mark.parametrize("fraction", [0.1, 0.7, 0.99])
@pytest.mark.parametrize("q", [2, 5])
def test_one_edge_is_solved_by_hand(fraction, q):
    """One edge leaves its monochromatic state at rate 1 and enters at (1 - B)/(q - 1): T = -1/ln(1 - B), reversible."""
    moves = coloring_moves([(0, 1)], 2, q)
    table = half_edge_acceptance(fraction, 1)
    law = stationary_law(moves, table)
    ratio = (1 - fraction) / (q - 1)
    assert law @ moves.energy == pytest.approx(ratio / (1 + ratio), rel=1e-12)
    assert gibbs_temperature(moves.energy, float(law @ moves.energy)) == pytest.approx(
        -1 / np.log(1 - fraction)
    )
    assert abs(entropy_production(moves, table, law)) < 1e-14


def test_a_triangle_of_sgd_is_irreversible_and_its_flows_show_part_of_it():
    moves = coloring_moves(KITE, 5, 3)
    for fraction in (0.2, 0.5, 0.9):
        table = half_edge_acceptance(fraction, 5)
        law = stationary_law(moves, table)
        flows = move_flows(moves, table, law)
        whole, seen = entropy_production(moves, table, law), entropy_production_bound(flows) * flows.sum()
        assert 0 < seen < whole
        # stationary: as many moves up as down
        a, b = np.indices(flows.shape)
        assert abs(np.sum(flows * (b - a))) < 1e-14


def test_rare_colourings_are_as_accurate_as_frequent_ones():
    """A linear solver leaves 1e-17 of a probability of 1e-25; elimination without subtraction does not."""
    moves = coloring_moves(KITE, 5, 3)
    law = stationary_law(moves, metropolis_table(0.12))
    assert law.min() < 1e-22
    np.testing.assert_allclose(law, gibbs_law(moves.energy, 0.12), rtol=1e-10)


def test_names_of_vertices_do_not_matter():
    table = half_edge_acceptance(0.8, 5)
    renamed = np.array([3, 0, 4, 1, 2])[np.array(KITE)]
    values = []
    for edges in (KITE, renamed):
        moves = coloring_moves(edges, 5, 3)
        values.append(entropy_production(moves, table, stationary_law(moves, table)))
    assert values[0] == pytest.approx(values[1], rel=1e-10)


def blocked_flows(run, blocks=40, sweeps=4000):
    """Moves of a long run by (n_old, n_new) per step, with their standard errors from blocks."""
    graph = ColoringGraph.from_edges(KITE, 5, 3)
    tables = [run(graph, sweeps=sweeps, seed=block, flows_from=100).flows.values for block in range(blocks)]
    rates = np.array(tables) / ((sweeps - 100) * 5)
    return rates.mean(axis=0), rates.std(axis=0, ddof=1) / np.sqrt(blocks)


def worst(found, error, exact):
    size = found.shape[0]
    exact = exact[:size, :size]
    return float(np.max(np.abs(found - exact)[error > 0] / error[error > 0]))


def exact_flows(table):
    moves = coloring_moves(KITE, 5, 3)
    return move_flows(moves, table, stationary_law(moves, table))


@pytest.mark.slow
def test_the_compiled_dynamics_have_the_exact_flows():
    """Errors of a flow above about 1% would show; flags kept for a whole sweep (half_edge) do."""
    settings = {"order": "random_sequential", "stop_at_solution": False}
    table = half_edge_acceptance(0.7, 6)
    fresh = blocked_flows(lambda graph, **o: sgd_like(graph, 0.7, scheme="per_proposal", **settings, **o))
    kept = blocked_flows(lambda graph, **o: sgd_like(graph, 0.7, scheme="half_edge", **settings, **o))
    assert worst(*fresh, exact_flows(table)) < Z
    assert worst(*kept, exact_flows(table)) > 2 * Z
    thermal = blocked_flows(lambda graph, **o: metropolis(graph, 0.6, **settings, **o))
    assert worst(*thermal, exact_flows(metropolis_table(0.6))) < Z
    # in sequential order too: every single move of Metropolis is balanced with respect to the same law
    swept = blocked_flows(lambda graph, **o: metropolis(graph, 0.6, stop_at_solution=False, **o))
    assert worst(*swept, exact_flows(metropolis_table(0.6))) < Z


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: coloring_moves(KITE, 9, 5), r"n = 9 with q = 5: .* q\^n <= 10000"),
        (lambda: coloring_moves(KITE, 5, 1), "q = 1"),
        (lambda: coloring_moves([(0, 0)], 2, 2), "must join different vertices"),
        (lambda: coloring_moves([(0, 5)], 2, 2), "must join different vertices"),
        (lambda: stationary_law(coloring_moves(KITE, 5, 2), np.ones((2, 2))), "must hold counts up to 4"),
        (
            lambda: stationary_law(coloring_moves(KITE, 5, 2), half_edge_acceptance(1.0, 6)),
            "must be positive",
        ),
        (lambda: gibbs_temperature(np.array([0, 1, 2]), 1.5), r"mean_energy = 1\.5: must be between 0 and 1"),
    ],
)
def test_bad_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()
