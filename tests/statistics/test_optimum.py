import numpy as np
import pytest
from naive import statistics as naive

from thermobatch.statistics.optimum import fastest

Z = 4.9  # false-alarm rate 1e-6
TEMPERATURES = np.array([0.56, 0.60, 0.64, 0.68, 0.72])


def scan(random, x, best, runs, cap, curvature=120.0, shortest=1000.0):
    """Exponential arrivals whose median is shortest * exp(curvature (x - best)^2), censored at the cap."""
    times = [random.exponential(shortest * np.exp(curvature * (p - best) ** 2) / np.log(2), runs) for p in x]
    return [np.minimum(t, cap) for t in times], [t <= cap for t in times]


def test_location_is_the_parabolas():
    random = np.random.default_rng(1)
    times, observed = scan(random, TEMPERATURES, 0.64, 200, np.inf)
    found = fastest(TEMPERATURES, times, observed, seed=1)
    middle = [naive.median(t, o) for t, o in zip(times, observed, strict=True)]
    assert found.location == pytest.approx(naive.parabola_minimum(TEMPERATURES, np.log(middle)), rel=1e-9)
    np.testing.assert_array_equal(found.medians, middle)
    assert found.lower < found.location < found.upper and not found.at_border
    assert found.median == pytest.approx(1000, rel=0.2)
    order = [3, 0, 4, 1, 2]
    shuffled = fastest(TEMPERATURES[order], [times[k] for k in order], [observed[k] for k in order], seed=1)
    assert shuffled.location == pytest.approx(found.location) and shuffled.points == found.points


@pytest.mark.slow
@pytest.mark.parametrize("cap", [1e9, 2500.0])
def test_interval_covers(cap):
    random = np.random.default_rng(2)
    repetitions = 300
    hits = 0
    for k in range(repetitions):
        found = fastest(TEMPERATURES, *scan(random, TEMPERATURES, 0.65, 60, cap), seed=k, resamples=300)
        hits += found.lower <= 0.65 <= found.upper
    # The median's bootstrap is a little conservative at 60 runs.
    assert abs(hits / repetitions - 0.95) < Z * np.sqrt(0.95 * 0.05 / repetitions) + 0.03


def test_minimum_outside_the_scan_is_flagged():
    random = np.random.default_rng(3)
    found = fastest(TEMPERATURES, *scan(random, TEMPERATURES, 0.45, 100, 1e9, curvature=30.0), seed=1)
    assert found.at_border and found.location == 0.56 and found.border_fraction > 0.5
    assert found.lower == 0.56


def test_concave_scan_is_flagged():
    random = np.random.default_rng(4)
    found = fastest(TEMPERATURES, *scan(random, TEMPERATURES, 0.63, 400, 1e9, curvature=-80.0), seed=1)
    assert found.at_border and found.location in (0.56, 0.72)


def test_censored_points_stay_out_of_the_fit():
    random = np.random.default_rng(5)
    x = np.append(TEMPERATURES, [0.3, 0.9])
    times, observed = scan(random, x, 0.64, 80, 3000.0)
    found = fastest(x, times, observed, seed=1)
    assert found.points == tuple(TEMPERATURES)
    assert np.isinf(found.medians[-2:]).all() and abs(found.location - 0.64) < 0.03


def test_seeds_decide():
    times, observed = scan(np.random.default_rng(6), TEMPERATURES, 0.64, 20, 4000.0)
    first, again, other = (fastest(TEMPERATURES, times, observed, seed=s) for s in (1, 1, 2))
    assert (first.lower, first.upper) == (again.lower, again.upper) != (other.lower, other.upper)
    assert first.location == other.location


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": TEMPERATURES[:4]}, "points differ"),
        ({"x": [0.5, 0.5, 0.6, 0.7, 0.8]}, "finite and distinct"),
        ({"observed": [np.zeros(8, bool)] * 5}, "0 points have a finite median"),
        ({"times": [np.ones(4)] * 5, "observed": [np.ones(4, bool)] * 5}, "4 runs; at least 5"),
        ({"times": [np.zeros(8)] * 5}, "median of zero"),
        ({"within": 1.0}, "within = 1.0"),
        ({"confidence": 0.0}, "confidence = 0.0"),
    ],
)
def test_bad_arguments(change, message):
    good = {"x": TEMPERATURES, "times": [np.arange(1.0, 9.0)] * 5, "observed": [np.ones(8, bool)] * 5}
    with pytest.raises(ValueError, match=message):
        fastest(seed=1, **{**good, **change})
