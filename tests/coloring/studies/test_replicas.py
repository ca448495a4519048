"""R7, R8: claims on annealings whose answer is known, and what the experiments say of themselves."""

import numpy as np
import pytest
import yaml
from falsifiers.coloring import BATCHES
from pydantic import ValidationError
from source_trees import ROOT
from worlds.coloring import replicated, step

from thermobatch.coloring.dynamics.annealing import anneal_coloring
from thermobatch.coloring.graph import planted_coloring
from thermobatch.coloring.studies.replicas import claims
from thermobatch.coloring.studies.replicas.claims import Scheme, recoveries, rows, threshold
from thermobatch.coloring.studies.replicas.experiment import RECORDS, ReplicatedColoring
from thermobatch.coloring.theory.effective_temperature import effective_temperature
from thermobatch.coloring.theory.equilibrium import planted_spinodal
from thermobatch.coloring.theory.replica_stability import replica_instability
from thermobatch.study.claim import claims as registered

STANZAS = yaml.safe_load((ROOT / "config.yaml").read_text())["claims"]
POINT = {
    "graph": "planted", "n": 200, "q": 5, "mean_degree": 17.0, "replicas": 3, "coupling": 0.5,
    "hottest": 1.0, "coldest": 0.0, "sweeps": 640, "stop_overlap": 0.6,
}  # fmt: skip


def published(c: float, n: int, scheme: Scheme) -> float:
    """The world of the paper: one system fails from N to N, coupled replicas stay, strong coupling fails by size."""
    if scheme.coupling >= 1.4 or (scheme.coupling == 1.0 and n > 1000):
        return 0.0
    if scheme.coupling:
        return step(16.1 + 0.2 * (n > 1000))(c)
    return step((17.0 if n == 1000 else 18.5) - 0.4 * scheme.longer - 0.3 * (scheme.replicas > 1))(c)


@pytest.mark.parametrize("name", [name for name in STANZAS if name.startswith("R7.")])
def test_claims_hold_in_the_world_of_the_paper(name):
    options = {key: value for key, value in STANZAS[name].items() if key != "dataset"}
    heats = {0.0: 0.4, 0.5: 0.8, 1.0: 0.9, 1.4: 0.9}
    dataset = replicated(published, runs=60, heat=lambda scheme: heats[scheme.coupling])
    found = registered()[name].decide(dataset, **options)
    assert found.verdict == "reproduced", found


@pytest.mark.parametrize("name", [name for name in STANZAS if name.startswith("R8.")])
def test_claims_hold_where_batches_do_what_temperature_does(name):
    options = {key: value for key, value in STANZAS[name].items() if key != "dataset"}
    dataset = replicated(
        lambda c, n, scheme: step(16.1 if scheme.coupling else 17.5)(c),
        runs=60,
        heat=lambda scheme: 0.8 if scheme.coupling else 0.5,
        **BATCHES,
    )
    found = registered()[name].decide(dataset, **options)
    assert found.verdict == "reproduced", found


def test_a_threshold_outside_of_what_was_run_stays_a_bound():
    """A single system that recovers nowhere: its c_50 is beyond the last c, so that the difference is at least that."""
    dataset = replicated(lambda c, n, scheme: step(16.0)(c) if scheme.coupling else 0.0)
    assert threshold(dataset, claims.SINGLE, 5000).estimate > 20
    found = claims.replication_lowers_threshold(dataset, margin=0.5, coupling=0.5)
    assert found.verdict == "reproduced" and found.interval[0] > 3


def test_schemes_are_told_apart():
    dataset = replicated(published)
    assert {*rows(dataset, Scheme(1), 1000).sweeps.values} == {5000}
    assert {*rows(dataset, Scheme(1, longer=True), 1000).sweeps.values} == {50_000}
    assert rows(dataset, Scheme(10, 0.7), 1000).sizes["point"] == 0
    assert threshold(dataset, Scheme(10, 0.7), 1000) is None
    found = recoveries(dataset, Scheme(10, 0.5), 5000)
    assert found.mean_degree.tolist() == [15, 16, 17, 18, 19, 20] and (np.diff(found.recovered) >= 0).all()
    for wrong in ({"coupling": 0.9}, {"coupling": 0.5, "mean_degree": 18.5}):
        options = {"margin": 0.5, "coupling": 0.5, "mean_degree": 18} | wrong
        with pytest.raises(ValueError, match="was not run"):
            claims.replicas_need_fewer_sweeps(dataset, **options)


@pytest.mark.parametrize("batches", [False, True])
def test_the_experiment_records_what_the_dynamics_did(batches):
    point = ReplicatedColoring(**POINT, batches=batches)
    graph = planted_coloring(200, 5, 17.0, seed=3)
    seed = np.random.SeedSequence(4)
    told = []
    found = point.run(graph, seed, told.append)
    run = anneal_coloring(
        graph, 640, seed, replicas=3, coupling=0.5, records=RECORDS,
        batch_fraction=point._fractions() if batches else None,
    )  # fmt: skip
    for name in ("first_passage", "passage_temperature", "stopped_at", "pair_overlap"):
        assert np.array_equal(found[name].values, run[name].values, equal_nan=True)
    assert found.sizes["record"] == RECORDS + 1 and found.schedule.values[[0, -1]].tolist() == [0, 1]
    assert found.instability == replica_instability(0.5, replicas=3, mean_degree=17.0)
    assert told and all(0 < done <= 1 for done in told)


def test_batches_have_the_temperature_of_the_schedule():
    """The zero-drift T(B) of the B of every sweep is its T, to the error of linear interpolation."""
    fractions = ReplicatedColoring(**POINT, batches=True)._fractions()
    assert fractions.shape == (640,) and (np.diff(fractions) >= 0).all()
    wanted = 1 - np.arange(0, 560, 40) / 640
    assert np.allclose(effective_temperature(fractions[:560:40], mean_degree=17.0, q=5), wanted, atol=1e-3)


def test_the_coupled_paramagnet_is_less_stable():
    heats = [replica_instability(gamma, replicas=10, mean_degree=17.0) for gamma in (0.0, 0.5, 1.0)]
    assert heats[0] == pytest.approx(float(planted_spinodal(17.0, 5)), rel=1e-9)
    assert heats == sorted(heats) and heats[1] == pytest.approx(0.570149, abs=1e-6)
    assert replica_instability(0.7, replicas=1, mean_degree=17.0) == pytest.approx(heats[0], rel=1e-9)
    assert replica_instability(0.0, replicas=10, mean_degree=15.0) == 0.0


def test_wrong_points_are_refused():
    ReplicatedColoring(**POINT)
    for wrong, words in (
        ({"coldest": 1.1}, "coldest = 1.1: must not exceed hottest = 1.0"),
        ({"replicas": 0}, "greater than or equal to 1"),
        ({"replicas": 1}, "coupling = 0.5: must be 0 with one replica"),
        ({"coupling": -1.0}, "greater than or equal to 0"),
        ({"sweeps": 63}, "greater than or equal to 64"),
        ({"n": 101}, "q = 5 does not divide n = 101"),
    ):
        with pytest.raises(ValidationError, match=words):
            ReplicatedColoring(**POINT | wrong)
