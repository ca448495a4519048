"""Patterns that networks of binary weights must classify: instances of the perceptron and the committee.

A pattern is an input of N components +-1 with a label +-1. A network of K hidden units (perceptron: K = 1)
with binary weights W_k answers sigma = sign(sum_k sign(W_k . input)), an error if that is not the label.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import xarray as xr

from thermobatch.foundation.arguments import (
    checked_choice,
    checked_integer,
    checked_real,
    real_numbers,
    two_classes,
)
from thermobatch.foundation.read_only import ReadOnlyArrays
from thermobatch.foundation.streams import Seed, seed_sequence
from thermobatch.networks.energies import pattern_energies
from thermobatch.networks.levels import on_levels, random_levels
from thermobatch.networks.threshold_units import threshold_state

Labels = Literal["random", "teacher"] | np.ndarray


@dataclass(frozen=True, eq=False)
class Patterns(ReadOnlyArrays):
    """An instance: M patterns and the number of hidden units of the network that must classify them.

    Attributes
    ----------
    inputs : int8[M, N], entries +-1.
    labels : int8[M], entries +-1.
    hidden : number of hidden units K (odd; 1 for the perceptron).
    teacher : int8[N] (perceptron) or int8[K, N] weights that produced the labels, or None.
    levels : number of levels of a weight (2: +-1), see `networks.levels`.
    """

    inputs: np.ndarray
    labels: np.ndarray
    hidden: int
    teacher: np.ndarray | None = None
    kind: ClassVar[str] = "patterns"
    levels: ClassVar[int] = 2
    energies: ClassVar[tuple[str, ...]] = ("linear", "step")

    def __post_init__(self):
        checked_odd("hidden", self.hidden)
        inputs = signs("inputs", self.inputs, 2)
        labels = signs("labels", self.labels, 1)
        if inputs.shape[0] < 1:
            raise ValueError("inputs has shape (0, N): there must be at least one pattern")
        checked_columns(inputs)
        if labels.shape != inputs.shape[:1]:
            raise ValueError(f"labels has shape {labels.shape}: must be ({inputs.shape[0]},), one per input")
        teacher = self.teacher
        if teacher is not None:
            teacher = weight_array("teacher", teacher, self)
        for name, array in (("inputs", inputs), ("labels", labels), ("teacher", teacher)):
            if array is not None:
                array.setflags(write=False)
            object.__setattr__(self, name, array)

    def __reduce__(self):
        """Be made anew in another process: NumPy does not keep an array read-only."""
        return type(self), (self.inputs, self.labels, self.hidden, self.teacher)

    @property
    def n(self) -> int:
        """Number of inputs of a hidden unit, N."""
        return np.shape(self.inputs)[1]

    @property
    def n_patterns(self) -> int:
        """Number of patterns, M."""
        return self.inputs.shape[0]

    @property
    def alpha(self) -> float:
        """Load: patterns per weight, M / (N K)."""
        return self.n_patterns / (self.n * self.hidden)

    @property
    def weights_shape(self) -> tuple[int, ...]:
        """Shape of an array of weights: (N,) for the perceptron, (K, N) for the committee."""
        return tuple(self.variable_dims.values())

    @property
    def variable_dims(self) -> dict[str, int]:
        """Named axes of an array of weights."""
        dims = {"unit": self.hidden, "input": self.n}
        return {"input": self.n} if self.kind == "perceptron" else dims

    def beta_unit(self, energy: str) -> float:
        """Unit of inverse temperature: 2 / sqrt(N) for the linear energy (a typical field is sqrt(N)), 1 for step.

        Also for several levels: a move by one level changes what a pattern costs by at most 1, as a flip does.
        """
        return 2 / np.sqrt(self.n) if energy == "linear" else 1.0

    def state(self, spins: np.ndarray, energy: str):
        """Return the compiled state of y networks of weights int8[y, K N] (see `networks.threshold_units`)."""
        absorbed = self.inputs * self.labels[:, None]
        return threshold_state(absorbed, spins.reshape(-1, self.hidden, self.n), energy, self.levels - 1)

    def errors(self, spins: np.ndarray) -> int:
        """Return the number of patterns wrongly classified by weights int8[K N] or of the instance's shape."""
        return errors(self, np.reshape(spins, self.weights_shape))

    def to_dataset(self) -> xr.Dataset:
        """Return the instance as a Dataset that :func:`from_dataset` reads back."""
        variables = {
            "inputs": (("pattern", "input"), self.inputs, {"units": "1", "long_name": "patterns"}),
            "labels": (("pattern",), self.labels, {"units": "1", "long_name": "labels of the patterns"}),
        }
        if self.teacher is not None:
            attributes = {"units": "1", "long_name": "weights of the teacher"}
            variables["teacher"] = (tuple(self.variable_dims), self.teacher, attributes)
        return xr.Dataset(variables, attrs={"kind": self.kind, "hidden": self.hidden})


def checked_odd(name: str, value: int) -> int:
    """Return an odd positive integer; refuse anything else (a sum of signs must not vanish)."""
    number = checked_integer(name, value, 1)
    if number % 2 == 0:
        raise ValueError(
            f"{name} = {value!r}: must be odd, such as {number + 1} (no sum of signs may be zero)"
        )
    return number


def checked_columns(inputs: np.ndarray) -> None:
    """Refuse inputs of an even number of components, and say how to make it odd."""
    if inputs.shape[1] % 2 == 0:
        raise ValueError(
            f"inputs has n = {inputs.shape[1]} columns: must be odd (no sum of signs may be zero); one more, constant "
            "input makes it so: np.column_stack([inputs, np.ones(len(inputs))])"
        )


def signs(name: str, values, dimensions: int) -> np.ndarray:
    """Return a C-ordered int8 copy of `values`; refuse a wrong number of axes or an entry that is not +-1."""
    array = real_numbers(name, values, "an array of +1 and -1")
    if array.ndim != dimensions:
        raise ValueError(f"{name} has shape {array.shape}: must have {dimensions} dimension(s)")
    wrong = (array != 1) & (array != -1)
    if wrong.any():
        place = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise ValueError(
            f"{name}{list(place)} = {array[place]}: every entry must be +1 or -1{two_classes(name, array)}"
        )
    return array.astype(np.int8, order="C", copy=True)


def random_signs(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Draw independent fair signs, int8."""
    return (2 * generator.integers(0, 2, size=shape, dtype=np.int8) - 1).astype(np.int8)


def hidden_fields(inputs: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return W_k . input of every pattern and hidden unit: int32[M, K] (K = 1 if weights has one axis)."""
    matrix = np.atleast_2d(np.asarray(weights)).astype(np.float32)
    return (np.asarray(inputs, dtype=np.float32) @ matrix.T).astype(np.int32)


def outputs(inputs: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the majority vote of the hidden units for every input: int8[M], entries +-1."""
    return np.sign(np.sign(hidden_fields(inputs, weights)).sum(axis=1)).astype(np.int8)


def checked_weights(instance: Patterns, weights) -> np.ndarray:
    """Return `weights` as int8 of the instance's shape; refuse other shapes and entries that are no levels (+-1)."""
    return weight_array("weights", weights, instance)


def weight_array(name: str, values, instance: Patterns) -> np.ndarray:
    """Return weights of an instance, int8 of its shape, whatever they are called."""
    axes = len(instance.weights_shape)
    array = (
        on_levels(name, values, axes, instance.levels) if instance.levels > 2 else signs(name, values, axes)
    )
    if array.shape != instance.weights_shape:
        raise ValueError(f"{name} has shape {array.shape}: must be {instance.weights_shape}")
    return array


def errors(instance: Patterns, weights: np.ndarray) -> int:
    """Return the number of patterns that the network with these weights classifies wrongly.

    Parameters
    ----------
    instance : Perceptron or Committee.
    weights : +-1, shape (N,) for the perceptron, (K, N) for the committee.
    """
    weights = checked_weights(instance, weights)
    return int(np.count_nonzero(outputs(instance.inputs, weights) != instance.labels))


def stabilities(instance: Patterns, weights: np.ndarray) -> np.ndarray:
    """Return Delta = label x (W_k . input) of every pattern and hidden unit: int32[M, K], all odd."""
    return hidden_fields(instance.inputs, checked_weights(instance, weights)) * instance.labels[:, None]


def energy(instance: Patterns, weights: np.ndarray, energy: str = "linear") -> int:
    """Return the energy of a network: the sum over the patterns of what each costs.

    Parameters
    ----------
    instance : Perceptron or Committee.
    weights : +-1, shape (N,) for the perceptron, (K, N) for the committee.
    energy : "step" counts the errors; "linear" counts the weight flips that each wrong pattern needs,
        alone, to be right. For the perceptron that is (1 - Delta) / 2 where Delta < 0 (unit: flips; some
        programs multiply it by 2 / sqrt(N), hence the unit of beta); for the committee, the cheapest way to
        the missing votes.
    """
    checked_choice("energy", energy, instance.energies)
    return int(pattern_energies(stabilities(instance, weights), energy).sum())


def generalization_error(
    instance: Patterns, weights: np.ndarray, samples: int = 20_000, seed: Seed = 0
) -> float:
    """Return the probability that a network answers a fresh random input otherwise than the instance's teacher.

    Parameters
    ----------
    instance : Perceptron or Committee drawn with ``labels="teacher"``.
    weights : +-1, shape (N,) for the perceptron, (K, N) for the committee.
    samples, seed : random inputs of the Monte Carlo estimate (standard error at most 1 / sqrt(4 samples)). The
        probability of a perceptron of two levels is exact: it depends on the overlap only.

    Raises
    ------
    ValueError
        If the instance has no teacher.
    """
    weights = checked_weights(instance, weights)
    if instance.teacher is None:
        raise ValueError("instance has no teacher: must be drawn with labels='teacher'")
    if instance.hidden == 1 and instance.levels == 2:
        return disagreement(instance.n, int(np.count_nonzero(weights == instance.teacher)))
    generator = np.random.default_rng(seed_sequence(seed))
    inputs = random_signs(generator, (checked_integer("samples", samples, 1), instance.n))
    return float(np.mean(outputs(inputs, weights) != outputs(inputs, instance.teacher)))


def disagreement(n: int, agreeing: int) -> float:
    """Return P(sign(A + B) != sign(A - B)) = P(|A| < |B|), A and B sums of `agreeing` and the other fair signs."""
    from scipy.stats import binom

    flips = np.arange(n + 1)
    largest = np.abs(2 * flips - (n - agreeing))
    chances = binom.pmf(flips, n - agreeing, 0.5)
    inside = binom.cdf((agreeing + largest - 1) // 2, agreeing, 0.5)
    outside = binom.cdf((agreeing - largest) // 2, agreeing, 0.5)
    return float(chances @ np.clip(inside - outside, 0, 1))


def pattern_count(n: int | None, alpha: float | None, hidden: int) -> tuple[int, int]:
    """Return (N, M) of random inputs, with M = alpha N K rounded to the nearest integer (halves to even)."""
    if n is None or alpha is None:
        raise ValueError(f"n = {n!r}, alpha = {alpha!r}: both are needed unless inputs are given")
    n = checked_odd("n", n)
    alpha = checked_real("alpha", alpha, 0, open_low=True)
    n_patterns = round(alpha * n * hidden)
    if n_patterns < 1:
        raise ValueError(
            f"alpha = {alpha!r}: gives no pattern at n = {n}, hidden = {hidden};"
            f" must be at least {1 / (n * hidden):.3g}"
        )
    return n, n_patterns


def own_inputs(inputs, n: int | None, alpha: float | None, hidden: int) -> np.ndarray:
    """Return the user's inputs; refuse an `n` or an `alpha` that contradict their shape."""
    inputs = signs("inputs", inputs, 2)
    if n is not None and n != inputs.shape[1]:
        raise ValueError(
            f"n = {n!r}: must be {inputs.shape[1]}, the second dimension of inputs (or left out)"
        )
    checked_columns(inputs)
    if alpha is not None and pattern_count(inputs.shape[1], alpha, hidden)[1] != inputs.shape[0]:
        load = inputs.shape[0] / (inputs.shape[1] * hidden)
        raise ValueError(
            f"alpha = {alpha!r}: inputs has {inputs.shape[0]} rows, alpha must be {load:.6g} (or left out)"
        )
    return inputs


def draw_patterns(
    shape: tuple[int | None, float | None, int], weights_shape, seed: Seed, labels: Labels, inputs, levels=2
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Return (inputs, labels, teacher) of `shape` (n, alpha, hidden); weights_shape(N), `levels` are the teacher's."""
    n, alpha, hidden = shape
    generator = np.random.default_rng(seed_sequence(seed))
    if inputs is None:
        n, n_patterns = pattern_count(n, alpha, hidden)
        inputs = random_signs(generator, (n_patterns, n))
    else:
        inputs = own_inputs(inputs, n, alpha, hidden)
    if not isinstance(labels, str):
        return inputs, signs("labels", labels, 1), None
    if labels == "random":
        return inputs, random_signs(generator, inputs.shape[:1]), None
    if labels == "teacher":
        teacher = random_levels(generator, weights_shape(inputs.shape[1]), levels)
        return inputs, outputs(inputs, teacher), teacher
    raise ValueError(f"labels = {labels!r}: must be 'random', 'teacher' or an array of +-1")
