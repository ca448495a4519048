"""R4 and R6: claims on synthetic data whose answer is known, and what the experiments refuse."""

import numpy as np
import pytest
from pydantic import ValidationError
from worlds.networks import AS_MEASURED, FAST, LEVELS, neighborhoods, searches, theory

from thermobatch.networks.studies.messages import claims as searching
from thermobatch.networks.studies.messages import figure as search_figure
from thermobatch.networks.studies.messages.experiment import MessageSearch
from thermobatch.networks.studies.neighborhoods import claims as ending
from thermobatch.networks.studies.neighborhoods import figure as ending_figure
from thermobatch.networks.studies.neighborhoods.claims import algorithm_point, at_distance
from thermobatch.networks.studies.neighborhoods.experiment import FIELDS, SolutionNeighborhoods

# --- R4: searches ------------------------------------------------------------------------------


def test_searches_as_measured_are_reproduced_and_the_contrary_is_not():
    dataset = searches(AS_MEASURED)
    contrary = searches({key: 1.0 - share for key, share in AS_MEASURED.items()}, parting=0.1)
    for name, options in (
        ("reinforcement_solves", {"margin": 0.5, "largest_alpha": 0.5}),
        ("slow_reinforcement_goes_further", {"margin": 0.0, "alpha": 0.55}),
        ("reinforcement_fails", {"margin": 0.5, "alpha": 0.6}),
        ("focusing_goes_further", {"margin": 0.0, "smallest_alpha": 0.55}),
        ("symmetry_breaks", {"margin": 0.5}),
    ):
        decide = getattr(searching, name)
        assert decide(dataset, **options).verdict == "reproduced", name
        assert decide(contrary, **options).verdict == "not_reproduced", name


def test_one_bad_load_is_enough_and_few_runs_decide_nothing():
    bad = searches(AS_MEASURED | {(*FAST, 0.4): 0.2})
    found = searching.reinforcement_solves(bad, margin=0.5, largest_alpha=0.5)
    assert found.verdict == "not_reproduced" and found.estimate == pytest.approx(0.2)
    few = searches(AS_MEASURED, seeds=2)
    assert searching.reinforcement_solves(few, margin=0.5, largest_alpha=0.5).verdict == "inconclusive"
    with pytest.raises(ValueError, match="no point at that load"):
        searching.reinforcement_fails(bad, margin=0.5, alpha=0.65)
    with pytest.raises(ValueError, match="no point with the protocol pseudo"):
        searching.focusing_goes_further(searches({(*FAST, 0.55): 1.0}), margin=0.0, smallest_alpha=0.5)


def test_the_fall_of_the_overlap_is_that_of_the_last_step_made():
    found = searching.symmetry_breaks(searches(AS_MEASURED, parting=0.7), margin=0.5)
    assert found.estimate == pytest.approx(0.7, abs=2e-3)


def test_protocols_have_names_and_the_example_is_solved():
    dataset = searches(AS_MEASURED)
    labels = [label for label, _ in search_figure.protocols(dataset)]
    assert labels == ["pseudo-reinf. 0.02", "reinforcement 0.002", "reinforcement 0.01"]
    assert search_figure.example(dataset) == ("reinforcement 0.002 0.5", 0)
    assert search_figure._short(-0.004) == ".00" and search_figure._short(0.25) == ".25"


def test_units_part_while_the_protocol_solves():
    point = MessageSearch(n=51, hidden=3, alpha=0.3, protocol="reinforcement", increment=0.01)
    instance = point.instance().make(np.random.SeedSequence(1))
    found = point.run(instance, np.random.SeedSequence(2), lambda done: None)
    made = int(np.isfinite(found.own_overlap).sum())
    assert float(found.solved) == 1.0 and made == int(found.iterations_made)
    np.testing.assert_allclose(np.trace(found.unit_overlap[1]) / 3, found.own_overlap[made - 1], rtol=1e-12)
    relative = searching.relative_overlap(found).values
    assert relative[0] > 0.9 and abs(relative[made - 1]) < 0.5


# --- R6: neighbourhoods ------------------------------------------------------------------------

PLACE = {"n": 801, "distance": 0.09}


@pytest.mark.parametrize(
    ("name", "margin", "opposite"),
    [
        ("replication_helps_annealing", 0.005, {"rSA": 0.19}),
        ("replication_helps_sgd", 0.0, {"rSGD, replica": 0.23}),
        ("sgd_is_denser_than_annealing", 0.02, {"SGD": 0.2}),
        ("messages_as_dense_as_replicas", 0.005, {"fBP": 0.23}),
        ("ordering", 0.0, {"rSA, step": 0.195}),
    ],
)
def test_local_entropies_are_compared_on_the_same_instance(name, margin, opposite):
    decide = getattr(ending, name)
    assert decide(neighborhoods(LEVELS), margin=margin, **PLACE).verdict == "reproduced"
    assert decide(neighborhoods(LEVELS | opposite), margin=margin, **PLACE).verdict == "not_reproduced"
    noisy = neighborhoods(LEVELS, seeds=3, noise=0.05)
    assert decide(noisy, margin=margin, **PLACE).verdict != "not_reproduced"


def test_the_smallest_step_decides_the_order():
    found = ending.ordering(neighborhoods(LEVELS | {"rSA": 0.1901}), margin=0.0, **PLACE)
    assert found.verdict == "inconclusive" and "SA to rSA" in found.method
    with pytest.raises(ValueError, match="no point of SGD"):
        ending.ordering(neighborhoods({k: v for k, v in LEVELS.items() if k != "SGD"}), margin=0.0, **PLACE)


def test_solutions_are_placed_between_the_curves_of_theory():
    dataset = neighborhoods(LEVELS)
    assert ending.annealing_is_typical(dataset, theory(), margin=0.01, **PLACE).verdict == "reproduced"
    assert (
        ending.annealing_is_typical(dataset, theory(0.15), margin=0.01, **PLACE).verdict == "not_reproduced"
    )
    near = ending.messages_nearly_densest(dataset, theory(), margin=[0.75, 1.05], **PLACE)
    assert near.verdict == "reproduced" and near.estimate == pytest.approx(65 / 70, abs=0.03)
    far = ending.messages_nearly_densest(dataset, theory(densest=0.35), margin=[0.75, 1.05], **PLACE)
    assert far.verdict == "not_reproduced"


def test_scaling_removes_the_total_entropy_and_unsolved_runs_are_left_out():
    dataset = neighborhoods(LEVELS, noise=0.0)
    np.testing.assert_allclose(at_distance(dataset, 801, 0.09, 0.4).sel(solver="SGD"), 0.24, rtol=2e-3)
    assert np.ptp(at_distance(dataset, 801, 0.09).sel(solver="SGD").values) > 0.03
    dataset["entropy"][dict(point=0, seed=2)] = np.nan
    found = ending.replication_helps_annealing(dataset, margin=0.005, **PLACE)
    assert "over 11 instances" in found.method and found.verdict == "reproduced"
    assert (
        algorithm_point(dataset, "rSA, step", 801) == "rSA, step"
        and algorithm_point(dataset, "SA", 5) is None
    )


def test_curves_end_where_messages_freeze():
    dataset = neighborhoods(LEVELS, seeds=4)
    dataset["distance"] = dataset.distance.copy()
    whole = ending_figure.curves(dataset, "SGD", 801, 0.4)
    dataset["distance"][dict(point=list(LEVELS).index("SGD"), seed=0, field=slice(10, None))] = 1e-5
    frozen = ending_figure.curves(dataset, "SGD", 801, 0.4)
    last = 0.35 * np.exp(-2 * FIELDS[9])
    assert np.isnan(frozen[0][ending_figure.PLACES < last]).all()
    np.testing.assert_allclose(frozen[1:], whole[1:])


def test_an_algorithm_that_fails_leaves_no_entropy():
    point = SolutionNeighborhoods(n=51, alpha=0.8, algorithm="sgd", epochs=1)
    instance = point.instance().make(np.random.SeedSequence(1))
    found = point.run(instance, np.random.SeedSequence(2), lambda done: None)
    assert float(found.solved) == 0.0 and np.isnan(found.entropy).all() and np.isnan(found.distance).all()


# --- what is refused ---------------------------------------------------------------------------


def test_wrong_points_are_refused():
    search = {"n": 21, "hidden": 3, "alpha": 0.5, "protocol": "pseudo", "increment": 0.02}
    for wrong, words in (
        ({"protocol": "scoping"}, "scoping needs replicas"),
        ({"replicas": 3.0}, "scoping needs replicas"),
        ({"hidden": 4}, "must be odd"),
        ({"n": 20}, "must be odd"),
    ):
        with pytest.raises(ValidationError, match=words):
            MessageSearch(**search | wrong)
    ending_point = {"n": 51, "alpha": 0.4, "algorithm": "focusing"}
    for wrong, words in (({"replicas": 3}, "whose protocol sets them"), ({"n": 50}, "must be odd")):
        with pytest.raises(ValidationError, match=words):
            SolutionNeighborhoods(**ending_point | wrong)
