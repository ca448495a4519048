"""R5, R6: how many solutions surround typical and chosen centres, by the theory of the binary perceptron."""

from typing import ClassVar, Literal, Self

import numpy as np
import xarray as xr
from pydantic import Field, model_validator

from thermobatch.networks.theory.franz_parisi import franz_parisi
from thermobatch.networks.theory.perceptron_entropy import replica_symmetric_entropy
from thermobatch.networks.theory.robust_ensemble import robust_ensemble
from thermobatch.study.experiment import Cost, Experiment, Progress

COUPLINGS = np.arange(1, 31) / 10
DISTANCES = np.unique(np.concatenate([np.geomspace(0.001, 0.05, 18), np.linspace(0.05, 0.5, 19)]))
NATS = "nats per weight"


class PerceptronEntropies(Experiment):
    """One curve of entropy against distance; nothing is random."""

    name: ClassVar[str] = "perceptron_entropies"
    title: ClassVar[str] = "Local entropies of the binary perceptron by replica theory"
    source: ClassVar[str] = "doi:10.1073/pnas.1608103113"
    fidelity: ClassVar[str] = (
        "The robust ensemble is the source's, replica symmetric in the centre and in its replicas; the Franz-Parisi "
        "entropy is that of Phys. Rev. E 90, 052813 (2014). Corrections by broken replica symmetry are not known. "
        "Loads, numbers of replicas and grids are our choice."
    )
    probe: ClassVar[dict] = {"order": 31, "alpha": 0.6}
    calibration: ClassVar[dict] = {"curve": "typical", "replicas": None, "alpha": 0.4, "order": 61}
    deterministic: ClassVar[bool] = True

    curve: Literal["typical", "robust", "densest"] = Field(
        description="around a typical solution, y replicas around their centre, or y to infinity"
    )
    alpha: float = Field(gt=0, le=0.8, description="patterns per weight alpha")
    replicas: float | None = Field(
        default=None, ge=1, le=100, description="number of replicas y (of a robust curve)"
    )
    order: int = Field(
        default=161, ge=31, le=2001, description="nodes of a quadrature, three times as many where typical"
    )

    @model_validator(mode="after")
    def _replicas_where_robust(self) -> Self:
        if (self.curve == "robust") != (self.replicas is not None):
            raise ValueError(
                f"curve = {self.curve!r}, replicas = {self.replicas}: a robust curve needs replicas, no other has any"
            )
        return self

    def cost(self) -> Cost:
        """Two-dimensional quadratures at every step of an iteration, with more nodes for more replicas."""
        seconds = {"typical": 3.0, "densest": 1.4, "robust": 0.9 + 0.075 * (self.replicas or 0)}[self.curve]
        nodes = 1.0 if self.curve == "densest" else (self.order / 161) ** 2
        return Cost(0.15 + seconds * nodes, 40e6 * nodes, 6e3)

    def run(self, instance, seed: np.random.SeedSequence, progress: Progress) -> xr.Dataset:
        """Return distance, entropy and their numerical errors along a curve; `instance` and `seed` are not used."""
        total = replica_symmetric_entropy(self.alpha)
        if self.curve == "typical":
            found = franz_parisi(self.alpha, DISTANCES, order=3 * self.order, progress=progress)
            columns = {
                "distance": DISTANCES,
                "entropy": found.entropy,
                "coupling": np.full(DISTANCES.size, np.nan),
                "distance_error": np.zeros(DISTANCES.size),
                "entropy_error": found.entropy_error,
            }
        else:
            replicas = np.inf if self.replicas is None else self.replicas
            found = robust_ensemble(self.alpha, COUPLINGS, replicas, order=self.order, progress=progress)
            columns = {
                "distance": found.distance,
                "entropy": found.local_entropy,
                "coupling": COUPLINGS,
                "distance_error": found.distance_error,
                "entropy_error": found.local_entropy_error,
            }
        names = {
            "distance": {"long_name": "Hamming distance from the centre d / N", "units": "1"},
            "entropy": {"long_name": "entropy of the solutions at that distance", "units": NATS},
            "coupling": {"long_name": "coupling gamma of a replica to the centre", "units": "1"},
            "distance_error": {"long_name": "numerical error of the distance", "units": "1"},
            "entropy_error": {"long_name": "numerical error of the entropy", "units": NATS},
        }
        place = np.arange(len(columns["distance"]))
        return xr.Dataset(
            {name: ("place", np.asarray(values), names[name]) for name, values in columns.items()}
            | {
                "total_entropy": (
                    (),
                    float(total.entropy[0]),
                    {"long_name": "entropy of all solutions", "units": NATS},
                )
            },
            coords={"place": ("place", place, {"long_name": "place along the curve", "units": "1"})},
        )
