"""Kernels of gradient descent, mini-batch descent and Langevin dynamics.

A run is cut in blocks of steps. The schedules are given as arrays (:class:`Clock`), ``fill_path`` writes the
path of one block of one run, and ``observe`` reads it: the dynamics do not know what is measured, and results
do not depend on what is recorded.

A new dynamics is a NamedTuple (its fields are the landscape's data), a kernel ``(motion, clock, walker,
scratch)`` that fills ``scratch.path``, and one line in ``MOTIONS``.
"""

from typing import NamedTuple

import numpy as np
from numba.extending import overload

from thermobatch.foundation.compilation import kernel
from thermobatch.foundation.streams import advance, next_below, next_float
from thermobatch.langevin.potentials import potential_gradient

WITH_REPLACEMENT, WITHOUT_REPLACEMENT, RESHUFFLING = 0, 1, 2


class Thermal(NamedTuple):
    """Overdamped Langevin dynamics in `potential`; at temperature zero, gradient descent."""

    potential: NamedTuple


class AdditiveBatch(NamedTuple):
    """Mini-batch descent in `potential` with the sample gradients' `offsets`, float64[N, d]."""

    potential: NamedTuple
    offsets: np.ndarray
    sampling: int


class RegressionBatch(NamedTuple):
    """Mini-batch descent on a linear regression of `inputs`, float64[N, d], and `labels`, float64[N]."""

    inputs: np.ndarray
    labels: np.ndarray
    sampling: int


class Clock(NamedTuple):
    """Values at each step: `rates` eta, `amplitudes` sqrt(2 eta T) of Langevin noise, `batches` B."""

    rates: np.ndarray
    amplitudes: np.ndarray
    batches: np.ndarray


class Walker(NamedTuple):
    """One run: its `stream`, uint64[4]; for mini-batches the `order` of samples, int32[N], and its place."""

    stream: np.ndarray
    order: np.ndarray
    cursor: np.ndarray


class Scratch(NamedTuple):
    """Work space; row 0 of `path`, float64[block + 1, d], is where the block starts."""

    path: np.ndarray
    kicks: np.ndarray
    slope: np.ndarray
    chosen: np.ndarray


class Histogram(NamedTuple):
    """Counts, int64[runs, cells], in a box of equal cells; `lower` is empty when off."""

    lower: np.ndarray
    cells_per_unit: np.ndarray
    shape: np.ndarray
    counts: np.ndarray
    outside: np.ndarray


class Moments(NamedTuple):
    """Sums of w - `center`, float64[runs, d], and of its products, float64[runs, d, d]; no runs when off."""

    center: np.ndarray
    first: np.ndarray
    second: np.ndarray


class Basin(NamedTuple):
    """A box, and the first time of each run in it, int64[runs], -1 before; `lower` is empty when off."""

    lower: np.ndarray
    upper: np.ndarray
    hit: np.ndarray


class Observers(NamedTuple):
    """What is read of paths: positions at `times`, float64[times, runs, d], and after `burn_in` the rest."""

    times: np.ndarray
    recorded: np.ndarray
    burn_in: int
    histogram: Histogram
    moments: Moments
    basin: Basin


@kernel
def fill_normals(stream, out):
    """Fill the 1-D array `out` with standard normals (Marsaglia's polar method, both variates used)."""
    s0, s1, s2, s3 = stream[0], stream[1], stream[2], stream[3]
    unit = 2.0**-52
    for n in range(0, out.size, 2):
        while True:
            word, s0, s1, s2, s3 = advance(s0, s1, s2, s3)
            x = np.float64(word >> np.uint64(11)) * unit - 1.0
            word, s0, s1, s2, s3 = advance(s0, s1, s2, s3)
            y = np.float64(word >> np.uint64(11)) * unit - 1.0
            square = x * x + y * y
            if 0.0 < square < 1.0:
                break
        scale = np.sqrt(-2.0 * np.log(square) / square)
        out[n] = x * scale
        if n + 1 < out.size:
            out[n + 1] = y * scale
    stream[0], stream[1], stream[2], stream[3] = s0, s1, s2, s3


@kernel
def thermal_kicks(stream, amplitudes, kicks):
    """Write the Langevin kicks amplitude * N(0, I) of a block; a block at temperature zero draws nothing."""
    steps, dimension = amplitudes.size, kicks.shape[1]
    if amplitudes.max() == 0.0:
        kicks[:steps] = 0.0
        return
    fill_normals(stream, kicks.reshape(-1)[: steps * dimension])
    for n in range(steps):
        for i in range(dimension):
            kicks[n, i] *= amplitudes[n]


@kernel
def draw_batch(sampling, walker, size, chosen):
    """Write the indices of the next mini-batch of `size` samples into `chosen`.

    Sampling is with replacement; without it in each batch, batches being independent; or by reshuffling:
    successive batches of a random order of all samples, drawn anew when fewer than `size` are left (those are
    skipped).
    """
    count = walker.order.size
    if sampling == WITH_REPLACEMENT:
        for k in range(size):
            chosen[k] = next_below(walker.stream, count)
        return
    if sampling == WITHOUT_REPLACEMENT or walker.cursor[0] + size > count:
        walker.cursor[0] = 0
    begin = walker.cursor[0]
    for k in range(size):  # one Fisher-Yates step a sample: the rest of the order stays a random arrangement
        other = begin + k + next_below(walker.stream, count - begin - k)
        index = walker.order[other]
        walker.order[other] = walker.order[begin + k]
        walker.order[begin + k] = index
        chosen[k] = index
    walker.cursor[0] = begin + size


@kernel
def additive_kicks(motion, clock, walker, scratch):
    """Write the mini-batch kicks -eta * mean of the batch's offsets of a block."""
    dimension = scratch.kicks.shape[1]
    for n in range(clock.rates.size):
        size = clock.batches[n]
        draw_batch(motion.sampling, walker, size, scratch.chosen)
        scale = -clock.rates[n] / size
        for i in range(dimension):
            total = 0.0
            for k in range(size):
                total += motion.offsets[scratch.chosen[k], i]
            scratch.kicks[n, i] = scale * total


@kernel
def kicked_path(potential, rates, scratch):
    """Fill the path of a block from the kicks: w <- w - eta grad L(w) + kick."""
    path, kicks, slope = scratch.path, scratch.kicks, scratch.slope
    for n in range(rates.size):
        potential_gradient(potential, path[n], slope)
        for i in range(slope.size):
            path[n + 1, i] = path[n, i] - rates[n] * slope[i] + kicks[n, i]


@kernel
def thermal_path(motion, clock, walker, scratch):
    """Fill the path of a block of Langevin dynamics."""
    thermal_kicks(walker.stream, clock.amplitudes, scratch.kicks)
    kicked_path(motion.potential, clock.rates, scratch)


@kernel
def additive_path(motion, clock, walker, scratch):
    """Fill the path of a block of mini-batch descent with additive samples."""
    additive_kicks(motion, clock, walker, scratch)
    kicked_path(motion.potential, clock.rates, scratch)


@kernel
def regression_path(motion, clock, walker, scratch):
    """Fill the path of a block of mini-batch descent on a regression: w <- w - (eta/B) sum (x.w - y) x."""
    inputs, path, slope = motion.inputs, scratch.path, scratch.slope
    for n in range(clock.rates.size):
        size = clock.batches[n]
        draw_batch(motion.sampling, walker, size, scratch.chosen)
        slope[:] = 0.0
        for k in range(size):
            index = scratch.chosen[k]
            residual = -motion.labels[index]
            for i in range(slope.size):
                residual += inputs[index, i] * path[n, i]
            for i in range(slope.size):
                slope[i] += residual * inputs[index, i]
        scale = clock.rates[n] / size
        for i in range(slope.size):
            path[n + 1, i] = path[n, i] - scale * slope[i]


MOTIONS = {Thermal: thermal_path, AdditiveBatch: additive_path, RegressionBatch: regression_path}


def fill_path(motion, clock, walker, scratch):
    """Fill the path of a block with the dynamics of `motion` (to be called in kernels)."""
    MOTIONS[type(motion)](motion, clock, walker, scratch)


@overload(fill_path)
def _path_of_type(motion, clock, walker, scratch):
    """Let numba choose the dynamics from the type of the motion."""
    path = MOTIONS.get(getattr(motion, "instance_class", None))
    return path and (lambda motion, clock, walker, scratch: path(motion, clock, walker, scratch))


@kernel
def count_cells(path, first, last, histogram, run):
    """Count the rows first..last of a path in the cells of the box."""
    shape = histogram.shape
    for n in range(first, last + 1):
        cell = 0
        inside = True
        for i in range(shape.size):
            place = (path[n, i] - histogram.lower[i]) * histogram.cells_per_unit[i]
            inside = inside and 0.0 <= place < shape[i]
            cell = cell * shape[i] + (np.int64(place) if inside else 0)
        if inside:
            histogram.counts[run, cell] += 1
        else:
            histogram.outside[run] += 1


@kernel
def add_moments(path, first, last, moments, run):
    """Add the rows first..last of a path to the sums of moments."""
    center = moments.center
    for n in range(first, last + 1):
        for i in range(center.size):
            deviation = path[n, i] - center[i]
            moments.first[run, i] += deviation
            for j in range(i + 1):
                moments.second[run, i, j] += deviation * (path[n, j] - center[j])


@kernel
def find_hit(path, last, begin, basin, run):
    """Keep the first time the path is in the basin; `begin` is the time of row 0."""
    for n in range(1, last + 1):
        inside = True
        for i in range(basin.lower.size):
            inside = inside and basin.lower[i] < path[n, i] < basin.upper[i]
        if inside:
            basin.hit[run] = begin + n
            return


@kernel
def observe(path, span, observers, run):
    """Read a block of one run; `span`: the time of row 0, the last row, the first row to measure."""
    begin, last, first = span
    times = observers.times
    for k in range(np.searchsorted(times, begin + 1), np.searchsorted(times, begin + last + 1)):
        observers.recorded[k, run] = path[times[k] - begin]
    if observers.histogram.lower.size:
        count_cells(path, first, last, observers.histogram, run)
    if observers.moments.first.shape[0]:
        add_moments(path, first, last, observers.moments, run)
    if observers.basin.lower.size and observers.basin.hit[run] < 0:
        find_hit(path, last, begin, observers.basin, run)


@kernel
def run_stretch(motion, clock, walkers, positions, scratch, begin, observers):
    """Move every run, a row of `positions`, through the steps of `clock`; `begin` is the time before them.

    `walkers` holds the rows of all runs. Each run goes through all its blocks before the next run starts.
    """
    steps, block = clock.rates.size, scratch.kicks.shape[0]
    for run in range(positions.shape[0]):
        walker = Walker(walkers.stream[run], walkers.order[run], walkers.cursor[run : run + 1])
        for start in range(0, steps, block):
            stop = min(start + block, steps)
            part = Clock(clock.rates[start:stop], clock.amplitudes[start:stop], clock.batches[start:stop])
            scratch.path[0] = positions[run]
            fill_path(motion, part, walker, scratch)
            time, last = begin + start, stop - start
            observe(scratch.path, (time, last, max(1, observers.burn_in - time + 1)), observers, run)
            positions[run] = scratch.path[last]


@kernel
def uniform_starts(streams, lower, upper, positions):
    """Write a uniform position in the box for each run, drawn from its own stream."""
    for run in range(positions.shape[0]):
        for i in range(lower.size):
            fraction = next_float(streams[run])
            positions[run, i] = lower[i] + (upper[i] - lower[i]) * fraction
