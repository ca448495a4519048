"""E4's claims on synthetic first passages whose answer is known, censoring included."""

import numpy as np
import pytest
from coloring_worlds import CAP, GRID, recovery
from pydantic import ValidationError

from thermobatch.coloring.studies.recovery import figure
from thermobatch.coloring.studies.recovery.claims import (
    effective_temperatures,
    fastest_point,
    optimum,
    passages,
    same_best_time,
    same_first_passage,
    same_optimum,
)
from thermobatch.coloring.studies.recovery.experiment import ColoringRecovery


def test_equal_laws_are_found_equal():
    dataset = recovery(runs=400)
    assert same_first_passage(dataset, margin=[0.8, 1.25]).verdict == "reproduced"
    assert same_best_time(dataset, margin=[0.8, 1.25]).verdict == "reproduced"
    found = same_optimum(dataset, margin=0.05)
    assert found.verdict == "reproduced" and found.interval[0] < 0 < found.interval[1]


def test_a_false_equivalence_is_rejected():
    assert same_first_passage(recovery(slower=2.5), margin=[0.8, 1.25]).verdict == "not_reproduced"
    assert same_best_time(recovery(slower=2.5), margin=[0.8, 1.25]).verdict == "not_reproduced"
    assert same_optimum(recovery(moved=-0.09, runs=400), margin=0.05).verdict == "not_reproduced"


def test_the_optimum_is_where_it_was_put():
    for best in (0.6, 0.65):
        found = optimum(recovery(best=best, runs=300), "temperature")
        assert found.lower - 0.01 < best < found.upper + 0.01 and not found.at_border


def test_an_optimum_at_the_border_is_inconclusive():
    found = same_optimum(recovery(best=0.8), margin=0.05)
    assert found.verdict == "inconclusive" and "border" in found.method


def test_censored_runs_count_as_censored():
    dataset = recovery(fast=12_000.0)
    slug = "temperature=0.5"
    times, arrived = passages(dataset, slug)
    assert len(times) == 63, "the seed this point did not run is left out"
    assert (~arrived).sum() > 10 and np.all(times[~arrived] == CAP)
    assert fastest_point(dataset, "temperature") in {"temperature=0.6", "temperature=0.65"}


def test_batch_fractions_are_mapped_to_temperatures():
    np.testing.assert_allclose(effective_temperatures(recovery()), np.tile(GRID, 2), rtol=1e-6)


@pytest.mark.parametrize("fast", [1000.0, 12_000.0])
def test_the_figure_can_be_drawn_with_and_without_censored_runs(fast):
    assert len(figure.draw(recovery(fast=fast)).axes) == 4


def test_exactly_one_dynamics_runs():
    fixed = {"graph": "planted", "n": 100, "q": 5, "mean_degree": 5.0, "stop_overlap": 0.6, "sweeps": 20}
    for wrong in ({}, {"temperature": 0.5, "batch_fraction": 0.5}):
        with pytest.raises(ValidationError, match="exactly one must be given"):
            ColoringRecovery(**fixed, **wrong)
    with pytest.raises(ValidationError, match="planted"):
        ColoringRecovery(**{**fixed, "graph": "random"}, temperature=0.5)
