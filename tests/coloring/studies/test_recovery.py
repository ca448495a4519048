"""E4's claims on synthetic first passages whose answer is known, censoring included."""

import numpy as np
import pytest
import xarray as xr
from pydantic import ValidationError

from thermobatch.coloring.studies.recovery import figure
from thermobatch.coloring.studies.recovery.claims import (
    effective_temperatures,
    fastest_point,
    optimum,
    passages,
    same_first_passage,
    same_optimum,
)
from thermobatch.coloring.studies.recovery.experiment import ColoringRecovery
from thermobatch.coloring.theory.effective_temperature import batch_fraction_for_temperature

CAP = 30_000
GRID = np.array([0.5, 0.55, 0.6, 0.65, 0.7, 0.75])


def synthetic(
    slower: float = 1.0, moved: float = 0.0, runs: int = 64, best: float = 0.63, fast: float = 1000.0
) -> xr.Dataset:
    """First passages of both dynamics: gamma(4) times, log-median a parabola in T with its minimum at `best`.

    SGD-like dynamics take `slower` times as long and have their optimum at `best` + `moved`.
    """
    random = np.random.default_rng(5)
    batch = batch_fraction_for_temperature(GRID, mean_degree=20, q=5)
    rows = [(t, np.nan, t, best, 1.0) for t in GRID]
    rows += [(np.nan, b, t, best + moved, slower) for t, b in zip(GRID, batch, strict=True)]
    times = np.empty((len(rows), runs))
    for row, (*_, t, place, factor) in enumerate(rows):
        scale = factor * fast * np.exp((t - place) ** 2 / 0.01)
        times[row] = scale * random.gamma(4.0, 1 / 3.672, runs)
    arrived = times < CAP
    stopped = np.where(arrived, times, CAP)
    stopped[:, -1] = np.nan  # a seed that only other points have
    shape = ("point", "seed")
    trace = np.broadcast_to(np.linspace(0.02, 0.5, 5), (*times.shape, 5))
    return xr.Dataset(
        {
            "first_passage": (shape, np.where(arrived & np.isfinite(stopped), times, np.nan)),
            "stopped_at": (shape, stopped),
            "overlap": ((*shape, "time"), trace),
        },
        coords={
            "point": [f"temperature={t:g}" for t in GRID] + [f"batch_fraction={b:g}" for b in batch],
            "seed": np.arange(runs),
            "time": [0, 1, 10, 100, 400],
            "temperature": ("point", [row[0] for row in rows]),
            "batch_fraction": ("point", [row[1] for row in rows]),
            **{
                name: ("point", np.full(len(rows), value))
                for name, value in {"n": 3000, "q": 5, "mean_degree": 20.0, "sweeps": CAP, "stop_overlap": 0.6}.items()
            },
        },
    )  # fmt: skip


def test_equal_laws_are_found_equal():
    dataset = synthetic(runs=400)
    assert same_first_passage(dataset, margin=[0.8, 1.25]).verdict == "reproduced"
    found = same_optimum(dataset, margin=0.05)
    assert found.verdict == "reproduced" and found.interval[0] < 0 < found.interval[1]


def test_a_false_equivalence_is_rejected():
    assert same_first_passage(synthetic(slower=2.5), margin=[0.8, 1.25]).verdict == "not_reproduced"
    assert same_optimum(synthetic(moved=-0.09, runs=400), margin=0.05).verdict == "not_reproduced"


def test_the_optimum_is_where_it_was_put():
    for best in (0.6, 0.65):
        found = optimum(synthetic(best=best, runs=300), "temperature")
        assert found.lower - 0.01 < best < found.upper + 0.01 and not found.at_border


def test_an_optimum_at_the_border_is_inconclusive():
    found = same_optimum(synthetic(best=0.8), margin=0.05)
    assert found.verdict == "inconclusive" and "border" in found.method


def test_censored_runs_count_as_censored():
    dataset = synthetic(fast=12_000.0)
    slug = "temperature=0.5"
    times, arrived = passages(dataset, slug)
    assert len(times) == 63, "the seed this point did not run is left out"
    assert (~arrived).sum() > 10 and np.all(times[~arrived] == CAP)
    assert fastest_point(dataset, "temperature") in {"temperature=0.6", "temperature=0.65"}


def test_batch_fractions_are_mapped_to_temperatures():
    np.testing.assert_allclose(effective_temperatures(synthetic()), np.tile(GRID, 2), rtol=1e-6)


@pytest.mark.parametrize("fast", [1000.0, 12_000.0])
def test_the_figure_can_be_drawn_with_and_without_censored_runs(fast):
    assert len(figure.draw(synthetic(fast=fast)).axes) == 4


def test_exactly_one_dynamics_runs():
    fixed = {"graph": "planted", "n": 100, "q": 5, "mean_degree": 5.0, "stop_overlap": 0.6, "sweeps": 20}
    for wrong in ({}, {"temperature": 0.5, "batch_fraction": 0.5}):
        with pytest.raises(ValidationError, match="exactly one must be given"):
            ColoringRecovery(**fixed, **wrong)
    with pytest.raises(ValidationError, match="planted"):
        ColoringRecovery(**{**fixed, "graph": "random"}, temperature=0.5)
