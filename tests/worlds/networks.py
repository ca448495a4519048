"""Datasets of the networks' experiments whose answers are known, for tests of claims and worlds in which they fail."""

import numpy as np
import xarray as xr

from thermobatch.networks.studies.annealing.claims import UNCOUPLED
from thermobatch.networks.studies.neighborhoods.claims import ALGORITHMS
from thermobatch.networks.studies.neighborhoods.experiment import FIELDS

# --- R2 --------------------------------------------------------------------------------------------------------------

SIZES = [201, 401, 801, 1601, 2401]


def annealed(laws: dict[int | str, object], cap: float = np.inf, count: int = 20) -> xr.Dataset:
    """Log-normal costs around laws[y](N), as many accepted moves as the square root of the cost, stopped at a cap."""
    random = np.random.default_rng(1)
    names, n, replicas, attracted, cost = [], [], [], [], []
    for y, law in laws.items():
        for size in SIZES:
            names.append(f"replicas={y},n={size}")
            n.append(size)
            replicas.append(3 if y == UNCOUPLED else y)
            attracted.append(y != UNCOUPLED)
            cost.append(law(size) * np.exp(0.5 * random.standard_normal(count)))
    cost = np.array(cost)
    solved, spent = cost <= cap, np.minimum(cost, cap)
    columns = {"proposals": spent, "accepted": np.sqrt(spent), "solved": solved}
    columns |= {"failed_proposals": 0.9 * spent, "failed_accepted": 0.9 * np.sqrt(spent)}
    return xr.Dataset(
        {name: (("point", "seed"), values) for name, values in columns.items()},
        coords={
            "point": names,
            "n": ("point", n),
            "replicas": ("point", replicas),
            "coupled": ("point", attracted),
        },
    )


def steep(size):
    return 300.0 * np.exp(0.004 * size)


def flat(size):
    return 2000.0 * (size / 201) ** 2.1


def saturating(size):
    return 1e5 * np.exp(-3.0 * 201 / size)


# --- R3 --------------------------------------------------------------------------------------------------------------


def trained(rows: dict[tuple, tuple[int, float]], seeds: int = 10) -> xr.Dataset:
    """Points (replicas, batch, alpha, coupling_step) with (solved runs, mean smallest error of the others)."""
    count, errors, epochs = [], [], []
    random = np.random.default_rng(2)
    for solved, error in rows.values():
        done = np.arange(seeds) < solved
        count.append(done.astype(float))
        errors.append(np.where(done, 0.0, error + 0.003 * random.standard_normal(seeds)))
        epochs.append(np.where(done, 300.0, 1000.0))
    columns = dict(zip(("replicas", "batch", "alpha", "coupling_step"), zip(*rows, strict=True), strict=True))
    usual = {
        "centre": "simple",
        "attraction": np.nan,
        "coupling": 0.05,
        "learning_rate": 2.0,
        "batch_rule": "permutation",
        "same_start": True,
        "ties": "minus",
    }
    return xr.Dataset(
        {
            "solved": (("point", "seed"), np.array(count)),
            "min_error": (("point", "seed"), np.array(errors)),
            "epochs_run": (("point", "seed"), np.array(epochs)),
        },
        coords={"point": [f"p{k}" for k in range(len(rows))]}
        | {key: ("point", list(values)) for key, values in columns.items()}
        | {key: ("point", [value] * len(rows)) for key, value in usual.items()},
    )


RUNS = {
    (1, 80, 0.5, 0.001): (0, 0.07),
    (7, 80, 0.5, 0.001): (10, 0.0),
    (1, 80, 0.6, 0.001): (0, 0.11),
    (7, 80, 0.6, 0.001): (0, 0.02),
    (7, 20, 0.5, 0.001): (0, 0.01),
    (7, 20, 0.6, 0.001): (0, 0.03),
    (7, 80, 0.5, 0.0): (3, 0.2),
}
# --- R4 --------------------------------------------------------------------------------------------------------------


def searches(
    shares: dict[tuple[str, float, float], float], seeds: int = 20, parting: float = 0.9
) -> xr.Dataset:
    """Runs of which these shares are solved, by (protocol, increment, alpha); units part by `parting` at the end."""
    kinds = list(shares)
    solved = np.array([[float(k < round(share * seeds)) for k in range(seeds)] for share in shares.values()])
    own = np.tile([0.1, 0.5, 0.9, np.nan], (len(kinds), seeds, 1))
    relative = np.array([1.0, 0.5, 1.0 - parting, np.nan]) + 1e-3 * np.random.default_rng(1).normal(
        size=own.shape
    )
    matrices = np.tile(np.eye(3), (len(kinds), seeds, 2, 1, 1))
    return xr.Dataset(
        {
            "solved": (("point", "seed"), solved),
            "iterations_made": (("point", "seed"), 100.0 + np.arange(seeds) + 0 * solved),
            "own_overlap": (("point", "seed", "step"), own),
            "other_overlap": (("point", "seed", "step"), own * relative),
            "unit_overlap": (("point", "seed", "moment", "unit", "other_unit"), matrices),
        },
        coords={
            "point": [f"{protocol} {increment:g} {alpha:g}" for protocol, increment, alpha in kinds],
            "protocol": ("point", [kind[0] for kind in kinds]),
            "increment": ("point", [kind[1] for kind in kinds]),
            "alpha": ("point", [kind[2] for kind in kinds]),
            "iterations": ("point", [10.0 if kind[0] == "pseudo" else 1.0 for kind in kinds]),
            "replicas": ("point", [np.nan] * len(kinds)),
            "n": ("point", [181] * len(kinds)),
            "damping": ("point", [0.0] * len(kinds)),
            "spread": ("point", [0.01] * len(kinds)),
            "seed": np.arange(seeds),
            "moment": ["first", "last"],
        },
    )


FAST, SLOW, PSEUDO = ("reinforcement", 0.01), ("reinforcement", 0.002), ("pseudo", 0.02)
AS_MEASURED = {
    (*FAST, 0.4): 1.0,
    (*FAST, 0.5): 1.0,
    (*FAST, 0.55): 0.0,
    (*SLOW, 0.5): 1.0,
    (*SLOW, 0.55): 1.0,
    (*SLOW, 0.6): 0.0,
    (*PSEUDO, 0.55): 1.0,
    (*PSEUDO, 0.6): 0.9,
}


# --- R5 --------------------------------------------------------------------------------------------------------------

DISTANCES = np.linspace(0.01, 0.4, 40)


def entropies(**curves) -> xr.Dataset:
    """Curves of theory given as functions of the distance, at alpha = 0.4; total entropy 0.4."""
    names = list(curves)
    return xr.Dataset(
        {
            "distance": (("point", "seed", "place"), np.tile(DISTANCES, (len(names), 1, 1))),
            "entropy": (("point", "seed", "place"), np.stack([[curves[k](DISTANCES)] for k in names])),
            "coupling": (("point", "seed", "place"), np.tile(-np.log(DISTANCES), (len(names), 1, 1))),
            "entropy_error": (("point", "seed", "place"), np.full((len(names), 1, 40), 1e-6)),
            "distance_error": (("point", "seed", "place"), np.zeros((len(names), 1, 40))),
            "total_entropy": (("point", "seed"), np.full((len(names), 1), 0.4)),
        },
        coords={
            "point": names,
            "curve": ("point", names),
            "alpha": ("point", [0.4] * len(names)),
            "replicas": ("point", [1.0 if name == "robust" else np.nan for name in names]),
        },
    ).isel(place=slice(None, None, -1) if "typical" not in names else slice(None))


def theory_curves() -> xr.Dataset:
    falling = entropies(densest=lambda d: 0.3 + 0.2 * d, robust=lambda d: 0.1 + 0.2 * d)
    return xr.concat(
        [entropies(typical=lambda d: d - 0.05), falling.drop_vars("place", errors="ignore")], "point"
    )


def focusing(level: float, spread: float = 1e-3, seeds: int = 6) -> xr.Dataset:
    """Internal entropies level + 0.2 d, of instances whose total entropies differ by a tenth."""
    random = np.random.default_rng(3)
    total = 0.4 * (1 + 0.1 * random.standard_normal((1, seeds)))
    distance = np.tile(np.linspace(0.3, 0.03, 12), (1, seeds, 1))
    local = (level + 0.2 * distance + spread * random.standard_normal((1, seeds, 1))) * total[..., None] / 0.4
    return xr.Dataset(
        {
            "distance": (("point", "seed", "coupling"), distance),
            "local_entropy": (("point", "seed", "coupling"), local),
            "converged": (("point", "seed", "coupling"), np.where(distance > 0.1, 1.0, 0.0)),
            "total_entropy": (("point", "seed"), total),
        },
        coords={
            "point": ["a"],
            "alpha": ("point", [0.4]),
            "replicas": ("point", [7.0]),
            "iterations": ("point", [50]),
            "coupling": np.arange(12),
        },
    )


# --- R6 --------------------------------------------------------------------------------------------------------------

LEVELS = {
    "SA": 0.19,
    "rSA, uncoupled": 0.191,
    "rSA": 0.2,
    "rSA, step": 0.21,
    "SGD": 0.24,
    "rSGD, uncoupled": 0.241,
    "rSGD, replica": 0.25,
    "rSGD": 0.252,
    "reinf. BP": 0.25,
    "fBP": 0.255,
}


def neighborhoods(
    levels: dict[str, float], seeds: int = 12, noise: float = 0.002, n: int = 801
) -> xr.Dataset:
    """Local entropies that are `level` at d = 0.09, of instances whose total entropies 0.4 differ by a tenth."""
    random = np.random.default_rng(4)
    distance = 0.35 * np.exp(-2 * FIELDS)
    total = 0.4 * (1 + 0.1 * random.standard_normal((1, seeds, 1)))
    level = np.array(list(levels.values()))[:, None, None] + noise * random.standard_normal(
        (len(levels), seeds, 1)
    )
    power = np.log(level / 0.4) / np.log(0.09 / 0.35)
    entropy = dict(zip(levels, total * (distance / 0.35) ** power, strict=True))
    points = [name for name in levels if name != "rSGD, replica"]
    kinds = [ALGORITHMS[name] for name in points]
    dims, shape = ("point", "seed", "field"), (len(points), seeds, FIELDS.size)
    around = np.stack([entropy[name] for name in points])
    replica = np.stack([entropy.get(f"{name}, replica", entropy[name]) for name in points])
    return xr.Dataset(
        {
            "solved": (("point", "seed"), np.ones(shape[:2])),
            "centre": (("point", "seed"), np.zeros(shape[:2])),
            "distance": (dims, np.broadcast_to(distance, shape)),
            "entropy": (dims, around),
            "replica_distance": (dims, np.broadcast_to(distance, shape)),
            "replica_entropy": (dims, replica),
        },
        coords={
            "point": points,
            "seed": np.arange(seeds),
            "n": ("point", [n] * len(points)),
            "alpha": ("point", [0.4] * len(points)),
            "algorithm": ("point", [kind[0] for kind in kinds]),
            "replicas": ("point", [3 if kind[1] else 1 for kind in kinds]),
            "coupled": ("point", [kind[2] for kind in kinds]),
            "energy": ("point", [kind[3] for kind in kinds]),
        },
    )


def theory(typical: float = 0.19, densest: float = 0.26) -> xr.Dataset:
    """Curves of theory that are constant in the distance."""
    place = np.linspace(0.01, 0.4, 30)
    return xr.Dataset(
        {
            "distance": (("point", "seed", "place"), np.stack([[place], [place[::-1]]])),
            "entropy": (("point", "seed", "place"), np.stack([[0 * place + typical], [0 * place + densest]])),
            "coupling": (("point", "seed", "place"), np.zeros((2, 1, 30))),
            "entropy_error": (("point", "seed", "place"), np.zeros((2, 1, 30))),
            "distance_error": (("point", "seed", "place"), np.zeros((2, 1, 30))),
            "total_entropy": (("point", "seed"), np.full((2, 1), 0.4)),
        },
        coords={
            "point": ["a", "b"],
            "curve": ("point", ["typical", "densest"]),
            "alpha": ("point", [0.4, 0.4]),
            "replicas": ("point", [np.nan, np.nan]),
        },
    )


# --- R9 --------------------------------------------------------------------------------------------------------------

SHARES = {1: (0.3, 0.8331), 2: (0.4897, 1.36), 3: (0.5977, 1.6599)}
"""Load and capacity by bits."""

AT_SHARE = {1: 8.0, 2: 4.0, 3: 4.0}
"""How many times more proposals plain annealing needs at N = 2401 than replicas do."""


def precise(
    advantages: dict[int, float] | None = None,
    at_equal_load: dict[int, float] | None = None,
    flat: dict[int, float] | None = None,
    count: int = 20,
) -> xr.Dataset:
    """Costs of which plain annealing's are `advantages` times those of replicas at N = 2401.

    They grow with one power of N more where that is above 1, one less where it is below. Wrong shares around solutions
    of plain annealing are `flat` times those around solutions of replicas. Its second ramp takes twice as long.
    """
    advantages, flat = advantages or AT_SHARE, flat or {1: 1.2, 2: 1.2, 3: 1.15}
    at_equal_load = at_equal_load or {2: 2.0, 3: 1.0}
    random = np.random.default_rng(5)
    rows, costs, wrong = [], [], []
    distance = np.array([0.0025, 0.005, 0.01, 0.02])
    cases = [(bits, SHARES[bits][0], factor) for bits, factor in advantages.items()]
    cases += [(bits, 0.3, factor) for bits, factor in at_equal_load.items()]
    for bits, alpha, factor in cases:
        for replicas, last_beta in ((1, 100.0), (1, 50.0), (3, 50.0)):
            for n in SIZES if alpha != 0.3 or bits == 1 else (801, 1601):
                exponent = 2.0 + (np.sign(factor - 1) if replicas == 1 else 0.0)
                law = 1e6 * (factor if replicas == 1 else 1.0) * (n / 2401) ** exponent
                slow = 2.0 if (replicas, last_beta) == (1, 50.0) else 1.0
                rows.append((bits, alpha, replicas, last_beta, n))
                costs.append(law * slow * np.exp(0.3 * random.standard_normal(count)))
                share = 2 * np.sqrt(distance) * (flat[bits] if replicas == 1 else 1.0)
                wrong.append(share * np.exp(0.05 * random.standard_normal((count, 1))))
    costs = np.array(costs)
    solved = costs <= 2e7
    spent = np.minimum(costs, 2e7)
    names = ("bits", "alpha", "replicas", "last_beta", "n")
    columns = {
        name: ("point", np.array(values)) for name, values in zip(names, zip(*rows, strict=True), strict=True)
    }
    capacity = np.array([[SHARES[row[0]][1]] * count for row in rows])
    return xr.Dataset(
        {
            "proposals": (("point", "seed"), spent),
            "failed_proposals": (("point", "seed"), 0.6 * spent),
            "solved": (("point", "seed"), solved),
            "capacity": (("point", "seed"), capacity),
            "wrong": (("point", "seed", "distance"), np.where(solved[..., None], wrong, np.nan)),
        },
        coords={"point": [f"p{k}" for k in range(len(rows))], "distance": distance} | columns,
    )
