"""The ensembles of graphs that experiments share."""

from typing import ClassVar, Literal, Self

import numpy as np
import xarray as xr
from pydantic import Field, model_validator

from thermobatch.coloring.graph import ColoringGraph, planted_coloring, random_coloring
from thermobatch.study.experiment import Instance


class ColoringInstance(Instance):
    """Planted or random colouring graphs (Angelini et al., Sci. Rep. 14, 11638 (2024))."""

    kind: ClassVar[str] = "coloring"
    graph: Literal["planted", "random"]
    n: int = Field(ge=2)
    q: int = Field(ge=2, le=32)
    mean_degree: float = Field(gt=0)
    shuffle: bool = False

    @model_validator(mode="after")
    def _physical(self) -> Self:
        if self.graph == "planted" and self.n % self.q:
            raise ValueError(
                f"q = {self.q} does not divide n = {self.n}: planted groups are equal; "
                f"n = {self.n - self.n % self.q or self.q} would do"
            )
        if round(self.mean_degree * self.n / 2) < 1:
            raise ValueError(
                f"mean_degree = {self.mean_degree} with n = {self.n}: the graph would have no edge"
            )
        return self

    def make(self, seed: np.random.SeedSequence) -> ColoringGraph:
        """Draw one graph."""
        if self.graph == "random":
            return random_coloring(self.n, self.q, self.mean_degree, seed)
        return planted_coloring(self.n, self.q, self.mean_degree, seed, shuffle=self.shuffle)

    def from_dataset(self, dataset: xr.Dataset) -> ColoringGraph:
        """Read one graph."""
        return ColoringGraph.from_dataset(dataset)

    def size_bytes(self) -> float:
        """Adjacency (int32 at both ends of every edge), offsets and the planted colours."""
        return self.n * (4 * self.mean_degree + 9)
