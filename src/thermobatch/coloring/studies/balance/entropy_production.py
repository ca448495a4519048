"""E5, exact part: stationary law and entropy production of the SGD-like chain on graphs small enough to enumerate."""

import math
from typing import ClassVar, Self

import numpy as np
import xarray as xr
from pydantic import Field, model_validator

from thermobatch.coloring.studies.chain_experiment import ColoringExperiment
from thermobatch.coloring.theory.effective_temperature import half_edge_acceptance
from thermobatch.coloring.theory.exact_chain import (
    MOST_STATES,
    coloring_moves,
    entropy_production,
    gibbs_law,
    gibbs_temperature,
    move_flows,
    stationary_law,
)
from thermobatch.statistics.detailed_balance import entropy_production_bound, flow_asymmetry
from thermobatch.study.experiment import Cost, Progress, part


class ColoringEntropyProduction(ColoringExperiment):
    """The chain of single proposals on all colourings, and Metropolis at the temperature of equal energy."""

    name: ClassVar[str] = "coloring_entropy_production"
    title: ClassVar[str] = "Entropy production of SGD-like dynamics on tiny graphs, exact"
    fidelity: ClassVar[str] = (
        "The acceptance of a proposal is the paper's (half-edge mini-batches). The chain of single proposals at "
        "uniform vertices with a fresh mini-batch each, the tiny graphs and the entropy production are ours."
    )
    probe: ClassVar[dict] = {"n": 4, "q": 2, "mean_degree": 2.0, "batch_fractions": [0.5]}
    calibration: ClassVar[dict] = {"batch_fractions": [0.5]}

    batch_fractions: list[float] = Field(min_length=1, description="mini-batch fractions B")

    @model_validator(mode="after")
    def _can_be_listed(self) -> Self:
        if self.n > 14 or self.q**self.n > MOST_STATES:
            raise ValueError(
                f"n = {self.n} with q = {self.q}: must give at most {MOST_STATES} colourings to list"
            )
        wrong = [b for b in self.batch_fractions if not 0 < b < 1]
        if wrong or sorted(set(self.batch_fractions)) != self.batch_fractions:
            raise ValueError(
                f"batch_fractions = {self.batch_fractions}: must be increasing and inside (0, 1)"
            )
        return self

    def cost(self) -> Cost:
        """Eliminating the colourings, but for permutations of the colours, one by one is nearly all there is."""
        points, moves = len(self.batch_fractions), self.n * self.q ** (self.n + 1)
        kinds = self.q**self.n / math.factorial(self.q)
        seconds = 0.005 + points * (1.5e-3 + 8e-10 * kinds**3)
        return Cost(seconds, 100.0 * moves + 16.0 * kinds**2, 40.0 * points)

    def run(self, instance, seed: np.random.SeedSequence, progress: Progress) -> xr.Dataset:
        """Return entropy production and asymmetry(dynamics, batch_fraction), exact; the seed is not used."""
        moves = coloring_moves(instance.edges(), self.n, self.q)
        largest = int(instance.max_degree)
        rows, temperatures, distances = {"sgd_like": [], "metropolis": []}, [], []
        points = len(self.batch_fractions)
        for done, fraction in enumerate(self.batch_fractions):
            acceptance = half_edge_acceptance(fraction, largest)
            law = stationary_law(moves, acceptance, part(progress, done / points, (done + 1) / points))
            temperature = gibbs_temperature(moves.energy, float(law @ moves.energy))
            gibbs = gibbs_law(moves.energy, temperature)
            rows["sgd_like"].append(_described(moves, acceptance, law))
            change = np.arange(largest + 1)[None, :] - np.arange(largest + 1)[:, None]
            thermal = np.minimum(1.0, np.exp(-change / temperature))
            rows["metropolis"].append(_described(moves, thermal, gibbs))
            temperatures.append(temperature)
            distances.append(0.5 * np.abs(law - gibbs).sum())
        production, bound, asymmetry = np.moveaxis(np.array(list(rows.values())), 2, 0)
        axes = ("dynamics", "batch_fraction")
        entropy = {"units": "nats per accepted move"}
        return xr.Dataset(
            {
                "entropy_production": (axes, production, {"long_name": "entropy production", **entropy}),
                "entropy_production_bound": (
                    axes,
                    bound,
                    {"long_name": "its part seen in the flows", **entropy},
                ),
                "asymmetry": (axes, asymmetry, {"long_name": "asymmetry of the flows", "units": "1"}),
                "temperature": (
                    "batch_fraction",
                    temperatures,
                    {"long_name": "temperature of equal mean energy", "units": "1"},
                ),
                "distance": (
                    "batch_fraction",
                    distances,
                    {"long_name": "total variation distance to the Gibbs law of equal energy", "units": "1"},
                ),
            },
            coords={
                "dynamics": ("dynamics", list(rows), {"long_name": "dynamics"}),
                "batch_fraction": (
                    "batch_fraction",
                    np.array(self.batch_fractions),
                    {"long_name": "mini-batch fraction B", "units": "1"},
                ),
            },
        )


def _described(moves, acceptance: np.ndarray, law: np.ndarray) -> tuple[float, float, float]:
    """Entropy production and the bound on it per accepted move, and the asymmetry of the flows."""
    flows = move_flows(moves, acceptance, law)
    production = entropy_production(moves, acceptance, law) / flows.sum()
    return production, entropy_production_bound(flows), flow_asymmetry(flows)
