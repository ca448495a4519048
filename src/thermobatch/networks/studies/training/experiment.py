"""R3: training errors and epochs to a solution of SGD and replicated SGD on the committee machine."""

from typing import ClassVar, Literal, Self

import numpy as np
import xarray as xr
from pydantic import Field, model_validator

from thermobatch.foundation.description import named
from thermobatch.foundation.record_times import log_spaced_sweeps
from thermobatch.networks.dynamics.committee_sgd import replicated_sgd
from thermobatch.networks.studies.instances import CommitteeInstance
from thermobatch.study.experiment import Cost, Experiment, Progress


class CommitteeTraining(Experiment):
    """Training until a replica or the centre has no error, or for all epochs."""

    name: ClassVar[str] = "committee_training"
    title: ClassVar[str] = "Training of the committee machine by SGD and by replicated SGD"
    source: ClassVar[str] = "doi:10.1073/pnas.1608103113"
    fidelity: ClassVar[str] = (
        "Model and algorithm are the paper's. N = 321, K = 5, y = 7, batch 80, gamma = 0.05 + 0.001 per epoch, lambda "
        "= 0.75, eta = 2, the simple formula and alpha = 0.5 are a setting that its authors document for their public "
        "programs; equal starts, the weight -1 where an accumulator is 0, and success of a replica or of the "
        "centre are theirs too. The other loads, the number of epochs, the second batch size and the equal number of "
        "visited patterns (plain SGD runs y times as many epochs) are our choice."
    )
    probe: ClassVar[dict] = {"n": 33, "epochs": 10, "batch": 5, "alpha": 0.5}
    calibration: ClassVar[dict] = {"n": 321, "hidden": 5, "alpha": 0.7, "batch": 80, "epochs": 500}

    n: int = Field(ge=1, description="number of inputs N (odd)")
    hidden: int = Field(ge=1, description="number of hidden units K (odd)")
    alpha: float = Field(gt=0, description="load alpha = M / (N K)")
    labels: Literal["random", "teacher"] = Field(default="random", description="labels of the patterns")
    replicas: int = Field(ge=1, description="replicas y (1: plain SGD)")
    batch: int = Field(ge=1, description="patterns of a mini-batch")
    epochs: int = Field(ge=1, description="most epochs of a run, per replica")
    centre: Literal["simple", "hard", "corrected", "continuous", "explicit"] = Field(
        default="simple", description="formula of the attraction to the centre"
    )
    attraction: float | None = Field(default=None, ge=0, description="strength lambda of the attraction")
    coupling: float = Field(default=0.05, ge=0, description="coupling gamma of the first epoch")
    coupling_step: float = Field(default=0.001, ge=0, description="what every epoch adds to gamma")
    learning_rate: float = Field(default=2.0, gt=0, description="learning rate eta")
    batch_rule: Literal["permutation", "shared", "random"] = Field(
        default="permutation", description="how the patterns of a batch are chosen"
    )
    same_start: bool = Field(default=True, description="replicas start from equal weights")
    ties: Literal["minus", "keep"] = Field(
        default="minus", description="a weight whose accumulator is 0 is -1, or keeps its sign"
    )

    @model_validator(mode="after")
    def _physical(self) -> Self:
        patterns = self.instance().n_patterns()
        if self.batch > patterns:
            raise ValueError(f"batch = {self.batch}: must be at most the number of patterns M = {patterns}")
        return self

    def instance(self) -> CommitteeInstance:
        """Return the ensemble of patterns."""
        return CommitteeInstance(n=self.n, alpha=self.alpha, labels=self.labels, hidden=self.hidden)

    def cost(self) -> Cost:
        """An epoch visits all patterns and updates every accumulator once a batch, replica by replica."""
        patterns = self.instance().n_patterns()
        weights = self.n * self.hidden
        update = 0.6e-9 if self.replicas == 1 else 1.5e-9
        epoch = patterns * 28e-12 * weights + -(-patterns // self.batch) * weights * update
        seconds = 0.035 + self.replicas * epoch * self.expected_epochs()
        memory = 60.0 * weights * (self.replicas + 1) + 16.0 * (self.epochs + 1) * (self.replicas + 1)
        return Cost(seconds, memory, 40.0 * len(self.times()))

    def expected_epochs(self) -> float:
        """Return the epochs a run is expected to make: interpolated runs at K = 5, N = 321; all where unsolved."""
        if self.replicas == 1:
            found = np.interp(self.alpha, (0.25, 0.3, 0.325, 0.34), (600.0, 2000.0, 7000.0, np.inf))
        elif 40 <= self.batch <= 160:
            found = np.interp(
                self.alpha, (0.25, 0.45, 0.5, 0.525, 0.55, 0.57), (160.0, 260.0, 430.0, 840.0, 1200.0, np.inf)
            )
        else:
            found = 500.0 if self.alpha < 0.43 and self.batch <= 160 else np.inf
        if self.coupling_step == 0 or self.centre in ("continuous", "explicit"):
            found = np.inf
        if self.replicas > 1 and not self._is_reference():
            found *= 2
        return float(min(self.epochs, found))

    def _is_reference(self) -> bool:
        """Whether this is the setting with which runs were timed; others take about twice as long."""
        fields = type(self).model_fields
        changeable = ("centre", "attraction", "coupling", "coupling_step", "batch_rule", "same_start", "ties")
        usual = all(getattr(self, name) == fields[name].default for name in changeable)
        return usual and self.replicas == 7 and self.batch in (20, 80)

    def times(self) -> np.ndarray:
        """Return the epochs at which curves are kept."""
        return log_spaced_sweeps(self.epochs)

    def run(self, instance, seed: np.random.SeedSequence, progress: Progress) -> xr.Dataset:
        """Return errors, epochs and success, and curves of error and distance until the run ends (then NaN)."""
        found = replicated_sgd(
            instance,
            self.replicas,
            self.batch,
            centre=self.centre,
            attraction=self.attraction,
            coupling=self.coupling,
            coupling_step=self.coupling_step,
            learning_rate=self.learning_rate,
            epochs=self.epochs,
            batch_rule=self.batch_rule,
            same_start=self.same_start,
            ties=self.ties,
            seed=seed,
            progress=lambda done: progress(done / self.epochs),
        )
        share = 1.0 / instance.n_patterns
        kept = found[["best_epoch"]].drop_attrs(deep=False)
        kept["epochs_run"] = ((), found.epochs.item(), named("epochs run", "epochs"))
        kept["solved"] = ((), int(found.solved), named("a replica or the centre has no error (1) or not (0)"))
        kept["min_error"] = ((), float(found.errors) * share, named("smallest training error of the run"))
        curves = {
            "error": (found.training_errors.mean("replica") * share, "mean training error of the replicas"),
            "centre_error": (found.centre_errors * share, "training error of the centre"),
            "distance": (found.distance.mean("replica"), "mean distance of the replicas to the centre"),
        }
        times = xr.DataArray(self.times(), dims="time", attrs=named("time", "epochs"))
        for name, (curve, long_name) in curves.items():
            values = curve.reindex(time=times.values).values
            kept[name] = ("time", values.astype(np.float64), named(long_name))
        return kept.assign_coords(time=times)
