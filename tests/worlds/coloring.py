"""Datasets of annealed colourings (L3, R7) whose answers are known."""

import numpy as np
import xarray as xr


def annealings(name: str, difference: float) -> xr.Dataset:
    """Annealings of 3 lengths on 8 graphs: the dynamics differ by `difference` in one variable."""
    generator = np.random.default_rng(5)
    thermal = generator.normal(size=(3, 8, 1))
    minibatch = thermal + difference + 0.001 * generator.normal(size=thermal.shape)
    return xr.Dataset(
        {name: (("point", "seed", "dynamics", "level"), np.stack([thermal, minibatch], axis=2))},
        coords={"dynamics": ["metropolis", "sgd_like"], "sweeps": ("point", [100, 300, 1000])},
    )


def recoveries(
    thresholds: dict[tuple[int, float], float], seeds: int = 12, spread: float = 0.1
) -> xr.Dataset:
    """Runs that recover where c exceeds a threshold that scatters a little from one set of graphs to the next."""
    random = np.random.default_rng(4)
    c = np.arange(16.0, 21.1, 0.25)
    overlaps, columns = [], {"replicas": [], "coupling": [], "mean_degree": []}
    for (y, gamma), middle in thresholds.items():
        steps = middle + spread * random.standard_normal(seeds)
        for degree in c:
            overlaps.append(np.where(degree > steps, 0.95, 0.1))
            for name, value in zip(columns, (y, gamma, degree), strict=True):
                columns[name].append(value)
    count = len(overlaps)
    fixed = {"stop_overlap": 0.6, "n": 1000, "sweeps": 100}
    return xr.Dataset(
        {"final_overlap": (("point", "seed"), np.array(overlaps))},
        coords={"point": [f"p{k}" for k in range(count)]}
        | {name: ("point", values) for name, values in columns.items()}
        | {name: ("point", [value] * count) for name, value in fixed.items()},
    )
