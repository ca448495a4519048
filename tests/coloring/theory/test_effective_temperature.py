import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive.coloring import theory as naive

from thermobatch.coloring.theory.effective_temperature import (
    _RESIDUALS,
    METHODS,
    _Model,
    batch_fraction_for_temperature,
    effective_temperature,
    half_edge_acceptance,
    matched_temperature,
    matched_temperature_error,
)
from thermobatch.coloring.theory.equilibrium import paramagnetic_energy

# Science note, q = 5, c = 19: B, matched temperature, its standard error, drift, fit, d = 1.
MEASURED = np.array(
    [
        [0.2, 5.123, 0.002, 5.125, 5.128, 5.180],
        [0.4, 2.577, 0.001, 2.578, 2.581, 2.684],
        [0.5, 1.9827, 0.0004, 1.986, 1.990, 2.106],
        [0.6, 1.5374, 0.0005, 1.542, 1.547, 1.667],
        [0.7, 1.1710, 0.0005, 1.179, 1.184, 1.296],
        [0.8, 0.8512, 0.0003, 0.858, 0.863, 0.949],
        [0.85, 0.6994, 0.0003, 0.704, 0.709, 0.772],
    ]
)


@pytest.mark.parametrize("batch_fraction", [0.1, 0.5, 0.85, 1.0])
def test_acceptance_against_all_flags(batch_fraction):
    table = half_edge_acceptance(batch_fraction, 5)
    for n_old in range(6):
        for n_new in range(6):
            expected = naive.half_edge_acceptance(batch_fraction, n_old, n_new)
            assert table[n_old, n_new] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("batch_fraction", [1e-3, 0.37, 0.95])
def test_acceptance_of_large_counts(batch_fraction):
    table = half_edge_acceptance(batch_fraction, 60)
    for n_old, n_new in [(60, 60), (0, 60), (60, 0), (17, 41), (41, 17)]:
        expected = naive.acceptance_from_binomials(batch_fraction, n_old, n_new)
        assert table[n_old, n_new] == pytest.approx(expected, rel=1e-12)


def test_acceptance_has_its_limits_and_order():
    table = half_edge_acceptance(0.8, 12)
    np.testing.assert_allclose(table[0], 0.2 ** np.arange(13), rtol=1e-13)
    np.testing.assert_allclose(table[:, 0], 1.0, rtol=1e-14)
    assert np.all(np.diff(table, axis=0) >= -1e-15) and np.all(np.diff(table, axis=1) <= 1e-15)
    counts = np.arange(13)
    np.testing.assert_array_equal(half_edge_acceptance(1.0, 12), counts[None, :] <= counts[:, None])


@pytest.mark.parametrize(
    ("method", "column"), [("drift", 3), ("detailed_balance", 4), ("detailed_balance_1", 5)]
)
def test_published_temperatures(method, column):
    temperatures = effective_temperature(MEASURED[:, 0], mean_degree=19.0, q=5, method=method)
    np.testing.assert_allclose(temperatures, MEASURED[:, column], atol=6e-4)


def test_published_temperatures_at_another_mean_degree():
    temperatures = effective_temperature(np.array([0.2, 0.6, 0.8]), mean_degree=15.0)
    np.testing.assert_allclose(temperatures, [4.923, 1.424, 0.791], atol=6e-4)


def test_drift_lies_within_one_percent_of_the_matched_temperatures():
    temperatures = effective_temperature(MEASURED[:, 0], mean_degree=19.0)
    assert np.all(np.abs(temperatures / MEASURED[:, 1] - 1) < 0.01)


@pytest.mark.parametrize(("batch_fraction", "c", "q"), [(0.7, 19.0, 5), (0.3, 6.0, 3), (0.95, 4.0, 2)])
def test_definitions_against_naive_sums(batch_fraction, c, q):
    model = {"mean_degree": c, "q": q}
    drift = effective_temperature(batch_fraction, **model, method="drift")
    below, above = (naive.drift(batch_fraction, factor * drift, c, q) for factor in (1 - 1e-6, 1 + 1e-6))
    assert below > 0 > above
    for method, largest in (("detailed_balance_1", 1), ("detailed_balance", 8)):
        temperature = effective_temperature(batch_fraction, **model, method=method)
        read = naive.balance_temperature(batch_fraction, temperature, c, q, largest)
        assert read == pytest.approx(temperature, rel=1e-8)


@pytest.mark.parametrize("method", METHODS)
def test_full_batch_is_zero_temperature_and_large_batches_tend_to_the_limit(method):
    assert effective_temperature(1.0, mean_degree=19.0, method=method) == 0.0
    fractions = 1 - np.array([1e-4, 1e-6, 1e-8])
    ratio = effective_temperature(fractions, mean_degree=19.0, method=method) * -np.log1p(-fractions)
    np.testing.assert_allclose(ratio, 1.0, atol=2e-3)


@pytest.mark.parametrize("method", METHODS)
def test_temperature_falls_with_the_batch(method):
    temperatures = effective_temperature(np.linspace(0.01, 1.0, 60), mean_degree=15.0, method=method)
    assert np.all(np.diff(temperatures) < 0)


@pytest.mark.parametrize("method", METHODS[:3])
@pytest.mark.parametrize(("c", "q"), [(19.0, 5), (15.0, 5), (19.0, 2), (4.0, 3)])
def test_the_temperature_is_unique(method, c, q):
    """One sign change of every condition over four decades of T."""
    model = _Model(c, q, "paramagnet", 0)
    for batch_fraction in (0.2, 0.6, 0.9, 0.99):
        acceptance = half_edge_acceptance(batch_fraction, model.max_count)
        signs = [
            _RESIDUALS[method](model.law(1 / t), acceptance, 1 / t) > 0 for t in np.geomspace(0.05, 500, 200)
        ]
        assert np.count_nonzero(np.diff(signs)) == 1


@settings(max_examples=60, deadline=None)
@given(
    batch_fraction=st.floats(1e-4, 1 - 1e-4),
    c=st.floats(0.5, 40.0),
    q=st.integers(2, 12),
    method=st.sampled_from(METHODS),
)
def test_batch_fraction_and_temperature_round_trip(batch_fraction, c, q, method):
    model = {"mean_degree": c, "q": q, "method": method}
    temperature = effective_temperature(batch_fraction, **model)
    assert batch_fraction_for_temperature(temperature, **model) == pytest.approx(batch_fraction, rel=1e-8)


def test_round_trip_at_the_ends():
    assert batch_fraction_for_temperature(0.0, mean_degree=19.0) == 1.0
    assert batch_fraction_for_temperature(0.01, mean_degree=19.0) == 1.0  # 1 - B below the double precision
    with pytest.raises(ValueError, match="temperature = inf: must be finite"):
        batch_fraction_for_temperature(np.array([1.0, np.inf]), mean_degree=19.0)


def test_arrays_keep_their_shape():
    fractions = np.array([[0.2, 0.4], [0.6, 1.0]])
    temperatures = effective_temperature(fractions, mean_degree=19.0)
    assert temperatures.shape == (2, 2) and temperatures[1, 1] == 0.0
    assert temperatures[0, 1] == effective_temperature(0.4, mean_degree=19.0)
    assert isinstance(effective_temperature(0.4, mean_degree=19.0), float)


def test_planted_state_is_colder_than_the_paramagnet():
    """Science note: at c = 19 and B = .90, T = .451 inside the planted state and .548 outside."""
    planted = effective_temperature(0.9, mean_degree=19.0, phase="planted")
    assert planted == pytest.approx(0.451, abs=0.003)
    assert effective_temperature(0.9, mean_degree=19.0) == pytest.approx(0.548, abs=6e-4)
    assert effective_temperature(0.9, mean_degree=19.0, phase="planted", seed=5) == pytest.approx(
        planted, abs=0.004
    )
    inverse = batch_fraction_for_temperature(planted, mean_degree=19.0, phase="planted")
    assert inverse == pytest.approx(0.9, rel=1e-6)


def test_melted_planted_state_is_refused():
    with pytest.raises(
        ValueError, match="phase = 'planted': the planted state of q = 5 colours at mean degree 19"
    ):
        effective_temperature(0.5, mean_degree=19.0, phase="planted")
    with pytest.raises(ValueError, match="melts below T = 1"):
        batch_fraction_for_temperature(1.0, mean_degree=19.0, phase="planted")


def test_matched_temperature_and_its_error():
    energy = paramagnetic_energy(0.8, mean_degree=19.0)
    assert matched_temperature(energy, mean_degree=19.0) == pytest.approx(0.8)
    error = matched_temperature_error(energy, 1e-4, mean_degree=19.0)
    step = matched_temperature(energy + 1e-4, mean_degree=19.0) - 0.8
    assert error == pytest.approx(step, rel=1e-3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: effective_temperature(1.2, mean_degree=19.0), r"batch_fraction = 1\.2: must be in \(0, 1\]"),
        (lambda: effective_temperature([0.5, 0.0], mean_degree=19.0), r"batch_fraction = 0\.0"),
        (lambda: effective_temperature(np.nan, mean_degree=19.0), "batch_fraction = nan"),
        (lambda: effective_temperature(0.5, mean_degree=-1.0), r"mean_degree = -1\.0"),
        (lambda: effective_temperature(0.5, mean_degree=19.0, q=1), "q = 1"),
        (
            lambda: effective_temperature(0.5, mean_degree=19.0, method="drfit"),
            "method = 'drfit': must be one of",
        ),
        (lambda: effective_temperature(0.5, mean_degree=19.0, phase="glass"), "phase = 'glass'"),
        (lambda: half_edge_acceptance(0.5, -1), "max_count = -1"),
        (lambda: half_edge_acceptance(0.5, 2.0), r"max_count = 2\.0"),
        (lambda: matched_temperature(3.0, mean_degree=19.0), "energy = 3"),
        (lambda: matched_temperature_error(1.0, -1.0, mean_degree=19.0), r"energy_error = -1\.0"),
        (lambda: batch_fraction_for_temperature(-1.0, mean_degree=19.0), r"temperature = -1\.0"),
    ],
)
def test_bad_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()
