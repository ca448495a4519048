import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive.langevin import landscapes as naive

from thermobatch.langevin.landscapes import (
    double_well,
    gaussian_regression,
    quadratic,
    regression,
    rugged,
)
from thermobatch.langevin.own_landscape import landscape

REGRESSION = gaussian_regression(samples=40, scales=(0.5, 1.0, 1.5), seed=3)
HESSIAN = np.array([[2.0, 0.5], [0.5, 1.0]])
LANDSCAPES = {
    "double_well": (double_well(0.3, 0.1), lambda x: naive.double_well(0.3, 0.1, x)),
    "rugged": (rugged(0.05, 0.3, 2.5, 3), lambda x: naive.rugged(0.05, 0.3, 2.5, x)),
    "quadratic": (
        quadratic(HESSIAN, [1.0, -2.0]),
        lambda x: 0.5 * (np.asarray(x) - [1, -2]) @ HESSIAN @ (np.asarray(x) - [1, -2]),
    ),
    "regression": (REGRESSION, lambda w: naive.regression_loss(*REGRESSION.samples, np.asarray(w))),
}


def own_energy(x):
    return 0.3 * (x[0] ** 2 - 1.0) ** 2 + 0.1 * x[0]


def own_gradient(x, out):
    out[0] = 1.2 * x[0] * (x[0] ** 2 - 1.0) + 0.1


@pytest.mark.parametrize("name", LANDSCAPES)
@settings(derandomize=True, deadline=None, max_examples=40)
@given(numbers=st.lists(st.floats(-5, 5), min_size=3, max_size=3))
def test_energy_and_gradient_are_those_of_the_definition(name, numbers):
    made, energy = LANDSCAPES[name]
    place = np.array(numbers[: made.dimension])
    assert made.energy(place) == pytest.approx(energy(place), rel=1e-11, abs=1e-12)
    slope = naive.numerical_gradient(energy, place)
    assert np.allclose(made.gradient(place), slope, rtol=1e-6, atol=1e-7 * (1 + abs(energy(place))))


def test_positions_may_have_any_leading_axes():
    places = np.random.default_rng(0).uniform(-3, 3, (4, 5, 3))
    made = LANDSCAPES["rugged"][0]
    assert made.energy(places).shape == (4, 5)
    assert made.gradient(places).shape == places.shape
    assert made.energy(places)[2, 3] == made.energy(places[2, 3])
    assert np.array_equal(made.gradient(places)[2, 3], made.gradient(places[2, 3]))


@pytest.mark.parametrize("name", LANDSCAPES)
def test_mean_of_sample_gradients_is_the_gradient(name):
    made = LANDSCAPES[name][0]
    if made.samples is None:
        made = made.with_samples(60, variance=7.0, seed=1)
    for place in np.random.default_rng(1).uniform(-2, 2, (5, made.dimension)):
        assert np.allclose(made.sample_gradients(place).mean(axis=0), made.gradient(place), atol=1e-12)


def test_additive_noise_has_exactly_the_variance_asked_for_everywhere():
    made = rugged(dimension=2).with_samples(50, variance=80.0, seed=4)
    for place in ([0.0, 0.0], [3.0, -2.0]):
        assert np.allclose(made.gradient_noise(place), 80.0 * np.eye(2), atol=1e-11)


def test_noise_of_a_regression_is_the_covariance_of_its_sample_gradients():
    x, y = REGRESSION.samples
    place = np.array([0.3, -1.0, 2.0])
    gradients = np.array(
        [
            naive.numerical_gradient(lambda w, m=mu: 0.5 * (x[m] @ w - y[m]) ** 2, place)
            for mu in range(len(y))
        ]
    )
    assert np.allclose(REGRESSION.sample_gradients(place), gradients, atol=1e-8)
    assert np.allclose(REGRESSION.gradient_noise(place), np.cov(gradients.T, bias=True), atol=1e-7)


def test_minima_are_minima_and_the_start_box_of_a_quadratic_is_its_minimum():
    for made in (double_well(), rugged(), REGRESSION, quadratic(HESSIAN)):
        assert np.allclose(made.gradient(made.minimum), 0.0, atol=1e-12)
    assert np.array_equal(REGRESSION.start[0], REGRESSION.minimum)
    assert double_well().energy(double_well().minimum) < double_well().energy([1.0])
    assert double_well(tilt=0.0).basin is None


@pytest.mark.parametrize("made", [double_well(), double_well(0.2, 0.3), rugged(), rugged(0.02, 1.0, 2.0, 2)])
def test_gradient_flow_stays_in_the_basin_and_leaves_it_from_outside(made):
    lower, upper = made.basin
    edge = upper[-1]
    inside, outside = np.zeros((2, made.dimension))
    inside[-1], outside[-1] = edge - 1e-6, edge + 1e-6
    for place, stays in ((inside, True), (outside, False)):
        assert made.contains_basin(place) == stays
        for _ in range(20_000):
            place = place - 0.05 * made.gradient(place)
        assert made.contains_basin(place) == stays
        assert np.allclose(place, made.minimum, atol=1e-6) == stays
    assert (lower[-1] == -edge) or lower[-1] == -np.inf


def test_rugged_basin_of_the_science_note():
    assert rugged().basin[1] == pytest.approx([1.327829934, 1.327829934], abs=1e-8)
    assert rugged(curvature=1.0, amplitude=0.1).basin is None
    assert rugged(amplitude=0.0).basin is None


@pytest.mark.parametrize("compiled", [False, True])
def test_own_landscape_is_that_of_the_functions(compiled):
    functions = (own_energy, own_gradient)
    if compiled:
        functions = tuple(numba.njit(function) for function in functions)
    made = landscape(*functions, start=([-1.5], [1.5]), basin=([-np.inf], [0.1]))
    known = double_well(0.3, 0.1)
    places = np.linspace(-2, 2, 11)[:, None]
    assert np.allclose(made.energy(places), known.energy(places), rtol=1e-14)
    assert np.allclose(made.gradient(places), known.gradient(places), rtol=1e-13, atol=1e-15)
    assert made.contains_basin([-5.0])
    assert made.name == "own"


def test_two_own_landscapes_are_not_confused():
    def other_energy(x):
        return x[0] ** 2 + 2.0 * x[1] ** 2

    def other_gradient(x, out):
        out[0] = 2.0 * x[0]
        out[1] = 4.0 * x[1]

    one = landscape(own_energy, own_gradient, start=([-1.5], [1.5]))
    two = landscape(other_energy, other_gradient, start=([-1, -1], [1, 1]))
    assert one.energy([2.0]) == pytest.approx(0.3 * 9 + 0.2)
    assert two.energy([1.0, 1.0]) == 3.0
    assert np.array_equal(two.gradient([1.0, 1.0]), [2.0, 4.0])


def test_description_tells_form_and_parameters():
    assert double_well().description == "double_well(dimension=1, samples=0, barrier=0.1, tilt=0.04)"
    assert "samples=30" in rugged().with_samples(30).description


def wrong_gradient(x, out):
    out[0] = x[0]


def not_numeric(x):
    return {"a": x}.missing()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: double_well(barrier=0.0), "barrier = 0.0: must be a finite number > 0"),
        (lambda: double_well(0.1, 0.16), r"tilt = 0.16: must be in \[0, 0.15396"),
        (lambda: rugged(curvature=-1.0), "curvature = -1.0: must be a finite number > 0"),
        (lambda: rugged(dimension=0), "dimension = 0: must be an integer >= 1"),
        (lambda: rugged(wavenumber=np.nan), "wavenumber = nan"),
        (lambda: quadratic([[1.0, 2.0], [0.0, 1.0]]), "symmetric"),
        (lambda: quadratic([[1.0, 2.0], [2.0, 1.0]]), "lowest eigenvalue is -1: must be > 0"),
        (lambda: quadratic(np.eye(2), [1.0]), r"minimum has shape \(1,\): must be \(2\)"),
        (lambda: regression(np.ones((5, 2)), np.ones(5)), "inputs has rank 1: must be 2"),
        (lambda: regression(np.ones((5, 2)), np.ones(4)), r"labels has shape \(4,\): must be \(5\)"),
        (lambda: regression(np.full((5, 2), np.inf), np.ones(5)), "10 entries are not finite"),
        (lambda: gaussian_regression(samples=2), "samples = 2: must be an integer >= 3"),
        (lambda: gaussian_regression(scales=[1.0, 0.0]), "must be positive numbers"),
        (lambda: gaussian_regression(label_noise=-1.0), "label_noise = -1.0"),
        (lambda: rugged().with_samples(2), "samples = 2: must be an integer >= 3"),
        (lambda: rugged().with_samples(9, variance=0.0), "variance = 0.0: must be a finite number > 0"),
        (lambda: rugged().with_samples([[1.0, 0.0], [0.0, 1.0]]), "mean offset must be zero"),
        (lambda: rugged().with_samples(9, seed=-1), "seed = -1"),
        (lambda: rugged().energy([1.0]), r"positions has shape \(1,\): its last axis must be 2"),
        (lambda: rugged().sample_gradients([1.0, 1.0]), "has no samples"),
        (lambda: quadratic(np.eye(2)).contains_basin([0.0, 0.0]), "has no basin"),
        (lambda: landscape(own_energy, wrong_gradient, ([-1.5], [1.5])), "finite differences of the energy"),
        (lambda: landscape(not_numeric, own_gradient, ([-1.5], [1.5])), "energy: numba cannot compile it"),
        (lambda: landscape(3.0, own_gradient, ([-1.5], [1.5])), "energy = 3.0: must be a function"),
        (lambda: landscape(own_energy, own_gradient, ([1.5], [-1.5])), "lower corner <= upper corner"),
        (lambda: landscape(own_energy, own_gradient, None), "start = None: must be two corners"),
        (lambda: landscape(own_energy, own_gradient, ([], [])), "start: corners have shapes"),
        (lambda: landscape(own_energy, own_gradient, ([-np.inf], [1.0])), "start: 1 entries are not finite"),
        (
            lambda: landscape(own_energy, own_gradient, ([-1], [1]), basin=([1], [0])),
            "basin = .* lower corner",
        ),
        (lambda: landscape(own_energy, own_gradient, ([-1], [1]), basin=([0, 0], [1, 1])), "basin: corners"),
        (lambda: quadratic(np.empty((0, 0))), "symmetric square matrix"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
