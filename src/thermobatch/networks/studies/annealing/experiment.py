"""R2: what simulated annealing and replicated annealing of the binary perceptron cost, versus its size."""

from typing import ClassVar, Literal, Self

import numpy as np
import xarray as xr
from pydantic import Field, model_validator

from thermobatch.foundation.description import named
from thermobatch.networks.dynamics.annealing import BETA_RAMPS, simulated_annealing
from thermobatch.networks.studies.instances import PerceptronInstance
from thermobatch.study.experiment import Cost, Experiment, Progress


class PerceptronAnnealing(Experiment):
    """Proposals and accepted moves until a solution is found, over all attempts; censored after whole attempts."""

    name: ClassVar[str] = "perceptron_annealing"
    title: ClassVar[str] = "Cost of simulated annealing and of replicated annealing of the binary perceptron"
    source: ClassVar[str] = "doi:10.1073/pnas.1608103113"
    fidelity: ClassVar[str] = (
        "Model, load and number of replicas are the paper's, and so is the comparison: moves to a solution against N. "
        "Its annealing schedule and its energy are not known to us. Ours: linear energy, linear ramps of beta and "
        "gamma, attempts that double from 16 sweeps until one succeeds, cost of all attempts; a run is censored after "
        "the last attempt that ends below a cap of proposals."
    )
    probe: ClassVar[dict] = {"n": 101, "max_proposals": 100_000}
    calibration: ClassVar[dict] = {
        "n": 801,
        "alpha": 2.0,
        "replicas": 3,
        "energy": "linear",
        "beta": None,
        "max_proposals": 20_000_000,
    }

    n: int = Field(ge=1, description="number of weights N (odd)")
    alpha: float = Field(gt=0, description="load alpha = M / N")
    labels: Literal["random", "teacher"] = Field(default="random", description="labels of the patterns")
    replicas: int = Field(ge=1, description="replicas y (1: plain simulated annealing)")
    coupled: bool = Field(
        default=True,
        description="the replicas attract each other (False: the control, same schedule with gamma = 0)",
    )
    energy: Literal["linear", "step"] = Field(default="linear", description="energy that is annealed")
    centre: Literal["traced", "explicit"] = Field(default="traced", description="centre of the replicas")
    beta: list[float] | None = Field(
        default=None,
        min_length=2,
        max_length=2,
        description="first and last inverse temperature, in units of 2 / sqrt(N) for the linear energy",
    )
    coupling: list[float] | None = Field(
        default=None, min_length=2, max_length=2, description="first and last coupling gamma"
    )
    sweeps: int = Field(default=16, ge=1, description="sweeps of the first attempt")
    max_proposals: int = Field(ge=1, description="cap of a run in proposals, which no attempt exceeds")

    @model_validator(mode="after")
    def _physical(self) -> Self:
        self.instance()
        if self.whole_attempts() < 1:
            raise ValueError(
                f"max_proposals = {self.max_proposals}: must hold the first attempt, {self._first_attempt()} proposals"
            )
        for name in ("beta", "coupling"):
            ramp = getattr(self, name)
            if ramp is not None and min(ramp) < 0:
                raise ValueError(f"{name} = {ramp}: must be two numbers >= 0")
        if not self.coupled and (self.replicas == 1 or self.coupling is not None):
            raise ValueError("coupled = False: needs several replicas, and coupling left out")
        return self

    def instance(self) -> PerceptronInstance:
        """Return the ensemble of patterns."""
        return PerceptronInstance(n=self.n, alpha=self.alpha, labels=self.labels)

    def _first_attempt(self) -> int:
        """Return the proposals of the first attempt; every other one is twice as long as the one before."""
        return self.sweeps * self.n * (self.replicas + (self.centre == "explicit"))

    def whole_attempts(self) -> int:
        """Return the number of attempts that the cap holds to their ends."""
        return attempts_below(self.max_proposals, self._first_attempt())

    def ramp(self) -> tuple[float, float]:
        """Return the first and the last inverse temperature of the schedule."""
        return tuple(self.beta) if self.beta else BETA_RAMPS[self.energy, self.replicas > 1]

    def cost(self) -> Cost:
        """A proposal takes nanoseconds, more where replicas flip often; patterns are read and packed once."""
        patterns = self.instance().size_bytes()
        proposal = 15e-9 if self.replicas == 1 else 15e-9 + min(2.8e-15 * self.n**2, 250e-9)
        seconds = 0.01 + 5e-9 * patterns + proposal * self.expected_proposals()
        return Cost(seconds, (6.0 + 4.0 * self.replicas) * patterns, 100.0)

    def expected_proposals(self) -> float:
        """Return the mean proposals of a run: fits at alpha = .3 with default schedules; the cap at other loads."""
        if self.alpha > 0.31 or self.energy != "linear":
            return float(self.max_proposals)
        if self.replicas > 1 and self.coupled:
            return min(self.max_proposals, 1.4e4 * (self.n / 801) ** 2.2)
        return min(self.max_proposals, 70.0 * np.exp(0.25 * np.sqrt(self.n)))

    def run(self, instance, seed: np.random.SeedSequence, progress: Progress) -> xr.Dataset:
        """Return the cost, whether the run was solved, its attempts and the lowest energy of the last one."""
        cap = self._first_attempt() * (2 ** self.whole_attempts() - 1)
        found = simulated_annealing(
            instance,
            self.replicas,
            self.energy,
            beta=self.beta,
            coupling=self.coupling if self.coupled else (0.0, 0.0),
            centre=self.centre,
            sweeps=self.sweeps,
            max_proposals=cap,
            records=1,
            seed=seed,
            progress=lambda made: progress(made / cap),
        )
        return costs(found)


def attempts_below(cap: int, first: int) -> int:
    """Return how many attempts, each twice as long as the one before, a cap holds to their ends."""
    return (cap // first + 1).bit_length() - 1


def costs(found: xr.Dataset) -> xr.Dataset:
    """Return of a run of :func:`simulated_annealing` what it cost, whether it was solved, its attempts, its energy."""
    kept = found[["proposals", "accepted", "energy"]].drop_attrs(deep=False)
    kept["solved"] = ((), int(found.solved), named("a replica has energy 0 (1) or not (0)"))
    kept["attempts"] = ((), found.sizes["attempt"], named("attempts made"))
    for name in ("proposals", "accepted"):
        before = int(found[f"attempt_{name}"][:-1].sum())
        kept[f"failed_{name}"] = ((), before, named(f"{found[name].long_name} before the last"))
    return kept
