"""The binary perceptron: N weights +-1, or of several bits, that must classify M = alpha N patterns.

Source: Baldassi et al., PNAS 113, E7655 (2016), doi:10.1073/pnas.1608103113 (arXiv:1605.06444).
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import xarray as xr

from thermobatch.foundation.streams import Seed
from thermobatch.networks.levels import checked_levels
from thermobatch.networks.patterns import Labels, Patterns, draw_patterns, errors

__all__ = ["Perceptron", "errors", "from_dataset", "perceptron"]


@dataclass(frozen=True, eq=False)
class Perceptron(Patterns):
    """An instance of the perceptron, with weights int8[N] (fields: `networks.patterns.Patterns`)."""

    hidden: int = 1
    levels: int = 2
    kind: ClassVar[str] = "perceptron"

    def __post_init__(self):
        checked_levels(self.levels)
        if self.hidden != 1:
            raise ValueError(f"hidden = {self.hidden!r}: must be 1 for a perceptron")
        super().__post_init__()

    def __reduce__(self):
        """Be made anew in another process, with its levels."""
        make, fields = super().__reduce__()
        return make, (*fields, self.levels)

    def to_dataset(self) -> xr.Dataset:
        """Return the instance as a Dataset that :func:`from_dataset` reads back."""
        several = {"levels": self.levels} if self.levels > 2 else {}
        return super().to_dataset().assign_attrs(several)


def perceptron(
    n: int | None = None,
    alpha: float | None = None,
    seed: Seed = 0,
    *,
    labels: Labels = "random",
    inputs: np.ndarray | None = None,
    levels: int = 2,
) -> Perceptron:
    """Draw an instance of the binary perceptron, or wrap the user's own patterns.

    Parameters
    ----------
    n : number of weights N, odd. May be left out when `inputs` is given.
    alpha : load; M = alpha N rounded to the nearest integer. May be left out when `inputs` is given.
    seed : non-negative integer or SeedSequence of the inputs, then the labels or the teacher.
    labels : "random" (fair signs), "teacher" (answers of a random perceptron of as many levels, kept in
        `teacher`), or an array of M entries +-1.
    inputs : the user's own patterns, shape (M, N), entries +-1; fair random signs when left out.
    levels : number of levels L of a weight, even, 2 to 64: the odd numbers from -(L - 1) to L - 1; 2^p levels are
        weights of p bits. More than two are known to :func:`thermobatch.simulated_annealing` alone.

    Returns
    -------
    Perceptron

    Raises
    ------
    ValueError
        For an even `n`, a load that gives no pattern, entries other than +-1, shapes that do not agree, odd `levels`.
    """
    levels = checked_levels(levels)
    drawn = draw_patterns((n, alpha, 1), lambda size: (size,), seed, labels, inputs, levels)
    return Perceptron(inputs=drawn[0], labels=drawn[1], teacher=drawn[2], levels=levels)


def from_dataset(dataset: xr.Dataset) -> Perceptron:
    """Return the perceptron stored by ``Perceptron.to_dataset``."""
    if dataset.attrs.get("kind") != "perceptron":
        raise ValueError(f"kind = {dataset.attrs.get('kind')!r}: the dataset does not hold a perceptron")
    teacher = dataset["teacher"].values if "teacher" in dataset else None
    return Perceptron(
        inputs=dataset["inputs"].values,
        labels=dataset["labels"].values,
        teacher=teacher,
        levels=int(dataset.attrs.get("levels", 2)),
    )
