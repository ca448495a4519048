"""Worlds of the mean-field studies (D1-D7) whose answer is known, and for every claim one in which it fails."""

from collections.abc import Callable

import numpy as np
import xarray as xr

from thermobatch.mean_field.studies.covariance.claims import COVARIANCE_CURVES


def learning_dataset(bias: float = 0.0, seeds: int = 8, scatter: float = 0.002) -> xr.Dataset:
    """Three points (full batch, mini-batches, correlated inputs) whose simulations are off by `bias`."""
    random, time = np.random.default_rng(1), np.arange(21)
    curve = 1.0 - np.exp(-time / 5.0)
    curves = np.stack([curve, curve, curve + 0.1 * (time > 3)])[:, None, None, :] * np.ones((3, seeds, 3, 1))
    values = curves + scatter * random.standard_normal(curves.shape)
    values[:, :, 1] += bias * (time > 10)
    values[:, :, 2] = curves[:, :, 2]
    known = np.full((3, seeds, 21), np.nan)
    known[0] = curve + 0.001
    parameters = {"alpha": 3.0, "ridge": 0.5, "learning_rate": 0.1, "m0": 0.2, "q0": 1.0, "momentum": 0.0}
    return xr.Dataset(
        {name: (("point", "seed", "origin", "time"), values) for name in COVARIANCE_CURVES}
        | {"published_magnetization": (("point", "seed", "time"), known)},
        coords={
            "point": ["full", "mini", "correlated"],
            "origin": ["theory", "simulation", "exact"],
            "time": time,
            "batch_fraction": ("point", [1.0, 0.4, 0.4]),
            "eigenvalue_ratio": ("point", [np.nan, np.nan, 6.0]),
            "persistence": ("point", [np.nan] * 3),
            "nesterov": ("point", [False] * 3),
            "loss": ("point", ["square"] * 3),
            "data": ("point", ["teacher"] * 3),
            "d": ("point", [1000] * 3),
            "paths": ("point", [512] * 3),
        }
        | {name: ("point", [value] * 3) for name, value in parameters.items()},
    )


ALGORITHMS = {
    "b9": (0.9, np.nan),
    "b5": (0.5, np.nan),
    "b3": (0.3, np.nan),
    "t1": (0.3, 1.0),
    "t4": (0.3, 4.0),
}
ALGORITHMS |= {"b1": (0.1, np.nan), "c2": (0.1, 2.0)}
HEATS = {"b9": 0.006, "b5": 0.054, "b3": 0.139, "t1": 0.28, "t4": 0.41, "b1": 0.83, "c2": 0.55}


def by_algorithm(variables: dict, **extra) -> xr.Dataset:
    """A dataset of the algorithms above."""
    fractions, taus = zip(*ALGORITHMS.values(), strict=True)
    return xr.Dataset(
        variables,
        coords={
            "point": list(ALGORITHMS),
            "origin": ["theory", "simulation"],
            "batch_fraction": ("point", list(fractions)),
            "persistence": ("point", list(taus)),
            "learning_rate": ("point", [0.1] * len(fractions)),
            "d": ("point", [800] * len(fractions)),
        }
        | extra,
    )


def stationary(
    heats: dict[str, float] = HEATS,
    bend: float = 0.3,
    wrong: float = 1.0,
    spread: float = 0.0,
    late: float = 1.0,
) -> xr.Dataset:
    """Temperatures with 2% scatter; fluctuation bends by `bend` (+- `spread`); simulations are off by `wrong`.

    T_int is `late` times T_rep.
    """
    random, lag = np.random.default_rng(5), np.arange(81)
    shape = (len(heats), 8, 2)
    factor = np.array([1.0, wrong])
    heat = np.array(list(heats.values()))[:, None, None] * np.exp(0.02 * random.standard_normal(shape))
    response = (
        (1.0 - np.exp(-lag / 8.0)) * factor[:, None] * np.exp(0.01 * random.standard_normal((*shape, 1)))
    )
    chi = response / response[..., -1:]
    bends = bend + spread * random.standard_normal((*shape, 1))
    fluctuation = heat[..., None] * response[..., -1:] * (chi + bends * chi * (1.0 - chi))
    dims = ("point", "seed", "origin")
    return by_algorithm(
        {
            "replica_temperature": (dims, heat * factor),
            "integral_temperature": (dims, late * heat * factor),
            "response": ((*dims, "lag"), response),
            "replica_fluctuation": ((*dims, "lag"), fluctuation),
        }
    )


def distances(
    factor: dict[str, float] | None = None, final_loss: float = 1e-6, wrong: float = 1.0
) -> xr.Dataset:
    """Replicas whose distance is the square of the temperature, times a factor."""
    random = np.random.default_rng(6)
    scale = np.array([HEATS[name] ** 2 * (factor or {}).get(name, 1.0) for name in ALGORITHMS])
    distance = scale[:, None, None, None] * np.exp(0.05 * random.standard_normal((7, 12, 2, 1)))
    distance = distance * np.linspace(0.0, 1.0, 30) * np.array([wrong, 1.0])[:, None]
    dims = ("point", "seed", "origin", "time")
    loss = np.ones_like(distance) * np.geomspace(1.0, final_loss, 30)
    return by_algorithm({"replica_distance": (dims, distance), "training_loss": (dims, loss)})


def gaps(step: float = 0.05, wrong: float = 0.0) -> xr.Dataset:
    """Four batch fractions whose summaries move by `step` from one to the next; theory is off by `wrong`."""
    random, dims = np.random.default_rng(7), ("point", "seed", "origin")
    rise = step * np.arange(4)[:, None, None] + 0.005 * random.standard_normal((4, 10, 2))
    share = np.clip(np.linspace(0, 1, 20) + 0.01 * random.standard_normal((4, 10, 2, 20)), 0, 1)
    share[:, :, 0] += wrong
    return xr.Dataset(
        {
            "near_fraction": (dims, 0.4 - rise),
            "median_gap": (dims, 0.1 + rise),
            "test_error": (dims, 0.4 - rise),
            "gap_distribution": ((*dims, "gap"), share),
        },
        coords={"origin": ["theory", "simulation"], "batch_fraction": ("point", [1.0, 0.5, 0.3, 0.1])}
        | {"point": list("abcd"), "d": ("point", [800] * 4)},
    )


def errors(
    exponent: float = -0.5, floor: float = 1e-14, scatter: float = 0.1, size: float = 0.05
) -> xr.Dataset:
    """Errors of five population sizes with full batches (rounding) and b = 0.2, which fall as n^exponent."""
    random, sizes = np.random.default_rng(9), np.array([512, 1024, 2048, 4096, 8192])
    laws = np.stack([np.full(5, floor), size * (sizes / 512.0) ** exponent])
    values = laws[:, None, :, None] * np.exp(scatter * random.standard_normal((2, 16, 5, 3)))
    dims = ("point", "seed", "paths", "quantity")
    return xr.Dataset(
        {"rms_error": (dims, values), "largest_error": (dims, 2.0 * values)},
        coords={
            "point": ["full", "mini"],
            "paths": sizes,
            "quantity": ["magnetization", "training_loss", "self_overlap"],
            "batch_fraction": ("point", [1.0, 0.2]),
            "exact_response": ("point", [False, False]),
        },
    ).isel(paths=slice(None, None, -1))


# --- worlds in which the claims fail ---------------------------------------------------------------------------------


def one_case_off() -> xr.Dataset:
    """Learning curves whose theory is right but for the overlap of one case with mini-batches."""
    dataset = learning_dataset()
    overlap = dataset.magnetization.copy()
    overlap.loc[{"point": "mini", "origin": "theory", "time": slice(5, None)}] += 0.05
    return dataset.assign(magnetization=overlap)


def correlations_ignored() -> xr.Dataset:
    """Learning curves of a theory and a simulation that forget the covariance of their inputs."""
    dataset = learning_dataset()
    curves = {name: dataset[name].copy() for name in COVARIANCE_CURVES}
    for curve in curves.values():
        for origin in ("theory", "simulation"):
            place = {"point": "correlated", "origin": origin}
            curve.loc[place] = curve.sel(point="mini", origin=origin).values
    return dataset.assign(curves)


def covariance_without_effect(where: str = "simulation") -> xr.Dataset:
    """The same, in one of theory and simulation only."""
    dataset, ignored = learning_dataset(), correlations_ignored()
    curves = {name: dataset[name].copy() for name in COVARIANCE_CURVES}
    for name, curve in curves.items():
        curve.loc[{"origin": where}] = ignored[name].sel(origin=where)
    return dataset.assign(curves)


def published_late() -> xr.Dataset:
    """A published simulation that is one step late: its first row taken for step 1."""
    dataset = learning_dataset()
    known = dataset.published_magnetization
    return dataset.assign(published_magnetization=known.shift(time=1, fill_value=0.0).where(known.notnull()))


def one_temperature() -> xr.Dataset:
    """Noise as of a heat bath: fluctuation against response is a straight line, in theory and simulation."""
    return stationary(bend=0.0)


def batch_free_noise() -> xr.Dataset:
    """A temperature that falls with the noise strength, and with persistence where it should not: names shuffled."""
    heats = dict(zip(HEATS, reversed(HEATS.values()), strict=True))
    return stationary(heats)


def replicas_shuffled() -> xr.Dataset:
    """Distances of replicas with the algorithms' labels in the opposite order."""
    names = list(HEATS)
    return distances({name: (HEATS[names[-1 - k]] / HEATS[name]) ** 2 for k, name in enumerate(names)})


AMPLITUDE = {"b9": 0.054 / 3.0}  # T as sqrt((1 - b)/b): the noise's amplitude for its variance
STRONG = {"b1": 0.55, "c2": 0.83}  # at b = 0.1: persistence heats there as well
COUNT_ONCE = 1.0 / 0.3  # theory that counts 1/b twice, at b = 0.3

FALSIFIERS: dict[str, Callable[[], list[xr.Dataset]]] = {
    "D1.theory_is_simulation": lambda: [one_case_off()],
    "D1.theory_is_exact": lambda: [one_case_off()],
    "D2.full_batch_is_exact": lambda: [errors(floor=1e-6)],
    "D2.error_falls_as_root_n": lambda: [errors(-1.0)],
    "D2.accuracy": lambda: [errors(size=0.1)],
    "D2.published_curve": lambda: [published_late()],
    "D3.no_single_temperature": lambda: [one_temperature()],
    "D3.no_single_temperature_in_theory": lambda: [one_temperature()],
    "D3.theory_is_simulation": lambda: [stationary(wrong=1.3)],
    "D4.noise_grows_as_batches_shrink": lambda: [batch_free_noise()],
    "D4.weak_noise_law": lambda: [stationary(HEATS | AMPLITUDE)],
    "D4.theory_is_simulation": lambda: [stationary(wrong=COUNT_ONCE)],
    "D4.same_definitions": lambda: [stationary(late=0.8)],
    "D4.persistence_heats": lambda: [batch_free_noise()],
    "D4.persistence_cools_strong_noise": lambda: [stationary(HEATS | STRONG)],
    "D5.distance_grows_with_noise": lambda: [replicas_shuffled()],
    "D5.distance_grows_with_persistence": lambda: [replicas_shuffled()],
    "D5.same_order_as_temperature": lambda: [replicas_shuffled(), stationary()],
    "D5.theory_is_simulation": lambda: [distances(wrong=COUNT_ONCE)],
    "D6.fewer_samples_at_the_boundary": lambda: [gaps(-0.05)],
    "D6.gaps_widen": lambda: [gaps(-0.05)],
    "D6.generalises_better": lambda: [gaps(-0.05)],
    "D6.generalises_better_overall": lambda: [gaps(-0.05)],
    "D6.theory_is_simulation": lambda: [gaps(wrong=0.1)],
    "D7.theory_is_exact": lambda: [covariance_without_effect("theory")],
    "D7.theory_is_simulation": lambda: [covariance_without_effect()],
    "D7.covariance_matters": lambda: [correlations_ignored()],
}
