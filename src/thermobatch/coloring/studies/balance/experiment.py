"""E5: the SGD-like chain keeps detailed balance on average only; its flows between neighbour counts are asymmetric."""

from typing import ClassVar, Literal

import numpy as np
import xarray as xr
from pydantic import Field

from thermobatch.coloring.dynamics.metropolis import metropolis
from thermobatch.coloring.dynamics.minibatch import sgd_like
from thermobatch.coloring.studies.chain_experiment import ColoringExperiment
from thermobatch.coloring.studies.temperature_matching import RUNS, matched_at_long_times
from thermobatch.coloring.theory.effective_temperature import effective_temperature, matched_temperature
from thermobatch.coloring.theory.equilibrium import poisson_max_count
from thermobatch.study.experiment import Cost, Progress, part

COUNTING = 1.3  # a sweep that counts moves takes this much longer


class ColoringBalance(ColoringExperiment):
    """Moves of both dynamics counted by (n_old, n_new) in two stretches of the last half of a run."""

    name: ClassVar[str] = "coloring_balance"
    title: ClassVar[str] = "Detailed balance of SGD-like dynamics on graph colouring"
    fidelity: ClassVar[str] = (
        "Model and dynamics are the paper's (half-edge mini-batches, sequential sweeps), averaged detailed balance is "
        "its idea. How it is measured, the flows between pairs of neighbour counts and their asymmetry, N, c, the grid "
        "of B, the times and the number of graphs are our choice: the paper's panels are not known to us."
    )
    probe: ClassVar[dict] = {"n": 2000, "sweeps": 400}
    calibration: ClassVar[dict] = {"n": 20_000, "sweeps": 1000}

    batch_fraction: float = Field(gt=0, lt=1, description="mini-batch fraction B")
    sweeps: int = Field(
        ge=8, multiple_of=4, description="length of the runs in sweeps; moves are counted in the last half"
    )
    matching: Literal["equilibrium", "long_times"] = Field(description="how the temperature is matched")

    def cost(self) -> Cost:
        """Two runs, half of them counting, and three more where T is matched at long times."""
        runs = 1 + COUNTING + (RUNS if self.matching == "long_times" else 0)
        temperature = effective_temperature(self.batch_fraction, mean_degree=self.mean_degree, q=self.q)
        seconds = self.graph_seconds() + self.runs_seconds(runs, self.sweeps, temperature)
        return Cost(seconds, 2 * self.chain_bytes(), 64.0 * self._counts() ** 2)

    def run(self, instance, seed: np.random.SeedSequence, progress: Progress) -> xr.Dataset:
        """Return flows and proposals(dynamics, stretch, n_old, n_new), the energies and the matched temperature."""
        start, minibatch_seed, thermal_seed, matching_seed = seed.spawn(4)
        colors = np.random.default_rng(start).integers(self.q, size=self.n, dtype=np.uint8)
        first, last = (0.2, 0.8) if self.matching == "long_times" else (0.5, 0.5)
        report = part(progress, 0.0, first)
        runs = {
            "sgd_like": self._counted(sgd_like, instance, self.batch_fraction, colors, minibatch_seed, report)
        }
        energy = float(runs["sgd_like"].energy.mean())
        if self.matching == "equilibrium":
            temperature = float(matched_temperature(energy, mean_degree=instance.mean_degree, q=self.q))
        else:
            guess = effective_temperature(self.batch_fraction, mean_degree=self.mean_degree, q=self.q)
            report = part(progress, first, last)
            temperature = matched_at_long_times(instance, energy, guess, self.sweeps, matching_seed, report)
        report = part(progress, last, 1.0)
        runs["metropolis"] = self._counted(metropolis, instance, temperature, colors, thermal_seed, report)
        joined = xr.concat(list(runs.values()), dim="dynamics")
        matched = ((), temperature, {"long_name": "matched temperature T(B)", "units": "1"})
        return joined.assign(matched_temperature=matched).assign_coords(
            dynamics=("dynamics", list(runs), {"long_name": "dynamics"})
        )

    def _counted(
        self, dynamics, graph, strength: float, colors, seed: np.random.SeedSequence, progress: Progress
    ) -> xr.Dataset:
        """Run to the middle, then count moves in two stretches of a quarter of the run each."""
        seeds, quarter = seed.spawn(3), self.sweeps // 4
        settings = {"stop_at_solution": False, "progress": part(progress, 0.0, 0.5, 2 * quarter)}
        relaxed = dynamics(graph, strength, 2 * quarter, seeds[0], initial=colors, record=[], **settings)
        stretches, colors = [], relaxed.colors.values
        for begin, stretch_seed in zip((0.5, 0.75), seeds[1:], strict=True):
            settings |= {"initial": colors, "record": np.arange(quarter + 1), "flows_from": 0}
            settings["progress"] = part(progress, begin, begin + 0.25, quarter)
            run = dynamics(graph, strength, quarter, stretch_seed, **settings)
            colors = run.colors.values
            average = run.energy.sel(time=slice(1, None)).mean().assign_attrs(run.energy.attrs)
            tables = {name: self._resized(run[name]) for name in ("flows", "proposals")}
            stretches.append(xr.Dataset({"energy": average, **tables}))
        labels = {"stretch": ("stretch", np.arange(2), {"long_name": "stretch of the run"})}
        return xr.concat(stretches, dim="stretch").assign_coords(labels)

    def _counts(self) -> int:
        """Size of the tables of all graphs of the ensemble: no degree is larger but once in a million graphs."""
        return poisson_max_count(self.mean_degree, 1e-6 / self.n) + 1

    def _resized(self, counted: xr.DataArray) -> xr.DataArray:
        """Bring a table, as large as the graph's largest degree, to the common size."""
        size, found = self._counts(), counted.sizes["n_old"]
        kept = min(size, found)
        table = np.zeros((size, size), np.int64)
        table[:kept, :kept] = counted.values[:kept, :kept]
        if table.sum() != counted.values.sum():
            raise ValueError(
                f"graph of largest degree {found - 1}: its moves do not fit a table of {size} counts"
            )
        coordinates = {
            axis: (axis, np.arange(size), {"long_name": f"neighbours with the {which} colour", "units": "1"})
            for axis, which in (("n_old", "current"), ("n_new", "proposed"))
        }
        return xr.DataArray(table, coordinates, ("n_old", "n_new"), attrs=counted.attrs)
