"""Perceptrons whose weights have several levels: instances, energies by definition, files, who refuses them."""

import copy
import pickle

import numpy as np
import pytest
from naive.networks import levels as naive

import thermobatch as tb
from thermobatch.networks import levels, patterns, perceptron
from thermobatch.networks.dynamics.annealing import replicated_metropolis
from thermobatch.networks.enumeration import enumerate_energies


def drawn(instance, seed):
    return np.random.default_rng(seed).choice(levels.level_values(instance.levels), instance.n)


def test_two_levels_are_todays_perceptron():
    """Same inputs, labels, teacher, stored attributes and runs, bit for bit."""
    for labels in ("random", "teacher"):
        plain, two = (tb.perceptron(51, 0.5, 3, labels=labels, **more) for more in ({}, {"levels": 2}))
        assert plain.to_dataset().identical(two.to_dataset())
        assert plain.beta_unit("linear") == two.beta_unit("linear") == 2 / np.sqrt(51)
        runs = [tb.simulated_annealing(each, 3, seed=1) for each in (plain, two)]
        assert runs[0].identical(runs[1])
    assert np.array_equal(
        levels.random_levels(np.random.default_rng(1), (9, 7), 2),
        patterns.random_signs(np.random.default_rng(1), (9, 7)),
    )


def test_levels_and_their_mean_square():
    for count, square in ((2, 1), (4, 5), (8, 21), (16, 85)):
        values = levels.level_values(count)
        assert values.tolist() == naive.values(count)
        assert levels.mean_square(count) == np.mean(values**2) == square
    sample = levels.random_levels(np.random.default_rng(1), (40_000,), 8)
    assert sample.dtype == np.int8
    counts = [np.count_nonzero(sample == level) for level in levels.level_values(8)]
    assert np.abs(np.array(counts) - 5000).max() < 6 * np.sqrt(40_000 * 7 / 64)  # false alarm 2e-8
    extreme = levels.random_levels(np.random.default_rng(1), (4000,), 64)
    assert extreme.min() == -63 and extreme.max() == 63


@pytest.mark.parametrize("kind", ["linear", "step"])
@pytest.mark.parametrize("count", [4, 8])
def test_energies_are_the_defined_ones(count, kind):
    instance = tb.perceptron(7, 2.0, 1, levels=count)
    for seed in range(10):
        weights = drawn(instance, seed)
        expected = naive.energy(instance.inputs, instance.labels, weights, kind)
        assert patterns.energy(instance, weights, kind) == expected
        assert instance.state(weights[None], kind).energies.tolist() == [expected]


def test_a_teacher_of_several_levels():
    instance = tb.perceptron(21, 2.0, 3, labels="teacher", levels=8)
    assert np.abs(instance.teacher).max() > 1 and patterns.errors(instance, instance.teacher) == 0
    assert patterns.generalization_error(instance, instance.teacher) == 0
    assert patterns.generalization_error(instance, -instance.teacher) == 1
    run = tb.simulated_annealing(tb.perceptron(21, 0.5, 3, labels="teacher", levels=4), seed=1)
    assert 0 < run.generalization_error < 1


def test_files_and_copies_keep_the_levels():
    instance = tb.perceptron(9, 1.0, 3, labels="teacher", levels=4)
    copies = [perceptron.from_dataset(instance.to_dataset()), copy.deepcopy(instance)]
    copies.append(pickle.loads(pickle.dumps(instance)))  # noqa: S301
    for other in copies:
        assert other.levels == 4 and np.array_equal(other.teacher, instance.teacher)


def test_the_distance_is_hammings_for_two_levels():
    rng = np.random.default_rng(1)
    first, second = rng.choice([-1, 1], (2, 5, 31))
    assert levels.normalised_distance(first, second, 2) == pytest.approx((first != second).mean(axis=1))
    assert levels.normalised_distance([-7, 7], [7, -7], 8) == 1


FOUR = tb.perceptron(5, 1.0, 1, levels=4)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: tb.perceptron(5, 1.0, levels=3), "levels = 3: must be even"),
        (lambda: tb.perceptron(5, 1.0, levels=1), "levels = 1: must be an integer in 2..64"),
        (lambda: tb.perceptron(5, 1.0, levels=True), "levels = True"),
        (lambda: tb.perceptron(5, 1.0, levels=66), "levels = 66"),
        (lambda: patterns.errors(FOUR, [1, 3, 5, 1, 1]), "weights[2] = 5: every entry must be one of the 4"),
        (lambda: patterns.errors(FOUR, [1, 2, 1, 1, 1]), "weights[1] = 2"),
        (lambda: patterns.errors(FOUR, [1, 1]), "weights has shape (2,): must be (5,)"),
        (lambda: tb.replicated_sgd(FOUR), "instance has levels = 4: must be 2 for SGD"),
        (lambda: tb.focusing_bp(FOUR), "instance has levels = 4: must be 2 for belief propagation"),
        (lambda: tb.local_entropy(FOUR, np.ones(5)), "must be 2 for belief propagation"),
        (lambda: enumerate_energies(FOUR), "must be 2 for exact enumeration"),
        (
            lambda: tb.simulated_annealing(FOUR, 2, centre="explicit"),
            "centre = 'explicit': must be 'traced' with levels = 4",
        ),
        (
            lambda: replicated_metropolis(FOUR, beta=1, initial=[[1, 1, 1, 1, 5]]),
            "initial[0, 4] = 5: every entry must be one of the 4 levels, odd integers from -3 to 3",
        ),
    ],
)
def test_bad_arguments_are_named(call, words):
    with pytest.raises(ValueError) as error:
        call()
    assert words in str(error.value)
