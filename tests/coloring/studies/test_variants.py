"""E7: the claims on synthetic shifts with known answers, the variants themselves, and the figure."""

import numpy as np
import pytest
import xarray as xr
from coloring_worlds import DEFAULT, NAMES, variants
from pydantic import ValidationError

from thermobatch.coloring.dynamics.minibatch import sgd_like
from thermobatch.coloring.graph import energy, planted_coloring
from thermobatch.coloring.studies.variants import figure
from thermobatch.coloring.studies.variants.experiment import VARIANTS, ColoringVariants, with_labels
from thermobatch.pipeline.configuration import Configuration
from thermobatch.pipeline.jobs import run_here
from thermobatch.study.claim import claims


def decide(name, dataset, margin, **options):
    return claims()[f"E7.{name}"].decide(dataset, margin=margin, **options)


def test_no_difference_between_variants_is_reported_as_none():
    dataset = variants(phase=1.0)
    for name in ("exact_size_does_not_matter", "labels_do_not_matter"):
        assert decide(name, dataset, 0.005).verdict == "reproduced"
    for name in ("scheme_changes_temperature", "order_changes_temperature", "reuse_changes_temperature"):
        assert decide(name, dataset, 0.01).verdict == "not_reproduced"
    same = dataset.assign(matched_temperature=dataset.energy)
    graph = same.energy.isel(point=1, drop=True)
    same = same.assign(matched_temperature=xr.ones_like(same.energy) * graph)
    assert decide("phase_changes_temperature", same, 0.01).verdict == "not_reproduced"


@pytest.mark.parametrize(
    ("name", "variant"),
    [
        ("exact_size_does_not_matter", "shared_edge_exact.sequential"),
        ("labels_do_not_matter", "shared_edge.shuffled_labels"),
        ("labels_do_not_matter", "half_edge.shuffled_labels"),
    ],
)
def test_a_false_equivalence_is_rejected(name, variant):
    assert decide(name, variants({variant: 0.02}), 0.005).verdict == "not_reproduced"


@pytest.mark.parametrize(
    ("name", "shifts"),
    [
        ("scheme_changes_temperature", {n: -0.05 for n in NAMES if n.startswith("shared")}),
        ("order_changes_temperature", {"shared_edge.random_permutation": -0.05}),
        ("reuse_changes_temperature", {"half_edge.random_sequential": -0.05}),
        ("order_changes_temperature", {"per_proposal.random_sequential": 0.05}),
        ("order_alone_changes_energy", {"per_proposal.random_sequential": -0.05}),
    ],
)
def test_a_dependence_is_found_by_its_own_claim_only(name, shifts):
    dataset = variants(shifts)
    assert decide(name, dataset, 0.01).verdict == "reproduced"
    other = {"scheme_changes_temperature": "order_changes_temperature"}.get(
        name, "scheme_changes_temperature"
    )
    assert decide(other, dataset, 0.01).verdict == "not_reproduced"


def test_a_shift_of_all_whole_edge_variants_is_no_effect_of_order():
    """Orders are compared at the same scheme."""
    shifts = {name: -0.05 for name in NAMES if name.startswith("shared")}
    found = decide("order_changes_temperature", variants(shifts), 0.01)
    assert found.verdict == "not_reproduced" and abs(found.estimate) < 0.005


def test_known_shifts_are_compared_where_they_were_measured():
    dataset = variants({"shared_edge.sequential": -0.04})
    options = {"batch_fractions": [0.6, 0.8, 0.9], "expected": [0.04, 9.0, 0.04]}
    found = decide("shared_edge_shift", dataset, 0.005, **options)
    assert found.verdict == "reproduced" and "0.6" in found.method and "0.8" not in found.method
    options["expected"] = [0.04, 9.0, 0.06]
    assert decide("shared_edge_shift", dataset, 0.005, **options).verdict == "not_reproduced"
    wrong_sign = {**options, "expected": [-0.04, 9.0, -0.04]}
    assert decide("shared_edge_shift", dataset, 0.005, **wrong_sign).verdict == "not_reproduced"
    with pytest.raises(ValueError, match=r"none of \[0\.3\] was measured; known: 0\.6, 0\.9"):
        decide("shared_edge_shift", dataset, 0.005, batch_fractions=[0.3], expected=[0.1])


def test_phases_are_compared_at_the_same_b_on_the_same_graphs():
    dataset = variants(phase=0.8, noise=1e-4)
    # the same graph in both phases: only then is the ratio exact
    shared = dataset.matched_temperature.isel(point=1, drop=True)
    joined = dataset.copy(deep=True)
    joined.matched_temperature[2] = 0.8 * shared
    found = decide("phase_changes_temperature", joined, 0.01)
    assert found.verdict == "reproduced" and found.estimate == pytest.approx(0.2, rel=1e-6)
    assert "1 values of B" in found.method


def test_the_planted_temperature_is_tested_both_ways():
    dataset = variants(phase=0.45)
    truth = float(dataset.matched_temperature.sel(variant=DEFAULT).isel(point=2).mean())
    for expected, verdict in (
        (truth, "reproduced"),
        (truth + 0.2, "not_reproduced"),
        (truth + 0.03, "inconclusive"),
    ):
        found = decide("planted_temperature", dataset, 0.03, batch_fraction=0.9, expected=expected)
        assert found.verdict == verdict


def test_points_that_melted_do_not_decide():
    dataset = variants({"shared_edge.sequential": -0.05, "shared_edge_exact.sequential": -0.05})
    dataset.matched_temperature[3] = np.nan
    assert decide("scheme_changes_temperature", dataset, 0.01).verdict == "reproduced"


def test_relabelled_graphs_are_the_same_graph():
    graph = planted_coloring(300, 5, 9.0, 1)
    colors = np.random.default_rng(1).integers(5, size=300, dtype=np.uint8)
    labels = np.random.default_rng(2).permutation(300)
    other, moved = with_labels(graph, colors, labels)
    assert energy(other, moved) == energy(graph, colors) and energy(other, other.planted) == 0
    np.testing.assert_array_equal(other.degrees[labels], graph.degrees)
    np.testing.assert_array_equal(moved[labels], colors)
    ends = {tuple(sorted(edge)) for edge in labels[graph.edges()].tolist()}
    assert ends == {tuple(edge) for edge in other.edges().tolist()}


def test_the_variants_left_out_are_the_same_chain():
    """Where a sweep visits every vertex once, per_proposal is decided by the table of half_edge: the same moves."""
    graph = planted_coloring(500, 5, 9.0, 1)
    for order in ("sequential", "random_permutation"):
        runs = [
            sgd_like(graph, 0.7, 20, 3, scheme=scheme, order=order)
            for scheme in ("half_edge", "per_proposal")
        ]
        np.testing.assert_array_equal(runs[0].colors, runs[1].colors)
    listed = {(variant.scheme, variant.order, variant.shuffled) for variant in VARIANTS}
    assert len(listed) == len(VARIANTS) and VARIANTS[0][:3] == ("half_edge", "sequential", False)


CONFIGURATION = Configuration.read("config.yaml")


@pytest.fixture(scope="module")
def dataset() -> xr.Dataset:
    short = {"n": 2000, "sweeps": 40, "seeds": 2}
    return run_here(CONFIGURATION.with_overrides("coloring_variants", "smoke", short))


def test_the_phases_are_what_they_are_called(dataset):
    assert (dataset.overlap.sel(point=dataset.start == "planted") > 0.9).all()
    assert (dataset.overlap.sel(point=dataset.start == "random") < 0.2).all()
    assert list(dataset.variant.values) == NAMES
    temperatures = dataset.matched_temperature.sel(variant=DEFAULT).mean("seed")
    by_start = {
        str(dataset.start[k].values): float(temperatures[k])
        for k in range(4)
        if dataset.batch_fraction[k] == 0.9
    }
    assert by_start["planted"] < 0.9 * by_start["random"]


def test_whole_edges_are_colder(dataset):
    shift = dataset.energy.sel(variant="shared_edge.sequential") - dataset.energy.sel(variant=DEFAULT)
    assert (
        float(shift.sel(point=(dataset.start == "random") & (dataset.batch_fraction == 0.6)).mean()) < -0.04
    )


def test_the_figure_is_drawn_from_any_number_of_seeds(dataset):
    for seeds in ([0, 1], [0]):
        assert len(figure.draw(dataset.isel(seed=seeds)).axes) == 6
    molten = dataset.copy(deep=True)
    molten.matched_temperature[3] = np.nan
    figure.draw(molten)
    for start in ("random", "planted"):
        part = dataset.sel(point=dataset.start == start)
        figure.draw(part)
        assert "Overlap" in figure.caption(part)
    text = " ".join(figure.caption(dataset).split())
    assert "N = 2000" in text and "2 graphs" in text


def test_a_planted_start_needs_a_planted_graph():
    good = {"graph": "planted", "n": 1000, "q": 5, "mean_degree": 9, "batch_fraction": 0.9, "sweeps": 20}
    ColoringVariants.model_validate(good | {"start": "planted"})
    with pytest.raises(ValidationError, match="needs graph = 'planted'"):
        ColoringVariants.model_validate(good | {"start": "planted", "graph": "random"})
