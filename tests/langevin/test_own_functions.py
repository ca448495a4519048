"""Functions of the user's own: mistakes are told in words, good ones travel to another process."""

import functools
import multiprocessing

import numba
import numpy as np
import pytest
from numba import types

import thermobatch as tb
from thermobatch.foundation.compilation import uncached
from thermobatch.langevin.own_functions import checked_energy_and_gradient
from thermobatch.mean_field import losses
from thermobatch.networks.dynamics.focusing_protocols import free

BOX = (np.array([-1.0]), np.array([1.0]))
HESSIAN = np.array([[2.0, 0.5], [0.5, 1.0]])


def energy(x):
    return x[0] ** 2


def gradient(x, out):
    out[0] = 2.0 * x[0]


@numba.njit
def second(x):
    return x[1]


def reads_beyond(x):
    return x[0] ** 2 + 0.0 * second(x)


def enclosing():
    other = second

    def reads_beyond_too(x):
        return x[0] ** 2 + 0.0 * other(x)

    return reads_beyond_too


def writes_beyond(x, out):
    out[0] = 2.0 * x[0]
    out[1] = 0.0


@numba.njit
def second_flat(x, out):
    out[0] = 2.0 * x[0]
    out[1] = 0.0


def writes_x(x):
    x[0] = 0.5 * x[0]
    return 4.0 * x[0] ** 2


def halves_x(x):
    x *= 0.5
    return 4.0 * x[0] ** 2


def swapped(out, x):
    out[0] = 2.0 * x[0]
    x[0] = 0.0


def misspelt(x):
    y = x[0]
    return y * stiffness  # noqa: F821


def adds(x, out):
    out[0] += 2.0 * x[0]


def fails(x):
    return 1.0 / (x[0] - x[0])


class Well:
    def energy(self, x):
        return x[0] ** 2


@pytest.mark.parametrize(
    ("functions", "message"),
    [
        (
            (reads_beyond, gradient),
            "energy: an index is out of bounds at x = .* d = 1; must be energy.x. -> float",
        ),
        ((enclosing(), gradient), "energy: an index is out of bounds"),
        ((energy, writes_beyond), "gradient: an index is out of bounds .* must be gradient.x, out."),
        (
            (writes_x, gradient),
            r"energy: writes into x, line \d+ of test_own_functions.py: .* which it only reads",
        ),
        ((halves_x, gradient), "energy: changes x at x = .* which it only reads"),
        ((energy, swapped), "gradient: writes into x"),
        ((energy, lambda x: 2.0 * x), r"gradient: takes \(x\): must be gradient\(x, out\)"),
        ((energy, lambda x, out: 2.0 * x), "gradient: .* it returns an array of 1 dimension"),
        ((energy, lambda x, out: None), r"gradient: leaves out\[0\] as it was"),
        ((energy, adds), r"gradient: leaves out\[0\] as it was, or makes it nan"),
        ((energy, lambda x, out: gradient(x, out)), "gradient: .* Untyped global name 'gradient'"),
        (
            (misspelt, gradient),
            r"energy: .* name 'stiffness' is not defined, line \d+ of test_own_functions.py; must",
        ),
        ((lambda x: x, gradient), "energy: .* it returns an array of 1 dimension"),
        ((lambda x: None, gradient), "energy: .* it returns nothing"),
        ((lambda x: 1j * x[0], gradient), "energy: .* it returns complex128"),
        ((lambda x: x[0].real_part, gradient), "energy: .* Unknown attribute 'real_part' of type float64"),
        ((lambda x: np.random.random() * x[0], gradient), "energy: gives other numbers for the same x"),  # noqa: NPY002
        ((lambda x: np.log(x[0] - 5.0), gradient), "energy: is nan at x = .*: must be finite"),
        ((fails, gradient), "energy: fails at x = .* with ZeroDivisionError"),
        ((Well().energy, gradient), "energy is a method: numba compiles plain functions only"),
        (
            (functools.partial(second), gradient),
            "energy is a functools.partial: numba compiles plain functions only",
        ),
    ],
)
def test_mistakes_are_told_in_words(functions, message):
    with pytest.raises(ValueError, match=message) as caught:
        checked_energy_and_gradient(*functions, BOX)
    assert "\n" not in str(caught.value)


def test_a_start_box_without_width_is_widened_for_the_trial():
    at_zero = np.zeros(1), np.zeros(1)
    with pytest.raises(ValueError, match="gradient: is .*, where finite differences of the energy give"):
        checked_energy_and_gradient(energy, lambda x, out: out.fill(0.0), at_zero)
    plane = np.array([-1.0, 0.0]), np.array([1.0, 0.0])
    with pytest.raises(ValueError, match="gradient: is .*, where finite differences of the energy give"):
        checked_energy_and_gradient(lambda x: x[0] * x[0] + x[1] * x[1], second_flat, plane)
    checked_energy_and_gradient(
        lambda x: x[0] - np.log(x[0]), lambda x, out: out.fill(1.0 - 1.0 / x[0]), (0.05 + at_zero[0],) * 2
    )


def test_what_is_undefined_where_runs_go_is_refused():
    table = np.linspace(-2.0, 2.0, 41) ** 2

    def tabulated(x):
        return table[int(np.floor(10.0 * x[0] + 20.5))] + 0.0 * x[0]

    def lookup(x, out):
        out[0] = 0.0 * table[int(np.floor(10.0 * x[0] + 20.5))]

    steps = tb.landscape(tabulated, lookup, BOX)
    assert steps.energy([[1.0], [-2.0]]).tolist() == [table[30], 4.0]
    with pytest.raises(
        ValueError, match=r"energy: an index is out of bounds at x = \[2.5\]: must be defined wherever"
    ):
        steps.energy([[1.0], [2.5]])
    with pytest.raises(ValueError, match=r"gradient: an index is out of bounds at x = \[2.5\]"):
        steps.gradient([2.5])
    with pytest.raises(ValueError, match="energy: an index is out of bounds at x = "):
        tb.langevin(steps, 1.0, 3, 1, learning_rate=0.5, start=[2.5])
    with pytest.raises(ValueError, match="energy: an index is out of bounds at x = "):
        tb.langevin(steps, 20.0, 2, 1, learning_rate=1.0, runs=5)
    assert steps.with_samples(5).checked == steps.checked


def test_the_line_is_that_of_the_mistake():
    with pytest.raises(ValueError) as caught:
        checked_energy_and_gradient(misspelt, gradient, BOX)
    assert f"line {misspelt.__code__.co_firstlineno + 2} of" in str(caught.value)


def test_copies_with_bounds_checks_leave_the_originals_alone():
    checked = uncached(numba.njit(enclosing()), boundscheck=True)
    with pytest.raises(IndexError):
        checked(np.zeros(1))
    assert not second.targetoptions.get("boundscheck")


def test_functions_with_signatures_of_their_own_are_taken():
    with_signature = numba.njit(types.float64(types.float64[:]))(energy)
    checked_energy_and_gradient(with_signature, gradient, BOX)


def made():
    def quadratic(x):
        return 0.5 * x @ (HESSIAN @ x)

    def slope(x, out):
        for i in range(2):
            out[i] = HESSIAN[i, 0] * x[0] + HESSIAN[i, 1] * x[1]

    landscape = tb.landscape(quadratic, slope, ([-1.0, -1.0], [1.0, 1.0]))
    own = tb.custom_loss(
        "own", lambda h, y: (h - y) ** 2, numba.njit(lambda h, y: 2.0 * (h - y)), lambda h, y: 2.0, 2.0
    )
    return landscape, own


def visited(landscape, own):
    """Use both in another process."""
    fields, targets = np.array([0.5, -1.0]), np.ones(2)
    return landscape.energy([1.0, 2.0]), landscape.gradient([1.0, 2.0]), own.terms(fields, targets)


@pytest.fixture(scope="module")
def process():
    """Another process, which starts anew: it knows only what is sent."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        yield pool


def test_own_functions_travel(process):
    things = made()
    there = process.apply(visited, things)
    for ours, theirs in zip(visited(*things), there, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def same(thing):
    """What a process was sent, sent back."""
    return thing


@pytest.mark.parametrize("name", losses.LOSSES)
def test_losses_travel(process, name):
    loss = losses.get_loss(name)
    assert process.apply(same, (loss,)) == loss


def test_arrays_that_were_read_only_stay_so(process):
    for thing, arrays in (
        (tb.perceptron(3, 1.0, labels="teacher"), ("inputs", "labels", "teacher")),
        (tb.committee(3, 3, 1.0), ("inputs", "labels")),
        (free([0.1, 0.2], 2.0), ("gamma", "replicas")),
    ):
        back = process.apply(same, (thing,))
        assert type(back) is type(thing)
        for array in arrays:
            np.testing.assert_array_equal(getattr(back, array), getattr(thing, array))
            assert not getattr(back, array).flags.writeable
