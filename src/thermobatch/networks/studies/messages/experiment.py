"""R4: whether and how fast focusing belief propagation solves a committee machine, and how its units part."""

from typing import ClassVar, Literal, Self

import numpy as np
import xarray as xr
from pydantic import Field, model_validator

from thermobatch.foundation.description import named
from thermobatch.networks.dynamics.belief_propagation import focusing_bp
from thermobatch.networks.dynamics.focusing_protocols import (
    Protocol,
    pseudo_reinforcement,
    reinforcement,
    scoping,
)
from thermobatch.networks.dynamics.message_history import SPREAD
from thermobatch.networks.studies.instances import CommitteeInstance
from thermobatch.study.experiment import Cost, Experiment, Progress, part


class MessageSearch(Experiment):
    """One search: a protocol raises the coupling or the number of replicas until the weights solve the patterns."""

    name: ClassVar[str] = "message_search"
    title: ClassVar[str] = "Solving committee machines by focusing belief propagation"
    source: ClassVar[str] = "doi:10.1073/pnas.1608103113"
    fidelity: ClassVar[str] = (
        "The equations and the protocols are the source's (reinforcement, pseudo-reinforcement, scoping). One point is "
        "an example that its authors document for their public programs: N = 321, K = 5, alpha = 0.3, reinforcement by "
        "0.01 a step of one iteration, damping 0.5, first messages within +-0.1. The other sizes and loads, the steps "
        "of the protocols, the iterations at a step, no damping and first messages within +-0.01 are our choice."
    )
    probe: ClassVar[dict] = {"n": 21, "increment": 0.05}
    calibration: ClassVar[dict] = {
        "n": 101,
        "alpha": 0.4,
        "protocol": "reinforcement",
        "increment": 0.01,
        "replicas": None,
    }

    n: int = Field(ge=3, description="inputs N of a hidden unit (odd)")
    hidden: int = Field(ge=1, description="hidden units K (odd)")
    alpha: float = Field(gt=0, le=1, description="patterns per weight alpha")
    protocol: Literal["reinforcement", "pseudo", "scoping"] = Field(description="protocol")
    increment: float = Field(
        gt=0, lt=0.5, description="increment of x, rho or gamma at a step of the protocol"
    )
    iterations: int = Field(default=1, ge=1, description="most iterations at a step")
    replicas: float | None = Field(default=None, ge=1, description="number of replicas y (scoping)")
    damping: float = Field(default=0.0, ge=0, lt=1, description="weight of the old message in a new one")
    spread: float = Field(default=SPREAD, gt=0, description="the first messages are uniform in +- this")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.protocol == "scoping") != (self.replicas is not None):
            raise ValueError(
                f"protocol = {self.protocol!r}, replicas = {self.replicas}: scoping needs replicas, no other has any"
            )
        self.instance()
        return self

    def instance(self) -> CommitteeInstance:
        """Return the ensemble of patterns."""
        return CommitteeInstance(n=self.n, hidden=self.hidden, alpha=self.alpha)

    def schedule(self) -> Protocol:
        """Return the protocol with its parameters."""
        if self.protocol == "reinforcement":
            return reinforcement(self.increment, iterations=self.iterations)
        if self.protocol == "pseudo":
            return pseudo_reinforcement(self.increment, iterations=self.iterations)
        return scoping(self.replicas, step=self.increment, iterations=self.iterations)

    def cost(self) -> Cost:
        """Messages times the iterations expected, a fit to K = 5, N around 200; harder patterns take longer."""
        steps, hard = self.schedule().gamma.size, max(0.0, self.alpha - 0.3)
        if self.protocol == "reinforcement":
            iterations = (0.85 - 0.5 * hard) * steps * self.iterations
            each = 7.5e-9 * (1 + min(100 * self.increment, 1.0) * 12 * max(0.0, hard - 0.15))
        else:
            share = 0.72 if self.protocol == "pseudo" else 0.36
            iterations = share * steps * min(self.iterations * (0.62 + hard), 17 + 43 * hard)
            each = 9e-9 * (1 + 1.5 * hard)
        messages = self.alpha * (self.n * self.hidden) ** 2
        return Cost(0.02 + each * messages * iterations, 12.0 * messages, 40.0 * steps)

    def run(self, instance, seed: np.random.SeedSequence, progress: Progress) -> xr.Dataset:
        """Return whether it is solved, the iterations spent, the fewest errors, and the overlaps of the units."""
        protocol = self.schedule()
        report = part(progress, 0.0, 1.0, protocol.gamma.size)
        found = focusing_bp(
            instance,
            protocol=protocol,
            seed=seed,
            damping=self.damping,
            spread=self.spread,
            entropies=False,
            progress=report,
        )
        matrices = found.unit_overlap.values
        own = np.trace(matrices, axis1=1, axis2=2) / self.hidden
        others = (matrices.sum(axis=(1, 2)) - self.hidden * own) / max(1, self.hidden * (self.hidden - 1))
        length = protocol.gamma.size
        moments = matrices[[0, -1]] if len(matrices) else np.full((2, self.hidden, self.hidden), np.nan)
        return xr.Dataset(
            {
                "solved": ((), float(found.solved), named("every pattern is classified")),
                "iterations_made": ((), float(found.iterations), named("iterations done", "iterations")),
                "errors": ((), float(found.errors), named("fewest errors", "patterns")),
                "broken": ((), float(found.broken), named("a field stopped being finite")),
                "own_overlap": ("step", _filled(own, length), named("overlap of a unit with itself")),
                "other_overlap": ("step", _filled(others, length), named("overlap of two units")),
                "unit_overlap": (
                    ("moment", "unit", "other_unit"),
                    moments,
                    named("overlap of two units after the first and the last step"),
                ),
            },
            coords={
                "step": ("step", np.arange(length), named("step of the protocol")),
                "moment": ("moment", ["first", "last"]),
            },
        )


def _filled(values: np.ndarray, length: int) -> np.ndarray:
    """Return `values` with nan for the steps that were not made."""
    return np.concatenate([values, np.full(length - len(values), np.nan)])
