"""E6: recovery over the plane of mean degree and temperature, the predicted threshold, and the optimal mini-batch."""

import numpy as np
import pytest
from coloring_worlds import PHASE_TEMPERATURES as TEMPERATURES
from coloring_worlds import phases, reconstruction, recovery_growth, step

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


@pytest.mark.parametrize(
    ("crossing", "verdict"), [(18.3, "reproduced"), (19.5, "not_reproduced"), (19.0, "inconclusive")]
)
def test_the_crossing_is_located(crossing, verdict):
    outcome = claims.threshold(reconstruction(crossing), margin=[18, 19])
    assert outcome.verdict == verdict and outcome.estimate == pytest.approx(crossing)


@pytest.mark.parametrize(
    ("connectivity", "verdict"), [(12.85, "reproduced"), (13.1, "not_reproduced"), (12.89, "inconclusive")]
)
def test_the_connectivity_is_compared_with_the_literature(connectivity, verdict):
    dataset = reconstruction(connectivity=connectivity)
    outcome = claims.connectivity(dataset, literature=12.84, margin=0.05)
    assert outcome.verdict == verdict and outcome.estimate == pytest.approx(connectivity - 12.84)


def below_is_steep(c: float, dynamics: str) -> float:
    """Exponents as predicted: small above the crossing, large below it."""
    return 0.5 if c > 18.3 else 1.6


GROWTH = {
    "slow_growth_above": (claims.slow_growth_above, {"margin": 1.0, "distance": 0.5}),
    "fast_growth_below": (claims.fast_growth_below, {"margin": 1.0, "distance": 0.5}),
    "steeper_below": (claims.steeper_below, {"margin": 0.0, "distance": 0.5}),
}


def decided(name, exponent, **settings):
    decide, options = GROWTH[name]
    return decide(recovery_growth(exponent, **settings), reconstruction(), **options)


@pytest.mark.parametrize("name", GROWTH)
def test_growth_laws_on_both_sides_of_the_crossing(name):
    found = decided(name, below_is_steep)
    assert found.verdict == "reproduced" and found.interval[0] <= found.estimate <= found.interval[1]


def test_exponents_across_the_crossing_are_of_the_same_sizes():
    """Below it larger systems are not solved within the cap; those above must then not count either."""
    found = decided("steeper_below", lambda c, d: 0.5 if c > 18.3 else 2.0, cap=20_000)
    assert "N <= 4000" in found.method and found.verdict == "reproduced"
    flatter = recovery_growth(lambda c, d: 0.5 if c > 18.3 else 2.0, cap=20_000)
    late = (flatter.mean_degree > 18.3) & (flatter.n > 4000)
    bent = flatter.assign({name: flatter[name].where(~late, 1.0) for name in ("first_passage", "stopped_at")})
    decide, options = GROWTH["steeper_below"]
    assert decide(bent, reconstruction(), **options) == found


def test_the_mean_degree_at_the_crossing_does_not_count():
    def steep_at_18(c, d):
        return 1.2 if c == 18 else 0.5

    found = decided("slow_growth_above", steep_at_18)
    assert found.verdict == "reproduced" and "c = 18" not in found.method.replace("crossing at c = 18.30", "")


@pytest.mark.parametrize(
    ("name", "exponent"),
    [
        ("slow_growth_above", lambda c, d: 1.4 if c == 19 and d == "sgd_like" else below_is_steep(c, d)),
        ("fast_growth_below", lambda c, d: 0.6 if c == 17 and d == "metropolis" else below_is_steep(c, d)),
        ("steeper_below", lambda c, d: 1.4 if d == "sgd_like" and c > 18 else 0.8),
    ],
)
def test_one_wrong_exponent_refutes(name, exponent):
    assert decided(name, exponent, runs=64).verdict == "not_reproduced"


@pytest.mark.parametrize("name", ["slow_growth_above", "fast_growth_below"])
def test_growth_on_the_margin_is_not_called_slow_or_fast(name):
    assert decided(name, lambda c, d: 1.0).verdict == "inconclusive"


def test_censored_sizes_bound_the_exponent_from_below():
    growth = recovery_growth(lambda c, d: 2.0, cap=20_000)
    law = claims.growth_law(growth.sel(point=(growth.mean_degree == 16) & (growth.temperature > 0)))
    assert list(law.sizes) == [1000, 2000, 4000] and not law.at_least and 1.6 < law.estimate < 2.4
    growth = recovery_growth(lambda c, d: 2.0, cap=8_000)
    points = growth.sel(point=(growth.mean_degree == 16) & (growth.temperature > 0))
    law = claims.growth_law(points)
    assert law.at_least and law.sizes[-1] == 4000 and law.estimate <= np.log(8) / np.log(4) + 0.2
    assert np.quantile(law.upper, 0.5, method="nearest") == np.inf
    nothing = points.assign(first_passage=points.first_passage * np.nan)
    with pytest.raises(ValueError, match="the median is reached at 0 of 5 sizes"):
        claims.growth_law(nothing)


def test_equal_recovery_is_shown_and_a_false_equivalence_rejected():
    def half(c, t, dynamics):
        return 0.5

    assert claims.same_recovery(phases(half, graphs=1500), margin=0.05).verdict == "reproduced"

    def biased(c, t, dynamics):
        return 0.5 + (0.3 if dynamics == "sgd_like" and t == 0.6 else 0.0)

    other = claims.same_recovery(phases(biased, graphs=40), margin=0.05)
    assert other.verdict == "not_reproduced" and other.estimate > 0 and "T = 0.6" in other.method


def test_recovery_that_is_all_or_nothing_decides_nothing():
    """Cells without any spread do not count as agreement."""

    def certain(c, t, dynamics):
        return 1.0 if c > 18.3 else 0.0

    with pytest.raises(ValueError, match="all runs of both dynamics recovered, or none"):
        claims.same_recovery(phases(certain), margin=0.05)


# --- figure ----------------------------------------------------------------------------------------------------------


def test_figure_shows_the_counted_fractions():
    dataset, transitions = phases(step), reconstruction()
    growth = recovery_growth(below_is_steep)
    drawn = figure.draw(dataset, growth, transitions)
    cells = drawn.axes[0].collections[0].get_array()
    thermal = dataset.sel(point=dataset.dynamics == "metropolis")
    expected = np.isfinite(thermal.first_passage).mean("seed").transpose("point", "temperature")
    np.testing.assert_allclose(np.ravel(cells), expected.values.ravel())
    text = figure.caption(dataset, growth, transitions)
    assert "18.30" in text and "Kaplan-Meier" in text and "60000 sweeps" in " ".join(text.split())


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
