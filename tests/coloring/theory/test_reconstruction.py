import numpy as np
import pytest
from naive.coloring import tree_reconstruction as naive

from thermobatch.coloring.theory.equilibrium import (
    edge_correlation,
    planted_spinodal,
    spin_glass_temperature,
)
from thermobatch.coloring.theory.reconstruction import (
    annealing_threshold,
    dynamical_connectivity,
    dynamical_temperature,
    reconstruction_order,
)
from thermobatch.coloring.theory.tree_population import TreePopulation, broadcast_at

Z = 4.9  # false-alarm rate 1e-6
QUICK = {"population": 2000, "replicas": 3, "iterations": 20}


@pytest.mark.parametrize(("q", "x"), [(2, 0.3), (3, 0.0), (3, 0.2)])
@pytest.mark.parametrize(
    ("parents", "leaves"), [([-1, 0, 0, 0], [1, 2, 3]), ([-1, 0, 0, 1, 1, 2], [3, 4, 5])]
)
def test_messages_are_exact_posteriors_on_small_trees(q, x, parents, leaves):
    exact = naive.exact_order(parents, leaves, q, x)
    assert naive.order_from_messages(parents, leaves, q, x) == pytest.approx(exact, rel=1e-12)


@pytest.mark.parametrize(("c", "q", "x"), [(2.0, 3, 0.2), (3.0, 2, 0.1), (1.5, 4, 0.0)])
def test_first_generation_is_exact(c, q, x):
    """Detects a wrong broadcast probability: keep with x in place of x/(q-1+x) shifts m by 20 errors."""
    mean, deviation = naive.first_generation(c, q, x, most=12 if q == 4 else 25)
    size = 40_000
    order = TreePopulation(q, size, 1).update(broadcast_at(c, x, q))
    exact = (q * mean - 1) / (q - 1)
    assert abs(order - exact) < Z * q / (q - 1) * deviation / np.sqrt(size)


def test_second_and_third_generation_against_sampled_trees():
    c, q, x, size = 1.8, 3, 0.15, 4000
    random = np.random.default_rng(1)
    population = TreePopulation(q, 50_000, 2)
    population.update(broadcast_at(c, x, q))
    for depth in (2, 3):
        order = population.update(broadcast_at(c, x, q))
        sampled = [naive.sample_message(random, 0, depth, c, q, x)[0] for _ in range(size)]
        expected = (q * np.mean(sampled) - 1) / (q - 1)
        error = q / (q - 1) * np.std(sampled) * np.sqrt(1 / size + 2 / 50_000)
        assert abs(order - expected) < Z * error


def test_population_against_its_naive_twin():
    c, q, x, generations = 6.0, 4, 0.05, 6
    random = np.random.default_rng(3)
    messages = np.eye(q)[np.zeros(1500, int)]
    population = TreePopulation(q, 30_000, 4)
    for _ in range(generations):
        messages = naive.population_update(random, messages, c, x)
        population.update(broadcast_at(c, x, q))
    errors = np.hypot(messages.std(axis=0) / np.sqrt(1500), messages.std(axis=0) / np.sqrt(30_000))
    # Members of a population share ancestors: allow for twice the error of independent ones.
    assert np.all(np.abs(messages.mean(axis=0) - population.messages.mean(axis=0)) < 2 * Z * errors)
    second = [(sample**2).sum(axis=1) for sample in (messages, population.messages)]
    spread = second[0].std() * np.sqrt(1 / 1500 + 1 / 30_000)
    assert abs(second[0].mean() - second[1].mean()) < 2 * Z * spread


@pytest.mark.parametrize("temperature", [0.3, 0.44])
def test_posteriors_are_calibrated(temperature):
    """Nishimori: <eta(true)> = <sum_s eta(s)^2>, whatever the generation."""
    population = TreePopulation(5, 8000, 5)
    broadcast = broadcast_at(19.0, np.exp(-1 / temperature), 5)
    differences = []
    for generation in range(60):
        population.update(broadcast)
        if generation >= 20:
            differences.append(np.mean(population.messages[:, 0] - (population.messages**2).sum(axis=1)))
    assert abs(np.mean(differences)) < 0.004


def test_other_colours_stay_equivalent():
    """Above T_d a population that is not symmetrised ends in a spurious state that still prefers a colour."""
    x = np.exp(-1 / 0.6)
    population = TreePopulation(5, 1000, 6)
    for _ in range(300):
        population.update(broadcast_at(19.0, x, 5))
    np.testing.assert_allclose(population.messages.mean(axis=0), 0.2, atol=1e-3)
    random = np.random.default_rng(7)
    broken = np.eye(5)[np.zeros(200, int)]
    for _ in range(60):
        broken = naive.population_update(random, broken, 19.0, x, permute=False)
    assert broken.mean(axis=0)[0] > 0.4 and np.ptp(broken[:, 1:].mean(axis=0)) > 0.1


def test_weak_information_grows_as_kesten_and_stigum_say():
    """One message in fifty known: m grows by c theta^2 a generation."""
    c, q, temperature = 19.0, 5, 0.6
    population = TreePopulation(q, 400_000, 8)
    population.messages[:] = 1 / q
    population.messages[:8000] = np.eye(q)[0]
    grown = population.update(broadcast_at(c, np.exp(-1 / temperature), q)) / 0.02
    assert grown == pytest.approx(c * edge_correlation(temperature, q=q) ** 2, rel=0.05)


def test_order_survives_below_and_dies_above():
    """Bisection's criterion around T_d(19) = .454: information persists below, is lost above."""
    effort = {"population": 3000, "iterations": 150, "seed": 9}
    below, above = (reconstruction_order(19.0, 5, t, **effort) for t in (0.44, 0.468))
    assert below[0] == 1.0 and below.shape == (151,)
    assert below[-30:].mean() > 0.55
    assert abs(above[-1]) < 0.05


@pytest.mark.slow
@pytest.mark.parametrize(("c", "low", "high"), [(15.0, 0.30, 0.32), (19.0, 0.45, 0.46), (21.0, 0.505, 0.52)])
def test_published_dynamical_temperatures(c, low, high):
    found = dynamical_temperature(c, 5, seed=1, **QUICK)
    assert low < found.estimate < high
    assert found.lower < found.estimate < found.upper and found.kind == "discontinuous"
    assert found.upper - found.lower < 0.03 and 0.3 < found.order_parameter < 0.7


def test_dynamical_connectivity_at_zero_temperature():
    """Literature: 12.84 for q = 5."""
    found = dynamical_connectivity(5, seed=1, **QUICK)
    assert found.estimate == pytest.approx(12.84, abs=0.08) and found.kind == "discontinuous"
    assert found.lower < found.estimate < found.upper


@pytest.mark.parametrize(("q", "c"), [(2, 3.0), (3, 6.0)])
def test_continuous_transitions_are_at_kesten_and_stigum(q, c):
    connectivity = dynamical_connectivity(q, seed=1, **QUICK)
    assert connectivity.estimate == connectivity.upper == (q - 1) ** 2
    assert 0.9 * (q - 1) ** 2 < connectivity.lower and connectivity.kind == "continuous"
    found = dynamical_temperature(c, q, seed=1, **QUICK)
    assert found.kind == "continuous" and found.order_parameter == 0.0
    assert found.estimate == pytest.approx(spin_glass_temperature(c, q), rel=1e-12)
    assert found.lower == found.estimate <= found.upper < found.estimate + 0.03


@pytest.mark.parametrize(("c", "q"), [(12.0, 5), (2.0, 5), (3.5, 3)])
def test_no_transition_below_the_dynamical_connectivity(c, q):
    found = dynamical_temperature(c, q, seed=1, **QUICK)
    assert found.kind == "none" and np.isnan(found[:4]).all()


def test_temperature_and_connectivity_are_inverse():
    found = dynamical_connectivity(5, temperature=0.4537, seed=2, **QUICK)
    assert found.lower < 19.0 < found.upper and found.estimate == pytest.approx(19.0, abs=0.15)


@pytest.mark.slow
def test_annealing_threshold_is_the_crossing():
    """Between c = 18 and 19 by the note; T_d - T_sp changes sign around the value found directly."""
    found = annealing_threshold(5, seed=1, **QUICK)
    assert found.estimate == pytest.approx(18.115, abs=0.15) and found.kind == "discontinuous"
    differences = [
        dynamical_temperature(c, 5, seed=3, **QUICK).estimate - planted_spinodal(c, 5) for c in (17.8, 18.4)
    ]
    assert differences[0] > 0 > differences[1]
    crossing = 17.8 + 0.6 * differences[0] / (differences[0] - differences[1])
    assert found.estimate == pytest.approx(crossing, abs=0.15)
    assert annealing_threshold(3, seed=1, **QUICK).estimate == 4.0


def test_seeds_decide():
    effort = {"population": 600, "replicas": 2, "iterations": 5}
    parent = np.random.SeedSequence(4)
    first = dynamical_temperature(19.0, 5, seed=parent, **effort)
    parent.spawn(3)
    assert dynamical_temperature(19.0, 5, seed=parent, **effort) == first
    assert dynamical_temperature(19.0, 5, seed=4, **effort) == first
    assert dynamical_temperature(19.0, 5, seed=5, **effort) != first
    trace = [reconstruction_order(19.0, 5, 0.4, population=200, iterations=5, seed=s) for s in (1, 1, 2)]
    assert np.array_equal(trace[0], trace[1]) and not np.array_equal(trace[0], trace[2])


@pytest.mark.slow
def test_interval_covers_and_literature_at_full_effort():
    """Ten intervals at 95%: fewer than six would miss a much better estimate with probability 2e-5."""
    exact = dynamical_temperature(19.0, 5, seed=100, population=8000, replicas=6, iterations=40).estimate
    found = [
        dynamical_temperature(19.0, 5, seed=k, population=2000, replicas=3, iterations=25) for k in range(10)
    ]
    assert sum(f.lower < exact < f.upper for f in found) >= 6
    assert exact == pytest.approx(0.4537, abs=0.0015)
    assert dynamical_connectivity(4, seed=1).estimate == pytest.approx(8.353, abs=0.03)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: dynamical_temperature(-1.0, seed=1), r"mean_degree = -1\.0"),
        (lambda: dynamical_temperature(19.0, 1, seed=1), "q = 1"),
        (lambda: dynamical_temperature(19.0, seed=None), "seed = None"),
        (
            lambda: dynamical_temperature(19.0, seed=1, population=100),
            "population = 100: must be an integer, at",
        ),
        (lambda: dynamical_temperature(19.0, seed=1, replicas=1), "replicas = 1"),
        (lambda: dynamical_temperature(19.0, seed=1, iterations=0), "iterations = 0"),
        (lambda: dynamical_temperature(19.0, seed=1, confidence=1.0), r"confidence = 1\.0"),
        (lambda: dynamical_connectivity(5, np.inf, seed=1), "temperature = inf: must be finite"),
        (lambda: dynamical_connectivity(5, -0.1, seed=1), r"temperature = -0\.1"),
        (lambda: reconstruction_order(19.0, 5, 0.5, population=0, seed=1), "population = 0"),
        (lambda: reconstruction_order(19.0, 5, 0.5, iterations=2.5, seed=1), r"iterations = 2\.5"),
    ],
)
def test_bad_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()
