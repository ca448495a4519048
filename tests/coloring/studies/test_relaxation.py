"""E1 and E2: the claims on synthetic energies and temperatures with known answers."""

import numpy as np
import pytest
from coloring_worlds import TIMES, relaxation, temperatures

from thermobatch.coloring.studies.relaxation.claims import clock, slowed, time_of
from thermobatch.study.claim import claims

OPTIONS = {
    "E1.same_relaxation": {"margin": 0.04},
    "E1.same_energy": {"margin": 0.011, "from_time": 50},
    "E1.same_clock": {"margin": [0.8, 1.25], "until": 60},
    "E1.same_clock_at_every_time": {"margin": [0.8, 1.25], "until": 60, "falling": 0.05},
    "E1.same_relaxation_by_its_clock": {"margin": 0.04, "until": 60},
}


def decide(name, dataset):
    return claims()[name].decide(dataset, **OPTIONS[name])


@pytest.mark.parametrize("name", OPTIONS)
def test_the_same_relaxation_is_found_the_same(name):
    found = decide(name, relaxation())
    assert found.verdict == "reproduced" and found.interval[0] <= found.estimate <= found.interval[1]


@pytest.mark.parametrize(
    ("name", "world"),
    [
        ("E1.same_relaxation", {"excess": 0.06}),
        ("E1.same_relaxation", {"excess": 0.1, "at": 20}),
        ("E1.same_energy", {"late": -0.02}),
        ("E1.same_clock", {"z": 1.6}),
        ("E1.same_clock_at_every_time", {"z": 1.6}),
        ("E1.same_clock_at_every_time", {"excess": 0.3, "at": 8}),
        ("E1.same_relaxation_by_its_clock", {"plateau": 0.12}),
    ],
)
def test_a_false_equivalence_is_rejected(name, world):
    assert decide(name, relaxation(**world)).verdict == "not_reproduced"


def test_a_temperature_fitted_to_the_late_energy_shows_nothing_of_it():
    """There the energies agree by construction; a difference at such a B may not count either."""
    matched = relaxation(late=-0.02).assign_coords(temperature=("point", ["drift", "matched"]))
    found = decide("E1.same_energy", matched)
    assert found.verdict == "not_reproduced" and "over 1 point" in found.method
    with pytest.raises(ValueError, match="no B whose T\\(B\\) is the closed form"):
        decide("E1.same_energy", matched.isel(point=[1]))


def test_one_time_out_of_many_is_named_with_its_own_interval():
    found = decide("E1.same_relaxation", relaxation(excess=0.1, at=20))
    assert f"t = {TIMES[20]}" in found.method and "simultaneous bounds over" in found.method
    assert 0.05 < found.interval[0] < found.estimate < found.interval[1] < 0.12


@pytest.mark.parametrize("z", [0.7, 1.06, 1.5])
def test_the_clock_is_the_one_put_in(z):
    thermal = 0.6 + 1.3 * (1 + TIMES) ** -0.8
    times = TIMES.astype(float)
    assert clock(times, 0.6 + 1.3 * (1 + TIMES / z) ** -0.8, thermal) == pytest.approx(z, rel=0.05)
    np.testing.assert_allclose(slowed(times, thermal, 1.0), thermal)


def test_a_slower_clock_explains_what_the_same_clock_does_not():
    slow = relaxation(z=1.3)
    assert decide("E1.same_relaxation", slow).verdict == "not_reproduced"
    assert decide("E1.same_relaxation_by_its_clock", slow).verdict == "reproduced"


def test_temperatures_are_those_of_the_closed_form_or_not():
    drift = claims()["E2.drift_temperature"].decide
    options = {"margin": 0.01, "lowest": 0.2, "highest": 0.875}
    assert drift(temperatures(), **options).verdict == "reproduced"
    assert drift(temperatures(1.02), **options).verdict == "not_reproduced"


def test_one_fitted_clock_does_not_hide_another_one_at_a_single_time():
    """One time out of many hardly moves the fit, and its ratio is named."""
    world = relaxation(excess=0.3, at=8)
    assert decide("E1.same_clock", world).verdict == "reproduced"
    found = decide("E1.same_clock_at_every_time", world)
    assert f"t = {TIMES[8]:g} " in found.method and found.interval[0] > 1.25
    times = np.array([0.0, 1.0, 3.0, 7.0])
    assert time_of(times, np.array([8.0, 4.0, 2.0, 1.0]), 2.0) == pytest.approx(3.0)
    assert time_of(times, np.array([8.0, 4.0, 4.5, 1.0]), 4.2) == pytest.approx(np.expm1(np.log(2) * 3.8 / 4))
    with pytest.raises(ValueError, match="must be 1/x and x"):
        claims()["E1.same_clock_at_every_time"].decide(world, margin=[0.8, 1.3], until=60, falling=0.05)
