"""Compiled products of a tall or wide float64 matrix with vectors, in a fixed order of additions.

They are the cost of the mean-field solver (rows = times, columns = paths) and of the simulations (rows = samples,
columns = weights). Sums run over blocks of columns, four rows together, so results depend neither on the machine's
vector width nor on the number of threads, unlike a BLAS.
"""

from thermobatch.foundation.compilation import kernel

BLOCK = 512  # columns at a time: four rows and the output stay in the first-level cache


@kernel
def combine(coefficients, rows, out):
    """Set ``out[i] = sum_r coefficients[r] rows[r, i]``, over the rows r < coefficients.size."""
    for start in range(0, out.size, BLOCK):
        add_rows(coefficients, rows, start, out[start : start + BLOCK])


@kernel
def add_rows(coefficients, rows, start, out):
    """Fill one block of `combine`."""
    stop = start + out.size
    out[:] = 0.0
    r = 0
    while r + 4 <= coefficients.size:
        c0, c1, c2, c3 = coefficients[r], coefficients[r + 1], coefficients[r + 2], coefficients[r + 3]
        row0, row1 = rows[r, start:stop], rows[r + 1, start:stop]
        row2, row3 = rows[r + 2, start:stop], rows[r + 3, start:stop]
        for i in range(out.size):
            out[i] += (c0 * row0[i] + c1 * row1[i]) + (c2 * row2[i] + c3 * row3[i])
        r += 4
    while r < coefficients.size:
        c0, row0 = coefficients[r], rows[r, start:stop]
        for i in range(out.size):
            out[i] += c0 * row0[i]
        r += 1


@kernel
def project(weights, rows, out):
    """Set ``out[r] = sum_i weights[i] rows[r, i] / weights.size``, over the rows r < out.size."""
    out[:] = 0.0
    for start in range(0, weights.size, BLOCK):
        add_products(weights[start : start + BLOCK], rows, start, out)
    for r in range(out.size):
        out[r] /= weights.size


@kernel
def add_products(weights, rows, start, out):
    """Add one block of `project`: eight running sums hide the latency of the additions."""
    stop = start + weights.size
    half = weights.size // 2
    r = 0
    while r + 4 <= out.size:
        row0, row1 = rows[r, start:stop], rows[r + 1, start:stop]
        row2, row3 = rows[r + 2, start:stop], rows[r + 3, start:stop]
        a0, a1, a2, a3, b0, b1, b2, b3 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        for i in range(half):
            x, y = weights[i], weights[i + half]
            a0 += x * row0[i]
            a1 += x * row1[i]
            a2 += x * row2[i]
            a3 += x * row3[i]
            b0 += y * row0[i + half]
            b1 += y * row1[i + half]
            b2 += y * row2[i + half]
            b3 += y * row3[i + half]
        for i in range(2 * half, weights.size):
            x = weights[i]
            a0 += x * row0[i]
            a1 += x * row1[i]
            a2 += x * row2[i]
            a3 += x * row3[i]
        out[r] += a0 + b0
        out[r + 1] += a1 + b1
        out[r + 2] += a2 + b2
        out[r + 3] += a3 + b3
        r += 4
    while r < out.size:
        row0 = rows[r, start:stop]
        total = 0.0
        for i in range(weights.size):
            total += weights[i] * row0[i]
        out[r] += total
        r += 1


@kernel
def project_and_combine(weights, coefficients, rows, products, out):
    """Do `project` and `combine` on the same rows, reading the rows from memory once."""
    products[:] = 0.0
    for start in range(0, out.size, BLOCK):
        part = out[start : start + BLOCK]
        add_rows(coefficients, rows, start, part)
        add_products(weights[start : start + BLOCK], rows, start, products)
    for r in range(products.size):
        products[r] /= out.size


@kernel
def combine_selected(selected, coefficients, rows, out):
    """Set ``out[i] = sum_j coefficients[j] rows[selected[j], i]``; rows that are not selected are not read."""
    out[:] = 0.0
    for start in range(0, out.size, BLOCK):
        part = out[start : start + BLOCK]
        stop = start + part.size
        j = 0
        while j + 4 <= selected.size:
            c0, c1, c2, c3 = coefficients[j], coefficients[j + 1], coefficients[j + 2], coefficients[j + 3]
            row0, row1 = rows[selected[j], start:stop], rows[selected[j + 1], start:stop]
            row2, row3 = rows[selected[j + 2], start:stop], rows[selected[j + 3], start:stop]
            for i in range(part.size):
                part[i] += (c0 * row0[i] + c1 * row1[i]) + (c2 * row2[i] + c3 * row3[i])
            j += 4
        while j < selected.size:
            c0, row0 = coefficients[j], rows[selected[j], start:stop]
            for i in range(part.size):
                part[i] += c0 * row0[i]
            j += 1
