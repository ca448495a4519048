"""E2: the effective temperature T(B) of SGD-like dynamics, measured against its closed forms."""

from typing import ClassVar, Literal

import numpy as np
import xarray as xr
from pydantic import Field

from thermobatch.coloring.dynamics.minibatch import sgd_like
from thermobatch.coloring.studies.chain_experiment import ColoringExperiment
from thermobatch.coloring.studies.temperature_matching import (
    RUNS,
    late_energy,
    late_sweeps,
    matched_at_long_times,
)
from thermobatch.coloring.theory.effective_temperature import effective_temperature, matched_temperature
from thermobatch.study.experiment import Cost, Progress, part


class ColoringTemperature(ColoringExperiment):
    """The temperature at which Metropolis has the energy that the SGD-like chain settles at."""

    name: ClassVar[str] = "coloring_temperature"
    title: ClassVar[str] = "Effective temperature of SGD-like dynamics on graph colouring"
    fidelity: ClassVar[str] = (
        "Model and dynamics are the paper's (half-edge mini-batches, sequential sweeps). N, c, the grid of B, the "
        "times and the number of graphs are our choice. 'equilibrium' inverts the paramagnetic energy; 'long_times' "
        "(flagged) matches the energy of Metropolis runs as long, where the chain does not equilibrate."
    )
    probe: ClassVar[dict] = {"n": 2000, "sweeps": 400}
    calibration: ClassVar[dict] = {"n": 20_000, "sweeps": 1000}

    batch_fraction: float = Field(gt=0, lt=1, description="mini-batch fraction B")
    sweeps: int = Field(ge=10, description="length of the runs in sweeps")
    matching: Literal["equilibrium", "long_times"] = Field(description="how the temperature is matched")

    def cost(self) -> Cost:
        """One run, and three more where T is matched at long times."""
        runs = 1 + (RUNS if self.matching == "long_times" else 0)
        temperature = effective_temperature(self.batch_fraction, mean_degree=self.mean_degree, q=self.q)
        seconds = self.graph_seconds() + self.runs_seconds(runs, self.sweeps, temperature)
        return Cost(seconds, 2 * self.chain_bytes(), 64.0)

    def run(self, instance, seed: np.random.SeedSequence, progress: Progress) -> xr.Dataset:
        """Return the energy at long times and the temperature it corresponds to."""
        run_seed, matching_seed = seed.spawn(2)
        record = (
            late_sweeps(self.sweeps)
            if self.matching == "long_times"
            else np.arange(self.sweeps // 2, self.sweeps + 1)
        )
        end = 1 / (1 + RUNS) if self.matching == "long_times" else 1.0
        report = part(progress, 0.0, end, self.sweeps)
        run = sgd_like(instance, self.batch_fraction, self.sweeps, run_seed, record=record, progress=report)
        energy = late_energy(run, self.sweeps)
        if self.matching == "equilibrium":
            # The graph has round(c N / 2) edges exactly, so its own mean degree enters.
            temperature = float(matched_temperature(energy, mean_degree=instance.mean_degree, q=self.q))
        else:
            start = effective_temperature(self.batch_fraction, mean_degree=self.mean_degree, q=self.q)
            report = part(progress, end, 1.0)
            temperature = matched_at_long_times(instance, energy, start, self.sweeps, matching_seed, report)
        return xr.Dataset(
            {
                "energy": (
                    (),
                    energy,
                    {"long_name": "energy per vertex, last half of the run", "units": "1"},
                ),
                "temperature": ((), temperature, {"long_name": "matched temperature T(B)", "units": "1"}),
            }
        )
