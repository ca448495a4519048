"""Every array of a public function: what NumPy would silently change is refused in a line that names the argument."""

import inspect

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sparse
import xarray as xr

import thermobatch as tb
from thermobatch.foundation.arguments import checked_axes, real_numbers
from thermobatch.langevin.landscapes import Landscape
from thermobatch.networks.dynamics.focusing_protocols import free

INPUTS = np.random.default_rng(0).standard_normal((6, 3))
SIGNS = np.where(INPUTS > 0, 1, -1)
RING = [(0, 1), (1, 2), (2, 3), (3, 0)]
WELL = tb.double_well()


def boxed(start, basin=None):
    """Boxes are looked at before the functions, so none need be compiled here."""
    try:
        tb.landscape(None, None, start, basin)
    except ValueError as error:
        if not str(error).startswith("energy = None"):
            raise


def graph():
    return tb.ColoringGraph.from_edges(RING, 4, 3)


def noisy():
    return tb.rugged(dimension=1).with_samples(4)


# a good value of each array argument of each public function, and a call with any other
CALLS = {
    "ColoringGraph.from_edges.edges": (np.array(RING), lambda a: tb.ColoringGraph.from_edges(a, 4, 3)),
    "ColoringGraph.from_edges.planted": (np.arange(4) % 3, lambda a: tb.ColoringGraph.from_edges(RING, 4, 3, a)),
    "ColoringGraph.offsets": (graph().offsets, lambda a: tb.ColoringGraph(a, graph().neighbors, 3)),
    "ColoringGraph.neighbors": (graph().neighbors, lambda a: tb.ColoringGraph(graph().offsets, a, 3)),
    "metropolis.initial": (np.zeros(4, int), lambda a: tb.metropolis(graph(), 1.0, 2, 0, initial=a)),
    "metropolis.record": (np.arange(3), lambda a: tb.metropolis(graph(), 1.0, 2, 0, record=a)),
    "metropolis.waiting_times": (np.arange(3), lambda a: tb.metropolis(graph(), 1.0, 2, 0, waiting_times=a)),
    "sgd_like.initial": (np.zeros(4, int), lambda a: tb.sgd_like(graph(), 0.5, sweeps=2, seed=0, initial=a)),
    "sgd_like.record": (np.arange(3), lambda a: tb.sgd_like(graph(), 0.5, sweeps=2, seed=0, record=a)),
    "anneal_coloring.initial": (
        np.zeros((2, 4), int),
        lambda a: tb.anneal_coloring(graph(), 2, 0, replicas=2, stop_overlap=None, initial=a),
    ),
    "anneal_coloring.batch_fraction": (
        np.array([0.5, 0.8, 1.0]),
        lambda a: tb.anneal_coloring(graph(), 3, 0, stop_overlap=None, batch_fraction=a),
    ),
    "effective_temperature.batch_fraction": (
        np.array([0.5, 1.0]),
        lambda a: tb.effective_temperature(a, mean_degree=3.0, method="limit"),
    ),
    "Spectrum.eigenvalues": (np.array([1.0, 2.0]), lambda a: tb.Spectrum(a, (0.5, 0.5))),
    "Spectrum.fractions": (np.array([0.5, 0.5]), lambda a: tb.Spectrum((1.0, 2.0), a)),
    "own_samples.inputs": (INPUTS, lambda a: tb.own_samples(a, np.ones(6))),
    "own_samples.targets": (np.ones(6), lambda a: tb.own_samples(INPUTS, a)),
    "own_samples.teacher": (np.ones(3), lambda a: tb.own_samples(INPUTS, np.ones(6), a)),
    "langevin.temperature": (np.full(2, 0.1), lambda a: tb.langevin(WELL, a, 2, 0)),
    "langevin.learning_rate": (np.full(2, 0.1), lambda a: tb.langevin(WELL, 0.1, 2, 0, learning_rate=a)),
    "langevin.start": (np.zeros(1), lambda a: tb.langevin(WELL, 0.1, 2, 0, start=a)),
    "langevin.record": (np.arange(3), lambda a: tb.langevin(WELL, 0.1, 2, 0, record=a)),
    "langevin.edges": (np.linspace(-3, 3, 4), lambda a: tb.langevin(WELL, 0.1, 2, 0, edges=a)),
    "gradient_descent.start": (np.zeros(1), lambda a: tb.gradient_descent(WELL, 2, 0, start=a)),
    "stochastic_gradient_descent.batch": (
        np.ones(2, int),
        lambda a: tb.stochastic_gradient_descent(noisy(), a, 2, 0),
    ),
    "quadratic.hessian": (np.eye(2), tb.quadratic),
    "quadratic.minimum": (np.zeros(2), lambda a: tb.quadratic(np.eye(2), a)),
    "regression.inputs": (INPUTS, lambda a: tb.regression(a, np.ones(6))),
    "regression.labels": (np.ones(6), lambda a: tb.regression(INPUTS, a)),
    "landscape.start": (np.array([[-1.0], [1.0]]), boxed),
    "landscape.basin": (np.array([[-1.0], [1.0]]), lambda a: boxed(([-1], [1]), a)),
    "Landscape.positions": (np.zeros((2, 1)), lambda a: (WELL.energy(a), WELL.gradient(a))),
    "Landscape.position": (np.zeros(1), lambda a: noisy().sample_gradients(a)),
    "Landscape.with_samples.samples": (np.array([[1.0], [-1.0]]), WELL.with_samples),
    "focusing_bp.gamma": (np.array([0.1, 0.2]), lambda a: free(a, 2.0)),
    "focusing_bp.replicas": (np.array([2.0, 3.0]), lambda a: free([0.1, 0.2], a)),
    "local_entropy.weights": (SIGNS[0], lambda a: tb.local_entropy(tb.perceptron(3, 1.0), a, gamma=[0.1])),
    "local_entropy.gamma": (np.array([0.1, 0.2]), lambda a: tb.local_entropy(tb.perceptron(3, 1.0), SIGNS[0], gamma=a)),
    "sgd_covariance.inputs": (INPUTS, lambda a: tb.sgd_covariance(a, np.arange(6.0), 0.01, 2)),
    "sgd_covariance.labels": (np.arange(6.0), lambda a: tb.sgd_covariance(INPUTS, a, 0.01, 2)),
    "boltzmann_law.edges": (np.linspace(-3, 3, 9), lambda a: tb.boltzmann_law(WELL.energy, 0.1, a)),
    "perceptron.inputs": (SIGNS, lambda a: tb.perceptron(inputs=a)),
    "perceptron.labels": (SIGNS[:, 0], lambda a: tb.perceptron(inputs=SIGNS, labels=a)),
    "committee.inputs": (SIGNS, lambda a: tb.committee(hidden=3, inputs=a)),
    "committee.labels": (SIGNS[:, 0], lambda a: tb.committee(hidden=3, inputs=SIGNS, labels=a)),
}  # fmt: skip
# those that take numbers, names, functions, Datasets, or objects of the package
WITHOUT_ARRAYS = {
    "planted_coloring", "random_coloring", "optimal_batch_fraction", "dmft", "glm_sgd", "Loss", "custom_loss",
    "two_level_spectrum", "power_law_spectrum", "teacher_student", "gaussian_mixture", "fdt_curve",
    "integral_temperature", "replica_temperature", "gap_statistics", "square_loss_dynamics", "square_loss_stationary",
    "largest_stable_step", "marchenko_pastur", "double_well", "rugged", "simulated_annealing", "replicated_sgd",
    "check_parameters",
    "experiment",
}  # fmt: skip


def masked(good):
    return np.ma.array(good, mask=np.arange(good.size).reshape(good.shape) == 1 % good.size)


BAD = {
    "masked": (masked, "has masked entries"),
    "list of masked": (lambda good: [masked(np.atleast_1d(row)) for row in good], "has masked entries"),
    "complex": (lambda good: good + 0.5j, "has complex numbers"),
    "text": (lambda good: good.astype(str), "has text"),
    "objects": (lambda good: good.astype(object), "has entries that are not plain numbers"),
    "truth": (lambda good: good > 0, "has True and False"),
    "sparse": (lambda good: sparse.csr_array(np.atleast_2d(good)), "is a sparse csr_array"),
}


def test_every_public_function_is_here():
    covered = {call.split(".")[0] for call in CALLS} | WITHOUT_ARRAYS
    assert covered == set(tb.__all__) - {"__version__"} | {"Landscape"}
    assert not WITHOUT_ARRAYS & {call.split(".")[0] for call in CALLS}


@pytest.mark.parametrize("argument", CALLS)
def test_what_numpy_would_change_is_refused_by_name(argument):
    good, call = CALLS[argument]
    name = argument.split(".")[-1]
    call(good)
    for kind, (spoil, message) in BAD.items():
        with pytest.raises(ValueError) as caught:
            call(spoil(good))
        text = str(caught.value)
        assert text.startswith(f"{name} {message}") and ": must be " in text and "\n" not in text, (
            kind,
            text,
        )
        assert ("two classes" in text) == (kind == "truth" and name in ("labels", "targets"))


BY_NODE = {"ColoringGraph.from_edges.planted", "metropolis.initial", "sgd_like.initial"}
"""Colours, of which a Series has one for each node by its index."""


@pytest.mark.parametrize("argument", CALLS)
def test_lists_and_labelled_arrays_are_taken_by_value(argument):
    good, call = CALLS[argument]
    call(good.tolist())
    call(xr.DataArray(good).astype(good.dtype))
    call(np.ma.array(good, mask=False))
    table = {1: pd.Series, 2: pd.DataFrame}[good.ndim](good)
    if argument in BY_NODE:
        with pytest.raises(ValueError, match="has no entry for node 0"):
            call(table.set_axis(range(5, 5 + len(table)), axis=0))
    else:
        table = table.set_axis(range(5, 5 + len(table)), axis=0)
    call(table)


def test_results_of_one_call_are_taken_by_another():
    instance = tb.perceptron(5, 0.2)
    solution = tb.simulated_annealing(instance, sweeps=2)
    tb.local_entropy(instance, solution.weights, gamma=[0.1])


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([[1.0], [1.0, 2.0]], "x has rows that differ in length"),
        (None, "x = None"),
        ("abc", "x = 'abc'"),
        ({"a": np.zeros(99)}, "x is of type dict"),
        (np.array(["2020-01-01"], "datetime64[s]"), "x has dates"),
        (np.zeros(2, "timedelta64[s]"), "x has durations"),
        (xr.Dataset({"a": 1.0}), "x is of type Dataset"),
        (pd.Series([1, "a"]), "x has entries that are not plain numbers"),
        ([1.0, np.ma.masked], "x has masked entries"),
        ((n for n in (1, 2)), "x = <generator"),
    ],
)
def test_other_values_are_told_in_a_line(value, message):
    with pytest.raises(ValueError) as caught:
        real_numbers("x", value)
    assert str(caught.value).startswith(message) and "\n" not in str(caught.value)


def test_numbers_keep_type_and_memory():
    values = np.arange(3, dtype=np.int16)
    assert real_numbers("x", values) is values
    assert real_numbers("x", []).size == 0 and real_numbers("x", 2.0).ndim == 0


@pytest.mark.parametrize("value", [[0, 1], (np.arange(3.0),), [[0, 1]], np.array([[0.0, 1.0]])])
def test_one_axis_may_be_given_alone(value):
    assert [axis.dtype for axis in checked_axes("edges", value, (1,))] == [np.float64]


def test_methods_of_a_landscape_are_here():
    taking = {
        name
        for name, method in inspect.getmembers(Landscape, inspect.isfunction)
        if not name.startswith("_") and len(inspect.signature(method).parameters) > 1
    }
    assert taking == {
        "energy",
        "gradient",
        "sample_gradients",
        "gradient_noise",
        "contains_basin",
        "with_samples",
    }
