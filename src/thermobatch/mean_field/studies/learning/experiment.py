"""D1, D7: learning curves of SGD, in the mean-field theory, simulated, and exact where that is known."""

import csv
from importlib import resources
from typing import ClassVar, Self

import numpy as np
import xarray as xr
from pydantic import Field, model_validator

from thermobatch.mean_field.spectra import IDENTITY, Spectrum, power_law_spectrum, two_level_spectrum
from thermobatch.mean_field.studies.theory_and_simulation import (
    ORIGINS,
    MeanFieldExperiment,
    by_origin,
    origin_coordinate,
    time_coordinate,
)
from thermobatch.mean_field.theory.square_loss import square_loss_dynamics
from thermobatch.study.experiment import Cost, Progress, part

PUBLISHED = "dmft_ridge_simulation.csv"
# the case of the published simulation, as its authors state it
PUBLISHED_CASE = {
    "loss": "square",
    "data": "teacher",
    "alpha": 3.0,
    "ridge": 0.5,
    "learning_rate": 0.1,
    "batch_fraction": 1.0,
    "momentum": 0.0,
    "m0": 0.2,
}
CURVES = {  # `loss` is the parameter
    "magnetization": "overlap with the teacher, m = w.w*/d",
    "training_loss": "training loss, mean over samples (without the ridge)",
    "self_overlap": "self-overlap C(t, t) = |w|^2/d",
    "test_error": "probability that sign(w.x) is wrong on new data",
}


class MeanFieldLearning(MeanFieldExperiment):
    """Learning curves of one case; one seed is one population and one simulated run."""

    name: ClassVar[str] = "mean_field_learning"
    title: ClassVar[str] = "Learning curves of SGD: mean-field theory and simulation"
    fidelity: ClassVar[str] = (
        "Setting, linear ridge regression (alpha = 3, lambda = 0.5, eta = 0.1, m0 = 0.2, full batch) and the published "
        "simulation are the source's; the causal equations are solved without its fixed-point iteration. All other "
        "cases (losses, batches, momentum, covariances), sizes and seeds are our choice."
    )
    probe: ClassVar[dict] = {"steps": 8, "d": 30, "paths": 512}
    calibration: ClassVar[dict] = {"steps": 40, "d": 600, "paths": 16_000}

    eigenvalue_ratio: float | None = Field(
        default=None, gt=0, description="input covariance of two equal levels of variance with this ratio"
    )
    spectral_exponent: float | None = Field(
        default=None, description="input covariance with a power-law spectrum, eight levels"
    )

    @model_validator(mode="after")
    def _one_covariance(self) -> Self:
        if self.eigenvalue_ratio is not None and self.spectral_exponent is not None:
            raise ValueError(
                f"eigenvalue_ratio = {self.eigenvalue_ratio}, spectral_exponent = {self.spectral_exponent}: at most "
                "one may be given (it says which covariance the inputs have)"
            )
        return self

    def spectrum(self) -> Spectrum:
        """Return the covariance of the inputs."""
        if self.eigenvalue_ratio is not None:
            return two_level_spectrum(self.eigenvalue_ratio)
        if self.spectral_exponent is not None:
            return power_law_spectrum(self.spectral_exponent)
        return IDENTITY

    def cost(self) -> Cost:
        """One population and one run."""
        memory = max(self.theory_bytes(), self.simulation_bytes())
        seconds = self.theory_seconds() + self.simulation_seconds()
        return Cost(seconds, memory, 8.0 * (3 * len(CURVES) + 2) * (self.steps + 1))

    def run(self, instance, seed: np.random.SeedSequence, progress: Progress) -> xr.Dataset:
        """Return m, loss, C(t, t) and test error against time; NaN where no exact or published curve is known."""
        theory_seed, run_seed = seed.spawn(2)
        share = self.theory_seconds() / self.cost().seconds
        runs = [
            self.theory(theory_seed, part(progress, 0.0, share)),
            self.simulation(run_seed, part(progress, share, 1.0)),
            self._exact(),
        ]
        curves = {
            name: by_origin([_curve(run, name, self.steps) for run in runs], text, ("time",))
            for name, text in CURVES.items()
        }
        published = dict(
            zip(("published_magnetization", "published_deviation"), self._published(), strict=True)
        )
        words = {
            "published_magnetization": "published simulation (arXiv:2210.06591): mean overlap",
            "published_deviation": "published simulation (arXiv:2210.06591): standard deviation over runs",
        }
        for name, values in published.items():
            curves[name] = ("time", values, {"long_name": words[name], "units": "1"})
        origins = origin_coordinate((*ORIGINS, "exact"))
        return xr.Dataset(curves, coords={"origin": origins, "time": time_coordinate(self.steps)})

    def _exact(self) -> xr.Dataset | None:
        """The exact solution: square loss, teacher, independent batches."""
        if self.loss != "square" or self.data != "teacher" or self.persistence is not None:
            return None
        chosen = {
            name: value
            for name, value in self.settings().items()
            if name not in ("persistence", "constraint", "replicas")
        }
        return square_loss_dynamics(alpha=self.alpha, spectrum=self.spectrum(), **chosen)

    def _published(self) -> tuple[np.ndarray, np.ndarray]:
        """The published curve and its deviation, if this point is its case; times beyond it are NaN."""
        mean, deviation = np.full((2, self.steps + 1), np.nan)
        same = all(getattr(self, name) == value for name, value in PUBLISHED_CASE.items())
        if same and self.persistence is None and self.spectrum() == IDENTITY:
            table = published_simulation()
            length = min(len(table), self.steps + 1)
            mean[:length], deviation[:length] = table[:length, 1], table[:length, 2]
        return mean, deviation


def published_simulation() -> np.ndarray:
    """Return the simulation published with arXiv:2210.06591: columns time (steps), overlap, standard deviation."""
    file = resources.files("thermobatch.mean_field") / "reference" / PUBLISHED
    rows = list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))
    table = np.array([[float(row[name]) for name in ("time", "mag_avg", "mag_std")] for row in rows])
    table[:, 0] = (
        np.rint(table[:, 0] / PUBLISHED_CASE["learning_rate"]) - 1
    )  # its first row, time 0.1, is step 0
    return table


def _curve(run: xr.Dataset | None, name: str, steps: int) -> np.ndarray:
    """One curve of a run; NaN if it has none."""
    if run is not None and name == "self_overlap":
        return np.diagonal(run.correlation.values).copy()
    name = {"training_loss": "loss"}.get(name, name)
    return run[name].values if run is not None and name in run else np.full(steps + 1, np.nan)
