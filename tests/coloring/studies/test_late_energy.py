"""The late energy of both dynamics: every sweep of the last half, whatever is recorded."""

import numpy as np
import pytest
from fixed_blocks import fix_blocks

from thermobatch.coloring.dynamics import chain as coloring_chain
from thermobatch.coloring.dynamics.metropolis import metropolis
from thermobatch.coloring.dynamics.minibatch import SCHEMES, sgd_like
from thermobatch.coloring.graph import planted_coloring, random_coloring

RUNS = {"metropolis": lambda graph, **options: metropolis(graph, 0.6, **options)}
RUNS |= {
    scheme: (lambda graph, scheme=scheme, **options: sgd_like(graph, 0.8, scheme=scheme, **options))
    for scheme in SCHEMES
}


@pytest.mark.parametrize("general", [False, True])
@pytest.mark.parametrize("which", RUNS)
@pytest.mark.parametrize("sweeps", [1, 2, 25, 26])
def test_it_is_the_mean_over_every_sweep_of_the_last_half(monkeypatch, which, sweeps, general):
    """Whatever is recorded, on both paths, in blocks of three sweeps."""
    if general:
        monkeypatch.setattr(coloring_chain, "fits_words", lambda graph: False)
    graph = random_coloring(200, 5, 12.0, 1)
    every = RUNS[which](graph, sweeps=sweeps, seed=2, record=range(sweeps + 1))
    first = sweeps // 2 + 1
    late = [energy for time, energy in enumerate(every.energy.values) if time >= first]
    assert 2 * len(late) in (sweeps, sweeps + 1)
    assert float(every.late_energy) == pytest.approx(sum(late) / len(late), rel=1e-13)
    assert every.late_energy.long_name == f"E/N, mean over every sweep {first}..{sweeps}"
    fix_blocks(monkeypatch, 3)
    few = RUNS[which](graph, sweeps=sweeps, seed=2, waiting_times=[1], flows_from=1)
    assert float(few.late_energy) == float(every.late_energy)
    assert np.array_equal(few.colors, every.colors)


@pytest.mark.parametrize("which", RUNS)
def test_it_is_not_invented_where_the_run_stopped_before(which):
    graph = planted_coloring(200, 5, 6.0, 3)
    assert np.isnan(RUNS[which](graph, sweeps=0, seed=4).late_energy)
    begun = RUNS[which](graph, sweeps=20, seed=4, initial=graph.planted)
    assert begun.stopped == "solution" and np.isnan(begun.late_energy)
    near = RUNS[which](graph, sweeps=20, seed=4, initial=graph.planted, stop_overlap=0.1)
    assert near.stopped == "overlap" and np.isnan(near.late_energy)
    onwards = RUNS[which](graph, sweeps=20, seed=4, initial=graph.planted, stop_at_solution=False)
    assert onwards.stopped == "horizon" and onwards.late_energy > 0


def test_a_solution_at_the_very_end_keeps_it():
    graph = random_coloring(50, 5, 1.5, 15)
    solved = int(metropolis(graph, 0.6, 400, 16).solved_at)
    run = metropolis(graph, 0.6, solved, 16, record=range(solved + 1))
    assert run.stopped == "solution" and int(run.stopped_at) == solved > 1
    assert float(run.late_energy) == pytest.approx(float(run.energy[solved // 2 + 1 :].mean()), rel=1e-13)


def test_it_scatters_less_than_the_mean_of_what_is_recorded():
    """At 2000 sweeps the default record has 6 times in the last half."""
    graph = random_coloring(300, 5, 12.0, 5)
    runs = [metropolis(graph, 0.7, 2000, seed) for seed in range(12)]
    assert 5 <= int((runs[0].time > 1000).sum()) <= 8
    recorded = np.std([float(run.energy.sel(time=slice(1001, None)).mean()) for run in runs])
    assert np.std([float(run.late_energy) for run in runs]) < 0.6 * recorded
