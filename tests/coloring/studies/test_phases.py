"""E6: recovery over the plane of mean degree and temperature, the predicted threshold, and the optimal mini-batch."""

import json

import numpy as np
import pytest
import xarray as xr

import thermobatch as tb
from thermobatch.coloring.dynamics.metropolis import metropolis
from thermobatch.coloring.dynamics.minibatch import sgd_like
from thermobatch.coloring.studies.phases import claims, figure
from thermobatch.coloring.studies.phases.experiment import ColoringPhases
from thermobatch.coloring.studies.phases.reconstruction import ColoringReconstruction
from thermobatch.coloring.theory.effective_temperature import effective_temperature
from thermobatch.coloring.theory.equilibrium import planted_spinodal, spin_glass_temperature
from thermobatch.coloring.theory.optimal_batch import optimal_batch_fraction
from thermobatch.coloring.theory.reconstruction import annealing_threshold
from thermobatch.pipeline.configuration import ResolvedExperiment
from thermobatch.pipeline.jobs import run_here

TEMPERATURES = [0.4, 0.6, 0.8]


def phases_point(**changes) -> ColoringPhases:
    parameters = {
        "graph": "planted",
        "n": 500,
        "q": 5,
        "mean_degree": 30.0,
        "dynamics": "metropolis",
        "temperatures": TEMPERATURES,
        "stop_overlap": 0.6,
        "sweeps": 60,
    }
    return ColoringPhases(**parameters | changes)


# --- experiments -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dynamics", ["metropolis", "sgd_like"])
def test_every_temperature_is_a_run_of_its_own(dynamics):
    point = phases_point(dynamics=dynamics)
    graph = point.instance().make(np.random.SeedSequence(1))
    found = point.run(graph, np.random.SeedSequence(2), lambda _: None)
    for k, run_seed in enumerate(np.random.SeedSequence(2).spawn(3)):
        if dynamics == "metropolis":
            run = metropolis(graph, TEMPERATURES[k], 60, run_seed, stop_overlap=0.6)
        else:
            batch = float(found.batch_fraction[k])
            assert effective_temperature(batch, mean_degree=30.0, q=5) == pytest.approx(TEMPERATURES[k])
            run = sgd_like(graph, batch, 60, run_seed, stop_overlap=0.6)
        np.testing.assert_equal(float(found.first_passage[k]), float(run.first_passage))
        assert int(found.stopped_at[k]) == int(run.stopped_at)
    assert np.isnan(found.batch_fraction).all() == (dynamics == "metropolis")


@pytest.mark.parametrize("dynamics", ["metropolis", "sgd_like"])
def test_the_probe_makes_sweeps_and_so_compiles_what_runs_need(dynamics):
    point = phases_point(dynamics=dynamics).probed()
    graph = point.instance().make(np.random.SeedSequence(1))
    assert (point.run(graph, np.random.SeedSequence(2), lambda _: None).stopped_at > 0).all()


def test_easy_graphs_are_recovered_and_short_runs_are_censored():
    graph = phases_point().instance().make(np.random.SeedSequence(1))
    easy = phases_point(sweeps=400).run(graph, np.random.SeedSequence(2), lambda _: None)
    assert (easy.first_passage == easy.stopped_at).all()
    short = phases_point(sweeps=10, mean_degree=14.0)
    graph = short.instance().make(np.random.SeedSequence(1))
    censored = short.run(graph, np.random.SeedSequence(2), lambda _: None)
    assert np.isnan(censored.first_passage).all() and (censored.stopped_at == 10).all()


@pytest.mark.parametrize("wrong", [[], [0.5, 0.4], [0.0, 0.5], [0.5, 0.5]])
def test_temperatures_must_increase(wrong):
    with pytest.raises(ValueError, match="temperatures"):
        phases_point(temperatures=wrong)


@pytest.mark.parametrize(
    ("transition", "degree"),
    [("dynamical_temperature", None), ("dynamical_connectivity", 15.0), ("annealing_threshold", 15.0)],
)
def test_only_dynamical_temperatures_have_a_mean_degree(transition, degree):
    with pytest.raises(ValueError, match="mean_degree"):
        ColoringReconstruction(
            q=5, transition=transition, mean_degree=degree, population=1000, generations=10
        )


@pytest.mark.slow
def test_transitions_lie_on_their_lines():
    kinds = {"dynamical_temperature": 20.0, "dynamical_connectivity": None, "annealing_threshold": None}
    points = {
        kind: ColoringReconstruction(
            q=5, transition=kind, mean_degree=degree, population=1000, generations=10
        )
        for kind, degree in kinds.items()
    }
    resolved = ResolvedExperiment("coloring_reconstruction", "smoke", points, dict.fromkeys(points, 2), 5)
    found = run_here(resolved).set_index(point="transition").mean("seed")
    temperature, degree = found.transition_temperature, found.transition_mean_degree
    assert float(degree.sel(point="dynamical_temperature")) == 20
    assert float(temperature.sel(point="dynamical_temperature")) == pytest.approx(0.485, abs=0.015)
    assert float(temperature.sel(point="dynamical_connectivity")) == 0
    assert float(degree.sel(point="dynamical_connectivity")) == pytest.approx(12.84, abs=0.3)
    crossing = float(degree.sel(point="annealing_threshold"))
    assert float(temperature.sel(point="annealing_threshold")) == pytest.approx(
        planted_spinodal(crossing, 5), abs=0.005
    )
    assert 17.5 < crossing < 18.7


# --- claims on data with a known answer ------------------------------------------------------------------------------


def synthetic_phases(probability, graphs: int = 40, seed: int = 0) -> xr.Dataset:
    """Runs that recover with probability(c, T, dynamics)."""
    random = np.random.default_rng(seed)
    degrees = [15.0, 17.0, 18.0, 20.0, 22.0]
    points = [(dynamics, c) for c in degrees for dynamics in ("sgd_like", "metropolis")]
    chance = np.array([[probability(c, t, dynamics) for t in TEMPERATURES] for dynamics, c in points])
    arrived = random.random((len(points), graphs, 3)) < chance[:, None, :]
    count = len(points)
    return xr.Dataset(
        {"first_passage": (("point", "seed", "temperature"), np.where(arrived, 100.0, np.nan))},
        coords={
            "point": [f"{dynamics} {c}" for dynamics, c in points],
            "temperature": TEMPERATURES,
            "dynamics": ("point", [dynamics for dynamics, _ in points]),
            "mean_degree": ("point", [c for _, c in points]),
            "n": ("point", np.full(count, 1000)),
            "q": ("point", np.full(count, 5)),
            "sweeps": ("point", np.full(count, 100)),
            "stop_overlap": ("point", np.full(count, 0.6)),
        },
        attrs={
            "parameters": json.dumps({"seeds": {"a": graphs}, "seed": 1}),
            "source": "synthetic",
            "fidelity": "synthetic.",
            "experiment": "synthetic",
            "scale": "smoke",
            "thermobatch_version": "0",
        },
    )


def synthetic_reconstruction(crossing: float = 18.3, connectivity: float = 12.84, spread: float = 0.02):
    """Four seeds around known transitions."""
    noise = spread * np.array([-1.0, 1.0, -0.5, 0.5])
    degrees = [14.0, 16.0, 18.0, 20.0, 22.0]
    kinds = ["annealing_threshold", "dynamical_connectivity", *["dynamical_temperature"] * 5]
    middle = np.array([crossing, connectivity, *degrees])
    values = middle[:, None] + np.where(np.arange(7)[:, None] < 2, noise, 0.0)
    temperatures = np.array([0.44, 0.0, 0.25, 0.35, 0.42, 0.48, 0.54])[:, None] + 0.1 * noise
    return xr.Dataset(
        {
            "transition_mean_degree": (("point", "seed"), values),
            "transition_temperature": (("point", "seed"), temperatures),
        },
        coords={
            "transition": ("point", kinds),
            "mean_degree": ("point", [np.nan, np.nan, *degrees]),
            "population": ("point", np.full(7, 1000)),
        },
        attrs={"fidelity": "synthetic."},
    )


def step(c: float, t: float, dynamics: str) -> float:
    """Recovery as predicted: above the crossing, at one of the temperatures."""
    return 0.95 if c > 18.3 and t == 0.6 else 0.05


@pytest.mark.parametrize(
    ("crossing", "verdict"), [(18.3, "reproduced"), (19.5, "not_reproduced"), (19.0, "inconclusive")]
)
def test_the_crossing_is_located(crossing, verdict):
    outcome = claims.threshold(synthetic_reconstruction(crossing), margin=[18, 19])
    assert outcome.verdict == verdict and outcome.estimate == pytest.approx(crossing)


@pytest.mark.parametrize(
    ("connectivity", "verdict"), [(12.85, "reproduced"), (13.1, "not_reproduced"), (12.89, "inconclusive")]
)
def test_the_connectivity_is_compared_with_the_literature(connectivity, verdict):
    dataset = synthetic_reconstruction(connectivity=connectivity)
    outcome = claims.connectivity(dataset, literature=12.84, margin=0.05)
    assert outcome.verdict == verdict and outcome.estimate == pytest.approx(connectivity - 12.84)


def test_recovery_on_the_predicted_side():
    crossing = synthetic_reconstruction()
    outcome = claims.predicted_side(synthetic_phases(step), crossing, margin=0.5, distance=1.0)
    assert outcome.verdict == "reproduced" and outcome.estimate > 0.8


@pytest.mark.parametrize(
    "probability",
    [
        lambda c, t, dynamics: 0.05,  # nobody recovers
        lambda c, t, dynamics: 0.95,  # everybody recovers
        lambda c, t, dynamics: 0.05 if dynamics == "sgd_like" and c == 22 else step(c, t, dynamics),
    ],
)
def test_recovery_on_the_wrong_side_is_seen(probability):
    crossing = synthetic_reconstruction()
    outcome = claims.predicted_side(synthetic_phases(probability), crossing, margin=0.5, distance=1.0)
    assert outcome.verdict == "not_reproduced"


def test_mean_degrees_near_the_crossing_do_not_count():
    crossing = synthetic_reconstruction()
    dataset = synthetic_phases(lambda c, t, d: 1.0 if c == 18 else step(c, t, d))
    outcome = claims.predicted_side(dataset, crossing, margin=0.5, distance=1.0)
    assert outcome.verdict == "reproduced"
    outcome = claims.predicted_side(dataset, crossing, margin=0.5, distance=0.1)
    assert outcome.verdict == "not_reproduced"


def test_equal_recovery_is_shown_and_a_false_equivalence_rejected():
    same = claims.same_recovery(synthetic_phases(step, graphs=200), margin=0.05)
    assert same.verdict == "reproduced"

    def biased(c, t, dynamics):
        return min(1.0, step(c, t, dynamics) + (0.12 if dynamics == "sgd_like" else 0.0))

    other = claims.same_recovery(synthetic_phases(biased, graphs=200), margin=0.05)
    assert other.verdict == "not_reproduced" and other.estimate > 0


# --- figure ----------------------------------------------------------------------------------------------------------


def test_figure_shows_the_counted_fractions():
    dataset, reconstruction = synthetic_phases(step), synthetic_reconstruction()
    drawn = figure.draw(dataset, reconstruction)
    cells = drawn.axes[0].collections[0].get_array()
    thermal = dataset.sel(point=dataset.dynamics == "metropolis")
    expected = np.isfinite(thermal.first_passage).mean("seed").transpose("point", "temperature")
    np.testing.assert_allclose(np.ravel(cells), expected.values.ravel())
    text = figure.caption(dataset, reconstruction)
    assert "18.30" in text and "censored" in text and "Wilson" in text


# --- the optimal mini-batch ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("c", "q"),
    [
        pytest.param(20.0, 5, marks=pytest.mark.slow),
        pytest.param(25.0, 5, marks=pytest.mark.slow),
        (6.0, 3),
        (3.0, 2),
    ],
)
def test_window_ends_are_the_two_temperatures(c, q):
    found = optimal_batch_fraction(c, q, seed=1)
    assert 0 < found.batch_fraction < found.largest < 1
    for batch, temperature in (
        (found.batch_fraction, planted_spinodal(c, q)),
        (found.largest, found.dynamical.estimate),
    ):
        assert effective_temperature(batch, mean_degree=c, q=q) == pytest.approx(temperature)
    assert found.dynamical.estimate >= spin_glass_temperature(c, q) - 1e-12
    assert found == tb.optimal_batch_fraction(c, q, seed=1)
    assert (found.relative_error is None) == (q != 5 or c > 22)


@pytest.mark.slow
@pytest.mark.parametrize("c", [17.0, 18.0])
def test_no_mini_batch_below_the_threshold(c):
    assert annealing_threshold(5, seed=1, population=1000).estimate > c
    with pytest.raises(ValueError, match=rf"mean_degree = {c}: .*T_sp = 0\.\d+ must exceed T_d"):
        optimal_batch_fraction(c, population=1000)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"mean_degree": 16.0}, r"mean_degree = 16\.0: must be > \(q-1\)\^2 = 16"),
        ({"mean_degree": -1.0}, r"mean_degree = -1"),
        ({"mean_degree": 20.0, "q": 1}, r"q = 1"),
        ({"mean_degree": 20.0, "population": 10}, r"population = 10"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        optimal_batch_fraction(**arguments)


@pytest.mark.slow
def test_recommended_batch_recovers_nearly_as_fast_as_the_best_and_much_faster_than_the_largest():
    found = optimal_batch_fraction(20.0, population=1000)
    graphs = [tb.planted_coloring(3000, 5, 20.0, seed=index) for index in range(12)]

    def median(batch: float) -> float:
        runs = [sgd_like(g, batch, 6000, 100 + k, stop_overlap=0.6) for k, g in enumerate(graphs)]
        return float(np.median([int(run.stopped_at) for run in runs]))  # censored runs count as the cap

    best, recommended, largest = (median(b) for b in (0.87, found.batch_fraction, found.largest))
    assert recommended < 2.5 * best
    assert largest > 1.8 * recommended
