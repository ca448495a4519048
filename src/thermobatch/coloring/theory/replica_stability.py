"""Where coupled replicas of the planted colouring leave the paramagnet, in the replicated Potts approximation.

All replicas of a vertex together behave as one: a small common bias of their colours grows by theta c/(q - 1) through
the neighbours and by gamma (R - 1)/(R q T) through the other replicas. The paramagnet is unstable where the two
together reach 1. It is an approximation for very many, weakly coupled replicas: at R = 10 they recover hotter.

Source: M. C. Angelini, F. Ricci-Tersenghi, Phys. Rev. X 13, 021011 (2023), arXiv:2206.04760.
"""

import numpy as np
from scipy.optimize import brentq

from thermobatch.coloring.theory.equilibrium import check_model
from thermobatch.foundation.arguments import checked_integer, checked_real


def replica_instability(coupling: float, *, replicas: int, mean_degree: float, q: int = 5) -> float:
    """Return the temperature below which the paramagnet of coupled replicas is unstable.

    The solution T of gamma (R - 1)/(R q T) = 1 - theta c/(q - 1), theta = (1 - x)/(q - 1 + x), x = exp(-1/T); at
    gamma = 0 that of a single system, T_sp(c); 0 where the right-hand side stays positive and gamma = 0.

    Parameters
    ----------
    coupling : float
        gamma >= 0, in units of the energy of an edge.
    replicas : int
        R >= 1.
    mean_degree, q
        Of the planted graphs.
    """
    check_model(mean_degree, q)
    coupling = checked_real("coupling", coupling, 0)
    replicas = checked_integer("replicas", replicas, 1)

    def excess(temperature: float) -> float:
        x = np.exp(-1 / temperature)
        growth = (1 - x) / (q - 1 + x) * mean_degree / (q - 1)
        return growth + coupling * (replicas - 1) / (replicas * q * temperature) - 1

    lowest, highest = 1e-3, 1e3
    return float(brentq(excess, lowest, highest)) if excess(lowest) > 0 else 0.0
