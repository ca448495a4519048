"""R8: do mini-batches of edges and of replicas recover planted colourings as replicated annealing does?"""

from typing import ClassVar

from thermobatch.coloring.studies.replicas.experiment import ReplicatedColoring


class ReplicatedBatches(ReplicatedColoring):
    """One annealing of R replicas by mini-batches of edges and of replicas, or by Metropolis moves on such graphs."""

    name: ClassVar[str] = "replicated_batches"
    title: ClassVar[str] = "Recovery of the planted colouring by mini-batches of edges and of replicas"
    source: ClassVar[str] = "beyond the papers"
    fidelity: ClassVar[str] = (
        "Ours. The replicated annealing is that of R7; a mini-batch of edges for a temperature is that of "
        "doi:10.1038/s41598-024-62625-8; a mini-batch of replicas for a coupling, B(T) by zero drift, "
        "B_R = 1 - exp(-gamma/(R T)), N, c, gamma and all numbers are our choice."
    )
    calibration: ClassVar[dict] = ReplicatedColoring.calibration | {"sweeps": 500}
