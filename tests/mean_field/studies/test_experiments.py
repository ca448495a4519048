"""D1-D7: claims on synthetic data whose answer is known, and what the experiments say of themselves."""

from importlib import resources
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from falsifiers.mean_field import HEATS, distances, errors, gaps, learning_dataset, stationary
from pydantic import ValidationError

from thermobatch.mean_field.studies import decisions as mean_field
from thermobatch.mean_field.studies import points
from thermobatch.mean_field.studies.accuracy import claims as accuracy
from thermobatch.mean_field.studies.accuracy.experiment import MeanFieldAccuracy
from thermobatch.mean_field.studies.boundary import claims as boundary
from thermobatch.mean_field.studies.boundary.experiment import MeanFieldBoundary
from thermobatch.mean_field.studies.covariance import claims as covariance
from thermobatch.mean_field.studies.learning import claims as learning
from thermobatch.mean_field.studies.learning import figure as learning_figure
from thermobatch.mean_field.studies.learning.experiment import MeanFieldLearning, published_simulation
from thermobatch.mean_field.studies.replicas import claims as replicas
from thermobatch.mean_field.studies.replicas import figure as replicas_figure
from thermobatch.mean_field.studies.replicas.experiment import MeanFieldReplicas
from thermobatch.mean_field.studies.response import claims as response
from thermobatch.mean_field.studies.response import figure as response_figure
from thermobatch.mean_field.studies.temperature import claims as temperature
from thermobatch.mean_field.studies.temperature import figure as temperature_figure
from thermobatch.mean_field.studies.temperature.experiment import MeanFieldTemperature

REFERENCE = "dmft_ridge_simulation.csv"
RIDGE = {"loss": "square", "alpha": 3.0, "ridge": 0.5, "learning_rate": 0.1, "m0": 0.2}
RIDGE |= {"batch_fraction": 1.0, "steps": 8, "d": 30, "paths": 512}


@pytest.mark.parametrize(("bias", "verdict"), [(0.0, "reproduced"), (0.05, "not_reproduced")])
def test_a_biased_theory_is_found(bias, verdict):
    dataset = learning_dataset(bias)
    assert learning.theory_is_simulation(dataset, margin=0.02).verdict == verdict
    assert covariance.theory_is_simulation(dataset, margin=0.02).verdict == verdict
    assert learning.theory_is_exact(dataset, margin=0.005).verdict == "reproduced"
    assert accuracy.published_curve(dataset, margin=0.01).verdict == "reproduced"
    wrong = dataset.assign(published_magnetization=dataset.published_magnetization + 0.1)
    assert accuracy.published_curve(wrong, margin=0.01).verdict == "not_reproduced"
    few = learning_dataset(0.0, seeds=3, scatter=0.05)
    assert learning.theory_is_simulation(few, margin=0.02).verdict == "inconclusive"


def test_a_bias_of_one_case_alone_is_found_and_named():
    dataset = learning_dataset()
    moved = dataset.magnetization.copy()
    moved.loc[{"point": "mini", "origin": "simulation"}] += 0.05
    outcome = learning.theory_is_simulation(dataset.assign(magnetization=moved), margin=0.02)
    assert outcome.verdict == "not_reproduced" and "b = 0.4" in outcome.method


def test_correlated_inputs_are_told_from_uncorrelated_ones():
    dataset = learning_dataset()
    assert covariance.covariance_matters(dataset, margin=0.02).verdict == "reproduced"
    flat = dataset.assign_coords(eigenvalue_ratio=("point", [np.nan, np.nan, 6.0])).copy(deep=True)
    flat.magnetization.loc[{"point": "correlated"}] = flat.magnetization.sel(point="mini").values
    assert covariance.covariance_matters(flat, margin=0.02).verdict == "not_reproduced"
    with pytest.raises(ValueError, match="no point with the identity covariance like square, b = 0.4"):
        covariance.covariance_matters(dataset.isel(point=[0, 2]), margin=0.02)
    with pytest.raises(ValueError, match="no point with correlated inputs"):
        covariance.covariance_matters(dataset.isel(point=[0]), margin=0.02)


def test_orders_and_ratios_have_verdicts():
    random = np.random.default_rng(3)
    groups = {name: k + 0.1 * random.standard_normal(8) for k, name in enumerate("abc")}
    assert mean_field.increasing(groups, 0.0, "").verdict == "reproduced"
    assert mean_field.increasing(dict(reversed(groups.items())), 0.0, "").verdict == "not_reproduced"
    level = {name: 1.0 + 0.1 * random.standard_normal(8) for name in "abcd"}
    assert mean_field.increasing(level, 0.0, "").verdict == "inconclusive"
    with pytest.raises(ValueError, match="only 1 of the points"):
        mean_field.increasing({"a": groups["a"]}, 0.0, "")
    near = np.exp(0.02 * random.standard_normal((2, 8)))
    assert mean_field.close_ratios({"a": tuple(near)}, 0.1, "").verdict == "reproduced"
    assert mean_field.close_ratios({"a": (near[0], 2 * near[1])}, 0.1, "").verdict == "not_reproduced"
    assert mean_field.close_ratios({"a": tuple(near**20)}, 0.1, "").verdict == "inconclusive"


def test_estimate_and_interval_are_those_of_one_point():
    def point(middle, reach, together):
        ends = [(middle, middle - each, middle + each) for each in (reach, together)]
        return mean_field.Point(*(mean_field.Interval(*each) for each in ends))

    points = {"large": point(-0.5, 0.1, 0.2), "noisy": point(0.2, 0.6, 0.9)}
    for margin, worst, verdict in (
        (0.9, "noisy", "reproduced"),
        (0.7, "noisy", "inconclusive"),
        (0.29, "large", "not_reproduced"),
        ((-0.7, np.inf), "large", "reproduced"),
        ((-0.45, np.inf), "large", "inconclusive"),
        ((0.0, np.inf), "large", "not_reproduced"),
    ):
        found = mean_field.all_within(points, margin, "means")
        assert (found.verdict, (found.estimate, *found.interval)) == (verdict, tuple(points[worst].own))
        assert f"worst of 2: {worst}, with the interval of that point; simultaneous bounds" in found.method
    assert found.method.endswith("on the smallest over 2 points: -0.6 to -0.3")
    assert mean_field.all_within(points, 0.7, "").method.endswith("largest size over 2 points: 0.3 to 0.8")


def test_welch_is_scipy_s():
    from scipy.stats import ttest_ind

    random = np.random.default_rng(4)
    first, second = random.standard_normal(6), 2.0 + 3.0 * random.standard_normal(9)
    interval = ttest_ind(first, second, equal_var=False).confidence_interval(0.9)
    np.testing.assert_allclose(mean_field.welch(first, second)[1:], interval, rtol=1e-9)


# --- temperatures, replicas, gaps ------------------------------------------------------------------------------------


def test_a_straight_line_is_one_temperature_and_a_bent_one_is_not():
    bent, straight = stationary(), stationary(bend=0.0)
    # the area under x + a x (1 - x) is 1/2 + a/6, so the excess is a/3
    assert response.curvature(bent.sel(point="b3", origin="theory")).mean() == pytest.approx(0.1, abs=0.02)
    for decide in (response.no_single_temperature, response.no_single_temperature_in_theory):
        assert decide(bent, margin=0.05).verdict == "reproduced"
        assert decide(straight, margin=0.05).verdict == "not_reproduced"
        assert decide(stationary(bend=-0.3), margin=0.05).verdict == "reproduced"
        assert decide(stationary(spread=1.0), margin=0.05).verdict == "inconclusive"


def test_temperatures_are_ordered_and_compared():
    good = stationary()
    assert temperature.noise_grows(good, margin=0.0).verdict == "reproduced"
    assert temperature.persistence_heats(good, margin=0.0, batch_fraction=0.3).verdict == "reproduced"
    assert temperature.persistence_cools(good, margin=0.0, batch_fraction=0.1).verdict == "reproduced"
    assert temperature.persistence_heats(good, margin=0.0, batch_fraction=0.1).verdict == "not_reproduced"
    assert temperature.persistence_cools(good, margin=0.0, batch_fraction=0.3).verdict == "not_reproduced"
    law = {"margin": 0.1, "smallest_batch_fraction": 0.5}
    assert temperature.weak_noise_law(good, **law).verdict == "reproduced"
    assert temperature.weak_noise_law(stationary(HEATS | {"b9": 0.008}), **law).verdict == "not_reproduced"
    off = stationary(wrong=1.3)
    for decide in (temperature.temperature_theory_is_simulation, response.response_theory_is_simulation):
        assert decide(good, margin=0.1).verdict == "reproduced"
        assert decide(off, margin=0.1).verdict == "not_reproduced"
    assert temperature.same_definitions(good, margin=0.1).verdict == "reproduced"
    other = good.assign(integral_temperature=1.5 * good.integral_temperature)
    assert temperature.same_definitions(other, margin=0.1).verdict == "not_reproduced"
    with pytest.raises(ValueError, match="only 1 of the points"):
        temperature.noise_grows(good.sel(point=["b3"]), margin=0.0)


def test_distances_are_ordered_and_compared_with_temperatures():
    good, heats = distances(), stationary()
    assert replicas.distance_grows(good, margin=0.0).verdict == "reproduced"
    assert (
        replicas.distance_grows_with_persistence(good, margin=0.0, batch_fraction=0.3).verdict == "reproduced"
    )
    swapped = distances({"b9": 1e6, "t4": 1e-6})
    assert replicas.distance_grows(swapped, margin=0.0).verdict == "not_reproduced"
    fell = replicas.distance_grows_with_persistence(swapped, margin=0.0, batch_fraction=0.3)
    assert fell.verdict == "not_reproduced"
    found = replicas.same_order(good, heats, margin=0.0)
    assert found.verdict == "reproduced" and "0 of 21 pairs are inverted" in found.method
    one = replicas.same_order(distances({"t4": 0.2}), heats, margin=0.0)
    assert one.verdict == "not_reproduced" and "1 of 21 pairs are inverted" in one.method
    assert "worst of 21: D of (b = 0.3, tau = 4) over (b = 0.3, tau = 1)" in one.method
    assert one.interval[0] < one.estimate == pytest.approx(np.log(0.2 * (0.41 / 0.28) ** 2), abs=0.1)
    level = stationary(HEATS | {"t1": HEATS["t4"]})  # temperatures that are not told apart decide nothing
    assert replicas.same_order(distances({"t4": 0.2}), level, margin=0.0).verdict == "inconclusive"
    with pytest.raises(ValueError, match="only 3 algorithms"):
        replicas.same_order(good.isel(point=[0, 1, 2]), heats, margin=0.0)
    assert replicas.distance_theory_is_simulation(good, margin=0.2).verdict == "reproduced"
    assert (
        replicas.distance_theory_is_simulation(distances(wrong=2.0), margin=0.2).verdict == "not_reproduced"
    )
    with pytest.raises(ValueError, match="no point of the dataset"):
        replicas.distance_theory_is_simulation(distances(final_loss=0.1), margin=0.2)


def test_gaps_are_ordered_and_compared():
    ordered = (
        boundary.fewer_samples_at_the_boundary,
        boundary.gaps_widen,
        boundary.generalises_better,
        boundary.generalises_better_overall,
    )
    for decide in ordered:
        assert decide(gaps(), margin=0.0).verdict == "reproduced"
        assert decide(gaps(-0.05), margin=0.0).verdict == "not_reproduced"
    assert boundary.gaps_widen(gaps(0.0), margin=0.0).verdict == "inconclusive"
    assert boundary.boundary_theory_is_simulation(gaps(), margin=0.05).verdict == "reproduced"
    assert boundary.boundary_theory_is_simulation(gaps(wrong=0.1), margin=0.05).verdict == "not_reproduced"


# --- accuracy --------------------------------------------------------------------------------------------------------


def test_accuracy_has_verdicts():
    root = {"margin": [-0.6, -0.4], "batch_fraction": 0.2}
    assert accuracy.error_falls_as_root_n(errors(), **root).verdict == "reproduced"
    assert accuracy.error_falls_as_root_n(errors(-1.0), **root).verdict == "not_reproduced"
    assert accuracy.error_falls_as_root_n(errors(scatter=2.0), **root).verdict == "inconclusive"
    assert accuracy.full_batch_is_exact(errors(), margin=1e-9).verdict == "reproduced"
    assert accuracy.full_batch_is_exact(errors(floor=1e-6), margin=1e-9).verdict == "not_reproduced"
    best = {"margin": 0.005, "batch_fraction": 0.2}
    assert accuracy.accuracy(errors(size=0.005), **best).verdict == "reproduced"
    assert accuracy.accuracy(errors(size=0.05), **best).verdict == "not_reproduced"
    with pytest.raises(ValueError, match="no point with b = 0.3"):
        accuracy.accuracy(errors(), margin=0.005, batch_fraction=0.3)
    with pytest.raises(ValueError, match="only 2 population sizes"):
        accuracy.error_falls_as_root_n(errors().isel(paths=[0, 1]), **root)


# --- the experiments -------------------------------------------------------------------------------------------------


def test_the_published_simulation_ships_with_the_package():
    shipped = (resources.files("thermobatch.mean_field") / "reference" / REFERENCE).read_bytes()
    assert shipped == (Path(__file__).parent.parent.parent / "reference" / REFERENCE).read_bytes()
    table = published_simulation()
    assert table.shape == (200, 3) and list(table[:3, 0]) == [0, 1, 2]
    assert table[0, 1] == pytest.approx(0.2, abs=0.01)


def test_learning_curves_know_what_is_exact_and_what_is_published():
    seed = np.random.SeedSequence(1)
    run = MeanFieldLearning(**RIDGE).run(None, seed, lambda _: None)
    theory, exact = (run.magnetization.sel(origin=origin) for origin in ("theory", "exact"))
    np.testing.assert_allclose(theory, exact, atol=1e-11)
    np.testing.assert_allclose(run.published_magnetization, exact, atol=0.003)
    other = MeanFieldLearning(**RIDGE | {"batch_fraction": 0.4, "persistence": 1.0})
    run = other.run(None, seed, lambda _: None)
    assert (
        np.isnan(run.magnetization.sel(origin="exact")).all() and np.isnan(run.published_magnetization).all()
    )
    assert np.isfinite(run.self_overlap.sel(origin=["theory", "simulation"])).all()


def test_accuracy_is_measured_against_the_exact_solution():
    options = {name: RIDGE[name] for name in ("alpha", "ridge", "learning_rate", "m0", "steps")}
    options["paths"] = [256, 512]
    full, few = (
        MeanFieldAccuracy(**options, batch_fraction=b).run(None, np.random.SeedSequence(5), lambda _: None)
        for b in (1.0, 0.3)
    )
    assert float(full.largest_error.max()) < 1e-12
    assert (few.rms_error > 1e-5).all() and (few.rms_error <= few.largest_error).all()
    alone = MeanFieldAccuracy(**options | {"paths": [512]}, batch_fraction=0.3)
    again = alone.run(None, np.random.SeedSequence(5), lambda _: None)
    xr.testing.assert_identical(again, few.sel(paths=[512]))
    for wrong, words in (([20], "must be at least 44 for 8 steps"), ([512, 512], "holds a size twice")):
        with pytest.raises(ValidationError, match=words):
            MeanFieldAccuracy(**options | {"paths": wrong}, batch_fraction=1.0)


MIXTURE = {"loss": "squared_hinge", "data": "mixture", "alpha": 2.0, "ridge": 0.5, "learning_rate": 0.1}
MIXTURE |= {"batch_fraction": 0.5, "steps": 20, "d": 40, "paths": 256}


def test_a_run_of_the_temperatures_is_consistent():
    point = MeanFieldTemperature(**MIXTURE, waiting_time=8)
    run = point.run(None, np.random.SeedSequence(2), lambda _: None)
    assert run.sizes == {"origin": 2, "lag": 13}
    late = run.isel(lag=slice(-3, None)).mean("lag")
    np.testing.assert_allclose(run.integral_temperature, late.replica_fluctuation / late.response, rtol=1e-12)
    np.testing.assert_allclose(run.replica_temperature, run.replica_distance / late.response, rtol=1e-12)
    with pytest.raises(ValidationError, match="waiting_time = 18: must be at most steps - 4 = 16"):
        MeanFieldTemperature(**MIXTURE, waiting_time=18)


def test_the_theory_of_replicas_may_stop_earlier():
    options = MIXTURE | {"ridge": 0.0, "alpha": 0.5}
    run = MeanFieldReplicas(**options, solved_steps=9).run(None, np.random.SeedSequence(3), lambda _: None)
    theory, simulated = (run.replica_distance.sel(origin=origin) for origin in ("theory", "simulation"))
    assert np.isfinite(theory[:10]).all() and np.isnan(theory[10:]).all() and np.isfinite(simulated).all()
    assert theory[0] == simulated[0] == 0.0 and theory[9] > 0.0
    with pytest.raises(ValidationError, match="solved_steps = 30: must be at most steps = 20"):
        MeanFieldReplicas(**options, solved_steps=30)


def test_gaps_have_a_distribution():
    options = MIXTURE | {"ridge": 0.0, "alpha": 0.5, "margin": 0.5}
    run = MeanFieldBoundary(**options).run(None, np.random.SeedSequence(4), lambda _: None)
    assert (run.gap_distribution.diff("gap") >= 0).all() and float(run.gap_distribution.max()) <= 1.0
    at = run.gap_distribution.interp(gap=0.02)
    np.testing.assert_allclose(at, run.near_fraction, atol=0.06)
    for origin in ("theory", "simulation"):
        share = run.gap_distribution.sel(origin=origin).values
        median = float(run.median_gap.sel(origin=origin))
        assert np.interp(median, run.gap.values, share) == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"paths": 10}, r"paths = 10: must be at least 44 for 8 steps"),
        ({"eigenvalue_ratio": 2.0, "spectral_exponent": 1.0}, "at most one may be given"),
        ({"margin": 0.5}, "only loss = 'squared_hinge' has a margin"),
        ({"nesterov": True}, "needs momentum above 0"),
        ({"learning_rate": 0.5}, r"learning_rate = 0.5: the square loss is unstable: must be below 0.25"),
        ({"persistence": 0.01}, "persistence = 0.01: must be at least 0.1"),
    ],
)
def test_wrong_points_are_refused(wrong, words):
    with pytest.raises(ValidationError, match=words):
        MeanFieldLearning(**RIDGE | wrong)


def test_cases_have_their_names():
    dataset = learning_dataset()
    names = [points.case_name(dataset.sel(point=point)) for point in dataset.point.values]
    assert names == [
        f"square, b = {rest}"
        for rest in ("1, eta = 0.1", "0.4, eta = 0.1", "0.4, eta = 0.1, eigenvalue ratio 6")
    ]
    assert learning_figure.label(dataset.isel(point=1)) == "square, $b=0.4$"


def test_no_point_hides_another():
    """Two points that a claim calls the same are an error; learning rate and data are in the name."""
    dataset = learning_dataset()
    first = dataset.isel(point=[0, 0]).assign_coords(point=["a", "b"])
    with pytest.raises(ValueError, match="the points a and b are both 'square, b = 1, eta = 0.1'"):
        points.named(first, points.case_name)
    other = first.assign_coords(learning_rate=("point", [0.1, 0.06]))
    assert list(points.named(other, points.case_name)) == [
        "square, b = 1, eta = 0.1",
        "square, b = 1, eta = 0.06",
    ]
    with pytest.raises(ValueError, match="are both 'b = 1'"):
        points.named(other, points.algorithm_name)


@pytest.mark.parametrize("kept", [["b9", "b3", "b1"], ["t1", "t4", "b3"], ["t1", "t4"]])
def test_figures_draw_the_points_there_are(kept):
    heats, replica = stationary().sel(point=kept), distances().sel(point=kept)
    replica = replica.assign_coords(time=np.arange(30))
    for figure in (
        temperature_figure.draw(heats),
        response_figure.draw(heats),
        replicas_figure.draw(replica, heats),
    ):
        figure.draw_without_rendering()
        assert any(axes.lines for axes in figure.axes)
