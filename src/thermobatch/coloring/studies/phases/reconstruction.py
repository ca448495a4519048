"""E6: the onset of glassiness of colouring, and where it meets the spinodal, by population dynamics on the tree."""

from typing import ClassVar, Literal, Self

import numpy as np
import xarray as xr
from pydantic import Field, model_validator

from thermobatch.coloring.theory.equilibrium import planted_spinodal
from thermobatch.coloring.theory.reconstruction import (
    annealing_threshold,
    dynamical_connectivity,
    dynamical_temperature,
)
from thermobatch.study.experiment import Cost, Experiment, Progress

POPULATIONS = 3  # of one seed, after one that surveys
SURVEY_GENERATIONS = 700
LEVELS = 7  # orders held per population, each after 15 generations of settling


class ColoringReconstruction(Experiment):
    """The reconstruction transition along one line; seeds are independent populations."""

    name: ClassVar[str] = "coloring_reconstruction"
    title: ClassVar[str] = "Reconstruction on the tree: dynamical temperature and threshold of annealing"
    source: ClassVar[str] = "arXiv:2206.04760"
    fidelity: ClassVar[str] = (
        "The equations are the literature's (J. Stat. Phys. 124, 1317; Phys. Rev. E 76, 031131), the argument that "
        "annealing needs T_sp > T_d is arXiv:2206.04760's. Population sizes and the way the transition is located "
        "(holding the order parameter) are our choice."
    )
    probe: ClassVar[dict] = {"population": 3000, "generations": 5}
    calibration: ClassVar[dict] = {"population": 3000, "generations": 10}

    q: int = Field(ge=4, le=32, description="number of colours q")
    transition: Literal["dynamical_temperature", "dynamical_connectivity", "annealing_threshold"] = Field(
        description="T_d at one mean degree, c_d at T = 0, or the crossing of T_d and T_sp"
    )
    mean_degree: float | None = Field(
        default=None, gt=0, description="mean degree c (of a dynamical temperature)"
    )
    population: int = Field(ge=500, description="messages of a population")
    generations: int = Field(ge=5, description="generations that count at each order parameter held")

    @model_validator(mode="after")
    def _one_line(self) -> Self:
        if (self.transition == "dynamical_temperature") != (self.mean_degree is not None):
            raise ValueError(
                f"transition = {self.transition!r}, mean_degree = {self.mean_degree}: a dynamical temperature needs "
                "its mean degree, the other transitions find theirs"
            )
        return self

    def cost(self) -> Cost:
        """Each message multiplies c factors, 13 ns each."""
        degree = self.mean_degree or (self.q - 1) ** 2 + 3
        generations = SURVEY_GENERATIONS + POPULATIONS * (LEVELS * (15 + self.generations) + 40)
        return Cost(13e-9 * (degree + 3) * self.population * generations, 48.0 * self.population * self.q, 48)

    def run(self, instance, seed: np.random.SeedSequence, progress: Progress) -> xr.Dataset:
        """Return temperature, mean degree and order parameter of the transition; `instance` is None."""
        effort = {"population": self.population, "replicas": POPULATIONS, "iterations": self.generations}
        effort["progress"] = progress
        if self.transition == "dynamical_temperature":
            found = dynamical_temperature(self.mean_degree, self.q, seed=seed, **effort)
            temperature, degree = found.estimate, self.mean_degree
        elif self.transition == "dynamical_connectivity":
            found = dynamical_connectivity(self.q, seed=seed, **effort)
            temperature, degree = 0.0, found.estimate
        else:
            found = annealing_threshold(self.q, seed=seed, **effort)
            temperature, degree = planted_spinodal(found.estimate, self.q), found.estimate
        order = "order parameter m at the transition"
        return xr.Dataset(
            {
                "transition_temperature": ((), temperature, {"long_name": "temperature T", "units": "1"}),
                "transition_mean_degree": ((), degree, {"long_name": "mean degree c", "units": "1"}),
                "order_parameter": ((), found.order_parameter, {"long_name": order, "units": "1"}),
            }
        )
