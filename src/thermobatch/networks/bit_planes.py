"""Sixty-four patterns a word: packed signs, population counts and counters stored as bit planes.

A counter of every pattern is stored as P planes of bits (two's complement, plane 0 the lowest), so that one
word operation updates or compares sixty-four counters at once.
"""

import numpy as np
from numba import types
from numba.extending import intrinsic

ONES = np.uint64(0xFFFFFFFFFFFFFFFF)


@intrinsic
def popcount(typingctx, word):
    """Return the number of set bits of a uint64 as int64 (the processor's instruction)."""
    signature = types.int64(types.uint64)

    def generate(context, builder, signature, arguments):
        return builder.ctpop(arguments[0])

    return signature, generate


def pack(signs: np.ndarray) -> np.ndarray:
    """Pack the last axis of an array of +-1 into words: bit j of word w is set where entry 64 w + j is +1.

    Parameters
    ----------
    signs : +-1, shape (..., M).

    Returns
    -------
    uint64[..., ceil(M / 64)]; the bits beyond M are clear.
    """
    signs = np.asarray(signs)
    words = -(-signs.shape[-1] // 64)
    bits = np.zeros((*signs.shape[:-1], words * 64), dtype=bool)
    bits[..., : signs.shape[-1]] = signs > 0
    return np.ascontiguousarray(np.packbits(bits, axis=-1, bitorder="little")).view("<u8").astype(np.uint64)


def to_planes(values: np.ndarray, planes: int) -> np.ndarray:
    """Return integers as bit planes: uint64[..., planes, ceil(M / 64)] from integers of shape (..., M)."""
    values = np.asarray(values, dtype=np.int64)[..., None, :]
    bits = (values >> np.arange(planes)[:, None]) & 1
    return pack(2 * bits - 1)


def from_planes(planes: np.ndarray, count: int) -> np.ndarray:
    """Return the first `count` integers stored in bit planes (two's complement): int64[..., count]."""
    little_endian = np.ascontiguousarray(planes, dtype="<u8")
    bits = np.unpackbits(little_endian.view(np.uint8), axis=-1, bitorder="little")[..., :count].astype(
        np.int64
    )
    place_values = 1 << np.arange(planes.shape[-2], dtype=np.int64)
    place_values[-1] *= -1
    return np.einsum("...pm,p->...m", bits, place_values)
