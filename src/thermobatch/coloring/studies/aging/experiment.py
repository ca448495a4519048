"""E3: the two-time correlations of SGD-like dynamics age like those of Metropolis at the matched temperature."""

from typing import ClassVar, Self

import numpy as np
import xarray as xr
from pydantic import Field, model_validator

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


class ColoringAging(ColoringExperiment):
    """Both dynamics from the same colouring on the same graph, T matched to the energy at long times; and a control.

    The control is Metropolis at a temperature wrong by a stated factor: it shows what the comparison can tell apart.
    """

    name: ClassVar[str] = "coloring_aging"
    title: ClassVar[str] = "Aging of SGD-like and Metropolis dynamics on graph colouring"
    fidelity: ClassVar[str] = (
        "Model, dynamics and the correlation function are the paper's (half-edge mini-batches, sequential sweeps). "
        "N, c, B, the waiting times, the length of the runs, the matching of T to the energy at long times graph by "
        "graph, and the control at a wrong temperature are our choice: the paper's panels are not known to us."
    )
    probe: ClassVar[dict] = {"n": 2000, "sweeps": 200, "waiting_times": [10, 100]}
    calibration: ClassVar[dict] = {"n": 20_000, "sweeps": 1000, "waiting_times": [10, 100]}

    batch_fraction: float = Field(gt=0, lt=1, description="mini-batch fraction B")
    sweeps: int = Field(ge=10, description="length of the runs in sweeps")
    waiting_times: list[int] = Field(min_length=1, description="waiting times t_w in sweeps")
    detuning: float = Field(gt=-0.5, lt=1, description="relative error of the control's temperature")

    @model_validator(mode="after")
    def _waits_within_the_run(self) -> Self:
        waiting = self.waiting_times
        if min(waiting) < 0 or max(waiting) >= self.sweeps or sorted(set(waiting)) != waiting:
            raise ValueError(
                f"waiting_times = {waiting}: must be increasing and in 0..{self.sweeps - 1} (sweeps = {self.sweeps})"
            )
        return self

    def cost(self) -> Cost:
        """Three runs, and three more to match T; comparing colours at every lag costs as much as half a sweep."""
        times = len(log_spaced_sweeps(self.sweeps))
        stops = len(self.waiting_times) * (times + len(late_sweeps(self.sweeps)))
        temperature = effective_temperature(self.batch_fraction, mean_degree=self.mean_degree, q=self.q)
        seconds = self.graph_seconds() + self.runs_seconds(3 + RUNS, self.sweeps, temperature)
        seconds += self.sweep_seconds(1.5 * stops, temperature)
        memory = (3 + len(self.waiting_times)) * self.chain_bytes()
        return Cost(seconds, memory, 8.0 * 3 * times * (1 + len(self.waiting_times)))

    def run(self, instance, seed: np.random.SeedSequence, progress: Progress) -> xr.Dataset:
        """Return correlation(dynamics, waiting_time, lag), energy(dynamics, time) and the matched temperature."""
        start, minibatch_seed, thermal_seed, control_seed, matching_seed = seed.spawn(5)
        times = log_spaced_sweeps(self.sweeps)
        settings = {
            "initial": np.random.default_rng(start).integers(self.q, size=self.n, dtype=np.uint8),
            "record": np.union1d(times, late_sweeps(self.sweeps)),
            "waiting_times": self.waiting_times,
            "stop_at_solution": False,
        }

        def run_of(dynamics, strength: float, run_seed, begin: int) -> xr.Dataset:
            report = part(progress, begin / (3 + RUNS), (begin + 1) / (3 + RUNS), self.sweeps)
            return dynamics(instance, strength, self.sweeps, run_seed, progress=report, **settings)

        runs = {"sgd_like": run_of(sgd_like, self.batch_fraction, minibatch_seed, 0)}
        temperature = matched_at_long_times(
            instance,
            late_energy(runs["sgd_like"], self.sweeps),
            effective_temperature(self.batch_fraction, mean_degree=self.mean_degree, q=self.q),
            self.sweeps,
            matching_seed,
            part(progress, 1 / (3 + RUNS), (1 + RUNS) / (3 + RUNS)),
        )
        runs["metropolis"] = run_of(metropolis, temperature, thermal_seed, 1 + RUNS)
        wrong = temperature * (1 + self.detuning)
        runs["metropolis_detuned"] = run_of(metropolis, wrong, control_seed, 2 + RUNS)

        joined = {
            name: xr.concat([run[name] for run in runs.values()], dim="dynamics").sel({axis: times})
            for name, axis in (("energy", "time"), ("correlation", "lag"))
        }
        late = ("dynamics", [late_energy(run, self.sweeps) for run in runs.values()])
        return xr.Dataset(
            {
                **joined,
                "late_energy": (
                    *late,
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
