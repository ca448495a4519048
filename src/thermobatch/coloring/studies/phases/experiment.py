"""E6: where in the plane of mean degree and temperature (or mini-batch fraction) the planted colouring is found."""

from typing import ClassVar, Literal, Self

import numpy as np
import xarray as xr
from pydantic import Field, model_validator

from thermobatch.coloring.dynamics.metropolis import metropolis
from thermobatch.coloring.dynamics.minibatch import sgd_like
from thermobatch.coloring.studies.chain_experiment import ColoringExperiment
from thermobatch.coloring.theory.effective_temperature import batch_fraction_for_temperature
from thermobatch.study.experiment import Cost, Progress, part

START_SECONDS = 3.5e-3  # of one run: adjacency to words, acceptance table, T(B)


class ColoringPhases(ColoringExperiment):
    """Runs of one dynamics at one mean degree, at several temperatures T or at the mini-batch fractions of T(B) = T."""

    name: ClassVar[str] = "coloring_phases"
    title: ClassVar[str] = "Recovery of the planted colouring over mean degree and temperature or mini-batch"
    fidelity: ClassVar[str] = (
        "Model and dynamics are the paper's (half-edge mini-batches, sequential sweeps), the threshold argument is "
        "arXiv:2206.04760's. N, the grids of c and T, the overlap that counts as recovery, the cap and the number of "
        "graphs are our choice; SGD-like runs use the B whose zero-drift T(B) is the T of the grid."
    )
    probe: ClassVar[dict] = {"n": 500, "sweeps": 30, "temperatures": [0.5, 0.7], "stop_overlap": 0.12}
    calibration: ClassVar[dict] = {"n": 10_000, "sweeps": 1000, "temperatures": [0.6], "stop_overlap": 0.99}

    graph: Literal["planted"] = Field(description="ensemble of graphs")
    dynamics: Literal["metropolis", "sgd_like"] = Field(description="dynamics")
    temperatures: list[float] = Field(min_length=1, description="temperatures T, or T(B)")
    stop_overlap: float = Field(gt=0, lt=1, description="overlap that counts as recovery")
    sweeps: int = Field(ge=10, description="cap of a run in sweeps")

    @model_validator(mode="after")
    def _increasing(self) -> Self:
        if not 0 < self.temperatures[0] or np.any(np.diff(self.temperatures) <= 0):
            raise ValueError(f"temperatures = {self.temperatures}: must be positive and increasing")
        return self

    def cost(self) -> Cost:
        """The cap at worst; runs that recover stop earlier."""
        runs = sum(self.sweep_seconds(self.sweeps, temperature) for temperature in self.temperatures)
        seconds = self.graph_seconds() + runs + START_SECONDS * len(self.temperatures)
        return Cost(seconds, 2 * self.chain_bytes(), 32.0 * len(self.temperatures))

    def run(self, instance, seed: np.random.SeedSequence, progress: Progress) -> xr.Dataset:
        """Return the first passage (NaN: not within the cap) and the sweeps made, at every temperature."""
        batches = batch_fraction_for_temperature(self.temperatures, mean_degree=self.mean_degree, q=self.q)
        settings = {"stop_overlap": self.stop_overlap, "record": [0]}
        passages, made = [], []
        count = len(self.temperatures)
        for k, run_seed in enumerate(seed.spawn(count)):
            settings["progress"] = part(progress, k / count, (k + 1) / count, self.sweeps)
            if self.dynamics == "metropolis":
                run = metropolis(instance, self.temperatures[k], self.sweeps, run_seed, **settings)
            else:
                run = sgd_like(instance, float(batches[k]), self.sweeps, run_seed, **settings)
            passages.append(float(run.first_passage))
            made.append(int(run.stopped_at))
            progress((k + 1) / count)
        name = f"first sweep with overlap > {self.stop_overlap:g}"
        used = batches if self.dynamics == "sgd_like" else np.full(len(batches), np.nan)
        return xr.Dataset(
            {
                "first_passage": ("temperature", passages, {"long_name": name, "units": "sweeps"}),
                "stopped_at": ("temperature", made, {"long_name": "sweeps made", "units": "sweeps"}),
                "batch_fraction": (
                    "temperature",
                    used,
                    {"long_name": "mini-batch fraction B with T(B) = T (NaN: Metropolis)", "units": "1"},
                ),
            },
            coords={
                "temperature": (
                    "temperature",
                    self.temperatures,
                    {"long_name": "temperature T, or T(B)", "units": "1"},
                )
            },
        )
