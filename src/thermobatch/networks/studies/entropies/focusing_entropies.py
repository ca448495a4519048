"""R5: distance and internal entropy of focusing belief propagation as the coupling of the replicas grows."""

from typing import ClassVar, Self

import numpy as np
import xarray as xr
from pydantic import Field, model_validator

from thermobatch.networks.dynamics.belief_propagation import focusing_bp
from thermobatch.networks.dynamics.focusing_protocols import scoping
from thermobatch.networks.studies.instances import PerceptronInstance
from thermobatch.study.experiment import Cost, Experiment, Progress

EXPECTED_ITERATIONS = (18, 30)  # of a coupling, and its entropies, for few and for many replicas


class FocusingEntropies(Experiment):
    """The scoping protocol run to its end: y fixed, gamma = 0, step, 2 step, ... up to the largest."""

    name: ClassVar[str] = "focusing_entropies"
    title: ClassVar[str] = "Distance and internal entropy of focusing belief propagation"
    source: ClassVar[str] = "doi:10.1073/pnas.1608103113"
    fidelity: ClassVar[str] = (
        "The equations, the free entropy and the scoping protocol are the source's. Sizes, loads, the step of gamma "
        "and the tolerance are our choice."
    )
    probe: ClassVar[dict] = {"n": 101, "largest": 0.2}
    calibration: ClassVar[dict] = {"n": 401, "alpha": 0.4, "replicas": 7.0, "largest": 1.0}

    n: int = Field(ge=3, description="number of weights N (odd)")
    alpha: float = Field(gt=0, le=0.8, description="patterns per weight alpha")
    replicas: float = Field(ge=1, le=1000, description="number of replicas y")
    largest: float = Field(gt=0, le=10, description="largest coupling gamma")
    step: float = Field(default=0.1, gt=0, le=1, description="step of gamma")
    iterations: int = Field(default=50, ge=1, description="most iterations at a coupling")
    tolerance: float = Field(default=0.001, gt=0, description="largest change of a magnetisation at the end")

    @model_validator(mode="after")
    def _has_instances(self) -> Self:
        self.instance()
        return self

    def instance(self) -> PerceptronInstance:
        """Return the ensemble of patterns."""
        return PerceptronInstance(n=self.n, alpha=self.alpha)

    def cost(self) -> Cost:
        """Messages times iterations; they converge slowly where the couplings begin to freeze the replicas."""
        couplings = round(self.largest / self.step) + 1
        messages = self.alpha * self.n**2
        expected = min(self.iterations, EXPECTED_ITERATIONS[self.replicas >= 5])
        seconds = 0.02 + 5e-9 * messages * expected * couplings
        return Cost(seconds, 12.0 * messages, 50.0 * couplings)

    def run(self, instance, seed: np.random.SeedSequence, progress: Progress) -> xr.Dataset:
        """Return distance, internal entropy and overlaps against gamma, and the entropy of all solutions."""
        protocol = scoping(self.replicas, largest=self.largest, step=self.step, iterations=self.iterations)
        found = focusing_bp(
            instance,
            protocol=protocol,
            seed=seed,
            stop="end",
            tolerance=self.tolerance,
            progress=lambda steps: progress(steps / protocol.gamma.size),
        )
        steps = found.swap_dims(step="gamma").reset_coords("step", drop=True)
        wanted = ["distance", "local_entropy", "replica_overlap", "centre_overlap", "converged"]
        steps = steps[wanted].astype(float).reindex(gamma=protocol.gamma)  # nan where it broke
        steps["total_entropy"] = steps.local_entropy.isel(gamma=0, drop=True)
        steps.total_entropy.attrs = {
            "units": "nats per weight",
            "long_name": "entropy of all solutions (gamma = 0)",
        }
        return steps.rename(gamma="coupling").drop_attrs(deep=False)
