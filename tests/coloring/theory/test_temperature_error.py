"""T(B) carries its measured error beyond the range in which it is tested."""

import numpy as np
import pytest

import thermobatch as tb
from thermobatch.coloring.theory.temperature_error import DEGREES, ERRORS, FRACTIONS, relative_error


def test_the_error_is_one_per_cent_where_tested_and_grows_beyond():
    at = relative_error([0.2, 0.5, 0.875, 0.92, 0.94, 0.95, 0.96], mean_degree=19)
    np.testing.assert_allclose(at, [0.01, 0.01, 0.01, 0.022, 0.034, 0.046, 0.058])
    np.testing.assert_allclose(relative_error(0.96, mean_degree=17), 0.5 * (0.019 + 0.058))
    assert np.all(np.diff(ERRORS, axis=1) >= 0) and np.all(np.diff(ERRORS, axis=0) >= 0)
    assert np.shape(ERRORS) == (len(DEGREES), len(FRACTIONS))


@pytest.mark.parametrize(
    ("batch", "degree", "q"), [(0.1, 19, 5), (0.97, 19, 5), (0.8, 14, 5), (0.8, 23, 5), (0.8, 19, 4)]
)
def test_nothing_is_said_where_nothing_was_measured(batch, degree, q):
    assert np.isnan(relative_error(batch, mean_degree=degree, q=q))


def test_effective_temperature_with_its_error():
    plain = tb.effective_temperature(0.94, mean_degree=19)
    found = tb.effective_temperature(0.94, mean_degree=19, with_error=True)
    assert found.temperature == plain and found.error == pytest.approx(0.034 * plain)
    many = tb.effective_temperature([[0.5], [0.99]], mean_degree=19, with_error=True)
    assert many.error.shape == (2, 1) and np.isfinite(many.error[0, 0]) and np.isnan(many.error[1, 0])
    assert np.isnan(tb.effective_temperature(0.8, mean_degree=19, method="limit", with_error=True).error)
