"""Random streams: the only source of randomness inside compiled kernels.

A stream is a xoshiro256++ generator (Blackman & Vigna, ACM TOMS 47, 36 (2021)) whose 256-bit state is four
``uint64`` in an array, seeded from a :class:`numpy.random.SeedSequence`. Streams of different seed sequences are
independent for all practical purposes; the same seed gives the same numbers on every machine.

Kernels that are not limited by the generator call ``next_float(state)`` and friends on the array. The fastest
kernels load the four words into local variables, use :func:`advance` on them, and store them back at the end.
"""

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from thermobatch.foundation.compilation import kernel

Seed = int | np.random.SeedSequence


def seed_sequence(seed: Seed) -> np.random.SeedSequence:
    """Return `seed` as a SeedSequence; reject anything but a non-negative integer or a SeedSequence."""
    if isinstance(seed, np.random.SeedSequence):
        return seed
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise ValueError(f"seed = {seed!r}: must be a non-negative integer or a numpy SeedSequence")
    return np.random.SeedSequence(int(seed))


def random_stream(seed: Seed) -> np.ndarray:
    """Return the initial state of a stream: ``uint64[4]``, never all zero."""
    state = seed_sequence(seed).generate_state(4, np.uint64)
    if not state.any():
        state[0] = 1
    return state


def child_seed(seed: Seed, *key: int) -> np.random.SeedSequence:
    """Return the seed sequence at `key` below `seed`, without touching `seed`.

    Unlike ``SeedSequence.spawn`` it does not count: the same seed and key always give the same child.
    """
    parent = seed_sequence(seed)
    return np.random.SeedSequence(
        parent.entropy, spawn_key=(*parent.spawn_key, *key), pool_size=parent.pool_size
    )


@kernel(inline="always")
def rotate_left(word, count):
    """Rotate a 64-bit word left by `count` bits."""
    return (word << np.uint64(count)) | (word >> np.uint64(64 - count))


@kernel(inline="always")
def advance(s0, s1, s2, s3):
    """One xoshiro256++ step on four words: return ``(output, s0, s1, s2, s3)``."""
    total = s0 + s3
    output = ((total << np.uint64(23)) | (total >> np.uint64(41))) + s0
    shifted = s1 << np.uint64(17)
    s2 ^= s0
    s3 ^= s1
    s1 ^= s2
    s0 ^= s3
    s2 ^= shifted
    s3 = (s3 << np.uint64(45)) | (s3 >> np.uint64(19))
    return output, s0, s1, s2, s3


@intrinsic
def multiply_wide(typing_context, left, right):
    """Return the 128-bit product of two ``uint64`` as ``(high, low)`` words (one machine instruction)."""

    def generate(context, builder, signature, arguments):
        wide = ir.IntType(128)
        product = builder.mul(*(builder.zext(argument, wide) for argument in arguments))
        high = builder.trunc(builder.lshr(product, ir.Constant(wide, 64)), ir.IntType(64))
        low = builder.trunc(product, ir.IntType(64))
        return context.make_tuple(builder, signature.return_type, [high, low])

    return types.UniTuple(types.uint64, 2)(types.uint64, types.uint64), generate


@kernel(inline="always")
def split_word(word, bound):
    """Turn 64 random bits into two variates: ``(integer below bound, 63-bit fraction)``, both ``uint64``.

    The integer is the high word of ``word * bound``, the fraction the low word halved: an event of probability p is
    ``fraction < round(p * 2**63)``, which never happens for p = 0 and always for p = 1. Given the integer, the
    fraction is uniform to within bound / 2**64.
    """
    integer, rest = multiply_wide(word, bound)
    return integer, rest >> np.uint64(1)


@kernel
def next_word(state):
    """Return the next 64 random bits of a stream (and advance it)."""
    output, state[0], state[1], state[2], state[3] = advance(state[0], state[1], state[2], state[3])
    return output


@kernel
def next_float(state):
    """Return a uniform float64 in [0, 1) with 53 random bits."""
    return np.float64(next_word(state) >> np.uint64(11)) * 1.1102230246251565e-16


@kernel
def next_below(state, bound):
    """Return a uniform integer in [0, bound), bound < 2**32, exactly (Lemire's rejection method), as int64."""
    bound = np.uint64(bound)
    mask = np.uint64(0xFFFFFFFF)
    product = (next_word(state) >> np.uint64(32)) * bound
    low = product & mask
    if low < bound:
        threshold = (np.uint64(0x100000000) - bound) % bound
        while low < threshold:
            product = (next_word(state) >> np.uint64(32)) * bound
            low = product & mask
    return np.int64(product >> np.uint64(32))


@kernel
def next_normal(state):
    """Return a standard normal float64 (Marsaglia's polar method; the second variate is dropped)."""
    while True:
        x = 2.0 * next_float(state) - 1.0
        y = 2.0 * next_float(state) - 1.0
        square = x * x + y * y
        if 0.0 < square < 1.0:
            return x * np.sqrt(-2.0 * np.log(square) / square)


@kernel
def shuffle(state, values):
    """Permute the 1-D array `values` uniformly, in place (Fisher-Yates)."""
    for last in range(values.size - 1, 0, -1):
        other = next_below(state, last + 1)
        kept = values[last]
        values[last] = values[other]
        values[other] = kept
