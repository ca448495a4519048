"""Random streams: the same numbers as the definition, exact laws, honest errors."""

import numpy as np
import pytest
import scipy.stats
from naive.coloring.dynamics import Xoshiro

from thermobatch.foundation import streams
from thermobatch.foundation.compilation import kernel

FALSE_ALARM = 1e-6


@kernel
def many_below(state, bound, count):
    values = np.empty(count, np.int64)
    for k in range(count):
        values[k] = streams.next_below(state, bound)
    return values


@kernel
def many_normals(state, count):
    values = np.empty(count)
    for k in range(count):
        values[k] = streams.next_normal(state)
    return values


@kernel
def many_splits(state, bound, count):
    values = np.empty((count, 2), np.uint64)
    for k in range(count):
        integer, fraction = streams.split_word(streams.next_word(state), np.uint64(bound))
        values[k, 0] = integer
        values[k, 1] = fraction
    return values


@kernel
def many_shuffles(state, size, count):
    rows = np.empty((count, size), np.int32)
    for k in range(count):
        rows[k] = np.arange(size)
        streams.shuffle(state, rows[k])
    return rows


@pytest.mark.parametrize("seed", [0, 1, 2**63, np.random.SeedSequence(7, spawn_key=(3, 1))])
def test_words_are_those_of_the_definition(seed):
    state = streams.random_stream(seed)
    twin = Xoshiro(state)
    assert [int(streams.next_word(state)) for _ in range(200)] == [twin.word() for _ in range(200)]
    assert [int(word) for word in state] == twin.state


def test_words_are_the_published_ones():
    """First outputs for the state 1, 2, 3, 4, by hand from the definition: rotl(s0 + s3, 23) + s0, and onwards."""
    state = np.array([1, 2, 3, 4], np.uint64)
    assert int(streams.next_word(state)) == (5 << 23) + 1
    assert state.tolist() == [7, 0, 262146, 211106232532992]
    assert (
        int(streams.next_word(state))
        == ((7 + 211106232532992) * 2**23 % 2**64 | (7 + 211106232532992) >> 41) + 7
    )


@pytest.mark.parametrize("bound", [1, 2, 3, 5, 1000, 2**31 + 5, 2**32 - 1])
def test_integers_below_a_bound_are_those_of_the_definition(bound):
    state = streams.random_stream(11)
    twin = Xoshiro(state)
    assert many_below(state, bound, 300).tolist() == [twin.below(bound) for _ in range(300)]


def test_floats_are_those_of_the_definition():
    state = streams.random_stream(12)
    twin = Xoshiro(state)
    assert [streams.next_float(state) for _ in range(300)] == [twin.uniform() for _ in range(300)]


def test_integers_below_a_bound_are_uniform():
    """200 000 draws: a bias of 3% of one of the 7 values would be seen."""
    counts = np.bincount(many_below(streams.random_stream(13), 7, 200_000), minlength=7)
    assert scipy.stats.chisquare(counts).pvalue > FALSE_ALARM


def test_rejection_removes_the_bias_of_large_bounds():
    """Without rejection the residues mod 3 of integers below 3 * 2^30 would have probabilities 1/2, 1/4, 1/4."""
    values = many_below(streams.random_stream(14), 3 * 2**30, 100_000)
    assert scipy.stats.chisquare(np.bincount(values % 3, minlength=3)).pvalue > FALSE_ALARM
    assert values.max() < 3 * 2**30


@pytest.mark.parametrize("bound", [1, 2, 4, 6, 31])
def test_split_word_is_the_128_bit_product(bound):
    state = streams.random_stream(15)
    twin = Xoshiro(state)
    for integer, fraction in many_splits(state, bound, 300).tolist():
        product = twin.word() * bound
        assert (integer, fraction) == (product >> 64, product % 2**64 >> 1)


def test_split_word_gives_independent_uniform_variates():
    values = many_splits(streams.random_stream(16), 4, 200_000)
    table = np.zeros((4, 8))
    np.add.at(table, (values[:, 0].astype(int), (values[:, 1] >> np.uint64(60)).astype(int)), 1)
    assert scipy.stats.chisquare(table.ravel()).pvalue > FALSE_ALARM


def test_normals_have_the_normal_law():
    """100 000 draws: a shift of the mean or of the standard deviation by 0.02 would be seen."""
    values = many_normals(streams.random_stream(17), 100_000)
    assert scipy.stats.kstest(values, "norm").pvalue > FALSE_ALARM
    error = scipy.stats.norm.isf(FALSE_ALARM / 8)
    assert abs(values.mean()) < error / np.sqrt(1e5)
    assert abs((values**2).mean() - 1) < error * np.sqrt(2 / 1e5)
    assert abs((values**3).mean()) < error * np.sqrt(15 / 1e5)
    assert abs((values**4).mean() - 3) < error * np.sqrt(96 / 1e5)


@pytest.mark.slow
def test_shuffles_are_uniform_over_permutations():
    rows = many_shuffles(streams.random_stream(18), 4, 60_000)
    assert np.array_equal(np.sort(rows, axis=1), np.tile(np.arange(4), (60_000, 1)))
    counts = np.unique(rows @ [64, 16, 4, 1], return_counts=True)[1]
    assert counts.size == 24
    assert scipy.stats.chisquare(counts).pvalue > FALSE_ALARM


def test_seeds_determine_streams():
    assert np.array_equal(streams.random_stream(5), streams.random_stream(np.random.SeedSequence(5)))
    assert not np.array_equal(streams.random_stream(5), streams.random_stream(6))


def test_an_all_zero_state_is_avoided(monkeypatch):
    class Zeros(np.random.SeedSequence):
        def generate_state(self, n_words, dtype=np.uint32):
            return np.zeros(n_words, dtype)

    assert streams.random_stream(Zeros(1)).any()


@pytest.mark.parametrize("seed", [-1, 1.0, 1.5, "1", None, True, [1, 2]])
def test_bad_seeds_are_rejected(seed):
    with pytest.raises(ValueError, match=r"seed = .*must be a non-negative integer"):
        streams.random_stream(seed)


def test_children_do_not_depend_on_how_often_they_are_asked_for():
    parent = np.random.SeedSequence(9, spawn_key=(4,))
    first, again = streams.child_seed(parent, 2, 1), streams.child_seed(parent, 2, 1)
    assert first.spawn_key == (4, 2, 1)
    assert np.array_equal(streams.random_stream(first), streams.random_stream(again))
    assert parent.n_children_spawned == 0
    states = {tuple(streams.random_stream(streams.child_seed(9, key))) for key in range(50)}
    assert len(states) == 50
