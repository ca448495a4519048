"""Cut long compiled runs into blocks, so that Python is back about twice a second: for interrupts and for progress.

Where a block ends must not change a number: what a kernel carries from one sweep to the next is kept in arrays.
"""

import time
from collections.abc import Iterator

SECONDS = 0.5
"""Length of a block that is aimed at."""
GROWTH = 4
"""A block has at most so many times the steps of the one before: the first ones only measure (or compile)."""


class Blocks:
    """Cuts the runs of one kernel into blocks, by the speed it has had so far.

    Parameters
    ----------
    first : int
        Steps (sweeps, epochs, iterations, ...) of the first block; so few that they are surely over soon.
    most : int, optional
        Most steps of a block.
    """

    def __init__(self, first: int = 1, most: int = 2**62):
        self._size, self._most = float(max(first, 1)), most

    def ends(self, begin: int, end: int) -> Iterator[int]:
        """Yield where each block of the steps `begin`..`end` ends; it is run before the next one is asked for."""
        while begin < end:
            until = min(begin + int(self._size), end)
            started = time.perf_counter()
            yield until
            seconds = max(time.perf_counter() - started, 1e-9)
            fitting = SECONDS * (until - begin) / seconds
            self._size = max(1.0, min(fitting, GROWTH * self._size, self._most))
            begin = until
