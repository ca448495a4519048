"""R1: what surrounds flat and isolated solutions of an enumerated perceptron, and which of them replicas choose."""

from typing import ClassVar, Literal, Self

import numpy as np
import xarray as xr
from pydantic import Field, model_validator

from thermobatch.foundation.description import named
from thermobatch.networks.enumeration import (
    MOST_VARIABLES,
    distance_profile,
    enumerate_energies,
    neighbouring_solutions,
    replica_law,
)
from thermobatch.networks.studies.instances import PerceptronInstance
from thermobatch.study.experiment import Cost, Experiment, Progress

SURROUNDINGS = ("flat", "isolated", "typical")
BIN_EDGES = np.linspace(0.0, 0.45, 28)


class PerceptronLandscape(Experiment):
    """Exact: all 2^N configurations; a solution is flat if many solutions lie within a radius, isolated if few."""

    name: ClassVar[str] = "perceptron_landscape"
    title: ClassVar[str] = "Flat and isolated solutions of an enumerated binary perceptron"
    source: ClassVar[str] = "doi:10.1073/pnas.1608103113"
    fidelity: ClassVar[str] = (
        "The idea and the robust ensemble (replicas coupled to a centre) are the paper's, which draws it as a "
        "cartoon. Here it is exact, on small instances; N, alpha, the radius and the couplings are our choice. At this "
        "N nothing is asymptotic: isolated means fewest neighbours."
    )
    probe: ClassVar[dict] = {"n": 11, "radius": 2, "couplings": [0.5, 1.0]}
    calibration: ClassVar[dict] = {"n": 19, "radius": 3, "replicas": [3], "couplings": [0.5, 1.0]}

    n: int = Field(ge=1, le=MOST_VARIABLES, description="number of weights N (odd)")
    alpha: float = Field(gt=0, description="load alpha = M / N")
    labels: Literal["random", "teacher"] = Field(default="random", description="labels of the patterns")
    radius: int = Field(ge=1, description="distance, in flips, within which neighbours are counted")
    replicas: list[int] = Field(min_length=1, description="numbers of replicas y")
    couplings: list[float] = Field(min_length=1, description="couplings gamma, increasing")

    @model_validator(mode="after")
    def _physical(self) -> Self:
        self.instance()
        if self.radius > self.n:
            raise ValueError(f"radius = {self.radius}: must be at most n = {self.n}")
        for name, least in (("replicas", 1), ("couplings", 0)):
            values = getattr(self, name)
            if min(values) < least or sorted(set(values)) != values:
                raise ValueError(f"{name} = {values}: must be increasing, the first at least {least}")
        return self

    def instance(self) -> PerceptronInstance:
        """Return the ensemble of patterns."""
        return PerceptronInstance(n=self.n, alpha=self.alpha, labels=self.labels)

    def cost(self) -> Cost:
        """Passes over all configurations: two transforms of N passes for every law."""
        laws = sum(1 if replicas == 1 else len(self.couplings) for replicas in self.replicas)
        states = 2.0**self.n
        seconds = 0.04 + states * (1.4e-7 + laws * (1.6e-9 * self.n + 1.2e-8))
        return Cost(seconds, 60.0 * states, 500.0 * self.n)

    def run(self, instance, seed: np.random.SeedSequence, progress: Progress) -> xr.Dataset:
        """Return profiles around solutions and the local entropy of the solutions that replicas sample."""
        energies = enumerate_energies(instance, "step")
        found = neighbouring_solutions(energies, self.radius)
        progress(0.1)
        local = np.log(found.neighbours.values) / self.n
        result = self._profiles(energies, found, instance.n_patterns)
        result["solutions"] = ((), found.sizes["solution"], named("solutions of the instance"))
        entropies = np.full((len(self.replicas), len(self.couplings)), np.nan)
        shares = np.full((*entropies.shape, BIN_EDGES.size - 1), np.nan)
        for row, replicas in enumerate(self.replicas):
            for column, coupling in enumerate(self.couplings):
                if replicas == 1 and column:  # without partners the coupling has no effect
                    entropies[row, column], shares[row, column] = entropies[row, 0], shares[row, 0]
                elif local.size:
                    law = replica_law(energies, replicas, np.inf, coupling)[found.code.values]
                    entropies[row, column] = law @ local
                    shares[row, column] = np.histogram(local, BIN_EDGES, weights=law)[0]
                progress(0.1 + 0.9 * (row * len(self.couplings) + column + 1) / entropies.size)
        dims = ("replica_count", "gamma")
        label = "mean local entropy of a sampled solution, log(solutions within the radius) / N"
        result["local_entropy"] = (dims, entropies, named(label))
        result["share"] = (
            (*dims, "bin"),
            shares,
            named("share of the sampled solutions in a bin of local entropy"),
        )
        centres = 0.5 * (BIN_EDGES[1:] + BIN_EDGES[:-1])
        return result.assign_coords(
            replica_count=("replica_count", self.replicas, named("replicas y")),
            gamma=("gamma", self.couplings, named("coupling gamma")),
            bin=("bin", centres, named("local entropy")),
        )

    def _profiles(self, energies: np.ndarray, found: xr.Dataset, n_patterns: int) -> xr.Dataset:
        """Return solutions and mean errors by distance from the flattest, the most isolated and the median solution."""
        distance = np.arange(self.n + 1) / self.n
        solutions = np.full((len(SURROUNDINGS), self.n + 1), np.nan)
        errors = solutions.copy()
        if found.sizes["solution"]:
            order = np.argsort(found.neighbours.values, kind="stable")
            middle = order[len(order) // 2]
            for row, place in enumerate((order[-1], order[0], middle)):
                profile = distance_profile(energies, int(found.code[place]))
                solutions[row] = profile.solutions
                errors[row] = profile.energy / n_patterns
        dims = ("surrounding", "distance")
        return xr.Dataset(
            {
                "profile_solutions": (dims, solutions, named("solutions at a distance")),
                "profile_error": (dims, errors, named("mean share of wrong patterns at a distance")),
            },
            coords={
                "surrounding": ("surrounding", list(SURROUNDINGS), named("solution looked around from")),
                "distance": ("distance", distance, named("Hamming distance / N")),
            },
        )
