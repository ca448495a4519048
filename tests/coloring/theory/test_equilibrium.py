import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from naive.coloring import theory as naive

from thermobatch.coloring.dynamics.metropolis import metropolis
from thermobatch.coloring.graph import random_coloring
from thermobatch.coloring.theory.equilibrium import (
    boltzmann_weight,
    edge_correlation,
    metropolis_acceptance_rate,
    neighbour_count_law,
    paramagnetic_energy,
    paramagnetic_specific_heat,
    paramagnetic_temperature,
    planted_spinodal,
    poisson_max_count,
    spin_glass_temperature,
)

STAR = [(0, 1), (0, 2), (0, 3)]


@pytest.mark.parametrize(("q", "temperature"), [(2, 0.7), (3, 0.4), (3, 3.0), (5, 1.1)])
def test_energy_is_exact_on_a_tree(q, temperature):
    _, energies, probability = naive.configurations(STAR, 4, q, temperature)
    per_edge = probability @ energies / len(STAR)
    assert paramagnetic_energy(temperature, mean_degree=2.0, q=q) == pytest.approx(per_edge, rel=1e-13)


@pytest.mark.parametrize(("c", "q", "temperature"), [(19.0, 5, 0.9), (3.3, 2, 0.5), (6.0, 3, 4.0)])
def test_neighbour_counts_against_thinned_degrees(c, q, temperature):
    law = neighbour_count_law(temperature, mean_degree=c, q=q)
    for n_old, n_new in [(0, 0), (0, 4), (1, 3), (2, 2), (3, 0), (5, 7)]:
        expected = naive.neighbour_count_probability(n_old, n_new, temperature, c, q)
        assert law.probability[n_old, n_new] == pytest.approx(expected, rel=1e-11)


def test_neighbour_counts_on_an_enumerated_star():
    """Centre with three neighbours: (n_old, n_new) follows the Poisson law, given that the degree is 3."""
    q, temperature = 3, 0.8
    x = float(boltzmann_weight(temperature))
    colourings, _, probability = naive.configurations(STAR, 4, q, temperature)
    law = np.zeros((4, 4))
    for colours, p in zip(colourings, probability, strict=True):
        for proposed in {0, 1, 2} - {colours[0]}:
            law[colours[1:].count(colours[0]), colours[1:].count(proposed)] += p / (q - 1)
    poisson = neighbour_count_law(temperature, mean_degree=2.0, q=q).probability
    mean = 2.0 / (q - 1 + x)  # of the third colour, which fills the rest
    conditional = np.array(
        [
            [
                poisson[a, b] * naive.poisson(3 - a - b, mean) / naive.poisson(3, 2.0) if a + b <= 3 else 0.0
                for b in range(4)
            ]
            for a in range(4)
        ]
    )
    np.testing.assert_allclose(conditional, law, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("tail", [1e-4, 1e-9, 1e-15])
def test_neighbour_count_table_states_its_tail(tail):
    law = neighbour_count_law(0.6, mean_degree=19.0, tail=tail)
    missing = 1 - law.probability.sum()
    assert missing <= law.tail_bound + 1e-14
    assert law.tail_bound <= tail
    fixed = neighbour_count_law(0.6, mean_degree=19.0, max_count=4)
    assert fixed.probability.shape == (5, 5)
    assert 1 - fixed.probability.sum() <= fixed.tail_bound


def test_neighbour_counts_mean_energy_is_the_paramagnetic_energy():
    law = neighbour_count_law(0.7, mean_degree=19.0).probability
    n_old = np.arange(len(law)) @ law.sum(axis=1)
    assert n_old / 2 == pytest.approx(paramagnetic_energy(0.7, mean_degree=19.0), rel=1e-12)


def test_neighbour_counts_at_the_extreme_temperatures():
    cold = neighbour_count_law(0.0, mean_degree=8.0, q=5).probability
    assert cold[0].sum() == pytest.approx(1.0) and cold[1:].sum() == 0.0
    hot = neighbour_count_law(np.inf, mean_degree=8.0, q=5).probability
    np.testing.assert_array_equal(hot, hot.T)


@given(
    temperature=st.floats(0.03, 300.0),
    c=st.floats(0.1, 60.0),
    q=st.integers(2, 32),
)
def test_energy_and_temperature_round_trip(temperature, c, q):
    energy = paramagnetic_energy(temperature, mean_degree=c, q=q)
    assert paramagnetic_temperature(energy, mean_degree=c, q=q) == pytest.approx(temperature, rel=1e-10)


@given(fraction=st.floats(0.0, 1.0), c=st.floats(0.1, 60.0), q=st.integers(2, 32))
def test_temperature_and_energy_round_trip(fraction, c, q):
    energy = fraction * c / (2 * q)
    temperature = paramagnetic_temperature(energy, mean_degree=c, q=q)
    assert paramagnetic_energy(temperature, mean_degree=c, q=q) == pytest.approx(
        energy, rel=1e-11, abs=1e-300
    )


def test_limits_and_shapes():
    assert paramagnetic_energy(0.0, mean_degree=19.0) == 0.0
    assert paramagnetic_energy(np.inf, mean_degree=19.0) == pytest.approx(1.9)
    np.testing.assert_array_equal(paramagnetic_temperature([0.0, 1.9], mean_degree=19.0), [0.0, np.inf])
    table = paramagnetic_energy(np.linspace(0.2, 2, 4)[:, None], mean_degree=np.array([15.0, 19.0]))
    assert table.shape == (4, 2) and table[2, 1] == paramagnetic_energy(1.4, mean_degree=19.0)
    assert isinstance(paramagnetic_energy(0.5, mean_degree=19.0), float)


@pytest.mark.parametrize("temperature", [0.1, 0.5, 2.0, 40.0])
def test_specific_heat_is_the_derivative(temperature):
    h = 1e-5 * temperature
    ends = paramagnetic_energy([temperature - h, temperature + h], mean_degree=19.0)
    slope = (ends[1] - ends[0]) / (2 * h)
    assert paramagnetic_specific_heat(temperature, mean_degree=19.0) == pytest.approx(slope, rel=1e-7)
    assert paramagnetic_specific_heat(0.0, mean_degree=19.0) == 0.0


@pytest.mark.parametrize("q", [2, 3, 5])
def test_edge_correlation_is_the_second_eigenvalue(q):
    temperature = 0.6
    x = np.exp(-1 / temperature)
    transfer = (np.ones((q, q)) - (1 - x) * np.eye(q)) / (q - 1 + x)
    eigenvalues = np.sort(np.linalg.eigvalsh(transfer))
    assert edge_correlation(temperature, q=q) == pytest.approx(-eigenvalues[0], rel=1e-13)


def planted_signal(temperature, c, q, epsilon):
    """One generation of belief propagation on a planted graph: growth of the bias towards the true colour.

    Every child's message is biased by epsilon to its own planted colour, uniform among those that differ from
    the parent's colour 0; the parent has c children, so logarithms of messages add with weight c.
    """
    x = np.exp(-1 / temperature)
    logs = np.zeros(q)
    for child in range(1, q):
        message = np.full(q, (1 - epsilon) / q)
        message[child] += epsilon
        logs += c / (q - 1) * np.log(1 - (1 - x) * message)
    parent = np.exp(logs - logs.max())
    parent /= parent.sum()
    return (q * parent[0] - 1) / (q - 1) / epsilon


@pytest.mark.parametrize(("c", "q"), [(19.0, 5), (25.0, 5), (6.0, 3), (1.7, 2)])
def test_planted_spinodal_is_where_the_signal_starts_to_grow(c, q):
    spinodal = planted_spinodal(c, q)
    assert planted_signal(spinodal, c, q, 1e-6) == pytest.approx(1.0, abs=1e-4)
    assert planted_signal(0.9 * spinodal, c, q, 1e-6) > 1.01
    assert planted_signal(1.1 * spinodal, c, q, 1e-6) < 0.99


def test_published_spinodals():
    np.testing.assert_allclose(
        planted_spinodal(np.array([19.0, 20.0, 21.0])), [0.491, 0.558, 0.621], atol=5e-4
    )


@pytest.mark.parametrize(("c", "q"), [(16.5, 5), (19.0, 5), (6.0, 3), (1.7, 2)])
def test_spin_glass_temperature_solves_its_condition(c, q):
    temperature = spin_glass_temperature(c, q)
    assert c * edge_correlation(temperature, q=q) ** 2 == pytest.approx(1.0, rel=1e-12)
    assert temperature < planted_spinodal(c, q) or q == 2


def test_instabilities_start_at_zero_temperature():
    for instability in (planted_spinodal, spin_glass_temperature):
        assert instability(16.0 + 1e-9, 5) < 0.06
        with pytest.raises(ValueError, match=r"mean_degree = 15\.0: must be > \(q-1\)\^2 = 16"):
            instability(np.array([19.0, 15.0]), 5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: paramagnetic_energy(-0.1, mean_degree=19.0), r"temperature = -0\.1: must be >= 0"),
        (lambda: paramagnetic_energy(np.nan, mean_degree=19.0), "temperature = nan"),
        (lambda: paramagnetic_energy(0.5, mean_degree=0.0), r"mean_degree = 0\.0: must be positive"),
        (lambda: paramagnetic_energy(0.5, mean_degree=np.inf), "mean_degree = inf"),
        (lambda: paramagnetic_energy(0.5, mean_degree=9.0, q=1), "q = 1: must be an integer >= 2"),
        (lambda: paramagnetic_energy(0.5, mean_degree=9.0, q=2.5), "q = 2.5"),
        (
            lambda: paramagnetic_temperature(1.95, mean_degree=19.0),
            r"energy = 1\.95: must be in \[0, c/\(2q\)\]",
        ),
        (lambda: paramagnetic_temperature(-0.1, mean_degree=19.0), r"energy = -0\.1"),
        (lambda: neighbour_count_law(0.5, mean_degree=9.0, tail=0.0), "tail = 0.0"),
        (lambda: neighbour_count_law(0.5, mean_degree=9.0, max_count=-1), "max_count = -1"),
    ],
)
def test_bad_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_poisson_max_count_is_the_smallest():
    for mean in (1e-3, 0.5, 4.75, 120.0):
        count = poisson_max_count(mean, 1e-12)
        kept = [naive.poisson(k, mean) for k in range(count + 1)]
        assert 1 - sum(kept) <= 2e-12
        assert kept[-1] > 1e-13


@pytest.mark.parametrize("temperature", [0.7, 2.0])
def test_acceptance_rate_against_a_simulation(temperature):
    """Student's t with 7 degrees of freedom: |t| < 14 has a false-alarm rate of 2e-6; sees an error of 3%."""
    rates = []
    for seed in range(8):
        graph = random_coloring(20_000, 5, 19.0, seed)
        run = metropolis(graph, temperature, 300, seed, record=[200, 300])
        rates.append(float(run.accepted[-1] - run.accepted[-2]) / (100 * graph.n))
    error = np.std(rates, ddof=1) / np.sqrt(len(rates))
    expected = metropolis_acceptance_rate(temperature, mean_degree=19.0, q=5)
    assert error < expected / 500
    assert abs(np.mean(rates) - expected) < 14 * error
