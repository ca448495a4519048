"""Instances of the perceptron and the committee: patterns, labels, energies by definition, files, bad arguments."""

import itertools

import numpy as np
import pytest
from naive.networks import perceptron as naive

from thermobatch.networks import committee as committees
from thermobatch.networks import patterns
from thermobatch.networks import perceptron as perceptrons
from thermobatch.networks.committee import committee
from thermobatch.networks.perceptron import perceptron


def random_weights(instance, seed):
    return np.random.default_rng(seed).choice([-1, 1], instance.weights_shape).astype(np.int8)


def test_sizes_and_types():
    p = perceptron(801, 0.3, seed=1)
    assert (p.n, p.n_patterns, p.hidden, p.teacher) == (801, 240, 1, None)
    assert p.alpha == pytest.approx(240 / 801)
    assert p.inputs.dtype == p.labels.dtype == np.int8
    assert p.inputs.shape == (240, 801) and p.labels.shape == (240,)
    c = committee(n=321, hidden=5, alpha=0.5, seed=1)
    assert (c.n, c.n_patterns, c.hidden) == (321, 802, 5)
    assert c.weights_shape == (5, 321) and p.weights_shape == (801,)


def test_instances_cannot_be_changed():
    p = perceptron(5, 1.0, seed=1)
    with pytest.raises(ValueError):
        p.inputs[0, 0] = 1


def test_the_seed_decides_everything():
    first, again, other = (committee(9, 3, 0.7, seed, labels="teacher") for seed in (1, 1, 2))
    for name in ("inputs", "labels", "teacher"):
        assert np.array_equal(getattr(first, name), getattr(again, name))
        assert not np.array_equal(getattr(first, name), getattr(other, name))


def test_random_signs_are_fair():
    """Mean of 801 x 240 fair signs: 5.3 standard errors (false alarm 1e-7) would show a bias of 0.012."""
    p = perceptron(801, 0.3, seed=5)
    assert abs(p.inputs.mean()) < 5.3 / np.sqrt(p.inputs.size)
    assert abs(p.labels.mean()) < 5.3 / np.sqrt(p.labels.size)


@pytest.mark.parametrize(
    "draw", [lambda **k: perceptron(21, 2.0, **k), lambda **k: committee(11, 3, 2.0, **k)]
)
def test_a_teacher_makes_no_error(draw):
    instance = draw(seed=3, labels="teacher")
    assert patterns.errors(instance, instance.teacher) == 0
    assert patterns.errors(instance, -instance.teacher) == instance.n_patterns
    assert patterns.energy(instance, instance.teacher) == 0


@pytest.mark.parametrize("kind", ["step", "linear"])
@pytest.mark.parametrize(
    "instance", [perceptron(7, 1.0, 1), committee(3, 3, 1.0, 2), committee(1, 7, 1.0, 3)]
)
def test_energy_is_the_defined_one(instance, kind):
    """The linear energy is found by trying all sets of flips."""
    for seed in range(10):
        weights = random_weights(instance, seed)
        expected = naive.energy(instance.inputs, instance.labels, weights, kind)
        assert patterns.energy(instance, weights, kind) == expected
        assert patterns.errors(instance, weights) == naive.error_count(
            instance.inputs, instance.labels, weights
        )


def test_linear_energy_of_the_perceptron():
    p = perceptron(101, 0.9, seed=4)
    weights = random_weights(p, 1)
    stability = p.labels * (p.inputs.astype(int) @ weights)
    assert np.array_equal(patterns.stabilities(p, weights)[:, 0], stability)
    assert patterns.energy(p, weights) == ((1 - stability) // 2)[stability < 0].sum()


def test_labels_are_absorbed_consistently():
    p = perceptron(31, 1.0, seed=1)
    absorbed = perceptron(inputs=p.inputs * p.labels[:, None], labels=np.ones(p.n_patterns))
    weights = random_weights(p, 2)
    for kind in ("step", "linear"):
        assert patterns.energy(p, weights, kind) == patterns.energy(absorbed, weights, kind)


@pytest.mark.parametrize("n", [1, 3, 5, 7])
def test_generalization_error_of_a_perceptron_is_exact(n):
    inputs = np.array(list(itertools.product([-1, 1], repeat=n)))
    instance = perceptron(n, 1.0, seed=1, labels="teacher")
    for flipped in range(n + 1):
        weights = instance.teacher.copy()
        weights[:flipped] *= -1
        wrong = np.mean(np.sign(inputs @ weights) != np.sign(inputs @ instance.teacher))
        assert patterns.generalization_error(instance, weights) == pytest.approx(wrong, abs=1e-12)


def test_generalization_error_of_a_committee():
    """Against all 2^9 inputs; 20 000 samples, 5.3 standard errors."""
    instance = committee(9, 3, 1.0, seed=1, labels="teacher")
    inputs = np.array(list(itertools.product([-1, 1], repeat=9)))
    weights = random_weights(instance, 1)
    exact = np.mean(patterns.outputs(inputs, weights) != patterns.outputs(inputs, instance.teacher))
    assert patterns.generalization_error(instance, instance.teacher) == 0
    assert patterns.generalization_error(instance, weights, seed=2) == pytest.approx(
        exact, abs=5.3 * 0.5 / 141
    )


@pytest.mark.parametrize("labels", ["random", "teacher"])
def test_datasets_come_back(labels):
    for instance, module in (
        (perceptron(9, 1.0, 1, labels=labels), perceptrons),
        (committee(9, 3, 1.0, 1, labels=labels), committees),
    ):
        again = module.from_dataset(instance.to_dataset())
        assert type(again) is type(instance) and again.hidden == instance.hidden
        assert np.array_equal(again.inputs, instance.inputs)
        assert np.array_equal(again.labels, instance.labels)
        assert (again.teacher is None) == (instance.teacher is None)
        if labels == "teacher":
            assert np.array_equal(again.teacher, instance.teacher)


def test_users_own_patterns():
    inputs = np.array([[1, -1, 1], [-1, -1, 1]], dtype=float)
    p = perceptron(inputs=inputs, labels=[1, -1])
    assert (p.n, p.n_patterns) == (3, 2)
    assert np.array_equal(p.inputs, inputs) and np.array_equal(p.labels, [1, -1])
    assert perceptron(3, 2 / 3, inputs=inputs).n_patterns == 2
    assert np.array_equal(perceptron(5, 0.4, labels=[1, -1]).labels, [1, -1])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: perceptron(800, 0.3), "n = 800: must be odd"),
        (lambda: perceptron(0, 0.3), "n = 0: must be an integer >= 1"),
        (lambda: perceptron(5.0, 0.3), "n = 5.0: must be an integer"),
        (lambda: committee(5, 4, 0.3), "hidden = 4: must be odd"),
        (lambda: perceptron(5, 0.01), "alpha = 0.01: gives no pattern"),
        (lambda: perceptron(5, -1), "alpha = -1: must be"),
        (lambda: perceptron(5, np.nan), "alpha = nan: must be"),
        (lambda: perceptron(5, "x"), "alpha = 'x': must be"),
        (lambda: perceptron(5), "alpha = None: both are needed"),
        (lambda: perceptron(5, 1.0, seed=-1), "seed = -1"),
        (lambda: perceptron(5, 1.0, labels="fair"), "labels = 'fair': must be"),
        (lambda: perceptron(5, 1.0, labels=[1, 1]), "labels has shape (2,): must be (5,)"),
        (lambda: perceptron(5, 1.0, labels=[1, 1, 1, 1, 2]), "labels[4] = 2: every entry must be +1 or -1"),
        (lambda: perceptron(inputs=[[1, 0, 1]]), "inputs[0, 1] = 0: every entry must be +1 or -1"),
        (lambda: perceptron(inputs=[[1, np.nan, 1]]), "inputs[0, 1] = nan"),
        (lambda: perceptron(3, 1.0, labels=[0, 1, 1]), "(for two classes give np.where(labels == 1, 1, -1))"),
        (lambda: perceptron(3, 1.0, labels=[False, True, True]), "labels has True and False"),
        (lambda: perceptron(800, 0.3), "must be odd, such as 801"),
        (lambda: committee(inputs=[[1, 1]]), "constant input makes it so: np.column_stack([inputs, np.ones"),
        (lambda: perceptron(inputs=[[1, 1]]), "inputs has n = 2 columns: must be odd"),
        (lambda: perceptron(inputs=[1, 1, 1]), "inputs has shape (3,)"),
        (lambda: perceptron(inputs=[[1, 1, 1], [1]]), "inputs has rows that differ in length"),
        (lambda: perceptron(inputs=np.ones((0, 3))), "there must be at least one pattern"),
        (lambda: perceptron(inputs=[["a", "b", "c"]]), "inputs has text"),
        (lambda: perceptron(5, inputs=[[1, 1, 1]]), "n = 5: must be 3"),
        (lambda: perceptron(3, 0.3, inputs=[[1, 1, 1]] * 5), "alpha = 0.3: inputs has 5 rows"),
        (lambda: patterns.errors(perceptron(5, 1.0), [1, 1]), "weights has shape (2,): must be (5,)"),
        (lambda: patterns.errors(perceptron(5, 1.0), [1, 1, 1, 1, 0]), "weights[4] = 0"),
        (lambda: patterns.energy(perceptron(5, 1.0), [1] * 5, "hinge"), "energy = 'hinge': must be one of"),
        (lambda: patterns.generalization_error(perceptron(5, 1.0), [1] * 5), "has no teacher"),
        (lambda: perceptrons.from_dataset(committee(5, 3, 1.0).to_dataset()), "kind = 'committee'"),
        (lambda: committees.from_dataset(perceptron(5, 1.0).to_dataset()), "kind = 'perceptron'"),
        (lambda: perceptrons.Perceptron([[1]], [1], hidden=3), "hidden = 3: must be 1"),
        (lambda: committees.Committee([[1]], [1], 3, teacher=[[1]]), "teacher has shape (1, 1)"),
    ],
)
def test_bad_arguments_are_named(call, words):
    with pytest.raises(ValueError) as error:
        call()
    assert words in str(error.value)
