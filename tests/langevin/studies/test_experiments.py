"""L1-L3: claims on synthetic data whose answer is known, and what the experiments say of themselves."""

import numpy as np
import pytest
from pydantic import ValidationError
from worlds.coloring import annealings
from worlds.langevin import SHARES, annealing, bowls, covariance

from thermobatch.coloring.studies.annealing.claims import same_final_energy
from thermobatch.coloring.studies.annealing.experiment import ColoringAnnealing, matched_fractions
from thermobatch.coloring.theory.effective_temperature import effective_temperature
from thermobatch.langevin.studies.annealing import figure
from thermobatch.langevin.studies.annealing.claims import (
    batch_cools_like_temperature,
    cooling_wins_at_last,
    far_better,
    reshuffling_is_colder,
)
from thermobatch.langevin.studies.annealing.experiment import LandscapeAnnealing
from thermobatch.langevin.studies.stationary_law.claims import (
    additive_is_boltzmann_in_a_bowl,
    exact_covariance,
    natural_is_not_boltzmann,
)
from thermobatch.langevin.studies.stationary_law.experiment import RegressionCovariance
from thermobatch.langevin.studies.stationary_law.regression_law import RegressionLaw, _exact_regression
from thermobatch.langevin.theory.sgd_stationary import sgd_covariance


def test_a_small_advantage_is_an_advantage_and_not_far_better():
    dataset = annealing(SHARES)
    assert cooling_wins_at_last(dataset, margin=0.0).verdict == "reproduced"
    assert far_better(dataset, margin=0.2).verdict == "not_reproduced"
    assert cooling_wins_at_last(annealing(SHARES | {"cooled": 0.6}), margin=0.0).verdict == "not_reproduced"
    assert cooling_wins_at_last(annealing(SHARES, 2, 10), margin=0.0).verdict == "inconclusive"


def test_batches_are_compared_with_their_temperature_and_with_reshuffled_ones():
    dataset = annealing(SHARES)
    assert batch_cools_like_temperature(dataset, margin=0.1).verdict == "reproduced"
    assert reshuffling_is_colder(dataset, margin=0.1).verdict == "reproduced"
    other = annealing(SHARES | {"growing": 0.5, "shuffled": 0.8})
    assert batch_cools_like_temperature(other, margin=0.1).verdict == "not_reproduced"
    assert reshuffling_is_colder(other, margin=0.1).verdict == "not_reproduced"


def test_a_missing_schedule_is_named():
    with pytest.raises(ValueError, match="no point with a constant batch"):
        reshuffling_is_colder(annealing(SHARES).isel(point=[0, 1, 2]), margin=0.1)


def test_the_schedules_have_their_names():
    kinds = ("best", "cooled", "growing", "shuffled", "descent")
    names = [figure.label(annealing(SHARES).sel(point=kind)) for kind in kinds]
    assert names == ["$T=0.1$", r"$T=1/\log n$", r"$B=\lceil 0.8\log n\rceil$", "$B=8$, shuffled", "descent"]


def test_wrong_covariances_and_laws_are_found():
    assert exact_covariance(covariance(1.0), margin=0.03).verdict == "reproduced"
    assert exact_covariance(covariance(1.1), margin=0.03).verdict == "not_reproduced"
    bowl = bowls()
    assert natural_is_not_boltzmann(bowl, margin=0.05).verdict == "reproduced"
    assert additive_is_boltzmann_in_a_bowl(bowl, margin=0.05).verdict == "reproduced"
    swapped = bowl.assign_coords(noise=["additive", "natural"])
    assert natural_is_not_boltzmann(swapped, margin=0.05).verdict == "not_reproduced"
    assert additive_is_boltzmann_in_a_bowl(swapped, margin=0.05).verdict == "not_reproduced"


@pytest.mark.parametrize(("difference", "verdict"), [(0.002, "reproduced"), (0.05, "not_reproduced")])
def test_annealings_are_compared_graph_by_graph(difference, verdict):
    assert same_final_energy(annealings("energy", difference), margin=0.01).verdict == verdict


def test_levels_are_matched_by_zero_drift():
    temperatures = (0.9, 0.6, 0.4)
    fractions = matched_fractions(temperatures, 20.0, 5)
    np.testing.assert_allclose(
        effective_temperature(fractions, mean_degree=20.0, q=5), temperatures, rtol=1e-9
    )


def test_the_regressions_of_all_seeds_have_one_law():
    point = RegressionLaw(samples=200, curvatures=[0.25, 2.25], learning_rate=0.02, batch=10, steps=100)
    for seed in (1, 2):
        landscape = _exact_regression(200, np.array(point.curvatures), np.random.SeedSequence(seed))
        np.testing.assert_allclose(landscape.potential.hessian, np.diag(point.curvatures), atol=1e-12)
        np.testing.assert_allclose(landscape.minimum, 0.0, atol=1e-12)
        theory = sgd_covariance(*landscape.samples, 0.02, 10)
        assert theory.attrs["label_noise"] == pytest.approx(1.0, rel=1e-9)
        heat = np.trace(landscape.potential.hessian @ theory.exact.values) / 2
        assert heat == pytest.approx(point.temperature(), rel=0.15)  # S0 of 200 samples is not quite H


def test_wrong_points_are_refused():
    fixed = {"runs": 2, "steps": 100, "learning_rate": 0.02, "samples": 10, "noise_variance": 1.0}
    for wrong, words in (
        ({"temperature": 0.1, "batch": 2.0}, "at most one"),
        ({"batch": 2.5}, "must be an integer"),
        ({"batch": 20.0}, "beyond samples"),
        ({"batch": 8.0, "cooling": "logarithmic"}, "beyond samples"),
    ):
        with pytest.raises(ValidationError, match=words):
            LandscapeAnnealing(**fixed, **wrong)
    levels = {
        "graph": "planted",
        "n": 100,
        "q": 5,
        "mean_degree": 5.0,
        "sweeps": 20,
        "hottest": 0.9,
        "coldest": 0.4,
    }
    with pytest.raises(ValidationError, match="at least levels"):
        ColoringAnnealing(**levels, levels=30)
    with pytest.raises(ValidationError, match="must be below hottest"):
        ColoringAnnealing(**levels | {"coldest": 1.0}, levels=5)


@pytest.mark.parametrize("batch", [1, 4])
def test_a_learning_rate_near_divergence_is_refused_before_anything_runs(batch):
    """What is refused is what the exact theory of a large data set says diverges, with a fifth of room."""
    scales = [0.5, 1.0, 1.5]
    settings = {"samples": 1000, "scales": scales, "label_noise": 1.0, "batch": batch, "steps": 1000}

    def allowed(rate: float) -> bool:
        try:
            RegressionCovariance(learning_rate=rate, **settings)
        except ValidationError as error:
            assert "diverges" in str(error) and f"batch = {batch}" in str(error)
            return False
        return True

    inputs = np.random.default_rng(1).normal(size=(200_000, 3)) * scales
    with pytest.raises(ValueError, match="must be < ") as refused:
        sgd_covariance(inputs, inputs[:, 0], 10.0, batch)
    bound = float(str(refused.value).split("must be < ")[1].split()[0])
    limit = max(rate for rate in np.linspace(0.5, 1.1, 61) * bound if allowed(rate))
    assert 0.8 * bound < limit < 0.99 * bound
