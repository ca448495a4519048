"""R9: what annealing costs, alone and as replicas, with weights of several bits, and how flat its solutions are."""

from dataclasses import replace
from functools import lru_cache
from typing import ClassVar, Literal, Self

import numpy as np
import xarray as xr
from pydantic import Field, model_validator

from thermobatch.foundation.description import named
from thermobatch.networks.dynamics.annealing import simulated_annealing
from thermobatch.networks.levels import level_values
from thermobatch.networks.patterns import Patterns, stabilities
from thermobatch.networks.studies.annealing.experiment import attempts_below, costs
from thermobatch.networks.studies.instances import PerceptronInstance
from thermobatch.networks.theory.level_entropy import level_capacity
from thermobatch.study.experiment import Cost, Experiment, Progress, part

DISTANCES = (0.0025, 0.005, 0.01, 0.02)
"""Normalised distances at which a solution is disturbed; a level for every weight is 1, 1/9, 1/49 for 1, 2, 3 bits."""

CAPACITIES = (0.833, 1.36, 1.66, 1.82, 1.91, 1.96)
"""Roughly, by bits: for the cost alone."""
EXPECTED = (((5e4, 4.7), (1.1e5, 2.9), (8.5e4, 2.0)), ((2.2e4, 2.3), (5e4, 2.0), (4.5e4, 1.75)))
"""Mean proposals at N = 801 and 0.36 of the capacity, and their exponent, by (several replicas, bits)."""


class PerceptronBits(Experiment):
    """Proposals and accepted moves until a solution is found, and its errors after random moves by one level."""

    name: ClassVar[str] = "perceptron_bits"
    title: ClassVar[str] = "Annealing of perceptrons whose weights have several bits, alone and as replicas"
    source: ClassVar[str] = "doi:10.1073/pnas.1608103113"
    fidelity: ClassVar[str] = (
        "Of the paper only the sentence of its abstract is known to us, that dense regions depend weakly on the number "
        "of precision bits of the weights. All else is ours: weights on 2^p odd levels, moves by one level, replicas "
        "coupled by their distance in units of the largest weight, loads (equal ones, and equal shares of a replica "
        "symmetric estimate of the capacity), linear energy, ramps, doubling attempts, flatness by random moves."
    )
    probe: ClassVar[dict] = {"n": 65, "max_proposals": 60_000, "disturbances": 4}
    calibration: ClassVar[dict] = {
        "n": 801,
        "alpha": 2.0,
        "replicas": 3,
        "energy": "linear",
        "last_beta": 50.0,
        "max_proposals": 5_000_000,
    }

    n: int = Field(ge=3, description="number of weights N (odd)")
    bits: int = Field(ge=1, le=6, description="precision p of a weight: 2^p levels")
    alpha: float = Field(gt=0, le=2, description="load alpha = M / N")
    replicas: int = Field(ge=1, description="replicas y (1: plain simulated annealing)")
    energy: Literal["linear", "step"] = Field(default="linear", description="energy that is annealed")
    last_beta: float = Field(
        gt=0,
        description="last inverse temperature, ten times the first (linear energy: in units of 2 / sqrt(N))",
    )
    last_coupling: float | None = Field(
        default=None, ge=0, description="last coupling gamma of several replicas (left out: 3 (2^p - 1)^2)"
    )
    sweeps: int = Field(default=16, ge=1, description="sweeps of the first attempt")
    max_proposals: int = Field(ge=1, description="cap of a run in proposals, which no attempt exceeds")
    disturbances: int = Field(
        default=64, ge=1, description="random disturbances of a solution at each distance"
    )

    @model_validator(mode="after")
    def _physical(self) -> Self:
        self.instance()
        if self.whole_attempts() < 1:
            raise ValueError(
                f"max_proposals = {self.max_proposals}: must hold the first attempt, {self._first_attempt()} proposals"
            )
        if self.replicas == 1 and self.last_coupling is not None:
            raise ValueError(f"last_coupling = {self.last_coupling}: must be left out for one replica")
        return self

    def instance(self) -> PerceptronInstance:
        """Return the ensemble of patterns, which does not depend on the bits."""
        return PerceptronInstance(n=self.n, alpha=self.alpha)

    def _first_attempt(self) -> int:
        return self.sweeps * self.n * self.replicas

    def whole_attempts(self) -> int:
        """Return the number of attempts that the cap holds to their ends."""
        return attempts_below(self.max_proposals, self._first_attempt())

    def cost(self) -> Cost:
        """Proposals, attempts that pack the patterns anew, and disturbances; fits of standard scale."""
        patterns = self.instance().size_bytes()
        attempts = max(1.0, np.log2(1 + self.expected_proposals() / self._first_attempt()))
        proposal = 8e-9 + 9e-12 * self.alpha * self.n
        seconds = 0.01 + 7e-9 * patterns * attempts + proposal * self.expected_proposals()
        seconds += (1.2e-8 + 9e-11 * len(DISTANCES) * self.disturbances) * patterns
        return Cost(seconds, (10.0 + 4.0 * self.replicas) * patterns, 300.0)

    def expected_proposals(self) -> float:
        """Return the mean proposals of a run: fits of standard scale (linear energy); the cap at higher loads."""
        load = self.alpha / CAPACITIES[self.bits - 1]
        if load > 0.37 or self.energy != "linear":
            return float(self.max_proposals)
        usual, exponent = EXPECTED[self.replicas > 1][min(self.bits, len(EXPECTED[0])) - 1]
        if load < 0.3:
            usual, exponent = (1.5e4, 1.5) if self.replicas > 1 else (6e3, 2.0)
        return min(self.max_proposals, usual * (self.n / 801) ** exponent)

    def run(self, instance, seed: np.random.SeedSequence, progress: Progress) -> xr.Dataset:
        """Return the cost, whether the run was solved, and the errors of the solution disturbed (nan: none)."""
        search_seed, disturb_seed = seed.spawn(2)
        several = replace(instance, levels=2**self.bits)
        cap = self._first_attempt() * (2 ** self.whole_attempts() - 1)
        found = simulated_annealing(
            several,
            self.replicas,
            self.energy,
            beta=(self.last_beta / 10, self.last_beta),
            coupling=None if self.last_coupling is None else (0.0, self.last_coupling),
            sweeps=self.sweeps,
            max_proposals=cap,
            records=1,
            seed=search_seed,
            progress=part(progress, 0.0, 0.9, cap),
        )
        kept = costs(found)
        kept["overlap"] = ((), float(found.overlap[-1]), named("mean overlap of two replicas at the end"))
        kept["capacity"] = ((), capacity(self.bits), named("capacity", "patterns per weight"))
        random = np.random.default_rng(disturb_seed)
        wrong = np.full(len(DISTANCES), np.nan)
        if found.solved:
            wrong = np.array(
                [self._wrong(several, found.weights.values, moves, random) for moves in self.moves()]
            )
        progress(1.0)
        kept["wrong"] = ("distance", wrong, named("share of wrong patterns after random moves"))
        return kept.assign_coords(distance=("distance", list(DISTANCES), named("normalised distance d")))

    def moves(self) -> list[int]:
        """Return how many weights are moved by a level at each distance: d N (2^p - 1)^2, rounded, 1 at least."""
        scale = self.n * (2**self.bits - 1) ** 2
        return [min(self.n, max(1, round(distance * scale))) for distance in DISTANCES]

    def _wrong(
        self, instance: Patterns, weights: np.ndarray, moves: int, random: np.random.Generator
    ) -> float:
        disturbed = disturb(weights, moves, self.disturbances, int(level_values(instance.levels)[-1]), random)
        change = (disturbed - weights).astype(np.float32) @ instance.inputs.T.astype(np.float32)
        margin = stabilities(instance, weights)[:, 0]
        return float(np.mean(margin + change * instance.labels < 0))


@lru_cache
def capacity(bits: int) -> float:
    """Return the replica symmetric capacity of weights of p bits, once a process."""
    return float(level_capacity(2**bits).capacity)


def disturb(weights: np.ndarray, moves: int, count: int, top: int, random: np.random.Generator) -> np.ndarray:
    """Return disturbed copies of some weights, int8[count, N].

    In each copy `moves` different weights, drawn uniformly, move by one level: up or down with probability 1/2, from an
    end level (+-top) inwards.
    """
    up = random.integers(0, 2, size=(count, weights.size)) > 0
    up = np.where(np.abs(weights) == top, weights < 0, up)
    chosen = np.argsort(random.random((count, weights.size)), axis=1)[:, :moves]
    step = np.zeros((count, weights.size), dtype=np.int8)
    np.put_along_axis(step, chosen, np.take_along_axis(np.where(up, 2, -2), chosen, 1).astype(np.int8), 1)
    return weights + step
