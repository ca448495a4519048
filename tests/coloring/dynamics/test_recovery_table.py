"""Replicated annealing recovers where, and as hot as, an independent program does (N = 1000, q = 5; its own seeds)."""

import numpy as np
import pytest
from scipy.stats import fisher_exact

from thermobatch.coloring.dynamics.annealing import anneal_coloring
from thermobatch.coloring.graph import planted_coloring

GRAPHS = 6
# c, sweeps, R, gamma; recovered, of how many; lowest and highest temperature of recovery
MEASURED = [
    (18.0, 20_000, 1, 0.0, 3, 3, 0.54, 0.65),
    (18.0, 20_000, 3, 0.5, 3, 3, 0.77, 0.80),
    (18.0, 20_000, 3, 1.0, 3, 3, 0.92, 0.97),
    (18.0, 20_000, 10, 0.5, 3, 3, 0.83, 0.87),
    (18.0, 20_000, 10, 1.0, 3, 3, 0.97, 0.97),
    (17.0, 30_000, 1, 0.0, 3, 4, 0.50, 0.55),
    (17.0, 30_000, 3, 0.5, 4, 4, 0.74, 0.79),
    (17.0, 30_000, 3, 0.7, 4, 4, 0.80, 0.85),
    (17.0, 30_000, 3, 1.0, 4, 4, 0.89, 0.91),
    (17.0, 30_000, 10, 0.5, 4, 4, 0.78, 0.83),
    (17.0, 30_000, 10, 0.7, 4, 4, 0.89, 0.93),
    (17.0, 30_000, 10, 1.0, 4, 4, 0.985, 0.985),
    (17.0, 30_000, 10, 1.4, 1, 4, None, None),
    (16.0, 30_000, 1, 0.0, 2, 4, 0.35, 0.46),
    (16.0, 30_000, 10, 0.5, 4, 4, 0.73, 0.77),
    (16.0, 30_000, 10, 0.7, 4, 4, 0.84, 0.87),
    (16.0, 30_000, 10, 1.0, 4, 4, 0.95, 0.97),
]


def recoveries(mean_degree, sweeps, replicas, coupling, graphs=GRAPHS):
    """Temperatures of recovery on some graphs, NaN where none."""
    found = []
    for number in range(graphs):
        graph = planted_coloring(1000, 5, mean_degree, seed=500 + number)
        run = anneal_coloring(graph, sweeps, 700 + number, replicas=replicas, coupling=coupling, records=1)
        found.append(float(run.passage_temperature))
    return np.array(found)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mean_degree", "sweeps", "replicas", "coupling", "recovered", "runs", "coldest", "hottest"), MEASURED
)
def test_recovery_is_that_of_an_independent_program(
    mean_degree, sweeps, replicas, coupling, recovered, runs, coldest, hottest
):
    """Shares by Fisher's exact test at 0.1% (17 points: false alarm below 2%).

    Temperatures: the mean over our graphs lies in the range of its runs, widened by 0.01 (its digits) and by four
    standard errors of our mean (false alarm of a point about 1%, Student with 5 degrees; the range of 3 or 4 runs adds
    to that).
    """
    found = recoveries(mean_degree, sweeps, replicas, coupling)
    passed = found[np.isfinite(found)]
    table = [[passed.size, GRAPHS - passed.size], [recovered, runs - recovered]]
    assert fisher_exact(table).pvalue > 1e-3
    if coldest is not None:
        error = passed.std(ddof=1) / np.sqrt(passed.size)
        assert coldest - 0.01 - 4 * error < passed.mean() < hottest + 0.01 + 4 * error
