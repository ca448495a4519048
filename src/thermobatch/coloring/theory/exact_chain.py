"""Exact Markov chain of colour changes on a graph small enough to list every colouring.

The chain is the one with the cleanest definition of entropy production: one proposal a step (uniform vertex,
uniform new colour among the q - 1 others), accepted with a probability a(n_old, n_new) that depends only on the
numbers of neighbours with the current and the proposed colour. For the SGD-like dynamics this is a mini-batch
redrawn at every proposal; for Metropolis min(1, exp(-d/T)). A state is the number sum_i s_i q^i of a colouring s.

Detailed balance is tested without any noise: F(s, s') = pi(s) P(s, s') against F(s', s).

Source: J. Schnakenberg, Rev. Mod. Phys. 48, 571 (1976), for the entropy production.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import scipy
from numpy.typing import ArrayLike

from thermobatch.coloring.theory.equilibrium import check_model, inverse_temperature

MOST_STATES = 10_000


class ColoringMoves(NamedTuple):
    """All moves between the colourings of a small graph, and the energies of the colourings.

    Attributes
    ----------
    source, target : int64[moves]
        States; move and move back have n_old and n_new exchanged.
    n_old, n_new : int64[moves]
        Neighbours (with multiplicity) of the moving vertex with its current and its new colour.
    energy : int64[states]
        Monochromatic edges of every colouring.
    kind : int64[states]
        Colourings that differ by a permutation of the colours have the same.
    proposal : float
        Probability of each move to be proposed in a step, 1 / (N (q - 1)).
    """

    source: np.ndarray
    target: np.ndarray
    n_old: np.ndarray
    n_new: np.ndarray
    energy: np.ndarray
    kind: np.ndarray
    proposal: float


def coloring_moves(edges: ArrayLike, n: int, q: int) -> ColoringMoves:
    """List the moves between all q^n colourings of a small graph.

    Parameters
    ----------
    edges : array_like of int, shape (M, 2)
        Pairs of different vertices in 0..n-1; a pair that occurs twice counts twice.
    n, q : int
        Numbers of vertices and colours, q^n at most 10000.

    Raises
    ------
    ValueError
        When there are too many colourings or an edge is not one.
    """
    check_model(1.0, q)
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1 or q**n > MOST_STATES:
        raise ValueError(
            f"n = {n!r} with q = {q}: must be at least 1 with q^n <= {MOST_STATES} colourings to list"
        )
    pairs = np.asarray(edges, dtype=np.int64).reshape(-1, 2)
    if pairs.size and (pairs.min() < 0 or pairs.max() >= n or np.any(pairs[:, 0] == pairs[:, 1])):
        raise ValueError(f"edges: must join different vertices in 0..{n - 1}")
    adjacency = np.zeros((n, n), np.int64)
    for i, j in pairs:
        adjacency[i, j] += 1
        adjacency[j, i] += 1
    states = np.arange(q**n)
    colors = states[:, None] // q ** np.arange(n) % q
    # neighbours[state, vertex, color]: how many neighbours of the vertex have the color
    neighbours = np.einsum("ij,sjc->sic", adjacency, np.eye(q, dtype=np.int64)[colors])
    moves = []
    for vertex in range(n):
        old = colors[:, vertex]
        for step in range(1, q):
            new = (old + step) % q
            counts = [neighbours[states, vertex, color] for color in (old, new)]
            moves.append((states, states + (new - old) * q**vertex, *counts))
    energy = (colors[:, pairs[:, 0]] == colors[:, pairs[:, 1]]).sum(axis=1)
    return ColoringMoves(*np.concatenate(moves, axis=1), energy, _kinds(colors, q), 1.0 / (n * (q - 1)))


def stationary_law(
    moves: ColoringMoves, acceptance: np.ndarray, progress: Callable[[float], object] | None = None
) -> np.ndarray:
    """Return the stationary law of the chain, float64[states], every entry to nearly full relative accuracy.

    Colourings that differ by a permutation of the colours have the same probability, so one of each kind is kept. The
    kinds are then eliminated one by one without any subtraction (Grassmann, Taksar and Heyman, Oper. Res. 33, 1107
    (1985)): the rarest colourings come out as accurately as the most frequent ones.

    Parameters
    ----------
    moves : ColoringMoves
        From :func:`coloring_moves`.
    acceptance : float64[counts, counts]
        a(n_old, n_new); positive, so that every colouring is reached from every other.
    progress : callable, optional
        Called with the share of the work that is done, after every kind that is eliminated.

    Raises
    ------
    ValueError
        When the table is too small or a move that occurs has no positive probability.
    """
    rates = _rates(moves, acceptance)
    _, first, kind = np.unique(moves.kind, return_index=True, return_inverse=True)
    from_first = first[kind[moves.source]] == moves.source
    between = np.zeros((len(first), len(first)))
    np.add.at(between, (kind[moves.source[from_first]], kind[moves.target[from_first]]), rates[from_first])
    law = _eliminated(between, progress)[kind] / np.bincount(kind)[kind]
    return law / law.sum()


def _eliminated(rates: np.ndarray, progress: Callable[[float], object] | None = None) -> np.ndarray:
    """Stationary law of a chain with the given rates between different states (the diagonal is not read)."""
    rates = rates.copy()
    size = len(rates)
    for last in range(size - 1, 0, -1):
        rates[:last, last] /= rates[last, :last].sum()
        rates[:last, :last] += np.outer(rates[:last, last], rates[last, :last])
        if progress is not None:
            progress(1.0 - (last / size) ** 3)
    law = np.ones(size)
    for state in range(1, size):
        law[state] = law[:state] @ rates[:state, state]
    return law / law.sum()


def move_flows(moves: ColoringMoves, acceptance: np.ndarray, law: np.ndarray) -> np.ndarray:
    """Return F(a, b): the probability per step of an accepted move with n_old = a and n_new = b.

    Parameters
    ----------
    moves, acceptance
        As in :func:`stationary_law`.
    law : float64[states]
        Probabilities of the colourings.
    """
    flows = np.zeros_like(np.asarray(acceptance, dtype=float))
    np.add.at(flows, (moves.n_old, moves.n_new), law[moves.source] * _rates(moves, acceptance))
    return flows


def entropy_production(moves: ColoringMoves, acceptance: np.ndarray, law: np.ndarray) -> float:
    """Return the entropy production per step, in nats: 0 if and only if the chain has detailed balance.

    1/2 sum over moves of (F(s, s') - F(s', s)) ln[F(s, s')/F(s', s)], F(s, s') = pi(s) P(s, s').

    Parameters
    ----------
    moves, acceptance, law
        As in :func:`move_flows`; `law` must be stationary and positive.
    """
    forward = law[moves.source] * _rates(moves, acceptance)
    table = np.asarray(acceptance, dtype=float)
    back = law[moves.target] * moves.proposal * table[moves.n_new, moves.n_old]
    return float(0.5 * np.sum((forward - back) * np.log(forward / back)))


def gibbs_law(energy: np.ndarray, temperature: float) -> np.ndarray:
    """Return the Gibbs law of states with the given energies at T > 0, float64[states]."""
    weights = np.exp(-(energy - energy.min()) * float(inverse_temperature(temperature)))
    return weights / weights.sum()


def gibbs_temperature(energy: np.ndarray, mean_energy: float) -> float:
    """Return the temperature at which the Gibbs law has the given mean energy.

    Raises
    ------
    ValueError
        Unless the mean lies between the lowest energy and that of infinite temperature.
    """
    lowest, highest = float(energy.min()), float(energy.mean())
    if not lowest < mean_energy < highest:
        raise ValueError(f"mean_energy = {mean_energy!r}: must be between {lowest:g} and {highest:g}")

    def excess(beta: float) -> float:
        return float(gibbs_law(energy, 1 / beta) @ energy) - mean_energy

    largest = 1.0
    while excess(largest) > 0:
        largest *= 2
    return 1.0 / scipy.optimize.brentq(excess, 1e-12, largest, xtol=1e-14)


def _kinds(colors: np.ndarray, q: int) -> np.ndarray:
    """Number colourings by their colours renamed in the order in which they appear."""
    states = np.arange(len(colors))
    names = np.full((len(colors), q), -1)
    named = np.zeros(len(colors), np.int64)
    number = np.zeros(len(colors), np.int64)
    for vertex in range(colors.shape[1]):
        color = colors[:, vertex]
        fresh = names[states, color] < 0
        names[states[fresh], color[fresh]] = named[fresh]
        named += fresh
        number += names[states, color] * q**vertex
    return number


def _rates(moves: ColoringMoves, acceptance: np.ndarray) -> np.ndarray:
    """Probability per step of every move."""
    table = np.asarray(acceptance, dtype=float)
    size = int(moves.n_old.max(initial=0)) + 1
    if table.ndim != 2 or min(table.shape) < size:
        raise ValueError(f"acceptance of shape {table.shape}: must hold counts up to {size - 1}")
    accepted = table[moves.n_old, moves.n_new]
    if not np.all(accepted > 0):
        raise ValueError("acceptance: must be positive for every move of the graph (B < 1, T > 0)")
    return moves.proposal * accepted
