"""One point, one interval: the worst of several points, and the bounds that decide."""

import numpy as np
import pytest

from thermobatch.statistics.equivalence import curve_difference, curve_equivalence
from thermobatch.statistics.extremes import largest_mean
from thermobatch.statistics.intervals import mean_interval
from thermobatch.statistics.worst import worst_point


def test_the_interval_is_of_the_worst_point_and_the_bounds_may_be_of_another():
    estimate, half, safe = np.array([0.10, 0.05]), np.array([0.01, 0.08]), np.array([0.02, 0.12])
    intervals = {"simultaneous": (estimate - safe, estimate + safe)}
    found = worst_point(estimate, estimate - half, estimate + half, 0.12, **intervals)
    assert (found.index, found.points, found.estimate) == (0, 2, 0.10)
    assert (found.lower, found.upper) == pytest.approx((0.09, 0.11)) and found.verdict == "inconclusive"
    assert found.bounds == pytest.approx((0.08, 0.13)), "the upper bound is the noisy point's"
    assert found.words == "interval of that point; simultaneous bounds over 2 points: 0.08 to 0.13"
    for margin, said in ((0.14, "reproduced"), (0.07, "not_reproduced")):
        verdict = worst_point(estimate, estimate - half, estimate + half, margin, **intervals).verdict
        assert verdict == said
        mirrored = worst_point(
            -estimate,
            -estimate - half,
            -estimate + half,
            -margin,
            simultaneous=(-estimate - safe, -estimate + safe),
            smallest=True,
        )
        assert mirrored.verdict == said and mirrored.index == 0


def test_bad_points():
    with pytest.raises(ValueError, match="2 points: their simultaneous intervals are needed"):
        worst_point([1, 2], [0, 1], [2, 3], 1.0)
    with pytest.raises(ValueError, match="one of each per point"):
        worst_point([1], [0, 1], [2], 1.0)
    with pytest.raises(ValueError, match="NaN"):
        worst_point([1], [np.nan], [2], 1.0)
    assert worst_point(1.0, 0.5, 1.5, 2.0).verdict == "reproduced"


@pytest.mark.parametrize("test", [curve_equivalence, curve_difference, largest_mean])
def test_largest_differences_print_the_interval_of_their_point(test):
    random = np.random.default_rng(1)
    values = random.normal([0.1, 0.5, 0.4], [0.01, 0.02, 0.3], (6, 3))
    options = {} if test is largest_mean else {"seed": 1}
    found = test(values, 0.6, **options)
    point = int(np.argmax(values.mean(axis=0)))
    own = mean_interval(values[:, point], confidence=0.9)
    assert found.point == point
    assert (found.lower, found.upper) == pytest.approx((own.lower, own.upper))
    assert found.bounds[0] <= found.lower and found.bounds[1] >= found.upper
    assert (
        f"simultaneous bounds over 3 points: {found.bounds[0]:.3g} to {found.bounds[1]:.3g}" in found.method
    )
