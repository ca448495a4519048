"""Message kernels: exact formulas, fast paths within their bounds, output nodes, and a step-by-step twin."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mutants import mutant_of
from naive.networks import messages as naive
from scipy.special import log_ndtr

from thermobatch.foundation.streams import shuffle
from thermobatch.networks.committee import committee
from thermobatch.networks.dynamics import bethe_entropy, majority_messages
from thermobatch.networks.dynamics import message_passing as passing
from thermobatch.networks.dynamics import saturated_messages as saturated
from thermobatch.networks.dynamics import threshold_messages as threshold
from thermobatch.networks.dynamics.bethe_entropy import edge_log, ensemble
from thermobatch.networks.dynamics.majority_messages import log_majority, majority_field
from thermobatch.networks.dynamics.message_history import first_messages
from thermobatch.networks.dynamics.message_passing import Rule, iterate
from thermobatch.networks.perceptron import perceptron

BOUND = threshold.INTERPOLATION_ERROR

# --- scalar functions --------------------------------------------------------------------------


@given(x=st.floats(-1e3, 1e6))
def test_log_erfc_in_and_beyond_double_precision(x):
    assert threshold.log_erfc(x) == pytest.approx(
        math.log(2) + log_ndtr(-x * math.sqrt(2)), rel=1e-12, abs=1e-14
    )


@given(field=st.floats(-30, 30), gamma=st.floats(0, 30))
def test_coupled_field(field, gamma):
    product = np.tanh(np.longdouble(field)) * np.tanh(np.longdouble(gamma))
    if abs(product) < 1 - 1e-10:
        assert threshold.coupled(field, gamma) == pytest.approx(
            float(np.arctanh(product)), rel=1e-6, abs=1e-13
        )
    assert abs(threshold.coupled(field, gamma)) <= min(abs(field), gamma) + 1e-12
    assert threshold.coupled(field, np.inf) == field


@given(z=st.floats(-60, 60), field=st.floats(-400, 400))
def test_log_satisfied_keeps_both_tails(z, field):
    """F as log-sum-exp of its two parts, from scipy's own logarithm of the tail."""
    size, side = abs(field), 1.0 if field >= 0 else -1.0
    rest = math.log(2) - 2 * size - math.log1p(math.exp(-2 * size))
    log_tanh = math.log(math.tanh(size)) if size > 0 else -math.inf
    part = log_tanh + math.log(2) + log_ndtr(side * z * math.sqrt(2))
    expected = np.logaddexp(rest, part)
    found = threshold.log_satisfied(z, threshold.output_mixture(field))
    assert found == pytest.approx(expected, rel=1e-11, abs=1e-13)


@given(fields=st.lists(st.floats(-600, 600), min_size=1, max_size=40))
def test_vectorised_tanh_to_the_last_bits(fields):
    h, n = np.array(fields), len(fields)
    a, spread = np.empty(n), np.empty(n)
    threshold.cavity(h, np.zeros(n), np.ones(n, dtype=np.int8), a, spread)
    np.testing.assert_allclose(a, np.tanh(h), rtol=4e-16, atol=4e-16)
    inside = np.abs(h) < 340
    with np.errstate(over="ignore"):
        np.testing.assert_allclose(spread[inside], np.cosh(h[inside]) ** -2.0, rtol=2e-13)
    assert (spread > 0).all()


@given(st.lists(st.floats(-1e6, 1e6), max_size=50))
def test_lane_sum(values):
    assert threshold.lane_sum(np.array(values, dtype=float)) == pytest.approx(math.fsum(values), abs=1e-7)


@given(old=st.lists(st.floats(-30, 30), min_size=9, max_size=9), new=st.floats(-30, 30))
def test_magnetisation_change(old, new):
    old, new = np.array(old), np.full(9, new)
    expected = np.max(np.abs(np.tanh(new) - np.tanh(old)))
    assert threshold.magnetisation_change(old, new, np.empty(9)) == pytest.approx(expected, abs=1e-14)


@pytest.mark.parametrize("output_field", [np.inf, 0.3, -1.2, 0.0])
def test_down_message_of_the_note(output_field):
    mixture = threshold.output_mixture(output_field)
    for mu, s2, ht, xi in ((1.3, 40.0, 0.2, 1), (-3.0, 25.0, -0.7, -1), (0.0, 3.0, 0.9, 1)):
        expected = naive.message_down(mu, s2, xi, ht, output_field)
        found = xi * threshold.down_message(mu - xi * ht, s2 - 1 + ht**2, mixture)
        assert found == pytest.approx(float(expected), rel=1e-12, abs=1e-15)


# --- fast paths within their bounds ------------------------------------------------------------


def row_messages(a, mu, s2, field):
    """Exact messages of a row with given a = xi tanh h, and those of each interpolation that accepts it."""
    n = a.size
    mixture, inputs = threshold.output_mixture(field), np.ones(n, dtype=np.int8)
    rows, moments = (a, 1.0 - a * a), (mu, s2)
    exact, fast, frozen = np.zeros(n), np.zeros(n), np.zeros(n)
    threshold.exact_row(np.zeros(n), exact, inputs, rows, moments, mixture, 1.0)
    coefficients, table = np.empty(threshold.NODES), np.empty((2, threshold.FEW_NODES))
    accepted = threshold.interpolate(mu, s2, mixture, coefficients)
    if accepted:
        threshold.fast_row(np.zeros(n), fast, inputs, a, coefficients, 1.0)
    usable = saturated.interpolate_frozen(mu, s2, mixture, table)
    if usable:
        saturated.frozen_row(np.zeros(n), frozen, inputs, rows, moments, mixture, table, 1.0)
    return exact, fast if accepted else None, frozen if usable else None


def adversarial_rows(count):
    """Variances from the edge of the domain up, sums to 10 deviations, H at the kink of the mixture."""
    generator = np.random.default_rng(3)
    for _ in range(count):
        s2 = threshold.SMALLEST_VARIANCE * np.exp(generator.exponential() * generator.choice([0.0, 0.3, 3.0]))
        deviations = generator.uniform(-10, 10)
        kink = 0.5 * (math.log(2) - log_ndtr(-abs(deviations)))
        field = generator.choice([np.inf, generator.normal(), kink, -kink, kink + generator.normal(), 40.0])
        yield deviations * math.sqrt(s2), s2, field


def test_fast_messages_are_within_the_stated_error():
    a = np.concatenate([np.linspace(-1, 1, 301), np.sin(np.linspace(-1.57, 1.57, 100))])
    worst, accepted = 0.0, 0
    for mu, s2, field in adversarial_rows(3000):
        exact, fast, _ = row_messages(a, mu, s2, field)
        if fast is not None:
            accepted += 1
            worst = max(worst, np.max(np.abs(fast - exact)))
    assert accepted > 2000
    assert worst < BOUND


def test_frozen_messages_are_within_the_stated_error():
    generator = np.random.default_rng(4)
    worst, accepted = 0.0, 0
    for _ in range(1500):
        n = 101
        h = generator.normal(size=n) * 2 + generator.choice([-1, 1], n) * generator.uniform(0, 12)
        a, spread = np.tanh(h), np.cosh(h) ** -2.0
        s2, mu = spread.sum(), a.sum() + generator.integers(-3, 4) * 2
        exact, _, frozen = row_messages(a, mu, s2, generator.choice([np.inf, generator.normal() * 5]))
        if frozen is not None:
            accepted += 1
            worst = max(worst, np.max(np.abs(frozen - exact)) / max(1.0, np.max(np.abs(exact))))
    assert accepted > 1000
    assert worst < BOUND


def test_a_polynomial_with_too_few_nodes_would_fail_the_bound():
    """The error of the same rows without the check on the last coefficients: the check is needed."""
    a = np.linspace(-1, 1, 301)
    worst = 0.0
    for mu, s2, field in adversarial_rows(300):
        coefficients = np.zeros(threshold.NODES)
        mixture = threshold.output_mixture(field)
        few = (threshold.FEW_POINTS, threshold.FEW_POWERS, threshold.FEW_TAIL)
        threshold._fit(mu, s2, mixture, few, coefficients)
        fast, exact = np.zeros(a.size), row_messages(a, mu, s2, field)[0]
        threshold.fast_row(np.zeros(a.size), fast, np.ones(a.size, dtype=np.int8), a, coefficients, 1.0)
        worst = max(worst, np.max(np.abs(fast - exact)))
    assert worst > 100 * BOUND


def test_nothing_is_interpolated_where_the_variance_is_tiny():
    mixture = threshold.output_mixture(np.inf)
    for s2 in (0.0, 1.0, threshold.SMALLEST_VARIANCE - 1e-9, np.nan):
        assert not threshold.interpolate(1.0, s2, mixture, np.empty(threshold.NODES))
    assert not saturated.interpolate_frozen(1.0, 0.0, mixture, np.empty((2, threshold.FEW_NODES)))
    assert not saturated.interpolate_frozen(1.0, np.nan, mixture, np.empty((2, threshold.FEW_NODES)))


def test_variance_of_the_others_where_one_weight_has_it_all():
    spread = np.array([1e-30, 3e-30, 1.0])
    assert threshold.cavity_variance(spread, spread.sum(), 2) == pytest.approx(4e-30, rel=1e-12)
    assert threshold.cavity_variance(spread, spread.sum(), 0) == pytest.approx(1.0)


# --- output node -------------------------------------------------------------------------------


@pytest.mark.parametrize("hidden", [3, 5, 7])
@pytest.mark.parametrize("strength", [0.0, 0.5, 5.0, 300.0])
def test_output_node_against_all_states(hidden, strength):
    generator = np.random.default_rng(hidden)
    for _ in range(10):
        up = strength * generator.normal(size=hidden)
        for k in range(hidden):
            expected = naive.majority_log_odds(up, k)
            assert majority_field(up, k, np.empty(hidden + 1)) == pytest.approx(
                expected, rel=1e-11, abs=1e-12
            )
        assert log_majority(up, np.empty(hidden + 1)) == pytest.approx(
            naive.log_majority(up), rel=1e-11, abs=1e-12
        )


def test_output_node_where_every_unit_is_strongly_down():
    """All probabilities underflow; the field must carry the whole deficit."""
    up = np.full(5, -400.0)
    assert majority_field(up, 0, np.empty(6)) == pytest.approx(naive.majority_log_odds(up, 0), rel=1e-12)


# --- a twin, step by step ----------------------------------------------------------------------


def start(instance, seed=5, spread=0.3):
    """First messages, spread out so that all terms matter, and their twin."""
    messages, space = first_messages(instance, seed)
    generator = np.random.default_rng(seed)
    messages.weight[...] = generator.normal(size=messages.weight.shape) * spread
    messages.centre[...] = generator.normal(size=messages.centre.shape) * spread
    messages.total[...] = messages.weight.sum(axis=0) + messages.centre
    return messages, space


def orders(space, visits, iterations):
    """The random orders that the kernels will draw."""
    stream = space.stream.copy()
    for _ in range(iterations):
        order = np.arange(visits)
        shuffle(stream, order)
        yield order


INSTANCES = [
    perceptron(41, 0.3, seed=1),
    perceptron(21, 0.5, seed=2, labels="teacher"),
    committee(21, 3, 0.2, seed=3),
    committee(11, 5, 0.3, seed=4),
]


def compare_with_twin(instance, rule, iterations=4, mutation=None):
    """Largest difference of any field between kernels and twin, and of the recorded changes."""
    messages, space = start(instance)
    twin = naive.BeliefPropagation(*messages, mutation=mutation)
    visits = instance.n_patterns + (messages.total.size if rule.replicas > 1 else 0)
    difference = 0.0
    for order in orders(space, visits, iterations):
        expected = twin.iterate(order, rule.gamma, rule.replicas, 1.0 - rule.keep)
        found = iterate(messages, space, rule)
        pairs = [(found, expected), (messages.total, twin.total), (messages.weight, twin.weight)]
        pairs += [(messages.up, twin.up), (messages.centre, twin.centre)]
        difference = max([difference] + [np.max(np.abs(np.asarray(a) - b)) for a, b in pairs])
    return difference, messages, space, twin


@pytest.mark.parametrize("instance", INSTANCES, ids=lambda p: f"{p.kind}{p.n}x{p.hidden}")
@pytest.mark.parametrize(
    "rule",
    [
        Rule(0.0, 1.0, 1.0, True),
        Rule(0.6, 3.0, 1.0, True),
        Rule(1.1, 6.5, 0.6, True),
        Rule(np.inf, 1.3, 0.9, True),
    ],
    ids=["plain", "focusing", "damped", "reinforced"],
)
def test_exact_messages_follow_the_twin(instance, rule):
    assert compare_with_twin(instance, rule)[0] < 1e-10


@pytest.mark.parametrize("instance", INSTANCES, ids=lambda p: f"{p.kind}{p.n}x{p.hidden}")
def test_fast_messages_follow_the_twin(instance):
    """After four iterations the interpolation errors of 1e-7 have been amplified little."""
    assert compare_with_twin(instance, Rule(0.6, 3.0, 1.0, False))[0] < 1e-5


@pytest.mark.parametrize("mutation", ["cavity mean", "cavity variance", "replicas"])
def test_a_wrong_formula_would_be_seen(mutation):
    assert compare_with_twin(INSTANCES[0], Rule(0.6, 3.0, 1.0, True), 1, mutation)[0] > 1e-3


@pytest.mark.parametrize("instance", INSTANCES, ids=lambda p: f"{p.kind}{p.n}x{p.hidden}")
@pytest.mark.parametrize(("gamma", "replicas"), [(0.0, 1.0), (0.6, 3.0), (1.4, 7.5)])
def test_entropies_of_the_note_at_any_messages(instance, gamma, replicas):
    _, messages, space, twin = compare_with_twin(instance, Rule(gamma, replicas, 1.0, True), 2)
    found = ensemble(messages, space, gamma, replicas)
    np.testing.assert_allclose(found, naive.bethe(twin, gamma, replicas), atol=1e-10)


@given(a=st.floats(-8, 8), b=st.floats(-8, 8))
def test_edge_log(a, b):
    assert edge_log(a, b) == pytest.approx(
        float(np.log((1 + np.tanh(np.longdouble(a)) * np.tanh(np.longdouble(b))) / 2)), abs=1e-9
    )


# --- mutants -----------------------------------------------------------------------------------------


def row_error(module):
    """Largest error of a row of messages, computed by kernels of `module`, against the note's formula."""
    h = np.random.default_rng(1).normal(size=31)
    inputs = np.where(np.arange(31) % 3 == 0, -1, 1).astype(np.int8)
    a, spread, found = np.empty(31), np.empty(31), np.zeros(31)
    module.cavity(h, np.zeros(31), inputs, a, spread)
    mixture = module.output_mixture(0.7)
    module.exact_row(np.zeros(31), found, inputs, (a, spread), (a.sum(), spread.sum()), mixture, 1.0)
    expected = naive.message_down(a.sum(), spread.sum(), inputs, np.tanh(h), 0.7)
    return np.max(np.abs(found - expected))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("(mean - 1.0) * scale", "(mean + 0.9) * scale"),
        ("variance = s2 - spread[i]", "variance = s2"),
        ("down_message(mu - a[i], cav", "down_message(mu, cav"),
        ("a[i] = (size if h > 0.0 else -size) * inputs[i]", "a[i] = size if h > 0.0 else -size"),
    ],
)
def test_mutated_rows_are_seen(right, wrong):
    assert row_error(threshold) < 1e-13
    assert row_error(mutant_of(threshold, right, wrong)) > 1e-4


@pytest.mark.slow
@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("magnetisation * gathered -", "magnetisation + gathered -"),
        ("total += patterns * log_two_cosh", "total += (patterns - 1) * log_two_cosh"),
        ("edge_log(down[k], fresh) - edge_log(down[k], up[k])", "edge_log(down[k], fresh)"),
    ],
)
def test_mutated_entropies_are_seen(right, wrong):
    rule = Rule(0.6, 3.0, 1.0, True)
    _, messages, space, twin = compare_with_twin(INSTANCES[2], rule, 2)
    expected = naive.bethe(twin, rule.gamma, rule.replicas)
    found = mutant_of(bethe_entropy, right, wrong).ensemble(messages, space, rule.gamma, rule.replicas)
    assert np.max(np.abs(np.array(found) - expected)) > 1e-3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("half = (up.size - 1) // 2\n    _convolve", "half = up.size // 2 - 1\n    _convolve"),
        ("if k == left_out:\n            continue\n        above = np.exp", "above = np.exp"),
    ],
)
def test_mutated_output_nodes_are_seen(right, wrong):
    module = mutant_of(majority_messages, right, wrong)
    up = np.array([0.3, -0.8, 1.1, 0.2, -0.4])
    assert abs(module.majority_field(up, 1, np.empty(6)) - naive.majority_log_odds(up, 1)) > 1e-3


# --- state -------------------------------------------------------------------------------------


@settings(max_examples=15)
@given(seed=st.integers(0, 1000), hidden=st.sampled_from([1, 3, 5]))
def test_totals_are_the_sums_of_the_messages_after_any_iterations(seed, hidden):
    instance = committee(15, hidden, 0.4, seed=seed) if hidden > 1 else perceptron(15, 0.4, seed=seed)
    messages, space = first_messages(instance, seed)
    for gamma, replicas in ((0.4, 2.0), (0.8, 5.0), (np.inf, 2.5)):
        iterate(messages, space, Rule(gamma, replicas, 0.8, False))
    np.testing.assert_allclose(messages.total, messages.weight.sum(axis=0) + messages.centre, atol=1e-9)


def test_errors_are_those_of_the_signs():
    for instance in INSTANCES:
        messages, space = start(instance)
        counted = passing.count_errors(messages.inputs, messages.total, space.signs)
        fields = np.sign(
            np.einsum("ki,ai->ak", np.where(messages.total >= 0, 1, -1), messages.inputs.astype(int))
        )
        assert counted == np.count_nonzero(fields.sum(axis=1) < 0)
        np.testing.assert_array_equal(space.signs, np.where(messages.total >= 0, 1, -1))
