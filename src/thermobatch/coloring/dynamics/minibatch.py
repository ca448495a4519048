"""SGD-like dynamics of graph colouring: greedy on the energy of a mini-batch of edges."""

from collections.abc import Callable, Sequence

import xarray as xr

from thermobatch.coloring.dynamics.acceptance import LARGEST_TABLE_DEGREE, NO_ACCEPTANCE, half_edge_acceptance
from thermobatch.coloring.dynamics.chain import ORDERS, Dynamics
from thermobatch.coloring.dynamics.edge_batches import (
    NO_BATCH,
    exact_edge_batch,
    half_edge_batch,
    shared_edge_batch,
)
from thermobatch.coloring.dynamics.metropolis import metropolis
from thermobatch.coloring.dynamics.run import checked_graph, run_coloring
from thermobatch.coloring.dynamics.sweeps import Rule
from thermobatch.coloring.graph import ColoringGraph
from thermobatch.foundation.arguments import checked_choice, checked_real
from thermobatch.foundation.docstrings import described_like
from thermobatch.foundation.streams import Seed

SCHEMES = ("half_edge", "shared_edge", "shared_edge_exact", "per_proposal")


@described_like(metropolis)
def sgd_like(
    graph: ColoringGraph,
    batch_fraction: float,
    sweeps: int,
    seed: Seed,
    *,
    scheme: str = "half_edge",
    order: str = "sequential",
    initial=None,
    record: Sequence[int] | None = None,
    waiting_times: Sequence[int] = (),
    stop_overlap: float | None = None,
    flows_from: int | None = None,
    stop_at_solution: bool = True,
    progress: Callable[[int], object] | None = None,
) -> xr.Dataset:
    """Run the SGD-like dynamics: accept a change iff the energy restricted to the mini-batch does not increase.

    One sweep is N proposals. A proposal draws a new colour for a vertex, uniformly among the q - 1 others, and makes
    the change iff no more neighbours have the new colour than have the old one, both counted through edges of the
    mini-batch.

    Parameters
    ----------
    graph
        As for :func:`metropolis`.
    batch_fraction : float
        B in (0, 1], the size of the mini-batch relative to all edges.
    sweeps, seed
        As for :func:`metropolis`.
    scheme : {"half_edge", "shared_edge", "shared_edge_exact", "per_proposal"}
        What the mini-batch is.

        - half_edge (the source's program): each half-edge is in the batch independently with probability B, redrawn
          every sweep: the two ends of an edge may disagree.
        - shared_edge: each edge is in the batch independently with probability B, redrawn every sweep.
        - shared_edge_exact: exactly floor(B M) edges, drawn without replacement every sweep.
        - per_proposal: each half-edge of the vertex independently with probability B, redrawn at every proposal.

        Where a sweep visits every vertex once, half_edge and per_proposal are the same Markov chain, with acceptance
        P[Bin(n_new, B) <= Bin(n_old, B)]. In order "random_sequential" a vertex may be visited several times in a
        sweep: with half_edge these visits see the same flags, with per_proposal fresh ones.
    order, initial, record, waiting_times, stop_overlap, flows_from
        As for :func:`metropolis`. All neighbours are counted, not only those in the batch.
    stop_at_solution, progress
        As for :func:`metropolis`.

    Returns
    -------
    xarray.Dataset
        As for :func:`metropolis`.

    Raises
    ------
    ValueError
        If an argument is out of range; the message names it, its value and what is allowed. Scheme per_proposal
        allows degrees up to 1023, shared_edge_exact needs floor(B M) >= 1; there is no other limit.

    References
    ----------
    Angelini, Cavaliere, Marino & Ricci-Tersenghi, Sci. Rep. 14, 11638 (2024), doi:10.1038/s41598-024-62625-8.

    Examples
    --------
    >>> from thermobatch.coloring.graph import planted_coloring
    >>> graph = planted_coloring(n=1000, q=5, mean_degree=19.0, seed=1)
    >>> sgd_like(graph, batch_fraction=0.9, sweeps=100, seed=2).attrs["path"]
    'word'
    """
    graph = checked_graph(graph)
    batch_fraction = checked_real("batch_fraction", batch_fraction, 0, 1, open_low=True)
    scheme = checked_choice("scheme", scheme, SCHEMES)
    order = checked_choice("order", order, tuple(ORDERS))
    attributes = {"batch_fraction": batch_fraction, "scheme": scheme}
    return run_coloring(
        graph,
        Dynamics("sgd_like", 2, _rule(graph, batch_fraction, scheme, order), attributes),
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


def _rule(graph: ColoringGraph, batch_fraction: float, scheme: str, order: str) -> Rule:
    """Return the table where it has the law of the flags, else the flags themselves."""
    if scheme == "shared_edge":
        return Rule(NO_ACCEPTANCE, shared_edge_batch(graph, batch_fraction))
    if scheme == "shared_edge_exact":
        return Rule(NO_ACCEPTANCE, exact_edge_batch(graph, batch_fraction))
    tabulated = graph.max_degree <= LARGEST_TABLE_DEGREE
    if scheme == "per_proposal" and not tabulated:
        raise ValueError(
            f"scheme = {scheme!r}: must be another one (half_edge is the same unless order is random_sequential), "
            f"the largest degree is {graph.max_degree} and per_proposal allows {LARGEST_TABLE_DEGREE}"
        )
    if scheme == "half_edge" and (order == "random_sequential" or not tabulated):
        return Rule(NO_ACCEPTANCE, half_edge_batch(graph, batch_fraction))
    return Rule(half_edge_acceptance(batch_fraction, graph.max_degree), NO_BATCH)
