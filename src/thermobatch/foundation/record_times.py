"""At which sweeps a run is recorded."""

from collections.abc import Sequence

import numpy as np

from thermobatch.foundation.arguments import checked_integer, real_numbers


def log_spaced_sweeps(sweeps: int, per_decade: int = 20) -> np.ndarray:
    """Return an increasing grid of sweeps for logarithmic time axes.

    Parameters
    ----------
    sweeps : int
        Last sweep of the grid, >= 0.
    per_decade : int
        Points per decade, >= 1 (fewer where integers are too sparse).

    Returns
    -------
    int64 array
        0, the distinct integers round(10^(k / per_decade)) up to `sweeps`, and `sweeps` itself. Apart from its last
        point, a grid is the beginning of every longer one with the same `per_decade`.
    """
    sweeps = checked_integer("sweeps", sweeps, 0)
    per_decade = checked_integer("per_decade", per_decade, 1)
    n_points = int(np.ceil(per_decade * np.log10(sweeps))) + 1 if sweeps > 1 else 1
    grid = np.rint(10.0 ** (np.arange(n_points) / per_decade)).astype(np.int64)
    return np.unique(np.concatenate([[0], grid[grid <= sweeps], [sweeps]]))


def evenly_spaced_sweeps(sweeps: int, records: int) -> np.ndarray:
    """Return at most `records` + 1 sweeps, evenly spaced, from 0 to the last one."""
    return np.unique(np.linspace(0, sweeps, records + 1).astype(np.int64))


def checked_record(record: Sequence[int] | None, sweeps: int) -> np.ndarray:
    """Return the sweeps to record at, int64, starting with 0; ValueError unless they increase within 0..`sweeps`."""
    if record is None:
        return log_spaced_sweeps(sweeps)
    return np.union1d([0], checked_sweeps("record", record, sweeps)).astype(np.int64)


def checked_sweeps(name: str, values: Sequence[int], sweeps: int) -> np.ndarray:
    """Return `values` as int64; ValueError naming `name` unless they are increasing integers in 0..`sweeps`."""
    array = real_numbers(name, values, "a sequence of integers (sweeps)")
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise ValueError(f"{name} = {values!r}: must be a sequence of integers (sweeps)")
    array = array.astype(np.int64)
    if np.any(array < 0) or np.any(array > sweeps) or np.any(np.diff(array) <= 0):
        raise ValueError(f"{name} = {values!r}: must be strictly increasing sweeps in 0..{sweeps}")
    return array
