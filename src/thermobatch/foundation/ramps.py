"""Linear ramps of a parameter over a run."""

import numpy as np

from thermobatch.foundation.arguments import checked_real

Ramp = tuple[float, float]
"""First and last value."""


def checked_ramp(name: str, ramp) -> Ramp:
    """Return a pair of finite numbers >= 0."""
    if np.shape(ramp) != (2,):
        raise ValueError(f"{name} = {ramp!r}: must be two numbers, the first and the last value")
    return checked_real(f"{name}[0]", ramp[0], 0), checked_real(f"{name}[1]", ramp[1], 0)
