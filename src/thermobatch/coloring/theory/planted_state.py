"""The planted state of the colouring problem: the Gibbs measure around the planted colouring.

On a planted graph a vertex of planted colour 0 has a Poisson number of neighbours whose planted colours
differ from 0. Belief propagation at temperature T started from the planted colouring follows the state for as
long as it is metastable. Messages come from :mod:`thermobatch.coloring.theory.tree_population`; here they are combined
into the energy, the overlap with the planted colouring, and the law of the neighbour counts of a proposal,
for which sums over the neighbours' colours are exact and only the population is sampled.

Source: F. Krzakala, L. Zdeborova, Phys. Rev. Lett. 102, 238701 (2009), for planting; its use for the
effective temperature of SGD-like dynamics is ours.
"""

from typing import NamedTuple

import numpy as np

from thermobatch.coloring.theory.equilibrium import boltzmann_weight, check_model
from thermobatch.coloring.theory.tree_population import Broadcast, TreePopulation, degree_law
from thermobatch.foundation.compilation import kernel
from thermobatch.foundation.streams import Seed, next_below, next_float

SETTLING = 60  # generations from the planted colouring to its state
MELTED = 0.05  # an overlap below this is the paramagnet


class PlantedState(NamedTuple):
    """Averages over the planted state.

    Attributes
    ----------
    energy : float
        Monochromatic edges per vertex.
    overlap : float
        With the planted colouring, (q f - 1)/(q - 1) for a share f of vertices of their planted colour; about
        0 when the state has melted into the paramagnet.
    probability : float64[n_old, n_new]
        Law of the numbers of neighbours with the current and the proposed colour.
    """

    energy: float
    overlap: float
    probability: np.ndarray


def planted_state(
    temperature: float, *, mean_degree: float, q: int = 5, population: int = 2000, seed: Seed = 0
) -> PlantedState:
    """Return energy, overlap and neighbour-count law of the planted state at a temperature.

    Parameters
    ----------
    temperature : float
        T >= 0.
    mean_degree : float
        Mean degree c > 0.
    q : int
        Number of colours, at least 2.
    population : int
        Number of messages, at least 100; statistical errors fall as its inverse root.
    seed : int or SeedSequence
        Same seed, same numbers; at a fixed seed all results are smooth in the temperature.

    Returns
    -------
    PlantedState
        With tables up to the largest degree of the population.

    Raises
    ------
    ValueError
        When an argument is out of its range.
    """
    check_model(mean_degree, q)
    if isinstance(population, bool) or not isinstance(population, int | np.integer) or population < 100:
        raise ValueError(f"population = {population!r}: must be an integer, at least 100")
    coupling = 1 - float(boltzmann_weight(temperature))
    messages = TreePopulation(q, population, seed)
    broadcast = Broadcast(float(mean_degree), 0.0, coupling)
    for _ in range(SETTLING):
        messages.update(broadcast)
    degrees = degree_law(float(mean_degree))
    law = np.zeros((len(degrees), len(degrees)))
    true_mean = neighbour_counts(messages.messages, coupling, degrees, law, messages.state)
    energy = 0.5 * float(np.arange(len(law)) @ law.sum(axis=1))
    return PlantedState(energy, (q * true_mean - 1) / (q - 1), law)


@kernel
def neighbour_counts(messages, coupling, degrees, law, state):
    """Add the mean law of (n_old, n_new) to `law`, over as many vertices as messages; return <marginal(0)>.

    Given the colour of a vertex its neighbours are independent, so the counts follow from one convolution per
    neighbour. `degrees` is the cumulative law of the number of neighbours.
    """
    size, q = messages.shape
    most = len(degrees)
    cavity = np.empty((most, q))
    marginal = np.empty(q)
    counts = np.empty((most, most))
    true_total = 0.0
    for vertex in range(size):
        u = (vertex + next_float(state)) / size  # stratified: degrees keep their law
        degree = 0
        while degrees[degree] <= u:
            degree += 1
        marginal[:] = 1.0
        for k in range(degree):
            cavity[k] = messages[next_below(state, size)]
            colour = 1 + next_below(state, q - 1)
            kept = cavity[k, colour]
            cavity[k, colour] = cavity[k, 0]
            cavity[k, 0] = kept
            for s in range(q):
                marginal[s] *= 1 - coupling * cavity[k, s]
        marginal /= marginal.sum()
        true_total += marginal[0]
        for old in range(q):
            if marginal[old] < 1e-12:
                continue
            for new in range(q):
                if new == old:
                    continue
                convolve(counts, cavity[:degree], old, new, coupling)
                weight = marginal[old] / ((q - 1) * size)
                for a in range(degree + 1):
                    for b in range(degree + 1 - a):
                        law[a, b] += weight * counts[a, b]
    return true_total / size


@kernel
def convolve(counts, cavity, old, new, coupling):
    """Law of the numbers of neighbours of colours `old` and `new`, given that the vertex has colour `old`."""
    counts[0, 0] = 1.0
    for k in range(len(cavity)):
        norm = 1 - coupling * cavity[k, old]
        same = (1 - coupling) * cavity[k, old] / norm
        other = cavity[k, new] / norm
        rest = 1 - same - other
        for a in range(k + 1, -1, -1):
            for b in range(k + 1 - a, -1, -1):
                value = rest * counts[a, b] if a + b <= k else 0.0
                if a > 0:
                    value += same * counts[a - 1, b]
                if b > 0:
                    value += other * counts[a, b - 1]
                counts[a, b] = value
