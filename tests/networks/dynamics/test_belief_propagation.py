"""Focusing belief propagation and local entropies: enumeration, theory, search, bad inputs."""

import numpy as np
import pytest
import xarray as xr
from naive.networks import messages as naive

from thermobatch.networks.committee import committee
from thermobatch.networks.dynamics import message_passing as passing
from thermobatch.networks.dynamics.belief_propagation import focusing_bp, local_entropy
from thermobatch.networks.dynamics.bethe_entropy import field_entropy
from thermobatch.networks.dynamics.focusing_protocols import (
    Protocol,
    free,
    pseudo_reinforcement,
    reinforcement,
    scoping,
)
from thermobatch.networks.dynamics.message_history import first_messages
from thermobatch.networks.dynamics.message_passing import Rule, iterate
from thermobatch.networks.patterns import errors
from thermobatch.networks.perceptron import perceptron
from thermobatch.networks.theory.perceptron_entropy import replica_symmetric_entropy
from thermobatch.networks.theory.robust_ensemble import robust_ensemble

# --- enumeration -------------------------------------------------------------------------------


def absorbed(instance):
    """Patterns whose right answer is +1."""
    return instance.inputs * instance.labels[:, None]


def random_reference(instance, seed):
    return np.random.default_rng(seed).choice(np.array([-1, 1], dtype=np.int8), instance.weights_shape)


@pytest.mark.parametrize("n", [9, 33, 101])
def test_a_tree_is_solved_up_to_the_central_limit_theorem(n):
    """One pattern in a random field is a tree: what is left is the error of the Gaussian law, O(1/N)."""
    instance = perceptron(inputs=np.ones((1, n), dtype=np.int8), labels=np.array([1]))
    field = np.random.default_rng(n).normal(size=n) * 0.5
    messages, space = first_messages(instance, 1)
    messages.centre[0] = field
    messages.total[0] = field + messages.weight[0, 0]
    for _ in range(3):
        iterate(messages, space, Rule(0.0, 1.0, 1.0, True))
    exact = naive.exact_single_pattern(instance.inputs[0], field)
    assert field_entropy(messages, space) == pytest.approx(exact, abs=0.3 / n)
    step = 1e-5
    for i in (0, n // 2):
        up, down = field.copy(), field.copy()
        up[i] += step
        down[i] -= step
        slope = naive.exact_single_pattern(instance.inputs[0], up)
        slope -= naive.exact_single_pattern(instance.inputs[0], down)
        assert np.tanh(messages.total[0, i]) == pytest.approx(slope / (2 * step), abs=1.0 / n)


@pytest.mark.parametrize(
    ("instance", "margin"),
    [
        *((perceptron(15, 3 / 15, seed=seed), 0.03) for seed in range(3)),
        *((perceptron(19, 4 / 19, seed=seed), 0.03) for seed in range(2)),
        *((committee(7, 3, 4 / 21, seed=seed), 0.06) for seed in range(2)),
    ],
    ids=lambda value: f"{value.kind}{value.n}x{value.hidden}" if hasattr(value, "kind") else "",
)
def test_small_instances_against_enumeration(instance, margin):
    """Loops and the Gaussian law are O(1/N) corrections; a wrong term of the free entropy is O(1)."""
    reference = random_reference(instance, 7)
    found = naive.solutions(absorbed(instance), instance.hidden)
    gamma = np.array([0.0, 0.5, 1.0])
    result = local_entropy(instance, reference, gamma=gamma, tolerance=1e-8)
    assert result.converged.all()
    signs = reference.reshape(instance.hidden, instance.n)
    for column, value in enumerate(gamma):
        distance, entropy, _ = naive.around(found, signs, value)
        assert float(result.distance[column]) == pytest.approx(distance, abs=margin)
        assert float(result.entropy[column]) == pytest.approx(entropy, abs=margin)


@pytest.mark.parametrize("seed", [0, 2, 3])
@pytest.mark.parametrize(("gamma", "replicas"), [(0.3, 2.0), (0.6, 3.0), (1.0, 5.0)])
def test_replicated_measure_against_enumeration(seed, gamma, replicas):
    """Replicas are treated as independent at the patterns, so the match is within 0.01, not exact."""
    instance = perceptron(11, 2 / 11, seed=seed)
    protocol = free(gamma, replicas, iterations=300)
    result = focusing_bp(instance, protocol=protocol, seed=1, stop="end", tolerance=1e-8, damping=0.2)
    distance, entropy = naive.replicated(naive.solutions(absorbed(instance), 1)[:, 0], gamma, replicas)
    assert bool(result.converged[0])
    assert float(result.distance[0]) == pytest.approx(distance, abs=0.01)
    assert float(result.local_entropy[0]) == pytest.approx(entropy, abs=0.01)


def test_one_replica_has_a_free_centre():
    """y = 1: the centre does not act on the replica and is at (1 - tanh gamma) / 2 from it."""
    instance = perceptron(101, 0.3, seed=4)
    gamma = np.array([0.0, 0.4, 1.2])
    result = focusing_bp(instance, protocol=free(gamma, 1.0), seed=1, stop="end", tolerance=1e-8)
    np.testing.assert_allclose(result.distance, 0.5 * (1 - np.tanh(gamma)), atol=1e-12)
    np.testing.assert_allclose(result.replica_overlap, result.replica_overlap[0], atol=1e-6)


# --- theory of large systems -------------------------------------------------------------------

INSTANCES = 240
DEVIATION = 0.0135
"""Standard deviation of the entropy between instances of N = 301, alpha = 0.4 (measured: 0.0125, on 120)."""


def test_entropy_of_large_systems_is_the_replica_symmetric_one():
    """False alarm 1e-6 (4.9 deviations of the mean); sees a bias of 1.1% half of the time."""
    load = round(0.4 * 301) / 301
    found = [
        float(local_entropy(perceptron(301, 0.4, seed=seed), np.ones(301), gamma=[0.0]).entropy[0])
        for seed in range(INSTANCES)
    ]
    expected = float(replica_symmetric_entropy(load).entropy[0])
    assert np.mean(found) == pytest.approx(expected, abs=4.9 * DEVIATION / np.sqrt(INSTANCES))


@pytest.mark.parametrize("replicas", [1, 3, 20])
def test_focusing_follows_the_robust_ensemble(replicas):
    """fBP factorises the replicas at the patterns: close to the theory, not equal. At N = 801 the entropy
    fluctuates by 0.007 between instances; a missing term of the free entropy is of order gamma or log 2."""
    gamma = np.array([0.1, 0.2, 0.3, 0.4, 0.5])
    result = focusing_bp(perceptron(801, 0.4, seed=3), protocol=free(gamma, replicas), seed=1, stop="end")
    theory = robust_ensemble(0.4, gamma, replicas)
    np.testing.assert_allclose(result.distance, theory.distance, atol=0.02)
    np.testing.assert_allclose(result.local_entropy, theory.local_entropy, atol=0.04)


def test_local_entropy_around_a_solution_of_fbp_is_near_the_densest():
    instance = perceptron(401, 0.4, seed=1)
    solution = focusing_bp(instance, seed=2)
    assert bool(solution.solved)
    result = local_entropy(instance, solution.weights.values)
    assert result.attrs["reference_errors"] == 0
    assert result.converged.all()
    assert (np.diff(result.distance) < 0).all() and (np.diff(result.entropy) < 0).all()
    entropy = np.interp(0.09, result.distance[::-1], result.entropy[::-1])
    assert (
        0.21 < entropy < 0.29
    )  # typical solutions: 0.187; densest: 0.262; deviation between instances 0.012


# --- search ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("instance", "protocol"),
    [
        (perceptron(201, 0.5, seed=1), "reinforcement"),
        (perceptron(201, 0.4, seed=2), "pseudo"),
        (perceptron(201, 0.4, seed=3), "scoping"),
        (perceptron(201, 0.4, seed=3, labels="teacher"), "reinforcement"),
        (committee(51, 5, 0.3, seed=4), "reinforcement"),
        (committee(51, 3, 0.3, seed=5), pseudo_reinforcement(0.02, iterations=5)),
    ],
    ids=["perceptron", "pseudo", "scoping", "teacher", "committee", "committee-pseudo"],
)
def test_finds_solutions(instance, protocol):
    result = focusing_bp(instance, protocol=protocol, seed=1)
    assert bool(result.solved) and int(result.errors) == 0
    assert errors(instance, result.weights.values) == 0
    assert int(result.pattern_errors[-1]) == 0 and (result.pattern_errors[:-1] > 0).all()
    assert int(result.iterations) == result.sizes["iteration"] - 1 == int(result.step_iterations.sum())


def test_records_start_before_any_update():
    instance = perceptron(101, 0.4, seed=1)
    messages, _ = first_messages(instance, 6)
    result = focusing_bp(instance, protocol="reinforcement", seed=6)
    assert int(result.iteration[0]) == 0 and np.isnan(result.largest_change[0])
    signs = np.where(messages.total[0] >= 0, 1, -1)
    assert int(result.pattern_errors[0]) == errors(instance, signs)


def test_deterministic_in_the_seed():
    instance = committee(21, 3, 0.3, seed=1)
    first, again, other = (
        focusing_bp(instance, protocol=reinforcement(0.05), seed=seed, stop="end") for seed in (3, 3, 4)
    )
    xr.testing.assert_identical(first, again)
    assert not np.array_equal(first.largest_change[1:], other.largest_change[1:])
    reference = random_reference(instance, 1)
    xr.testing.assert_identical(
        local_entropy(instance, reference), local_entropy(instance, reference, seed=0)
    )


def test_weights_are_those_of_the_fewest_errors():
    """Beyond what the protocol can solve, the best weights met are kept."""
    instance = perceptron(101, 0.95, seed=2)
    result = focusing_bp(instance, protocol="reinforcement", seed=1)
    assert not bool(result.solved)
    assert int(result.errors) == int(result.pattern_errors.min()) == errors(instance, result.weights.values)
    assert result.sizes["step"] == 100


def test_fast_and_exact_messages_give_the_same_entropies():
    instance = perceptron(201, 0.4, seed=5)
    protocol = free([0.1, 0.3, 0.5], 7.0, iterations=100)
    fast, exact = (
        focusing_bp(instance, protocol=protocol, seed=1, stop="end", tolerance=1e-7, exact=exact)
        for exact in (False, True)
    )
    assert fast.converged.all()
    np.testing.assert_allclose(fast.local_entropy, exact.local_entropy, atol=1e-7)
    np.testing.assert_allclose(fast.distance, exact.distance, atol=1e-7)


def test_hidden_units_of_a_committee_specialise():
    """Symmetry breaking: from nearly equal units at the start to nearly orthogonal ones at the solution."""
    result = focusing_bp(committee(101, 5, 0.3, seed=1), protocol="reinforcement", seed=1)
    overlap = result.unit_overlap.values
    own = np.trace(overlap, axis1=1, axis2=2) / 5
    others = (overlap.sum(axis=(1, 2)) - 5 * own) / 20
    np.testing.assert_allclose(overlap, overlap.transpose(0, 2, 1))
    assert others[0] > 0.9 * own[0]
    assert own[-1] > 0.6 and others[-1] < 0.15 * own[-1]


def test_the_dataset_survives_netcdf(tmp_path):
    result = focusing_bp(committee(21, 3, 0.3, seed=1), protocol=scoping(3, step=0.2, iterations=5), seed=1)
    result.to_netcdf(tmp_path / "search.nc")
    xr.testing.assert_equal(xr.load_dataset(tmp_path / "search.nc"), result)
    for name, variable in result.variables.items():
        assert {"units", "long_name"} <= set(variable.attrs), name


# --- where it breaks ---------------------------------------------------------------------------


def test_says_where_it_broke_and_keeps_what_was_computed():
    instance = perceptron(51, 0.3, seed=1)
    protocol = free([0.2, 0.4, np.inf], [3.0, 3.0, 1e308], iterations=20)
    with pytest.warns(
        UserWarning, match=r"broke at gamma = inf, replicas = 1e\+308, iteration \d+.*the centre to input"
    ):
        result = focusing_bp(instance, protocol=protocol, seed=1, stop="end")
    assert bool(result.broken) and "gamma = inf" in result.attrs["broke"]
    assert result.sizes["step"] == 2 and np.isfinite(result.local_entropy).all()
    assert errors(instance, result.weights.values) == int(result.errors)


def test_a_single_weight_has_no_variance():
    """N = 1: the sum of the other weights has no variance and messages are infinite at once."""
    instance = perceptron(inputs=np.ones((2, 1)), labels=np.array([1, -1]))
    with pytest.warns(UserWarning, match="pattern"):
        result = focusing_bp(instance, seed=1)
    assert bool(result.broken) and int(result.errors) == 1 and result.sizes["step"] == 0
    with pytest.warns(UserWarning, match="gamma = 0"):
        result = local_entropy(instance, np.ones(1), gamma=[0.0, 0.5])
    assert np.isnan(result.entropy).all() and not result.converged.any()


def test_contradictory_patterns_have_no_entropy():
    """The same input with both labels: frozen weights violate one of them."""
    inputs = np.random.default_rng(1).choice([-1, 1], (1, 15)).repeat(2, axis=0)
    instance = perceptron(inputs=inputs, labels=np.array([1, -1]))
    result = focusing_bp(instance, protocol=free(0.5, 5.0, iterations=200), seed=1)
    assert not bool(result.solved) and int(result.errors) == 1
    assert np.isnan(result.local_entropy[0]) or not bool(result.converged[0])
    assert np.isfinite(result.largest_change[1:]).all()


# --- protocols ---------------------------------------------------------------------------------


def test_protocols_of_the_note():
    ramp = np.arange(4) * 0.25
    protocol = reinforcement(0.25)
    assert np.isinf(protocol.gamma).all() and protocol.iterations == 1
    np.testing.assert_allclose(protocol.replicas, 1 / (1 - ramp))
    protocol = pseudo_reinforcement(0.25)
    np.testing.assert_allclose(np.tanh(protocol.gamma), np.sqrt(ramp[1:]))
    np.testing.assert_allclose(protocol.replicas, 1 + 1 / (1 - ramp[1:]))
    protocol = pseudo_reinforcement(0.25, exponent=0.2)
    np.testing.assert_allclose(np.tanh(protocol.gamma), ramp[1:] ** 0.2)
    np.testing.assert_allclose(protocol.replicas, 1 + ramp[1:] ** 0.6 / (1 - ramp[1:]))
    protocol = scoping(5, largest=1.0, step=0.25)
    np.testing.assert_allclose(protocol.gamma, np.arange(5) * 0.25)
    assert (protocol.replicas == 5).all()
    assert len(reinforcement(0.01).gamma) == 100 and len(pseudo_reinforcement(0.01).gamma) == 99


def test_a_protocol_keeps_its_own_copy():
    gamma = np.array([0.1, 0.2])
    protocol = free(gamma, 3)
    gamma[0] = 5.0
    assert protocol.gamma[0] == 0.1
    with pytest.raises(ValueError, match="read-only"):
        protocol.gamma[0] = 1.0


def test_strong_centres_of_infinite_coupling_are_reinforcement():
    """gamma = 40 is infinite in double precision: the same run."""
    instance = perceptron(101, 0.4, seed=3)
    replicas = 1 / (1 - np.arange(0, 0.5, 0.05))
    runs = [
        focusing_bp(instance, protocol=free(np.full(10, g), replicas, iterations=1), seed=1, stop="end")
        for g in (40.0, np.inf)
    ]
    np.testing.assert_allclose(runs[0].replica_overlap, runs[1].replica_overlap, atol=1e-9)
    assert np.isnan(runs[1].local_entropy).all() and (runs[1].distance == 0).all()


# --- bad arguments -----------------------------------------------------------------------------

SMALL = perceptron(11, 0.3, seed=1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: focusing_bp("perceptron", seed=1), "instance is a str"),
        (lambda: focusing_bp(SMALL, seed=1, protocol=3), "protocol = 3"),
        (lambda: focusing_bp(SMALL, seed=-1), "seed = -1"),
        (
            lambda: focusing_bp(SMALL, seed=1, protocol="pseud"),
            "protocol = 'pseud': must be one of 'reinforcement'",
        ),
        (lambda: focusing_bp(SMALL, seed=1, stop="never"), "stop = 'never'"),
        (lambda: focusing_bp(SMALL, seed=1, tolerance=0.0), "tolerance = 0.0"),
        (lambda: focusing_bp(SMALL, seed=1, damping=1.0), "damping = 1.0"),
        (lambda: focusing_bp(SMALL, seed=1, damping=np.nan), "damping = nan"),
        (lambda: local_entropy(SMALL, np.ones(9)), r"weights has shape \(9,\)"),
        (lambda: local_entropy(SMALL, np.zeros(11)), r"weights\[0\] = 0.0: every entry"),
        (
            lambda: local_entropy(SMALL, np.ones(11), gamma=[0.5, 0.1]),
            r"gamma = \[0.5, 0.1\]: must be increasing",
        ),
        (lambda: local_entropy(SMALL, np.ones(11), gamma=[-0.1, 0.1]), "gamma = "),
        (lambda: local_entropy(SMALL, np.ones(11), gamma=[0.1, np.inf]), "gamma = "),
        (lambda: local_entropy(SMALL, np.ones(11), gamma=[]), "gamma = "),
        (lambda: local_entropy(SMALL, np.ones(11), iterations=0), "iterations = 0"),
        (lambda: reinforcement(0.0), "step = 0.0"),
        (lambda: pseudo_reinforcement(0.9999999999), "step = "),
        (lambda: pseudo_reinforcement(exponent=0.7), "exponent = 0.7"),
        (lambda: scoping(0.5), "replicas = 0.5"),
        (lambda: scoping(3, step=0.0), "step = 0.0"),
        (lambda: free([0.1, -0.2], 3), "gamma = "),
        (lambda: free([0.1, np.nan], 3), "gamma = "),
        (lambda: free([], 3), "gamma = "),
        (lambda: free([0.1, 0.2], [3, 4, 5]), r"replicas = \[3, 4, 5\]"),
        (lambda: free([0.1, 0.2], [3, np.inf]), "replicas = "),
        (lambda: Protocol("mine", [0.1], [2.0], 1.5), "iterations = 1.5"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match="^" + message):
        call()


def test_instances_are_not_changed():
    before = SMALL.inputs.copy()
    focusing_bp(SMALL, seed=1)
    np.testing.assert_array_equal(SMALL.inputs, before)
    assert passing.BROKEN != passing.SOLVED
