"""R7: does annealing coupled replicas recover planted colourings at mean degrees where a single one does not?"""

from typing import ClassVar, Literal, Self

import numpy as np
import xarray as xr
from pydantic import Field, model_validator

from thermobatch.coloring.dynamics.annealing import LARGEST_COUPLING, replicated_coloring_annealing
from thermobatch.coloring.studies.chain_experiment import ColoringExperiment
from thermobatch.foundation.description import named
from thermobatch.study.experiment import Cost, Progress

RECORDS = 32


class ReplicatedColoring(ColoringExperiment):
    """One annealing of y replicas; recovered if the replica of lowest energy overlaps with the planted colouring."""

    name: ClassVar[str] = "replicated_coloring"
    title: ClassVar[str] = "Recovery of the planted colouring by annealing coupled replicas"
    source: ClassVar[str] = "arXiv:2206.04760; doi:10.1073/pnas.1608103113"
    fidelity: ClassVar[str] = (
        "Planted colouring and its annealing are the first paper's, coupling replicas to a centre is the second's; "
        "their combination (a Potts coupling that is the binary one for two colours), N, the ramps, the run length and "
        "the control of uncoupled replicas are our choice: an exploration, not a figure of either paper."
    )
    probe: ClassVar[dict] = {"n": 100, "mean_degree": 5.0, "sweeps": 20}
    calibration: ClassVar[dict] = {"n": 2000, "q": 5, "mean_degree": 18.0, "replicas": 3, "sweeps": 500}

    graph: Literal["planted"] = Field(description="ensemble of graphs")
    replicas: int = Field(ge=1, description="replicas y")
    coupling: float = Field(ge=0, le=LARGEST_COUPLING, description="last coupling gamma (the first is 0)")
    hottest: float = Field(gt=0, description="first temperature")
    coldest: float = Field(gt=0, description="last temperature")
    sweeps: int = Field(ge=1, description="length of the annealing in sweeps of every replica")
    stop_overlap: float = Field(gt=0, lt=1, description="final overlap that counts as recovery")

    @model_validator(mode="after")
    def _cools(self) -> Self:
        if self.coldest > self.hottest:
            raise ValueError(f"coldest = {self.coldest}: must not exceed hottest = {self.hottest}")
        return self

    def cost(self) -> Cost:
        """A proposal looks at all neighbours in memory order of their vertices, and at the colours of the replicas."""
        proposal = 14e-9 + 1.8e-9 * self.mean_degree + (15e-9 if self.replicas > 1 and self.coupling else 0.0)
        seconds = 0.05 + self.graph_seconds() + proposal * self.n * self.replicas * self.sweeps
        seconds += 40e-9 * self.n * self.replicas * RECORDS * self.q
        return Cost(seconds, self.n * (60.0 + 2.0 * RECORDS) * self.replicas, 30.0 * RECORDS)

    def run(self, instance, seed: np.random.SeedSequence, progress: Progress) -> xr.Dataset:
        """Return the overlap and energy of the replica of lowest energy, and curves of energy, overlap and distance."""
        run = replicated_coloring_annealing(
            instance,
            self.replicas,
            temperature=(self.hottest, self.coldest),
            coupling=(0.0, self.coupling),
            sweeps=self.sweeps,
            stop_at_solution=False,
            records=RECORDS,
            seed=seed,
            progress=lambda done: progress(done / self.sweeps),
        )
        best = int(run.energy.isel(time=-1).argmin("replica"))
        final = run.isel(time=-1)
        return xr.Dataset(
            {
                "final_overlap": (
                    (),
                    float(final.overlap[best]),
                    named("overlap of the replica of lowest energy with the planted colouring"),
                ),
                "final_energy": ((), float(final.energy[best]), named("lowest energy per vertex")),
                "overlap": ("time", run.overlap.isel(replica=best).values, named("overlap of that replica")),
                "energy": ("time", run.energy.mean("replica").values, named("mean energy per vertex")),
                "distance": ("time", run.distance.values, named("distance between replicas")),
            },
            coords={"time": run.time.variable},
        )
