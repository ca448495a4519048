"""The fully connected committee machine: K binary perceptrons on the same inputs, output by majority.

Source: Baldassi et al., PNAS 113, E7655 (2016), doi:10.1073/pnas.1608103113 (arXiv:1605.06444).
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import xarray as xr

from thermobatch.foundation.streams import Seed
from thermobatch.networks.patterns import Labels, Patterns, checked_odd, draw_patterns, errors

__all__ = ["Committee", "committee", "errors", "from_dataset"]


@dataclass(frozen=True, eq=False)
class Committee(Patterns):
    """An instance of the committee, with weights int8[K, N] (fields: `networks.patterns.Patterns`)."""

    kind: ClassVar[str] = "committee"


def committee(
    n: int | None = None,
    hidden: int = 5,
    alpha: float | None = None,
    seed: Seed = 0,
    *,
    labels: Labels = "random",
    inputs: np.ndarray | None = None,
) -> Committee:
    """Draw an instance of the committee machine, or wrap the user's own patterns.

    Parameters
    ----------
    n : number of inputs N, odd. May be left out when `inputs` is given.
    hidden : number of hidden units K, odd.
    alpha : load; M = alpha N K rounded to the nearest integer. May be left out when `inputs` is given.
    seed : non-negative integer or SeedSequence of the inputs, then the labels or the teacher.
    labels : "random" (fair signs), "teacher" (answers of a random committee of the same K, kept in
        `teacher`), or an array of M entries +-1.
    inputs : the user's own patterns, shape (M, N), entries +-1; fair random signs when left out.

    Returns
    -------
    Committee

    Raises
    ------
    ValueError
        For an even `n` or `hidden`, a load that gives no pattern, entries other than +-1, shapes that differ.
    """
    hidden = checked_odd("hidden", hidden)
    drawn = draw_patterns((n, alpha, hidden), lambda size: (hidden, size), seed, labels, inputs)
    return Committee(inputs=drawn[0], labels=drawn[1], hidden=hidden, teacher=drawn[2])


def from_dataset(dataset: xr.Dataset) -> Committee:
    """Return the committee stored by ``Committee.to_dataset``."""
    if dataset.attrs.get("kind") != "committee":
        raise ValueError(f"kind = {dataset.attrs.get('kind')!r}: the dataset does not hold a committee")
    teacher = dataset["teacher"].values if "teacher" in dataset else None
    return Committee(
        inputs=dataset["inputs"].values,
        labels=dataset["labels"].values,
        hidden=int(dataset.attrs["hidden"]),
        teacher=teacher,
    )
