"""Time belief propagation per message, fast path against exact formula, and measure their difference.

    python benchmarks/messages_speed.py [--quick]

A message is one field from a hidden unit of a pattern to a weight: M K N of them an iteration, which includes
the order of visits, the output nodes, the centres and the check of convergence. Both paths start from the
same fields and see the same order; repeats are interleaved, times are CPU times, and the median of the ratio
is what a loaded machine leaves intact. Three moments of a reinforcement run: the first iteration, half of the
magnetisation frozen, nearly all frozen (where the polynomial of the fast path gives way to that of frozen
units). `error` is the largest difference of a message when every pattern is visited from the same fields,
relative to the largest message of its row where that exceeds one. (Whole iterations cannot be compared when
nearly all is frozen: they amplify a perturbation of 1e-14 to order one.)
"""

import argparse
import statistics
import time

import numpy as np

from thermobatch.networks.committee import committee
from thermobatch.networks.dynamics.message_history import first_messages
from thermobatch.networks.dynamics.message_passing import Messages, Rule, Workspace, iterate, visit_pattern
from thermobatch.networks.dynamics.threshold_messages import INTERPOLATION_ERROR
from thermobatch.networks.perceptron import perceptron

SYSTEMS = [(1, 201, 0.4), (1, 801, 0.4), (1, 1601, 0.4), (5, 321, 0.5)]
MOMENTS = {"start": 0.0, "half frozen": 0.5, "frozen": 0.98}
LONGEST_RUN = 400


def copy_of(messages: Messages, space: Workspace) -> tuple[Messages, Workspace]:
    """Return messages that can be iterated without touching the original, and the same random stream."""
    return Messages(*(array.copy() for array in messages)), space._replace(stream=space.stream.copy())


def advance_to(magnetisation: float, messages: Messages, space: Workspace) -> float:
    """Reinforce until the mean squared magnetisation is reached; return y of the last iteration."""
    replicas = 1.0
    for step in range(LONGEST_RUN):
        if step > 0 and np.mean(np.tanh(messages.total) ** 2) >= magnetisation:
            break
        replicas = 1.0 / (1.0 - step / LONGEST_RUN)
        iterate(messages, space, Rule(np.inf, replicas, 1.0, False))
    return replicas


def time_iteration(messages: Messages, space: Workspace, rule: Rule) -> float:
    """Return the nanoseconds per message of one iteration from these fields."""
    copied, scratch = copy_of(messages, space)
    start = time.process_time()
    iterate(copied, scratch, rule)
    return 1e9 * (time.process_time() - start) / copied.weight.size


def largest_error(messages: Messages, space: Workspace, replicas: float) -> float:
    """Return the largest difference of a message between the paths, from the same fields for each pattern."""
    worst = 0.0
    for pattern in range(messages.inputs.shape[0]):
        rows = []
        for exact in (True, False):
            copied = messages._replace(total=messages.total.copy())
            kept = [array[pattern].copy() for array in (messages.weight, messages.up, messages.down)]
            visit_pattern(copied, pattern, space, Rule(np.inf, replicas, 1.0, exact), np.inf)
            rows.append(messages.weight[pattern].copy())
            for array, before in zip((messages.weight, messages.up, messages.down), kept, strict=True):
                array[pattern] = before
        worst = max(worst, np.max(np.abs(rows[1] - rows[0])) / max(1.0, np.max(np.abs(rows[0]))))
    return worst


def main() -> None:
    """Print one line for every system and moment."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer systems and repeats")
    quick = parser.parse_args().quick
    print(f"stated bound of the fast path: {INTERPOLATION_ERROR:g} per message")
    print(f"{'system':>22} {'moment':>12} {'fast ns':>8} {'exact ns':>9} {'ratio':>6} {'error':>8}")
    for hidden, n, alpha in SYSTEMS[1:2] if quick else SYSTEMS:
        instance = committee(n, hidden, alpha, seed=1) if hidden > 1 else perceptron(n, alpha, seed=1)
        for moment, magnetisation in MOMENTS.items():
            messages, space = first_messages(instance, 1)
            replicas = advance_to(magnetisation, messages, space)
            rules = [Rule(np.inf, replicas, 1.0, exact) for exact in (False, True)]
            times = [
                [time_iteration(messages, space, rule) for rule in rules] for _ in range(3 if quick else 9)
            ]
            error = largest_error(messages, space, replicas)
            medians = [statistics.median(pair[side] for pair in times) for side in range(2)]
            ratio = statistics.median(pair[1] / pair[0] for pair in times)
            name = f"K={hidden} N={n} alpha={alpha}"
            print(f"{name:>22} {moment:>12} {medians[0]:8.1f} {medians[1]:9.1f} {ratio:6.1f} {error:8.1e}")


if __name__ == "__main__":
    main()
