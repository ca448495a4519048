"""Theory of the binary perceptron: the note's numbers, literal free entropies, limits, numerical errors."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive.networks import perceptron_theory as naive
from scipy.special import log_ndtr

from thermobatch.networks.theory import franz_parisi as reference
from thermobatch.networks.theory import robust_ensemble as ensemble
from thermobatch.networks.theory.franz_parisi import franz_parisi, isolation_distance
from thermobatch.networks.theory.gaussian_integrals import (
    gaussian_nodes,
    half_line_nodes,
    inverse_mills,
    log_two_cosh,
)
from thermobatch.networks.theory.perceptron_entropy import (
    capacity,
    replica_symmetric_entropy,
    replica_symmetric_point,
)
from thermobatch.networks.theory.robust_ensemble import robust_ensemble
from thermobatch.networks.theory.saddle_point import solve_fixed_point

# --- replica symmetry --------------------------------------------------------------------------


def test_entropies_of_the_note():
    entropy = replica_symmetric_entropy([0.3, 0.4, 0.6])
    np.testing.assert_allclose(entropy.entropy, [0.4748, 0.3965, 0.2278], atol=5e-5)
    assert entropy.converged.all()
    assert entropy.entropy_error.max() < 1e-12


def test_capacity_of_the_note():
    result = capacity()
    assert float(result.capacity) == pytest.approx(0.83308, abs=5e-6)
    assert float(result.capacity_error) < 1e-11


def test_entropy_at_low_load_is_the_annealed_one():
    """Each of few patterns is satisfied by half the space; the correction is second order in alpha."""
    for alpha in (0.01, 0.02):
        entropy = float(replica_symmetric_entropy(alpha).entropy[0])
        assert 0.0 < (1.0 - alpha) * np.log(2.0) - entropy < 0.6 * alpha**2


@pytest.mark.parametrize("alpha", [0.05, 0.4, 0.8])
def test_replica_symmetric_point_is_a_saddle_of_the_literal_free_entropy(alpha):
    point = replica_symmetric_point(alpha)
    assert naive.replica_symmetric(alpha, point.overlap, point.conjugate) == pytest.approx(
        point.entropy, abs=1e-8
    )
    assert_stationary(lambda q, qh: naive.replica_symmetric(alpha, q, qh), [point.overlap, point.conjugate])


def assert_stationary(function, point, scale=1e-7):
    """Central differences of `function` vanish at `point` in every direction."""
    step = 1e-4
    for axis in range(len(point)):
        up, down = np.array(point, float), np.array(point, float)
        up[axis] += step
        down[axis] -= step
        slope = (function(*up) - function(*down)) / (2 * step)
        assert abs(slope) < scale, f"slope {slope} along {axis}"


# --- Franz-Parisi ------------------------------------------------------------------------------


def test_franz_parisi_of_the_note():
    result = franz_parisi(0.4, [0.2, 0.1, 0.05, 0.01, 0.003])
    np.testing.assert_allclose(result.entropy[:4], [0.3234, 0.2044, 0.1144, 0.0188], atol=6e-5)
    assert abs(float(result.entropy[4])) < 1e-4
    assert result.entropy_error.max() < 1e-9


def test_franz_parisi_peaks_at_the_typical_distance_with_all_solutions():
    typical = replica_symmetric_point(0.4)
    distance = 0.5 * (1.0 - typical.overlap)
    result = franz_parisi(0.4, [distance - 0.01, distance, distance + 0.01])
    assert float(result.entropy[1]) == pytest.approx(typical.entropy, abs=1e-12)
    assert (result.entropy[[0, 2]] < typical.entropy).all()
    near = franz_parisi(0.4, distance + np.array([-1e-4, 1e-4]))
    np.testing.assert_allclose(near.entropy, typical.entropy, atol=1e-6)


@pytest.mark.parametrize(("alpha", "distance"), [(0.4, 0.2), (0.4, 0.45), (0.7, 0.1)])
def test_franz_parisi_point_is_a_saddle_of_the_literal_free_entropy(alpha, distance):
    p = 1.0 - 2.0 * distance
    typical = replica_symmetric_point(alpha)
    grid = reference._Grid(gaussian_nodes(121), gaussian_nodes(241))
    point = reference._solve(alpha, p, typical, grid)
    patterns = reference._pattern_averages(point.overlap, point.cross, p, alpha, typical, grid)
    spins = reference._spin_averages(patterns.conjugate, patterns.cross, p, typical, grid)
    saddle = [point.overlap, patterns.conjugate, point.cross, patterns.cross, spins.field]

    def literal(*variables):
        return naive.franz_parisi(alpha, p, typical.overlap, typical.conjugate, *variables)

    assert literal(*saddle) == pytest.approx(point.entropy, abs=1e-7)
    assert_stationary(literal, saddle, scale=2e-6)


def test_typical_solutions_are_isolated():
    for alpha, expected in ((0.4, 0.003), (0.8, 0.105)):
        result = isolation_distance(alpha, order=241)
        assert float(result.distance) == pytest.approx(expected, rel=0.02)
        assert float(result.distance_error) < 1e-5
        around = franz_parisi(alpha, float(result.distance) * np.array([0.9, 1.1]))
        assert around.entropy[0] < 0.0 < around.entropy[1]


def test_franz_parisi_reports_its_error_where_it_is_hard():
    hard = franz_parisi(0.1, [0.003])
    fine = franz_parisi(0.1, [0.003], order=1201)
    assert abs(float(hard.entropy[0] - fine.entropy[0])) <= float(hard.entropy_error[0]) < 1e-4


# --- robust ensemble ---------------------------------------------------------------------------


def test_one_replica_is_a_typical_solution_and_a_free_centre():
    gamma = np.array([0.1, 0.5, 1.0])
    result = robust_ensemble(0.4, gamma, 1)
    expected = replica_symmetric_point(0.4).entropy + np.log(2.0 * np.cosh(gamma))
    np.testing.assert_allclose(result.free_entropy, expected, atol=1e-10)
    np.testing.assert_allclose(result.distance, 0.5 * (1.0 - np.tanh(gamma)), atol=1e-10)


def test_one_replica_sees_the_franz_parisi_entropy_of_a_noisy_reference():
    """A centre drawn around a typical solution is not a solution: fewer are around it."""
    result = robust_ensemble(0.4, [0.5, 1.0], 1)
    around_typical = franz_parisi(0.4, result.distance.values)
    assert (result.local_entropy.values < around_typical.entropy.values).all()


def test_finite_replicas_of_the_note():
    result = robust_ensemble(0.4, [0.5], 20)
    assert float(result.distance[0]) == pytest.approx(0.147, abs=1e-3)
    assert float(result.local_entropy[0]) == pytest.approx(0.328, abs=1.5e-3)
    assert result.local_entropy_error.max() < 1e-9


def test_infinite_replicas_of_the_note():
    result = robust_ensemble(0.4, [0.5], np.inf)
    assert float(result.distance[0]) == pytest.approx(0.1432, abs=1e-4)
    assert float(result.local_entropy[0]) == pytest.approx(0.3283, abs=1e-4)


def test_many_replicas_tend_to_the_limit_as_one_over_y():
    """With corrections of order log(y) / y to the ratio, which is 3.6 here."""
    limit = float(robust_ensemble(0.4, [0.35], np.inf).distance[0])
    gaps = [float(robust_ensemble(0.4, [0.35], y).distance[0]) - limit for y in (100, 300)]
    assert 3.0 < gaps[0] / gaps[1] < 4.0


@pytest.mark.parametrize(("alpha", "gamma", "y"), [(0.4, 0.5, 3.0), (0.6, 0.3, 7.0), (0.3, 0.8, 2.5)])
def test_finite_point_is_a_saddle_of_the_literal_free_entropy(alpha, gamma, y):
    result = robust_ensemble(alpha, [gamma], y)
    q1, q0 = float(result.overlap_within[0]), float(result.overlap_between[0])
    q1h, q0h, _ = ensemble._conjugates(q1, q0, alpha, y, 161)

    def literal(*variables):
        return naive.robust_ensemble(alpha, gamma, y, *variables)

    assert literal(q1, q0, q1h, q0h) == pytest.approx(float(result.free_entropy[0]), abs=1e-6)
    assert_stationary(literal, [q1, q0, q1h, q0h], scale=3e-6)


def test_distance_and_local_entropy_are_derivatives_of_the_free_entropy():
    alpha, gamma, y, step = 0.4, 0.7, 5.0, 1e-3
    coupling = robust_ensemble(alpha, [gamma - step, gamma, gamma + step], y)
    overlap = float(coupling.free_entropy[2] - coupling.free_entropy[0]) / (2 * step)
    assert 0.5 * (1 - overlap) == pytest.approx(float(coupling.distance[1]), abs=1e-6)
    up, down = (float(robust_ensemble(alpha, [gamma], y + s).free_entropy[0]) for s in (step, -step))
    slope = ((y + step) * up - (y - step) * down) / (2 * step)
    assert slope - gamma * overlap == pytest.approx(float(coupling.local_entropy[1]), abs=1e-6)


def test_limit_point_maximises_the_literal_free_entropy():
    alpha, gamma = 0.4, 0.5
    point, (q, gap) = ensemble._solve_limit(alpha, gamma, np.array([0.52, 0.2]), 241)
    fields = ensemble._limit_fields(q, gap, alpha, gamma, 241)
    saddle = [q, gap, fields.conjugate, fields.conjugate_gap]

    def literal(*variables):
        return naive.robust_ensemble_limit(alpha, gamma, *variables)

    assert literal(*saddle) == pytest.approx(point.free_entropy, abs=1e-7)
    assert_stationary(literal, saddle, scale=2e-4)


def test_dense_regions_are_denser_than_typical_ones():
    result = robust_ensemble(0.4, [0.75], np.inf)
    typical = franz_parisi(0.4, result.distance.values)
    assert float(result.local_entropy[0] - typical.entropy[0]) > 0.05


def test_solution_is_followed_the_same_from_any_grid():
    alone = robust_ensemble(0.6, [0.75], np.inf)
    among = robust_ensemble(0.6, [0.9, 0.1, 0.75, 0.3], np.inf)
    assert float(alone.distance[0]) == pytest.approx(float(among.distance[2]), abs=1e-9)
    assert among.gamma.values.tolist() == [0.9, 0.1, 0.75, 0.3]


def test_nothing_is_made_up_where_the_saddle_point_is_gone():
    result = robust_ensemble(0.4, [1.0, 3.0], 3)
    assert result.converged.values.tolist() == [True, False]
    assert np.isnan(result.local_entropy[1]) and np.isnan(result.distance[1])


# --- integrals and fixed points ----------------------------------------------------------------


def test_nodes_integrate_gaussian_moments():
    points, weights = gaussian_nodes(61)
    half, half_weights = half_line_nodes(241)
    for power, moment in ((0, 1.0), (2, 1.0), (4, 3.0), (6, 15.0)):
        assert weights @ points**power == pytest.approx(moment, abs=1e-12)
        assert half_weights @ half**power == pytest.approx(moment, abs=1e-10)
    assert half_weights @ half == pytest.approx(np.sqrt(2.0 / np.pi), abs=1e-12)


@given(x=st.floats(-30, 30))
def test_scalar_functions(x):
    assert log_two_cosh(np.float64(x)) == pytest.approx(np.logaddexp(x, -x), abs=1e-12)
    density, step = inverse_mills(np.float64(x)), 1e-5
    assert density == pytest.approx(
        (log_ndtr(x + step) - log_ndtr(x - step)) / (2 * step), rel=1e-5, abs=1e-10
    )


@settings(max_examples=20)
@given(slope=st.floats(-0.9, 0.9), target=st.floats(0.2, 0.8))
def test_fixed_point_of_a_linear_map(slope, target):
    solution = solve_fixed_point(
        lambda x: target + slope * (x - target), np.array([0.5]), lambda x: bool(-1.0 <= x[0] <= 2.0)
    )
    assert solution.converged
    assert solution.point[0] == pytest.approx(target, abs=1e-9)


def test_fixed_point_says_when_it_leaves_the_domain_or_does_not_converge():
    out = solve_fixed_point(lambda x: x + 1.0, np.array([0.5]), lambda x: bool(x[0] < 1.0))
    assert not out.converged
    swing = solve_fixed_point(
        lambda x: 1.0 - x, np.array([0.2]), lambda x: bool(x[0] < 0.4 or x[0] > 0.6), iterations=9
    )
    assert not swing.converged


# --- bad arguments -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: replica_symmetric_entropy(0.0), "alpha = 0.0"),
        (lambda: replica_symmetric_entropy([0.3, 1.2]), "alpha = "),
        (lambda: replica_symmetric_entropy(np.nan), "alpha = nan"),
        (lambda: replica_symmetric_entropy(0.4, order=10), "order = 10"),
        (lambda: capacity(order=2.5), "order = 2.5"),
        (lambda: franz_parisi(0.4, [0.2, 0.6]), "distance = "),
        (lambda: franz_parisi(0.4, 0.0), "distance = 0.0"),
        (lambda: franz_parisi([0.4, 0.5], 0.1), "alpha = "),
        (lambda: isolation_distance(0.05), "alpha = 0.05"),
        (lambda: robust_ensemble(0.4, -0.1, 3), "gamma = -0.1"),
        (lambda: robust_ensemble(0.4, 0.1, 0.5), "replicas = 0.5"),
        (lambda: robust_ensemble(0.4, 0.1, np.nan), "replicas = nan"),
        (lambda: robust_ensemble(0.4, 0.1, 3, order=True), "order = True"),
    ],
)
def test_bad_arguments_are_named(call, named):
    with pytest.raises(ValueError) as raised:
        call()
    assert str(raised.value).startswith(named)
