"""R9: claims on synthetic data whose answer is known, how solutions are disturbed, what the experiment refuses."""

import numpy as np
import pytest
from pydantic import ValidationError
from worlds.networks import AT_SHARE, SIZES, precise

import thermobatch as tb
from thermobatch.networks.studies.bits import claims
from thermobatch.networks.studies.bits.experiment import DISTANCES, PerceptronBits, disturb

POINT = {"n": 65, "bits": 2, "alpha": 0.4, "replicas": 1, "last_beta": 100.0, "max_proposals": 100_000}


# --- the experiment --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("top", [1, 3, 7])
def test_solutions_are_disturbed_by_the_rule(top):
    """So many weights by one level each, uniformly chosen; at the ends inwards, elsewhere to either side as often."""
    random = np.random.default_rng(1)
    levels = np.arange(-top, top + 1, 2)
    weights = np.resize(levels, 40).astype(np.int8)
    copies = disturb(weights, 7, 4000, top, random)
    step = copies.astype(int) - weights
    assert copies.dtype == np.int8 and np.abs(copies).max() == top
    assert ((step != 0).sum(axis=1) == 7).all() and set(np.unique(np.abs(step))) == {0, 2}
    often = (step != 0).mean(axis=0)
    assert np.abs(often - 7 / 40).max() < 6 * np.sqrt(7 / 40 * 33 / 40 / 4000)  # false alarm 1e-7
    inner = np.abs(weights) < top
    if inner.any():
        up = (step[:, inner] > 0).sum() / (step[:, inner] != 0).sum()
        assert up == pytest.approx(0.5, abs=6 * 0.5 / np.sqrt((step[:, inner] != 0).sum()))
    assert (step[:, ~inner] * weights[~inner] <= 0).all()


def test_distances_are_those_of_the_coupling():
    """The number of moves makes sum (dW)^2 / (4 T^2 N) the distance, Hamming / N with one bit."""
    for bits, expected in ((1, [2, 4, 8, 16]), (2, [18, 36, 72, 144]), (3, [98, 196, 392, 785])):
        assert PerceptronBits(**POINT | {"n": 801, "bits": bits}).moves() == expected
        top = 2**bits - 1
        assert np.array(expected) / (801 * top**2) == pytest.approx(DISTANCES, rel=0.003)
    assert PerceptronBits(**POINT | {"bits": 1}).moves()[0] == 1
    assert max(PerceptronBits(**POINT | {"bits": 6}).moves()) == 65


@pytest.mark.parametrize("bits", [1, 3])
def test_a_run_is_annealing_and_errors_of_the_disturbed_solution(bits):
    """Costs against the front door, wrong shares pattern by pattern."""
    point = PerceptronBits(**POINT | {"bits": bits, "disturbances": 5})
    instance = point.instance().make(np.random.SeedSequence(1))
    told = []
    found = point.run(instance, np.random.SeedSequence(2), told.append)
    assert told[-1] == 1.0 and found.solved == 1
    search, shake = np.random.SeedSequence(2).spawn(2)
    own = tb.perceptron(inputs=instance.inputs, labels=instance.labels, levels=2**bits)
    run = tb.simulated_annealing(own, beta=(10, 100), max_proposals=65 * 16 * 63, seed=search)
    assert run.proposals == found.proposals and run.accepted == found.accepted
    random = np.random.default_rng(shake)
    for moves, share in zip(point.moves(), found.wrong.values, strict=True):
        wrong = 0
        for weights in disturb(run.weights.values, moves, 5, 2**bits - 1, random):
            for pattern, label in zip(instance.inputs.astype(int), instance.labels, strict=True):
                wrong += label * (pattern @ weights.astype(int)) < 0
        assert share == pytest.approx(wrong / 5 / instance.n_patterns)
    assert found.capacity == pytest.approx({1: 0.83308, 3: 1.6599}[bits], abs=1e-4)


def test_unsolved_runs_have_no_errors_to_tell():
    point = PerceptronBits(**POINT | {"alpha": 2.0, "bits": 1})
    found = point.run(
        point.instance().make(np.random.SeedSequence(1)), np.random.SeedSequence(2), lambda _: None
    )
    assert found.solved == 0 and np.isnan(found.wrong).all() and found.failed_proposals < found.proposals


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"n": 64}, "must be odd"),
        ({"bits": 0}, "greater than or equal to 1"),
        ({"bits": 7}, "less than or equal to 6"),
        ({"alpha": 2.5}, "less than or equal to 2"),
        ({"max_proposals": 1000}, "max_proposals = 1000: must hold the first attempt, 1040 proposals"),
        ({"last_coupling": 3.0}, "last_coupling = 3.0: must be left out for one replica"),
        ({"last_beta": 0.0}, "greater than 0"),
    ],
)
def test_wrong_points_are_refused(wrong, words):
    with pytest.raises(ValidationError, match=words):
        PerceptronBits(**POINT | wrong)


# --- the claims ------------------------------------------------------------------------------------------------------


def test_points_are_found_by_bits_load_and_ramp():
    world = precise()
    assert claims.precisions(world) == [1, 2, 3]
    for bits in (1, 2, 3):
        points = claims.scaled(world, bits)
        assert claims.ramps(points) == [100.0, 50.0] and set(points.n.values) == set(SIZES)
        assert claims.share(points) == pytest.approx(0.36)
        assert (claims.equal(world, bits).alpha == 0.3).all()
        assert len(claims.runs_of(points, 1, 50.0, 801).costs) == 20
    with pytest.raises(ValueError, match="no point with replicas = 1, last_beta = 100, n = 99"):
        claims.runs_of(claims.scaled(world, 2), 1, 100.0, 99)
    with pytest.raises(ValueError, match="no point of the fewest bits"):
        claims.scaled(world.isel(point=world.alpha > 0.3), 2)


def test_the_better_ramp_counts():
    """The second ramp takes twice as long; where it is the better one, that is the advantage."""
    points = claims.scaled(precise(), 2)
    assert claims.advantage(points, 2401).estimate == pytest.approx(4.0, rel=0.4)
    costs = points.proposals.where(points.last_beta != 50.0, points.proposals / 20)
    costs = costs.where(points.replicas == 1, points.proposals)
    better = claims.advantage(points.assign(proposals=costs), 2401)
    assert better.estimate == pytest.approx(0.4, rel=0.4)


def test_costs_are_compared():
    found = claims.replicas_need_fewer_proposals(precise(), margin=1.0, n=2401)
    assert found.verdict == "reproduced" and found.estimate == pytest.approx(0.25, rel=0.4)
    assert "with 3 bits" in found.method and "simultaneous bounds over 3 points" in found.method
    close = precise(AT_SHARE | {3: 1.05})
    assert claims.replicas_need_fewer_proposals(close, margin=1.0, n=2401).verdict == "inconclusive"
    weak = claims.advantage_depends_weakly(precise(), margin=[0.2, 5.0], n=1601)
    assert weak.verdict == "reproduced" and weak.estimate == pytest.approx(0.5, rel=0.5)
    assert claims.advantage_depends_weakly(precise(), margin=[0.9, 1.1], n=1601).verdict == "not_reproduced"
    assert claims.advantage_fades_at_equal_load(precise(), margin=1.0, n=1601).verdict == "reproduced"


def test_a_median_beyond_the_cap_is_a_bound():
    """Plain annealing is stopped at 2e7, below what 3 bits take: the ratio is 0, its upper bound is known."""
    world = precise(AT_SHARE | {3: 100.0})
    points = claims.scaled(world, 3)
    assert np.isinf(claims.advantage(points, 2401).estimate)
    found = claims.replicas_need_fewer_proposals(world, margin=1.0, n=2401)
    assert found.verdict == "reproduced" and "0 with 3 bits" in found.method


def test_exponents_are_compared():
    found = claims.replicas_grow_slower(precise(), margin=0.0)
    assert found.verdict == "reproduced" and found.estimate == pytest.approx(1.0, abs=0.25)
    assert "of 6 differences" in found.method


def test_flatness_is_compared():
    options = {"n": 801, "distance": 0.01}
    found = claims.replicas_end_flatter(precise(), margin=1.0, **options)
    assert found.verdict == "reproduced" and found.estimate == pytest.approx(1.15, rel=0.05)
    assert claims.flatness_depends_weakly(precise(), margin=[0.8, 1.25], **options).verdict == "reproduced"
    steep = precise(flat={1: 1.05, 2: 1.2, 3: 1.6})
    assert claims.replicas_end_flatter(steep, margin=1.0, **options).verdict == "reproduced"
    assert claims.flatness_depends_weakly(steep, margin=[0.8, 1.25], **options).verdict == "not_reproduced"
    few = precise().isel(seed=slice(1))
    assert np.size(claims.flatness(claims.scaled(few, 1), 801, 0.01)) == 1
