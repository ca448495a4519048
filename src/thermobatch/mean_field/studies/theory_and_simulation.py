"""What all mean-field experiments have in common: SGD on Gaussian data, in theory and simulated, and what both cost.

One seed is one population of paths of the mean-field theory and, independently, one simulated run with its own data,
start and batches. So seeds are replicas of both, and differences of the two methods have an error for every seed.
"""

from typing import Any, ClassVar, Literal, Self

import numpy as np
import xarray as xr
from pydantic import Field, model_validator

from thermobatch.mean_field.dynamics.sgd import glm_sgd
from thermobatch.mean_field.losses import get_loss
from thermobatch.mean_field.settings import SGDSettings
from thermobatch.mean_field.spectra import IDENTITY, Spectrum
from thermobatch.mean_field.theory.dmft import dmft, dmft_memory
from thermobatch.mean_field.theory.dmft_population import gaussian_rows
from thermobatch.mean_field.theory.square_loss import check_stable_step
from thermobatch.study.experiment import Experiment, Progress, part

ORIGINS = ("theory", "simulation")
MAX_MEMORY = 64.0  # GiB: what a job may take is the cost model's and the scheduler's business
INPUT_BYTES = (2e6, 20e6, 500e6)  # of all samples: from the second-level cache to memory
READ_SECONDS = (0.38e-9, 0.6e-9, 0.75e-9)  # for each number read, at these sizes


class MeanFieldExperiment(Experiment):
    """SGD on a generalised linear model with Gaussian data; base of the mean-field experiments."""

    source: ClassVar[str] = "arXiv:2210.06591"

    loss: Literal["square", "logistic", "squared_hinge", "tanh"] = Field(description="loss of a sample")
    margin: float | None = Field(default=None, description="margin kappa of the squared hinge (default 1)")
    data: Literal["teacher", "mixture"] = Field(
        default="teacher", description="targets from a teacher, or two Gaussian clusters (Delta = 1)"
    )
    alpha: float = Field(gt=0, description="samples per dimension alpha")
    ridge: float = Field(ge=0, description="ridge lambda")
    learning_rate: float = Field(gt=0, description="learning rate eta")
    batch_fraction: float = Field(gt=0, le=1, description="fraction b of the samples in a mini-batch")
    persistence: float | None = Field(
        default=None,
        gt=0,
        description="persistence time tau of the batches, in steps x eta; none: independent",
    )
    momentum: float = Field(default=0.0, ge=0, lt=1, description="momentum beta")
    nesterov: bool = Field(default=False, description="Nesterov's momentum instead of the heavy ball")
    m0: float = Field(default=0.0, description="overlap of the start with the teacher")
    q0: float = Field(default=1.0, ge=0, description="variance of the start around it")
    steps: int = Field(ge=2, description="number of steps T")
    d: int = Field(ge=10, description="dimension of the simulations")
    paths: int = Field(ge=1, description="paths of a population of the theory")

    @model_validator(mode="after")
    def _valid(self) -> Self:
        get_loss(self.loss, self.margin)
        settings = SGDSettings(**self.settings())
        if (
            self.loss == "square"
            and self.data == "teacher"
            and self.persistence is None
            and not settings.spherical
        ):
            check_stable_step(self.alpha, settings, self.spectrum())
        fewest = 4 * gaussian_rows(self.theory_steps(), self.spectrum().levels, self.replicas())
        if self.paths < fewest:
            raise ValueError(
                f"paths = {self.paths}: must be at least {fewest} for {self.theory_steps()} steps"
            )
        return self

    def settings(self) -> dict[str, Any]:
        """Return the arguments that define SGD."""
        names = ("learning_rate", "steps", "ridge", "batch_fraction", "persistence", "momentum", "nesterov")
        chosen = {name: getattr(self, name) for name in (*names, "m0", "q0")}
        return chosen | {"constraint": self.constraint(), "replicas": self.replicas()}

    def constraint(self) -> str:
        """Return the constraint on the weights; an experiment may override it."""
        return "none"

    def replicas(self) -> int:
        """Return the number of copies with the same data; an experiment may override it."""
        return 1

    def spectrum(self) -> Spectrum:
        """Return the covariance of the inputs; an experiment may override it."""
        return IDENTITY

    def theory_steps(self) -> int:
        """Return the number of steps of the theory; an experiment may follow fewer than simulated."""
        return self.steps

    def arguments(self) -> dict[str, Any]:
        """Return the arguments that theory and simulation share."""
        model = {"alpha": self.alpha, "data": self.data, "margin": self.margin, "spectrum": self.spectrum()}
        return {"loss": self.loss, "max_memory": MAX_MEMORY} | self.settings() | model

    def theory(self, seed: np.random.SeedSequence, progress: Progress, **options) -> xr.Dataset:
        """Solve the mean-field equations with one population; a step takes as long as there are steps before it."""
        arguments = self.arguments() | {"steps": self.theory_steps()}

        def report(done: int) -> None:
            progress((done / arguments["steps"]) ** 2)

        return dmft(paths=self.paths, seed=seed, progress=report, **arguments, **options)

    def simulation(self, seed: np.random.SeedSequence, progress: Progress, **options) -> xr.Dataset:
        """Simulate one run at dimension d."""
        report = part(progress, 0.0, 1.0, self.steps * self.replicas())
        run = glm_sgd(d=self.d, seeds=1, seed=seed, progress=report, **self.arguments(), **options)
        return run.isel(seed=0, drop=True)

    def theory_seconds(self, exact_response: bool = False) -> float:
        """Return the time of one population on the reference machine."""
        levels = self.spectrum().levels
        return population_seconds(self.paths, self.theory_steps(), self.replicas(), levels, exact_response)

    def theory_bytes(self, exact_response: bool = False) -> float:
        """Return the memory of one population."""
        levels, copies = self.spectrum().levels, self.replicas()
        return dmft_memory(self.theory_steps(), self.paths, levels, copies, exact_response)

    def simulation_seconds(self, probed_steps: int = 0) -> float:
        """Return the time of one run: draw the inputs, read them for every step, multiply the histories."""
        entries, copies = self.alpha * self.d**2, self.replicas()
        each = float(np.interp(8.0 * entries, INPUT_BYTES, READ_SECONDS))
        moves = copies * self.steps + probed_steps
        products = (2 * copies - 1) * self.steps**2 * self.d * 4e-10
        reads = moves * (1.0 + self.batch_fraction)
        return 0.005 + 1e-4 * moves + entries * (12e-9 + reads * each) + products

    def simulation_bytes(self) -> float:
        """Return the memory of one run: inputs (twice while drawn), histories, two-time functions."""
        times, copies = self.steps + 1, self.replicas()
        return 8.0 * (1.2 * self.alpha * self.d**2 + 2 * copies * times * self.d + 4 * copies * times**2)


def population_seconds(
    paths: int, steps: int, copies: int = 1, levels: int = 1, exact_response: bool = False
) -> float:
    """Return the time of one population on the reference machine.

    Five histories are read for every pair of times; the Gaussian rows are made orthonormal; and all response functions,
    if they are followed, are read at every step.

    Parameters
    ----------
    paths, steps, copies, levels : int
        n, T, replicas and covariance levels.
    exact_response : bool
        Whether all response functions are followed.
    """
    pairs = paths * steps**2 * copies * 2.25e-9 * (0.4 + 0.6 * levels)
    moments = paths * gaussian_rows(steps, levels, copies) ** 2 * 1.9e-10
    responses = paths * copies * steps**2 * (4.5e-9 + 1.3e-10 * steps) if exact_response else 0.0
    return 0.005 + pairs + moments + responses


def by_origin(values: list, long_name: str, dims: tuple[str, ...] = (), units: str = "1") -> tuple:
    """Return a variable with one entry for each origin, ready for a Dataset."""
    return (
        ("origin", *dims),
        np.stack([np.asarray(value) for value in values]),
        {"long_name": long_name, "units": units},
    )


def origin_coordinate(origins: tuple[str, ...] = ORIGINS) -> tuple:
    """Return the coordinate of where numbers come from."""
    return ("origin", list(origins), {"long_name": "mean-field theory, or simulation at finite dimension"})


def time_coordinate(steps: int) -> tuple:
    """Return the coordinate of the times."""
    return ("time", np.arange(steps + 1), {"long_name": "time", "units": "steps"})
