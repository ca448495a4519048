"""Orthonormal families over a population of paths (rows = vectors, columns = paths; products are means over paths)."""

import numpy as np

from thermobatch.foundation.blocks import Blocks
from thermobatch.foundation.compilation import kernel
from thermobatch.foundation.row_sums import BLOCK, add_products, add_rows, combine, project


@kernel
def extend_basis(basis, vector, coefficients):
    """Write `vector` in an orthonormal basis (in the mean over paths) and add what is new of it to the basis.

    On return ``vector = sum_k coefficients[k] basis[k]`` with k = 0..t, t = coefficients.size - 1, so the coefficients
    are a row of the Cholesky factor of the vectors' covariances - but found from the vectors, which keeps the relative
    accuracy of small new components. A new component below 1e-13 of the vector is rounding noise: its coefficient and
    basis row are set to 0, because adding a ridge to the covariance would bias the law.
    """
    last = coefficients.size - 1
    new, known = basis[last], np.empty(vector.size)
    correction = np.empty(last)
    new[:] = vector
    coefficients[:] = 0.0
    whole = before = root_mean_square(vector)
    for _ in range(3):  # Gram-Schmidt, again whenever cancellation has hurt the orthogonality
        project(new, basis, correction)
        combine(correction, basis, known)
        for k in range(last):
            coefficients[k] += correction[k]
        for i in range(new.size):
            new[i] -= known[i]
        after = root_mean_square(new)
        if after >= 0.01 * before:
            break
        before = after
    if after > 1e-13 * whole:
        coefficients[last] = after
        for i in range(new.size):
            new[i] /= after
    else:
        new[:] = 0.0


@kernel
def root_mean_square(vector):
    """Return the root of the mean square over paths."""
    total = np.zeros(1)
    project(vector, vector.reshape(1, vector.size), total)
    return np.sqrt(total[0])


def orthonormalize(rows: np.ndarray) -> None:
    """Make the rows orthonormal in the mean over paths, each against the earlier ones, in place (Cholesky QR)."""
    factor = np.zeros((len(rows), len(rows)))
    blocks = -(-rows.shape[1] // BLOCK)
    begin = 0
    for end in Blocks().ends(0, blocks):
        add_covariances(rows, factor, begin, end)
        begin = end
    factorize(factor, rows.shape[1])
    begin = 0
    for end in Blocks().ends(0, blocks):
        remove_earlier(rows, factor, begin, end)
        begin = end


@kernel
def add_covariances(rows, factor, begin, end):
    """Add the products of all pairs of rows over some blocks of paths to the lower half of `factor`."""
    count, paths = rows.shape
    for block in range(begin, end):
        start, stop = block * BLOCK, min((block + 1) * BLOCK, paths)
        for r in range(count):
            add_products(rows[r, start:stop], rows, start, factor[r, : r + 1])


@kernel
def factorize(factor, paths):
    """Turn sums over paths into the Cholesky factor of the means, in place."""
    for r in range(len(factor)):
        factor[r, : r + 1] /= paths
        for c in range(r):
            for k in range(c):
                factor[r, c] -= factor[r, k] * factor[c, k]
            factor[r, c] /= factor[c, c]
            factor[r, r] -= factor[r, c] ** 2
        factor[r, r] = np.sqrt(factor[r, r])


@kernel
def remove_earlier(rows, factor, begin, end):
    """Take the earlier rows out of every row, over some blocks of paths, and set its norm to 1."""
    count, paths = rows.shape
    out = np.empty(BLOCK)
    for block in range(begin, end):
        start, stop = block * BLOCK, min((block + 1) * BLOCK, paths)
        part = out[: stop - start]
        for r in range(count):
            add_rows(factor[r, :r], rows, start, part)
            for i in range(stop - start):
                rows[r, start + i] = (rows[r, start + i] - part[i]) / factor[r, r]
