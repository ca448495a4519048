"""L3: annealing the mini-batch of SGD-like dynamics against simulated annealing, on planted colouring."""

from functools import lru_cache
from typing import ClassVar, Literal, Self

import numpy as np
import xarray as xr
from pydantic import Field, model_validator

from thermobatch.coloring.dynamics.metropolis import metropolis
from thermobatch.coloring.dynamics.minibatch import sgd_like
from thermobatch.coloring.studies.chain_experiment import ColoringExperiment
from thermobatch.coloring.theory.effective_temperature import batch_fraction_for_temperature
from thermobatch.study.experiment import Cost, Progress, part

DYNAMICS = {"sgd_like": sgd_like, "metropolis": metropolis}


class ColoringAnnealing(ColoringExperiment):
    """Both dynamics from the same colouring on the same graph, cooled in equal steps of T, or of B with T(B) = T."""

    name: ClassVar[str] = "coloring_annealing"
    title: ClassVar[str] = "Annealing the mini-batch and annealing the temperature on planted colouring"
    fidelity: ClassVar[str] = (
        "Model and dynamics are the paper's (half-edge mini-batches, sequential sweeps); annealing them is ours. T "
        "falls linearly in steps of constant T; B follows from the zero-drift T(B) of the paramagnet."
    )
    probe: ClassVar[dict] = {"n": 500, "sweeps": 40, "levels": 4}
    calibration: ClassVar[dict] = {"n": 10_000, "sweeps": 500, "levels": 10}

    graph: Literal["planted"] = Field(description="ensemble of graphs")
    sweeps: int = Field(ge=2, description="length of the annealing in sweeps")
    levels: int = Field(ge=2, description="number of temperatures")
    hottest: float = Field(gt=0, description="first temperature")
    coldest: float = Field(gt=0, description="last temperature")

    @model_validator(mode="after")
    def _cools(self) -> Self:
        if not self.coldest < self.hottest:
            raise ValueError(f"coldest = {self.coldest}: must be below hottest = {self.hottest}")
        if self.sweeps < self.levels:
            raise ValueError(f"sweeps = {self.sweeps}: must be at least levels = {self.levels}")
        return self

    def temperatures(self) -> np.ndarray:
        """Return the temperature of every level."""
        return np.linspace(self.hottest, self.coldest, self.levels)

    def cost(self) -> Cost:
        """Two annealings, and the start of a run at every level."""
        sweeps = np.full(self.levels, 2 * self.sweeps / self.levels)
        spent = sum(self.sweep_seconds(*pair) for pair in zip(sweeps, self.temperatures(), strict=True))
        starts = self.levels * (0.002 + 2 * 6e-9 * self.n * self.mean_degree)
        return Cost(self.graph_seconds() + spent + starts, 3 * self.chain_bytes(), 48.0 * self.levels)

    def run(self, instance, seed: np.random.SeedSequence, progress: Progress) -> xr.Dataset:
        """Return energy and overlap(dynamics, level) at the end of every level."""
        start, *run_seeds = seed.spawn(1 + len(DYNAMICS))
        initial = np.random.default_rng(start).integers(self.q, size=self.n, dtype=np.uint8)
        temperatures = self.temperatures()
        fractions = matched_fractions(tuple(temperatures.tolist()), self.mean_degree, self.q)
        ends = np.linspace(0, self.sweeps, self.levels + 1).round().astype(int)
        controls = {"sgd_like": fractions, "metropolis": temperatures}
        energy, overlap = (np.empty((len(DYNAMICS), self.levels)) for _ in range(2))
        for row, (name, run_seed) in enumerate(zip(DYNAMICS, run_seeds, strict=True)):
            colors = initial
            level_seeds = run_seed.spawn(self.levels)
            for level, (length, level_seed) in enumerate(zip(np.diff(ends), level_seeds, strict=True)):
                done = row * self.levels + level
                run = DYNAMICS[name](
                    instance,
                    float(controls[name][level]),
                    int(length),
                    level_seed,
                    initial=colors,
                    record=[int(length)],
                    stop_at_solution=False,
                    progress=part(progress, done / energy.size, (done + 1) / energy.size, int(length)),
                )
                colors = run.colors.values
                energy[row, level], overlap[row, level] = run.energy.values[-1], run.overlap.values[-1]
        axes = ("dynamics", "level")
        words = {"long_name": "energy per vertex at the end of a level", "units": "1"}
        return xr.Dataset(
            {
                "energy": (axes, energy, words),
                "overlap": (axes, overlap, {"long_name": "overlap with the planted colouring", "units": "1"}),
                "level_temperature": ("level", temperatures, {"long_name": "temperature T", "units": "1"}),
                "level_batch": ("level", fractions, {"long_name": "B with T(B) = T", "units": "1"}),
            },
            coords={
                "dynamics": ("dynamics", list(DYNAMICS), {"long_name": "dynamics"}),
                "level": ("level", np.arange(self.levels), {"long_name": "level of the annealing"}),
            },
        )


@lru_cache(maxsize=8)
def matched_fractions(temperatures: tuple[float, ...], mean_degree: float, q: int) -> np.ndarray:
    """Return the mini-batch fractions with zero-drift T(B) equal to the temperatures."""
    return batch_fraction_for_temperature(np.array(temperatures), mean_degree=mean_degree, q=q)
