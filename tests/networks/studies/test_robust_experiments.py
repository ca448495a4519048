"""R1, R2, R3: claims on synthetic data whose answer is known, and what the experiments say of themselves."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from pydantic import ValidationError
from worlds.networks import RUNS, annealed, flat, steep, trained

from thermobatch.networks.dynamics.annealing import simulated_annealing
from thermobatch.networks.studies.annealing import claims as annealing
from thermobatch.networks.studies.annealing import figure as annealing_figure
from thermobatch.networks.studies.annealing.experiment import PerceptronAnnealing
from thermobatch.networks.studies.landscape import claims as landscape
from thermobatch.networks.studies.landscape.experiment import PerceptronLandscape
from thermobatch.networks.studies.training import claims as training
from thermobatch.networks.studies.training import figure as training_figure
from thermobatch.networks.studies.training.experiment import CommitteeTraining

# --- R2 --------------------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch):
    monkeypatch.setattr(annealing, "RESAMPLES", 100)


def test_laws_of_annealing_are_told_apart():
    dataset = annealed({1: steep, 3: flat}, cap=1e6)
    assert 0 < (~dataset.solved).sum() < 60
    exchanged = annealed({1: flat, 3: steep}, cap=1e6)
    for name, margin in (
        ("sa_faster_than_power", 0.0),
        ("replicas_flatten_growth", 0.0),
        ("sa_exponential", 2.0),
        ("rsa_rather_power", 2.0),
    ):
        decide = getattr(annealing, name)
        assert decide(dataset, margin=margin).verdict == "reproduced", name
        assert decide(exchanged, margin=margin).verdict != "reproduced", name
    assert annealing.rsa_polynomial(dataset, margin=0.5).verdict == "reproduced"
    assert annealing.rsa_polynomial(exchanged, margin=0.0).verdict == "not_reproduced"


def test_two_ways_to_take_the_costs_must_agree():
    """First attempts that need not have been so long: as exact costs steeper than a power, as bounds of any shape."""
    dataset = annealed({1: steep, 3: flat})
    exact = annealing.runs(dataset, 3, "proposals").exact()
    assert exact.failed is None and np.isfinite(annealing.growth(exact, 100).shape.estimate)
    one = annealing.rsa_polynomial(dataset, margin=0.5)
    assert "with costs taken as exact" in one.method
    other = replace(one, verdict="not_reproduced", interval=(0.6, 0.8))
    assert annealing._by_both_yardsticks(one, other).verdict == "inconclusive"
    assert annealing._by_both_yardsticks(one, one).verdict == "reproduced"


def test_a_cap_of_proposals_bounds_no_moves():
    """Runs stopped at a number of proposals had made any number of moves: no lower end of the ratio."""
    dataset = annealed({1: steep, 3: flat}, cap=6e6)
    assert (~annealing.runs(dataset, 1, "accepted", 2401).solved).sum() == 5
    assert annealing.replicas_need_fewer_moves(dataset, margin=1.0).interval[0] == 0
    every = annealing.replicas_need_fewer_moves(annealed({1: steep, 3: flat}, cap=8e6), margin=1.0)
    assert every.interval[0] == pytest.approx(0.225, abs=0.005)


def test_runs_are_stopped_after_whole_attempts():
    point = PerceptronAnnealing(n=51, alpha=2.0, replicas=3, sweeps=4, max_proposals=5000)
    assert point.whole_attempts() == 3  # 612 + 1224 + 2448 <= 5000
    sequence = np.random.SeedSequence(1)
    found = point.run(point.instance().make(sequence), sequence, lambda fraction: None)
    assert not found.solved and found.attempts == 3
    assert found.proposals == 612 * 7 and found.failed_proposals == 612 * 3
    assert 0 < found.failed_accepted < found.accepted
    easy = point.model_copy(update={"alpha": 0.1})
    found = easy.run(easy.instance().make(sequence), sequence, lambda fraction: None)
    assert found.solved and found.attempts == 1 and found.failed_proposals == 0


def test_exponents_are_compared_with_those_expected():
    dataset = annealed({1: steep, 3: flat})
    found = annealing.rsa_exponent(dataset, margin=0.3, expected=[2.1, 1.05])
    assert found.verdict == "reproduced" and abs(found.estimate) < 0.15
    wrong = annealing.rsa_exponent(dataset, margin=0.3, expected=[2.1, 1.7])
    assert wrong.verdict == "not_reproduced" and wrong.estimate == pytest.approx(1.05 - 1.7, abs=0.1)


def test_costs_are_compared_where_both_medians_are_known():
    dataset = annealed({1: steep, 3: flat}, cap=1e6)
    assert annealing.largest_measured_size(dataset, 1) == 1601
    everything = annealed({1: steep, 3: flat})
    found = annealing.replicas_need_fewer_proposals(everything, margin=1.0)
    assert found.verdict == "reproduced" and "N = 2401" in found.method
    assert found.estimate == pytest.approx(flat(2401) / steep(2401), rel=0.4)
    moves = annealing.replicas_need_fewer_moves(everything, margin=1.0)
    assert moves.estimate == pytest.approx(np.sqrt(found.estimate), rel=0.1)
    exchanged = annealing.replicas_need_fewer_proposals(annealed({1: flat, 3: steep}), margin=1.0)
    assert exchanged.verdict == "not_reproduced"
    with pytest.raises(ValueError, match="no size at which both algorithms solved half"):
        annealing.replicas_need_fewer_proposals(annealed({1: steep, 3: flat}, cap=10), margin=1.0)


def test_uncoupled_replicas_are_no_replicas_of_another_claim():
    dataset = annealed({1: steep, 3: flat, annealing.UNCOUPLED: lambda size: 4 * flat(size)})
    found = annealing.coupling_needs_fewer_proposals(dataset, margin=1.0)
    assert found.verdict == "reproduced" and found.estimate == pytest.approx(0.25, rel=0.4)
    without = annealed({1: steep, 3: flat})
    for claim in (annealing.replicas_need_fewer_proposals, annealing.replicas_flatten_growth):
        assert claim(dataset, margin=1.0).estimate == claim(without, margin=1.0).estimate
    with pytest.raises(ValueError, match="no size at which both"):
        annealing.coupling_needs_fewer_proposals(without, margin=1.0)


def test_uncoupled_replicas_are_annealed_with_the_same_schedule_and_no_coupling():
    point = PerceptronAnnealing(n=51, alpha=0.3, replicas=3, coupled=False, max_proposals=1_000_000)
    sequence = np.random.SeedSequence(1)
    instance = point.instance().make(sequence)
    found = point.run(instance, sequence, lambda fraction: None)
    free = simulated_annealing(instance, 3, beta=(5, 50), coupling=(0, 0), seed=sequence)
    assert found.proposals == free.proposals and found.accepted == free.accepted
    for wrong in ({"replicas": 1}, {"replicas": 3, "coupling": [0.0, 1.0]}):
        with pytest.raises(ValueError, match="coupled = False"):
            PerceptronAnnealing(n=51, alpha=0.3, coupled=False, max_proposals=1_000_000, **wrong)


@pytest.mark.parametrize(("replicas", "seeds"), [((1, 3), 20), ((3,), 20), ((1, 3, "uncoupled"), 3)])
def test_costs_are_drawn_however_few_there_are(replicas, seeds):
    dataset = annealed({y: {1: steep, 3: flat, "uncoupled": flat}[y] for y in replicas}, cap=1e6, count=seeds)
    dataset = dataset.assign_coords(max_proposals=("point", [1e6] * dataset.sizes["point"]))
    figure = annealing_figure.draw(dataset)
    lines = [line for line in figure.axes[0].lines if len(line.get_xdata()) == 200]
    assert len(lines) == (3 * len(replicas) if seeds == 20 else 0)


def test_wrong_points_of_annealing_are_refused():
    good = {"n": 201, "alpha": 0.3, "replicas": 3, "max_proposals": 10_000}
    for wrong, words in (
        ({"n": 200}, "n = 200: must be odd"),
        ({"alpha": 0.001}, "gives no pattern"),
        ({"replicas": 0}, "greater than or equal to 1"),
        ({"coupling": [-1.0, 3.0]}, "coupling = "),
        ({"beta": [10.0]}, "at least 2"),
        ({"max_proposals": 9000}, "must hold the first attempt, 9648 proposals"),
    ):
        with pytest.raises(ValidationError, match=words):
            PerceptronAnnealing(**good | wrong)
    assert PerceptronAnnealing(**good).ramp() == (5, 50)
    assert PerceptronAnnealing(**good | {"beta": [1.0, 2.0]}).ramp() == (1.0, 2.0)


# --- R3 --------------------------------------------------------------------------------------------------------------


AT = {"batch": 80, "margin": 0.5, "alpha": 0.5}


def test_solved_shares_are_compared():
    found = training.solves_where_sgd_fails(trained(RUNS), **AT)
    assert found.verdict == "reproduced" and found.estimate == 1.0
    assert "10 of 10" in found.method and "0 of 10" in found.method and "p = 0.002" in found.method
    for share, verdict in ((5, "inconclusive"), (0, "not_reproduced")):
        worse = training.solves_where_sgd_fails(trained(RUNS | {(7, 80, 0.5, 0.001): (share, 0.1)}), **AT)
        assert worse.verdict == verdict
    two = training.solves_where_sgd_fails(trained(RUNS, seeds=2), **AT)
    assert two.verdict == "inconclusive"


def test_errors_are_compared():
    found = training.fewer_errors_beyond(trained(RUNS), batch=80, margin=0.05, alpha=0.6)
    assert found.verdict == "reproduced" and found.estimate == pytest.approx(0.09, abs=0.004)
    assert (
        training.fewer_errors_beyond(trained(RUNS), batch=80, margin=0.12, alpha=0.6).verdict
        == "not_reproduced"
    )
    measured = {"batch": 80, "alphas": [0.5, 0.6], "margin": 0.02}
    assert (
        training.errors_as_measured(trained(RUNS), expected=[0.07, 0.11], **measured).verdict == "reproduced"
    )
    wrong = training.errors_as_measured(trained(RUNS), expected=[0.07, 0.15], **measured)
    assert wrong.verdict == "not_reproduced" and "alpha = 0.6" in wrong.method
    with pytest.raises(ValueError, match="no point with replicas = 1, batch = 20"):
        training.solves_where_sgd_fails(trained(RUNS), batch=20, margin=0.5, alpha=0.5)


def test_the_sign_test_is_mcnemars():
    from statsmodels.stats.contingency_tables import mcnemar

    first, second = np.arange(20) < 12, np.arange(20) % 4 == 0
    table = [
        [np.sum(first & second), np.sum(first & ~second)],
        [np.sum(~first & second), np.sum(~first & ~second)],
    ]
    assert training.sign_test(first, second) == pytest.approx(mcnemar(table, exact=True).pvalue)
    assert training.sign_test(first, first) == 1.0


def test_changed_settings_are_found_and_named():
    rows = training_figure.changed_settings(trained(RUNS))
    assert [label for label, _ in rows] == ["reference", "batch 20", r"$\Delta\gamma=0$"]
    assert [point for _, point in rows] == ["p1", "p4", "p6"]
    assert training.replicated(trained(RUNS)) == 7
    assert training_figure.batches(trained(RUNS), 7) == [80, 20]


def test_wrong_points_of_training_are_refused():
    good = {"n": 33, "hidden": 5, "alpha": 0.5, "replicas": 7, "batch": 20, "epochs": 10}
    for wrong, words in (
        ({"n": 32}, "n = 32: must be odd"),
        ({"hidden": 4}, "hidden = 4: must be odd"),
        ({"alpha": 0.001}, "gives no pattern"),
        ({"batch": 83}, "batch = 83: must be at most the number of patterns M = 82"),
        ({"coupling": -0.1}, "greater than or equal to 0"),
        ({"replicas": 0}, "greater than or equal to 1"),
    ):
        with pytest.raises(ValidationError, match=words):
            CommitteeTraining(**good | wrong)


# --- R1 --------------------------------------------------------------------------------------------------------------

SMALL = {"n": 11, "alpha": 0.5, "radius": 2, "replicas": [1, 3, 7], "couplings": [0.0, 0.7, 3.0]}


def enumerated(seed: int) -> xr.Dataset:
    point = PerceptronLandscape(**SMALL)
    sequence = np.random.SeedSequence(seed)
    return point.run(point.instance().make(sequence), sequence, lambda fraction: None)


def test_surroundings_are_those_of_the_definition():
    """Against all pairs of solutions, found by counting errors pattern by pattern."""
    point = PerceptronLandscape(**SMALL)
    instance = point.instance().make(np.random.SeedSequence(3))
    states = 2 * ((np.arange(2**11)[:, None] >> np.arange(11)) & 1) - 1
    wrong = ((states @ instance.inputs.T) * instance.labels < 0).sum(axis=1)
    solutions = states[wrong == 0]
    apart = (solutions[:, None] != solutions[None]).sum(axis=2)
    near = (apart <= 2).sum(axis=1)
    found = enumerated(3)
    assert found.solutions == len(solutions) > 5
    assert found.local_entropy.sel(replica_count=1).values == pytest.approx(
        np.full(3, np.log(near).mean() / 11)
    )
    flattest = solutions[near == near.max()]
    inside = found.profile_solutions.sel(surrounding="flat").values[:3].sum()
    assert inside == near.max() and len(flattest) >= 1
    assert found.profile_solutions.sel(surrounding="isolated").values[:3].sum() == near.min()
    assert found.profile_solutions.sum("distance").values == pytest.approx(np.full(3, len(solutions)))
    assert found.profile_error[:, 0].values == pytest.approx(np.zeros(3))
    assert found.share.sum("bin").values == pytest.approx(np.ones((3, 3)))
    centre = solutions[np.argmax(near)]
    for d in (1, 4):
        ring = (states != centre).sum(axis=1) == d
        if (near == near.max()).sum() == 1:
            expected = wrong[ring].mean() / instance.n_patterns
            assert found.profile_error.sel(surrounding="flat").values[d] == pytest.approx(expected)


def test_instances_without_solutions_count_as_such():
    point = PerceptronLandscape(**SMALL | {"alpha": 4.0})
    sequence = np.random.SeedSequence(1)
    found = point.run(point.instance().make(sequence), sequence, lambda fraction: None)
    assert (
        found.solutions == 0 and np.isnan(found.local_entropy).all() and np.isnan(found.profile_error).all()
    )


def test_claims_on_the_landscape():
    dataset = xr.concat([enumerated(seed) for seed in range(6)], "seed").expand_dims("point")
    dataset = dataset.assign_coords(radius=("point", [2]), n=("point", [11]))
    found = landscape.replicas_choose_dense_regions(dataset, margin=0.0, coupling=0.7)
    assert found.verdict == "reproduced" and "y = 7" in found.method
    uncoupled = landscape.replicas_choose_dense_regions(dataset, margin=0.001, coupling=0.0)
    assert uncoupled.verdict == "not_reproduced" and uncoupled.estimate == pytest.approx(0, abs=1e-12)
    assert landscape.flat_minima_are_wide(dataset, margin=0.0).verdict == "reproduced"
    assert landscape.flat_minima_are_wide(dataset, margin=0.9).verdict == "not_reproduced"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"n": 27}, "less than or equal to 25"),
        ({"n": 10}, "must be odd"),
        ({"radius": 12}, "radius = 12: must be at most n = 11"),
        ({"replicas": [3, 1]}, "must be increasing"),
        ({"replicas": [0, 1]}, "the first at least 1"),
        ({"couplings": [-1.0, 1.0]}, "the first at least 0"),
    ],
)
def test_wrong_points_of_the_landscape_are_refused(wrong, words):
    with pytest.raises(ValidationError, match=words):
        PerceptronLandscape(**SMALL | wrong)
