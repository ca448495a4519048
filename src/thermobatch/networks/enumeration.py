"""Exact enumeration of small binary systems: energies, entropies, moments of the robust ensemble.

States are numbered by codes: bit i of the code is set where variable i (in the flat order of the weights)
is +1.
"""

import itertools

import numpy as np
import xarray as xr

from thermobatch.foundation.arguments import checked_choice
from thermobatch.foundation.blocks import Blocks
from thermobatch.foundation.compilation import kernel
from thermobatch.networks.binary import BinarySystem, energy_change, flip, kernel_for, n_variables
from thermobatch.networks.levels import refuse_levels

MOST_VARIABLES = 25
STATES_AT_FIRST = 2**18
"""Of the first block of an enumeration (some 40 ms)."""


def enumerate_energies(instance: BinarySystem, energy: str = "step") -> np.ndarray:
    """Return the energy of every state, int32[2**V], indexed by code (V <= 25: at most 134 MB and seconds).

    Parameters
    ----------
    instance : Perceptron, Committee, or any `thermobatch.networks.binary.BinarySystem`.
    energy : one of the instance's energies.

    Raises
    ------
    ValueError
        With more than 25 variables, or an unknown energy.
    """
    refuse_levels(instance, "exact enumeration")
    variables = n_variables(instance)
    if variables > MOST_VARIABLES:
        raise ValueError(
            f"instance has {variables} variables: must have at most {MOST_VARIABLES} to be enumerated"
        )
    checked_choice("energy", energy, instance.energies)
    energies = np.empty(2**variables, dtype=np.int32)
    state = instance.state(-np.ones((1, variables), dtype=np.int8), energy)
    energies[0] = state.energies[0]
    go_on, done = kernel_for(fill_energies, type(state)), 1
    for until in Blocks(first=STATES_AT_FIRST).ends(1, energies.size):
        go_on(state, energies, done, until)
        done = until
    return energies


def spins_of(codes, variables: int) -> np.ndarray:
    """Return the states of given codes: int8[..., V], entries +-1."""
    return (2 * ((np.asarray(codes)[..., None] >> np.arange(variables)) & 1) - 1).astype(np.int8)


def code_of(spins: np.ndarray) -> int:
    """Return the code of one state (+-1, any shape, read in flat order)."""
    return sum(1 << int(variable) for variable in np.flatnonzero(np.ravel(spins) > 0))


def energy_levels(energies: np.ndarray) -> xr.Dataset:
    """Return the density of states: over ``energy``, ``states`` and their ``entropy`` log(states) / V."""
    levels, states = np.unique(energies, return_counts=True)
    entropy = np.log(states) / (int(energies.size).bit_length() - 1)
    return xr.Dataset(
        {
            "states": ("energy", states, {"units": "1", "long_name": "states of this energy"}),
            "entropy": ("energy", entropy, {"units": "1", "long_name": "entropy per variable"}),
        },
        coords={"energy": ("energy", levels, {"units": "1", "long_name": "energy"})},
    )


def distance_profile(energies: np.ndarray, reference: int, threshold: int = 0) -> xr.Dataset:
    """Return what surrounds a state: by Hamming distance, numbers of states and solutions, mean energy.

    Parameters
    ----------
    energies : int[2**V], as :func:`enumerate_energies` gives them.
    reference : code of the state looked around.
    threshold : states of this energy or lower count as solutions.

    Returns
    -------
    Dataset
        Over ``distance`` (d / V from 0 to 1): ``states`` = binomial(V, d), ``solutions``, ``entropy`` =
        log(solutions) / V (-inf without any) and ``energy`` (mean over the states at that distance).
    """
    variables = int(energies.size).bit_length() - 1
    flips = np.bitwise_count(np.arange(energies.size, dtype=np.uint32) ^ np.uint32(reference))
    states = np.bincount(flips, minlength=variables + 1)
    solutions = np.bincount(flips[energies <= threshold], minlength=variables + 1)
    mean = np.bincount(flips, weights=energies, minlength=variables + 1) / states
    with np.errstate(divide="ignore"):
        entropy = np.log(solutions) / variables
    return xr.Dataset(
        {
            "states": ("distance", states, {"units": "1", "long_name": "states at this distance"}),
            "solutions": ("distance", solutions, {"units": "1", "long_name": "solutions at this distance"}),
            "entropy": ("distance", entropy, {"units": "1", "long_name": "local entropy per variable"}),
            "energy": ("distance", mean, {"units": "1", "long_name": "mean energy at this distance"}),
        },
        coords={
            "distance": (
                "distance",
                np.arange(variables + 1) / variables,
                {"units": "1", "long_name": "Hamming distance / V"},
            )
        },
    )


def local_free_entropy(energies: np.ndarray, beta: float, coupling: float) -> np.ndarray:
    """Return Phi(V) = log sum_W exp(-beta E(W) + gamma W.V) of every state V, float64[2**V], by code.

    The sum factorises over the variables, hence V passes over the 2**V states. Parts below 1e-300 of the
    largest are lost: keep 2 gamma V below 600.
    """
    variables = int(energies.size).bit_length() - 1
    lowest = energies.min()
    weights = np.exp(-beta * (energies - lowest))
    attract(weights, np.exp(-2.0 * coupling))
    with np.errstate(divide="ignore"):
        return np.log(weights) + coupling * variables - beta * lowest


def replica_law(energies: np.ndarray, replicas: int, beta: float, coupling: float) -> np.ndarray:
    """Return the exact law of one of y coupled replicas, float64[2**V] by code (one replica: the Gibbs measure).

    P(W) ~ exp(-beta E(W)) sum_V exp(gamma W.V) Z(V)^(y - 1), where Z(V) = exp(Phi(V)) is what a replica
    contributes to the centre V. Holds for the traced and for the explicit centre.

    Parameters
    ----------
    energies : int[2**V], as :func:`enumerate_energies` gives them.
    replicas, beta, coupling : y, inverse temperature (infinite: states of the lowest energy only), gamma.
    """
    lowest = energies.min()
    weights = (energies == lowest).astype(float) if np.isinf(beta) else np.exp(-beta * (energies - lowest))
    factor = np.exp(-2.0 * coupling)
    others = weights.copy()
    attract(others, factor)
    others = (others / others.max()) ** (replicas - 1)
    attract(others, factor)
    law = weights * others
    return law / law.sum()


def neighbouring_solutions(energies: np.ndarray, radius: int, threshold: int = 0) -> xr.Dataset:
    """Return how many solutions each solution has around it.

    Parameters
    ----------
    energies : int[2**V], as :func:`enumerate_energies` gives them.
    radius : largest Hamming distance, in flips, that counts as around.
    threshold : states of this energy or lower count as solutions.

    Returns
    -------
    Dataset
        Over ``solution``: ``code`` and ``neighbours``, the solutions within the radius (itself included).
    """
    variables = int(energies.size).bit_length() - 1
    solves = energies <= threshold
    codes = np.flatnonzero(solves)
    neighbours = np.zeros(codes.size, dtype=np.int64)
    for flips in range(radius + 1):
        for chosen in itertools.combinations(range(variables), flips):
            neighbours += solves[codes ^ sum(1 << variable for variable in chosen)]
    return xr.Dataset(
        {
            "code": ("solution", codes, {"units": "1", "long_name": "code of the solution"}),
            "neighbours": (
                "solution",
                neighbours,
                {"units": "1", "long_name": "solutions within the radius"},
            ),
        }
    )


def replicated_moments(energies: np.ndarray, replicas: int, beta: float, coupling: float) -> xr.Dataset:
    """Return exact moments of the robust ensemble of any number of replicas, from the energies of all states.

    Given the centre V the replicas are independent, so that P(V) ~ exp(y Phi(V)) and the moments follow
    from those of one replica given V. They hold for the traced and for the explicit centre.

    Parameters
    ----------
    energies : int[2**V], as :func:`enumerate_energies` gives them.
    replicas, beta, coupling : y, inverse temperature (1 / energy), gamma.

    Returns
    -------
    Dataset
        ``log_partition`` (log of the sum over replicas and centre), ``energy`` and ``energy_variance`` of a
        replica, ``energy_covariance`` of two replicas (NaN if y = 1), ``replica_overlap`` <W_i^r W_i^s> and
        ``centre_overlap`` <V_i W_i^r> (means over i), ``magnetization`` <W_i> (of ``variable``).
    """
    variables = int(energies.size).bit_length() - 1
    factor = np.exp(-2.0 * coupling)
    lowest = energies.min()
    weights = np.exp(-beta * (energies - lowest))

    def given_centre(values):
        transformed = values * weights
        attract(transformed, factor)
        return transformed / total

    total = weights.copy()
    attract(total, factor)
    law = np.exp(replicas * (np.log(total) - np.log(total).max()))
    normalisation = law.sum()
    law /= normalisation
    mean_energy = given_centre(energies.astype(np.float64))
    square_energy = given_centre(energies.astype(np.float64) ** 2)
    codes = np.arange(energies.size)
    magnetization = np.empty(variables)
    overlaps = np.zeros(2)
    for variable in range(variables):
        spins = 2.0 * ((codes >> variable) & 1) - 1.0
        mean = given_centre(spins)
        magnetization[variable] = law @ mean
        overlaps += np.array([law @ mean**2, law @ (spins * mean)]) / variables
    energy = law @ mean_energy
    log_partition = np.log(normalisation) + replicas * (
        np.log(total).max() + coupling * variables - beta * float(lowest)
    )
    scalars = {
        "log_partition": (log_partition, "logarithm of the partition function"),
        "energy": (energy, "mean energy of a replica"),
        "energy_variance": (law @ square_energy - energy**2, "variance of the energy of a replica"),
        "energy_covariance": (
            law @ mean_energy**2 - energy**2 if replicas > 1 else np.nan,
            "covariance of the energies of two replicas",
        ),
        "replica_overlap": (overlaps[0], "mean overlap of two replicas"),
        "centre_overlap": (overlaps[1], "mean overlap of a replica with the centre"),
    }
    dataset = xr.Dataset({k: ((), v, {"units": "1", "long_name": name}) for k, (v, name) in scalars.items()})
    dataset["magnetization"] = (
        "variable",
        magnetization,
        {"units": "1", "long_name": "mean of each variable"},
    )
    return dataset


def attract(values: np.ndarray, factor: float) -> None:
    """Replace f(W) by sum_W factor**d(V, W) f(W), d the Hamming distance, in place: one variable after another."""
    stride = 1
    while stride < values.size:
        attract_along(values, factor, stride)
        stride *= 2


@kernel
def fill_energies(state, energies, begin, end):
    """Walk through states by a Gray code, one flip each, from step `begin` >= 1 on; at step 0 every variable is -1."""
    code = (begin - 1) ^ ((begin - 1) >> 1)
    for step in range(begin, end):
        variable = 0
        while not (step >> variable) & 1:
            variable += 1
        flip(state, 0, variable, energy_change(state, 0, variable))
        code ^= 1 << variable
        energies[code] = state.energies[0]


@kernel
def attract_along(values, factor, stride):
    """Sum over the variable whose flip moves a code by `stride`."""
    for block in range(0, values.size, 2 * stride):
        for place in range(block, block + stride):
            low = values[place]
            high = values[place + stride]
            values[place] = low + factor * high
            values[place + stride] = factor * low + high
