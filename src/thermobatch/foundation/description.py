"""What the Datasets of the solvers have in common."""

import numpy as np

from thermobatch.foundation.streams import Seed, child_seed, seed_sequence
from thermobatch.networks.patterns import generalization_error


def named(long_name: str, units: str = "1") -> dict[str, str]:
    """Return the attributes of a variable."""
    return {"units": units, "long_name": long_name}


def seed_attribute(seed: Seed) -> str:
    """Return a seed as text: its entropy and its place below it."""
    sequence = seed_sequence(seed)
    return f"{sequence.entropy} {list(sequence.spawn_key)}"


def teacher_variables(instance, weights: np.ndarray, seed: Seed) -> dict:
    """Return the generalisation error of the best weights, for instances that have a teacher."""
    if getattr(instance, "teacher", None) is None:
        return {}
    error = generalization_error(instance, weights, seed=child_seed(seed, 2))
    return {"generalization_error": ((), error, named("generalisation error of the best weights"))}
