"""Datasets of annealed colourings (L3, R7, R8) whose answers are known."""

from collections.abc import Callable

import numpy as np
import xarray as xr

from thermobatch.coloring.studies.replicas.claims import Scheme


def annealings(name: str, difference: float) -> xr.Dataset:
    """Annealings of 3 lengths on 8 graphs: the dynamics differ by `difference` in one variable."""
    generator = np.random.default_rng(5)
    thermal = generator.normal(size=(3, 8, 1))
    minibatch = thermal + difference + 0.001 * generator.normal(size=thermal.shape)
    return xr.Dataset(
        {name: (("point", "seed", "dynamics", "level"), np.stack([thermal, minibatch], axis=2))},
        coords={"dynamics": ["metropolis", "sgd_like"], "sweeps": ("point", [100, 300, 1000])},
    )


def replicated(
    share: Callable[[float, int, Scheme], float],
    *,
    runs: int = 40,
    heat: Callable[[Scheme], float] = lambda scheme: 0.8 if scheme.coupling else 0.5,
    gammas: tuple[float, ...] = (0.5, 1.0, 1.4),
    batches: bool = False,
) -> xr.Dataset:
    """Annealings whose recovered share is a function of (c, N, scheme); all recoveries are as hot as `heat` says."""
    kinds = (False, True) if batches else (False,)
    schemes = [Scheme(1), Scheme(1, longer=True), Scheme(10), *(Scheme(10, gamma) for gamma in gammas)]
    rows = [
        (n, scheme._replace(batches=kind), c)
        for n in (1000, 5000)
        for scheme in schemes
        for kind in kinds
        for c in (15.0, 16.0, 17.0, 18.0, 19.0, 20.0)
    ]
    sweeps = np.array([5 * n * (10 if scheme.longer else 1) for n, scheme, _ in rows], float)
    found = np.array([np.arange(runs) < round(runs * share(c, n, scheme)) for n, scheme, c in rows])
    scatter = 0.01 * np.random.default_rng(5).standard_normal(found.shape)
    heats = np.where(found, np.array([heat(scheme) for _, scheme, _ in rows])[:, None] + scatter, np.nan)
    columns = {
        "n": [n for n, *_ in rows],
        "sweeps": sweeps.astype(int),
        "mean_degree": [c for *_, c in rows],
        "replicas": [scheme.replicas for _, scheme, _ in rows],
        "coupling": [scheme.coupling for _, scheme, _ in rows],
        "batches": [scheme.batches for _, scheme, _ in rows],
        "q": [5] * len(rows),
        "hottest": [1.0] * len(rows),
        "coldest": [0.0] * len(rows),
        "stop_overlap": [0.6] * len(rows),
    }
    end = np.where(found, (1 - heats) * sweeps[:, None], sweeps[:, None])
    alike = np.where(found, 0.5, 1.0)[..., None] * np.array([0.0, 0.5, 1.0])
    axes = ("point", "seed")
    return xr.Dataset(
        {
            "first_passage": (axes, np.where(found, end, np.nan)),
            "stopped_at": (axes, end),
            "passage_temperature": (axes, heats),
            "pair_overlap": ((*axes, "record"), alike),
        },
        coords={name: ("point", values) for name, values in columns.items()}
        | {"schedule": ("record", [0.0, 0.5, 1.0])},
    )


def step(middle: float, width: float = 0.3) -> Callable[[float], float]:
    """A recovered share that rises through one half at `middle`."""
    return lambda c: float(1 / (1 + np.exp(-(c - middle) / width)))
