"""Lists of edges as people have them: what is wrong with one is said before it becomes a graph."""

import warnings

import numpy as np

from thermobatch.foundation.arguments import real_numbers


def checked_edges(edges, n: int) -> np.ndarray:
    """Return a list of edges between the vertices 0..n-1 as int32[M, 2], or raise ValueError.

    Warn if every pair occurs as often as its reverse: then each edge counts twice, and hardly anybody means that.
    """
    pairs = real_numbers("edges", edges, "integers of shape (M, 2)")
    if pairs.size == 0:
        raise ValueError("edges is empty: must list at least one edge (the graph is empty)")
    if pairs.ndim != 2 or pairs.shape[1] != 2 or pairs.dtype.kind not in "iu":
        weighted = pairs.ndim == 2 and pairs.shape[1] == 3
        hint = "; every edge counts once, a third column of weights has no meaning" if weighted else ""
        hint += "; transposed? then give edges.T" if pairs.ndim == 2 and pairs.shape[0] == 2 else ""
        raise ValueError(
            f"edges: shape {pairs.shape}, dtype {pairs.dtype}: must be integers of shape (M, 2){hint}"
        )
    bad = np.flatnonzero((pairs < 0).any(1) | (pairs >= n).any(1) | (pairs[:, 0] == pairs[:, 1]))
    if bad.size:
        hint = "; 1-based? then give edges - 1" if pairs.min() >= 1 and pairs.max() == n else ""
        raise ValueError(
            f"edges[{bad[0]}] = {pairs[bad[0]].tolist()}: must join different vertices in 0..{n - 1}{hint}"
        )
    if _in_both_directions(pairs):
        warnings.warn(
            "edges has every edge in both directions, so that each counts twice: give "
            "edges[edges[:, 0] < edges[:, 1]] unless all are double edges",
            stacklevel=3,
        )
    return np.ascontiguousarray(pairs, np.int32)


def _in_both_directions(pairs: np.ndarray) -> bool:
    """Say whether a list without self-loops has every pair as often as its reverse."""
    forward = pairs[:, 0] < pairs[:, 1]
    if 2 * np.count_nonzero(forward) != len(pairs):
        return False
    there, back = pairs[forward], pairs[~forward][:, ::-1]
    return np.array_equal(*(half[np.lexsort(half.T)] for half in (there, back)))
