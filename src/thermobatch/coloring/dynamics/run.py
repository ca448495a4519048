"""Run a dynamics on a colouring instance and record its observables as a Dataset."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from thermobatch.coloring.colorings import correlation, overlap_of_confusion
from thermobatch.coloring.dynamics.acceptance import LARGEST_TABLE_DEGREE
from thermobatch.coloring.dynamics.chain import ORDERS, ColoringChain, Dynamics, initial_colors
from thermobatch.coloring.graph import ColoringGraph
from thermobatch.coloring.node_labels import vertex_coordinate
from thermobatch.foundation.arguments import checked_choice, checked_integer, checked_real
from thermobatch.foundation.record_times import checked_record, checked_sweeps
from thermobatch.foundation.streams import Seed, seed_sequence


@dataclass(frozen=True)
class Plan:
    """What to record and when to stop, checked."""

    sweeps: int
    record: np.ndarray
    waiting_times: np.ndarray
    stop_overlap: float | None
    flows_from: int | None
    stop_at_solution: bool

    @property
    def late_from(self) -> int:
        """The sweep after which the last half of the run begins."""
        return self.sweeps // 2

    def events(self) -> np.ndarray:
        """Return the sweeps at which the chain must pause, increasing."""
        returns = np.add.outer(self.waiting_times, self.record).ravel()
        extra = [self.sweeps, self.late_from] + ([] if self.flows_from is None else [self.flows_from])
        return np.unique(
            np.concatenate([self.record, self.waiting_times, returns[returns <= self.sweeps], extra])
        )


def run_coloring(
    graph: ColoringGraph,
    dynamics: Dynamics,
    sweeps: int,
    seed: Seed,
    *,
    order: str,
    initial=None,
    record: Sequence[int] | None = None,
    waiting_times: Sequence[int] = (),
    stop_overlap: float | None = None,
    flows_from: int | None = None,
    stop_at_solution: bool = True,
    progress: Callable[[int], object] | None = None,
) -> xr.Dataset:
    """Run `dynamics` on `graph`; arguments and result as for `coloring.dynamics.metropolis.metropolis`."""
    seed = seed_sequence(seed)
    order = checked_choice("order", order, tuple(ORDERS))
    plan = _checked_plan(graph, sweeps, record, waiting_times, stop_overlap, flows_from, stop_at_solution)
    chain = ColoringChain(graph, dynamics, order, initial_colors(graph, seed, initial), seed)
    traces, stopped = _record(graph, chain, plan, progress)
    attributes = {
        "dynamics": dynamics.name,
        **dynamics.attributes,
        "order": order,
        "path": chain.path,
        "stopped": stopped,
        "sweeps": plan.sweeps,
        "stop_at_solution": int(plan.stop_at_solution),
        **({} if plan.stop_overlap is None else {"stop_overlap": plan.stop_overlap}),
        "n_vertices": graph.n,
        "n_edges": graph.n_edges,
        "mean_degree": graph.mean_degree,
        "q": graph.q,
        "seed": f"{seed.entropy} {list(seed.spawn_key)}",
    }
    return _dataset(graph, chain, plan, traces).assign_attrs(attributes)


def checked_graph(graph) -> ColoringGraph:
    """Return `graph`, or raise ValueError unless it is a ColoringGraph."""
    if not isinstance(graph, ColoringGraph):
        raise ValueError(
            f"graph is a {type(graph).__name__}: must be a ColoringGraph (see ColoringGraph.from_networkx)"
        )
    return graph


def _checked_plan(graph, sweeps, record, waiting_times, stop_overlap, flows_from, stop_at_solution) -> Plan:
    """Check what a run is asked to record."""
    sweeps = checked_integer("sweeps", sweeps, 0)
    record = checked_record(record, sweeps)
    waiting_times = checked_sweeps("waiting_times", waiting_times, sweeps)
    if stop_overlap is not None:
        stop_overlap = checked_real("stop_overlap", stop_overlap, 0, 1, open_high=True)
        if graph.planted is None:
            raise ValueError(
                f"stop_overlap = {stop_overlap!r}: must be None, the graph has no planted colouring"
            )
    if flows_from is not None:
        flows_from = checked_integer("flows_from", flows_from, 0, sweeps)
        if graph.max_degree > LARGEST_TABLE_DEGREE:
            raise ValueError(
                f"flows_from = {flows_from}: must be None, flows are counted for degrees up to {LARGEST_TABLE_DEGREE} "
                f"and the graph has {graph.max_degree}"
            )
    if not isinstance(stop_at_solution, bool | np.bool_):
        raise ValueError(f"stop_at_solution = {stop_at_solution!r}: must be True or False")
    return Plan(sweeps, record, waiting_times, stop_overlap, flows_from, bool(stop_at_solution))


def _record(graph: ColoringGraph, chain: ColoringChain, plan: Plan, progress) -> tuple[dict, str]:
    """Run the chain through its events; return the recorded arrays and why it stopped."""
    planted = graph.planted is not None
    traces = {
        "energy": np.full(plan.record.size, np.nan),
        "overlap": np.full(plan.record.size if planted else 0, np.nan),
        "accepted": np.zeros(plan.record.size, np.int64),
        "correlation": np.full((plan.waiting_times.size, plan.record.size), np.nan),
        "late_energy": math.nan,
    }
    row = {int(sweep): k for k, sweep in enumerate(plan.record)}
    snapshots: dict[int, np.ndarray] = {}
    for event in plan.events().tolist():
        stopped = _advance(chain, plan, event, progress)
        if chain.sweeps < event:
            break
        if event == plan.late_from:
            early_total = chain.energy_total
        elif event == plan.sweeps:
            made = plan.sweeps - plan.late_from
            traces["late_energy"] = (chain.energy_total - early_total) / (made * graph.n)
        if event == plan.flows_from:
            chain.count_flows(graph.max_degree)
        if event in row:
            traces["energy"][row[event]] = chain.energy / graph.n
            traces["accepted"][row[event]] = chain.accepted
            if planted:
                traces["overlap"][row[event]] = overlap_of_confusion(chain.confusion)
        if event in plan.waiting_times:
            snapshots[event] = chain.colors.copy()
        for k, waiting in enumerate(plan.waiting_times.tolist()):
            if waiting in snapshots and event - waiting in row:
                traces["correlation"][k, row[event - waiting]] = correlation(
                    snapshots[waiting], chain.colors, graph.q
                )
        if stopped != "horizon":
            break
    traces["accepted"][plan.record > chain.sweeps] = chain.accepted
    return traces, stopped


def _advance(chain: ColoringChain, plan: Plan, until: int, progress) -> str:
    """Run to sweep `until` unless the run must stop before; return "horizon", "solution" or "overlap"."""
    n, q = int(chain.confusion.sum()), len(chain.confusion)
    target = n
    if plan.stop_overlap is not None:
        # one below the exact bound: rounding may not hide a passage, and `_reached` decides anyway
        target = math.floor(n * (1 + plan.stop_overlap * (q - 1)) / q) - 1
    while True:
        if _reached(chain, plan):
            return "overlap"
        if chain.energy == 0 and plan.stop_at_solution:
            return "solution"
        if chain.sweeps == until:
            return "horizon"
        chain.advance(until, plan.stop_at_solution, target, progress)


def _reached(chain: ColoringChain, plan: Plan) -> bool:
    """Say whether the overlap is above the value to stop at."""
    return plan.stop_overlap is not None and overlap_of_confusion(chain.confusion) > plan.stop_overlap


def _dataset(graph: ColoringGraph, chain: ColoringChain, plan: Plan, traces: dict) -> xr.Dataset:
    """Name, describe and collect what was recorded."""
    quantity = {"units": "1"}
    sweep = {"units": "sweeps"}
    variables = {
        "energy": (
            "time",
            traces["energy"],
            {"long_name": "monochromatic edges per vertex, E/N", **quantity},
        ),
        "accepted": ("time", traces["accepted"], {"long_name": "accepted moves since the start", **quantity}),
        "late_energy": (
            (),
            traces["late_energy"],
            {"long_name": f"E/N, mean over every sweep {plan.late_from + 1}..{plan.sweeps}", **quantity},
        ),
        "colors": ("vertex", chain.colors.copy(), {"long_name": "final colouring", **quantity}),
        "solved_at": ((), _or_nan(chain.solved_at), {"long_name": "first sweep with E = 0", **sweep}),
        "stopped_at": ((), np.int64(chain.sweeps), {"long_name": "sweeps made", **sweep}),
    }
    coordinates = {"time": ("time", plan.record, {"long_name": "time t", **sweep})}
    coordinates |= vertex_coordinate(graph.nodes)
    if graph.planted is not None:
        name = {"long_name": "overlap with the planted colouring", **quantity}
        variables["overlap"] = ("time", traces["overlap"], name)
    if plan.stop_overlap is not None:
        passage = chain.sweeps if _reached(chain, plan) else None
        name = {"long_name": f"first sweep with overlap > {plan.stop_overlap:g}", **sweep}
        variables["first_passage"] = ((), _or_nan(passage), name)
    if plan.waiting_times.size:
        name = {"long_name": "two-time correlation C(t_w, t_w + lag)", **quantity}
        variables["correlation"] = (("waiting_time", "lag"), traces["correlation"], name)
        coordinates["waiting_time"] = (
            "waiting_time",
            plan.waiting_times,
            {"long_name": "waiting time t_w", **sweep},
        )
        coordinates["lag"] = ("lag", plan.record, {"long_name": "time since t_w", **sweep})
    if plan.flows_from is not None:
        if chain.sweeps < plan.flows_from:
            chain.count_flows(graph.max_degree)
        proposed, accepted = chain.flows
        pair = ("n_old", "n_new")
        since = f"since sweep {plan.flows_from}"
        variables["flows"] = (pair, accepted, {"long_name": f"accepted moves {since}", **quantity})
        variables["proposals"] = (pair, proposed, {"long_name": f"proposals {since}", **quantity})
        for axis, which in zip(pair, ("current", "proposed"), strict=True):
            name = {"long_name": f"neighbours with the {which} colour", **quantity}
            coordinates[axis] = (axis, np.arange(graph.max_degree + 1), name)
    return xr.Dataset(variables, coordinates)


def _or_nan(sweep: int | None) -> float:
    """Return a sweep as float64, NaN for none."""
    return math.nan if sweep is None else float(sweep)
