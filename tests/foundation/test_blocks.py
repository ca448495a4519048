"""Long runs come back to Python about twice a second, can be interrupted there, and give the same numbers."""

import _thread
import threading
import time

import numpy as np
import pytest
import xarray as xr
from fixed_blocks import fix_blocks

import thermobatch as tb
from thermobatch.foundation import blocks
from thermobatch.foundation.blocks import Blocks
from thermobatch.networks.dynamics.annealing import replicated_metropolis
from thermobatch.networks.enumeration import enumerate_energies

EASY, HARD = tb.perceptron(n=51, alpha=0.3, seed=1), tb.perceptron(n=101, alpha=1.5, seed=1)
SEVERAL = tb.perceptron(n=51, alpha=2.0, seed=1, levels=4)
COMMITTEE = tb.committee(n=33, hidden=3, alpha=0.9, seed=1)
WEIGHTS = np.ones(101, dtype=np.int8)
GRAPH = tb.planted_coloring(n=300, q=4, mean_degree=8.0, seed=1)
NOISY = tb.rugged().with_samples(50, 1.0, seed=1)
MANY = 10**9

SHORT = {  # a run of some blocks each; progress is given where it is counted
    "annealing": lambda **more: tb.simulated_annealing(HARD, 3, sweeps=7, max_proposals=9999, seed=2, **more),
    "annealing, unsolved": lambda **more: tb.simulated_annealing(
        HARD, energy="step", max_proposals=20_011, records=9, seed=2, **more
    ),
    "annealing, levels": lambda **more: tb.simulated_annealing(
        SEVERAL, 2, sweeps=7, max_proposals=9999, records=9, seed=2, **more
    ),
    "sampling": lambda **more: replicated_metropolis(
        EASY, 2, beta=2.0, coupling=0.5, centre="explicit", sweeps=40, every=3, seed=1, **more
    ),
    "sgd": lambda **more: tb.replicated_sgd(COMMITTEE, 3, 20, epochs=30, stop=False, seed=2, **more),
    "sgd until solved": lambda **more: tb.replicated_sgd(EASY, 1, 5, epochs=300, seed=2, **more),
    "sgd, shared": lambda **more: tb.replicated_sgd(
        COMMITTEE, 3, 20, centre="explicit", epochs=20, batch_rule="shared", stop=False, seed=2, **more
    ),
    "messages": lambda **more: tb.focusing_bp(COMMITTEE, seed=3, **more),
    "neighbourhood": lambda **more: tb.local_entropy(EASY, WEIGHTS[:51], gamma=[0.0, 0.25], seed=1, **more),
    "replicated colouring": lambda **more: tb.anneal_coloring(
        GRAPH, 40, 1, replicas=2, records=6, stop_overlap=None, **more
    ),
    "replicated colouring until recovered": lambda **more: tb.anneal_coloring(
        tb.planted_coloring(n=300, q=4, mean_degree=14.0, seed=1), 400, 1, replicas=3, records=6, **more
    ),
    "replicated mini-batches": lambda **more: tb.anneal_coloring(
        GRAPH, 40, 1, replicas=2, batch_fraction=(1.0, 0.6), stop_overlap=0.5, **more
    ),
    "metropolis": lambda **more: tb.metropolis(GRAPH, 0.5, 60, 2, waiting_times=[7], **more),
    "sgd_like": lambda **more: tb.sgd_like(GRAPH, 0.8, 60, 2, scheme="shared_edge", **more),
    "langevin": lambda **more: tb.langevin(tb.rugged(), 0.1, 9000, 1, runs=2, moments=True, **more),
    "reshuffling": lambda **more: tb.stochastic_gradient_descent(
        NOISY, 7, 9000, 1, sampling="reshuffling", runs=2, **more
    ),
    "theory": lambda **more: tb.dmft(alpha=2.0, learning_rate=0.1, steps=6, paths=3000, **more),
}


@pytest.mark.parametrize("name", SHORT)
def test_blocks_change_no_number(name, monkeypatch):
    whole = {}
    for steps in (MANY, 1, 3, 10):
        fix_blocks(monkeypatch, steps)
        told = []
        whole[steps] = SHORT[name](progress=told.append)
        assert told == sorted(told) and told[-1] > 0
        xr.testing.assert_identical(whole[steps], whole[MANY])
        if steps == 1:
            assert len(set(told)) >= 3
    monkeypatch.undo()
    xr.testing.assert_identical(SHORT[name](), whole[MANY])


@pytest.mark.parametrize("steps", [1000, 4096, 10**6])
def test_blocks_change_no_energy_of_an_enumeration(steps, monkeypatch):
    small = tb.perceptron(n=13, alpha=0.8, seed=2)
    whole = enumerate_energies(small)
    fix_blocks(monkeypatch, steps)
    assert np.array_equal(enumerate_energies(small), whole)


LONG = {  # hours each
    "annealing": lambda **more: tb.simulated_annealing(
        HARD, energy="step", sweeps=10**7, max_proposals=10**13, seed=2, **more
    ),
    "sampling": lambda **more: replicated_metropolis(EASY, 2, beta=2.0, sweeps=10**8, every=10**6, **more),
    "sgd": lambda **more: tb.replicated_sgd(COMMITTEE, 3, 20, epochs=10**6, stop=False, seed=2, **more),
    "messages": lambda **more: tb.focusing_bp(
        tb.perceptron(n=1601, alpha=0.7, seed=1), tolerance=1e-12, stop="end", seed=3, **more
    ),
    "neighbourhood": lambda **more: tb.local_entropy(
        tb.perceptron(n=1601, alpha=0.7, seed=1),
        np.ones(1601, dtype=np.int8),
        iterations=10**6,
        tolerance=1e-300,
        **more,
    ),
    "replicated colouring": lambda **more: tb.anneal_coloring(GRAPH, 10**7, 1, stop_overlap=None, **more),
    "replicated mini-batches": lambda **more: tb.anneal_coloring(
        tb.ColoringGraph.from_edges([(0, 1)] * 1000, 2, 3),
        10**6,
        1,
        batch_fraction=(1, 0.6),
        stop_overlap=None,
        **more,
    ),
    "metropolis": lambda **more: tb.metropolis(GRAPH, 0.5, 10**9, 2, stop_at_solution=False, **more),
    "sgd_like": lambda **more: tb.sgd_like(GRAPH, 0.8, 10**9, 2, stop_at_solution=False, **more),
    "langevin": lambda **more: tb.langevin(tb.rugged(), 0.1, 10**10, 1, runs=100, **more),
    "batches": lambda **more: tb.stochastic_gradient_descent(NOISY, 7, 10**10, 1, runs=100, **more),
    "simulation": lambda **more: tb.glm_sgd(
        "square", alpha=2.0, learning_rate=0.1, steps=10_000, d=1000, seeds=1, **more
    ),
    "theory": lambda **more: tb.dmft(alpha=2.0, learning_rate=0.1, steps=300, paths=8000, **more),
}


@pytest.mark.parametrize("name", LONG)
def test_a_long_run_can_be_interrupted(name):
    """Ctrl-C is a signal that Python sees between two blocks; here it comes half a second after the first one.

    What follows it is told in processor time, so that a machine that others use fails nothing.
    """
    begun = []
    sent = []

    def stop() -> None:
        sent.append(time.process_time())
        _thread.interrupt_main()

    def begin(_) -> None:
        if not begun:
            begun.append(True)
            threading.Timer(0.5, stop).start()

    with pytest.raises(KeyboardInterrupt):
        LONG[name](progress=begin)
    assert time.process_time() - sent[0] < 2.5


def test_blocks_grow_to_half_a_second_and_never_more_than_four_times(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(blocks.time, "perf_counter", lambda: now[0])
    cut, begin = [], 0
    for end in Blocks().ends(0, 100_000):
        cut.append(end - begin)
        now[0] += 1e-3 * (end - begin)
        begin = end
    assert cut[:6] == [1, 4, 16, 64, 256, 500] and set(cut[6:-1]) <= {499, 500} and begin == 100_000
    assert list(Blocks().ends(3, 3)) == [] and next(Blocks(first=7).ends(0, 5)) == 5
    assert next(Blocks(first=0).ends(0, 5)) == 1


def test_blocks_shrink_again_when_steps_become_slow(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(blocks.time, "perf_counter", lambda: now[0])
    cut, begin, longest = Blocks(), 0, []
    for end in cut.ends(0, 3000):
        seconds = (end - begin) * (1e-3 if begin < 1000 else 0.1)
        now[0] += seconds
        longest.append(seconds)
        begin = end
    assert max(longest[-10:]) <= 0.51
