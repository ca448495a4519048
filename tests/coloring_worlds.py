"""Datasets of the colouring experiments with known answers, for the tests of claims and for their falsifiers."""

import json

import numpy as np
import xarray as xr

from thermobatch.coloring.studies.variants.experiment import VARIANTS
from thermobatch.coloring.theory.effective_temperature import (
    batch_fraction_for_temperature,
    effective_temperature,
    half_edge_acceptance,
)
from thermobatch.coloring.theory.equilibrium import neighbour_count_law

# --- E1, E2 ----------------------------------------------------------------------------------------------------------

TIMES = np.unique(np.concatenate([[0], np.geomspace(1, 300, 40).astype(int)]))
MINI_BATCHES = (0.6, 0.8)


def relaxation(
    excess=0.0, late=0.0, z=1.06, plateau=0.0, at=None, noise=0.001, graphs=4, seed=1
) -> xr.Dataset:
    """Energies that relax as a power of 1 + t; those of SGD-like dynamics z times slower.

    They are larger by `excess` (relative) everywhere or at time number `at`, by `late` from t = 50 on, and by
    `plateau` (relative) between t = 5 and 60.
    """
    random = np.random.default_rng(seed)
    shape = (len(MINI_BATCHES), graphs, 2, len(TIMES))

    def relaxed(time):
        return 0.6 + 1.3 * (1 + time) ** -0.8

    energies = np.empty(shape)
    energies[:, :, 1] = relaxed(TIMES)
    energies[:, :, 0] = relaxed(TIMES / z)
    factor = np.ones(len(TIMES))
    factor[slice(None) if at is None else at] += excess
    factor[(TIMES >= 5) & (TIMES <= 60)] += plateau
    energies[:, :, 0] = energies[:, :, 0] * factor + late * (TIMES >= 50)
    energies[..., 1:] += random.normal(0, noise, (*shape[:3], len(TIMES) - 1))
    coords = {
        "dynamics": ["sgd_like", "metropolis"],
        "time": TIMES,
        "batch_fraction": ("point", list(MINI_BATCHES)),
        "temperature": ("point", ["drift"] * len(MINI_BATCHES)),
    }
    return xr.Dataset({"energy": (("point", "seed", "dynamics", "time"), energies)}, coords)


def temperatures(wrong=1.0, spread=0.002, graphs=8) -> xr.Dataset:
    """Matched temperatures: `wrong` times the zero-drift form."""
    points = [(b, c) for c in (15.0, 19.0) for b in (0.2, 0.5, 0.8, 0.94)]
    drift = np.array([effective_temperature(b, mean_degree=c, q=5) for b, c in points])
    noise = np.random.default_rng(1).normal(0, spread, (len(points), graphs))
    coords = {
        "batch_fraction": ("point", [b for b, _ in points]),
        "mean_degree": ("point", [c for _, c in points]),
        "q": ("point", [5] * len(points)),
        "matching": ("point", ["equilibrium" if b < 0.9 else "long_times" for b, _ in points]),
    }
    return xr.Dataset({"temperature": (("point", "seed"), wrong * drift[:, None] * (1 + noise))}, coords)


# --- E3 --------------------------------------------------------------------------------------------------------------

AGING_DYNAMICS = ["sgd_like", "metropolis", "metropolis_detuned"]
LAGS = np.array([0, 1, 3, 10, 30, 100, 300])
WAITS = np.array([10, 100])


def correlations(excess=0.0, at=None, control=0.1, noise=0.004, seeds=10, seed=1):
    """Two points; C of SGD-like exceeds that of Metropolis by `excess`, everywhere or at one (point, wait, lag)."""
    random = np.random.default_rng(seed)
    shape = (2, seeds, len(AGING_DYNAMICS), len(WAITS), len(LAGS))
    truth = (1 + LAGS / (1.0 + WAITS[:, None])) ** -0.4
    graph = random.normal(0, 0.05, (2, seeds, 1, 1, 1))  # what both dynamics share on a graph
    curves = truth + graph + random.normal(0, noise, shape)
    place = np.zeros((2, len(WAITS), len(LAGS)))
    place[... if at is None else at] = excess
    curves[:, :, 0] += place[:, None]
    curves[:, :, 2] -= control
    curves[..., LAGS == 0] = 1.0
    curves[..., -1, -1] = np.nan  # beyond the end of the run
    dims = ("point", "seed", "dynamics", "waiting_time", "lag")
    coords = {"dynamics": AGING_DYNAMICS, "waiting_time": WAITS, "lag": LAGS, "point": ["one", "two"]}
    return xr.Dataset({"correlation": (dims, curves)}, coords)


# --- E4 --------------------------------------------------------------------------------------------------------------

CAP = 30_000
GRID = np.array([0.5, 0.55, 0.6, 0.65, 0.7, 0.75])


def recovery(
    slower: float = 1.0, moved: float = 0.0, runs: int = 64, best: float = 0.63, fast: float = 1000.0
) -> xr.Dataset:
    """First passages of both dynamics: gamma(4) times, log-median a parabola in T with its minimum at `best`.

    SGD-like dynamics take `slower` times as long and have their optimum at `best` + `moved`.
    """
    random = np.random.default_rng(5)
    batch = batch_fraction_for_temperature(GRID, mean_degree=20, q=5)
    rows = [(t, np.nan, t, best, 1.0) for t in GRID]
    rows += [(np.nan, b, t, best + moved, slower) for t, b in zip(GRID, batch, strict=True)]
    times = np.empty((len(rows), runs))
    for row, (*_, t, place, factor) in enumerate(rows):
        scale = factor * fast * np.exp((t - place) ** 2 / 0.01)
        times[row] = scale * random.gamma(4.0, 1 / 3.672, runs)
    arrived = times < CAP
    stopped = np.where(arrived, times, CAP)
    stopped[:, -1] = np.nan  # a seed that only other points have
    shape = ("point", "seed")
    trace = np.broadcast_to(np.linspace(0.02, 0.5, 5), (*times.shape, 5))
    return xr.Dataset(
        {
            "first_passage": (shape, np.where(arrived & np.isfinite(stopped), times, np.nan)),
            "stopped_at": (shape, stopped),
            "overlap": ((*shape, "time"), trace),
        },
        coords={
            "point": [f"temperature={t:g}" for t in GRID] + [f"batch_fraction={b:g}" for b in batch],
            "seed": np.arange(runs),
            "time": [0, 1, 10, 100, 400],
            "temperature": ("point", [row[0] for row in rows]),
            "batch_fraction": ("point", [row[1] for row in rows]),
            **{
                name: ("point", np.full(len(rows), value))
                for name, value in {"n": 3000, "q": 5, "mean_degree": 20.0, "sweeps": CAP, "stop_overlap": 0.6}.items()
            },
        },
    )  # fmt: skip


# --- E5 --------------------------------------------------------------------------------------------------------------

FRACTIONS = (0.4, 0.6, 0.8)
SIZE, MOVES = 14, 300_000


def rates(fraction, temperature, dynamics, wrong=1.0):
    """F(a, b) and proposals in the paramagnet, per proposal; Metropolis at `wrong` times the temperature."""
    law = neighbour_count_law(temperature, mean_degree=9.0, max_count=SIZE - 1).probability
    a, b = np.indices(law.shape)
    if dynamics == "sgd_like":
        return law * half_edge_acceptance(fraction, SIZE - 1), law
    return law * np.minimum(1.0, np.exp(-(b - a) / (wrong * temperature))), law


def balance(minibatch="sgd_like", wrong=1.0, method="detailed_balance", moves=MOVES, seeds=6):
    """Poisson counts; T is the closed form of `method`, so that the flows of SGD-like dynamics must give it back."""
    random = np.random.default_rng(1)
    temperatures = [effective_temperature(b, mean_degree=9.0, method=method) for b in FRACTIONS]
    kinds = {"sgd_like": minibatch, "metropolis": "metropolis"}
    flows = np.zeros((len(FRACTIONS), seeds, 2, 2, SIZE, SIZE), np.int64)
    proposals = np.zeros_like(flows)
    for p, (fraction, temperature) in enumerate(zip(FRACTIONS, temperatures, strict=True)):
        for d, kind in enumerate(kinds.values()):
            accepted, law = rates(fraction, temperature, kind, wrong)
            flows[p, :, d] = random.poisson(moves * accepted, (seeds, 2, SIZE, SIZE))
            proposals[p, :, d] = flows[p, :, d] + random.poisson(
                moves * (law - accepted), (seeds, 2, SIZE, SIZE)
            )
    dims = ("point", "seed", "dynamics", "stretch", "n_old", "n_new")
    matched = np.repeat(np.array(temperatures)[:, None], seeds, axis=1)
    coords = {"dynamics": list(kinds), "batch_fraction": ("point", list(FRACTIONS))}
    coords |= {"mean_degree": ("point", [9.0] * 3), "q": ("point", [5] * 3)}
    coords["matching"] = ("point", ["equilibrium"] * 3)
    variables = {"flows": (dims, flows), "proposals": (dims, proposals)}
    return xr.Dataset(variables | {"matched_temperature": (("point", "seed"), matched)}, coords)


def entropy_production(level=0.004, control=0.0, lowest=0.0) -> xr.Dataset:
    """Rates of about `level` at every B, but `lowest` at the first one; Metropolis with `control` at one."""
    fractions = np.array([0.1, 0.3, 0.5, 0.9])
    values = np.zeros((1, 8, 2, 4))
    spread = np.random.default_rng(3).uniform(0.8, 1.2, (8, 1))
    values[:, :, 0] = np.array([lowest, level, 1.25 * level, 0.75 * level]) * spread
    values[0, 0, 1, 1] = control
    dims = ("point", "seed", "dynamics", "batch_fraction")
    coords = {"dynamics": ["sgd_like", "metropolis"], "batch_fraction": fractions}
    return xr.Dataset({"entropy_production": (dims, values)}, coords)


# --- E6 --------------------------------------------------------------------------------------------------------------

PHASE_TEMPERATURES = [0.4, 0.6, 0.8]


def phases(probability, graphs: int = 40, seed: int = 0) -> xr.Dataset:
    """Runs that recover with probability(c, T, dynamics)."""
    random = np.random.default_rng(seed)
    degrees = [15.0, 17.0, 18.0, 20.0, 22.0]
    points = [(dynamics, c) for c in degrees for dynamics in ("sgd_like", "metropolis")]
    chance = np.array([[probability(c, t, dynamics) for t in PHASE_TEMPERATURES] for dynamics, c in points])
    arrived = random.random((len(points), graphs, 3)) < chance[:, None, :]
    count = len(points)
    return xr.Dataset(
        {"first_passage": (("point", "seed", "temperature"), np.where(arrived, 100.0, np.nan))},
        coords={
            "point": [f"{dynamics} {c}" for dynamics, c in points],
            "temperature": PHASE_TEMPERATURES,
            "dynamics": ("point", [dynamics for dynamics, _ in points]),
            "mean_degree": ("point", [c for _, c in points]),
            "n": ("point", np.full(count, 1000)),
            "q": ("point", np.full(count, 5)),
            "sweeps": ("point", np.full(count, 100)),
            "stop_overlap": ("point", np.full(count, 0.6)),
        },
        attrs={
            "parameters": json.dumps({"seeds": {"a": graphs}, "seed": 1}),
            "source": "synthetic",
            "fidelity": "synthetic.",
            "experiment": "synthetic",
            "scale": "smoke",
            "thermobatch_version": "0",
        },
    )


def reconstruction(crossing: float = 18.3, connectivity: float = 12.84, spread: float = 0.02):
    """Four seeds around known transitions."""
    noise = spread * np.array([-1.0, 1.0, -0.5, 0.5])
    degrees = [14.0, 16.0, 18.0, 20.0, 22.0]
    kinds = ["annealing_threshold", "dynamical_connectivity", *["dynamical_temperature"] * 5]
    middle = np.array([crossing, connectivity, *degrees])
    values = middle[:, None] + np.where(np.arange(7)[:, None] < 2, noise, 0.0)
    temperatures = np.array([0.44, 0.0, 0.25, 0.35, 0.42, 0.48, 0.54])[:, None] + 0.1 * noise
    return xr.Dataset(
        {
            "transition_mean_degree": (("point", "seed"), values),
            "transition_temperature": (("point", "seed"), temperatures),
        },
        coords={
            "transition": ("point", kinds),
            "mean_degree": ("point", [np.nan, np.nan, *degrees]),
            "population": ("point", np.full(7, 1000)),
        },
        attrs={"fidelity": "synthetic."},
    )


def step(c: float, t: float, dynamics: str) -> float:
    """Recovery as predicted: above the crossing, at one of the temperatures."""
    return 0.95 if c > 18.3 and t == 0.6 else 0.05


SIZES = (1000, 2000, 4000, 8000, 16000)
DEGREES = (16.0, 17.0, 18.0, 19.0, 20.0)


def recovery_growth(exponent, cap=60_000, runs=32, seed=2) -> xr.Dataset:
    """First passages whose median is 1000 (N/1000)^exponent(c, dynamics) sweeps, gamma(4) distributed."""
    random = np.random.default_rng(seed)
    rows = [(name, c, n) for name in ("metropolis", "sgd_like") for c in DEGREES for n in SIZES]
    times = np.array(
        [1000 * (n / 1000) ** exponent(c, name) * random.gamma(4.0, 1 / 3.672, runs) for name, c, n in rows]
    )
    arrived = times < cap
    thermal = [name == "metropolis" for name, *_ in rows]
    return xr.Dataset(
        {
            "first_passage": (("point", "seed"), np.where(arrived, times, np.nan)),
            "stopped_at": (("point", "seed"), np.where(arrived, times, cap)),
        },
        coords={
            "point": [f"{name} {c} {n}" for name, c, n in rows],
            "mean_degree": ("point", [c for _, c, _ in rows]),
            "n": ("point", [n for *_, n in rows]),
            "temperature": ("point", np.where(thermal, 0.5, np.nan)),
            "batch_fraction": ("point", np.where(thermal, np.nan, 0.9)),
            "sweeps": ("point", np.full(len(rows), cap)),
            "stop_overlap": ("point", np.full(len(rows), 0.6)),
        },
        attrs={"fidelity": "synthetic."},
    )


# --- E7 --------------------------------------------------------------------------------------------------------------

POINTS = [("random", 0.6), ("random", 0.9), ("planted", 0.9), ("planted", 0.95)]
NAMES = [f"{v.scheme}.{'shuffled_labels' if v.shuffled else v.order}" for v in VARIANTS]
DEFAULT = "half_edge.sequential"


def variants(shifts=None, phase=0.8, noise=0.001, seeds=6):
    """Energies shifted by `shifts[variant]`; T = e, but in the planted state `phase` times that."""
    random = np.random.default_rng(1)
    graph = random.normal(0, 0.05, (len(POINTS), seeds, 1))
    energies = 1.0 + graph + random.normal(0, noise, (len(POINTS), seeds, len(NAMES)))
    for name, shift in (shifts or {}).items():
        energies[..., NAMES.index(name)] += shift
    factor = np.array([phase if start == "planted" else 1.0 for start, _ in POINTS])[:, None, None]
    dims = ("point", "seed", "variant")
    coords = {
        "variant": NAMES,
        "start": ("point", [start for start, _ in POINTS]),
        "batch_fraction": ("point", [b for _, b in POINTS]),
    }
    return xr.Dataset({"energy": (dims, energies), "matched_temperature": (dims, energies * factor)}, coords)
