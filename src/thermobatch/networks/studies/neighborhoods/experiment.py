"""R6: how many solutions surround the one an algorithm finds."""

from typing import ClassVar, Literal, Self

import numpy as np
import xarray as xr
from pydantic import Field, model_validator

from thermobatch.foundation.description import named
from thermobatch.networks.dynamics.annealing import simulated_annealing
from thermobatch.networks.dynamics.belief_propagation import PROTOCOLS, focusing_bp, local_entropy
from thermobatch.networks.dynamics.committee_sgd import replicated_sgd
from thermobatch.networks.studies.instances import PerceptronInstance
from thermobatch.study.experiment import Cost, Experiment, Progress, part

FIELDS = np.arange(31) / 10
MEASURED = ("distance", "entropy", "converged")


class SolutionNeighborhoods(Experiment):
    """One algorithm on one instance, then belief propagation in a field along the solution found."""

    name: ClassVar[str] = "solution_neighborhoods"
    title: ClassVar[str] = "Local entropies around the solutions that algorithms find"
    source: ClassVar[str] = "doi:10.1073/pnas.1608103113"
    fidelity: ClassVar[str] = (
        "The algorithms and the idea that those which find solutions easily end in dense regions are the source's. "
        "Measuring the entropy around each solution by belief propagation, sizes, loads, annealing schedules and "
        "batches are ours."
    )
    probe: ClassVar[dict] = {"n": 51, "alpha": 0.3}
    calibration: ClassVar[dict] = {
        "n": 401,
        "alpha": 0.4,
        "algorithm": "focusing",
        "replicas": 1,
        "energy": "linear",
    }

    n: int = Field(ge=3, description="number of weights N (odd)")
    alpha: float = Field(gt=0, le=0.8, description="patterns per weight alpha")
    algorithm: Literal["annealing", "sgd", "reinforcement", "focusing"] = Field(
        description="simulated annealing, SGD with hidden accumulators, BP reinforcement, or focusing BP"
    )
    replicas: int = Field(default=1, ge=1, le=99, description="replicas y (of annealing and SGD)")
    coupled: bool = Field(
        default=True,
        description="the replicas attract each other (False: the control, the same without attraction)",
    )
    energy: Literal["linear", "step"] = Field(default="linear", description="energy (of annealing)")
    batch_fraction: float = Field(
        default=0.25, gt=0, le=1, description="mini-batch over all patterns (of SGD)"
    )
    epochs: int = Field(default=20000, ge=1, description="most epochs (of SGD)")
    max_proposals: int = Field(default=4_000_000_000, ge=1, description="most proposals (of annealing)")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        self.instance()
        if self.algorithm in ("reinforcement", "focusing") and self.replicas > 1:
            raise ValueError(
                f"replicas = {self.replicas}: must be 1 for {self.algorithm}, whose protocol sets them"
            )
        if not self.coupled and self.replicas == 1:
            raise ValueError("coupled = False: needs several replicas")
        return self

    def instance(self) -> PerceptronInstance:
        """Return the ensemble of patterns."""
        return PerceptronInstance(n=self.n, alpha=self.alpha)

    def cost(self) -> Cost:
        """Messages times iterations in all fields, and the search (a fit at alpha = 0.4; annealing varies much)."""
        messages = self.alpha * self.n**2
        around = (1.2e-6 if self.algorithm == "annealing" else 7.5e-7) * messages
        search = {
            "annealing": min(self._proposals_seconds(), 1.3e-8 * self.max_proposals),
            "sgd": 0.006 * self.replicas**0.5 * (self.n / 801) ** 2,
            "reinforcement": 80 * 5e-9 * messages,
            "focusing": 450 * 5e-9 * messages,
        }[self.algorithm]
        return Cost(0.02 + search + around, 12.0 * messages, 1.5e3)

    def _proposals_seconds(self) -> float:
        """Time to anneal: it grows fast with N, alone or with the step energy."""
        if self.replicas == 1 or not self.coupled:
            return 0.05 * self.replicas * float(np.exp((self.n - 801) / 170))
        return 0.01 * (self.n / 801) ** 2 if self.energy == "linear" else 0.5 * (self.n / 801) ** 5

    def run(self, instance, seed: np.random.SeedSequence, progress: Progress) -> xr.Dataset:
        """Return whether a solution was found, and distance and entropy around it against the field (else nan).

        Replicated SGD often ends with a solution of the centre; it goes on until a replica has one, and the entropies
        around that are returned as well. Message passing has no replicas, the others end with a replica.
        """
        search_seed, measure_seed = seed.spawn(2)
        found = self._search(instance, search_seed, part(progress, 0.0, 0.5))
        solved = bool(found.solved)
        centre = "best_replica" in found and int(found.best_replica) < 0
        around = replica = dict.fromkeys(MEASURED, np.full(FIELDS.size, np.nan))
        if solved:
            around = self._around(instance, found.weights.values, measure_seed, part(progress, 0.5, 0.75))
        if centre:
            weights = self._replica_solution(instance, search_seed, int(found.epochs))
            if weights is not None:
                replica = self._around(instance, weights, measure_seed, part(progress, 0.75, 1.0))
        elif self.algorithm in ("annealing", "sgd"):
            replica = around
        return xr.Dataset(
            {
                "solved": ((), float(solved), named("a solution was found")),
                "centre": ((), float(centre), named("the solution is the centre of the replicas")),
                "distance": ("field", around["distance"], named("Hamming distance from the solution d / N")),
                "entropy": (
                    "field",
                    around["entropy"],
                    named("entropy of the solutions at that distance", "nats per weight"),
                ),
                "converged": ("field", around["converged"], named("messages converged")),
                "replica_distance": (
                    "field",
                    replica["distance"],
                    named("Hamming distance from a replica that is a solution d / N"),
                ),
                "replica_entropy": (
                    "field",
                    replica["entropy"],
                    named("entropy of the solutions at that distance of a replica", "nats per weight"),
                ),
            },
            coords={"field": ("field", FIELDS, named("field gamma along the solution"))},
        )

    def _around(self, instance, weights: np.ndarray, seed, progress: Progress) -> dict[str, np.ndarray]:
        """Measure distance and entropy around a configuration, against the field."""
        report = part(progress, 0.0, 1.0, FIELDS.size)
        measured = local_entropy(instance, weights, seed, gamma=FIELDS, progress=report)
        return {name: measured[name].values.astype(float) for name in MEASURED}

    def _replica_solution(self, instance, seed, epochs: int) -> np.ndarray | None:
        """Run the same replicated SGD until a replica, not only the centre, has no error; None if none has."""
        while True:
            run = self._train(instance, seed, epochs, stop=False)
            solved = (run.training_errors == 0).any("replica").values
            if solved.any() or epochs >= self.epochs:
                break
            epochs = min(epochs + 50, self.epochs)
        if not solved.any():
            return None
        run = self._train(instance, seed, max(1, int(np.argmax(solved))), stop=False)
        return run.replica_weights.values[int(np.argmin(run.training_errors.values[-1]))]

    def _train(self, instance, seed, epochs: int, **settings) -> xr.Dataset:
        """Run SGD, alone or as coupled replicas."""
        batch = max(1, round(self.batch_fraction * instance.n_patterns))
        settings |= {} if self.coupled else {"attraction": 0.0}
        return replicated_sgd(instance, self.replicas, batch, epochs=epochs, seed=seed, **settings)

    def _search(self, instance, seed: np.random.SeedSequence, progress: Progress) -> xr.Dataset:
        """Run the algorithm."""
        if self.algorithm == "annealing":
            settings = {"max_proposals": self.max_proposals, "records": 1, "seed": seed}
            settings |= {} if self.coupled else {"coupling": (0.0, 0.0)}
            settings["progress"] = part(progress, 0.0, 1.0, self.max_proposals)
            return simulated_annealing(instance, self.replicas, self.energy, **settings)
        if self.algorithm == "sgd":
            return self._train(instance, seed, self.epochs, progress=part(progress, 0.0, 1.0, self.epochs))
        protocol = PROTOCOLS["reinforcement" if self.algorithm == "reinforcement" else "pseudo"]()
        report = part(progress, 0.0, 1.0, protocol.gamma.size)
        return focusing_bp(instance, protocol=protocol, seed=seed, entropies=False, progress=report)
