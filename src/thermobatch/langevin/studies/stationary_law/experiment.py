"""L1: the stationary covariance of SGD on a linear regression, simulated, exact and in its limits."""

from typing import ClassVar, Self

import numpy as np
import xarray as xr
from pydantic import Field, model_validator

from thermobatch.langevin.dynamics.langevin import stochastic_gradient_descent
from thermobatch.langevin.landscapes import gaussian_regression
from thermobatch.langevin.theory.sgd_stationary import sgd_covariance
from thermobatch.study.experiment import Cost, Experiment, Progress

THEORIES = ("exact", "additive", "langevin", "isotropic")
LARGEST_GAIN = 0.8
"""Of the variance by the gradient noise it makes, for Gaussian inputs (N to infinity); at 1 it diverges."""
PROBED_RATE = 0.02
"""Learning rate of a probe times the mean |x|^2, at most: no step grows as long as no |x|^2 is 100 times its mean."""


class RegressionCovariance(Experiment):
    """Mini-batch SGD (with replacement) at the minimum of a regression; every seed is another data set."""

    name: ClassVar[str] = "regression_covariance"
    title: ClassVar[str] = "Stationary covariance of SGD on a linear regression"
    source: ClassVar[str] = "arXiv:1810.00004"
    fidelity: ClassVar[str] = (
        "The stationarity condition of the covariance is the source's discrete fluctuation-dissipation relation, "
        "closed because the loss is quadratic. The Gaussian data, learning rates and batches are our choice."
    )
    probe: ClassVar[dict] = {"steps": 2000, "samples": 50}
    calibration: ClassVar[dict] = {"steps": 2_000_000}

    samples: int = Field(ge=4, description="number of samples N")
    scales: list[float] = Field(
        min_length=2, max_length=32, description="standard deviations of the inputs (roots of the Hessian)"
    )
    label_noise: float = Field(gt=0, description="standard deviation of the labels around the teacher")
    learning_rate: float = Field(gt=0, description="learning rate eta")
    batch: int = Field(ge=1, description="mini-batch size B")
    steps: int = Field(ge=100, description="length of the run in steps; the first tenth is not measured")

    @model_validator(mode="after")
    def _variance_is_finite(self) -> Self:
        """The sum over modes of eta h / (B (2 - eta h (1 + 1/B))) stays below 1, with room for a data set's own h."""
        rates = self.learning_rate * np.square(self.scales)
        damping = 2.0 - rates * (1.0 + 1.0 / self.batch)
        if damping.min() <= 0 or (rates / damping).sum() / self.batch > LARGEST_GAIN:
            raise ValueError(
                f"learning_rate = {self.learning_rate:g}: too large at batch = {self.batch}, where the variance "
                "diverges or nearly so"
            )
        return self

    def probed(self) -> Self:
        """Return a very short point whose few samples cannot make it diverge, however they are drawn."""
        rate = min(self.learning_rate, PROBED_RATE / float(np.sum(np.square(self.scales))))
        return super().probed().model_copy(update={"learning_rate": rate})

    def cost(self) -> Cost:
        """One run; a step gathers B samples of d numbers and adds d(d + 1)/2 moments."""
        d = len(self.scales)
        step = 33e-9 + (1.2e-9 + 0.8e-9 * d) * self.batch + 1e-9 * d * d
        return Cost(0.02 + step * self.steps, 16.0 * self.samples * (d + 2), 8.0 * d * (len(THEORIES) + 2))

    def run(self, instance, seed: np.random.SeedSequence, progress: Progress) -> xr.Dataset:
        """Return variance(mode) in the Hessian's eigenvectors, and what theories predict of this data set."""
        data_seed, run_seed = seed.spawn(2)
        landscape = gaussian_regression(self.samples, self.scales, self.label_noise, data_seed)
        run = stochastic_gradient_descent(
            landscape,
            self.batch,
            self.steps,
            run_seed,
            learning_rate=self.learning_rate,
            burn_in=self.steps // 10,
            record=[self.steps],
            moments=True,
            progress=lambda done: progress(done / self.steps),
        )
        theory = sgd_covariance(*landscape.samples, self.learning_rate, self.batch)
        curvatures, modes = np.linalg.eigh(landscape.potential.hessian)
        predicted = [np.diag(modes.T @ theory[name].values @ modes) for name in THEORIES]
        measured = np.diag(modes.T @ run.second_moment.values[0] @ modes)
        words = {"long_name": "stationary variance along an eigenvector of the Hessian", "units": "1"}
        return xr.Dataset(
            {
                "curvature": ("mode", curvatures, {"long_name": "Hessian eigenvalue h", "units": "1"}),
                "variance": ("mode", measured, words),
                "predicted": (("theory", "mode"), predicted, words | {"long_name": "predicted variance"}),
            },
            coords={
                "mode": ("mode", np.arange(len(curvatures)), {"long_name": "mode, by curvature"}),
                "theory": ("theory", list(THEORIES), {"long_name": "theory"}),
            },
        )
