"""R7: do weakly coupled replicas, cooled together, recover planted colourings where a single one does not?"""

from functools import lru_cache
from typing import ClassVar, Literal, Self

import numpy as np
import xarray as xr
from pydantic import Field, model_validator

from thermobatch.coloring.dynamics.annealing import MOST_REPLICAS, anneal_coloring
from thermobatch.coloring.studies.chain_experiment import ColoringExperiment
from thermobatch.coloring.theory.effective_temperature import batch_fraction_for_temperature
from thermobatch.coloring.theory.replica_stability import replica_instability
from thermobatch.foundation.description import named
from thermobatch.study.experiment import Cost, Progress

RECORDS = 64
NODES = 129  # temperatures at which B(T) is computed; between them it is linear


class ReplicatedColoring(ColoringExperiment):
    """One annealing of R replicas; it has recovered when the overlap of a replica exceeds a threshold."""

    name: ClassVar[str] = "replicated_coloring"
    title: ClassVar[str] = "Recovery of the planted colouring by annealing coupled replicas"
    source: ClassVar[str] = "doi:10.1103/PhysRevX.13.021011; arXiv:2206.04760"
    fidelity: ClassVar[str] = (
        "The claim is the paper's: weakly coupled replicas cooled together recover down to the Bayes-optimal "
        "threshold. Of the paper we know the abstract, so that the energy of the coupling, the linear schedule from "
        "T = 1 to 0 at constant gamma, the sequential order and the overlap that counts as recovery are those of an "
        "authors' program. N, c, R, gamma, the numbers of sweeps and graphs, and the controls are our choice."
    )
    probe: ClassVar[dict] = {"n": 100, "mean_degree": 5.0, "sweeps": 64}
    calibration: ClassVar[dict] = {
        "n": 1000,
        "q": 5,
        "mean_degree": 16.0,
        "replicas": 10,
        "coupling": 0.5,
        "sweeps": 2000,
        "stop_overlap": 0.99,
    }

    graph: Literal["planted"] = Field(description="ensemble of graphs")
    replicas: int = Field(ge=1, le=MOST_REPLICAS, description="number of replicas R")
    coupling: float = Field(ge=0, description="coupling gamma")
    batches: bool = Field(
        default=False, description="mini-batches of edges and replicas instead of Metropolis moves"
    )
    hottest: float = Field(gt=0, description="first temperature")
    coldest: float = Field(ge=0, description="temperature at the end")
    sweeps: int = Field(ge=RECORDS, description="length of the annealing in sweeps of every replica")
    stop_overlap: float = Field(gt=0, lt=1, description="overlap that counts as recovery")

    @model_validator(mode="after")
    def _cools(self) -> Self:
        if self.coldest > self.hottest:
            raise ValueError(f"coldest = {self.coldest}: must not exceed hottest = {self.hottest}")
        if self.replicas == 1 and self.coupling > 0:
            raise ValueError(
                f"coupling = {self.coupling}: must be 0 with one replica, which has nothing to couple to"
            )
        return self

    def cost(self) -> Cost:
        """Proposals of a whole schedule, or of the share of it that a run is expected to make."""
        proposal = (40e-9 if self.batches else 6.5e-9) + 0.25e-9 * self.mean_degree
        seconds = 0.03 + self.graph_seconds() + self.sweeps * 6e-6 * (1 + self.replicas / 4)
        seconds += proposal * self.n * self.replicas * self.sweeps * self._expected_share()
        seconds += 30e-9 * self.n * self.replicas * RECORDS * self.q
        return Cost(seconds, self.n * 40.0 * self.replicas + 24.0 * self.sweeps, 40.0 * RECORDS)

    def _expected_share(self) -> float:
        """Of the schedule: coupled replicas recover hot, a single one near T = 1/2, below c = 16 none does."""
        if self.mean_degree <= 16 or self.q != 5:
            return 1.0
        if self.replicas > 1 and 0.3 <= self.coupling <= 1:
            return 0.6 if self.mean_degree < 17 else 0.35
        return 1.0 if self.mean_degree < 18 else 0.7

    def run(self, instance, seed: np.random.SeedSequence, progress: Progress) -> xr.Dataset:
        """Return when and how hot a replica has recovered (NaN: never), and the course of the annealing."""
        run = anneal_coloring(
            instance,
            self.sweeps,
            seed,
            temperature=(self.hottest, self.coldest),
            replicas=self.replicas,
            coupling=self.coupling,
            batch_fraction=self._fractions() if self.batches else None,
            stop_overlap=self.stop_overlap,
            records=RECORDS,
            progress=lambda done: progress(done / self.sweeps),
        )
        along = run.time.values / self.sweeps
        courses = {
            "energy": (run.energy.mean("replica").values, "mean energy per vertex"),
            "overlap": (run.overlap.max("replica").values, "largest overlap with the planted colouring"),
            "pair_overlap": (run.pair_overlap.values, "mean overlap of two replicas"),
        }
        instability = replica_instability(
            self.coupling, replicas=self.replicas, mean_degree=self.mean_degree, q=self.q
        )
        single = {
            "stopped_at": (run.stopped_at.values, "sweeps made", "sweeps"),
            "first_passage": (run.first_passage.values, "sweep of the recovery", "sweeps"),
            "passage_temperature": (run.passage_temperature.values, "temperature of the recovery", "1"),
            "instability": (instability, "instability of the coupled paramagnet", "1"),
        }
        return xr.Dataset(
            {name: ("record", values, named(words)) for name, (values, words) in courses.items()}
            | {name: ((), values, named(words, units)) for name, (values, words, units) in single.items()},
            coords={
                "record": np.arange(along.size),
                "schedule": ("record", np.linspace(0, 1, along.size), named("part of the schedule")),
            },
        )

    def _fractions(self) -> np.ndarray:
        """Return B of every sweep, such that the zero-drift T(B) is the temperature of that sweep."""
        temperature = self.hottest + (self.coldest - self.hottest) * np.arange(self.sweeps) / self.sweeps
        nodes, fractions = matched_fractions(self.hottest, self.coldest, self.mean_degree, self.q)
        return np.interp(temperature, nodes, fractions)


@lru_cache(maxsize=8)
def matched_fractions(
    hottest: float, coldest: float, mean_degree: float, q: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return temperatures, increasing, and the mini-batch fractions whose zero-drift T(B) they are."""
    nodes = np.linspace(coldest, hottest, NODES)
    return nodes, np.atleast_1d(batch_fraction_for_temperature(nodes, mean_degree=mean_degree, q=q))
