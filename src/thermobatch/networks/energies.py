"""What a pattern costs a network that classifies it wrongly."""

import numpy as np


def pattern_energies(fields: np.ndarray, energy: str) -> np.ndarray:
    """Return the energy of every pattern, int[...], from the stabilities of its units int[..., K]."""
    needed = (fields.shape[-1] + 1) // 2
    flips = np.sort(np.maximum(0, (1 - fields) // 2), axis=-1)[..., :needed].sum(axis=-1)
    return flips if energy == "linear" else (flips > 0).astype(np.int64)
