"""E3: the claims on synthetic correlations with known answers, the matching of T, the experiment and its figure."""

import numpy as np
import pytest
import xarray as xr
from coloring_worlds import AGING_DYNAMICS, correlations
from pydantic import ValidationError

from thermobatch.coloring.dynamics.metropolis import metropolis
from thermobatch.coloring.graph import random_coloring
from thermobatch.coloring.studies.aging import figure
from thermobatch.coloring.studies.aging.claims import correlation_differences
from thermobatch.coloring.studies.aging.experiment import ColoringAging
from thermobatch.coloring.studies.temperature_matching import (
    calibrated_temperatures,
    late_energy,
    late_sweeps,
    matched_at_long_times,
)
from thermobatch.coloring.theory.equilibrium import paramagnetic_energy
from thermobatch.pipeline.configuration import Configuration
from thermobatch.pipeline.jobs import run_here
from thermobatch.study.claim import claims

MARGIN = 0.03


def decide(name, dataset, margin=MARGIN):
    return claims()[f"E3.{name}"].decide(dataset, margin=margin)


def test_equal_correlations_are_reproduced():
    found = decide("same_correlations", correlations())
    assert found.verdict == "reproduced" and found.interval[0] <= found.estimate <= found.interval[1] < MARGIN
    assert "10 graphs" in found.method and "22 pairs of times" in found.method


@pytest.mark.parametrize("at", [None, (1, 0, 4), (0, 1, 1)])
def test_a_false_equivalence_is_rejected(at):
    """Twice the margin, at every pair of times or at a single one of one point."""
    assert decide("same_correlations", correlations(2 * MARGIN, at)).verdict == "not_reproduced"


def test_a_difference_on_the_margin_is_never_equivalence():
    """At most 5% of the time; 60 repetitions allow 14 for a false-alarm rate of 1e-6."""
    verdicts = [
        decide("same_correlations", correlations(MARGIN, (0, 0, 3), seed=k)).verdict for k in range(60)
    ]
    assert verdicts.count("reproduced") <= 14 and verdicts.count("not_reproduced") <= 14


def test_too_few_noisy_graphs_are_inconclusive():
    assert decide("same_correlations", correlations(noise=0.05, seeds=3)).verdict == "inconclusive"


def test_pairs_that_were_not_recorded_and_equal_times_are_left_out():
    differences = correlation_differences(correlations(), "sgd_like").values
    assert differences.shape == (10, 2 * (2 * 6 - 1)) and np.isfinite(differences).all()
    # the spread between graphs, ten times the noise, is gone
    assert differences.std(axis=0).max() < 0.02


def test_the_control_must_show():
    assert decide("wrong_temperature_shows", correlations(control=0.1)).verdict == "reproduced"
    assert decide("wrong_temperature_shows", correlations(control=0.0)).verdict == "not_reproduced"
    assert (
        decide("wrong_temperature_shows", correlations(control=MARGIN, noise=0.02)).verdict == "inconclusive"
    )


@pytest.mark.parametrize("temperature", [0.45, 0.8, 1.5])
def test_energies_lead_back_to_their_temperatures(temperature):
    """Exact energies of the paramagnet: the cubic in exp(-1/T) is off by less than 1e-4 of T."""
    runs = temperature * np.linspace(0.8, 1.1, 12)
    wanted = temperature * np.linspace(0.82, 1.08, 7)
    energies = paramagnetic_energy(wanted, mean_degree=19.0)
    found = calibrated_temperatures(runs, paramagnetic_energy(runs, mean_degree=19.0), energies)
    np.testing.assert_allclose(found, wanted, rtol=1e-4)


def test_noisy_calibrations_average_and_melted_ones_are_left_out():
    random = np.random.default_rng(2)
    runs = np.linspace(0.6, 1.0, 12)
    exact = paramagnetic_energy(runs, mean_degree=19.0)
    noisy = exact + random.normal(0, 0.003, (400, 12))
    found = np.array([calibrated_temperatures(runs, e, [exact[6]])[0] for e in noisy])
    slope = (exact[7] - exact[5]) / (runs[7] - runs[5])
    assert abs(found.mean() - runs[6]) < 4.9 * found.std() / 20 + 1e-4
    assert found.std() < 0.7 * 0.003 / slope
    melted = np.where(runs > 0.9, np.nan, exact)
    assert calibrated_temperatures(runs, melted, [exact[4]])[0] == pytest.approx(runs[4], rel=1e-4)
    assert np.isnan(calibrated_temperatures(runs, np.where(runs > 0.7, np.nan, exact), exact)).all()
    assert np.isnan(calibrated_temperatures(runs, exact, [0.0, 9.0])).all(), "no temperature is made up"
    with pytest.raises(ValueError, match="must be positive and increasing"):
        calibrated_temperatures(runs[::-1], exact, exact)


def test_metropolis_is_matched_to_itself():
    """Out of equilibrium; a slip of one bracket (12%) or half a window would show."""
    graph, sweeps = random_coloring(10_000, 5, 19.0, 3), 400
    errors = []
    for seed in range(6):
        run = metropolis(graph, 0.5, sweeps, 100 + seed, record=late_sweeps(sweeps))
        late = late_energy(run, sweeps)
        found = matched_at_long_times(graph, late, 0.54, sweeps, np.random.SeedSequence(seed))
        errors.append(found / 0.5 - 1)
    assert abs(np.mean(errors)) < 0.015 and np.abs(errors).max() < 0.04


@pytest.fixture(scope="module")
def dataset() -> xr.Dataset:
    short = {
        "n": 2000,
        "sweeps": 200,
        "waiting_times": [10, 100],
        "mean_degree": 13.5,
        "batch_fraction": 0.98,
    }
    configuration = Configuration.read("config.yaml")
    return run_here(configuration.with_overrides("coloring_aging", "smoke", {**short, "seeds": 2}))


def test_the_experiment_records_what_it_says(dataset):
    assert list(dataset.dynamics.values) == AGING_DYNAMICS and list(dataset.waiting_time.values) == [10, 100]
    curves = dataset.correlation.isel(point=0)
    assert (curves.sel(lag=0) == 1).all()
    assert np.isnan(curves.sel(waiting_time=100, lag=178)).all() and (curves.sel(lag=[1, 100]) < 1).all()
    assert (curves.sel(waiting_time=100, lag=10) > curves.sel(waiting_time=10, lag=10)).all(), "no aging"
    late = dataset.late_energy.mean("seed").isel(point=0)
    assert abs(float(late.sel(dynamics="sgd_like") - late.sel(dynamics="metropolis"))) < 0.02
    assert float(late.sel(dynamics="metropolis_detuned")) > float(late.sel(dynamics="metropolis"))
    # all three start from the same colouring
    assert (dataset.energy.sel(time=0) == dataset.energy.sel(time=0).isel(dynamics=0)).all()


def test_the_figure_is_drawn_from_any_number_of_seeds(dataset):
    for chosen in (dataset, dataset.isel(seed=[0])):
        assert len(figure.draw(chosen).axes) == 2
    text = " ".join(figure.caption(dataset).split())
    assert "1.1 T" in text and "N = 2000" in text and "0.03" in text and "2 graphs" in text


@pytest.mark.parametrize("waits", [[], [100, 10], [10, 10], [-1], [10, 200]])
def test_waiting_times_must_fit_the_run(waits):
    good = {"graph": "random", "n": 1000, "q": 5, "mean_degree": 9, "batch_fraction": 0.9, "detuning": 0.1}
    with pytest.raises(ValidationError, match="waiting_times"):
        ColoringAging.model_validate({**good, "sweeps": 200, "waiting_times": waits})
