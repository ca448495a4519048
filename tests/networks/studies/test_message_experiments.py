"""R4-R6: statistics and claims on synthetic data whose answer is known, and what the experiments refuse."""

import numpy as np
import pytest
import xarray as xr
from pydantic import ValidationError
from worlds.networks import entropies, focusing, theory_curves

import thermobatch as tb
from thermobatch.networks.studies.entropies import figure as entropy_figure
from thermobatch.networks.studies.entropies.claims import (
    dense_regions,
    entropy_at,
    focusing_between,
    focusing_is_dense,
    scaled_entropy,
    theory_curve,
    typical_isolated,
)
from thermobatch.networks.studies.entropies.experiment import PerceptronEntropies
from thermobatch.networks.studies.entropies.focusing_entropies import FocusingEntropies
from thermobatch.statistics.extremes import largest_mean

# --- the front door ----------------------------------------------------------------------------


def test_the_front_door_finds_a_solution_and_its_neighbours():
    instance = tb.perceptron(n=201, alpha=0.3, seed=1)
    found = tb.focusing_bp(instance, protocol="pseudo", seed=2)
    assert bool(found.solved)
    around = tb.local_entropy(instance, found.weights.values, seed=0)
    assert float(around.entropy[0]) == pytest.approx(0.475, abs=0.05)  # the theory's S(0.3), N = 201
    assert (np.diff(around.distance) < 0).all() and float(around.distance[-1]) < 0.02


# --- statistics --------------------------------------------------------------------------------


def test_the_largest_of_several_means_is_bounded_from_both_sides():
    noise = 0.1 * np.random.default_rng(1).standard_normal((30, 4))
    assert largest_mean(noise - 1.0, 0.0).verdict == "reproduced"
    assert largest_mean(noise + np.array([-1.0, -1.0, 0.5, -1.0]), 0.0).verdict == "not_reproduced"
    assert largest_mean(noise + np.array([-1.0, -1.0, 0.01, -1.0]), 0.0).verdict == "inconclusive"
    for wrong in (noise[:1], noise[0], noise * np.nan):
        with pytest.raises(ValueError, match="values"):
            largest_mean(wrong, 0.0)
    with pytest.raises(ValueError, match="alpha"):
        largest_mean(noise, 0.0, alpha=0.6)


def test_the_largest_mean_errs_as_seldom_as_stated():
    """Means exactly at the margin: each wrong verdict in about 5% of the trials or fewer (1e-6 to exceed 8%)."""
    random = np.random.default_rng(2)
    found = [largest_mean(random.standard_normal((6, 3)), 0.0).verdict for _ in range(2000)]
    assert found.count("reproduced") < 0.08 * 2000 and found.count("not_reproduced") < 0.08 * 2000
    shifted = [largest_mean(random.standard_normal((6, 3)) - [0, 9, 9], 0.0).verdict for _ in range(2000)]
    assert 0.02 * 2000 < shifted.count("reproduced") < 0.08 * 2000


# --- R5: entropies -----------------------------------------------------------------------------


def test_isolated_and_dense_are_told_from_their_opposites():
    found = typical_isolated(theory_curves(), margin=0.001, alpha=0.4)
    assert found.verdict == "reproduced" and found.estimate == pytest.approx(0.05, abs=1e-6)
    connected = entropies(typical=lambda d: 1.0 * d)
    assert typical_isolated(connected, margin=0.001, alpha=0.4).verdict == "not_reproduced"
    gap = dense_regions(theory_curves(), margin=0.1, alpha=0.4, distance=0.09)
    assert gap.verdict == "reproduced" and gap.estimate == pytest.approx(0.3 + 0.2 * 0.09 - 0.04, abs=1e-6)
    assert dense_regions(theory_curves(), margin=0.3, alpha=0.4, distance=0.09).verdict == "not_reproduced"


@pytest.mark.parametrize(
    ("level", "verdict"), [(0.2, "reproduced"), (0.33, "not_reproduced"), (0.07, "not_reproduced")]
)
def test_focusing_is_placed_between_the_curves_instance_by_instance(level, verdict):
    options = {"margin": 0.005, "distances": [0.02, 0.3]}
    assert focusing_between(focusing(level), theory_curves(), **options).verdict == verdict


def test_focusing_is_compared_with_typical_solutions():
    options = {"margin": 0.03, "alpha": 0.4, "distance": 0.09}
    dense = focusing_is_dense(focusing(0.2), theory_curves(), **options)
    assert dense.verdict == "reproduced" and dense.estimate == pytest.approx(0.218 - 0.04, abs=2e-3)
    assert "6 of the 12 steps beside that distance had converged within at most 50 iterations" in dense.method
    assert focusing_is_dense(focusing(0.03), theory_curves(), **options).verdict == "not_reproduced"
    with pytest.raises(ValueError, match=r"no alpha = 0\.6"):
        focusing_is_dense(focusing(0.2), theory_curves(), margin=0.03, alpha=0.6, distance=0.09)


def test_curves_of_theory_stop_where_they_jump_or_are_not_precise():
    curve = theory_curve(theory_curves(), "densest", 0.4)
    assert (np.diff(curve.distance) > 0).all() and curve.distance.size == 40 and curve.total == 0.4
    assert np.isnan(curve.at(0.5)) and curve.clipped_at(0.5) == pytest.approx(0.38)
    rough = theory_curves()
    rough["entropy_error"][dict(point=1, place=25)] = 0.1
    assert theory_curve(rough, "densest", 0.4).distance.size == 25
    jump = theory_curves()
    jump["distance"][dict(point=1, place=slice(30, None))] -= 0.08
    assert theory_curve(jump, "densest", 0.4).distance.size == 30
    with pytest.raises(ValueError, match=r"no curve robust, alpha = 0\.4, y = 9"):
        theory_curve(theory_curves(), "robust", 0.4, 9.0)


def test_entropies_are_interpolated_where_they_are_known():
    distances, values = np.array([0.4, 0.2, 0.1, np.nan]), np.array([0.8, 0.4, 0.2, np.nan])
    assert entropy_at(distances, values, 0.15) == pytest.approx(0.3)
    assert np.isnan(entropy_at(distances, values, 0.05)) and np.isnan(
        entropy_at(values * np.nan, values, 0.1)
    )
    local = xr.DataArray([0.2, 0.3], dims="seed")
    np.testing.assert_allclose(scaled_entropy(local, 2 * local, 0.4), 0.2)


def test_the_theory_of_the_notes_is_in_the_dataset():
    point = PerceptronEntropies(curve="typical", alpha=0.4, order=81)
    found = point.run(None, np.random.SeedSequence(1), lambda done: None)
    dataset = found.expand_dims(point=["x"], seed=[0]).assign_coords(
        curve=("point", ["typical"]), alpha=("point", [0.4]), replicas=("point", [np.nan])
    )
    curve = theory_curve(dataset, "typical", 0.4)
    np.testing.assert_allclose(curve.at([0.2, 0.1, 0.05, 0.01]), [0.3234, 0.2044, 0.1144, 0.0188], atol=2e-4)
    assert curve.total == pytest.approx(0.3965, abs=1e-4)


def test_the_internal_entropy_without_coupling_is_that_of_all_solutions():
    point = FocusingEntropies(n=401, alpha=0.4, replicas=7.0, largest=0.2, step=0.1)
    instance = point.instance().make(np.random.SeedSequence(1))
    found = point.run(instance, np.random.SeedSequence(2), lambda done: None)
    everything = tb.local_entropy(instance, np.ones(401), seed=0, gamma=[0.0])
    assert float(found.total_entropy) == pytest.approx(float(everything.entropy[0]), abs=1e-3)
    assert float(found.distance[0]) == pytest.approx(0.5) and found.sizes["coupling"] == 3


def test_the_figure_marks_what_was_measured():
    looks = {1.0: ("black", "o"), 7.0: ("black", "s")}
    keys = {key.get_label(): key.get_marker() for key in entropy_figure._keys(looks, {7.0})}
    assert keys["$y=7$"] == "s" and keys["$y=1$"] == "" and "Franz-Parisi" in keys


# --- what is refused ---------------------------------------------------------------------------


def test_wrong_points_are_refused():
    for wrong, words in (
        ({"curve": "typical", "replicas": 3.0}, "a robust curve needs replicas"),
        ({"curve": "robust"}, "a robust curve needs replicas"),
        ({"curve": "typical", "alpha": 0.9}, "alpha"),
    ):
        with pytest.raises(ValidationError, match=words):
            PerceptronEntropies(**{"alpha": 0.4} | wrong)
    with pytest.raises(ValidationError, match="must be odd"):
        FocusingEntropies(n=400, alpha=0.4, replicas=7.0, largest=1.0)
