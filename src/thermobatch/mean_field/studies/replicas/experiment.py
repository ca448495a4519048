"""D5: distance of two replicas where SGD reaches zero loss."""

from typing import ClassVar, Self

import numpy as np
import xarray as xr
from pydantic import Field, model_validator

from thermobatch.mean_field.studies.theory_and_simulation import (
    MeanFieldExperiment,
    by_origin,
    origin_coordinate,
    time_coordinate,
)
from thermobatch.study.experiment import Cost, Progress, part


class MeanFieldReplicas(MeanFieldExperiment):
    """Two runs with the same data and start and independent batches, until the loss is zero."""

    name: ClassVar[str] = "mean_field_replicas"
    title: ClassVar[str] = "Distance of replicas of SGD at zero loss"
    source: ClassVar[str] = "arXiv:2112.10852"
    fidelity: ClassVar[str] = (
        "Only the abstract of the source is known to us: the distance of replicas as a measure of the effective noise "
        "where the loss can vanish. The model (Gaussian mixture, Delta = 1, squared hinge, alpha = 0.5, lambda = 0, "
        "eta = 0.2), sizes and seeds are our choice."
    )
    probe: ClassVar[dict] = {"steps": 12, "solved_steps": 8, "d": 30, "paths": 128}
    calibration: ClassVar[dict] = {"steps": 200, "solved_steps": 60, "d": 600, "paths": 1024}

    solved_steps: int = Field(
        ge=2,
        description="steps of the theory, at most those simulated (all responses are followed: cost T^3)",
    )

    @model_validator(mode="after")
    def _solves_what_is_simulated(self) -> Self:
        if self.solved_steps > self.steps:
            raise ValueError(f"solved_steps = {self.solved_steps}: must be at most steps = {self.steps}")
        return self

    def replicas(self) -> int:
        """Return two."""
        return 2

    def theory_steps(self) -> int:
        """Return the steps of the theory."""
        return self.solved_steps

    def cost(self) -> Cost:
        """One population with all response functions, and one simulated pair."""
        memory = max(self.theory_bytes(exact_response=True), self.simulation_bytes())
        seconds = self.theory_seconds(exact_response=True) + self.simulation_seconds()
        return Cost(seconds, memory, 64.0 * self.steps)

    def run(self, instance, seed: np.random.SeedSequence, progress: Progress) -> xr.Dataset:
        """Return the replicas' distance and the loss against time; NaN after the theory's last step."""
        theory_seed, run_seed = seed.spawn(2)
        share = self.theory_seconds(exact_response=True) / self.cost().seconds
        runs = [
            self.theory(theory_seed, part(progress, 0.0, share), exact_response=True),
            self.simulation(run_seed, part(progress, share, 1.0)),
        ]
        words = {
            "replica_distance": "half squared distance of two replicas, |w1 - w2|^2/(2d)",
            "training_loss": "training loss, mean over samples",
        }
        curves = {
            name: by_origin(
                [self._padded(run[name.replace("training_", "")]) for run in runs], text, ("time",)
            )
            for name, text in words.items()
        }
        return xr.Dataset(curves, coords={"origin": origin_coordinate(), "time": time_coordinate(self.steps)})

    def _padded(self, curve: xr.DataArray) -> np.ndarray:
        """A curve with NaN up to the last step."""
        return np.pad(curve.values, (0, self.steps + 1 - curve.size), constant_values=np.nan)
