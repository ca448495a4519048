"""How far the closed form T(B) is from the temperature that SGD-like dynamics really have: measured, with its range.

The zero-drift form takes the law of the paramagnet. Where the chain equilibrates it is right within 1%; at large B,
where it does not, Metropolis has the energy of SGD-like dynamics at a higher temperature.

The numbers are of E2 and, for c = 22, of three more runs each of its experiment (B >= 0.9; smaller B taken as
at c = 19): random graphs of q = 5 colours and N = 50 000 vertices (c = 22: 20 000),
temperatures matched to the mean energy of the last half of runs of 500 (B up to 0.875) or 1500 sweeps. Longer runs may
give other numbers at large B.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

COLOURS = 5
DEGREES = (15.0, 19.0, 22.0)
FRACTIONS = (0.2, 0.9, 0.94, 0.96)
ERRORS = (
    (0.010, 0.010, 0.010, 0.019),
    (0.010, 0.010, 0.034, 0.058),
    (0.010, 0.012, 0.059, 0.130),
)
"""|T matched / T(B) - 1| for the mean degrees (rows) and B above, never below the 1% that E2 tests."""


class TemperatureWithError(NamedTuple):
    """A temperature of the closed form, and how far it may be off.

    Attributes
    ----------
    temperature : float or float64 array
        T(B).
    error : float or float64 array
        The difference to a matched temperature that was measured there, in the units of T; NaN where none was.
    """

    temperature: np.ndarray | float
    error: np.ndarray | float


def relative_error(batch_fraction: ArrayLike, *, mean_degree: float, q: int = 5) -> np.ndarray | float:
    """Return the measured relative error of the zero-drift T(B) in the paramagnet, interpolated between measurements.

    Parameters
    ----------
    batch_fraction : array_like
        B.
    mean_degree, q
        Of the graph.

    Returns
    -------
    float or float64 array
        NaN outside of what was measured: q = 5, mean degrees from 15 to 22, B from 0.2 to 0.96.
    """
    from scipy.interpolate import RegularGridInterpolator

    fractions = np.asarray(batch_fraction, dtype=float)
    if q != COLOURS:
        found = np.full(fractions.shape, np.nan)
    else:
        table = RegularGridInterpolator((DEGREES, FRACTIONS), ERRORS, bounds_error=False, fill_value=np.nan)
        degrees = np.full(fractions.shape, float(mean_degree))
        found = table(np.stack([degrees, fractions], axis=-1).reshape(-1, 2)).reshape(fractions.shape)
    return float(found) if found.ndim == 0 else found
