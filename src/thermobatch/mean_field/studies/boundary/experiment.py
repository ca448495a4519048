"""D6: how far the noise of SGD keeps the training samples from the decision boundary."""

from typing import ClassVar

import numpy as np
import xarray as xr
from pydantic import Field

from thermobatch.mean_field.studies.theory_and_simulation import (
    MeanFieldExperiment,
    by_origin,
    origin_coordinate,
)
from thermobatch.mean_field.theory.effective_noise import boundary_gaps, gap_statistics
from thermobatch.study.experiment import Cost, Progress, part

NEAR = 0.02
EDGES = np.linspace(-0.5, 4.5, 251)  # the bin that starts at 0 is the one that starts at the boundary


class MeanFieldBoundary(MeanFieldExperiment):
    """Separable data and weights on a sphere: the gaps y h - kappa of the training samples after the last step."""

    name: ClassVar[str] = "mean_field_boundary"
    title: ClassVar[str] = "Gaps to the decision boundary under the noise of SGD"
    source: ClassVar[str] = "arXiv:2112.10852"
    fidelity: ClassVar[str] = (
        "Only the abstract of the source is known to us: the noise moves the decision boundary away from the samples. "
        "The model (Gaussian mixture, Delta = 1, squared hinge with kappa = 0.5 on the sphere |w|^2 = d, alpha = 0.5), "
        "the gap y h - kappa as its measure, sizes and seeds are our choice."
    )
    probe: ClassVar[dict] = {"steps": 8, "d": 30, "paths": 256}
    calibration: ClassVar[dict] = {"steps": 60, "d": 600, "paths": 2048}

    exact_response: bool = Field(
        default=True, description="follow all response functions in the theory, not one random combination"
    )

    def constraint(self) -> str:
        """Return the sphere: with a free norm a gap has no scale."""
        return "spherical"

    def cost(self) -> Cost:
        """One population and one run."""
        memory = max(self.theory_bytes(self.exact_response), self.simulation_bytes())
        seconds = self.theory_seconds(self.exact_response) + self.simulation_seconds()
        return Cost(seconds, memory, 24.0 * EDGES.size)

    def run(self, instance, seed: np.random.SeedSequence, progress: Progress) -> xr.Dataset:
        """Return the distribution of the gaps, its summary, the training loss and the test error at the end."""
        theory_seed, run_seed = seed.spawn(2)
        share = self.theory_seconds(self.exact_response) / self.cost().seconds
        options = {"exact_response": self.exact_response, "fields": True}
        runs = [
            self.theory(theory_seed, part(progress, 0.0, share), **options),
            self.simulation(run_seed, part(progress, share, 1.0), fields=True),
        ]
        margin = self.margin if self.margin is not None else 1.0
        found = [gap_statistics(run, margin, near=NEAR) for run in runs]
        distributions = [_cumulative(boundary_gaps(run, margin).values) for run in runs]
        return xr.Dataset(
            {
                "gap_distribution": by_origin(
                    distributions, "share of the training samples with a smaller gap", ("gap",)
                ),
                "near_fraction": by_origin(
                    [one.near_fraction for one in found],
                    f"share of the training samples with gap below {NEAR}",
                ),
                "median_gap": by_origin(
                    [one.median_gap for one in found], "median gap of the training samples"
                ),
                "test_error": by_origin(
                    [run.test_error[-1] for run in runs], "generalisation error: probability of a wrong sign"
                ),
                "training_loss": by_origin(
                    [run.loss[-1] for run in runs], "training loss after the last step"
                ),
            },
            coords={
                "origin": origin_coordinate(),
                "gap": ("gap", EDGES, {"long_name": "gap y h - kappa", "units": "1"}),
            },
        )


def _cumulative(gaps: np.ndarray) -> np.ndarray:
    """The empirical distribution function at the edges."""
    return np.searchsorted(np.sort(gaps), EDGES, side="right") / gaps.size
