"""E1: the energy of SGD-like dynamics relaxes like that of Metropolis at the temperature T(B)."""

from typing import ClassVar, Literal

import numpy as np
import xarray as xr
from pydantic import Field

from thermobatch.coloring.dynamics.metropolis import metropolis
from thermobatch.coloring.dynamics.minibatch import sgd_like
from thermobatch.coloring.studies.chain_experiment import ColoringExperiment
from thermobatch.coloring.studies.temperature_matching import (
    RUNS,
    late_energy,
    late_sweeps,
    matched_at_long_times,
)
from thermobatch.coloring.theory.effective_temperature import effective_temperature
from thermobatch.foundation.record_times import log_spaced_sweeps
from thermobatch.study.experiment import Cost, Progress, part


class ColoringRelaxation(ColoringExperiment):
    """Both dynamics from the same colouring on the same graph; T(B) in closed form, or matched at long times."""

    name: ClassVar[str] = "coloring_relaxation"
    title: ClassVar[str] = "Relaxation of SGD-like and Metropolis dynamics on graph colouring"
    fidelity: ClassVar[str] = (
        "Model and dynamics are the paper's (half-edge mini-batches, sequential sweeps). N, c, B, the times and the "
        "number of graphs are our choice: the paper's panels are not known to us. T(B) is the closed zero-drift form "
        "where the chain equilibrates and is matched to the energy at long times, graph by graph, where it does not."
    )
    probe: ClassVar[dict] = {"n": 2000, "sweeps": 400}
    calibration: ClassVar[dict] = {"n": 20_000, "sweeps": 1000}

    batch_fraction: float = Field(gt=0, lt=1, description="mini-batch fraction B")
    sweeps: int = Field(ge=10, description="length of the runs in sweeps")
    temperature: Literal["drift", "matched"] = Field(description="how T(B) is obtained")

    def cost(self) -> Cost:
        """Two runs, and three more where T is matched."""
        runs = 2 + (RUNS if self.temperature == "matched" else 0)
        temperature = effective_temperature(self.batch_fraction, mean_degree=self.mean_degree, q=self.q)
        times = len(log_spaced_sweeps(self.sweeps))
        seconds = self.graph_seconds() + self.runs_seconds(runs, self.sweeps, temperature)
        return Cost(seconds, 2 * self.chain_bytes(), 24.0 * times)

    def run(self, instance, seed: np.random.SeedSequence, progress: Progress) -> xr.Dataset:
        """Return energy(dynamics, time), the temperature used and the energies at long times."""
        start, minibatch_seed, metropolis_seed, matching_seed = seed.spawn(4)
        colors = np.random.default_rng(start).integers(self.q, size=self.n, dtype=np.uint8)
        times = log_spaced_sweeps(self.sweeps)
        settings = {"initial": colors, "record": np.union1d(times, late_sweeps(self.sweeps))}

        first, last = (0.2, 0.8) if self.temperature == "matched" else (0.5, 0.5)
        report = part(progress, 0.0, first, self.sweeps)
        minibatch = sgd_like(
            instance, self.batch_fraction, self.sweeps, minibatch_seed, progress=report, **settings
        )
        temperature = effective_temperature(self.batch_fraction, mean_degree=self.mean_degree, q=self.q)
        if self.temperature == "matched":
            late = late_energy(minibatch, self.sweeps)
            report = part(progress, first, last)
            temperature = matched_at_long_times(
                instance, late, temperature, self.sweeps, matching_seed, report
            )
        report = part(progress, last, 1.0, self.sweeps)
        thermal = metropolis(instance, temperature, self.sweeps, metropolis_seed, progress=report, **settings)

        runs = {"sgd_like": minibatch, "metropolis": thermal}
        energy = xr.concat([run.energy.sel(time=times) for run in runs.values()], dim="dynamics")
        late_energies = ("dynamics", [late_energy(run, self.sweeps) for run in runs.values()])
        return xr.Dataset(
            {
                "energy": energy.assign_attrs(long_name="energy per vertex e", units="1"),
                "late_energy": (
                    *late_energies,
                    {"long_name": "energy per vertex, last half of the run", "units": "1"},
                ),
                "matched_temperature": (
                    (),
                    temperature,
                    {"long_name": "Metropolis temperature T(B)", "units": "1"},
                ),
            },
            coords={"dynamics": ("dynamics", list(runs), {"long_name": "dynamics"})},
        )
