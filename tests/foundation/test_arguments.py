"""Checks of arguments: accepted values come back as plain numbers, others give one line that says what is allowed."""

import math
from fractions import Fraction

import numpy as np
import pytest

from thermobatch.foundation.arguments import checked_choice, checked_integer, checked_real


def test_good_values_come_back_as_plain_numbers():
    assert checked_integer("n", np.int32(3), 0, 3) == 3 and type(checked_integer("n", np.int32(3))) is int
    assert checked_real("x", Fraction(1, 2), 0, 1) == 0.5 and type(checked_real("x", np.float32(1))) is float
    assert checked_real("x", 0, 0) == 0.0 and checked_real("x", 1, 0, 1) == 1.0
    assert checked_choice("order", "a", ("a", "b")) == "a"


@pytest.mark.parametrize(
    ("check", "message"),
    [
        (lambda: checked_integer("n", 1.0), "n = 1.0: must be an integer"),
        (lambda: checked_integer("n", False, 0), "n = False: must be an integer >= 0"),
        (lambda: checked_integer("n", 5, None, 4), "n = 5: must be an integer <= 4"),
        (lambda: checked_integer("n", -1, 0, 4), "n = -1: must be an integer in 0..4"),
        (lambda: checked_real("x", math.nan), "x = nan: must be a finite number"),
        (lambda: checked_real("x", 10**400), f"x = {10**400}: must be a finite number"),
        (lambda: checked_real("x", "1", 0), "x = '1': must be a finite number >= 0"),
        (lambda: checked_real("x", 0, 0, open_low=True), "x = 0: must be a finite number > 0"),
        (lambda: checked_real("x", 2, high=1), "x = 2: must be a finite number <= 1"),
        (lambda: checked_real("x", 1, high=1, open_high=True), "x = 1: must be a finite number < 1"),
        (lambda: checked_real("x", 0, 0, 1, open_low=True), "x = 0: must be in (0, 1]"),
        (lambda: checked_real("x", 1.0, 0, 1, open_high=True), "x = 1.0: must be in [0, 1)"),
        (lambda: checked_choice("order", "c", ("a", "b")), "order = 'c': must be one of a, b"),
        (lambda: checked_choice("order", ["a"], ("a", "b")), "order = ['a']: must be one of a, b"),
    ],
)
def test_bad_values_give_one_clear_line(check, message):
    with pytest.raises(ValueError) as caught:
        check()
    assert str(caught.value) == message
