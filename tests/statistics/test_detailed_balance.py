"""Statistics of detailed balance on synthetic counts with known answers."""

import numpy as np
import pytest
from naive import detailed_balance as naive

from thermobatch.coloring.theory.equilibrium import neighbour_count_law
from thermobatch.statistics.detailed_balance import (
    acceptance_by_change,
    acceptance_ratios,
    balance_temperature,
    balanced_asymmetry,
    entropy_production_bound,
    flow_asymmetry,
    split_asymmetry,
)

Z = 4.9  # false-alarm rate 1e-6


def counts(seed, size=10, mean=30.0):
    """Moves and proposals without any symmetry."""
    random = np.random.default_rng(seed)
    proposals = random.poisson(mean, (size, size)) + 1
    return random.binomial(proposals, random.uniform(0.2, 0.9, (size, size))) + 0, proposals


def balanced_rates(temperature, size=14):
    """F(a, b) of Metropolis in the paramagnet: exact detailed balance."""
    law = neighbour_count_law(temperature, mean_degree=8.0, max_count=size).probability
    a, b = np.indices(law.shape)
    return law * np.minimum(1.0, np.exp(-(b - a) / temperature)), law


def biased_rates(excess, size=4):
    """Flows (1 + excess) : (1 - excess) between all pairs; every pair counts twice: the asymmetry is 2 excess."""
    rates = np.full((size, size), 1.0)
    upper = np.triu_indices(size, 1)
    rates[upper] *= 1 + excess
    rates.T[upper] *= 1 - excess
    np.fill_diagonal(rates, 0.0)
    return rates / rates.sum()


def test_the_naive_twins_agree():
    flows, proposals = counts(1)
    other, _ = counts(2)
    assert flow_asymmetry(flows) == pytest.approx(naive.asymmetry(flows), rel=1e-12)
    assert balanced_asymmetry(flows) == pytest.approx(naive.balanced_asymmetry(flows), rel=1e-10)
    assert split_asymmetry(flows, other) == pytest.approx(naive.split_asymmetry(flows, other), rel=1e-12)
    assert entropy_production_bound(flows) == pytest.approx(naive.bound(flows), rel=1e-12)
    for change in (-9, -2, 0, 1, 8):
        expected = naive.acceptance(flows, proposals, change)
        assert acceptance_by_change(flows, proposals, change) == pytest.approx(expected, rel=1e-12)
    for largest in (1, 3, 8):
        expected = naive.temperature(flows, proposals, largest)
        assert balance_temperature(flows, proposals, largest=largest) == pytest.approx(expected, rel=1e-12)


def test_tables_may_be_stacked():
    many = [counts(k) for k in range(6)]
    flows = np.array([f for f, _ in many]).reshape(2, 3, 10, 10)
    proposals = np.array([p for _, p in many]).reshape(2, 3, 10, 10)
    for function in (flow_asymmetry, balanced_asymmetry, entropy_production_bound):
        assert function(flows)[1, 2] == pytest.approx(function(flows[1, 2]))
    assert acceptance_ratios(flows, proposals).shape == (2, 3, 8)
    assert balance_temperature(flows, proposals)[0, 1] == pytest.approx(
        balance_temperature(flows[0, 1], proposals[0, 1])
    )


@pytest.mark.parametrize("temperature", [0.4, 1.0, 5.0])
def test_exact_balance_has_its_temperature_and_no_asymmetry(temperature):
    flows, law = balanced_rates(temperature)
    assert flow_asymmetry(flows) < 1e-12 and entropy_production_bound(flows) < 1e-12
    assert balance_temperature(flows, law) == pytest.approx(temperature, rel=1e-10)
    ratios = acceptance_ratios(flows, law, largest=5)
    np.testing.assert_allclose(ratios, np.exp(-np.arange(1, 6) / temperature), rtol=1e-10)


@pytest.mark.parametrize("excess", [0.01, 0.2, 0.7])
def test_a_known_asymmetry_is_found(excess):
    rates = biased_rates(excess)
    assert flow_asymmetry(rates) == pytest.approx(2 * excess, rel=1e-12)
    assert split_asymmetry(rates, rates) == pytest.approx(2 * excess, rel=1e-12)
    expected = excess * np.log((1 + excess) / (1 - excess))
    assert entropy_production_bound(rates) == pytest.approx(expected, rel=1e-12)


def test_the_noise_floor_is_the_asymmetry_of_balanced_moves():
    """Detects the Gaussian approximation (off by 11% for one move a pair) and a floor of all moves instead of pairs."""
    random = np.random.default_rng(3)
    totals = np.triu(random.integers(0, 8, (6, 6)), 1)
    forward = random.binomial(totals, 0.5, (20_000, 6, 6))
    found = flow_asymmetry(forward + np.swapaxes(totals - forward, 1, 2))
    expected = balanced_asymmetry((totals + totals.T) / 2)
    assert abs(found.mean() - expected) < Z * found.std() / np.sqrt(len(found))
    assert expected > 0.3


def test_a_few_balanced_moves_look_asymmetric_but_not_in_two_stretches():
    """The false positive that the split estimate exists for."""
    random = np.random.default_rng(4)
    rates, _ = balanced_rates(1.0)
    first, second = random.poisson(500 * rates, (2, 4000, *rates.shape))
    assert flow_asymmetry(first).mean() > 0.15
    split = split_asymmetry(first, second)
    assert abs(split.mean()) < Z * split.std() / np.sqrt(len(split))


@pytest.mark.parametrize(("moves", "share"), [(300, 0.2), (100_000, 0.98)])
def test_the_split_estimate_never_makes_too_much_of_an_asymmetry(moves, share):
    random = np.random.default_rng(5)
    rates = biased_rates(0.05)
    first, second = random.poisson(moves * rates, (2, 3000, *rates.shape))
    split = split_asymmetry(first, second)
    error = split.std() / np.sqrt(len(split))
    assert share * 0.1 < split.mean() < 0.1 + Z * error


def test_noise_adds_the_stated_amount_to_the_entropy_production():
    """About 2 for every pair, over the moves: a claim against zero must not use the bound alone."""
    random = np.random.default_rng(6)
    rates = biased_rates(0.0, size=5)
    found = entropy_production_bound(random.poisson(20_000 * rates, (2000, 5, 5)))
    assert found.mean() == pytest.approx(2 * 10 / 20_000, rel=0.05)


def test_pairs_seen_one_way_only_lower_the_bound():
    flows = np.array([[0.0, 5.0, 4.0], [2.0, 0.0, 0.0], [3.0, 0.0, 0.0]])
    without = entropy_production_bound(flows)
    flows[1, 2] = 6.0
    assert np.isfinite(entropy_production_bound(flows)) and entropy_production_bound(flows) < without


def test_changes_that_never_happened_have_no_weight():
    flows, law = balanced_rates(1.0)
    a, b = np.indices(flows.shape)
    flows[b - a > 3] = 0.0
    assert balance_temperature(flows, law) == pytest.approx(1.0, rel=1e-10)
    assert acceptance_ratios(flows, law)[4] == 0.0
    assert np.isnan(acceptance_by_change(flows, np.where(b - a == 5, 0.0, law), 5))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: flow_asymmetry([1.0, 2.0]), r"flows of shape \(2,\): must be square"),
        (lambda: flow_asymmetry(np.ones((2, 3))), "must be square"),
        (lambda: flow_asymmetry(-np.ones((2, 2))), "holds -1"),
        (lambda: flow_asymmetry(np.full((2, 2), np.nan)), "must be >= 0"),
        (lambda: entropy_production_bound(np.zeros((2, 2))), "holds no move"),
        (lambda: split_asymmetry(np.ones((2, 2)), np.ones((3, 3))), r"first and second have shapes"),
        (lambda: acceptance_by_change(2 * np.ones((3, 3)), np.ones((3, 3)), 1), "more moves than proposals"),
        (lambda: acceptance_ratios(np.ones((3, 3)), np.ones((4, 4))), "flows and proposals have shapes"),
        (
            lambda: acceptance_ratios(np.ones((3, 3)), np.ones((3, 3)), largest=3),
            r"largest = 3: .* in 1\.\.2",
        ),
        (lambda: balance_temperature(np.eye(3), np.ones((3, 3)), largest=2), r"raises the energy by 1\.\.2"),
    ],
)
def test_bad_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()
