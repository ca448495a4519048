"""Pattern sets as instances: drawn, stored, read back whole, shared by compared dynamics, refused in one clear line."""

import numpy as np
import pytest
from pydantic import ValidationError

import thermobatch as tb
from thermobatch.networks.studies.instances import CommitteeInstance, PerceptronInstance
from thermobatch.pipeline.errors import DamagedFileError
from thermobatch.pipeline.jobs import draw_instances, read_instances
from thermobatch.pipeline.seeds import instance_seed
from thermobatch.pipeline.sources import import_closure
from thermobatch.pipeline.workflow import instance_sources
from thermobatch.study.experiment import instance_kinds

ENSEMBLES = [
    PerceptronInstance(n=65, alpha=0.3),
    PerceptronInstance(n=65, alpha=0.3, labels="teacher"),
    CommitteeInstance(n=33, alpha=0.4, hidden=5),
    CommitteeInstance(n=33, alpha=0.4, hidden=5, labels="teacher"),
]


@pytest.mark.parametrize("ensemble", ENSEMBLES)
def test_patterns_survive_their_file(ensemble, tmp_path):
    draw_instances(ensemble, 7, range(3), tmp_path / "a.nc")
    for index in range(3):
        [read] = read_instances(ensemble, 7, tmp_path / "a.nc", [index])
        drawn = ensemble.make(instance_seed(7, ensemble, index))
        assert type(read) is type(drawn) and read.kind == ensemble.kind == drawn.kind
        assert (read.n, read.hidden, read.n_patterns) == (ensemble.n, ensemble.units(), ensemble.n_patterns())
        for name in ("inputs", "labels", "teacher"):
            expected, found = getattr(drawn, name), getattr(read, name)
            assert np.array_equal(found, expected) if expected is not None else found is None
            assert expected is None or found.dtype == np.int8
        held = sum(array.nbytes for array in (read.inputs, read.labels, read.teacher) if array is not None)
        assert held <= ensemble.size_bytes() <= held + read.hidden * read.n
    with pytest.raises(DamagedFileError, match="other instances"):
        list(read_instances(ensemble.model_copy(update={"alpha": 0.5}), 7, tmp_path / "a.nc", [0]))


def test_instances_differ_and_do_not_depend_on_their_number():
    first, second = (ENSEMBLES[0].make(instance_seed(7, ENSEMBLES[0], index)) for index in (0, 1))
    assert not np.array_equal(first.inputs, second.inputs)
    again = tb.perceptron(65, 0.3, instance_seed(7, ENSEMBLES[0], 1))
    assert np.array_equal(second.inputs, again.inputs) and np.array_equal(second.labels, again.labels)


def test_kinds_are_known_and_their_sources_are_their_own():
    assert {"coloring", "perceptron", "committee"} <= set(instance_kinds())
    assert instance_kinds()["committee"] is CommitteeInstance
    names = {file.name for file in import_closure("coloring.studies.chain_experiment")}
    assert not {"perceptron.py", "committee.py"} & names
    graphs = instance_kinds()["coloring"](graph="planted", n=100, q=5, mean_degree=4.0)
    assert instance_sources(graphs) != instance_sources(ENSEMBLES[0]) == instance_sources(ENSEMBLES[2])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: PerceptronInstance(n=64, alpha=0.3), "n = 64: must be odd"),
        (lambda: PerceptronInstance(n=5, alpha=0.05), "alpha = 0.05: gives no pattern at n = 5"),
        (lambda: CommitteeInstance(n=5, alpha=0.3, hidden=4), "hidden = 4: must be odd"),
        (lambda: CommitteeInstance(n=5, alpha=-0.3, hidden=3), "greater than 0"),
        (lambda: PerceptronInstance(n=5, alpha=0.3, labels="coin"), "'random' or 'teacher'"),
    ],
)
def test_impossible_ensembles_are_refused(make, words):
    with pytest.raises(ValidationError, match=words):
        make()


def test_the_front_door_opens():
    """The calls of the documentation, on small instances."""
    single, crowd = tb.perceptron(n=101, alpha=0.3, seed=1), tb.committee(n=33, hidden=5, alpha=0.3, seed=1)
    annealed = tb.simulated_annealing(single, replicas=3, energy="linear", seed=2)
    trained = tb.replicated_sgd(crowd, replicas=7, batch=20, seed=2)
    assert annealed.solved and annealed.weights.shape == (101,) and annealed.proposals > 0
    assert trained.solved and trained.weights.shape == (5, 33) and trained.epochs > 0
    own = tb.perceptron(inputs=np.ones((1, 3)), labels=[1])
    assert tb.simulated_annealing(own, seed=1).errors == 0
