"""Simulations against exact laws, with fixed seeds: each test would fail a correct program with probability < 1e-6.

Errors come from the spread between independent runs (Student's t), corrected for the number of comparisons.
"""

import numpy as np
import pytest
from langevin_laws import FALSE_ALARM, differs, shares
from naive.langevin import landscapes as naive
from scipy import stats

from thermobatch.foundation.schedules import GrowingBatch, Logarithmic
from thermobatch.langevin.dynamics.langevin import gradient_descent, langevin, stochastic_gradient_descent
from thermobatch.langevin.landscapes import double_well, gaussian_regression, quadratic, rugged
from thermobatch.langevin.theory.boltzmann import boltzmann_law, box_probability, discrete_langevin_law
from thermobatch.langevin.theory.sgd_stationary import additive_covariance, sgd_covariance, sgd_temperature
from thermobatch.statistics.total_variation import total_variation

WELL = double_well()
BOWL = rugged()
EDGES = np.linspace(-2.4, 2.4, 49)


@pytest.mark.parametrize(("rate", "heat"), [(0.1, 0.1), (0.5, 0.06), (0.3, 0.08)])
def test_langevin_has_the_discrete_law_and_not_quite_boltzmann(rate, heat):
    """Detects 2% errors of the histogram's main cells."""
    found = langevin(WELL, heat, 40_000, 1, learning_rate=rate, runs=32, burn_in=2000, edges=EDGES)
    assert not differs(*shares(found, discrete_langevin_law(WELL.gradient, heat, rate, EDGES)))
    if rate > 0.1:
        assert differs(*shares(found, boltzmann_law(WELL.energy, heat, EDGES)))


@pytest.mark.parametrize("move", ["langevin", "sgd"])
def test_small_steps_give_boltzmann_and_large_steps_do_not(move):
    """At fixed T the total variation grows with eta, for thermal noise and for additive mini-batch noise."""
    heat = 0.08
    law = boltzmann_law(WELL.energy, heat, EDGES)
    found = {}
    for rate in (0.01, 0.4):
        options = {"learning_rate": rate, "runs": 16, "burn_in": 5000, "edges": EDGES}
        if move == "langevin":
            runs = langevin(WELL, heat, 150_000, 5, **options)
        else:
            made = WELL.with_samples(500, variance=2 * 8 * heat / rate, seed=1)
            assert sgd_temperature(rate, made.gradient_noise([0.0]).item(), 8) == pytest.approx(heat)
            runs = stochastic_gradient_descent(made, 8, 150_000, 5, **options)
        found[rate] = total_variation(
            runs.histogram, law.probability, outside=runs.outside, confidence=1 - FALSE_ALARM
        )
        exact = discrete_langevin_law(WELL.gradient, heat, rate, EDGES)
        distance = 0.5 * np.abs(exact.probability - law.probability).sum()
        assert found[rate].lower <= distance + 1e-3 <= found[rate].upper + 2e-3
    assert found[0.01].plug_in < 0.02
    assert found[0.4].plug_in > 0.04
    assert found[0.4].cross_fitted > 0.03


@pytest.mark.parametrize("replacement", [True, False])
@pytest.mark.parametrize(("rate", "batch"), [(0.05, 10), (0.2, 10), (0.2, 2)])
def test_sgd_on_a_regression_has_the_exact_covariance(rate, batch, replacement):
    """Detects errors of 2% in V; noise that does not depend on the position is 30% off at eta = .2, B = 2."""
    made = gaussian_regression(samples=200, seed=1)
    sampling = "with_replacement" if replacement else "without_replacement"
    found = stochastic_gradient_descent(
        made, batch, 20_000, 3, sampling=sampling, learning_rate=rate, runs=40, burn_in=500, moments=True
    )
    theory = sgd_covariance(*made.samples, rate, batch, replacement=replacement)
    kept = np.tril_indices(3)
    measured = found.second_moment.values[:, *kept]
    assert not differs(measured, theory.exact.values[kept])
    assert not differs(found["mean"].values, made.minimum)
    assert differs(measured, theory.langevin.values[kept])
    if (rate, batch) == (0.2, 2):
        assert differs(measured, theory.additive.values[kept])


def test_additive_noise_is_boltzmann_and_natural_noise_is_isotropic():
    """The same Hessian, eta and B: var = T / h with additive noise, nearly eta sigma^2 / 2B for all h without."""
    rate, batch = 0.05, 10
    natural = gaussian_regression(samples=1000, seed=2)
    levels, modes = np.linalg.eigh(natural.potential.hessian)
    additive = quadratic(np.diag(levels)).with_samples(1000, variance=1.0, seed=3)
    options = {"learning_rate": rate, "runs": 32, "burn_in": 1000, "moments": True}
    found = stochastic_gradient_descent(additive, batch, 20_000, 1, **options).second_moment.values
    exact = additive_covariance(np.diag(levels), np.eye(3) / batch, rate)
    assert not differs(found, exact)
    boltzmann = sgd_temperature(rate, 1.0, batch) / levels
    assert np.diag(exact) == pytest.approx(boltzmann, rel=0.07)
    found = stochastic_gradient_descent(natural, batch, 20_000, 1, **options).second_moment.values.mean(
        axis=0
    )
    spread = np.diag(modes.T @ found @ modes)
    assert spread.max() / spread.min() < 1.25 < levels.max() / levels.min() / 7
    assert spread == pytest.approx(rate / batch / (2 - rate * levels), rel=0.2)


def test_first_hitting_time_is_that_of_diffusion():
    """Mean time from the upper minimum to the barrier's top; detects 12%.

    Watching at discrete times moves the target back by 0.5826 kicks (Broadie, Glasserman & Kou 1997).
    """
    heat, rate = 0.1, 0.008
    top = WELL.basin[1][0]
    start = float(np.max(np.roots([0.4, 0.0, -0.4, 0.04]).real))
    found = langevin(WELL, heat, 40_000, 3, learning_rate=rate, runs=1500, start=[start], record=[0])
    assert np.isfinite(found.first_hit).all()
    seen = top - 0.5826 * np.sqrt(2 * rate * heat)
    expected = naive.mean_first_passage(lambda x: naive.double_well(0.1, 0.04, x), heat, start, seen, 2.5)
    times = found.first_hit.values * rate
    error = times.std(ddof=1) / np.sqrt(len(times))
    assert abs(times.mean() - expected) < stats.norm.isf(FALSE_ALARM / 2) * error
    assert error < 0.03 * expected


def test_presence_in_the_basin_tends_to_boltzmann():
    """P(global basin) of the rugged landscape at T = .2 is .465; detects .06."""
    found = langevin(BOWL, 0.2, 6000, 8, learning_rate=0.02, runs=1500, record=[0, 6000])
    expected = box_probability(BOWL.energy, 0.2, BOWL.basin, [np.linspace(-7, 7, 57)] * 2)
    assert stats.binomtest(int(found.in_basin[-1].sum()), 1500, expected).pvalue > FALSE_ALARM
    start = (2 * BOWL.basin[1][0] / 12) ** 2
    assert stats.binomtest(int(found.in_basin[0].sum()), 1500, start).pvalue > FALSE_ALARM


SAMPLED = BOWL.with_samples(1000, variance=80.0, seed=1)
ANNEALING = {
    "gradient descent": (0.04, lambda **options: gradient_descent(BOWL, **options)),
    "T = .05": (0.06, lambda **options: langevin(BOWL, 0.05, **options)),
    "T = .1": (0.48, lambda **options: langevin(BOWL, 0.1, **options)),
    "T = .2": (0.47, lambda **options: langevin(BOWL, 0.2, **options)),
    "1 / log n": (0.71, lambda **options: langevin(BOWL, Logarithmic(1.0), **options)),
    ".5 / log n": (0.10, lambda **options: langevin(BOWL, Logarithmic(0.5), **options)),
    "B = 8": (0.42, lambda **options: stochastic_gradient_descent(SAMPLED, 8, **options)),
    ".8 log n": (0.63, lambda **options: stochastic_gradient_descent(SAMPLED, GrowingBatch(0.8), **options)),
}


@pytest.mark.parametrize("name", ANNEALING)
def test_annealing_table_of_the_science_note(name):
    """P(global basin) after 1e4 steps, eta = .02, as measured independently with 200 runs; detects .25."""
    known, move = ANNEALING[name]
    found = move(steps=10_000, seed=6, learning_rate=0.02, runs=200, record=[10_000])
    hits = round(200 * known), int(found.in_basin[-1].sum())
    assert stats.fisher_exact([hits, [200 - hit for hit in hits]]).pvalue > FALSE_ALARM
    assert hits[1] <= found.first_hit.notnull().sum()
