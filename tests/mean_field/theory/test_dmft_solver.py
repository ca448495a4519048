"""The mean-field solver against its naive twin, the exact solution and itself."""

import tracemalloc

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from naive.mean_field import dmft as naive

from thermobatch.foundation import row_sums
from thermobatch.mean_field import losses
from thermobatch.mean_field.settings import SGDSettings
from thermobatch.mean_field.spectra import IDENTITY, Spectrum, power_law_spectrum, two_level_spectrum
from thermobatch.mean_field.theory import dmft_basis
from thermobatch.mean_field.theory.dmft import dmft, dmft_memory
from thermobatch.mean_field.theory.dmft_population import draw_population
from thermobatch.mean_field.theory.dmft_response import sign_period, walsh_signs, walsh_transform
from thermobatch.mean_field.theory.dmft_solver import GaussianModel, PathSolver
from thermobatch.mean_field.theory.square_loss import square_loss_dynamics

RIDGE = {"alpha": 3.0, "ridge": 0.5, "learning_rate": 0.1, "m0": 0.2, "q0": 1.0}


class RecordingSolver(PathSolver):
    """The solver, which also keeps the batches it drew."""

    def _draw_batches(self):
        expected, drawn = super()._draw_batches()
        self.seen = [*getattr(self, "seen", []), (expected[0], drawn[0])]
        return expected, drawn


def twin_of(loss, model, parameters, paths, **options):
    """Solve with all response functions, and with the naive twin on the same numbers."""
    rng = np.random.default_rng(7)
    population = draw_population(rng, paths, parameters.steps, model.spectrum.levels)
    solver = RecordingSolver(model, losses.get_loss(loss), parameters, population, rng, exact_response=True)
    solution = solver.run()
    expected, drawn = (np.array(rows) for rows in zip(*solver.seen, strict=True))
    twin = naive.dmft(
        population.teacher,
        population.start,
        population.white[0],
        drawn,
        expected,
        naive.LOSSES[loss],
        model.alpha,
        parameters.learning_rate,
        parameters.ridge,
        parameters.m0,
        parameters.q0,
        model.data == "mixture",
        model.sigma,
        model.fraction,
        beta=parameters.momentum,
        nesterov=parameters.nesterov,
        spherical=parameters.spherical,
        batch_fraction=parameters.batch_fraction,
        **options,
    )
    return solution, twin


@pytest.mark.parametrize(
    ("loss", "data", "spectrum", "options"),
    [
        ("logistic", "teacher", IDENTITY, {"batch_fraction": 0.4}),
        ("squared_hinge", "mixture", IDENTITY, {"batch_fraction": 0.3, "persistence": 0.7}),
        ("tanh", "teacher", two_level_spectrum(4.0, 0.3), {"batch_fraction": 0.5}),
        ("squared_hinge", "mixture", two_level_spectrum(3.0), {"batch_fraction": 0.5, "momentum": 0.5}),
        ("tanh", "teacher", IDENTITY, {"batch_fraction": 0.6, "momentum": 0.6, "nesterov": True}),
        ("logistic", "teacher", two_level_spectrum(3.0), {"batch_fraction": 0.5, "constraint": "spherical"}),
    ],
)
def test_solver_equals_its_naive_twin(loss, data, spectrum, options):
    model = GaussianModel(1.5, data, 0.7 if data == "mixture" else 1.0, spectrum)
    parameters = SGDSettings(0.2, 7, 0.1, m0=0.3, q0=0.8, **options)
    solution, twin = twin_of(loss, model, parameters, 160)
    for name in ("magnetization", "loss", "response", "memory_kernel"):
        np.testing.assert_allclose(getattr(solution, name), twin[name], rtol=1e-10, atol=1e-11, err_msg=name)
    np.testing.assert_allclose(solution.correlation[0], twin["correlation"], rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("mutation", ["no_self_term", "no_memory", "double_batch"])
def test_a_wrong_equation_misses_the_exact_solution(mutation):
    """The test of the equations at b < 1 would see each planted mistake (the right twin is within 0.02)."""
    parameters = SGDSettings(batch_fraction=0.4, steps=16, **{k: v for k, v in RIDGE.items() if k != "alpha"})
    exact = square_loss_dynamics(batch_fraction=0.4, steps=16, **RIDGE)

    def error(**options):
        twin = twin_of("square", GaussianModel(3.0), parameters, 2000, **options)[1]
        wrong = np.abs(twin["correlation"][0] - exact.correlation).max()
        return max(float(np.abs(twin["magnetization"][:, 0] - exact.magnetization).max()), float(wrong))

    assert error() < 0.02
    assert error(mutation=mutation) > 0.04


# --- exact where it can be ----------------------------------------------------------------------------------


@pytest.mark.parametrize("exact_response", [False, True])
def test_full_batch_square_loss_is_exact_at_any_population_size(exact_response):
    exact = square_loss_dynamics(steps=40, **RIDGE)
    solved = dmft("square", steps=40, paths=512, exact_response=exact_response, **RIDGE)
    for name in ("magnetization", "loss", "correlation", "response", "integrated_response", "test_error"):
        np.testing.assert_allclose(solved[name], exact[name], atol=4e-12, err_msg=name)


@settings(deadline=None, derandomize=True, max_examples=40)
@given(
    alpha=st.floats(0.2, 5.0),
    ridge=st.floats(0.0, 2.0),
    speed=st.floats(0.05, 0.9),
    m0=st.floats(-1.0, 1.0),
    q0=st.floats(0.0, 2.0),
    momentum=st.sampled_from([0.0, 0.4, 0.9]),
    nesterov=st.booleans(),
    ratio=st.sampled_from([1.0, 0.2, 6.0]),
)
def test_full_batch_square_loss_is_exact_at_random_parameters(
    alpha, ridge, speed, m0, q0, momentum, nesterov, ratio
):
    spectrum = IDENTITY if ratio == 1.0 else two_level_spectrum(ratio, 0.4)
    largest = ridge + max(spectrum.eigenvalues) * (1.0 + np.sqrt(alpha)) ** 2
    options = {
        "alpha": alpha,
        "ridge": ridge,
        "learning_rate": speed * 2.0 / largest / (1.0 + momentum * nesterov),
        "steps": 12,
        "m0": m0,
        "q0": q0,
        "momentum": momentum,
        "nesterov": nesterov and momentum > 0.0,
        "spectrum": spectrum,
    }
    solved = dmft("square", paths=256, seed=3, **options)
    exact = square_loss_dynamics(**options)
    for name in ("magnetization", "loss", "correlation", "response"):
        np.testing.assert_allclose(solved[name], exact[name], atol=1e-10, err_msg=name)


def test_power_law_covariance_is_exact():
    spectrum = power_law_spectrum(1.0, levels=4, smallest=0.1)
    options = RIDGE | {"steps": 10, "learning_rate": 0.05, "spectrum": spectrum}
    solved = dmft("square", paths=512, **options)
    np.testing.assert_allclose(solved.correlation, square_loss_dynamics(**options).correlation, atol=1e-11)


def test_two_equal_levels_are_the_identity():
    """Two levels of one variance differ from the identity only by the random numbers: the square loss is the same."""
    split = Spectrum((1.0, 1.0), (0.3, 0.7))
    one = dmft("square", steps=12, paths=256, **RIDGE)
    two = dmft("square", steps=12, paths=256, spectrum=split, **RIDGE)
    for name in ("magnetization", "loss", "correlation", "response", "test_error"):
        np.testing.assert_allclose(two[name], one[name], atol=1e-12, err_msg=name)


# --- sampling error -----------------------------------------------------------------------------------------


def test_small_batches_agree_with_the_exact_solution():
    """z-scores over 12 populations of 4096 paths; a bias of 0.003 in m or 0.006 in the loss would be seen.

    The limit of 9.7 standard errors has a false-alarm rate of 1e-6 per value with 11 degrees of freedom.
    """
    options = RIDGE | {"batch_fraction": 0.2, "steps": 30}
    exact = square_loss_dynamics(**options)
    solved = dmft("square", paths=4096, populations=12, replicas=2, seed=1, **options)
    for name, allowed in (
        ("magnetization", 0.002),
        ("loss", 0.004),
        ("replica_distance", 0.004),
        ("test_error", 0.002),
    ):
        error = np.abs(solved[name] - exact[name])
        assert float(error.max()) < allowed, name
        assert (error <= 9.7 * solved[f"{name}_error"] + 1e-12).all(), name


def test_error_falls_as_the_root_of_the_population():
    options = RIDGE | {"batch_fraction": 0.3, "steps": 20}
    exact = square_loss_dynamics(**options)
    sizes = np.array([512, 2048, 8192])
    errors = []
    for size in sizes:
        runs = [dmft("square", paths=int(size), seed=seed, **options) for seed in range(16)]
        off = [run.magnetization - exact.magnetization for run in runs]
        errors.append(np.sqrt(np.mean([float((error**2).mean()) for error in off])))
    exponent = np.polyfit(np.log(sizes), np.log(errors), 1)[0]
    assert -0.65 < exponent < -0.35  # deviation of the exponent at 16 seeds: 0.05


def test_hutchinson_agrees_with_the_exact_response():
    """Two means of 10 populations: 8 standard errors, false-alarm rate below 1e-6 with 18 degrees of freedom."""
    options = {
        "alpha": 2.0,
        "ridge": 0.2,
        "learning_rate": 0.2,
        "steps": 14,
        "m0": 0.3,
        "batch_fraction": 0.4,
    }
    runs = {
        exact: dmft("squared_hinge", paths=4096, populations=10, exact_response=exact, seed=2, **options)
        for exact in (False, True)
    }
    for name in ("magnetization", "loss", "correlation", "response"):
        spread = np.hypot(runs[False][f"{name}_error"], runs[True][f"{name}_error"])
        assert (np.abs(runs[False][name] - runs[True][name]) <= 8.0 * spread + 1e-9).all(), name


def test_replicas_do_not_separate_with_full_batches():
    both = dmft("logistic", steps=8, paths=512, replicas=2, **RIDGE)
    one = dmft("logistic", steps=8, paths=512, **RIDGE)
    assert float(np.abs(both.replica_distance).max()) < 1e-12
    np.testing.assert_allclose(both.replica_overlap, both.correlation, atol=1e-12)
    assert float(np.abs(both.magnetization - one.magnetization).max()) < 0.03  # other random numbers


def test_spherical_constraint_keeps_the_norm():
    run = dmft(
        "tanh",
        alpha=1.0,
        learning_rate=0.3,
        steps=10,
        m0=0.5,
        q0=0.5,
        batch_fraction=0.5,
        constraint="spherical",
    )
    np.testing.assert_allclose(np.diagonal(run.correlation), 0.75, atol=1e-13)


# --- devices ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("paths", [513, 1024, 2000])
def test_row_sums_equal_matrix_products(paths):
    rng = np.random.default_rng(0)
    rows, weights = rng.standard_normal((11, paths)), rng.standard_normal(paths)
    for count in (0, 1, 4, 6, 11):
        coefficients, combined = rng.standard_normal(count), np.empty(paths)
        products, both = np.empty(count), np.empty(count)
        row_sums.combine(coefficients, rows, combined)
        np.testing.assert_allclose(combined, coefficients @ rows[:count], atol=1e-13)
        row_sums.project(weights, rows, products)
        np.testing.assert_allclose(products, rows[:count] @ weights / paths, atol=1e-13)
        combined[:] = np.nan
        row_sums.project_and_combine(weights, coefficients, rows, both, combined)
        np.testing.assert_allclose(combined, coefficients @ rows[:count], atol=1e-13)
        assert (both == products).all()
        chosen = rng.permutation(11)[:count]
        row_sums.combine_selected(chosen, coefficients, rows, combined)
        np.testing.assert_allclose(combined, coefficients @ rows[chosen], atol=1e-13)


def test_population_has_exact_moments():
    population = draw_population(np.random.default_rng(1), 700, 20, levels=2, channels=2)
    rows = np.vstack(
        (np.ones((1, 700)), population.teacher, population.start, population.white.reshape(-1, 700))
    )
    np.testing.assert_allclose(rows @ rows.T / 700, np.eye(len(rows)), atol=1e-13)


def test_basis_keeps_small_new_components():
    """Vectors that differ by 1e-6: the squares would lose the new component to rounding, the vectors do not."""
    rng = np.random.default_rng(2)
    directions = rng.standard_normal((3, 1000))
    dmft_basis.orthonormalize(directions)
    vectors = [directions[0], directions[0] + 1e-6 * directions[1], directions[0] + 1e-3 * directions[1]]
    vectors += [2.0 * directions[0], directions[1] + directions[2]]
    basis, factor = np.zeros((5, 1000)), np.zeros((5, 5))
    for t, vector in enumerate(vectors):
        dmft_basis.extend_basis(basis, vector, factor[t, : t + 1])
    wanted = [[1, 0, 0, 0, 0], [1, 1e-6, 0, 0, 0], [1, 1e-3, 0, 0, 0], [2, 0, 0, 0, 0], [0, 1, 0, 0, 1]]
    np.testing.assert_allclose(factor, wanted, atol=1e-9)
    assert factor[1, 1] == pytest.approx(1e-6, rel=1e-9)
    assert not basis[2:4].any()


@pytest.mark.parametrize("steps", [1, 2, 3, 8, 9, 50])
def test_walsh_signs_are_orthogonal(steps):
    period = sign_period(steps)
    signs = np.array([walsh_signs(row, period) for row in range(period)])
    assert period >= steps
    assert (signs @ signs.T == period * np.eye(period)).all()
    values = np.random.default_rng(0).standard_normal(period)
    np.testing.assert_allclose(walsh_transform(values), signs @ values, atol=1e-12)


# --- front door ---------------------------------------------------------------------------------------------


def test_dataset_layout_and_determinism(tmp_path):
    run = dmft(
        loss="square",
        alpha=3.0,
        ridge=0.5,
        learning_rate=0.1,
        steps=20,
        batch_fraction=0.5,
        m0=0.2,
        q0=1.0,
        paths=1000,
        seed=np.random.SeedSequence(4),
        populations=2,
        replicas=2,
        fields=True,
    )
    assert run.magnetization.dims == run.loss.dims == ("time",)
    assert run.correlation.dims == run.response.dims == ("time", "time2")
    assert run.time[0] == 0 and run.time[-1] == 20 and run.physical_time[-1] == pytest.approx(2.0)
    assert run.magnetization[0] == pytest.approx(0.2) and run.correlation[0, 0] == pytest.approx(1.04)
    assert run.attrs["paths"] == 1024 and run.sizes["path"] == 2048
    assert all({"long_name", "units"} <= set(variable.attrs) for variable in run.variables.values())
    assert run.magnetization_error[0] == 0.0 and run.magnetization_error[-1] > 0.0
    again = dmft(
        "square",
        steps=20,
        batch_fraction=0.5,
        paths=1000,
        seed=4,
        populations=2,
        replicas=2,
        fields=True,
        **RIDGE,
    )
    assert run.identical(again)
    sequence = np.random.SeedSequence(4)  # used twice: its counter of children plays no role
    twice = [dmft("square", steps=3, batch_fraction=0.5, paths=64, seed=sequence, **RIDGE) for _ in range(2)]
    assert twice[0].identical(twice[1])
    assert not run.equals(dmft("square", steps=20, paths=1000, seed=5, **RIDGE))
    run.to_netcdf(tmp_path / "run.nc")
    with xr.open_dataset(tmp_path / "run.nc") as stored:
        assert stored.load().identical(run)


def test_a_loss_of_the_users_own_gives_the_same_as_the_built_in_one():
    own = losses.custom_loss(
        "mine", lambda h, y: (h - y) ** 2 / 2, lambda h, y: h - y, lambda h, y: 1.0 + 0.0 * h
    )
    options = RIDGE | {"steps": 6, "paths": 256, "batch_fraction": 0.5}
    xr.testing.assert_allclose(dmft(own, **options), dmft("square", **options), rtol=1e-13)


@pytest.mark.parametrize(("levels", "replicas", "exact"), [(1, 1, False), (2, 2, False), (1, 1, True)])
def test_memory_plan_covers_what_is_allocated(levels, replicas, exact):
    spectrum = IDENTITY if levels == 1 else two_level_spectrum(2.0)
    options = {"alpha": 2.0, "learning_rate": 0.05, "batch_fraction": 0.4, "spectrum": spectrum}
    options |= {"replicas": replicas, "exact_response": exact, "populations": 3}
    dmft("logistic", steps=4, paths=256, **options)  # load the kernels
    tracemalloc.start()
    dmft("logistic", steps=48, paths=2048, **options)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.05 * dmft_memory(48, 2048, levels, replicas, exact, 3) < 1.5 * peak


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"loss": "huber"}, "loss = 'huber': must be one of square, logistic, squared_hinge, tanh"),
        ({"alpha": 0.0}, "alpha = 0.0: must be a finite number > 0"),
        ({"batch_fraction": 1.2}, r"batch_fraction = 1.2: must be in \(0, 1\]"),
        ({"batch_fraction": "half"}, r"batch_fraction = 'half': must be in \(0, 1\]"),
        ({"batch_fraction": 0.0}, r"batch_fraction = 0.0: must be in \(0, 1\]"),
        ({"batch_fraction": 0.1, "persistence": 0.5}, "persistence = 0.5: must be at least 0.9"),
        ({"persistence": -1.0}, "persistence = -1.0: must be a finite number > 0"),
        ({"learning_rate": -0.1}, "learning_rate = -0.1: must be a finite number > 0"),
        ({"learning_rate": 0.3}, "learning_rate = 0.3: the square loss is unstable: must be below 0.251127"),
        (
            {"learning_rate": 0.2, "batch_fraction": 0.1},
            "learning_rate = 0.2: the square loss is unstable: must be below 0.1",
        ),
        ({"steps": 0}, "steps = 0: must be an integer >= 1"),
        ({"steps": 4.0}, "steps = 4.0: must be an integer >= 1"),
        ({"steps": 100_000}, "steps = 100000: .* needs .* GiB, above max_memory = 4 GiB; about .* paths fit"),
        ({"ridge": -1.0}, "ridge = -1.0: must be a finite number >= 0"),
        ({"ridge": np.nan}, "ridge = nan: must be a finite number >= 0"),
        ({"momentum": 1.0}, r"momentum = 1.0: must be in \[0, 1\)"),
        ({"nesterov": True}, "nesterov = True: needs momentum"),
        ({"constraint": "cube"}, "constraint = 'cube': must be one of none, spherical"),
        (
            {"constraint": "spherical", "momentum": 0.5},
            "momentum = 0.5: must be 0 with constraint = 'spherical'",
        ),
        ({"constraint": "spherical", "m0": 0.0, "q0": 0.0}, "q0 = 0.0: must be positive"),
        ({"replicas": 3}, "replicas = 3: must be an integer in 1..2"),
        ({"q0": -0.1}, "q0 = -0.1: must be a finite number >= 0"),
        ({"data": "images"}, "data = 'images': must be one of teacher, mixture"),
        ({"data": "mixture", "variance": 0.0}, "variance = 0.0: must be a finite number > 0"),
        ({"variance": 2.0}, "variance = 2.0: is for data = 'mixture'"),
        ({"margin": 1.0}, "margin = 1.0: only loss = 'squared_hinge' has a margin"),
        ({"paths": 0}, "paths = 0: must be an integer >= 1"),
        ({"paths": 64}, "paths = 64: must be at least 92"),
        ({"populations": 1.5}, "populations = 1.5: must be an integer >= 1"),
        ({"max_memory": 0.0}, "max_memory = 0.0: must be a finite number > 0"),
        ({"seed": -1}, "seed = -1: must be a non-negative integer"),
        (
            {"loss": "squared_hinge", "learning_rate": 3.0, "steps": 200},
            "the weights diverge .* below 0.2511 is stable",
        ),
    ],
)
def test_bad_arguments_are_named(changed, message):
    arguments = RIDGE | {"loss": "square", "steps": 20, "paths": 1024} | changed
    with pytest.raises(ValueError, match=message):
        dmft(**arguments)
