"""What every experiment is: typed parameters with a cost, an instance and a run.

An experiment is a class whose fields are its parameters; an object of the class is one *point* of its scan. The
pipeline knows experiments only through this interface.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, ClassVar, NamedTuple

import numpy as np
import xarray as xr
from pydantic import BaseModel, ConfigDict

from thermobatch.study.discovery import experiment_module, experiment_modules, instance_modules, load

Progress = Callable[[float], None]


def part(progress: Progress, begin: float, end: float, total: float = 1.0) -> Progress:
    """Return the progress of a part of a run: `total` of its own steps lead from `begin` to `end` of the whole."""
    return lambda done: progress(begin + (end - begin) * min(done / total, 1.0))


class Cost(NamedTuple):
    """What one seed of one point needs on the reference machine: seconds of one core, peak and written bytes."""

    seconds: float
    memory_bytes: float
    disk_bytes: float


class Instance(BaseModel):
    """A disordered instance (a graph, a set of patterns) as typed data; an object describes a whole ensemble.

    Subclasses live in the wings' `studies/instances.py`. Compared dynamics share instances: points that describe the
    same ensemble read the same files.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)
    kind: ClassVar[str]

    def make(self, seed: np.random.SeedSequence):
        """Draw one instance."""
        raise TypeError(f"{type(self).__name__} does not say how an instance is drawn")

    def to_dataset(self, instance) -> xr.Dataset:
        """Return a drawn instance as a Dataset of plain arrays."""
        return instance.to_dataset()

    def from_dataset(self, dataset: xr.Dataset):
        """Return the instance that `to_dataset` wrote."""
        raise TypeError(f"{type(self).__name__} does not say how an instance is read")

    def size_bytes(self) -> float:
        """Return the size of one instance in memory (also bounds its file)."""
        raise TypeError(f"{type(self).__name__} does not say how large an instance is")


class Experiment(BaseModel):
    """Base of all experiments. Fields are parameters; class variables describe what is replicated.

    Class variables
    ---------------
    name : what config.yaml and paths call it. It keys the seeds: another name gives other numbers.
    title : one line for people.
    source : DOI or arXiv number of the paper.
    fidelity : what is taken from the paper and what is our choice.
    probe : overrides that turn any point into a very short one of the same kind; warms the kernels up and keeps the
        generic tests fast.
    calibration : overrides that turn any point into one of some tenths of a second, to measure a machine's speed.
    deterministic : whether every seed gives the same numbers (equations solved, nothing drawn).
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)
    name: ClassVar[str]
    title: ClassVar[str]
    source: ClassVar[str]
    fidelity: ClassVar[str]
    probe: ClassVar[dict[str, Any]]
    calibration: ClassVar[dict[str, Any]]
    deterministic: ClassVar[bool] = False

    def instance(self) -> Instance | None:
        """Return the ensemble the instances of this point come from, or None if it needs none."""
        return None

    def probed(self) -> "Experiment":
        """Return a very short point of the same kind."""
        return type(self).model_validate(self.model_dump() | self.probe)

    def calibrated(self) -> "Experiment":
        """Return the point of the same kind whose time tells a machine's speed."""
        return type(self).model_validate(self.model_dump() | self.calibration)

    def structure(self) -> dict[str, Any]:
        """Return the parameters that may choose a kernel: all but the real numbers."""
        return {
            name: value for name, value in self.probed().model_dump().items() if not isinstance(value, float)
        }

    def cost(self) -> Cost:
        """Return what one seed of this point needs."""
        raise TypeError(f"{type(self).__name__} does not declare its cost")

    def run(self, instance, seed: np.random.SeedSequence, progress: Progress) -> xr.Dataset:
        """Run one seed of this point; `progress` takes the fraction done, from time to time.

        The result depends on the parameters, the instance and the seed only. It has no `seed` dimension: the
        pipeline stacks seeds and points.
        """
        raise TypeError(f"{type(self).__name__} does not say how it runs")


@cache
def experiments() -> dict[str, type[Experiment]]:
    """Return all experiments by name."""
    return {name: experiment_class(name) for name in experiment_modules()}


def experiment_class(name: str) -> type[Experiment]:
    """Return one experiment without importing the others."""
    module = load(experiment_module(name))
    for value in vars(module).values():
        if isinstance(value, type) and issubclass(value, Experiment) and vars(value).get("name") == name:
            return value
    raise TypeError(f"{module.__name__}: no Experiment of its own is called {name!r}")


@cache
def instance_kinds() -> dict[str, type[Instance]]:
    """Return all ensembles of instances by kind."""
    modules = [load(module) for module in instance_modules()]
    found = [value for module in modules for value in vars(module).values() if isinstance(value, type)]
    return {kind.kind: kind for kind in found if issubclass(kind, Instance) and hasattr(kind, "kind")}
