"""Metropolis dynamics of graph colouring."""

from collections.abc import Callable, Sequence

import xarray as xr

from thermobatch.coloring.dynamics.acceptance import metropolis_acceptance
from thermobatch.coloring.dynamics.chain import Dynamics
from thermobatch.coloring.dynamics.edge_batches import NO_BATCH
from thermobatch.coloring.dynamics.run import checked_graph, run_coloring
from thermobatch.coloring.dynamics.sweeps import Rule
from thermobatch.coloring.graph import ColoringGraph
from thermobatch.foundation.arguments import checked_real
from thermobatch.foundation.streams import Seed


def metropolis(
    graph: ColoringGraph,
    temperature: float,
    sweeps: int,
    seed: Seed,
    *,
    order: str = "sequential",
    initial=None,
    record: Sequence[int] | None = None,
    waiting_times: Sequence[int] = (),
    stop_overlap: float | None = None,
    flows_from: int | None = None,
    stop_at_solution: bool = True,
    progress: Callable[[int], object] | None = None,
) -> xr.Dataset:
    """Run Metropolis dynamics at fixed temperature.

    One sweep is N proposals. A proposal draws a new colour for a vertex, uniformly among the q - 1 others, and makes
    the change with probability min(1, exp(-dE/T)), dE = n_new - n_old, where n_old and n_new are the numbers of its
    neighbours with the current and the proposed colour.

    Parameters
    ----------
    graph : ColoringGraph
        The instance.
    temperature : float
        T >= 0, in units of the energy of an edge; at T = 0 a change is made iff dE <= 0.
    sweeps : int
        Length of the run, >= 0.
    seed : int or SeedSequence
        Determines the run. Given the same seed and graph, Metropolis and SGD-like dynamics start from the same colours
        and share no other random number.
    order : {"sequential", "random_permutation", "random_sequential"}
        Vertices of a sweep: 0..N-1, a new uniform permutation each sweep, or N draws with replacement.
    initial : array_like of int, shape (N,), or mapping from node to int, optional
        Colours to start from, an array in the order of ``graph.nodes`` (a list only if the nodes are sorted), e.g.
        ``colors`` of another run; default: independent and uniform.
    record : sequence of int, optional
        Increasing sweeps in 0..sweeps to record at (0 is always added); default ``log_spaced_sweeps(sweeps)``.
    waiting_times : sequence of int
        Increasing waiting times t_w in 0..sweeps of the two-time correlation, recorded after every lag in `record`.
    stop_overlap : float, optional
        Stop when the overlap with the planted colouring exceeds this value, in [0, 1), at the end of a sweep.
    flows_from : int, optional
        Count proposals and moves by (n_old, n_new) after this sweep (degrees up to 1023).
    stop_at_solution : bool
        Stop when E = 0 at the end of a sweep; False for a mean over a whole stretch, such as ``late_energy``.
    progress : callable, optional
        Called with the number of sweeps done, about twice a second.

    Returns
    -------
    xarray.Dataset
        - ``energy(time)`` = E/N, ``overlap(time)`` for planted graphs, ``accepted(time)``: moves since the start
          (int64); ``time`` in sweeps, time 0 before any move;
        - ``late_energy``: E/N, the mean over every sweep of the last half, sweeps//2 + 1 to `sweeps`, whatever `record`
          is; NaN if the run stopped before its end, as every run does that finds a solution (unless `stop_at_solution`
          is False), or has no sweep;
        - ``correlation(waiting_time, lag)`` = (q f - 1)/(q - 1) with f the fraction of vertices with the same colour
          at t_w and t_w + lag, when `waiting_times` are given;
        - ``flows(n_old, n_new)`` and ``proposals(n_old, n_new)``, int64, when `flows_from` is given;
        - ``colors(vertex)``: the final colours, uint8, in the order of ``graph.nodes``, which are the coordinate
          ``vertex`` unless they are 0..N-1 (text and integers as they are, others by their `repr`);
          ``graph.to_mapping(run.colors)`` gives them by node;
        - ``solved_at``: first sweep that ended with E = 0, NaN if none did (0: before any move); ``first_passage``,
          with `stop_overlap`: the sweep at which the overlap was exceeded, NaN if it was not; ``stopped_at``: sweeps
          made.

        Of a run that stopped early nothing is invented: energy, overlap and correlation at later times are NaN, and
        ``accepted`` keeps its last value. The attribute ``stopped`` says why the run ended ("horizon", "solution" or
        "overlap"), ``path`` which kernel ran ("word" for q <= 7 and degrees <= 255, else "general"; both make the
        same moves).

    Raises
    ------
    ValueError
        If an argument is out of range; the message names it, its value and what is allowed.

    References
    ----------
    Angelini, Cavaliere, Marino & Ricci-Tersenghi, Sci. Rep. 14, 11638 (2024), doi:10.1038/s41598-024-62625-8.

    Examples
    --------
    >>> from thermobatch.coloring.graph import planted_coloring
    >>> graph = planted_coloring(n=1000, q=5, mean_degree=19.0, seed=1)
    >>> float(metropolis(graph, temperature=0.5, sweeps=100, seed=2).energy[-1]) < 0.6
    True
    """
    graph = checked_graph(graph)
    temperature = checked_real("temperature", temperature, 0)
    rule = Rule(metropolis_acceptance(temperature, graph.max_degree), NO_BATCH)
    return run_coloring(
        graph,
        Dynamics("metropolis", 1, rule, {"temperature": temperature}),
        sweeps,
        seed,
        order=order,
        initial=initial,
        record=record,
        waiting_times=waiting_times,
        stop_overlap=stop_overlap,
        flows_from=flows_from,
        stop_at_solution=stop_at_solution,
        progress=progress,
    )
