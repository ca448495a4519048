"""What all colouring experiments have in common: the graph, its instances and what a sweep costs."""

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from thermobatch.experiments.experiment import Experiment
from thermobatch.experiments.instances import ColoringInstance


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

    def sweep_seconds(self, sweeps: float) -> float:
        """Return the time of some sweeps on the reference machine (sequential order, half-edge batches).

        A proposal takes 6 ns while the words of all vertices stay in the second-level cache, 10 ns beyond; drawing
        and reading a graph takes 80 ns a half-edge.
        """
        per_proposal = 6e-9 if self.n <= 30_000 else 10e-9
        return self.n * (sweeps * per_proposal + 80e-9 * self.mean_degree)

    def chain_bytes(self) -> float:
        """Return the memory of one chain: a word, colours and copies of them per vertex."""
        return 24.0 * self.n
