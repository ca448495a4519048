"""Laws of growth: known laws are found, with and without censoring, and what the data cannot say is not said."""

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from scipy.stats import norm

from thermobatch.statistics import growth
from thermobatch.statistics.growth import compare_growth, fit_growth

SIZES = np.array([200, 400, 800, 1600, 3200])


def runs(random, median, sizes=SIZES, count=30, scatter=0.7, cap=np.inf):
    """Log-normal costs around median(N), stopped at the cap."""
    size = np.repeat(sizes, count)
    cost = median(size) * np.exp(scatter * random.standard_normal(size.size))
    return size, np.minimum(cost, cap), cost <= cap


def power(size):
    return 50.0 * (size / 200) ** 2.1


def exponential(size):
    return 300.0 * np.exp(0.0032 * size)


def stretched(size):
    return 40.0 * np.exp(0.25 * np.sqrt(size))


def test_likelihood_and_gradient_are_those_of_the_definition():
    size, cost, observed = runs(np.random.default_rng(1), power, cap=2000)
    checked = growth.checked_costs(size, cost, observed)
    for shape, free in ((None, [0.4]), (None, [1e-6]), (None, [-0.7]), (0.0, []), (1.0, [])):
        parameters = np.array([7.0, 1.5, -0.3, 0.2, *free])
        loss, gradient = growth._loss(parameters, checked, shape)
        numerical = approx_fprime(parameters, lambda p, s=shape: growth._loss(p, checked, s)[0], 1e-7)
        np.testing.assert_allclose(gradient, numerical, rtol=2e-5, atol=1e-6)
        s = free[0] if free else shape
        u = size / np.exp(np.log(SIZES).mean())
        x = np.log(u) if s == 0 else (u**s - 1) / s
        law = norm(7.0 + 1.5 * x, np.exp(-0.3 + 0.2 * np.log(u)))
        expected = np.where(observed, law.logpdf(np.log(cost)), law.logsf(np.log(cost)))
        assert loss == pytest.approx(-expected.mean(), rel=1e-6)
        halves = growth.checked_costs(size, cost, observed, cost / 2)
        loss, gradient = growth._loss(parameters, halves, shape)
        mass = law.cdf(np.log(cost)) - law.cdf(np.log(cost / 2))
        expected = np.where(observed, np.log(mass), law.logsf(np.log(cost)))
        assert loss == pytest.approx(-expected.mean(), rel=1e-6)
        numerical = approx_fprime(parameters, lambda p, s=shape, d=halves: growth._loss(p, d, s)[0], 1e-7)
        np.testing.assert_allclose(gradient, numerical, rtol=2e-5, atol=1e-6)


def staircase(size, need, attempts=8):
    """What is spent, whether it sufficed and what failed, in attempts that double until one is long enough."""
    tried = np.clip(np.ceil(np.log2(need / (16 * size) + 1)), 1, None)
    observed = tried <= attempts
    tried = np.minimum(tried, attempts)
    return 16 * size * (2**tried - 1), observed, 16 * size * (2 ** (tried - 1) - 1)


def test_staircases_are_intervals_and_not_costs():
    """Of costs known up to a doubling the law is found from their intervals; taken as exact the shape is wrong."""
    size, need, _ = runs(np.random.default_rng(7), stretched, count=1000)
    stairs = staircase(size, need)
    assert 0.02 < np.mean(~stairs[1]) < 0.3
    found = fit_growth(size, *stairs)
    assert found.shape == pytest.approx(0.5, abs=0.1) and found.scatter == pytest.approx(0.7, abs=0.1)
    assert abs(fit_growth(size, *stairs[:2]).shape - 0.5) > 0.1


def test_far_tails_keep_their_probability():
    low, high = np.array([-30.0, 8.0, 30.0, -np.inf, 2.0]), np.array([-29.0, 9.0, 31.0, 0.0, np.inf])
    expected = [norm.logcdf(-29), norm.logsf(8), norm.logsf(30), np.log(0.5), norm.logsf(2)]
    np.testing.assert_allclose(growth.log_mass(low, high), expected, rtol=1e-3)


@pytest.mark.parametrize("cap", [np.inf, 1e5])
@pytest.mark.parametrize(("law", "shape"), [(power, 0.0), (exponential, 1.0), (stretched, 0.5)])
def test_known_laws_are_found(law, shape, cap):
    """Large samples: parameters within about four standard errors of the truth, censored or not."""
    size, cost, observed = runs(np.random.default_rng(3), law, count=2000, cap=cap)
    assert observed.all() == (cap == np.inf)
    found = fit_growth(size, cost, observed)
    assert found.shape == pytest.approx(shape, abs=0.1)
    assert found.scatter == pytest.approx(0.7, abs=0.03)
    assert found.scatter_exponent == pytest.approx(0, abs=0.03)
    reached = SIZES[law(SIZES) < cap]
    np.testing.assert_allclose(found.median(reached), law(reached), rtol=0.08)
    fixed = fit_growth(size, cost, observed, shape=shape)
    assert fixed.aic < found.aic + 6 and fixed.log_likelihood <= found.log_likelihood + 1e-6
    if law is power:
        assert fixed.rate == pytest.approx(2.1, abs=0.03)
    if law is exponential:
        assert fixed.rate / fixed.reference == pytest.approx(0.0032, rel=0.02)


@pytest.mark.parametrize(
    ("law", "sign", "inside", "outside"),
    [(power, -1, 0.0, 1.0), (exponential, 1, 1.0, 0.0), (stretched, 0, 0.5, 0.0)],
)
def test_comparison_of_laws(law, sign, inside, outside):
    size, cost, observed = runs(np.random.default_rng(3), law, cap=3e5)
    found = compare_growth(size, cost, observed, seed=1, resamples=100)
    assert found.difference.estimate == pytest.approx(found.power.aic - found.exponential.aic)
    assert found.difference.lower < found.difference.estimate < found.difference.upper
    if sign:
        assert sign * found.difference.lower > 2 and sign * found.difference.upper > 2
    assert found.shape.lower < inside < found.shape.upper
    assert not found.shape.lower < outside < found.shape.upper
    assert found.censored == pytest.approx(np.mean(~observed))
    again = compare_growth(size, cost, observed, seed=1, resamples=100)
    assert again == found


def test_censored_runs_are_neither_arrivals_nor_missing():
    """Capped exponential costs: taken as arrivals, or left out, they look like a power law; they are none."""
    size, cost, observed = runs(np.random.default_rng(4), exponential, count=100, cap=2e4)
    assert 0.3 < np.mean(~observed) < 0.5 and not observed[size == 3200].any()

    def difference(*data):
        return fit_growth(*data, shape=0.0).aic - fit_growth(*data, shape=1.0).aic

    assert difference(size, cost, observed) > 10
    assert difference(size, cost, np.ones_like(observed)) < -10
    assert difference(size[observed], cost[observed], observed[observed]) < -10
    fitted = fit_growth(size, cost, observed, shape=1.0)
    assert fitted.median([3200]) == pytest.approx(exponential(3200), rel=0.4)


@pytest.mark.slow
def test_a_short_range_decides_nothing():
    """A power law seen over a factor 1.5 of sizes, with much scatter: neither law may be called."""
    for seed in range(3):
        random = np.random.default_rng(seed)
        sizes = np.array([200, 250, 300])
        size, cost, observed = runs(random, power, sizes=sizes, count=12, scatter=1.0)
        found = compare_growth(size, cost, observed, seed=1, resamples=100)
        assert found.difference.lower < 2 and found.difference.upper > -2
        assert found.shape.lower < 0 and found.shape.upper > 1


def test_false_calls_are_rare():
    """With 30 runs a size the criterion prefers the wrong law less than once in 100 samples of either law."""
    random = np.random.default_rng(5)
    for law, sign in ((power, -1), (exponential, 1)):
        for _ in range(100):
            data = runs(random, law, cap=3e5)
            assert sign * (fit_growth(*data, shape=0.0).aic - fit_growth(*data, shape=1.0).aic) > 0


@pytest.mark.slow
def test_intervals_of_the_shape_cover():
    """Percentile intervals of 90% cover at least 80% of the time (30 samples; false alarm below 1e-3)."""
    random = np.random.default_rng(6)
    hits = 0
    for seed in range(30):
        found = compare_growth(*runs(random, stretched, cap=3e5), seed=seed, resamples=100, confidence=0.9)
        hits += found.shape.lower <= 0.5 <= found.shape.upper
    assert hits >= 21


@pytest.mark.parametrize(
    ("sizes", "costs", "observed", "words"),
    [
        ([1, 2], [1, 2], [True, True], "runs arrived at 2 of them; at least 3"),
        ([1, 2, 3], [1, 2, 3], [True, True, False], "runs arrived at 2 of them"),
        ([1, 2, 3], [1, 2], [True, True], "sizes of shape"),
        ([1, 2, 3], [1, 2, 3], [True, True], "one of each per run"),
        ([0, 2, 3], [1, 2, 3], [True] * 3, "sizes = 0.0: must be finite and > 0"),
        ([1, 2, 3], [0, 2, 3], [True] * 3, "costs = 0.0: must be > 0"),
        ([1, 2, 3], [np.inf, 2, 3], [True] * 3, "times = inf"),
    ],
)
def test_bad_data_is_named(sizes, costs, observed, words):
    with pytest.raises(ValueError, match=words):
        fit_growth(sizes, costs, observed)


def test_bad_failures_are_named():
    for failed in ([1, 1], [1, 1, 3], [-1, 1, 1]):
        with pytest.raises(ValueError, match="failed: must be one number per run"):
            fit_growth([1, 2, 3], [1, 2, 3], [True] * 3, failed)


def test_few_runs_cannot_be_resampled():
    size, cost, observed = runs(np.random.default_rng(1), power, count=4)
    with pytest.raises(ValueError, match="4 runs of one size; at least 5"):
        compare_growth(size, cost, observed, seed=1)


def test_exponents_alone_are_those_of_the_comparison_in_law():
    """Medians and spreads of 400 bootstrap samples of either: equal to 6 standard errors of each."""
    random = np.random.default_rng(3)
    sizes = np.repeat([100.0, 200.0, 400.0, 800.0], 12)
    costs = 3.0 * sizes**2 * np.exp(0.4 * random.standard_normal(sizes.size))
    observed = costs < 1.5e6
    runs = (sizes, np.minimum(costs, 1.5e6), observed, 0.5 * np.minimum(costs, 1.5e6))
    alone = growth.exponent_draws(*runs, seed=1, resamples=400)
    together = growth.compare_growth(*runs, seed=2, resamples=400).draws[:, 2]
    error = together.std() / np.sqrt(400)
    assert abs(alone.mean() - together.mean()) < 6 * np.sqrt(2) * error
    assert alone.std() == pytest.approx(together.std(), rel=6 / np.sqrt(400))
    assert np.array_equal(alone, growth.exponent_draws(*runs, seed=1, resamples=400))
    with pytest.raises(ValueError, match="at least 5 are needed"):
        growth.exponent_draws(*(each[::4] for each in runs), seed=1)
