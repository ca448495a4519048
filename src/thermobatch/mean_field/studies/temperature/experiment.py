"""D3, D4: fluctuation, response and temperature of SGD's noise in its stationary state."""

from typing import ClassVar, Self

import numpy as np
import xarray as xr
from pydantic import Field, model_validator

from thermobatch.mean_field.studies.theory_and_simulation import (
    MeanFieldExperiment,
    by_origin,
    origin_coordinate,
)
from thermobatch.mean_field.theory.effective_noise import fdt_curve, integral_temperature, replica_temperature
from thermobatch.study.experiment import Cost, Progress, part


class MeanFieldTemperature(MeanFieldExperiment):
    """Two replicas with the same data and independent batches, observed from a waiting time on."""

    name: ClassVar[str] = "mean_field_temperature"
    title: ClassVar[str] = "Fluctuation, response and temperature of the noise of SGD"
    source: ClassVar[str] = "arXiv:2112.10852"
    fidelity: ClassVar[str] = (
        "Only the abstract of the source is known to us: effective noise, its temperature from fluctuation and "
        "response, persistent batches. The model (Gaussian mixture, Delta = 1, squared hinge, alpha = 4, lambda = 0.5, "
        "eta = 0.1), the waiting time, sizes and seeds are our choice."
    )
    probe: ClassVar[dict] = {"steps": 16, "waiting_time": 8, "d": 30, "paths": 512}
    calibration: ClassVar[dict] = {"steps": 60, "waiting_time": 30, "d": 400, "paths": 8000}

    waiting_time: int = Field(ge=0, description="waiting time t_w in steps, from which the state is observed")

    @model_validator(mode="after")
    def _waits_within_the_run(self) -> Self:
        if self.waiting_time > self.steps - 4:
            raise ValueError(
                f"waiting_time = {self.waiting_time}: must be at most steps - 4 = {self.steps - 4}"
            )
        return self

    def replicas(self) -> int:
        """Return two: the distance of replicas is a fluctuation with little scatter."""
        return 2

    def cost(self) -> Cost:
        """One population, one simulated pair and a probed copy from the waiting time on."""
        memory = max(self.theory_bytes(), self.simulation_bytes())
        return Cost(
            self._theory_then_simulation()[0] + self._theory_then_simulation()[1], memory, 64.0 * self.steps
        )

    def _theory_then_simulation(self) -> tuple[float, float]:
        return self.theory_seconds(), self.simulation_seconds(self.steps - self.waiting_time)

    def run(self, instance, seed: np.random.SeedSequence, progress: Progress) -> xr.Dataset:
        """Return fluctuation and response against the lag, and the temperatures read from them."""
        theory_seed, run_seed = seed.spawn(2)
        share = self.theory_seconds() / self.cost().seconds
        runs = [
            self.theory(theory_seed, part(progress, 0.0, share)),
            self.simulation(run_seed, part(progress, share, 1.0), waiting_time=self.waiting_time),
        ]
        plain, paired = (
            [fdt_curve(run, self.waiting_time, replicas) for run in runs] for replicas in (False, True)
        )
        lags = plain[0].lag.values
        integral = [float(integral_temperature(run, self.waiting_time, from_replicas=True)) for run in runs]
        replica = [float(replica_temperature(run, self.waiting_time)) for run in runs]
        distance = [float(run.replica_distance[self.waiting_time :].mean()) for run in runs]
        drift = [float(_drift(run.loss.values[self.waiting_time :])) for run in runs]
        lag = ("lag",)
        return xr.Dataset(
            {
                "fluctuation": by_origin(
                    [curve.decay for curve in plain], "C(t_w, t_w) - C(t_w + lag, t_w), symmetrised", lag
                ),
                "replica_fluctuation": by_origin(
                    [curve.decay for curve in paired],
                    "the same for C - C12, C12 the overlap of two replicas",
                    lag,
                ),
                "response": by_origin(
                    [curve.integrated_response for curve in plain],
                    "integrated response chi(t_w + lag, t_w)",
                    lag,
                ),
                "integral_temperature": by_origin(integral, "T_int = [C(0) - C(inf)] / chi(inf)"),
                "replica_temperature": by_origin(replica, "T_rep = |w1 - w2|^2 / (2 d chi(inf))"),
                "replica_distance": by_origin(distance, "|w1 - w2|^2 / (2d), mean from t_w on"),
                "loss_drift": by_origin(
                    drift, "training loss: last half after t_w over the first half, minus 1"
                ),
            },
            coords={
                "origin": origin_coordinate(),
                "lag": ("lag", lags, {"long_name": "lag after the waiting time", "units": "steps"}),
            },
        )


def _drift(losses: np.ndarray) -> float:
    """How much the loss still changes: 0 in a stationary state."""
    half = len(losses) // 2
    return float(losses[half:].mean() / losses[:half].mean() - 1.0)
