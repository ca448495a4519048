"""Kernels with one mistake each: the tests of laws must see it.

Mutants run as plain Python, uncompiled, on few steps; the unchanged source passes through the same machinery.
"""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
from langevin_laws import differs, shares

from thermobatch.langevin.dynamics import kernels as langevin_kernels
from thermobatch.langevin.dynamics import langevin as module
from thermobatch.langevin.dynamics.langevin import langevin, stochastic_gradient_descent
from thermobatch.langevin.landscapes import gaussian_regression, quadratic
from thermobatch.langevin.theory.boltzmann import discrete_langevin_law
from thermobatch.langevin.theory.sgd_stationary import additive_covariance, sgd_covariance

PARABOLA = quadratic([[2.0]]).with_samples(60, variance=2.0, seed=1)
REGRESSION = gaussian_regression(samples=60, scales=(1.0, 1.5), seed=1)
EDGES = np.linspace(-3.0, 3.0, 13)
OPTIONS = {"steps": 1500, "seed": 1, "runs": 24, "burn_in": 20, "moments": True, "record": [0]}
PLAIN = {
    "from thermobatch.foundation.compilation import kernel\n": "def kernel(function):\n    return function\n",
    "s0, s1, s2, s3 = advance(": "s0, s1, s2, s3 = advance.py_func(",  # a compiled one returns Python integers
}


@pytest.fixture
def mutate(monkeypatch, tmp_path):
    """Replace text of the kernels' source and let the public functions run the result."""

    def change(old, new):
        source = Path(langevin_kernels.__file__).read_text()
        for text, replacement in {old: new, **PLAIN}.items():
            assert text in source
            source = source.replace(text, replacement)
        path = tmp_path / "mutated_langevin_kernels.py"
        path.write_text(source)
        spec = importlib.util.spec_from_file_location(path.stem, path)
        mutated = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, path.stem, mutated)
        spec.loader.exec_module(mutated)
        monkeypatch.setattr(module, "kernels", mutated)

    with np.errstate(over="ignore"):  # words of the random stream wrap
        yield change


def thermal_law_fails():
    """The variance or the histogram of Langevin dynamics in a parabola differs from its exact discrete law."""
    heat, rate = 0.5, 0.3
    found = langevin(PARABOLA, heat, learning_rate=rate, edges=EDGES, **OPTIONS)
    law = discrete_langevin_law(PARABOLA.gradient, heat, rate, EDGES)
    variance = additive_covariance([[2.0]], [[2 * heat / rate]], rate)
    return differs(*shares(found, law)) or differs(found.second_moment.values, variance)


def additive_law_fails():
    """The variance of SGD with additive noise in a parabola differs from the exact one."""
    found = stochastic_gradient_descent(PARABOLA, 6, learning_rate=0.3, **OPTIONS)
    return differs(found.second_moment.values, additive_covariance([[2.0]], [[2.0 / 6]], 0.3))


def regression_law_fails(sampling="with_replacement"):
    """The covariance of SGD on a regression differs from the exact one."""
    found = stochastic_gradient_descent(REGRESSION, 6, sampling=sampling, learning_rate=0.2, **OPTIONS)
    theory = sgd_covariance(*REGRESSION.samples, 0.2, 6, replacement=sampling == "with_replacement")
    kept = np.tril_indices(2)
    return differs(found.second_moment.values[:, *kept], theory.exact.values[kept])


def subset_law_fails():
    """The same for mini-batches without replacement."""
    return regression_law_fails("without_replacement")


LAWS = [thermal_law_fails, additive_law_fails, regression_law_fails, subset_law_fails]


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_correct_kernels_pass(law):
    assert not law()


@pytest.mark.parametrize("law", LAWS[:2], ids=lambda law: law.__name__)
def test_unchanged_source_passes_as_plain_python(mutate, law):
    mutate("offsets", "offsets")
    assert not law()


MISTAKES = [
    ("kicks[n, i] *= amplitudes[n]", "kicks[n, i] *= 1.06 * amplitudes[n]", thermal_law_fails),
    ("if 0.0 < square < 1.0:", "if 0.0 < square < 0.9:", thermal_law_fails),
    ("out[n + 1] = y * scale", "out[n + 1] = x * scale", thermal_law_fails),
    ("rates[n] * slope[i] +", "1.1 * rates[n] * slope[i] +", thermal_law_fails),
    ("- histogram.lower[i])", "- histogram.lower[i] + 0.1)", thermal_law_fails),
    ("histogram.counts[run, cell] += 1", "histogram.counts[run, cell] += 1 + (cell == 5)", thermal_law_fails),
    ("scale = -clock.rates[n] / size\n", "scale = -clock.rates[n] / (size - 0.5)\n", additive_law_fails),
    ("next_below(walker.stream, count)", "next_below(walker.stream, count // 2)", additive_law_fails),
    ("chosen[k] = next_below(", "chosen[k] = chosen[0] if k == 1 else next_below(", regression_law_fails),
    ("residual = -motion.labels", "residual = -0.9 * motion.labels", regression_law_fails),
    ("scale = clock.rates[n] / size\n", "scale = clock.rates[n] / (size + 1)\n", regression_law_fails),
    ("(path[n, j] - center[j])", "(path[n - 1, j] - center[j])", regression_law_fails),
    ("if sampling == WITH_REPLACEMENT", "if sampling <= WITHOUT_REPLACEMENT", subset_law_fails),
    ("other = begin + k + next_below(", "other = begin + next_below(", subset_law_fails),
]


@pytest.mark.parametrize(("old", "new", "law"), MISTAKES, ids=[new.strip() for _, new, _ in MISTAKES])
def test_mistakes_are_seen(mutate, old, new, law):
    mutate(old, new)
    assert law()
