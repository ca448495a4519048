"""Losses: values, derivatives, extreme fields, and losses of the user's own."""

import numba
import numpy as np
import pytest
from naive.mean_field import dmft as naive

from thermobatch.mean_field import losses

FIELDS = np.linspace(-6.0, 6.0, 241) + 0.0123


@pytest.mark.parametrize("name", losses.LOSSES)
def test_terms_equal_the_definitions(name):
    for target in (-2.0, -0.3, 0.4, 1.0):
        targets = np.full_like(FIELDS, target)
        for ours, theirs in zip(
            losses.get_loss(name).terms(FIELDS, targets), naive.LOSSES[name](FIELDS, targets), strict=True
        ):
            np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", losses.LOSSES)
def test_derivatives_are_those_of_the_value(name):
    loss, step = losses.get_loss(name), 1e-6
    targets = np.full_like(FIELDS, 0.7)
    _, slopes, curvatures = loss.terms(FIELDS, targets)
    above, below = loss.terms(FIELDS + step, targets), loss.terms(FIELDS - step, targets)
    np.testing.assert_allclose(slopes, (above[0] - below[0]) / (2 * step), atol=1e-7)
    np.testing.assert_allclose(curvatures, (above[1] - below[1]) / (2 * step), atol=1e-7)
    assert np.abs(curvatures).max() <= loss.largest_curvature


def test_two_dimensional_and_broadcast_arrays():
    fields = np.random.default_rng(0).standard_normal((2, 5))
    targets = np.broadcast_to(np.linspace(-1, 1, 5), (2, 5))
    for one, row in zip(losses.tanh().terms(fields, targets)[0], fields, strict=True):
        np.testing.assert_array_equal(one, losses.tanh().terms(row, targets[0].copy())[0])


def test_logistic_does_not_overflow():
    values, slopes, curvatures = losses.logistic().terms(np.array([-1e4, 0.0, 1e4]), np.ones(3))
    np.testing.assert_allclose(values, [1e4, np.log(2.0), 0.0])
    np.testing.assert_allclose(slopes, [-1.0, -0.5, 0.0])
    np.testing.assert_allclose(curvatures, [0.0, 0.25, 0.0])


def test_margin_moves_the_hinge():
    assert losses.get_loss("squared_hinge", 0.5).terms(np.array([0.4]), np.ones(1))[0] == pytest.approx(0.005)
    assert losses.get_loss("squared_hinge").terms(np.array([0.4]), np.ones(1))[0] == pytest.approx(0.18)


def test_own_losses_may_be_compiled():
    square = losses.custom_loss(
        "compiled",
        numba.njit(lambda h, y: 0.5 * (h - y) ** 2),
        numba.njit(lambda h, y: h - y),
        numba.vectorize(lambda h, y: 1.0 if h < 1e9 else 0.0),
        largest_curvature=1.0,
    )
    for ours, theirs in zip(
        square.terms(FIELDS, FIELDS[::-1]), losses.square().terms(FIELDS, FIELDS[::-1]), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)
    assert losses.get_loss(square) is square


@pytest.mark.parametrize(
    ("functions", "message"),
    [
        ((np.cosh, None, np.cosh), "slope = None: must be a function"),
        (
            (lambda h, y: h**2, lambda h, y: h, lambda h, y: 2 + 0 * h),
            "slope of loss 'mine': is .* finite difference",
        ),
        (
            (lambda h, y: h**2, lambda h, y: 2 * h, lambda h, y: 1 + 0 * h),
            "curvature of loss 'mine': is 1 at",
        ),
        (
            (lambda h, y: h**2 if h > 0 else 0 * h, lambda h, y: h, lambda h, y: h),
            "must take two float64 arrays",
        ),
        ((lambda h, y: np.sqrt(h), lambda h, y: h, lambda h, y: h), "value of loss 'mine': is nan at"),
        ((lambda h: h, lambda h: h, lambda h: h), "must take two float64 arrays"),
    ],
)
def test_bad_losses_are_named(functions, message):
    with np.errstate(invalid="ignore"), pytest.raises(ValueError, match=message):
        losses.custom_loss("mine", *functions)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("huber",), "loss = 'huber': must be one of"),
        (("square", 1.0), "only loss = 'squared_hinge' has a margin"),
        (("squared_hinge", np.inf), "margin = inf: must be a finite number"),
        ((losses.square(), 1.0), "goes with a loss given by name"),
    ],
)
def test_bad_names_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        losses.get_loss(*arguments)


SQUARE = (lambda h, y: 0.5 * (h - y) ** 2, lambda h, y: h - y, lambda h, y: 1.0)


def in_single_precision(function):
    return lambda h, y: function(h.astype(np.float32), y.astype(np.float32))


def changing(h, y):
    h -= y
    return 0.5 * h**2


def asserting(h, y):
    assert h is y
    return h


@pytest.mark.parametrize(
    ("place", "function", "message"),
    [
        (
            0,
            in_single_precision(SQUARE[0]),
            "value of loss 'mine': has the precision of float32, .* the slope: must",
        ),
        (
            1,
            in_single_precision(SQUARE[1]),
            "slope of loss 'mine': has the precision of float32, .* the curvature",
        ),
        (0, changing, "value of loss 'mine': changes its argument field in place: must leave it"),
        (0, asserting, "value of loss 'mine': .* it fails with AssertionError"),
        (0, lambda h, y: np.mean(SQUARE[0](h, y)), "value of loss 'mine': an entry depends on the others"),
        (
            0,
            lambda h, y: h + np.random.random(),  # noqa: NPY002
            "value of loss 'mine': gives other numbers when called again",
        ),
        (0, lambda h, y: SQUARE[0](h, y) + 0j, "value of loss 'mine': what it returns has complex numbers"),
        (1, lambda h, y: None, "slope of loss 'mine': what it returns = None"),
        (
            2,
            lambda h, y: h[:, None] - y,
            r"curvature of loss 'mine': returns shape \(200, 200\) for \(200,\)",
        ),
        (
            1,
            lambda h, y: 2.0 * (h - y),
            "slope of loss 'mine': is .*, but the finite difference of the value is",
        ),
        (
            1,
            lambda h, y: np.clip(h - y, -5.0, 5.0),
            r"slope of loss 'mine': is -?5 at .*, but the finite difference of the value is",
        ),
    ],
)
def test_the_function_that_is_wrong_is_named(place, function, message):
    functions = [*SQUARE]
    functions[place] = function
    with pytest.raises(ValueError, match=message) as caught:
        losses.custom_loss("mine", *functions)
    assert "\n" not in str(caught.value)


def test_own_losses_that_classify_are_known():
    def logistic(sign):
        return (
            lambda h, y: np.logaddexp(0.0, -h * sign(y)),
            lambda h, y: -sign(y) / (1.0 + np.exp(h * sign(y))),
            lambda h, y: sign(y) ** 2 / (2.0 + 2.0 * np.cosh(h * sign(y))),
        )

    assert losses.custom_loss("product", *logistic(lambda y: y)).labels is True
    assert losses.custom_loss("sign", *logistic(np.sign)).labels is True
    assert losses.custom_loss("weighted", *logistic(lambda y: y), labels=False).labels is False
    assert losses.custom_loss("square", *SQUARE).labels is False
    assert losses.custom_loss("label in the inputs", *logistic(np.ones_like)).labels is False


def test_losses_made_by_hand_are_checked_as_others():
    raw = losses.Loss("raw", losses.logistic().terms)
    assert raw.labels is True and losses.Loss("square", losses.square().terms).labels is False
    with pytest.raises(ValueError, match=r"targets\[0\] = 0: must be labels \+1 or -1 for loss = 'raw'"):
        raw.check_targets(np.array([0.0, 1.0]))
    with pytest.raises(ValueError, match="slope of loss 'mine': is .*, but the finite difference"):
        losses.Loss("mine", lambda h, y: (0.5 * (h - y) ** 2, 2.0 * (h - y), np.ones_like(h)))


def test_a_kink_of_an_own_loss_is_allowed():
    def lack(h, y):
        return np.maximum(1.0 - np.sign(y) * h, 0.0)

    losses.custom_loss("hinge", lack, lambda h, y: -np.sign(y) * (lack(h, y) > 0.0), lambda h, y: 0.0)
    steps = (np.floor, np.zeros_like, np.zeros_like)
    losses.custom_loss("steps", *(lambda h, y, f=f: f(h) for f in steps))
