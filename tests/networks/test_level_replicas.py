"""Coupled replicas on several levels: law and factors by definition, two levels as before, distances."""

import itertools

import numpy as np
import pytest
from naive.networks import levels as naive

from thermobatch.networks import level_replicas, replicated
from thermobatch.networks.dynamics.level_metropolis import level_factors
from thermobatch.networks.level_replicas import LevelReplicas, LevelReplicated, distances_and_overlap
from thermobatch.networks.levels import level_values
from thermobatch.networks.perceptron import perceptron
from thermobatch.networks.replicated import coupling_factors

GAMMA = 1.3


@pytest.mark.parametrize(("levels", "replicas"), [(2, 3), (4, 1), (4, 2), (4, 3), (8, 2)])
def test_factors_of_every_move(levels, replicas):
    """All values of a site's replicas, all moves: the ratio of the law by its definition."""
    factors = level_factors(GAMMA, replicas, levels - 1)
    top = levels - 1
    for site in itertools.product(level_values(levels), repeat=replicas):
        before = naive.log_weight(np.array(site)[:, None], [0], 0.0, GAMMA, levels)
        for replica, direction in itertools.product(range(replicas), (0, 1)):
            moved = list(site)
            moved[replica] += 4 * direction - 2
            if abs(moved[replica]) > top:
                continue
            after = naive.log_weight(np.array(moved)[:, None], [0], 0.0, GAMMA, levels)
            factor = factors[direction, (site[replica] + top) // 2, (sum(site) + replicas * top) // 2]
            assert np.log(factor) == pytest.approx(after - before, abs=1e-12)


def test_factors_of_two_levels_are_the_binary_ones():
    for replicas, coupling in itertools.product((1, 2, 3, 7), (0.0, 0.4, 3.0)):
        binary = coupling_factors(coupling, replicas, False)
        factors = level_factors(coupling, replicas, 1)
        for weight, total in itertools.product((-1, 1), range(-replicas, replicas + 1, 2)):
            if abs(total - weight) >= replicas:  # no such sum with this weight
                continue
            found = factors[(1 - weight) // 2, (weight + 1) // 2, (total + replicas) // 2]
            assert found == pytest.approx(binary[weight * total + replicas], rel=1e-12)


def test_factors_stay_finite():
    for coupling in (0.0, 400.0, 1e5):
        assert np.isfinite(level_factors(coupling, 3, 7)).all()
    assert (level_factors(0.0, 3, 7) == 1).all()


@pytest.mark.parametrize("levels", [2, 4, 8])
def test_the_law_is_the_defined_one(levels):
    rng = np.random.default_rng(levels)
    weights = rng.choice(level_values(levels), (3, 5))
    expected = naive.log_weight(weights, [1, 2, 3], 0.7, GAMMA, levels)
    assert level_replicas.log_weight([1, 2, 3], weights, 0.7, GAMMA, levels) == pytest.approx(expected)
    if levels == 2:  # but for the constant exp(-gamma y) a site
        binary = replicated.log_weight([1, 2, 3], weights, 0.7, GAMMA)
        assert binary - 3 * GAMMA * 5 == pytest.approx(expected)


def test_distances_and_overlaps_of_two_levels_are_the_binary_ones():
    """The majority, a tie counting one half; the mean overlap of two replicas."""
    rng = np.random.default_rng(1)
    for replicas in (1, 2, 3, 4):
        weights = rng.choice([-1, 1], (replicas, 40)).astype(np.int8)
        state = LevelReplicas(_System(weights), weights.sum(axis=0, dtype=np.int32), 1)
        distances, overlap = distances_and_overlap(state)
        centre = np.sign(weights.sum(axis=0))
        assert distances == pytest.approx(0.5 * (1 - (weights * centre).mean(axis=1)))
        pairs = list(itertools.combinations(range(replicas), 2))
        if pairs:
            expected = np.mean([(weights[a] * weights[b]).mean() for a, b in pairs])
            assert overlap == pytest.approx(expected)


class _System:
    def __init__(self, spins):
        self.spins = spins


def test_the_centre_is_the_nearest_level():
    instance = perceptron(5, 1.0, 1, levels=4)
    weights = np.array([[-3, -3, 1, 1, 3], [-3, -1, 3, -1, 3], [-3, 1, 3, -3, -3]], dtype=np.int8)
    three = LevelReplicated(instance, 3, "linear").state(weights)
    assert three.sums.tolist() == [-9, -3, 7, -3, 3]
    centre = LevelReplicated(instance, 3, "linear").centre_of(three)
    assert centre.tolist() == [-3, -1, 3, -1, 1] and centre.dtype == np.int8
    two = LevelReplicated(instance, 2, "linear").state(weights[:2])
    assert LevelReplicated(instance, 2, "linear").centre_of(two).tolist() == [-3, -2, 2, 0, 3]
    distances, overlap = distances_and_overlap(two)
    assert overlap == pytest.approx(1 - 2 * np.mean([0, 4, 4, 4, 0]) / 36)
    assert distances == pytest.approx([np.mean([0, 2, 2, 2, 0]) / 36] * 2)
