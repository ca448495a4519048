"""What the front door gives travels to another process (and into a deep copy) with its guarantees."""

import copy
import pickle
from dataclasses import fields, is_dataclass
from functools import cache

import networkx
import numpy as np
import pytest
import xarray as xr

import thermobatch as tb
from thermobatch.coloring.theory.optimal_batch import OptimalBatch
from thermobatch.coloring.theory.reconstruction import Transition
from thermobatch.networks.dynamics.focusing_protocols import reinforcement
from thermobatch.pipeline.errors import ConfigurationError, DamagedFileError
from thermobatch.pipeline.netcdf import opened, write_dataset, write_groups

SIGNS = np.where(np.arange(45).reshape(5, 9) % 4, 1, -1)
INPUTS = np.random.default_rng(1).standard_normal((12, 2))


@cache
def mean_field() -> xr.Dataset:
    return tb.dmft(
        "squared_hinge",
        alpha=2.0,
        learning_rate=0.1,
        steps=3,
        paths=40,
        fields=True,
        replicas=2,
        constraint="spherical",
        q0=1.0,
    )


@cache
def graph() -> tb.ColoringGraph:
    return tb.planted_coloring(30, 3, 6.0, 1)


@cache
def perceptron() -> tb.perceptron:
    return tb.perceptron(inputs=SIGNS, labels="teacher", seed=1)


WELL = {"runs": 2, "start": [[0.5], [0.6]]}
MADE = {
    "planted_coloring": graph,
    "random_coloring": lambda: tb.random_coloring(30, 3, 6.0, 1),
    "ColoringGraph": lambda: tb.ColoringGraph.from_networkx(
        networkx.path_graph(["b", "a", "c"]), 2, {"a": 1, "b": 0, "c": 0}
    ),
    "metropolis": lambda: tb.metropolis(graph(), 0.5, 5, 1),
    "sgd_like": lambda: tb.sgd_like(
        tb.ColoringGraph.from_networkx(networkx.cycle_graph("dbca"), 2), 0.9, 5, 1
    ),
    "anneal_coloring": lambda: tb.anneal_coloring(graph(), 5, 1, replicas=2),
    "effective_temperature": lambda: tb.effective_temperature(0.8, mean_degree=19.0, q=5),
    "optimal_batch_fraction": lambda: OptimalBatch(
        0.7, 0.8, 0.5, Transition(0.6, 0.5, 0.7, 0.1, "discontinuous", 0.95)
    ),  # what it returns, after 10 s
    "dmft": mean_field,
    "glm_sgd": lambda: tb.glm_sgd(
        data=tb.own_samples(INPUTS, INPUTS[:, 0]), learning_rate=0.1, steps=2, seeds=1
    ),
    "Spectrum": lambda: tb.Spectrum((1.0, 2.0), (0.5, 0.5)),
    "two_level_spectrum": lambda: tb.two_level_spectrum(2.0, 0.5),
    "power_law_spectrum": lambda: tb.power_law_spectrum(1.0, 3),
    "teacher_student": lambda: tb.teacher_student(10, 2.0, seed=1),
    "gaussian_mixture": lambda: tb.gaussian_mixture(10, 2.0, seed=1),
    "own_samples": lambda: tb.own_samples(INPUTS, INPUTS[:, 0]),
    "fdt_curve": lambda: tb.fdt_curve(mean_field(), 1),
    "integral_temperature": lambda: tb.integral_temperature(mean_field(), 1),
    "replica_temperature": lambda: tb.replica_temperature(mean_field(), 1),
    "gap_statistics": lambda: tb.gap_statistics(mean_field(), 1.0),
    "square_loss_dynamics": lambda: tb.square_loss_dynamics(alpha=2.0, learning_rate=0.1, steps=2),
    "square_loss_stationary": lambda: tb.square_loss_stationary(
        alpha=2.0, learning_rate=0.1, ridge=0.1, batch_fraction=0.5
    ),
    "largest_stable_step": lambda: tb.largest_stable_step(alpha=2.0, batch_fraction=0.5),
    "marchenko_pastur": lambda: tb.marchenko_pastur(0.5, nodes=21),
    "langevin": lambda: tb.langevin(tb.double_well(), 0.1, 5, 1, **WELL),
    "stochastic_gradient_descent": lambda: tb.stochastic_gradient_descent(
        tb.double_well().with_samples(10, seed=1), 2, 5, 1, **WELL
    ),
    "gradient_descent": lambda: tb.gradient_descent(tb.double_well(), 5, 1, **WELL),
    "double_well": tb.double_well,
    "rugged": tb.rugged,
    "quadratic": lambda: tb.quadratic(np.eye(2)).with_samples(10, seed=1),
    "regression": lambda: tb.regression(INPUTS, INPUTS[:, 0]),
    "focusing_bp": lambda: tb.focusing_bp(perceptron(), seed=1),
    "local_entropy": lambda: tb.local_entropy(perceptron(), perceptron().teacher, 1, gamma=[0.5, 1.0]),
    "sgd_covariance": lambda: tb.sgd_covariance(INPUTS, INPUTS[:, 0] + INPUTS[:, 1] ** 2, 0.05, 2),
    "boltzmann_law": lambda: tb.boltzmann_law(tb.double_well().energy, 0.05, np.linspace(-3, 3, 31)),
    "perceptron": perceptron,
    "committee": lambda: tb.committee(inputs=SIGNS, hidden=3, labels="teacher", seed=1),
    "simulated_annealing": lambda: tb.simulated_annealing(perceptron(), replicas=2, sweeps=2, seed=1),
    "replicated_sgd": lambda: tb.replicated_sgd(perceptron(), replicas=2, batch=2, epochs=2, seed=1),
    "protocol of focusing_bp": reinforcement,
}
WAYS = {
    "pickle": lambda thing: pickle.loads(pickle.dumps(thing)),  # noqa: S301 - our own bytes
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
}
OF_THE_USERS_FUNCTIONS = {"Loss", "custom_loss", "landscape"}  # theirs to travel, see the tests of losses
READ_ONLY = (
    "planted_coloring",
    "random_coloring",
    "ColoringGraph",
    "perceptron",
    "committee",
    "marchenko_pastur",
)


def assert_the_same(there, here, path: str) -> None:
    """Assert equality of objects of the front door, dtypes and read-only flags of all arrays included."""
    assert type(there) is type(here), path
    if isinstance(here, np.ndarray):
        assert there.dtype == here.dtype and np.array_equal(there, here, equal_nan=here.dtype.kind == "f"), (
            path
        )
        assert there.flags.writeable == here.flags.writeable, path
    elif isinstance(here, xr.Dataset | xr.DataArray):
        assert there.identical(here), path
    elif is_dataclass(here):
        for field in fields(here):
            assert_the_same(getattr(there, field.name), getattr(here, field.name), f"{path}.{field.name}")
    elif isinstance(here, tuple):
        assert len(there) == len(here), path
        for k, (one, other) in enumerate(zip(there, here, strict=True)):
            assert_the_same(one, other, f"{path}[{k}]")
    else:
        assert there == here, path


def test_everything_of_the_front_door_is_tried():
    assert (
        set(MADE)
        >= set(tb.__all__) - {"__version__", "check_parameters", "experiment"} - OF_THE_USERS_FUNCTIONS
    )


@pytest.mark.parametrize("name", MADE)
def test_what_is_made_arrives_as_it_was(name):
    here = MADE[name]()
    for way, travel in WAYS.items():
        assert_the_same(travel(here), here, f"{way} of {name}")


@pytest.mark.parametrize("name", [*READ_ONLY, "protocol of focusing_bp"])
@pytest.mark.parametrize("way", WAYS)
def test_arrays_that_are_shared_stay_read_only(name, way):
    there = WAYS[way](MADE[name]())
    arrays = [value for value in vars(there).values() if isinstance(value, np.ndarray)]
    assert len(arrays) >= 2
    for array in arrays:
        with pytest.raises(ValueError, match="read-only"):
            array[0] = array[0]


def test_a_graph_from_elsewhere_makes_the_same_run():
    there = WAYS["pickle"](graph())
    assert tb.metropolis(there, 0.5, 5, 1).identical(tb.metropolis(graph(), 0.5, 5, 1))


def test_datasets_of_experiments_hold_no_file(tmp_path):
    """As `tb.experiment` returns them; also a group of a file of many, read while the file is open."""
    made = xr.Dataset({"energy": ("time", np.arange(3.0))}, {"time": [0, 1, 2]}, {"title": "energies"})
    write_dataset(made, tmp_path / "one.nc")
    write_groups({"first": made, "second": 2 * made}, tmp_path / "many.nc")
    one = tb.experiment("coloring_relaxation", dataset=tmp_path / "one.nc")
    with opened(tmp_path / "many.nc") as read:
        first = read("first")
        second = WAYS["pickle"](read("second"))
        assert read("first").identical(first)
    for name in ("one.nc", "many.nc"):
        (tmp_path / name).unlink()
    for dataset in (one, first):
        assert isinstance(dataset.energy.variable._data, np.ndarray)
        for way, travel in WAYS.items():
            assert_the_same(travel(dataset), dataset, way)
    assert second.energy.values.tolist() == [0, 2, 4]


@pytest.mark.parametrize(
    "error", [ConfigurationError(["a: wrong", "b: too"]), DamagedFileError("c: damaged")]
)
def test_errors_arrive_as_they_were(error):
    there = WAYS["pickle"](error)
    assert type(there) is type(error) and str(there) == str(error) and vars(there) == vars(error)
