"""E5: the claims on synthetic flows with known answers, the experiments and their figure."""

import numpy as np
import pytest
import xarray as xr
from coloring_worlds import FRACTIONS, MOVES, balance, entropy_production, rates
from pydantic import ValidationError

from thermobatch.coloring.graph import ColoringGraph
from thermobatch.coloring.studies.balance import figure
from thermobatch.coloring.studies.balance.claims import (
    asymmetries,
    balance_by_change,
    flow_temperatures,
    paramagnetic_flows,
)
from thermobatch.coloring.studies.balance.entropy_production import ColoringEntropyProduction
from thermobatch.coloring.studies.balance.experiment import ColoringBalance
from thermobatch.coloring.theory.effective_temperature import effective_temperature
from thermobatch.pipeline.configuration import Configuration
from thermobatch.pipeline.jobs import run_here
from thermobatch.statistics.detailed_balance import flow_asymmetry
from thermobatch.study.claim import claims


def decide(name, dataset, **options):
    return claims()[f"E5.{name}"].decide(dataset, **options)


def true_asymmetries(method="detailed_balance"):
    temperatures = [effective_temperature(b, mean_degree=9.0, method=method) for b in FRACTIONS]
    return [flow_asymmetry(rates(b, t, "sgd_like")[0]) for b, t in zip(FRACTIONS, temperatures, strict=True)]


def test_broken_balance_is_found_and_kept_balance_is_not_called_broken():
    found = decide("balance_broken", balance(), margin=0.01)
    assert found.verdict == "reproduced" and found.estimate == pytest.approx(
        min(true_asymmetries()), rel=0.05
    )
    # a Metropolis chain in the place of the SGD-like one, with few moves: its noise alone is an asymmetry of .05
    few = balance("metropolis", moves=3000)
    noise = flow_asymmetry(few.flows.sel(dynamics="sgd_like").transpose(..., "n_old", "n_new").values).mean()
    assert noise > 0.05
    assert decide("balance_broken", few, margin=0.01).verdict != "reproduced"
    assert decide("balance_broken", balance("metropolis"), margin=0.01).verdict == "not_reproduced"


def test_one_balanced_point_is_enough_to_refute():
    dataset = balance()
    balanced = balance("metropolis")
    mixed = xr.concat([dataset.isel(point=[0, 1]), balanced.isel(point=[2])], dim="point")
    assert decide("balance_broken", mixed, margin=0.01).verdict == "not_reproduced"


def test_metropolis_is_balanced_and_sgd_in_its_place_is_a_false_equivalence():
    dataset = balance()
    assert decide("metropolis_balanced", dataset, margin=0.01).verdict == "reproduced"
    swapped = dataset.assign_coords(dynamics=["metropolis", "sgd_like"])
    assert decide("metropolis_balanced", swapped, margin=0.01).verdict == "not_reproduced"


def test_known_asymmetries_are_compared_where_they_were_measured():
    dataset, truth = balance(), true_asymmetries()
    options = {"margin": 0.01, "batch_fractions": [*FRACTIONS, 0.99], "expected": [*truth, 7.0]}
    found = decide("asymmetry", dataset, **options)
    assert found.verdict == "reproduced" and "0.99" not in found.method
    options["expected"] = [truth[0], truth[1] + 0.03, truth[2], 7.0]
    assert decide("asymmetry", dataset, **options).verdict == "not_reproduced"
    with pytest.raises(ValueError, match=r"none was measured; known: 0\.4, 0\.6, 0\.8"):
        decide("asymmetry", dataset, margin=0.01, batch_fractions=[0.5], expected=[0.1])


@pytest.mark.parametrize(
    ("name", "method"), [("slope_temperature", "detailed_balance"), ("first_ratio", "detailed_balance_1")]
)
def test_temperatures_of_the_flows(name, method):
    """At the temperature of the other definition, off by 7%, and at T wrong by 5%, the equivalence is false."""
    dataset = balance(method=method)
    assert decide(name, dataset, margin=0.02).verdict == "reproduced"
    assert decide(
        name, dataset.assign(matched_temperature=dataset.matched_temperature * 1.05), margin=0.02
    ).verdict == ("not_reproduced")
    other = {"slope_temperature": "first_ratio", "first_ratio": "slope_temperature"}[name]
    assert decide(other, dataset, margin=0.02).verdict == "not_reproduced"
    form = [effective_temperature(b, mean_degree=9.0, method=method) for b in FRACTIONS]
    np.testing.assert_allclose(flow_temperatures(dataset, method).mean(axis=0), form, rtol=0.01)


def test_points_that_do_not_equilibrate_do_not_decide():
    dataset = balance()
    wrong = dataset.matched_temperature * xr.DataArray([1.0, 1.0, 1.5], dims="point")
    labels = ("point", ["equilibrium", "equilibrium", "long_times"])
    dataset = dataset.assign(matched_temperature=wrong).assign_coords(matching=labels)
    found = decide("slope_temperature", dataset, margin=0.02)
    assert found.verdict == "reproduced" and "over 2 points" in found.method


def test_every_energy_change_is_tested_not_one_slope():
    """The flows of SGD-like dynamics: one slope agrees, single changes do not; those of Metropolis agree at each."""
    assert decide("slope_temperature", balance(), margin=0.02).verdict == "reproduced"
    found = decide("averaged_balance", balance(), margin=0.02)
    assert found.verdict == "not_reproduced" and "d = " in found.method
    kept = balance("metropolis", moves=10_000 * MOVES)
    assert decide("averaged_balance", kept, margin=0.02).verdict == "reproduced"


def test_changes_with_few_moves_are_left_out():
    _, labels = balance_by_change(balance())
    _, fewer = balance_by_change(balance(moves=1000))
    assert set(fewer) < set(labels) and "B = 0.4, d = 1" in fewer


def test_the_poisson_law_has_its_asymmetry():
    flows = paramagnetic_flows(0.6, 9.0, 5)
    assert flow_asymmetry(flows) == pytest.approx(true_asymmetries("drift")[1], abs=1e-3)
    assert decide("poisson_law", balance(method="drift"), margin=0.01).verdict == "reproduced"
    assert decide("poisson_law", balance("metropolis"), margin=0.01).verdict == "not_reproduced"


def test_entropy_production_decides_for_all_b_and_with_its_control():
    options = {"margin": 1e-3, "lowest": 0.3, "highest": 1.0}
    found = decide("entropy_production", entropy_production(), **options)
    assert found.verdict == "reproduced" and found.estimate == pytest.approx(0.003, rel=0.1)
    assert decide("entropy_production", entropy_production(1e-4), **options).verdict == "not_reproduced"
    everywhere = options | {"lowest": 0.0}
    assert decide("entropy_production", entropy_production(), **everywhere).verdict == "not_reproduced"
    off = entropy_production(control=1e-6)
    assert decide("entropy_production", off, **options).verdict == "not_reproduced"


CONFIGURATION = Configuration.read("config.yaml")


@pytest.fixture(scope="module")
def dataset() -> xr.Dataset:
    short = {"n": 2000, "sweeps": 400, "seeds": 3}
    return run_here(CONFIGURATION.with_overrides("coloring_balance", "smoke", short))


@pytest.fixture(scope="module")
def exact() -> xr.Dataset:
    return run_here(CONFIGURATION.with_overrides("coloring_entropy_production", "smoke", {"seeds": 3}))


def test_every_proposal_is_counted_once(dataset):
    per_stretch = dataset.proposals.sum(("n_old", "n_new"))
    assert (per_stretch == 2000 * 100).all()
    assert (dataset.flows <= dataset.proposals).all() and (dataset.flows.sum(("n_old", "n_new")) > 0).all()
    assert dataset.flows.dtype == np.int64


def test_the_two_stretches_are_different_parts_of_the_run(dataset):
    first, second = dataset.flows.isel(stretch=0), dataset.flows.isel(stretch=1)
    assert not first.equals(second)
    assert abs(float((dataset.energy.isel(stretch=0) - dataset.energy.isel(stretch=1)).mean())) < 0.03


def test_the_claims_hold_on_a_small_run(dataset):
    broken = asymmetries(dataset, "sgd_like").mean(axis=0)
    kept = asymmetries(dataset, "metropolis").mean(axis=0)
    assert (broken > 0.04).all() and (np.abs(kept) < 0.02).all()


def test_graphs_with_other_degrees_fit_one_table_or_say_so(dataset):
    point = next(iter(CONFIGURATION.experiment("coloring_balance", "smoke").points.values()))
    assert point.model_copy(update={"n": 100})._counts() < point._counts()
    star = ColoringGraph.from_edges([(0, k) for k in range(1, 90)], 90, 5)
    small = ColoringBalance(
        graph="random", n=90, q=5, mean_degree=2, batch_fraction=0.5, sweeps=400, matching="equilibrium"
    )
    with pytest.raises(ValueError, match="largest degree 89: its moves do not fit"):
        small.run(star, np.random.SeedSequence(1), lambda _: None)


def test_the_exact_part_does_not_depend_on_the_seed_but_on_the_graph(exact):
    assert (exact.entropy_production.sel(dynamics="sgd_like") > 0).all()
    assert (abs(exact.entropy_production.sel(dynamics="metropolis")) < 1e-12).all()
    assert (exact.entropy_production_bound <= exact.entropy_production + 1e-12).all()
    assert (exact.temperature.diff("batch_fraction") < 0).all() and (exact.distance < 0.1).all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"n": 12}, "at most 10000 colourings"),
        ({"batch_fractions": [0.5, 1.0]}, "inside"),
        ({"batch_fractions": [0.5, 0.2]}, "increasing"),
    ],
)
def test_what_cannot_be_enumerated_is_refused(change, words):
    good = {"graph": "random", "n": 5, "q": 3, "mean_degree": 2, "batch_fractions": [0.5]}
    with pytest.raises(ValidationError, match=words):
        ColoringEntropyProduction.model_validate(good | change)


def test_the_figure_is_drawn_from_any_number_of_seeds(dataset, exact):
    for seeds in ([0, 1, 2], [0]):
        assert len(figure.draw(dataset.isel(seed=seeds), exact.isel(seed=seeds)).axes) == 4
    text = " ".join(figure.caption(dataset, exact).split())
    assert "N = 6" in text and "B = 0.95" in text and "3 graphs" in text
