"""Landscapes, their dynamics and their stationary laws from the definitions, as slowly and plainly as possible."""

import itertools
import math

import numpy as np

WORD = (1 << 64) - 1


class Stream:
    """xoshiro256++ on Python integers."""

    def __init__(self, state):
        self.state = [int(word) for word in state]

    def word(self):
        s = self.state
        total = (s[0] + s[3]) & WORD
        output = (((total << 23) | (total >> 41)) + s[0]) & WORD
        shifted = (s[1] << 17) & WORD
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= shifted
        s[3] = ((s[3] << 45) | (s[3] >> 19)) & WORD
        return output

    def float(self):
        return (self.word() >> 11) / 2**53

    def below(self, bound):
        """Upper 32 bits times bound, rejecting the words that would favour some values."""
        while True:
            product = (self.word() >> 32) * bound
            if product % 2**32 >= 2**32 % bound:
                return product >> 32

    def normals(self, count):
        """Polar method: pairs, the last one dropped when `count` is odd."""
        found = []
        while len(found) < count:
            x, y = 2 * self.float() - 1, 2 * self.float() - 1
            square = x * x + y * y
            if 0 < square < 1:
                scale = math.sqrt(-2 * math.log(square) / square)
                found += [x * scale, y * scale]
        return np.array(found[:count])


def double_well(barrier, tilt, x):
    return barrier * (x[0] ** 2 - 1) ** 2 + tilt * x[0]


def rugged(curvature, amplitude, wavenumber, x):
    return sum(curvature * c**2 + amplitude * (1 - math.cos(wavenumber * c)) for c in x)


def regression_loss(inputs, labels, w):
    return sum((x @ w - y) ** 2 for x, y in zip(inputs, labels, strict=True)) / (2 * len(labels))


def numerical_gradient(energy, x, step=1e-5):
    """Central differences, one component at a time."""
    slopes = []
    for i in range(len(x)):
        up, down = np.array(x, float), np.array(x, float)
        up[i] += step
        down[i] -= step
        slopes.append((energy(up) - energy(down)) / (2 * step))
    return np.array(slopes)


def batches(stream, sampling, samples, sizes):
    """The mini-batches of a run, as lists of indices."""
    drawn, order, used = [], list(range(samples)), samples
    for size in sizes:
        if sampling == "with_replacement":
            drawn.append([stream.below(samples) for _ in range(size)])
            continue
        if sampling == "without_replacement" or used + size > samples:
            used = 0
        for place in range(used, used + size):
            other = place + stream.below(samples - place)
            order[place], order[other] = order[other], order[place]
        drawn.append(order[used : used + size])
        used += size
    return drawn


def langevin_path(gradient, start, rates, temperatures, stream):
    """Positions at times 0, 1, 2... of w <- w - eta grad + sqrt(2 eta T) N(0, I)."""
    path = [np.array(start, float)]
    heated = any(t > 0 for t in temperatures)
    noise = stream.normals(len(rates) * len(start)) if heated else np.zeros(len(rates) * len(start))
    for n, (rate, heat) in enumerate(zip(rates, temperatures, strict=True)):
        kick = math.sqrt(2 * rate * heat) * noise[n * len(start) : (n + 1) * len(start)]
        path.append(path[-1] - rate * gradient(path[-1]) + kick)
    return np.array(path)


def sgd_path(sample_gradient, start, rates, drawn):
    """Positions at times 0, 1, 2... of w <- w - eta * mean over the batch of grad l_mu."""
    path = [np.array(start, float)]
    for rate, batch in zip(rates, drawn, strict=True):
        mean = sum(sample_gradient(mu, path[-1]) for mu in batch) / len(batch)
        path.append(path[-1] - rate * mean)
    return np.array(path)


def histogram(path, edges):
    """Counts of positions in cells [a, b), and outside."""
    counts = np.zeros([len(axis) - 1 for axis in edges], int)
    outside = 0
    for position in path:
        cell = []
        for value, axis in zip(position, edges, strict=True):
            cell += [k for k in range(len(axis) - 1) if axis[k] <= value < axis[k + 1]]
        if len(cell) == len(edges):
            counts[tuple(cell)] += 1
        else:
            outside += 1
    return counts, outside


def all_batches(samples, batch, replacement):
    """Every mini-batch, all equally likely."""
    if replacement:
        return list(itertools.product(range(samples), repeat=batch))
    return list(itertools.combinations(range(samples), batch))


def sgd_moment_matrix(inputs, labels, rate, batch, replacement):
    """The map of (1, mean, second moment) of w - w* by one step of SGD, averaged over every possible mini-batch.

    For w* + delta a batch b gives delta <- A delta + c with A = I - eta mean_b(x x^T) and c = eta mean_b(r x).
    """
    d = inputs.shape[1]
    minimum = np.linalg.solve(inputs.T @ inputs, inputs.T @ labels)
    residuals = labels - inputs @ minimum
    total = np.zeros((1 + d + d * d,) * 2)
    for chosen in (drawn := all_batches(len(labels), batch, replacement)):
        x, r = inputs[list(chosen)], residuals[list(chosen)]
        a = np.eye(d) - rate * x.T @ x / batch
        c = rate * x.T @ r / batch
        step = np.zeros_like(total)
        step[0, 0] = 1
        step[1 : 1 + d, 0] = c
        step[1 : 1 + d, 1 : 1 + d] = a
        step[1 + d :, 0] = np.outer(c, c).reshape(-1)
        step[1 + d :, 1 : 1 + d] = np.kron(a, c[:, None]) + np.kron(c[:, None], a)
        step[1 + d :, 1 + d :] = np.kron(a, a)
        total += step
    return total / len(drawn)


def sgd_covariance(inputs, labels, rate, batch, replacement):
    """Stationary second moment of w - w*: the fixed point of the moment matrix."""
    d = inputs.shape[1]
    matrix = sgd_moment_matrix(inputs, labels, rate, batch, replacement)
    fixed = np.linalg.solve(np.eye(len(matrix) - 1) - matrix[1:, 1:], matrix[1:, 0])
    return fixed[:d], fixed[d:].reshape(d, d)


def growth_of_second_moment(inputs, labels, rate, batch, replacement):
    """Largest factor by which a second moment grows in one step."""
    d = inputs.shape[1]
    matrix = sgd_moment_matrix(inputs, labels, rate, batch, replacement)
    return np.abs(np.linalg.eigvals(matrix[1 + d :, 1 + d :])).max()


def boltzmann_cells(energy, temperature, edges, points=400):
    """Probabilities of the cells of one axis by the midpoint rule."""
    masses = []
    for low, high in itertools.pairwise(edges):
        places = low + (high - low) * (np.arange(points) + 0.5) / points
        masses.append(sum(math.exp(-energy([x]) / temperature) for x in places) * (high - low) / points)
    return np.array(masses) / sum(masses)


def mean_first_passage(energy, temperature, start, target, far, points=4000):
    """Mean time of dx = -L' dt + sqrt(2T) dW from `start` down to `target` < start (reflected at `far`).

    T tau = int_target^start dx exp(L(x)/T) int_x^far dy exp(-L(y)/T), by the trapezoidal rule.
    """
    grid = np.linspace(target, far, points)
    weights = np.array([math.exp(-energy([x]) / temperature) for x in grid])
    steps = np.diff(grid)
    pieces = 0.5 * (weights[1:] + weights[:-1]) * steps
    beyond = np.append(pieces[::-1].cumsum()[::-1], 0.0)
    integrand = beyond / weights
    total = np.append(0.0, np.cumsum(0.5 * (integrand[1:] + integrand[:-1]) * steps))
    return float(np.interp(start, grid, total)) / temperature


def total_variation(p, q):
    return float(sum(abs(a - b) for a, b in zip(p, q, strict=True))) / 2
