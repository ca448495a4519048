"""The binary perceptron: N weights +-1 that must classify M = alpha N patterns.

Source: Baldassi et al., PNAS 113, E7655 (2016), doi:10.1073/pnas.1608103113 (arXiv:1605.06444).
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import xarray as xr

from thermobatch.foundation.streams import Seed
from thermobatch.networks.patterns import Labels, Patterns, draw_patterns, errors

__all__ = ["Perceptron", "errors", "from_dataset", "perceptron"]


@dataclass(frozen=True, eq=False)
class Perceptron(Patterns):
    """An instance of the perceptron, with weights int8[N] (fields: `networks.patterns.Patterns`)."""

    hidden: int = 1
    kind: ClassVar[str] = "perceptron"

    def __post_init__(self):
        if self.hidden != 1:
            raise ValueError(f"hidden = {self.hidden!r}: must be 1 for a perceptron")
        super().__post_init__()


def perceptron(
    n: int | None = None,
    alpha: float | None = None,
    seed: Seed = 0,
    *,
    labels: Labels = "random",
    inputs: np.ndarray | None = None,
) -> Perceptron:
    """Draw an instance of the binary perceptron, or wrap the user's own patterns.

    Parameters
    ----------
    n : number of weights N, odd. May be left out when `inputs` is given.
    alpha : load; M = alpha N rounded to the nearest integer. May be left out when `inputs` is given.
    seed : non-negative integer or SeedSequence of the inputs, then the labels or the teacher.
    labels : "random" (fair signs), "teacher" (answers of a random binary perceptron, kept in `teacher`),
        or an array of M entries +-1.
    inputs : the user's own patterns, shape (M, N), entries +-1; fair random signs when left out.

    Returns
    -------
    Perceptron

    Raises
    ------
    ValueError
        For an even `n`, a load that gives no pattern, entries other than +-1, shapes that do not agree.
    """
    drawn = draw_patterns((n, alpha, 1), lambda size: (size,), seed, labels, inputs)
    return Perceptron(inputs=drawn[0], labels=drawn[1], teacher=drawn[2])


def from_dataset(dataset: xr.Dataset) -> Perceptron:
    """Return the perceptron stored by ``Perceptron.to_dataset``."""
    if dataset.attrs.get("kind") != "perceptron":
        raise ValueError(f"kind = {dataset.attrs.get('kind')!r}: the dataset does not hold a perceptron")
    teacher = dataset["teacher"].values if "teacher" in dataset else None
    return Perceptron(inputs=dataset["inputs"].values, labels=dataset["labels"].values, teacher=teacher)
