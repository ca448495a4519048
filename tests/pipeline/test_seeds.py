"""Seeds depend on names and numbers only, and never collide."""

import itertools

from thermobatch.coloring.studies.instances import ColoringInstance
from thermobatch.pipeline.seeds import instance_seed, run_seed

ENSEMBLE = ColoringInstance(graph="random", n=100, q=5, mean_degree=3.0)


def words(seed) -> tuple:
    return tuple(seed.generate_state(4))


def test_every_run_and_instance_has_its_own_seed():
    runs = [
        words(run_seed(root, experiment, point, index))
        for root, experiment, point, index in itertools.product(
            (1, 2), ("a", "b"), ("all", "temperature=0.5", "temperature=0.6"), range(5)
        )
    ]
    ensembles = (
        ENSEMBLE,
        ENSEMBLE.model_copy(update={"n": 200}),
        ENSEMBLE.model_copy(update={"shuffle": True}),
    )
    graphs = [
        words(instance_seed(root, e, index))
        for root, e, index in itertools.product((1, 2), ensembles, range(5))
    ]
    assert len(set(runs + graphs)) == len(runs) + len(graphs)


def test_seeds_are_the_same_for_ever():
    """Changing these numbers changes every published dataset: mark it in the CHANGELOG."""
    assert words(run_seed(1, "coloring_relaxation", "batch_fraction=0.6", 3))[0] == 316846600
    assert words(instance_seed(1, ENSEMBLE, 3))[0] == 3473229539
