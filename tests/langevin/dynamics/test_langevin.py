import numpy as np
import pytest
from naive.langevin import landscapes as naive

from thermobatch.foundation.schedules import GrowingBatch, Linear, Logarithmic
from thermobatch.foundation.streams import child_seed, random_stream
from thermobatch.langevin.dynamics import langevin as module
from thermobatch.langevin.dynamics.langevin import gradient_descent, langevin, stochastic_gradient_descent
from thermobatch.langevin.landscapes import double_well, gaussian_regression, quadratic, rugged
from thermobatch.langevin.own_landscape import landscape

STEPS = 300
TIMES = np.arange(STEPS + 1)
REGRESSION = gaussian_regression(samples=23, seed=2)
WELL = double_well()
BOWL = rugged()
CUBE = rugged(dimension=3)
SAMPLED = WELL.with_samples(30)
SAMPLINGS = ("with_replacement", "without_replacement", "reshuffling")


def stream_of(seed, run):
    return naive.Stream(random_stream(child_seed(seed, run)))


def naive_start(made, stream):
    lower, upper = made.start
    return np.array([low + (high - low) * stream.float() for low, high in zip(lower, upper, strict=True)])


@pytest.mark.parametrize("made", [WELL, BOWL, CUBE, REGRESSION])
@pytest.mark.parametrize("heat", [0.3, Linear(0.4, 0.0, 200), Logarithmic(0.5)])
def test_langevin_is_the_naive_twin_step_by_step(made, heat):
    rate = Linear(0.05, 0.02, 100)
    found = langevin(made, heat, STEPS, 7, learning_rate=rate, runs=3, record=TIMES)
    heats = np.full(STEPS, heat) if isinstance(heat, float) else heat.at(TIMES[:-1])
    for run in range(3):
        stream = stream_of(7, run)
        start = naive_start(made, stream)
        path = naive.langevin_path(made.gradient, start, rate.at(TIMES[:-1]), heats, stream)
        assert np.allclose(found.position[:, run], path, rtol=0, atol=1e-10)
    assert np.array_equal(found.energy, made.energy(found.position))
    assert np.array_equal(found.temperature[:-1], heats)
    assert np.array_equal(found.learning_rate[:-1], rate.at(TIMES[:-1]))


@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("batch", [1, 5, 23, GrowingBatch(3.0, maximum=23)])
@pytest.mark.parametrize("made", [REGRESSION, BOWL.with_samples(23, 4.0, seed=1), WELL.with_samples(23)])
def test_sgd_is_the_naive_twin_step_by_step(made, batch, sampling):
    found = stochastic_gradient_descent(
        made, batch, STEPS, 11, sampling=sampling, learning_rate=0.03, runs=2, record=TIMES
    )
    sizes = np.full(STEPS, batch) if isinstance(batch, int) else batch.at(TIMES[:-1])
    for run in range(2):
        stream = stream_of(11, run)
        start = naive_start(made, stream)
        drawn = naive.batches(stream, sampling, 23, sizes)
        path = naive.sgd_path(lambda mu, w: made.sample_gradients(w)[mu], start, np.full(STEPS, 0.03), drawn)
        assert np.allclose(found.position[:, run], path, rtol=0, atol=1e-10)
    assert np.array_equal(found.batch[:-1], sizes)


def test_gradient_descent_is_the_naive_twin_and_langevin_at_temperature_zero():
    found = gradient_descent(BOWL, STEPS, 5, runs=4, record=TIMES)
    cold = langevin(BOWL, 0.0, STEPS, 5, runs=4, record=TIMES)
    assert np.array_equal(found.position, cold.position)
    path = naive.langevin_path(
        BOWL.gradient, found.position[0, 2].values, np.full(STEPS, 0.01), np.zeros(STEPS), None
    )
    assert np.allclose(found.position[:, 2], path, atol=1e-12)
    assert (np.diff(found.energy, axis=0) <= 0).all()


def test_own_landscape_moves_as_the_built_in_one():
    def energy(x):
        return 0.1 * (x[0] ** 2 - 1.0) ** 2 + 0.04 * x[0]

    def gradient(x, out):
        out[0] = 4.0 * 0.1 * x[0] * (x[0] * x[0] - 1.0) + 0.04

    own = landscape(energy, gradient, start=WELL.start)
    found, known = (langevin(made, 0.05, 5000, 1, runs=2) for made in (own, WELL))
    assert np.allclose(found.position, known.position, rtol=0, atol=1e-12)
    assert "in_basin" not in found


@pytest.mark.parametrize("made", [WELL, BOWL])
def test_what_is_measured_is_what_the_path_says(made):
    edges = [np.linspace(-1.5, 1.2, 7), np.linspace(-2.0, 2.0, 5)][: made.dimension]
    steps, burn_in = 2500, 1100  # over block boundaries
    found = langevin(
        made,
        0.2,
        steps,
        3,
        learning_rate=0.1,
        runs=5,
        start=np.full(made.dimension, 1.1),
        record=np.arange(steps + 1),
        burn_in=burn_in,
        edges=edges if made.dimension > 1 else edges[0],
        moments=True,
    )
    for run in range(5):
        path = found.position[:, run].values
        counts, outside = naive.histogram(path[burn_in + 1 :], edges)
        assert np.array_equal(found.histogram[run], counts)
        assert found.outside[run] == outside
        deviations = path[burn_in + 1 :] - made.minimum
        assert np.allclose(found["mean"][run], made.minimum + deviations.mean(axis=0), atol=1e-12)
        assert np.allclose(found.second_moment[run], deviations.T @ deviations / len(deviations), rtol=1e-10)
        inside = [
            all(a < c < b for a, c, b in zip(made.basin[0], x, made.basin[1], strict=True)) for x in path
        ]
        assert np.array_equal(found.in_basin[:, run], inside)
        first = inside.index(True) if True in inside else np.nan
        assert np.array_equal(found.first_hit[run], first, equal_nan=True)
    assert np.array_equal(found.center, made.minimum)
    assert int(found.histogram[0].sum() + found.outside[0]) == steps - burn_in


def test_first_hit_is_zero_inside_and_nan_when_never():
    inside = gradient_descent(BOWL, 50, 0, start=[0.5, 0.5])
    never = gradient_descent(BOWL, 50, 0, start=[5.0, 5.0])
    assert inside.first_hit.item() == 0.0
    assert inside.in_basin.all()
    assert np.isnan(never.first_hit.item())
    assert not never.in_basin.any()


def moves(made):
    """Every dynamics on one landscape, by name."""
    return {
        "langevin": lambda **options: langevin(made, Logarithmic(0.5), **options),
        "gradient_descent": lambda **options: gradient_descent(made, **options),
        **{
            sampling: lambda how=sampling, **options: stochastic_gradient_descent(
                made, GrowingBatch(2.0), sampling=how, **options
            )
            for sampling in SAMPLINGS
        },
    }


@pytest.mark.parametrize("made", [WELL.with_samples(30), CUBE.with_samples(30), REGRESSION])
@pytest.mark.parametrize("name", moves(SAMPLED))
def test_runs_do_not_depend_on_what_is_recorded_nor_on_the_blocks(made, name, monkeypatch):
    move = moves(made)[name]
    options = {"steps": 200, "seed": 3, "runs": 4}
    whole = move(record=np.arange(201), **options)
    assert whole.equals(move(record=np.arange(201), **options))
    some = move(record=[200], **options)
    assert np.array_equal(some.time, [0, 200])
    assert np.array_equal(some.position, whole.position[[0, -1]])
    fewer = move(record=np.arange(201), **(options | {"runs": 2}))
    assert np.array_equal(fewer.position, whole.position[:, :2])
    shorter = move(record=np.arange(78), **(options | {"steps": 77}))
    assert np.array_equal(shorter.position, whole.position[:78])
    chunk = move(record=np.arange(201), steps=200, seed=[child_seed(3, run) for run in (2, 3)])
    assert np.array_equal(chunk.position, whole.position[:, 2:])
    monkeypatch.setattr(module, "BLOCK", 8)
    monkeypatch.setattr(module, "STRETCH", 4)
    assert whole.equals(move(record=np.arange(201), **options))


@pytest.mark.parametrize("name", moves(SAMPLED))
def test_seeds_and_runs_differ(name):
    one, other = (moves(SAMPLED)[name](steps=50, seed=seed, runs=3).position for seed in (3, 4))
    assert np.unique(np.concatenate([one[-1], other[-1]])).size == 6


def test_noise_of_a_reshuffled_epoch_sums_to_zero():
    """Why reshuffling is so cold: over an epoch every offset is used once, and the offsets sum to zero."""
    flat = quadratic([[1e-9]]).with_samples(30, 5.0)
    found = stochastic_gradient_descent(flat, 5, 60, 0, sampling="reshuffling", record=np.arange(61))
    assert np.abs(found.position[::6]).max() < 1e-8
    assert np.abs(found.position).max() > 1e-3


def test_dataset_is_described():
    found = stochastic_gradient_descent(
        WELL.with_samples(30), 3, 100, 5, runs=2, edges=[-2, 0, 2], moments=True
    )
    assert all({"long_name", "units"} <= set(found[name].attrs) for name in [*found.data_vars, *found.coords])
    assert found.time[0] == 0
    assert found.time.attrs["units"] == "steps"
    assert found.attrs == {
        "dynamics": "stochastic_gradient_descent",
        "sampling": "with_replacement",
        "landscape": "double_well(dimension=1, samples=30, barrier=0.1, tilt=0.04)",
        "steps": 100,
        "burn_in": 0,
        "first_seed": "5 [0]",
    }


def test_progress_is_reported(monkeypatch):
    monkeypatch.setattr(module, "STRETCH", 1)
    done = []
    langevin(WELL, 0.1, 2500, 1, progress=done.append)
    assert done == [1024, 2048, 2500]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: langevin(WELL, -0.1, 10, 0), "temperature = -0.1 at step 0: must be a finite number >= 0"),
        (lambda: langevin(WELL, Linear(1.0, -1.0, 10), 10, 0), "temperature = -1 at step 9"),
        (lambda: langevin(WELL, [1.0, -1.0, 1.0], 10, 0), "temperature = -1 at step 1"),
        (lambda: langevin("well", 0.1, 10, 0), "landscape = 'well': must be a Landscape"),
        (lambda: gradient_descent(None, 10, 0), "landscape = None: must be a Landscape"),
        (lambda: stochastic_gradient_descent(3, 2, 10, 0), "landscape = 3: must be a Landscape"),
        (lambda: langevin(WELL, "hot", 10, 0), "temperature = 'hot'"),
        (lambda: langevin(WELL, 0.1, 10, 0, learning_rate=0.0), "learning_rate = 0 at step 0"),
        (lambda: langevin(WELL, 0.1, 0, 0), "steps = 0: must be an integer >= 1"),
        (lambda: langevin(WELL, 0.1, 10, -3), "seed = -3: must be a non-negative integer"),
        (lambda: langevin(WELL, 0.1, 10, [1, 2], runs=3), "has 2 seeds for 3 runs"),
        (lambda: langevin(WELL, 0.1, 10, 0, runs=0), "runs = 0: must be an integer >= 1"),
        (lambda: langevin(WELL, 0.1, 10, 0, start=[1.0, 2.0]), r"start has shape \(2,\): must be \(1\)"),
        (lambda: langevin(WELL, 0.1, 10, 0, start=[np.nan]), "start: 1 entries are not finite"),
        (lambda: langevin(WELL, 0.1, 10, 0, record=[11]), "record = .*0..10"),
        (lambda: langevin(WELL, 0.1, 10, 0, burn_in=10), "burn_in = 10: must be an integer in 0..9"),
        (lambda: langevin(WELL, 0.1, 10, 0, edges=[0.0, 1.0, 3.0]), "edges: must increase in equal steps"),
        (lambda: langevin(WELL, 0.1, 10, 0, edges=[0.0]), "at least two increasing numbers"),
        (lambda: langevin(WELL, 0.1, 10, 0, edges=[]), "edges: must be at least two increasing numbers"),
        (lambda: langevin(WELL, 0.1, 10, 0, edges=7), "edges = 7: must be an array of edges"),
        (lambda: langevin(BOWL, 0.1, 10, 0, edges=[0.0, 1.0]), "edges: has 1 axes, must have 2"),
        (lambda: langevin(CUBE, 0.1, 10, 0, edges=[[0.0, 1.0]] * 3), "must be None in 3 dimensions"),
        (lambda: stochastic_gradient_descent(WELL, 3, 10, 0), "has no samples to draw"),
        (
            lambda: stochastic_gradient_descent(SAMPLED, 0, 10, 0),
            "batch = 0 at step 0: must be an integer in 1..30",
        ),
        (lambda: stochastic_gradient_descent(SAMPLED, 31, 10, 0), "batch = 31 at step 0"),
        (lambda: stochastic_gradient_descent(SAMPLED, 2.5, 10, 0), "batch = 2.5 at step 0"),
        (lambda: stochastic_gradient_descent(SAMPLED, GrowingBatch(9), 99, 0), "batch = 42 at step 98"),
        (lambda: stochastic_gradient_descent(SAMPLED, 3, 10, 0, sampling="twice"), "sampling = 'twice'"),
        (
            lambda: gradient_descent(WELL, 100, 0, start=[9.0], learning_rate=0.1),
            "run 0 had diverged by step 100",
        ),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
