"""Datasets of the Langevin experiments whose answers are known, for tests of claims and worlds in which they fail."""

import numpy as np
import xarray as xr


def annealing(shares: dict[str, float], seeds: int = 10, runs: int = 100) -> xr.Dataset:
    """Runs of which exactly these shares are in the basin at the end; half of that before."""
    kinds = {
        "best": (0.1, np.nan, "constant", "with_replacement"),
        "worse": (0.2, np.nan, "constant", "with_replacement"),
        "cooled": (1.0, np.nan, "logarithmic", "with_replacement"),
        "growing": (np.nan, 0.8, "logarithmic", "with_replacement"),
        "thermal": (np.nan, 0.8, "logarithmic", "thermal"),
        "batch": (np.nan, 8.0, "constant", "with_replacement"),
        "shuffled": (np.nan, 8.0, "constant", "reshuffling"),
        "descent": (np.nan, np.nan, "constant", "with_replacement"),
    }
    columns = list(zip(*kinds.values(), strict=True))
    share = np.array([[[0.5 * shares[kind], shares[kind]]] * seeds for kind in kinds])
    path = np.random.default_rng(1).normal(size=(len(kinds), seeds, 2, 2))
    return xr.Dataset(
        {"share": (("point", "seed", "time"), share), "path": (("point", "seed", "time", "component"), path)},
        coords={
            "point": list(kinds),
            "time": [10, 1000],
            **{
                name: ("point", list(column))
                for name, column in zip(("temperature", "batch", "cooling", "sampling"), columns, strict=True)
            },
            "runs": ("point", [runs] * len(kinds)),
            "learning_rate": ("point", [0.02] * len(kinds)),
            "noise_variance": ("point", [80.0] * len(kinds)),
        },
    )


SHARES = {
    "best": 0.8,
    "worse": 0.5,
    "cooled": 0.9,
    "growing": 0.9,
    "thermal": 0.9,
    "batch": 0.8,
    "shuffled": 0.1,
    "descent": 0.05,
}


def covariance(factor: float) -> xr.Dataset:
    """Variances of SGD that are `factor` times those of the exact solution."""
    scatter = 1 + 0.002 * np.random.default_rng(2).standard_normal((4, 8, 3))
    return xr.Dataset(
        {
            "variance": (("point", "seed", "mode"), factor * scatter),
            "predicted": (("theory", "point", "seed", "mode"), np.ones((1, 4, 8, 3))),
        },
        coords={"theory": ["exact"], "point": list("abcd")},
    )


def bowls() -> xr.Dataset:
    """Histograms of additive noise that has Boltzmann's law, and of natural noise that has not."""
    law = np.full((5, 5), 0.04)
    counts = np.random.default_rng(3).multinomial(100_000, law.ravel(), size=(1, 8, 2)).reshape(1, 8, 2, 5, 5)
    counts[:, :, 0, :2] *= 4
    return xr.Dataset(
        {
            "histogram": (("point", "seed", "noise", "bin_0", "bin_1"), counts),
            "outside": (("point", "seed", "noise"), np.zeros((1, 8, 2))),
            "boltzmann": (("point", "seed", "bin_0", "bin_1"), np.broadcast_to(law, (1, 8, 5, 5))),
        },
        coords={"noise": ["natural", "additive"]},
    )


def wells(heating: float) -> xr.Dataset:
    """Histograms in a double well at `heating` times the temperature of Boltzmann's law, for two temperatures."""
    place, random = np.linspace(-2.0, 2.0, 21), np.random.default_rng(4)
    energy = (place**2 - 1) ** 2 + 0.2 * place
    heats = np.array([0.2, 0.5])
    laws, sampled = (np.exp(-energy / heat[:, None]) for heat in (heats, heating * heats))
    laws, sampled = (each / each.sum(axis=1, keepdims=True) for each in (laws, sampled))
    counts = np.stack([random.multinomial(50_000, law, size=6) for law in sampled])
    return xr.Dataset(
        {
            "histogram": (("point", "seed", "bin"), counts),
            "outside": (("point", "seed"), np.zeros((2, 6))),
            "boltzmann": (("point", "seed", "bin"), np.repeat(laws[:, None], 6, axis=1)),
            "temperature": (("point", "seed"), np.repeat(heats[:, None], 6, axis=1)),
        },
        coords={"point": ["a", "b"], "learning_rate": ("point", [0.01, 0.01])},
    )
