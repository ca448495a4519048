"""What all colouring experiments have in common: the graph, its instances and what a sweep costs."""

from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from thermobatch.coloring.studies.instances import ColoringInstance
from thermobatch.coloring.theory.equilibrium import metropolis_acceptance_rate
from thermobatch.study.experiment import Experiment

RUN_SECONDS = 0.004  # of one run: adjacency to words, acceptance table, T(B), the dataset


class ColoringExperiment(Experiment):
    """An experiment on planted or random graphs; base of the colouring experiments."""

    source: ClassVar[str] = "doi:10.1038/s41598-024-62625-8"

    graph: Literal["planted", "random"] = Field(description="ensemble of graphs")
    n: int = Field(ge=2, description="number of vertices N")
    q: int = Field(ge=2, le=32, description="number of colours q")
    mean_degree: float = Field(gt=0, description="mean degree c")
    shuffle: bool = Field(default=False, description="vertex labels shuffled")

    @model_validator(mode="after")
    def _has_instances(self) -> Self:
        self.instance()
        return self

    def instance(self) -> ColoringInstance:
        """Return the ensemble of graphs."""
        return ColoringInstance(
            graph=self.graph, n=self.n, q=self.q, mean_degree=self.mean_degree, shuffle=self.shuffle
        )

    def sweep_seconds(self, sweeps: float, temperature: float) -> float:
        """Return the time of some sweeps on the reference machine (table acceptance, q <= 7).

        A proposal takes 3 ns while all words stay in the second-level cache and 36 ns when they come from memory, an
        accepted one 1.25 to 5 ns more per neighbour; `temperature` (for SGD-like dynamics T(B)) decides how many are.
        """
        missed = np.interp(np.log10(self.n), (4.0, 4.7, 5.0, 6.0), (3.0, 4.4, 6.5, 36.0))
        updated = np.interp(np.log10(self.n), (4.0, 4.7, 5.0, 6.0), (1.25, 1.25, 1.6, 5.0))
        rate = metropolis_acceptance_rate(max(temperature, 0.1), mean_degree=self.mean_degree, q=self.q)
        return 1e-9 * self.n * sweeps * (missed + updated * rate * self.mean_degree)

    def runs_seconds(self, runs: float, sweeps: float, temperature: float) -> float:
        """Return the time of some runs of so many sweeps: the sweeps, and what a run takes to start and to end."""
        return runs * (RUN_SECONDS + 1e-7 * self.n) + self.sweep_seconds(runs * sweeps, temperature)

    def graph_seconds(self) -> float:
        """Return the time to draw or read one graph on the reference machine."""
        return 1e-9 * np.interp(np.log10(self.n), (5.0, 6.0), (70.0, 120.0)) * self.n * self.mean_degree

    def chain_bytes(self) -> float:
        """Return the memory of one chain: a word, colours and copies of them per vertex."""
        return 24.0 * self.n
