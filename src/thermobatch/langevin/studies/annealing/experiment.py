"""L2: how often gradient descent, Langevin dynamics and SGD find the global basin of a rugged landscape."""

from dataclasses import dataclass
from typing import ClassVar, Literal, Self

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike
from pydantic import Field, model_validator

from thermobatch.foundation.record_times import log_spaced_sweeps
from thermobatch.foundation.schedules import Constant, GrowingBatch, Logarithmic, Schedule
from thermobatch.langevin.dynamics.langevin import gradient_descent, langevin, stochastic_gradient_descent
from thermobatch.langevin.landscapes import rugged
from thermobatch.langevin.theory.sgd_stationary import sgd_temperature
from thermobatch.study.experiment import Cost, Experiment, Progress

SIDE = 6.5  # of the drawn landscape: runs start within 6


@dataclass(frozen=True)
class BatchTemperature:
    """T(B_n) = `of_one` / B_n, the temperature of SGD with additive noise whose mini-batch is B_n."""

    of_one: float
    sizes: Schedule

    def at(self, steps: ArrayLike) -> np.ndarray:
        """Return the temperatures at the integers `steps`: float64 of the same shape."""
        return self.of_one / self.sizes.at(steps)


class LandscapeAnnealing(Experiment):
    """Independent runs from uniform starts; a temperature, a batch or neither (gradient descent) says what runs."""

    name: ClassVar[str] = "landscape_annealing"
    title: ClassVar[str] = "Finding the global minimum of a rugged landscape by cooling"
    source: ClassVar[str] = "doi:10.1109/TPAMI.1984.4767596"
    fidelity: ClassVar[str] = (
        "The schedule T_n = c / log n is the source's; with overdamped Langevin dynamics and B_n = ceil(c log n) as "
        "popular accounts of SGD tell it. The landscape L = 0.05 r^2 + 0.3 (2 - cos 2.5x - cos 2.5y), eta and c are "
        "our choice."
    )
    probe: ClassVar[dict] = {"steps": 300, "runs": 3, "samples": 200}
    calibration: ClassVar[dict] = {"steps": 100_000, "runs": 20}

    runs: int = Field(ge=1, description="independent runs of one seed")
    steps: int = Field(ge=100, description="length of a run in steps")
    learning_rate: float = Field(gt=0, description="learning rate eta")
    samples: int = Field(ge=4, description="number of samples N")
    noise_variance: float = Field(gt=0, description="variance sigma^2 of the gradient of one sample")
    cooling: Literal["constant", "logarithmic"] = Field(
        default="constant",
        description="constant T or B, or T_n = temperature / log n, B_n = ceil(batch log n)",
    )
    temperature: float | None = Field(
        default=None, gt=0, description="Langevin temperature, or c of c / log n"
    )
    batch: float | None = Field(
        default=None, gt=0, description="mini-batch size B of SGD, or c of ceil(c log n)"
    )
    sampling: Literal["with_replacement", "without_replacement", "reshuffling", "thermal"] = Field(
        default="with_replacement",
        description="how the samples of a mini-batch are drawn; thermal: none, but Langevin noise at T(B_n)",
    )

    @model_validator(mode="after")
    def _one_dynamics(self) -> Self:
        if self.temperature is not None and self.batch is not None:
            raise ValueError(
                f"temperature = {self.temperature}, batch = {self.batch}: at most one may be given "
                "(it says which dynamics runs)"
            )
        if self.batch is not None and self.cooling == "constant" and self.batch != int(self.batch):
            raise ValueError(f"batch = {self.batch}: must be an integer where it is constant")
        if self.batch is None and self.sampling == "thermal":
            raise ValueError("sampling = thermal: needs a batch, whose temperature T(B_n) the noise has")
        if self._largest_batch() > self.samples:
            raise ValueError(
                f"batch = {self.batch}: grows to {self._largest_batch()}, beyond samples = {self.samples}"
            )
        return self

    def _largest_batch(self) -> int:
        """The batch of the last step; 0 without batches."""
        if self.batch is None:
            return 0
        growing = GrowingBatch(self.batch).at(np.array([self.steps]))[0]
        return int(growing if self.cooling == "logarithmic" else self.batch)

    def batch_sizes(self) -> Schedule:
        """Return the schedule of the mini-batch."""
        return GrowingBatch(self.batch) if self.cooling == "logarithmic" else Constant(int(self.batch))

    def cost(self) -> Cost:
        """A step takes a gradient, and normal numbers or a batch."""
        thermal = self.temperature or self.sampling == "thermal"
        step = 46e-9 + (16e-9 if thermal else 2.6e-9 * self._largest_batch())
        step += 16e-9 if self.sampling in ("without_replacement", "reshuffling") else 0.0
        times = len(log_spaced_sweeps(self.steps))
        seconds = 0.02 + step * self.steps * self.runs
        return Cost(seconds, 48.0 * times * self.runs + 4.0 * self.samples * (self.runs + 4), 40.0 * times)

    def run(self, instance, seed: np.random.SeedSequence, progress: Progress) -> xr.Dataset:
        """Return the share of runs in the global basin and the mean loss against time, and one path."""
        data_seed, run_seed = seed.spawn(2)
        landscape = rugged()
        settings = {
            "learning_rate": self.learning_rate,
            "runs": self.runs,
            "record": log_spaced_sweeps(self.steps),
            "progress": lambda done: progress(done / self.steps),
        }
        cooled = self.cooling == "logarithmic"
        if self.temperature is not None:
            heat = Logarithmic(self.temperature) if cooled else self.temperature
            run = langevin(landscape, heat, self.steps, run_seed, **settings)
        elif self.sampling == "thermal":
            heat = BatchTemperature(
                sgd_temperature(self.learning_rate, self.noise_variance, 1), self.batch_sizes()
            )
            run = langevin(landscape, heat, self.steps, run_seed, **settings)
        elif self.batch is not None:
            noisy = landscape.with_samples(self.samples, self.noise_variance, data_seed)
            size = GrowingBatch(self.batch) if cooled else int(self.batch)
            run = stochastic_gradient_descent(
                noisy, size, self.steps, run_seed, sampling=self.sampling, **settings
            )
        else:
            run = gradient_descent(landscape, self.steps, run_seed, **settings)
        path = run.position.isel(run=0, drop=True)
        places = np.linspace(-SIDE, SIDE, 201)
        profile = landscape.energy(np.stack([places, np.zeros_like(places)], axis=-1))
        return xr.Dataset(
            {
                "share": (
                    "time",
                    run.in_basin.mean("run").values,
                    {"long_name": "share of runs in the global basin", "units": "1"},
                ),
                "loss": (
                    "time",
                    run.energy.mean("run").values,
                    {"long_name": "mean loss L", "units": "units of L"},
                ),
                "profile": (
                    "place",
                    profile,
                    {"long_name": "loss with the other component 0", "units": "units of L"},
                ),
                "basin_edge": (
                    (),
                    landscape.basin[1][0],
                    {"long_name": "half side of the global basin", "units": "1"},
                ),
                "path": (("time", "component"), path.values, {"long_name": "path of one run", "units": "1"}),
            },
            coords={name: run[name].variable for name in ("time", "component")}
            | {"place": ("place", places, {"long_name": "one component of the position", "units": "1"})},
        )
