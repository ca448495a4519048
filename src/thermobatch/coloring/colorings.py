"""Colourings, whatever the graph: their overlap with a planted one, and the correlation of two.

Source: Angelini, Cavaliere, Marino & Ricci-Tersenghi, Sci. Rep. 14, 11638 (2024), doi:10.1038/s41598-024-62625-8.
"""

import numpy as np
import scipy

from thermobatch.coloring.node_labels import refuse_other_order
from thermobatch.foundation.arguments import checked_integer, real_numbers
from thermobatch.foundation.compilation import kernel

MOST_COLORS = 32


def overlap(colors, planted, q: int) -> float:
    """Return the overlap of a colouring with the planted one.

    Q = max over colour permutations pi of (q #{i: colors_i = pi(planted_i)} - N) / ((q - 1) N), exactly for every q
    (an assignment problem on the q x q confusion matrix). Q = 1 for the planted colouring; at a random colouring it
    is about 3/sqrt(N) for q = 5, not 0.

    Parameters
    ----------
    colors, planted : array_like of int, shape (N,)
        Two colourings, colours in 0..q-1; if both carry their nodes (Series, DataArrays), these must be the same.
    q : int
        Number of colours, 2..32.
    """
    q = checked_integer("q", q, 2, MOST_COLORS)
    refuse_other_order("colors", colors, "planted", planted)
    colors = checked_colors("colors", colors, None, q)
    planted = checked_colors("planted", planted, colors.size, q)
    return overlap_of_confusion(confusion_matrix(planted, colors, q))


def overlap_of_confusion(confusion: np.ndarray) -> float:
    """Return the overlap from the confusion matrix, int64[q, q]: vertices of each planted colour and colour."""
    q, n = len(confusion), int(confusion.sum())
    matches = int(confusion[scipy.optimize.linear_sum_assignment(confusion, maximize=True)].sum())
    return (q * matches - n) / ((q - 1) * n)


def correlation(colors_a, colors_b, q: int) -> float:
    """Return (q f - 1) / (q - 1), where f is the fraction of vertices with the same colour in both colourings.

    1 for equal colourings, 0 on average for independent uniform ones. Colours are compared as they are, without
    permutations: this is the two-time correlation of one run.

    Parameters
    ----------
    colors_a, colors_b : array_like of int, shape (N,)
        Two colourings, colours in 0..q-1; if both carry their nodes (Series, DataArrays), these must be the same.
    q : int
        Number of colours, 2..32.
    """
    q = checked_integer("q", q, 2, MOST_COLORS)
    refuse_other_order("colors_a", colors_a, "colors_b", colors_b)
    colors_a = checked_colors("colors_a", colors_a, None, q)
    colors_b = checked_colors("colors_b", colors_b, colors_a.size, q)
    return (q * int(np.count_nonzero(colors_a == colors_b)) / colors_a.size - 1) / (q - 1)


def confusion_matrix(planted: np.ndarray, colors: np.ndarray, q: int) -> np.ndarray:
    """Return int64[q, q]: the number of vertices with each planted colour (row) and colour (column)."""
    confusion = np.zeros((q, q), np.int64)
    _count_pairs(planted, colors, confusion)
    return confusion


@kernel
def _count_pairs(planted, colors, confusion):
    for vertex in range(planted.size):
        confusion[planted[vertex], colors[vertex]] += 1


def checked_colors(name: str, colors, n: int | None, q: int) -> np.ndarray:
    """Return a colouring as contiguous uint8[n] (any n >= 1 if None), or raise ValueError naming the argument."""
    array = real_numbers(name, colors, "integers, one per vertex")
    if (
        array.ndim != 1
        or array.size == 0
        or (n is not None and array.size != n)
        or array.dtype.kind not in "iu"
    ):
        expected = "one integer per vertex" if n is None else f"{n} integers, one per vertex"
        raise ValueError(f"{name}: shape {array.shape}, dtype {array.dtype}: must be {expected}")
    if array.min() < 0 or array.max() >= q:
        hint = f"; 1-based? then give {name} - 1" if array.min() >= 1 and array.max() == q else ""
        raise ValueError(f"{name} has colours {array.min()}..{array.max()}: must be in 0..{q - 1}{hint}")
    return np.ascontiguousarray(array, np.uint8)
