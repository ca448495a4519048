"""E6: how the time to find the planted colouring grows with N, on both sides of the predicted threshold."""

from typing import ClassVar

import numpy as np
import xarray as xr

from thermobatch.coloring.dynamics.metropolis import metropolis
from thermobatch.coloring.dynamics.minibatch import sgd_like
from thermobatch.coloring.studies.recovery.experiment import ColoringRecovery
from thermobatch.study.experiment import Cost, Progress


class ColoringRecoveryGrowth(ColoringRecovery):
    """First passage of the overlap at the best T and B of a pilot, for several N; censored at the cap."""

    name: ClassVar[str] = "coloring_recovery_growth"
    title: ClassVar[str] = "Growth of the recovery time with N on both sides of the predicted threshold"
    fidelity: ClassVar[str] = (
        "Model and dynamics are the paper's (half-edge mini-batches, sequential sweeps), the threshold argument is "
        "arXiv:2206.04760's. N, c, the overlap that counts as recovery, the caps, the number of graphs, and T and B "
        "(the fastest of a pilot on other graphs, see docs/coloring.md) are our choice."
    )
    probe: ClassVar[dict] = {"n": 500, "sweeps": 50}

    def cost(self) -> Cost:
        """The sweeps a run is expected to make, the cap at most."""
        seconds = self.graph_seconds() + self.runs_seconds(
            1, self._expected_sweeps(), self.effective_temperature()
        )
        return Cost(seconds, 2 * self.chain_bytes(), 32.0)

    def _expected_sweeps(self) -> float:
        """Mean of exponential times, cut at the cap; their scale from the pilot (q = 5), 16 <= c <= 20."""
        nearest = np.clip(self.mean_degree, 16.0, 20.0)
        scale = np.interp(nearest, (16.0, 17.0, 18.0, 19.0, 20.0), (20000.0, 4200.0, 1500.0, 800.0, 650.0))
        exponent = np.interp(nearest, (16.0, 17.0, 18.0, 19.0, 20.0), (1.0, 1.2, 1.0, 0.9, 0.7))
        mean = scale * (self.n / 1000) ** exponent
        return float(mean * -np.expm1(-self.sweeps / mean))

    def run(self, instance, seed: np.random.SeedSequence, progress: Progress) -> xr.Dataset:
        """Return the first passage (NaN: not within the cap) and the sweeps made."""
        report = {"record": [0], "progress": lambda done: progress(done / self.sweeps)}
        if self.temperature is not None:
            run = metropolis(
                instance, self.temperature, self.sweeps, seed, stop_overlap=self.stop_overlap, **report
            )
        else:
            run = sgd_like(
                instance, self.batch_fraction, self.sweeps, seed, stop_overlap=self.stop_overlap, **report
            )
        return run[["first_passage", "stopped_at"]].drop_attrs(deep=False)
