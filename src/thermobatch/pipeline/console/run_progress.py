"""Say how far a run in this process is, and how long it still takes."""

import sys
import time

FIRST_SECONDS, SECONDS_BETWEEN_LINES = 1.0, 10.0
SHARE_BETWEEN_LINES = 0.02
"""Of the time so far: a run of hours needs no line every ten seconds."""


class RunLines:
    """Write a line after a second, then every ten seconds (more rarely in runs of more than 8 minutes), and at the end.

    Parameters
    ----------
    name
        What runs; begins the line.
    clock
        Returns seconds; tests replace it.
    """

    def __init__(self, name: str = "", clock=time.monotonic):
        self._name, self._clock = f"{name}: " if name else "", clock
        self._started = clock()
        self._next = self._started + FIRST_SECONDS

    def __call__(self, fraction: float) -> None:
        """Take the fraction done so far."""
        now = self._clock()
        if fraction > 0 and (now > self._next or fraction >= 1):
            so_far = now - self._started
            self._next = now + max(SECONDS_BETWEEN_LINES, SHARE_BETWEEN_LINES * so_far)
            left = seconds_left(so_far, fraction)
            said = f"{fraction:4.0%} done after {so_far:.0f} s, {left:.0f} s left"
            sys.stderr.write(f"{self._name}{said}\n")
            sys.stderr.flush()


def seconds_left(so_far: float, fraction: float) -> float:
    """Return the time that the rest of a run takes, at its mean speed so far."""
    return so_far * (1 - fraction) / fraction
