"""SGD at finite dimension: against its naive twin, exact laws, and the mean-field theory."""

import itertools

import numpy as np
import pytest
import xarray as xr
from naive.mean_field import dmft as naive

from thermobatch.foundation.streams import child_seed
from thermobatch.mean_field import losses
from thermobatch.mean_field.dynamics.sgd import Probe, Step, glm_sgd, run_sgd
from thermobatch.mean_field.sample_batches import batch_chain
from thermobatch.mean_field.samples import gaussian_mixture, own_samples, start_weights, teacher_student
from thermobatch.mean_field.settings import SGDSettings
from thermobatch.mean_field.spectra import IDENTITY, two_level_spectrum
from thermobatch.mean_field.theory.dmft import dmft
from thermobatch.mean_field.theory.effective_noise import boundary_gaps
from thermobatch.mean_field.theory.square_loss import square_loss_dynamics

# --- equal to the definition ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loss", "options"),
    [
        ("square", {}),
        ("logistic", {"batch_fraction": 0.4}),
        ("squared_hinge", {"batch_fraction": 0.3, "persistence": 0.7}),
        ("tanh", {"batch_fraction": 0.5, "momentum": 0.6}),
        ("squared_hinge", {"momentum": 0.6, "nesterov": True}),
        ("logistic", {"batch_fraction": 0.5, "constraint": "spherical"}),
    ],
)
def test_one_run_equals_its_naive_twin(loss, options, monkeypatch):
    samples = teacher_student(12, 2.0, two_level_spectrum(3.0), seed=1)
    settings = SGDSettings(0.2, 9, 0.3, m0=0.4, q0=0.7, replicas=2, **options)
    seen, move = [], Step.__call__
    monkeypatch.setattr(
        Step, "__call__", lambda self, now, before, s: seen.append(s.copy()) or move(self, now, before, s)
    )
    run = run_sgd(samples, losses.get_loss(loss), settings, 5)
    start = start_weights(samples, 0.4, 0.7, np.random.default_rng(child_seed(5, 0)))
    paths = [
        naive.sgd(
            samples.inputs,
            samples.targets,
            start,
            np.array(seen[9 * replica : 9 * replica + 9]),
            naive.LOSSES[loss],
            0.2,
            0.3,
            settings.momentum,
            settings.nesterov,
            start @ start if settings.spherical else None,
        )
        for replica in (0, 1)
    ]
    products = sum(path @ path.T for path in paths) / (2 * 12)
    np.testing.assert_allclose(run["correlation"][1], products, rtol=1e-12, atol=1e-13)
    overlaps = sum(path @ samples.teacher for path in paths) / (2 * 12)
    np.testing.assert_allclose(run["magnetization"][1], overlaps, rtol=1e-12, atol=1e-13)
    values = [
        naive.LOSSES[loss](path @ samples.inputs.T, samples.targets[None])[0].mean(axis=1) for path in paths
    ]
    np.testing.assert_allclose(run["loss"][1], sum(values) / 2, rtol=1e-12, atol=1e-13)
    distance = np.sum((paths[0] - paths[1]) ** 2, axis=1) / 24
    np.testing.assert_allclose(run["replica_distance"][1], distance, atol=1e-13)


def test_gradient_descent_is_the_closed_form():
    samples = teacher_student(40, 1.5, seed=3)
    settings = SGDSettings(0.2, 30, 0.1, m0=0.2)
    run = run_sgd(samples, losses.square(), settings, 8)
    start = start_weights(samples, 0.2, 1.0, np.random.default_rng(child_seed(8, 0)))
    path = naive.square_loss_at_finite_dimension(samples.inputs, samples.teacher, start, 30, 0.2, 0.1)
    np.testing.assert_allclose(run["correlation"][1], path @ path.T / 40, atol=1e-12)


def test_two_steps_have_the_law_of_all_batches():
    """Three samples, persistent batches: all 64 pairs of batches with their probabilities against 40 000 runs.

    Every one of the 64 frequencies is within 6 deviations (false-alarm rate 64 x 2e-9); independent batches, whose
    single-step law is the same, would be off by 25.
    """
    b, eta, tau, runs = 0.4, 0.3, 1.5, 40_000
    chain = batch_chain(b, eta, tau)
    assert chain.enter == pytest.approx(eta / tau) and chain.leave == pytest.approx(eta * (1 - b) / (b * tau))
    assert b * chain.leave == pytest.approx((1 - b) * chain.enter)  # stationary
    rng = np.random.default_rng(0)
    first = chain.start(rng, 3 * runs)
    second = chain.advance(rng, first)
    code = first.reshape(runs, 3) @ [1, 2, 4] + 8 * (second.reshape(runs, 3) @ [1, 2, 4])
    counts = np.bincount(code, minlength=64)
    worst_if_independent = 0.0
    for before, after in itertools.product(itertools.product((0, 1), repeat=3), repeat=2):
        joint = independent = 1.0
        for x, y in zip(before, after, strict=True):
            move = chain.leave if x else chain.enter
            joint *= (b if x else 1 - b) * (move if x != y else 1 - move)
            independent *= (b if x else 1 - b) * (b if y else 1 - b)
        seen = counts[np.dot(before, [1, 2, 4]) + 8 * np.dot(after, [1, 2, 4])]
        assert abs(seen - runs * joint) < 6.0 * np.sqrt(runs * joint)
        worst_if_independent = max(
            worst_if_independent, abs(seen - runs * independent) / np.sqrt(runs * independent)
        )
    assert worst_if_independent > 25.0


def test_tau_equal_to_eta_over_b_is_independent():
    chain = batch_chain(0.25, 0.1, 0.1 / 0.25)
    assert chain.enter == pytest.approx(0.25) and 1.0 - chain.leave == pytest.approx(0.25)


def test_one_step_has_the_exact_mean_and_covariance():
    """Six samples: all 64 batches give mean and covariance of w^1; the mean of 20 000 runs is within 5.5 deviations."""
    samples = own_samples(
        np.random.default_rng(1).standard_normal((6, 3)), np.random.default_rng(2).standard_normal(6)
    )
    settings = SGDSettings(0.2, 1, 0.1, 0.4)
    move = Step(samples, losses.square(), settings, 1.0)
    start = np.array([0.5, -1.0, 0.2])
    b, moves, weights = 0.4, [], []
    for batch in itertools.product((0.0, 1.0), repeat=6):
        moves.append(move(start, start, np.array(batch) / b)[0])
        weights.append(np.prod([b if inside else 1 - b for inside in batch]))
    moves, weights = np.array(moves), np.array(weights)
    mean = weights @ moves
    covariance = (moves - mean).T @ ((moves - mean) * weights[:, None])
    slopes = samples.inputs @ start - samples.targets
    np.testing.assert_allclose(mean, start - 0.2 * (samples.inputs.T @ slopes + 0.1 * start), atol=1e-13)
    formula = 0.2**2 * (1 - b) / b * samples.inputs.T @ (samples.inputs * slopes[:, None] ** 2)
    np.testing.assert_allclose(covariance, formula, atol=1e-13)
    rng, chain = np.random.default_rng(3), settings.batches
    drawn = np.array([move(start, start, chain.start(rng, 6) / b)[0] for _ in range(20_000)])
    z = (drawn.mean(axis=0) - mean) / np.sqrt(np.diagonal(covariance) / 20_000)
    assert np.abs(z).max() < 5.5


# --- the mean-field theory ------------------------------------------------------------------------------------------

CASES = {
    "square": ("square", {"batch_fraction": 0.4}),
    "logistic": ("logistic", {"batch_fraction": 0.4, "learning_rate": 0.3}),
    "hinge": ("squared_hinge", {"batch_fraction": 0.4, "replicas": 2}),
    "tanh": ("tanh", {"batch_fraction": 0.4}),
    "mixture": ("squared_hinge", {"batch_fraction": 0.4, "data": "mixture", "variance": 0.7, "replicas": 2}),
    "persistent": (
        "squared_hinge",
        {"batch_fraction": 0.4, "persistence": 1.0, "replicas": 2, "margin": 0.5},
    ),
    "heavy_ball": ("squared_hinge", {"batch_fraction": 0.5, "momentum": 0.6, "learning_rate": 0.05}),
    "nesterov": ("tanh", {"batch_fraction": 0.5, "momentum": 0.6, "nesterov": True, "learning_rate": 0.05}),
    "covariance": ("logistic", {"batch_fraction": 0.5, "spectrum": two_level_spectrum(5.0), "replicas": 2}),
    "spherical": (
        "squared_hinge",
        {"batch_fraction": 0.4, "constraint": "spherical", "data": "mixture", "alpha": 0.7, "ridge": 0.0},
    ),
    "own_loss": (
        losses.custom_loss(
            "huber",
            lambda h, y: np.sqrt(1.0 + (h - y) ** 2) - 1.0,
            lambda h, y: (h - y) / np.sqrt(1.0 + (h - y) ** 2),
            lambda h, y: (1.0 + (h - y) ** 2) ** -1.5,
        ),
        {"batch_fraction": 0.4},
    ),
}
COMMON = {"alpha": 3.0, "ridge": 0.5, "learning_rate": 0.1, "steps": 16, "m0": 0.2, "q0": 1.0}


def compare(simulated: xr.Dataset, theory: xr.Dataset, names: list[str]) -> dict[str, tuple[float, float]]:
    """Largest deviation of the mean over seeds and largest z-score, the theory's own error included."""
    result = {}
    for name in names:
        error = np.abs(simulated[name].mean("seed") - theory[name]).values
        spread = simulated[name].std("seed", ddof=1).values / np.sqrt(simulated.sizes["seed"])
        deviation = np.hypot(spread, theory[f"{name}_error"].values)
        result[name] = float(error.max()), float((error / (deviation + 1e-3)).max())
    return result


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_simulation_agrees_with_the_theory(case):
    """24 seeds at d = 500 and 6 populations of 8192 paths: z below 6 with 1e-3 allowed for the finite dimension.

    At 23 degrees of freedom |z| > 6 has probability 4e-6 per value, of which few are independent; a bias of 0.012 in m,
    C, the loss or the distance of replicas would be seen.
    """
    loss, options = CASES[case]
    arguments = COMMON | options
    simulated = glm_sgd(loss, d=500, seeds=24, seed=11, **arguments)
    theory = dmft(loss, paths=8192, populations=6, seed=12, **arguments)
    names = ["magnetization", "loss", "correlation", "test_error"]
    names += ["replica_distance", "replica_overlap"] if arguments.get("replicas") == 2 else []
    for name, (error, z) in compare(simulated, theory, names).items():
        assert z < 6.0 and error < 0.035, f"{name}: off by {error:.4f}, z = {z:.1f}"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("wrong", "names"),
    [
        ({"batch_fraction": 0.6}, ["replica_distance"]),
        ({"persistence": 0.5}, ["replica_distance"]),
        ({"margin": 0.9}, ["loss"]),
        ({"variance": 0.9}, ["loss"]),
        ({"ridge": 0.6}, ["correlation"]),
        ({"q0": 0.9}, ["correlation"]),
    ],
)
def test_the_comparison_sees_a_wrong_theory(wrong, names):
    arguments = COMMON | CASES["mixture"][1]
    simulated = glm_sgd("squared_hinge", d=500, seeds=24, seed=11, **arguments)
    theory = dmft("squared_hinge", paths=8192, populations=6, seed=12, **(arguments | wrong))
    assert all(z > 8.0 for _, z in compare(simulated, theory, names).values())


@pytest.mark.parametrize("spectrum", [IDENTITY, two_level_spectrum(4.0)])
def test_simulation_agrees_with_the_exact_solution(spectrum):
    """16 seeds at d = 400, b = 0.3: z below 7 (15 degrees of freedom, false-alarm rate 4e-6 per value)."""
    arguments = COMMON | {"batch_fraction": 0.3, "learning_rate": 0.06, "spectrum": spectrum, "steps": 25}
    exact = square_loss_dynamics(**arguments)
    simulated = glm_sgd("square", d=400, seeds=16, replicas=2, seed=5, waiting_time=5, **arguments)
    exact["integrated_response"] = exact.integrated_response.isel(time2=5)
    for name in ("magnetization", "loss", "correlation", "replica_distance", "integrated_response"):
        error = np.abs(simulated[name].mean("seed") - exact[name])
        spread = simulated[name].std("seed", ddof=1) / 4.0
        assert float((error / (spread + 1e-3)).max()) < 7.0, name
        assert float(error.max()) < 0.03, name


# --- data and front door --------------------------------------------------------------------------------------------


def test_drawn_samples_have_the_stated_law():
    """4e5 inputs: moments within 6 deviations; norms and angles of teacher and start are exact in every level."""
    spectrum = two_level_spectrum(3.0, 0.25)
    samples = gaussian_mixture(200, 10.0, 0.5, spectrum, seed=4)
    assert samples.inputs.shape == (2000, 200) and (samples.targets == 1.0).all()
    start = start_weights(samples, 0.3, 2.0, np.random.default_rng(1))
    first = 0
    for size, value in zip(samples.level_sizes, spectrum.eigenvalues, strict=True):
        here = slice(first, first + size)
        noise = samples.inputs[:, here] - samples.teacher[here] / 200
        count = noise.size
        assert abs(noise.mean() * np.sqrt(count * 200 / (0.5 * value))) < 6.0
        assert abs(np.mean(noise**2) * 200 / (0.5 * value) - 1.0) < 6.0 * np.sqrt(2.0 / count)
        rest = start[here] - 0.3 * samples.teacher[here]
        assert np.sum(samples.teacher[here] ** 2) == pytest.approx(size)
        assert np.sum(rest**2) == pytest.approx(2.0 * size)
        assert rest @ samples.teacher[here] == pytest.approx(0.0, abs=1e-9)
        first += size
    teacher = teacher_student(100, 2.0, seed=4)
    np.testing.assert_allclose(teacher.targets, teacher.inputs @ teacher.teacher, atol=1e-12)


def test_chi_is_the_linear_response():
    """The probe's response does not depend on its strength, and vanishes before the waiting time."""
    samples = gaussian_mixture(60, 3.0, seed=2)
    settings = SGDSettings(0.1, 30, 0.3, 0.5)
    runs = [
        run_sgd(samples, losses.logistic(), settings, 3, Probe(10, strength))["integrated_response"][1]
        for strength in (1e-3, 1e-5)
    ]
    assert not runs[0][:11].any() and runs[0][11] == pytest.approx(0.1, rel=1e-9)
    np.testing.assert_allclose(runs[0], runs[1], rtol=1e-3, atol=1e-6)


def test_layout_and_determinism(tmp_path):
    options = {"alpha": 2.0, "learning_rate": 0.1, "steps": 6, "batch_fraction": 0.5, "m0": 0.1}
    run = glm_sgd("logistic", d=50, seeds=3, replicas=2, waiting_time=2, fields=True, seed=9, **options)
    theory = dmft("logistic", paths=256, replicas=2, fields=True, **options)
    for name in ("magnetization", "loss", "test_error", "replica_distance", "correlation", "replica_overlap"):
        assert run[name].dims == ("seed", *theory[name].dims)
        assert run[name].attrs == theory[name].attrs
    assert run.final_field.sizes == {"seed": 3, "sample": 100}
    assert (
        run.time[0] == 0
        and np.allclose(run.magnetization[:, 0], 0.1)
        and np.allclose(run.correlation[:, 0, 0], 1.01)
    )
    again = glm_sgd(
        "logistic",
        d=50,
        seeds=3,
        replicas=2,
        waiting_time=2,
        fields=True,
        seed=np.random.SeedSequence(9),
        **options,
    )
    assert run.identical(again)
    more = glm_sgd("logistic", d=50, seeds=4, replicas=2, waiting_time=2, fields=True, seed=9, **options)
    xr.testing.assert_equal(
        more.isel(seed=slice(3)), run
    )  # a run does not depend on how many others there are
    assert len(np.unique(run.loss[:, -1])) == 3
    run.to_netcdf(tmp_path / "run.nc")
    with xr.open_dataset(tmp_path / "run.nc") as stored:
        assert stored.load().identical(run)


def test_own_samples_need_no_teacher():
    rng = np.random.default_rng(0)
    labels = np.where(rng.random(80) < 0.5, 1.0, -1.0)
    inputs = (rng.standard_normal((80, 20)) + labels[:, None]) / np.sqrt(20)
    run = glm_sgd("logistic", data=own_samples(inputs, labels), learning_rate=0.1, steps=40, seeds=2)
    assert "magnetization" not in run and "test_error" not in run
    assert (run.loss[:, -1] < 0.3 * run.loss[:, 0]).all()
    kept = glm_sgd(
        "logistic",
        data=own_samples(inputs, labels, np.full(20, 0.1)),
        learning_rate=0.1,
        steps=5,
        seeds=1,
        m0=2.0,
        constraint="spherical",
    )
    np.testing.assert_allclose(np.diagonal(kept.correlation[0]), kept.correlation[0, 0, 0])
    known = own_samples(inputs, labels, np.ones(20))
    assert (
        float(glm_sgd("logistic", data=known, learning_rate=0.1, steps=40, seeds=1).magnetization[0, -1])
        > 0.5
    )


FEW = np.random.default_rng(0).standard_normal((6, 3))
MEANT = {
    "0 and 1": (FEW[:, 0] > 0.0) * 1,
    "1 and 2": (FEW[:, 0] > 0.0) + 1.0,
    "0": np.zeros(6),
    "fields": FEW[:, 0],
    "one out of many": np.array([1.0, -1.0, 1.0, -1.0, 0.5, 1.0]),
}


@pytest.mark.parametrize("loss", ["logistic", "squared_hinge"])
@pytest.mark.parametrize("meant", MEANT)
def test_a_loss_that_classifies_needs_labels(loss, meant):
    with pytest.raises(
        ValueError, match=rf"targets\[\d\] = .*: must be labels \+1 or -1 for loss = '{loss}'"
    ) as caught:
        glm_sgd(loss, data=own_samples(FEW, MEANT[meant]), learning_rate=0.1, steps=1, seeds=1)
    assert ("np.where" in str(caught.value)) == (" and " in meant)


def test_regression_takes_any_target_and_drawn_targets_are_fields():
    arguments = {"learning_rate": 0.1, "steps": 1, "seeds": 1}
    for targets in MEANT.values():
        glm_sgd("square", data=own_samples(FEW, targets), **arguments)
    glm_sgd("logistic", data=teacher_student(4, 2.0), **arguments)
    glm_sgd("logistic", data=own_samples(FEW, np.ones(6)), **arguments)


def test_gaps_need_labels():
    run = glm_sgd(
        "square", data=own_samples(FEW, MEANT["0 and 1"]), learning_rate=0.1, steps=1, seeds=1, fields=True
    )
    with pytest.raises(ValueError, match="targets other than"):
        boundary_gaps(run, 1.0)


def test_one_feature_with_a_teacher_starts_along_it():
    data = own_samples(FEW[:, :1], FEW[:, 0], [2.0])
    run = glm_sgd(data=data, learning_rate=0.01, steps=1, seeds=1, m0=0.5, q0=0.0)
    assert run.magnetization[0, 0] == pytest.approx(0.5 * 2.0**2)
    with pytest.raises(ValueError, match="teacher: in one dimension no start r0 is orthogonal to it"):
        glm_sgd(data=data, learning_rate=0.01, steps=1, seeds=1)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"data": (FEW, FEW[:, 0])}, "data is of type tuple: must be one of teacher, mixture, or GLMSamples"),
        (
            {"batch_fraction": 0.009},
            "batch_fraction = 0.009: most batches of 100 samples would be empty: must be at least",
        ),
        ({"alpha": None}, "alpha = None: must be a finite number > 0"),
        ({"alpha": 1e-9}, "alpha = 1e-09: leaves no sample at d = 50"),
        ({"d": 1}, "d = 1: must be an integer >= 2"),
        ({"d": 3, "spectrum": two_level_spectrum(2.0, 0.4)}, "every covariance level needs 2 directions"),
        ({"d": 100_000}, "d = 100000: 200000 samples, .* GiB, above max_memory = 4 GiB"),
        ({"seeds": 0}, "seeds = 0: must be an integer >= 1"),
        ({"data": "images"}, "data = 'images': must be one of teacher, mixture, or GLMSamples"),
        ({"variance": 2.0}, "variance = 2.0: is for data = 'mixture'"),
        ({"data": "mixture", "variance": -2.0}, "variance = -2.0: must be a finite number > 0"),
        ({"data": own_samples(np.ones((3, 2)), np.ones(3))}, "alpha = 2.0: not with samples of your own"),
        (
            {"data": own_samples(np.ones((3, 2)), np.ones(3)), "alpha": None, "m0": 0.5},
            "m0 = 0.5: must be 0 for samples without a teacher",
        ),
        ({"waiting_time": 9}, "waiting_time = 9: must be an integer in 0..4"),
        ({"waiting_time": 2.5}, "waiting_time = 2.5: must be an integer"),
        ({"waiting_time": 2, "probe_strength": 0.0}, "probe_strength = 0.0: must be a finite number > 0"),
        ({"learning_rate": 2.0, "steps": 60}, "learning_rate = 2.0: the weights diverge"),
        ({"persistence": 1e-3, "batch_fraction": 0.5}, "persistence = 0.001: must be at least 0.1"),
    ],
)
def test_bad_arguments_are_named(changed, message):
    arguments = {
        "loss": "square",
        "alpha": 2.0,
        "learning_rate": 0.1,
        "steps": 5,
        "d": 50,
        "seeds": 1,
    } | changed
    with pytest.raises(ValueError, match=message):
        glm_sgd(**arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.ones(3), np.ones(3)), r"inputs of shape \(3,\): must be \[samples, dimension\]"),
        ((np.ones((3, 2)), np.ones(2)), r"targets of shape \(2,\): must be \[3\]"),
        ((np.ones((3, 2)), np.ones(3), np.ones(3)), r"teacher of shape \(3,\): must be \[2\]"),
        ((np.ones((3, 2)), np.ones(3), np.zeros(2)), "teacher: is zero"),
        ((np.full((3, 2), np.nan), np.ones(3)), "inputs: must hold finite numbers only"),
    ],
)
def test_bad_samples_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        own_samples(*arguments)
