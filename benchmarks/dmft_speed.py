"""Speed and accuracy of the mean-field solver: ``python benchmarks/dmft_speed.py [--large]``.

Prints CPU seconds per path and pair of steps (n T^2), one replica, next to the time of the bare matrix-vector products
that any solver with these five histories must do (NumPy's BLAS, same sizes, same run), and the accuracy reached.
Target: 3e-9 s per n T^2 on one core.
"""

import argparse
import os
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from thermobatch.mean_field.theory.dmft import dmft
from thermobatch.mean_field.theory.square_loss import square_loss_dynamics

HINGE = {
    "data": "mixture",
    "alpha": 4.0,
    "ridge": 0.5,
    "learning_rate": 0.1,
    "q0": 0.1,
    "batch_fraction": 0.3,
}
RIDGE = {"alpha": 3.0, "ridge": 0.5, "learning_rate": 0.1, "m0": 0.2, "q0": 1.0}


def cpu_seconds(function, repeats: int = 3) -> float:
    """Shortest CPU time of a call."""
    best = np.inf
    for _ in range(repeats):
        start = time.process_time()
        function()
        best = min(best, time.process_time() - start)
    return best


def bare_products(paths: int, steps: int) -> None:
    """Multiply four histories (noise, forces, fields, responses) by vectors as often as a solver must, step by step."""
    noise, forces, fields, responses = np.zeros((4, steps, paths))
    weights = np.zeros(paths)
    for t in range(1, steps):
        coefficients = np.zeros(t)
        for history in (noise, forces, fields, responses):
            coefficients @ history[:t]
        for history in (forces, fields):
            history[:t] @ weights


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--large", action="store_true", help="also n = 64 000 and T = 400")
    large = parser.parse_args().large
    dmft("squared_hinge", steps=8, paths=256, **HINGE)  # load the kernels
    print("      n     T   CPU s   s per n T^2   bare products, s per n T^2")
    for paths, steps in [(20_000, 50), (20_000, 100), (20_000, 160)] + large * [(64_000, 160), (20_000, 400)]:
        seconds = cpu_seconds(lambda n=paths, T=steps: dmft("squared_hinge", steps=T, paths=n, **HINGE))
        bare = cpu_seconds(lambda n=paths, T=steps: bare_products(n, T))
        pairs = paths * steps**2
        print(f"{paths:7d} {steps:5d} {seconds:7.3f}     {seconds / pairs:.2e}       {bare / pairs:.2e}")
    print("\nlargest error against the exact solution (square loss, T = 50)")
    for b, paths in ((1.0, 1_000), (1.0, 20_000), (0.2, 20_000), (0.2, 64_000)):
        exact = square_loss_dynamics(steps=50, batch_fraction=b, **RIDGE)
        start = time.process_time()
        solved = dmft("square", steps=50, batch_fraction=b, paths=paths, **RIDGE)
        seconds = time.process_time() - start
        errors = [
            float(np.abs(solved[name] - exact[name]).max())
            for name in ("magnetization", "loss", "correlation")
        ]
        print(
            f"b = {b}, n = {paths:6d}: m {errors[0]:.1e}, loss {errors[1]:.1e}, C {errors[2]:.1e}, {seconds:.2f} s"
        )


if __name__ == "__main__":
    main()
