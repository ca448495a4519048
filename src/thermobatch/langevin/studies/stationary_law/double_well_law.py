"""L1: with additive mini-batch noise SGD has Boltzmann's law, in a landscape that is not quadratic."""

from typing import ClassVar

import numpy as np
import xarray as xr
from pydantic import Field

from thermobatch.langevin.dynamics.langevin import stochastic_gradient_descent
from thermobatch.langevin.landscapes import double_well
from thermobatch.langevin.theory.boltzmann import boltzmann_law, discrete_langevin_law
from thermobatch.langevin.theory.sgd_stationary import sgd_temperature
from thermobatch.study.experiment import Cost, Experiment, Progress

EDGES = np.linspace(-2.5, 2.5, 51)


class DoubleWellLaw(Experiment):
    """Histogram of SGD in the tilted double well; every seed is another data set and another run."""

    name: ClassVar[str] = "double_well_law"
    title: ClassVar[str] = "Stationary law of SGD with additive noise in a double well"
    source: ClassVar[str] = "doi:10.1109/TPAMI.1984.4767596"
    fidelity: ClassVar[str] = (
        "That the Langevin equation has Boltzmann's law is classical; the double well, its Gaussian samples, eta, B "
        "and T = eta sigma^2 / (2B) are those of popular accounts with numbers of our choice."
    )
    probe: ClassVar[dict] = {"steps": 2000, "burn_in": 200, "samples": 60}
    calibration: ClassVar[dict] = {"steps": 2_000_000, "burn_in": 1000}

    samples: int = Field(ge=2, description="number of samples N")
    noise_variance: float = Field(gt=0, description="variance sigma^2 of the gradient of one sample")
    barrier: float = Field(gt=0, description="height of the barrier without tilt")
    tilt: float = Field(gt=0, description="slope that makes the left well the deeper one")
    learning_rate: float = Field(gt=0, description="learning rate eta")
    batch: int = Field(ge=1, description="mini-batch size B")
    steps: int = Field(ge=100, description="length of the run in steps")
    burn_in: int = Field(ge=0, description="first steps that are not measured")

    def cost(self) -> Cost:
        """One run, and two laws by quadrature."""
        step = 36e-9 + 1.8e-9 * self.batch
        nodes = 4.0 * EDGES[-1] / np.sqrt(2 * self.learning_rate * self.temperature())
        seconds = 0.02 + step * self.steps + 1.5e-7 * nodes**2
        return Cost(seconds, 16.0 * self.samples + 32.0 * nodes**2, 32.0 * EDGES.size)

    def temperature(self) -> float:
        """Return T = eta sigma^2 / (2B)."""
        return sgd_temperature(self.learning_rate, self.noise_variance, self.batch)

    def run(self, instance, seed: np.random.SeedSequence, progress: Progress) -> xr.Dataset:
        """Return histogram(bin), counts, with Boltzmann's law and that of the Langevin equation at this eta."""
        data_seed, run_seed = seed.spawn(2)
        landscape = double_well(self.barrier, self.tilt).with_samples(
            self.samples, self.noise_variance, data_seed
        )
        run = stochastic_gradient_descent(
            landscape,
            self.batch,
            self.steps,
            run_seed,
            learning_rate=self.learning_rate,
            burn_in=self.burn_in,
            record=[self.steps],
            edges=EDGES,
            progress=lambda done: progress(done / self.steps),
        )
        heat = self.temperature()
        boltzmann = boltzmann_law(landscape.energy, heat, EDGES).probability.values
        discrete = discrete_langevin_law(
            landscape.gradient, heat, self.learning_rate, EDGES
        ).probability.values
        return xr.Dataset(
            {
                "histogram": (
                    "bin",
                    run.histogram.values[0],
                    {"long_name": "positions counted", "units": "1"},
                ),
                "outside": (
                    (),
                    run.outside.values[0],
                    {"long_name": "positions out of all cells", "units": "1"},
                ),
                "boltzmann": ("bin", boltzmann, {"long_name": "Boltzmann's law", "units": "1"}),
                "discrete_langevin": (
                    "bin",
                    discrete,
                    {"long_name": "law of the Langevin equation at this learning rate", "units": "1"},
                ),
                "temperature": ((), heat, {"long_name": "temperature T", "units": "units of L"}),
            },
            coords={
                "bin": ("bin", 0.5 * (EDGES[1:] + EDGES[:-1]), {"long_name": "position x", "units": "1"})
            },
        )
