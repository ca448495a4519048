"""What the Datasets of the solvers have in common."""

import numpy as np

from thermobatch.foundation.description import named
from thermobatch.foundation.streams import Seed, child_seed
from thermobatch.networks.patterns import generalization_error


def teacher_variables(instance, weights: np.ndarray, seed: Seed) -> dict:
    """Return the generalisation error of the best weights, for instances that have a teacher."""
    if getattr(instance, "teacher", None) is None:
        return {}
    error = generalization_error(instance, weights, seed=child_seed(seed, 2))
    return {"generalization_error": ((), error, named("generalisation error of the best weights"))}
