"""E7: what energy and temperature of SGD-like dynamics depend on: mini-batch, vertex order, labels, phase."""

from typing import ClassVar, Literal, NamedTuple, Self

import numpy as np
import xarray as xr
from pydantic import Field, model_validator

from thermobatch.coloring.dynamics.metropolis import metropolis
from thermobatch.coloring.dynamics.minibatch import sgd_like
from thermobatch.coloring.graph import ColoringGraph
from thermobatch.coloring.studies.chain_experiment import RUN_SECONDS, ColoringExperiment
from thermobatch.coloring.studies.temperature_matching import calibrated_temperatures
from thermobatch.coloring.theory.effective_temperature import effective_temperature
from thermobatch.study.experiment import Cost, Progress, part


class Variant(NamedTuple):
    """One version of the dynamics: batch scheme, order of the vertices, vertex labels shuffled, cost of a sweep."""

    scheme: str
    order: str
    shuffled: bool
    cost: float


TABLE, FLAGS = 1.3, 8.0  # cost of a sweep, in sweeps of the default
# Where a sweep visits every vertex once, per_proposal is the same Markov chain as half_edge. Labels matter to the
# sequential order alone.
VARIANTS = (
    Variant("half_edge", "sequential", False, 1.0),
    Variant("half_edge", "sequential", True, TABLE),
    Variant("half_edge", "random_permutation", False, TABLE),
    Variant("half_edge", "random_sequential", False, FLAGS),
    Variant("per_proposal", "random_sequential", False, TABLE),
    Variant("shared_edge", "sequential", False, FLAGS),
    Variant("shared_edge", "sequential", True, FLAGS),
    Variant("shared_edge", "random_permutation", False, FLAGS),
    Variant("shared_edge", "random_sequential", False, FLAGS),
    Variant("shared_edge_exact", "sequential", False, FLAGS),
)
CALIBRATION = {
    "random": (0.8, 1.1),
    "planted": (0.6, 1.0),
}  # temperatures over the closed form of the paramagnet
CALIBRATION_RUNS = 12
MELTED = 0.5  # a planted start below this overlap has left the planted state, and says nothing about it


class ColoringVariants(ColoringExperiment):
    """All variants from the same colouring on the same graph, and Metropolis runs to read their temperatures."""

    name: ClassVar[str] = "coloring_variants"
    title: ClassVar[str] = "Variants of SGD-like dynamics on graph colouring"
    fidelity: ClassVar[str] = (
        "Half-edge mini-batches in sequential order on contiguous planted groups are what the paper's authors' program "
        "does; all other variants, the planted start, N, c, the grid of B, the times and the number of graphs are ours."
    )
    probe: ClassVar[dict] = {"n": 2000, "sweeps": 20}
    calibration: ClassVar[dict] = {"n": 10_000, "sweeps": 40}

    batch_fraction: float = Field(gt=0, lt=1, description="mini-batch fraction B")
    sweeps: int = Field(ge=10, description="length of the runs in sweeps")
    start: Literal["random", "planted"] = Field(description="colouring the runs start from")

    @model_validator(mode="after")
    def _has_a_planted_colouring(self) -> Self:
        if self.start == "planted" and self.graph != "planted":
            raise ValueError(f"start = 'planted' with graph = {self.graph!r}: needs graph = 'planted'")
        return self

    def cost(self) -> Cost:
        """All variants, those with flags dearest, and the Metropolis runs."""
        sweeps = self.sweeps * (sum(variant.cost for variant in VARIANTS) + CALIBRATION_RUNS)
        flags = 10.0 * self.n * self.mean_degree
        temperature = effective_temperature(self.batch_fraction, mean_degree=self.mean_degree, q=self.q)
        starts = RUN_SECONDS * (len(VARIANTS) + CALIBRATION_RUNS)
        seconds = self.graph_seconds() + starts + self.sweep_seconds(sweeps, temperature)
        return Cost(seconds, 2 * self.chain_bytes() + flags, 32.0 * len(VARIANTS))

    def run(self, instance, seed: np.random.SeedSequence, progress: Progress) -> xr.Dataset:
        """Return energy, temperature and overlap of every variant, and the Metropolis energies behind them."""
        start_seed, label_seed, *seeds = seed.spawn(2 + len(VARIANTS) + CALIBRATION_RUNS)
        random = np.random.default_rng(start_seed)
        colors = (
            random.integers(self.q, size=self.n, dtype=np.uint8)
            if self.start == "random"
            else instance.planted
        )
        relabelled = with_labels(instance, colors, np.random.default_rng(label_seed).permutation(self.n))
        total, done = sum(variant.cost for variant in VARIANTS) + CALIBRATION_RUNS, 0.0
        energies, overlaps = [], []
        for variant, run_seed in zip(VARIANTS, seeds, strict=False):
            graph, initial = relabelled if variant.shuffled else (instance, colors)
            kind = {"scheme": variant.scheme, "order": variant.order}
            run = sgd_like(
                graph,
                self.batch_fraction,
                self.sweeps,
                run_seed,
                progress=part(progress, done / total, (done + variant.cost) / total, self.sweeps),
                **kind,
                **self._settings(initial),
            )
            energies.append(_late(run.energy))
            overlaps.append(_late(run.overlap) if self.graph == "planted" else np.nan)
            done += variant.cost

        drift = effective_temperature(self.batch_fraction, mean_degree=self.mean_degree, q=self.q)
        temperatures = drift * np.linspace(*CALIBRATION[self.start], CALIBRATION_RUNS)
        reached = []
        for temperature, run_seed in zip(temperatures, seeds[len(VARIANTS) :], strict=True):
            report = part(progress, done / total, (done + 1) / total, self.sweeps)
            settings = self._settings(colors) | {"progress": report}
            run = metropolis(instance, temperature, self.sweeps, run_seed, **settings)
            melted = self.start == "planted" and float(run.overlap[-1]) < MELTED
            reached.append(np.nan if melted else _late(run.energy))
            done += 1
        return _dataset(energies, overlaps, temperatures, np.array(reached))

    def _settings(self, initial) -> dict:
        window = np.arange(self.sweeps // 2, self.sweeps + 1)
        return {"initial": initial, "record": window, "stop_at_solution": False}


def with_labels(
    graph: ColoringGraph, colors: np.ndarray, labels: np.ndarray
) -> tuple[ColoringGraph, np.ndarray]:
    """Return the same graph and colours with vertex i called `labels[i]`.

    Parameters
    ----------
    graph : ColoringGraph
        The graph.
    colors : uint8[N]
        A colouring of it.
    labels : int64[N]
        A permutation of 0..N-1.
    """
    back = np.argsort(labels)
    planted = None if graph.planted is None else graph.planted[back]
    return ColoringGraph.from_edges(labels[graph.edges()], graph.n, graph.q, planted), colors[back]


def _late(trace: xr.DataArray) -> float:
    """Average over what was asked to be recorded: the start is always recorded as well."""
    return float(trace[1:].mean())


def _dataset(energies, overlaps, temperatures, calibration) -> xr.Dataset:
    found = calibrated_temperatures(temperatures, calibration, energies)
    dimensionless = {"units": "1"}
    energy = {"long_name": "energy per vertex, last half of the run", **dimensionless}
    matched = {"long_name": "temperature at which Metropolis has this energy", **dimensionless}
    overlap = {"long_name": "overlap with the planted colouring, last half of the run", **dimensionless}
    run_at = {"long_name": "temperature of a Metropolis run", **dimensionless}
    reached = {
        "long_name": "energy per vertex of Metropolis, last half of the run (NaN: left the planted state)",
        **dimensionless,
    }
    schemes, orders, shuffled, _ = (list(column) for column in zip(*VARIANTS, strict=True))
    visits = ["shuffled_labels" if mixed else order for order, mixed in zip(orders, shuffled, strict=True)]
    names = [f"{scheme}.{visit}" for scheme, visit in zip(schemes, visits, strict=True)]
    return xr.Dataset(
        {
            "energy": ("variant", energies, energy),
            "matched_temperature": ("variant", found, matched),
            "overlap": ("variant", overlaps, overlap),
            "calibration_temperature": ("calibration", temperatures, run_at),
            "calibration_energy": ("calibration", calibration, reached),
        },
        coords={
            "variant": ("variant", names, {"long_name": "variant of the dynamics"}),
            "scheme": ("variant", schemes, {"long_name": "batch scheme"}),
            "visits": ("variant", visits, {"long_name": "order of the vertices"}),
        },
    )
