"""Nanoseconds per step of the landscape dynamics, and what the standard scale of L1 and L2 costs.

Run as ``python benchmarks/langevin_speed.py``. Times are processor time of one core, the best of three after a first
call that compiles; the numpy line is the same Langevin step written with arrays over all runs.
"""

import time

import numpy as np

from thermobatch.foundation.schedules import GrowingBatch, Logarithmic
from thermobatch.foundation.streams import random_stream
from thermobatch.langevin.dynamics.kernels import fill_normals
from thermobatch.langevin.dynamics.langevin import gradient_descent, langevin, stochastic_gradient_descent
from thermobatch.langevin.landscapes import double_well, gaussian_regression, rugged

STEPS, RUNS = 10_000, 100
WELL = double_well().with_samples(1000, variance=80.0)
BOWL = rugged().with_samples(1000, variance=80.0)
REGRESSION = gaussian_regression()
EDGES = np.linspace(-2.4, 2.4, 97)
OPTIONS = {"steps": STEPS, "seed": 1, "runs": RUNS, "record": [0]}


def sgd(made, batch, **options):
    """Mini-batch SGD with the options of every case."""
    return stochastic_gradient_descent(made, batch, **OPTIONS, **options)


CASES = {
    "double well, gradient descent": lambda: gradient_descent(WELL, **OPTIONS),
    "double well, Langevin": lambda: langevin(WELL, 0.05, **OPTIONS),
    "double well, Langevin, histogram": lambda: langevin(WELL, 0.05, edges=EDGES, **OPTIONS),
    "double well, SGD B = 8, histogram": lambda: sgd(WELL, 8, edges=EDGES),
    "regression d = 3, SGD B = 2, moments": lambda: sgd(REGRESSION, 2, moments=True),
    "regression d = 3, SGD B = 10, moments": lambda: sgd(REGRESSION, 10, moments=True),
    "rugged, gradient descent": lambda: gradient_descent(BOWL, **OPTIONS),
    "rugged, Langevin, T = 1 / log n": lambda: langevin(BOWL, Logarithmic(1.0), **OPTIONS),
    "rugged, SGD B = 8": lambda: sgd(BOWL, 8),
    "rugged, SGD B = 8, without replacement": lambda: sgd(BOWL, 8, sampling="without_replacement"),
    "rugged, SGD B = .8 log n": lambda: sgd(BOWL, GrowingBatch(0.8)),
}


def numpy_steps():
    """The rugged Langevin step on all runs at once."""
    random = np.random.default_rng(1)
    w = random.uniform(-6, 6, (RUNS, 2))
    for _ in range(STEPS // 10):
        w += -0.01 * (0.1 * w + 0.75 * np.sin(2.5 * w)) + 0.05 * random.standard_normal(w.shape)


def nanoseconds(call, steps):
    """Best processor time of three calls, per step."""
    call()
    times = []
    for _ in range(3):
        begin = time.process_time()
        call()
        times.append(time.process_time() - begin)
    return min(times) / steps * 1e9


def main():
    """Measure and print."""
    found = {name: nanoseconds(call, STEPS * RUNS) for name, call in CASES.items()}
    for name, value in found.items():
        print(f"{name:42s} {value:7.1f} ns per step")
    stream, normals = random_stream(0), np.empty(1024)
    print(f"{'one normal variate':42s} {nanoseconds(lambda: fill_normals(stream, normals), 1024):7.1f} ns")
    plain = nanoseconds(numpy_steps, STEPS // 10 * RUNS)
    ours = found["rugged, Langevin, T = 1 / log n"]
    print(f"{'rugged, Langevin, numpy':42s} {plain:7.1f} ns per step, {plain / ours:.1f} times ours")
    one_law = 1.5e7 * 1e-9
    law = (
        4 * found["double well, SGD B = 8, histogram"] + 6 * found["regression d = 3, SGD B = 10, moments"]
    ) * one_law
    annealing = 1e5 * 300 * 1e-9
    annealing *= 6 * ours + found["rugged, SGD B = 8"] + found["rugged, SGD B = .8 log n"]
    print(
        f"L1, standard: 10 points of 1.5e7 steps take {law:.0f} s; L2, 8 schedules of 300 runs, {annealing:.0f} s"
    )


if __name__ == "__main__":
    main()
