"""Theory of perceptrons of several levels: two levels, the literal free entropy, limits, bad arguments."""

import numpy as np
import pytest
from naive.networks import perceptron_theory as naive

from thermobatch.networks.theory.level_entropy import level_capacity, level_symmetric_point
from thermobatch.networks.theory.perceptron_entropy import capacity, replica_symmetric_point


@pytest.mark.parametrize("alpha", [0.05, 0.3, 0.8])
def test_two_levels_are_the_binary_weights(alpha):
    found, expected = level_symmetric_point(alpha, 2), replica_symmetric_point(alpha)
    assert found.square == pytest.approx(1.0, abs=1e-12) and found.converged
    assert found.overlap == pytest.approx(expected.overlap, abs=1e-10)
    assert found.entropy == pytest.approx(expected.entropy, abs=1e-10)


@pytest.mark.parametrize("levels", [2, 4, 8])
@pytest.mark.parametrize("share", [0.1, 0.36, 1.0])
def test_the_point_is_a_saddle_of_the_literal_free_entropy(levels, share):
    """Central differences in Q, q and their conjugates vanish, the step relative to each."""
    alpha = share * {2: 0.833, 4: 1.36, 8: 1.66}[levels]
    point = level_symmetric_point(alpha, levels)
    assert point.converged
    names = ("square", "overlap", "square_conjugate", "overlap_conjugate")
    place = np.array([getattr(point, name) for name in names])
    assert naive.level_symmetric(alpha, levels, *place) == pytest.approx(point.entropy, abs=1e-8)
    for axis in range(4):
        step = np.zeros(4)
        step[axis] = 1e-5 * place[axis]
        up, down = (naive.level_symmetric(alpha, levels, *(place + side * step)) for side in (1, -1))
        assert abs(up - down) / 2e-5 < 1e-6, names[axis]


def test_few_patterns_halve_the_space_each():
    for levels in (2, 4, 8):
        entropy = level_symmetric_point(0.01, levels).entropy
        assert 0.0 < np.log(levels) - 0.01 * np.log(2) - entropy < 1e-4


def test_capacities():
    """That of two levels is the known one; more levels hold more, less than real weights do (2)."""
    found = {levels: level_capacity(levels) for levels in (2, 4, 8, 16)}
    assert found[2].capacity == pytest.approx(float(capacity().capacity), abs=1e-9)
    numbers = [float(each.capacity) for each in found.values()]
    assert numbers == sorted(numbers) and numbers[-1] < 2
    assert numbers[1:3] == pytest.approx([1.3600, 1.6599], abs=1e-4)
    assert all(each.capacity_error < 1e-8 for each in found.values())


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: level_symmetric_point(0.0, 4), "alpha = 0.0: must be in (0, 2]"),
        (lambda: level_symmetric_point(2.1, 4), "alpha = 2.1"),
        (lambda: level_symmetric_point(0.3, 3), "levels = 3: must be even"),
        (lambda: level_capacity(66), "levels = 66: must be an integer in 2..64"),
        (lambda: level_capacity(4, order=3), "order = 3"),
    ],
)
def test_bad_arguments_are_named(call, words):
    with pytest.raises(ValueError) as error:
        call()
    assert words in str(error.value)
