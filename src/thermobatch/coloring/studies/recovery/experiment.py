"""E4: how long both dynamics take to find the planted colouring, versus temperature and mini-batch fraction."""

from typing import ClassVar, Literal, Self

import numpy as np
import xarray as xr
from pydantic import Field, model_validator

from thermobatch.coloring.dynamics.metropolis import metropolis
from thermobatch.coloring.dynamics.minibatch import sgd_like
from thermobatch.coloring.studies.chain_experiment import ColoringExperiment
from thermobatch.coloring.theory.effective_temperature import effective_temperature
from thermobatch.foundation.record_times import log_spaced_sweeps
from thermobatch.study.experiment import Cost, Progress


class ColoringRecovery(ColoringExperiment):
    """First passage of the overlap with the planted colouring; runs that do not arrive are censored at the cap."""

    name: ClassVar[str] = "coloring_recovery"
    title: ClassVar[str] = "Recovery of the planted colouring by SGD-like and Metropolis dynamics"
    fidelity: ClassVar[str] = (
        "Model and dynamics are the paper's (half-edge mini-batches, sequential sweeps). N, c, the grids of T and B, "
        "the threshold of the overlap, the cap and the number of graphs are our choice."
    )
    probe: ClassVar[dict] = {"n": 500, "sweeps": 50}
    calibration: ClassVar[dict] = {
        "n": 10_000,
        "sweeps": 1000,
        "stop_overlap": 0.99,
        "temperature": 0.66,
        "batch_fraction": None,
    }

    graph: Literal["planted"] = Field(description="ensemble of graphs")
    temperature: float | None = Field(default=None, ge=0, description="temperature T")
    batch_fraction: float | None = Field(default=None, gt=0, le=1, description="mini-batch fraction B")
    stop_overlap: float = Field(gt=0, lt=1, description="overlap that counts as recovery")
    sweeps: int = Field(ge=10, description="cap of a run in sweeps")

    @model_validator(mode="after")
    def _one_dynamics(self) -> Self:
        if (self.temperature is None) == (self.batch_fraction is None):
            raise ValueError(
                f"temperature = {self.temperature}, batch_fraction = {self.batch_fraction}: exactly one must be given "
                "(it says which dynamics runs)"
            )
        return self

    def effective_temperature(self) -> float:
        """Return T, or T(B) by zero drift."""
        if self.temperature is not None:
            return self.temperature
        return effective_temperature(self.batch_fraction, mean_degree=self.mean_degree, q=self.q)

    def cost(self) -> Cost:
        """The sweeps a run is expected to make, the cap at most."""
        seconds = self.graph_seconds() + self.runs_seconds(
            1, self._expected_sweeps(), self.effective_temperature()
        )
        return Cost(seconds, 2 * self.chain_bytes(), 32.0 * len(log_spaced_sweeps(self.sweeps)))

    def _expected_sweeps(self) -> float:
        """A fit to first passages at q = 5, c = 20, N = 3e3 and 1e4; the cap where recovery is not expected."""
        if self.mean_degree < 19 or self.q != 5:
            return self.sweeps
        away = self.effective_temperature() - 0.66
        width = 0.132 if away < 0 else 0.09 * (3000 / self.n) ** 0.6
        growth = np.exp(min((away / width) ** 2, 50.0))
        return float(min(self.sweeps, 1100 * (self.n / 3000) ** 0.8 * growth))

    def run(self, instance, seed: np.random.SeedSequence, progress: Progress) -> xr.Dataset:
        """Return the first passage (NaN: censored), the sweeps made, and the traces of energy and overlap."""
        settings = {"stop_overlap": self.stop_overlap, "progress": lambda done: progress(done / self.sweeps)}
        if self.temperature is not None:
            run = metropolis(instance, self.temperature, self.sweeps, seed, **settings)
        else:
            run = sgd_like(instance, self.batch_fraction, self.sweeps, seed, **settings)
        return run[["first_passage", "stopped_at", "energy", "overlap"]].drop_attrs(deep=False)
