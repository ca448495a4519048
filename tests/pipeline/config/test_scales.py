"""Every scale runs: what warms kernels up, what calibrates a machine, and a real chunk of every experiment."""

import json

import pytest

from thermobatch.langevin.landscapes import gaussian_regression
from thermobatch.langevin.theory.sgd_stationary import largest_learning_rate
from thermobatch.pipeline.configuration import Configuration
from thermobatch.pipeline.jobs import simulate
from thermobatch.pipeline.measure import calibrating
from thermobatch.pipeline.seeds import run_seed
from thermobatch.study.experiment import Experiment
from thermobatch.study.scale import SCALES

pytestmark = pytest.mark.slow

CONFIGURATION = Configuration.read("config.yaml")
SLOW_PROBES = (
    "coloring_reconstruction",
    "perceptron_entropies",
)  # a second each: one of a kind, as in warm-up
ROOTS = {  # where the draw decides whether a run diverges, more of them
    "regression_covariance": 30,
    "regression_law": 5,
    "double_well_law": 5,
    "landscape_annealing": 5,
    "mean_field_learning": 3,
    "mean_field_temperature": 3,
    "mean_field_replicas": 3,
    "mean_field_boundary": 3,
}
LONGEST_CHUNK = 10.0


def points_of(name: str) -> list[Experiment]:
    """All points of an experiment at all scales, with what calibrates each scale: warm-up runs probes of these too."""
    by_scale = [list(CONFIGURATION.experiment(name, scale).points.values()) for scale in SCALES]
    return [point for points in by_scale for point in (*points, calibrating(points))]


def distinct(points) -> list[Experiment]:
    return list({point.model_dump_json(): point for point in points}.values())


def probes(name: str) -> list[Experiment]:
    points = points_of(name)
    if name in SLOW_PROBES:
        points = {json.dumps(point.structure(), default=str): point for point in points}.values()
    return distinct(point.probed() for point in points)


@pytest.mark.parametrize("name", CONFIGURATION.experiments)
def test_every_probe_of_every_scale_runs(name):
    for point in probes(name):
        for root in range(ROOTS.get(name, 1)):
            dataset = simulate(name, point, "warm-up", [0], root)
            assert dataset.sizes["seed"] == 1


@pytest.mark.parametrize("name", CONFIGURATION.experiments)
def test_every_calibration_runs(name):
    for point in distinct(calibrating(CONFIGURATION.experiment(name, s).points.values()) for s in SCALES):
        assert simulate(name, point, "calibration", [0], 0).sizes["seed"] == 1


@pytest.mark.parametrize("name", CONFIGURATION.experiments)
def test_the_shortest_real_run_of_the_standard_scale_runs(name):
    resolved = CONFIGURATION.experiment(name, "standard")
    slug, point = min(resolved.points.items(), key=lambda entry: entry[1].cost().seconds)
    if point.cost().seconds > LONGEST_CHUNK:
        pytest.skip(f"the shortest takes {point.cost().seconds:.0f} s")
    assert simulate(name, point, slug, [0], resolved.root_seed).sizes["seed"] == 1


@pytest.mark.parametrize("scale", SCALES)
def test_the_data_of_every_seed_allow_their_learning_rate(scale):
    """Of experiment regression_covariance: its validation knows the law of the data, not the data that are drawn."""
    name = "regression_covariance"
    resolved = CONFIGURATION.experiment(name, scale)
    for slug, point in resolved.points.items():
        for index in range(resolved.seeds[slug]):
            data_seed, _ = run_seed(resolved.root_seed, name, slug, index).spawn(2)
            landscape = gaussian_regression(point.samples, point.scales, point.label_noise, data_seed)
            bound = largest_learning_rate(landscape.samples.inputs, point.batch)
            assert point.learning_rate < bound, f"{slug}, seed {index}"
