import numpy as np
import pytest
from naive.langevin import landscapes as naive

from thermobatch.statistics.total_variation import total_variation

CELLS = 20
LAW = np.arange(1, CELLS + 1) / np.arange(1, CELLS + 1).sum()
SIGNS = np.where(np.arange(CELLS) % 2, 1, -1)


def runs_of(random, law, runs, length, slow=0.05):
    """Histograms of runs that share a law but wander between its two halves more than independent draws would."""
    wander = slow * random.standard_normal((runs, 1)) * np.where(np.arange(CELLS) < CELLS // 2, 1, -1)
    shares = law * np.exp(wander)
    return np.array([random.multinomial(length, share / share.sum()) for share in shares])


@pytest.mark.parametrize("distance", [0.0, 0.03, 0.2])
@pytest.mark.parametrize(("runs", "length"), [(4, 3000), (8, 3000), (24, 400)])
def test_the_interval_holds_a_known_distance(distance, runs, length):
    """At 95% it may miss 5%; over 200 trials more than 24 misses have probability < 1e-4 (binomial)."""
    law = LAW * (1 + 2 * distance * SIGNS)
    law /= law.sum()
    exact = naive.total_variation(law, LAW)
    random = np.random.default_rng(1)
    found = [total_variation(runs_of(random, law, runs, length), LAW) for _ in range(200)]
    assert sum(not one.lower <= exact <= one.upper for one in found) <= 24
    mean = {name: np.mean([one[name] for one in found]) for name in found[0]}
    assert mean["cross_fitted"] < exact + 0.003
    assert mean["plug_in"] > exact - 0.003
    if distance == 0.0:
        assert mean["plug_in"] == pytest.approx(mean["floor"], rel=0.1)
        assert abs(mean["cross_fitted"]) < 0.002
    if distance == 0.2:
        assert mean["cross_fitted"] == pytest.approx(exact, rel=0.02)
        assert all(one.lower > 0 for one in found)


def test_plug_in_is_the_definition_and_counts_the_outside():
    counts = np.random.default_rng(0).integers(1, 50, (6, 4, 5))
    outside = np.arange(6) + 1
    shares = np.column_stack([counts.reshape(6, -1), outside]).astype(float)
    shares /= shares.sum(axis=1, keepdims=True)
    law = LAW.reshape(4, 5)
    found = total_variation(counts, law, outside=outside)
    expected = naive.total_variation(shares.mean(axis=0), [*LAW, 0.0])
    assert found.plug_in == pytest.approx(expected, rel=1e-12)
    assert found.plug_in > total_variation(counts, law).plug_in
    assert found.attrs == {"runs": 6, "confidence": 0.95}
    assert all({"long_name", "units"} <= set(found[name].attrs) for name in found)


COUNTS = np.ones((4, CELLS), int)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: total_variation(COUNTS[:3], LAW), "has 3 runs, must have at least 4"),
        (lambda: total_variation(COUNTS, LAW[1:]), "probabilities: have sum"),
        (lambda: total_variation(COUNTS[:, 1:], LAW), r"counts has shape \(4, 19\): must be \(runs, 20\)"),
        (lambda: total_variation(0 * COUNTS, LAW), "positive sum in every run"),
        (lambda: total_variation(-COUNTS, LAW), "counts: must be >= 0"),
        (lambda: total_variation(COUNTS, LAW, outside=[1, 2]), r"outside has shape \(2,\)"),
        (lambda: total_variation(COUNTS, LAW, confidence=1.0), r"confidence = 1.0: must be in \(0, 1\)"),
        (lambda: total_variation(COUNTS * np.nan, LAW), "counts: 80 entries are not finite"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
