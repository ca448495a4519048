import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thermobatch.foundation.schedules import (
    Constant,
    GrowingBatch,
    Linear,
    Logarithmic,
    Schedule,
    Tabulated,
    as_mapping,
    schedule,
)

STEPS = [0, 1, 2, 7, 100, 12345, 10**9]
CASES = [
    (Constant(0.3), lambda n: 0.3),
    (Linear(2.0, 0.5, 101), lambda n: 2.0 - 1.5 * n / 100 if n < 100 else 0.5),
    (Linear(0.9, 1.0, 2), lambda n: 0.9 if n == 0 else 1.0),
    (Logarithmic(1.0), lambda n: 1 / math.log(n + math.e)),
    (Logarithmic(0.5, 2), lambda n: 0.5 / math.log(n + 2)),
    (GrowingBatch(0.8), lambda n: math.ceil(0.8 * math.log(n + math.e))),
    (GrowingBatch(10, 5.0, 40), lambda n: min(40, math.ceil(10 * math.log(n + 5)))),
    (Tabulated((3, 2, 1.5)), lambda n: [3, 2, 1.5][min(n, 2)]),
]


@pytest.mark.parametrize(("given_schedule", "value"), CASES)
def test_values_are_those_of_the_formulas(given_schedule, value):
    assert given_schedule.at(STEPS) == pytest.approx([value(n) for n in STEPS], rel=1e-13)
    assert float(given_schedule.at(7)) == pytest.approx(value(7), rel=1e-13)
    assert given_schedule.at(np.arange(6).reshape(2, 3)).shape == (2, 3)
    assert given_schedule.at(np.arange(0)).shape == (0,)
    assert isinstance(given_schedule, Schedule)


def test_batches_are_integers_and_hold_a_sample_from_the_start():
    sizes = GrowingBatch(0.01, 1.0001).at(np.arange(1000))
    assert sizes.dtype == np.int64
    assert sizes.min() == 1


@settings(derandomize=True, deadline=None)
@given(
    made=st.one_of(
        st.builds(Constant, st.floats(-10, 10)),
        st.builds(Linear, st.floats(0, 5), st.floats(0, 5), st.integers(2, 1000)),
        st.builds(Logarithmic, st.floats(0.01, 10), st.floats(1.001, 10)),
        st.builds(GrowingBatch, st.floats(0.01, 10), st.floats(1.001, 10), st.none() | st.integers(1, 100)),
        st.builds(Tabulated, st.lists(st.floats(0, 5), min_size=1, max_size=5).map(tuple)),
    )
)
def test_plain_data_round_trip(made):
    assert schedule(as_mapping(made)) == made
    assert schedule(made) is made


def test_numbers_and_arrays_are_schedules():
    assert schedule(2) == Constant(2.0)
    assert schedule(np.float64(0.5)) == Constant(0.5)
    assert schedule([1.0, 0.5]) == schedule(np.array([1.0, 0.5])) == Tabulated((1.0, 0.5))

    class Square:
        def at(self, steps):
            return np.asarray(steps) ** 2

    square = Square()
    assert schedule(square) is square
    with pytest.raises(ValueError, match="only the schedules of this module"):
        as_mapping(square)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Constant(np.nan), "value = nan: must be a finite number"),
        (lambda: Linear(1.0, 0.0, 1), "steps = 1: must be an integer >= 2"),
        (lambda: Linear("1", 0.0, 5), "start = '1'"),
        (lambda: Logarithmic(0.0), "scale = 0.0: must be a finite number > 0"),
        (lambda: Logarithmic(1.0, 1.0), "offset = 1.0: must be a finite number > 1"),
        (lambda: GrowingBatch(1.0, maximum=0), "maximum = 0: must be an integer >= 1"),
        (lambda: GrowingBatch(-1.0), "scale = -1.0"),
        (lambda: Tabulated(()), "values: must not be empty"),
        (lambda: Tabulated((1.0, np.inf)), "values: 1 entries are not finite"),
        (lambda: Constant(1.0).at([-1]), "must be integers >= 0"),
        (lambda: Constant(1.0).at([0.5]), "must be integers >= 0"),
        (lambda: schedule("fast", "temperature"), "temperature = 'fast'"),
        (lambda: schedule({"kind": "logaritmic"}, "temperature"), "did you mean logarithmic?"),
        (lambda: schedule({"scale": 1.0}), "schedule.kind = None: must be one of constant"),
        (lambda: schedule({"kind": "linear", "start": 1}), "schedule.stop: missing"),
        (lambda: schedule({"kind": "constant", "value": 1, "step": 2}), "schedule.step: not a field"),
        (lambda: schedule({"kind": "logarithmic", "scale": 0}, "heat"), "heat.scale = 0: must be"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
