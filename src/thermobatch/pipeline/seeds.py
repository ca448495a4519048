"""Give every run and every instance its own seed, whatever the cores, the chunks and the order.

A seed is ``SeedSequence(root, spawn_key=...)`` whose key is made of hashes of *names* (the experiment, the point, the
ensemble of instances) and of the seed's number; adding points, seeds or experiments never changes another's numbers.
"""

import hashlib
import json

import numpy as np

from thermobatch.study.experiment import Instance


def _key(text: str) -> int:
    """Spawn keys are 32-bit words."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "little")


def run_seed(root: int, experiment: str, point: str, index: int) -> np.random.SeedSequence:
    """Return the seed of run `index` of one point of an experiment."""
    return np.random.SeedSequence(root, spawn_key=(_key(f"experiment {experiment}"), _key(point), index, 0))


def instance_seed(root: int, ensemble: Instance, index: int) -> np.random.SeedSequence:
    """Return the seed of instance `index` of an ensemble (shared by all experiments that use the ensemble)."""
    described = json.dumps(ensemble.model_dump(mode="json"), sort_keys=True)
    return np.random.SeedSequence(
        root, spawn_key=(_key(f"instance {ensemble.kind}"), _key(described), index, 1)
    )
