"""Compiled states: bit planes, energy changes and cached energies against recomputation, on every state reached."""

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mutants import mutant_of

from thermobatch.networks import bit_planes, threshold_units
from thermobatch.networks.binary import energy_change, flip
from thermobatch.networks.committee import committee
from thermobatch.networks.patterns import energy, stabilities
from thermobatch.networks.perceptron import perceptron


@numba.njit
def change_of(state, replica, variable):
    return energy_change(state, replica, variable)


@numba.njit
def make_flip(state, replica, variable, change):
    flip(state, replica, variable, change)


INSTANCES = {
    "perceptron": perceptron(11, 2.0, 1),
    "one weight": perceptron(1, 3.0, 1),
    "one pattern": perceptron(9, 0.12, 1),
    "64 patterns": perceptron(31, 64 / 31, 1),
    "65 patterns": perceptron(31, 65 / 31, 1, labels="teacher"),
    "three words": perceptron(15, 10.0, 1),
    "committee 3": committee(7, 3, 2.0, 1),
    "committee 5": committee(9, 5, 2.5, 1),
    "committee 7": committee(3, 7, 4.0, 1, labels="teacher"),
    "committee 1": committee(15, 1, 5.0, 1),
}


def random_state(instance, kind, replicas=2, seed=0):
    spins = np.random.default_rng(seed).choice([-1, 1], (replicas, instance.hidden * instance.n))
    return instance.state(spins.astype(np.int8), kind)


@pytest.mark.parametrize("kind", ["linear", "step"])
@pytest.mark.parametrize("name", INSTANCES)
def test_energy_changes_on_every_state_reached(name, kind):
    """All flips of every state on a walk, towards lower energies as well as away."""
    instance = INSTANCES[name]
    state = random_state(instance, kind)
    rng = np.random.default_rng(1)
    variables = state.spins.shape[1]

    def recomputed(replica):
        return energy(instance, state.spins[replica].reshape(instance.weights_shape), kind)

    for step in range(60):
        replica = step % 2
        before = recomputed(replica)
        assert state.energies[replica] == before
        changes = [change_of(state, replica, variable) for variable in range(variables)]
        for variable in range(variables):
            state.spins[replica, variable] *= -1
            assert recomputed(replica) == before + changes[variable]
            state.spins[replica, variable] *= -1
        chosen = int(np.argmin(changes)) if step % 3 == 0 else int(rng.integers(variables))
        make_flip(state, replica, chosen, changes[chosen])
    assert [recomputed(0), recomputed(1)] == state.energies.tolist()


@pytest.mark.parametrize("kind", ["linear", "step"])
@pytest.mark.parametrize("name", INSTANCES)
def test_incremental_state_is_the_one_built_afresh(name, kind):
    """Counters against forward passes, and masks against those of a new state, after many flips."""
    instance = INSTANCES[name]
    state = random_state(instance, kind)
    rng = np.random.default_rng(2)
    for _ in range(200):
        replica, variable = rng.integers(2), rng.integers(state.spins.shape[1])
        make_flip(state, replica, variable, change_of(state, replica, variable))
    fresh = instance.state(state.spins, kind)
    assert np.array_equal(state.masks, fresh.masks)
    assert np.array_equal(state.energies, fresh.energies)
    planes = np.swapaxes(state.counters, 2, 3)
    counters = bit_planes.from_planes(planes, instance.n_patterns)
    for replica in range(2):
        forward = stabilities(instance, state.spins[replica].reshape(instance.weights_shape))
        assert np.array_equal(2 * counters[replica].T + 1, forward)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("count_up(as_large, greater | equal)", "count_up(as_large, greater)"),
        ("count_up(larger, greater)", "count_up(larger, greater | equal)"),
        ("return not_positive & ~as_large[needed]", "return negative & ~as_large[needed]"),
        ("barely_wrong = right[needed - 1]", "barely_wrong = right[0]"),
        ("kept = last_word if word ==", "kept = last_word if word >"),
    ],
)
def test_mutants_are_noticed(right, wrong):
    """Each mistake changes some energy along a short walk."""
    mutant = mutant_of(threshold_units, right, wrong)
    kind = "step" if "barely" in right else "linear"
    instance = INSTANCES["committee 5"]
    absorbed = instance.inputs * instance.labels[:, None]
    rng = np.random.default_rng(1)
    spins = rng.choice([-1, 1], (1, 5, 9)).astype(np.int8)
    state = mutant.threshold_state(absorbed, spins, kind)
    for _ in range(200):
        variable = rng.integers(45)
        make_flip(state, 0, variable, change_of(state, 0, variable))
        if state.energies[0] != energy(instance, state.spins[0].reshape(5, 9), kind):
            return
    pytest.fail("the mutant was not noticed")


@given(st.integers(1, 200), st.integers(1, 12), st.integers(0, 2**32))
def test_planes_hold_integers(count, planes, seed):
    bound = 2 ** (planes - 1)
    values = np.random.default_rng(seed).integers(-bound, bound, size=(3, count))
    stored = bit_planes.to_planes(values, planes)
    assert stored.shape == (3, planes, -(-count // 64))
    assert np.array_equal(bit_planes.from_planes(stored, count), values)


@given(st.integers(1, 200), st.integers(0, 2**32))
def test_packing(count, seed):
    signs = np.random.default_rng(seed).choice([-1, 1], count)
    words = bit_planes.pack(signs)
    bits = [int(words[i // 64]) >> (i % 64) & 1 for i in range(count)]
    assert np.array_equal(bits, signs > 0)
    assert sum(int(word).bit_count() for word in words) == np.count_nonzero(signs > 0)


@numba.njit
def counters_after(counters, column):
    threshold_units.step_counters(counters, 0, 0, column, 0, np.uint64(0))


@given(st.integers(1, 130), st.integers(0, 2**32))
def test_counters_step_by_one(count, seed):
    rng = np.random.default_rng(seed)
    values, signs = rng.integers(-100, 100, count), rng.choice([-1, 1], count)
    counters = np.ascontiguousarray(bit_planes.to_planes(values, 9).T)[None, None]
    counters_after(counters, bit_planes.pack(signs)[None])
    assert np.array_equal(bit_planes.from_planes(counters[0, 0].T, count), values - signs)
