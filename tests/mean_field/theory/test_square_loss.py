"""The exact references: the spectral law, the learning curves of the square loss, their stationary noise."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive.mean_field import dmft as naive

from thermobatch.mean_field.samples import start_weights, teacher_student
from thermobatch.mean_field.spectra import IDENTITY, Spectrum, power_law_spectrum, two_level_spectrum
from thermobatch.mean_field.theory.effective_noise import integral_temperature, replica_temperature
from thermobatch.mean_field.theory.marchenko_pastur import marchenko_pastur
from thermobatch.mean_field.theory.square_loss import (
    largest_stable_step,
    square_loss_dynamics,
    square_loss_stationary,
)

RIDGE = {"alpha": 3.0, "ridge": 0.5, "learning_rate": 0.1, "m0": 0.2, "q0": 1.0}
REFERENCE = Path(__file__).parent.parent.parent / "reference" / "dmft_ridge_simulation.csv"


@pytest.mark.parametrize(
    "spectrum",
    [
        IDENTITY,
        two_level_spectrum(4.0),
        two_level_spectrum(50.0, 0.3),
        two_level_spectrum(1.0 + 1e-6),
        two_level_spectrum(0.2, 0.4),  # at alpha = 2 a gap is about to open
        power_law_spectrum(2.0, levels=8),
    ],
)
@pytest.mark.parametrize("alpha", [0.1, 0.5, 0.99, 1.0 - 1e-6, 1.0, 1.01, 2.0, 20.0])
def test_spectral_law_has_the_exact_moments(alpha, spectrum):
    """Traces of the powers 0 to 3 of a Wishart matrix with covariance, for d -> infinity."""
    law = marchenko_pastur(alpha, spectrum)
    sigma, fraction = np.array(spectrum.eigenvalues), np.array(spectrum.fractions)
    s1, s2, s3 = (float(np.sum(fraction * sigma**k)) for k in (1, 2, 3))
    exact = [1.0, alpha * s1, alpha**2 * s2 + alpha * s1**2]
    exact.append(alpha**3 * s3 + 3.0 * alpha**2 * s1 * s2 + alpha * s1**3)
    for power, moment in enumerate(exact):
        assert law.average(law.nodes**power) == pytest.approx(moment, rel=1e-12)
    assert (law.weights >= 0.0).all()
    assert (np.diff(law.intervals.ravel()) > 0.0).all()
    assert (law.nodes >= 0.0).all() and law.nodes.max() <= law.largest * (1.0 + 1e-12)


def test_identity_support_and_atom():
    law = marchenko_pastur(0.25)
    np.testing.assert_allclose(law.intervals, [[0.25, 2.25]], rtol=1e-12)
    assert law.nodes[0] == 0.0 and law.weights[0] == pytest.approx(0.75)


def test_spectral_law_agrees_with_a_random_matrix():
    """The two-level law at alpha = 3 against one matrix of 400 directions, whose moments fluctuate by 1/400."""
    spectrum = two_level_spectrum(8.0)
    samples = teacher_student(400, 3.0, spectrum, seed=1)
    eigenvalues = np.linalg.eigvalsh(samples.inputs.T @ samples.inputs)
    law = marchenko_pastur(3.0, spectrum)
    for x in (0.5, 1.0, 2.0, 5.0):
        assert np.mean(1.0 / (eigenvalues + x)) == pytest.approx(law.average(1.0 / (law.nodes + x)), rel=0.01)
    assert len(law.intervals) == 2
    gap = law.intervals[0, 1], law.intervals[1, 0]
    assert np.mean((eigenvalues > gap[0] + 0.02) & (eigenvalues < gap[1] - 0.02)) < 0.01


def test_formulas_of_the_note():
    """Written out for plain SGD: m, C, the two losses and the Volterra equation of the batch noise."""
    options = RIDGE | {"steps": 25, "batch_fraction": 0.3}
    law = marchenko_pastur(3.0)
    x, eta, ridge, m0, q0, b = law.nodes, 0.1, 0.5, 0.2, 1.0, 0.3
    t = np.arange(26)[:, None]
    B = (1.0 - eta * (ridge + x)) ** t
    A = x / (x + ridge) * (1.0 - B) + m0 * B
    psi = law.average(x * ((A - 1.0) ** 2 + q0 * B**2)) / 3.0
    C = law.average(A**2 + q0 * B**2)
    K = law.average(x**2 * B**2) / 3.0
    L = law.average(x * B**2)
    noise = np.zeros(26)
    for t in range(1, 26):
        for s in range(t):
            psi[t] += eta**2 * (1 - b) / b * K[t - 1 - s] * psi[s]
            noise[t] += eta**2 * (1 - b) / b * L[t - 1 - s] * psi[s]
    exact = square_loss_dynamics(**options)
    np.testing.assert_allclose(exact.magnetization, law.average(A), atol=1e-14)
    np.testing.assert_allclose(exact.loss, psi / 2.0, atol=1e-14)
    np.testing.assert_allclose(np.diagonal(exact.correlation), C + noise, atol=1e-13)
    np.testing.assert_allclose(exact.replica_distance, noise, atol=1e-14)
    np.testing.assert_allclose(exact.response[:, 5][5:], law.average(B)[:21], atol=1e-14)


def test_published_simulation_is_reproduced():
    """The simulation published with arXiv:2210.06591; its first row is step 0, its mean starts 0.0007 from m0."""
    published = np.loadtxt(REFERENCE, delimiter=",", skiprows=1)
    exact = square_loss_dynamics(steps=len(published) - 1, **RIDGE)
    error = np.abs(exact.magnetization.values - published[:, 1])
    assert error.max() < 0.0025
    assert (error < 0.2 * published[:, 2]).all()
    shifted = np.abs(exact.magnetization.values[1:] - published[:-1, 1])
    assert shifted.max() > 0.2  # one row off would be seen


def test_gradient_descent_at_finite_dimension_approaches_the_exact_curve():
    """d = 400, closed form in the eigenbasis: what remains is the fluctuation of one matrix, of order 1/d."""
    samples = teacher_student(400, 3.0, seed=2)
    start = start_weights(samples, 0.2, 1.0, np.random.default_rng(3))
    path = naive.square_loss_at_finite_dimension(samples.inputs, samples.teacher, start, 20, 0.1, 0.5)
    exact = square_loss_dynamics(steps=20, **RIDGE)
    assert np.abs(path @ samples.teacher / 400 - exact.magnetization.values).max() < 0.02
    assert np.abs(path @ path.T / 400 - exact.correlation.values).max() < 0.03


@settings(deadline=None, derandomize=True, max_examples=40)
@given(
    alpha=st.floats(0.3, 4.0),
    ridge=st.floats(0.2, 1.0),
    speed=st.floats(0.2, 0.8),
    b=st.floats(0.3, 1.0),
    momentum=st.sampled_from([0.0, 0.5]),
    nesterov=st.booleans(),
)
def test_long_runs_end_in_the_stationary_state(alpha, ridge, speed, b, momentum, nesterov):
    nesterov = nesterov and momentum > 0.0
    algorithm = {"batch_fraction": b, "momentum": momentum, "nesterov": nesterov}
    options = {"alpha": alpha, "ridge": ridge} | algorithm
    options["learning_rate"] = speed * largest_stable_step(**options)
    steps = min(400, int(30.0 / (options["learning_rate"] * ridge)))
    run = square_loss_dynamics(steps=steps, **options)
    stationary = square_loss_stationary(**options)
    relaxed = np.exp(-2.0 * options["learning_rate"] * ridge * steps) * 50.0 + 1e-9
    assert float(run.loss[-1]) == pytest.approx(stationary["loss"], rel=relaxed + 0.02)
    assert float(run.replica_distance[-1]) == pytest.approx(
        stationary["variance"], rel=relaxed + 0.02, abs=1e-12
    )


def test_stationary_noise_of_plain_sgd_is_the_formula_of_the_note():
    law, b, eta = marchenko_pastur(3.0), 0.4, 0.1
    stationary = square_loss_stationary(alpha=3.0, ridge=0.5, learning_rate=eta, batch_fraction=b)
    y = law.nodes + 0.5
    sigma2 = 2.0 * stationary["loss"] * (1.0 - b) / b
    variance = eta * sigma2 * law.average(law.nodes / (y * (2.0 - eta * y)))
    assert stationary["variance"] == pytest.approx(variance, rel=1e-12)
    assert stationary["susceptibility"] == pytest.approx(law.average(1.0 / y), rel=1e-12)
    run = square_loss_dynamics(steps=160, batch_fraction=b, **RIDGE)
    assert float(integral_temperature(run, 80)) == pytest.approx(stationary["temperature"], rel=1e-3)
    assert float(replica_temperature(run, 80)) == pytest.approx(stationary["temperature"], rel=1e-3)


@pytest.mark.parametrize(
    ("momentum", "nesterov", "b"), [(0.0, False, 1.0), (0.5, False, 1.0), (0.5, True, 1.0), (0.0, False, 0.2)]
)
def test_largest_stable_step_separates_decay_from_growth(momentum, nesterov, b):
    """Just below the bound the loss stays bounded, just above the same recursion grows (found by lifting the check)."""
    from thermobatch.mean_field.theory import square_loss

    bound = largest_stable_step(3.0, 0.5, b, momentum, nesterov)
    options = {
        "alpha": 3.0,
        "ridge": 0.5,
        "steps": 300,
        "batch_fraction": b,
        "momentum": momentum,
        "nesterov": nesterov,
    }
    below = square_loss_dynamics(learning_rate=0.98 * bound, **options).loss.values
    assert below[-1] <= 1.05 * below[150]
    with pytest.raises(ValueError, match=f"must be below {bound:.6g}"):
        square_loss_dynamics(learning_rate=bound, **options)
    unchecked = square_loss.check_stable_step
    try:
        square_loss.check_stable_step = lambda *_: None
        above = square_loss_dynamics(learning_rate=1.04 * bound, **options).loss.values
    finally:
        square_loss.check_stable_step = unchecked
    assert above[-1] > 3.0 * above[150]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Spectrum((1.0, -0.5), (0.5, 0.5)),
            r"eigenvalues = \(1.0, -0.5\): must be one or more numbers above 0",
        ),
        (lambda: Spectrum((0.0,), (1.0,)), "a covariance is positive"),
        (lambda: Spectrum((), ()), "eigenvalues"),
        (lambda: Spectrum((1.0, 2.0), (0.5, 0.6)), "must be 2 positive numbers of sum 1"),
        (lambda: Spectrum((1.0, 2.0), (1.0,)), "must be 2 positive numbers of sum 1"),
        (lambda: two_level_spectrum(2.0, 1.0), r"fraction = 1.0: must be in \(0, 1\)"),
        (lambda: two_level_spectrum(-2.0), "ratio = -2.0: must be a finite number > 0"),
        (lambda: power_law_spectrum(1.0, levels=0), "levels = 0: must be an integer >= 1"),
        (lambda: power_law_spectrum(1.0, smallest=0.0), "smallest = 0.0: must be a finite number > 0"),
        (lambda: marchenko_pastur(-1.0), "alpha = -1.0: must be a finite number > 0"),
        (lambda: Spectrum((1.0, 2.0), (0.99, 0.01)).counts(10), "d = 10: too small"),
        (
            lambda: square_loss_stationary(alpha=1.0, learning_rate=0.1, ridge=0.0, batch_fraction=0.5),
            "ridge = 0.0: must be positive for a stationary state",
        ),
    ],
)
def test_bad_arguments_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_spectra_have_the_stated_mean_and_counts():
    for spectrum in (
        two_level_spectrum(5.0, 0.2),
        power_law_spectrum(1.0),
        power_law_spectrum(1.5, levels=5),
    ):
        assert np.dot(spectrum.eigenvalues, spectrum.fractions) == pytest.approx(1.0)
        counts = spectrum.counts(997)
        assert counts.sum() == 997
        assert np.abs(counts - 997 * np.array(spectrum.fractions)).max() < 1.0
    assert power_law_spectrum(0.0, levels=3).eigenvalues == pytest.approx((1.0, 1.0, 1.0))
