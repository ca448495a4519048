"""R1, R2, R3, R7: claims on synthetic data whose answer is known, and what the experiments say of themselves."""

import numpy as np
import pytest
import xarray as xr
from pydantic import ValidationError

from thermobatch.claims import perceptron_annealing as annealing
from thermobatch.experiments.perceptron_annealing import PerceptronAnnealing

# --- R2 --------------------------------------------------------------------------------------------------------------

SIZES = [201, 401, 801, 1601, 2401]


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch):
    monkeypatch.setattr(annealing, "RESAMPLES", 100)


def annealed(laws: dict[int, object], cap: float = np.inf, count: int = 20) -> xr.Dataset:
    """Log-normal costs around laws[y](N), as many accepted moves as the square root of the cost, stopped at a cap."""
    random = np.random.default_rng(1)
    names, n, replicas, cost = [], [], [], []
    for y, law in laws.items():
        for size in SIZES:
            names.append(f"replicas={y},n={size}")
            n.append(size)
            replicas.append(y)
            cost.append(law(size) * np.exp(0.5 * random.standard_normal(count)))
    cost = np.array(cost)
    solved = cost <= cap
    return xr.Dataset(
        {
            "proposals": (("point", "seed"), np.minimum(cost, cap)),
            "accepted": (("point", "seed"), np.sqrt(np.minimum(cost, cap))),
            "solved": (("point", "seed"), solved),
        },
        coords={"point": names, "n": ("point", n), "replicas": ("point", replicas)},
    )


def steep(size):
    return 300.0 * np.exp(0.004 * size)


def flat(size):
    return 2000.0 * (size / 201) ** 2.1


def test_laws_of_annealing_are_told_apart():
    dataset = annealed({1: steep, 3: flat}, cap=1e6)
    assert 0 < (~dataset.solved).sum() < 60
    assert annealing.sa_faster_than_power(dataset, margin=0.0).verdict == "reproduced"
    assert annealing.sa_exponential(dataset, margin=2.0).verdict == "reproduced"
    assert annealing.rsa_polynomial(dataset, margin=2.0).verdict == "reproduced"
    exchanged = annealed({1: flat, 3: steep}, cap=1e6)
    assert annealing.sa_faster_than_power(exchanged, margin=0.0).verdict != "reproduced"
    assert annealing.sa_exponential(exchanged, margin=2.0).verdict == "not_reproduced"
    assert annealing.rsa_polynomial(exchanged, margin=2.0).verdict == "not_reproduced"


def test_exponents_are_compared_with_those_expected():
    dataset = annealed({1: steep, 3: flat})
    found = annealing.rsa_exponent(dataset, margin=0.3, expected=[2.1, 1.05])
    assert found.verdict == "reproduced" and abs(found.estimate) < 0.15
    wrong = annealing.rsa_exponent(dataset, margin=0.3, expected=[2.1, 1.7])
    assert wrong.verdict == "not_reproduced" and wrong.estimate == pytest.approx(1.05 - 1.7, abs=0.1)


def test_costs_are_compared_where_both_medians_are_known():
    dataset = annealed({1: steep, 3: flat}, cap=1e6)
    assert annealing.largest_measured_size(dataset) == 1601
    everything = annealed({1: steep, 3: flat})
    found = annealing.replicas_need_fewer_proposals(everything, margin=1.0)
    assert found.verdict == "reproduced" and "N = 2401" in found.method
    assert found.estimate == pytest.approx(flat(2401) / steep(2401), rel=0.4)
    moves = annealing.replicas_need_fewer_moves(everything, margin=1.0)
    assert moves.estimate == pytest.approx(np.sqrt(found.estimate), rel=0.1)
    exchanged = annealing.replicas_need_fewer_proposals(annealed({1: flat, 3: steep}), margin=1.0)
    assert exchanged.verdict == "not_reproduced"
    with pytest.raises(ValueError, match="no size at which both algorithms solved half"):
        annealing.replicas_need_fewer_proposals(annealed({1: steep, 3: flat}, cap=10), margin=1.0)


def test_wrong_points_of_annealing_are_refused():
    good = {"n": 201, "alpha": 0.3, "replicas": 3, "max_proposals": 1000}
    for wrong, words in (
        ({"n": 200}, "n = 200: must be odd"),
        ({"alpha": 0.001}, "gives no pattern"),
        ({"replicas": 0}, "greater than or equal to 1"),
        ({"coupling": [-1.0, 3.0]}, "coupling = "),
        ({"beta": [10.0]}, "at least 2"),
    ):
        with pytest.raises(ValidationError, match=words):
            PerceptronAnnealing(**good | wrong)
    assert PerceptronAnnealing(**good).ramp() == (5, 50)
    assert PerceptronAnnealing(**good | {"beta": [1.0, 2.0]}).ramp() == (1.0, 2.0)
