"""The ensembles of patterns that experiments share (Baldassi et al., PNAS 113, E7655 (2016))."""

from typing import ClassVar, Literal, Self

import numpy as np
import xarray as xr
from pydantic import Field, model_validator

from thermobatch.networks import committee as committees
from thermobatch.networks import perceptron as perceptrons
from thermobatch.networks.patterns import checked_odd, pattern_count
from thermobatch.study.experiment import Instance


class PatternInstance(Instance):
    """Fair random inputs with the labels of fair coins or of a teacher; base of both ensembles."""

    n: int = Field(ge=1)
    alpha: float = Field(gt=0)
    labels: Literal["random", "teacher"] = "random"

    @model_validator(mode="after")
    def _has_patterns(self) -> Self:
        pattern_count(self.n, self.alpha, self.units())
        return self

    def units(self) -> int:
        """Return the number of hidden units K."""
        return 1

    def n_patterns(self) -> int:
        """Return the number of patterns M."""
        return pattern_count(self.n, self.alpha, self.units())[1]

    def size_bytes(self) -> float:
        """Inputs and labels, a byte each, and the teacher's weights."""
        return float(self.n_patterns() * (self.n + 1) + self.units() * self.n)


class PerceptronInstance(PatternInstance):
    """Patterns of the binary perceptron, M = alpha N."""

    kind: ClassVar[str] = "perceptron"

    def make(self, seed: np.random.SeedSequence) -> perceptrons.Perceptron:
        """Draw one set of patterns."""
        return perceptrons.perceptron(self.n, self.alpha, seed, labels=self.labels)

    def from_dataset(self, dataset: xr.Dataset) -> perceptrons.Perceptron:
        """Read one set of patterns."""
        return perceptrons.from_dataset(dataset)


class CommitteeInstance(PatternInstance):
    """Patterns of the committee machine of K hidden units, M = alpha N K."""

    kind: ClassVar[str] = "committee"
    hidden: int = Field(ge=1)

    def units(self) -> int:
        """Return the number of hidden units K."""
        return checked_odd("hidden", self.hidden)

    def make(self, seed: np.random.SeedSequence) -> committees.Committee:
        """Draw one set of patterns."""
        return committees.committee(self.n, self.hidden, self.alpha, seed, labels=self.labels)

    def from_dataset(self, dataset: xr.Dataset) -> committees.Committee:
        """Read one set of patterns."""
        return committees.from_dataset(dataset)
