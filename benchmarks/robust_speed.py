"""Time the kernels of the robust ensemble: Metropolis on perceptrons, (replicated) SGD on a committee.

    python benchmarks/robust_speed.py [--quick]

Prints CPU times, the fastest of interleaved repeats (other load on the machine only ever slows a repeat down), next to
the limits set for one core. "proposal" is a whole run of simulated annealing divided by its
proposals, restarts and accepted flips included, over instances at alpha = .3; "refused" is a frozen system, where
nearly every proposal costs an energy change and a refusal; "flip" is infinite temperature, where each proposal is
accepted.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np

from thermobatch.foundation.streams import random_stream
from thermobatch.networks.committee import committee
from thermobatch.networks.dynamics import annealing as annealed
from thermobatch.networks.dynamics.annealing import BETA_RAMPS, replicated_metropolis
from thermobatch.networks.dynamics.committee_sgd import empty_history, initial_network, packed_examples, train
from thermobatch.networks.dynamics.replicated_metropolis import NO_TARGET, Schedule, empty_trace
from thermobatch.networks.dynamics.sgd_epochs import CENTRES, PERMUTATION, Settings
from thermobatch.networks.perceptron import perceptron
from thermobatch.networks.replicated import Replicated

ALPHA = 0.3


def annealing(n: int, replicas: int) -> Callable[[], tuple[float, float]]:
    """Return a run of annealing on a few instances until solved; it returns CPU seconds and proposals."""
    ensembles = [Replicated(perceptron(n, ALPHA, seed), replicas, "linear") for seed in range(8)]
    unit = ensembles[0].instance.beta_unit("linear")
    low, high = BETA_RAMPS["linear", replicas > 1]
    coupling = (0.0, 3.0 if replicas > 1 else 0.0)

    def run():
        seconds, total = 0.0, 0
        for number, ensemble in enumerate(ensembles):
            generator, stream, length = np.random.default_rng(number), random_stream(number), 16
            while True:
                state = ensemble.random_state(generator)
                trace = empty_trace([length], replicas, n)
                schedule = Schedule(length, (low * unit, high * unit), coupling, 0, 2**62)
                begin = time.process_time()
                total += annealed.run(state, schedule, trace, stream)[0]
                seconds += time.process_time() - begin
                if state.system.energies.min() == 0:
                    break
                length *= 2
        return seconds, total

    return run


def sweeps(n: int, beta: float, count: int) -> Callable[[], tuple[float, float]]:
    """Return a run of sweeps at fixed temperature from a state equilibrated there."""
    instance = perceptron(n, ALPHA, seed=1)
    warm = replicated_metropolis(instance, beta=max(beta, 1.0), sweeps=200, seed=1)
    state = Replicated(instance, 1, "linear").state(warm.replica_weights.values)
    stream = random_stream(2)
    scaled = beta * instance.beta_unit("linear")
    schedule = Schedule(count, (scaled, scaled), (0.0, 0.0), NO_TARGET, 2**62)

    def run():
        begin = time.process_time()
        annealed.run(state, schedule, empty_trace([count], 1, n), stream)
        return time.process_time() - begin, n * count

    return run


def training(replicas: int, epochs: int) -> Callable[[], tuple[float, float]]:
    """Return the first epochs of (replicated) SGD at N = 321, K = 5, M = 802, batch 80."""
    instance = committee(321, 5, 0.5, seed=1)
    examples = packed_examples(instance)
    attraction = 0.75 if replicas > 1 else 0.0
    settings = Settings(
        2.0, attraction, 0.05, 0.001, CENTRES.index("simple"), 80, PERMUTATION, True, epochs, False
    )

    def run():
        network = initial_network(instance, replicas, True, np.random.default_rng(1))
        history, stream = empty_history(network, epochs), random_stream(2)
        begin = time.process_time()
        train(examples, network, settings, history, stream)
        return time.process_time() - begin, epochs

    return run


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer repeats")
    repeats = 5 if parser.parse_args().quick else 15
    points = {
        "SA proposal, N = 801 (ns)": (annealing(801, 1), 1e9, "<= 17"),
        "rSA proposal, N = 801, y = 3 (ns)": (annealing(801, 3), 1e9, ""),
        "SA proposal, N = 201 (ns)": (annealing(201, 1), 1e9, ""),
        "rSA proposal, N = 1601, y = 3 (ns)": (annealing(1601, 3), 1e9, ""),
        **{f"refused, N = {n} (ns)": (sweeps(n, 100.0, 40), 1e9, "") for n in (201, 801, 3201)},
        **{f"flip, N = {n} (ns)": (sweeps(n, 0.0, 40), 1e9, "") for n in (201, 801, 3201)},
        "SGD epoch (ms)": (training(1, 100), 1e3, "<= .05"),
        "rSGD epoch, y = 7 (ms)": (training(7, 50), 1e3, "<= .5"),
    }
    times = {name: [] for name in points}
    for repeat in range(repeats + 1):
        for name, (run, scale, _) in points.items():
            seconds, count = run()
            if repeat:
                times[name].append(scale * seconds / count)
    print(f"CPU times, fastest and median of {repeats} interleaved repeats\n")
    print(f"{'':36s}{'fastest':>9s}{'median':>9s}  limit")
    for name, (_, _, limit) in points.items():
        print(f"{name:36s}{min(times[name]):9.3g}{np.median(times[name]):9.3g}  {limit}")


if __name__ == "__main__":
    main()
