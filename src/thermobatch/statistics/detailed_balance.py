"""Detailed balance of a chain of colour changes, read from counts of its moves.

A proposal takes a vertex from a colour that n_old of its neighbours have to one that n_new have: d = n_new - n_old
is the change of energy. After the move the same vertex has n_new neighbours of its colour, and the move back is a
proposal with the counts exchanged. With F(a, b) the number of accepted moves with n_old = a, n_new = b in a
stationary stretch, F(b, a) therefore counts the moves back, and a chain with detailed balance has F(a, b) = F(b, a)
on average, whatever the order in which it visits the vertices (every single move has a law that is balanced with
respect to the same measure).

Tables have the axes (..., n_old, n_new). Counts are compared with the noise of balanced counts in two ways: the
asymmetry expected of independent balanced moves (:func:`balanced_asymmetry`), and an estimate without that bias from
two stretches of the same run (:func:`split_asymmetry`).

Source: M. C. Angelini et al., Sci. Rep. 14, 11638 (2024), for averaged detailed balance; M. Esposito, Phys. Rev. E
85, 041125 (2012), for entropy production under coarse graining.
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaln

from thermobatch.foundation.arguments import real_numbers

LARGEST_CHANGE = 8


def flow_asymmetry(flows: ArrayLike) -> np.ndarray | float:
    """Return sum |F(a, b) - F(b, a)| / sum F over all (a, b): 0 for balanced flows, at most 2.

    Noise alone makes it positive, see :func:`balanced_asymmetry`.

    Parameters
    ----------
    flows : array_like, shape (..., counts, counts)
        Accepted moves F(a, b), >= 0, at least one in each table.

    Raises
    ------
    ValueError
        When a table is not square, has a negative entry or holds no move.
    """
    forward = _tables("flows", flows)
    return _plain(np.abs(forward - _back(forward)).sum(axis=(-2, -1)) / forward.sum(axis=(-2, -1)))


def balanced_asymmetry(flows: ArrayLike) -> np.ndarray | float:
    """Return the mean asymmetry of independent balanced moves with the same F(a, b) + F(b, a): the noise floor.

    Given n moves between a and b in either direction, each direction is a fair coin: the mean of |2 Bin(n, 1/2) -
    n| is 2 k binom(n, k) / 2^n with k = ceil(n / 2). Moves of a chain are not quite independent: compare with a
    control.

    Parameters
    ----------
    flows : array_like of int, shape (..., counts, counts)
        As in :func:`flow_asymmetry`.

    Raises
    ------
    ValueError
        As :func:`flow_asymmetry`.
    """
    forward = _tables("flows", flows)
    both = forward + _back(forward)
    half = np.ceil(both / 2)
    chosen = gammaln(both + 1) - gammaln(half + 1) - gammaln(both - half + 1) - both * np.log(2.0)
    expected = 2 * half * np.exp(chosen)
    sizes = range(forward.shape[-1])
    expected[..., sizes, sizes] = 0.0
    # every pair appears twice in the table
    return _plain(expected.sum(axis=(-2, -1)) / forward.sum(axis=(-2, -1)))


def split_asymmetry(first: ArrayLike, second: ArrayLike) -> np.ndarray | float:
    """Return the asymmetry without the bias of noise, from two stretches of a run.

    The direction of every pair is read in one stretch and its net flow in the other, both ways round, and averaged:
    sum sign[F2(a, b) - F2(b, a)] [F1(a, b) - F1(b, a)] / sum F1. Its mean is 0 for balanced flows (it may be
    negative), and the asymmetry where the directions are certain; in between it is smaller: it never makes too much
    of the data.

    Parameters
    ----------
    first, second : array_like, shape (..., counts, counts)
        Moves in the two stretches, as in :func:`flow_asymmetry`.

    Raises
    ------
    ValueError
        As :func:`flow_asymmetry`, or when the shapes differ.
    """
    one, two = _tables("first", first), _tables("second", second)
    if one.shape != two.shape:
        raise ValueError(f"first and second have shapes {one.shape} and {two.shape}: must be the same")
    halves = [
        (np.sign(guide - _back(guide)) * (counts - _back(counts))).sum(axis=(-2, -1))
        / counts.sum(axis=(-2, -1))
        for guide, counts in ((two, one), (one, two))
    ]
    return _plain(0.5 * (halves[0] + halves[1]))


def acceptance_by_change(flows: ArrayLike, proposals: ArrayLike, change: int) -> np.ndarray | float:
    """Return w(d), the accepted share of the proposals that change the energy by d = `change`.

    NaN where nothing was proposed.

    Parameters
    ----------
    flows, proposals : array_like, shape (..., counts, counts)
        Accepted and proposed moves by (n_old, n_new).
    change : int
        The change of energy d, of either sign.

    Raises
    ------
    ValueError
        As :func:`flow_asymmetry`, or when more was accepted than proposed.
    """
    accepted, proposed = _moves(flows, proposals)
    with np.errstate(invalid="ignore", divide="ignore"):
        return _plain(_along(accepted, change) / _along(proposed, change))


def acceptance_ratios(flows: ArrayLike, proposals: ArrayLike, *, largest: int = LARGEST_CHANGE) -> np.ndarray:
    """Return w(d)/w(-d) for d = 1..`largest`, float64[..., largest]: exp(-d/T) if detailed balance holds on average.

    0 where no such move was accepted, NaN where none was proposed in one of the directions.

    Parameters
    ----------
    flows, proposals : array_like, shape (..., counts, counts)
        Accepted and proposed moves by (n_old, n_new).
    largest : int
        Largest change of energy, >= 1.

    Raises
    ------
    ValueError
        As :func:`acceptance_by_change`, or when `largest` is out of range.
    """
    accepted, proposed = _moves(flows, proposals)
    _check_largest(largest, accepted)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratios = [
            (_along(accepted, d) / _along(proposed, d)) / (_along(accepted, -d) / _along(proposed, -d))
            for d in range(1, largest + 1)
        ]
    return np.stack(ratios, axis=-1)


def balance_temperature(
    flows: ArrayLike, proposals: ArrayLike, *, largest: int = LARGEST_CHANGE
) -> np.ndarray | float:
    """Return the temperature of averaged detailed balance from counts of moves.

    1/T is the slope through the origin of -ln[w(d)/w(-d)] against d = 1..`largest`, least squares weighted by the
    accepted uphill moves; changes that never happened have no weight. With `largest` = 1 it is read at d = 1 alone.

    Parameters
    ----------
    flows, proposals, largest
        As in :func:`acceptance_ratios`.

    Raises
    ------
    ValueError
        As :func:`acceptance_ratios`, or when no move up was accepted.
    """
    ratios = acceptance_ratios(flows, proposals, largest=largest)
    accepted = _tables("flows", flows)
    d = np.arange(1, largest + 1)
    weights = np.stack([_along(accepted, k) for k in d], axis=-1)
    used = (weights > 0) & np.isfinite(ratios) & (ratios > 0)
    if not used.any(axis=-1).all():
        raise ValueError(
            f"flows: no accepted move raises the energy by 1..{largest}; a temperature needs some"
        )
    slopes = -np.log(np.where(used, ratios, 1.0))
    weights = np.where(used, weights, 0.0)
    return _plain((weights * d * d).sum(axis=-1) / (weights * d * slopes).sum(axis=-1))


def entropy_production_bound(flows: ArrayLike) -> np.ndarray | float:
    """Return a lower bound on the entropy production per accepted move, in nats.

    Sum over pairs of (F(a, b) - F(b, a)) ln[F(a, b)/F(b, a)] / sum F. Seeing only the counts (a, b) of a move can
    only hide irreversibility, so the entropy production of the chain is at least this (log-sum inequality). Pairs
    never seen in one of the directions are left out, which lowers the bound. Noise adds about 2 / sum F for every
    pair.

    Parameters
    ----------
    flows : array_like, shape (..., counts, counts)
        As in :func:`flow_asymmetry`; frequencies are as good as counts.

    Raises
    ------
    ValueError
        As :func:`flow_asymmetry`.
    """
    forward = _tables("flows", flows)
    back = _back(forward)
    seen = (forward > 0) & (back > 0)
    force = np.log(np.where(seen, forward, 1.0)) - np.log(np.where(seen, back, 1.0))
    return _plain(0.5 * ((forward - back) * force).sum(axis=(-2, -1)) / forward.sum(axis=(-2, -1)))


def _tables(name: str, values: ArrayLike) -> np.ndarray:
    """Return square tables of non-negative numbers, each with something in it."""
    tables = real_numbers(name, values).astype(float)
    if tables.ndim < 2 or tables.shape[-1] != tables.shape[-2]:
        raise ValueError(f"{name} of shape {tables.shape}: must be square tables (..., n_old, n_new)")
    if not np.all(tables >= 0):
        raise ValueError(f"{name}: holds {tables.min():g}; counts of moves must be >= 0")
    if not np.all(tables.sum(axis=(-2, -1)) > 0):
        raise ValueError(f"{name}: a table holds no move; the run was too short or frozen")
    return tables


def _moves(flows: ArrayLike, proposals: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Return accepted and proposed moves, checked against each other."""
    accepted, proposed = _tables("flows", flows), _tables("proposals", proposals)
    if accepted.shape != proposed.shape:
        raise ValueError(
            f"flows and proposals have shapes {accepted.shape} and {proposed.shape}: must be the same"
        )
    if np.any(accepted > proposed):
        raise ValueError("flows: more moves than proposals for some (n_old, n_new)")
    return accepted, proposed


def _check_largest(largest: int, tables: np.ndarray) -> None:
    size = tables.shape[-1]
    if isinstance(largest, bool) or not isinstance(largest, int | np.integer) or not 1 <= largest < size:
        raise ValueError(
            f"largest = {largest!r}: must be an integer in 1..{size - 1} for tables of {size} counts"
        )


def _along(tables: np.ndarray, change: int) -> np.ndarray:
    """Sum over the entries with n_new - n_old = `change`."""
    return np.trace(tables, offset=change, axis1=-2, axis2=-1)


def _back(tables: np.ndarray) -> np.ndarray:
    """The moves back: counts exchanged."""
    return np.swapaxes(tables, -2, -1)


def _plain(value: np.ndarray) -> np.ndarray | float:
    """Scalars for single tables."""
    return float(value) if np.ndim(value) == 0 else value
