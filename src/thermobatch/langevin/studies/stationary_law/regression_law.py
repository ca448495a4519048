"""L1: natural mini-batch noise does not have Boltzmann's law; additive noise on the same quadratic does."""

from typing import ClassVar

import numpy as np
import xarray as xr
from pydantic import Field

from thermobatch.langevin.dynamics.langevin import stochastic_gradient_descent
from thermobatch.langevin.landscapes import Landscape, quadratic, regression
from thermobatch.langevin.theory.boltzmann import boltzmann_law
from thermobatch.langevin.theory.sgd_stationary import batch_noise_factor, isotropic_covariance
from thermobatch.study.experiment import Cost, Experiment, Progress

CELLS = 41  # in each direction; odd, so that the minimum is inside a cell
REACH = 5.0  # half the width of the histogram in standard deviations of the flat direction
NOISES = ("natural", "additive")


class RegressionLaw(Experiment):
    """Two-dimensional regressions with the same Hessian for all seeds, at the same temperature with both noises.

    The data are made so that the Hessian is diagonal, the minimum is the origin and tr(S0 H^-1) / 2 = 1, exactly:
    all seeds then have one Boltzmann law. Its temperature is that of the predicted mean loss of natural noise.
    """

    name: ClassVar[str] = "regression_law"
    title: ClassVar[str] = "Stationary law of SGD on a quadratic loss with natural and with additive noise"
    source: ClassVar[str] = "arXiv:1810.00004"
    fidelity: ClassVar[str] = (
        "That mini-batch noise follows the Hessian, so that the law is not Boltzmann's, is known; the data, learning "
        "rate and batch are our choice. Both noises have the temperature of equal mean loss."
    )
    probe: ClassVar[dict] = {"steps": 2000, "samples": 60}
    calibration: ClassVar[dict] = {"steps": 1_000_000}

    samples: int = Field(ge=10, description="number of samples N")
    curvatures: list[float] = Field(min_length=2, max_length=2, description="Hessian eigenvalues")
    learning_rate: float = Field(gt=0, description="learning rate eta")
    batch: int = Field(ge=1, description="mini-batch size B")
    steps: int = Field(ge=100, description="length of a run in steps; the first tenth is not measured")

    def cost(self) -> Cost:
        """Two runs with a histogram in two dimensions."""
        step = 48e-9 + 3.1e-9 * self.batch
        return Cost(0.05 + 2 * step * self.steps, 64.0 * self.samples + 80.0 * CELLS**2, 24.0 * CELLS**2)

    def temperature(self) -> float:
        """Return T of the same mean loss, (T/2) d, as natural noise of unit variance in the isotropic theory."""
        factor = batch_noise_factor(self.batch)
        hessian = np.diag(self.curvatures)
        return float(np.trace(hessian @ isotropic_covariance(hessian, factor, self.learning_rate))) / 2

    def run(self, instance, seed: np.random.SeedSequence, progress: Progress) -> xr.Dataset:
        """Return histogram(noise, bin_0, bin_1), counts, and the probabilities of Boltzmann's law."""
        data_seed, noise_seed, *run_seeds = seed.spawn(4)
        heat = self.temperature()
        natural = _exact_regression(self.samples, np.array(self.curvatures), data_seed)
        spread = 2.0 * heat / (self.learning_rate * batch_noise_factor(self.batch))
        additive = quadratic(np.diag(self.curvatures)).with_samples(self.samples, spread, noise_seed)
        side = REACH * np.sqrt(heat / min(self.curvatures))
        edges = [np.linspace(-side, side, CELLS + 1)] * 2
        counts, outside = [], []
        for index, (landscape, run_seed) in enumerate(zip((natural, additive), run_seeds, strict=True)):
            run = stochastic_gradient_descent(
                landscape,
                self.batch,
                self.steps,
                run_seed,
                learning_rate=self.learning_rate,
                burn_in=self.steps // 10,
                record=[self.steps],
                edges=edges,
                progress=lambda done, index=index: progress((index + done / self.steps) / 2),
            )
            counts.append(run.histogram.values[0])
            outside.append(run.outside.values[0])
        law = boltzmann_law(additive.energy, heat, edges)
        cells = ("bin_0", "bin_1")
        return xr.Dataset(
            {
                "histogram": (("noise", *cells), counts, {"long_name": "positions counted", "units": "1"}),
                "outside": ("noise", outside, {"long_name": "positions out of all cells", "units": "1"}),
                "boltzmann": (cells, law.probability.values, {"long_name": "Boltzmann's law", "units": "1"}),
                "temperature": ((), heat, {"long_name": "temperature T", "units": "units of L"}),
            },
            coords={
                "noise": ("noise", list(NOISES), {"long_name": "noise of a mini-batch"}),
                **{
                    name: (name, law[name].values, {"long_name": "position w", "units": "1"})
                    for name in cells
                },
            },
        )


def _exact_regression(samples: int, curvatures: np.ndarray, seed: np.random.SeedSequence) -> Landscape:
    """A regression with this Hessian, its minimum at the origin and label noise of variance tr(S0 H^-1) / d = 1."""
    generator = np.random.default_rng(seed)
    directions = np.linalg.qr(generator.standard_normal((samples, len(curvatures))))[0]
    inputs = directions * np.sqrt(samples * curvatures)
    labels = generator.standard_normal(samples)
    labels -= directions @ (directions.T @ labels)
    variance = np.mean(labels**2 * (directions**2).sum(axis=1)) * samples / len(curvatures)
    return regression(inputs, labels / np.sqrt(variance))
