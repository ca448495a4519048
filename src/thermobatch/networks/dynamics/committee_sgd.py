"""SGD and replicated SGD (rSGD) on networks of binary threshold units, with hidden accumulators.

Every weight J = sign(H) has a real accumulator H. For each pattern of a mini-batch that the network gets wrong,
with o = sigma sum_k tau_k < 0, the (1 - o) / 2 hidden units closest to being right (h_k sigma < 0, smallest |h_k|; a
tie goes to the unit of lower index) receive H_k += eta sigma xi, all computed with the J of the start of the batch.

Right after the batch of a replica its centre attracts it. With a traced centre H += lambda [f(gamma y H_c) - c J],
where y H_c is the sum of the replicas' weights, this replica's as of before its batch, and

=============  ===================  ==============
formula        f(gamma y H_c)       c
=============  ===================  ==============
"simple"       tanh(gamma y H_c)    1
"hard"         clip(gamma y H_c)    1
"corrected"    tanh(gamma y H_c)    tanh(gamma y)
"continuous"   H_c                  1
=============  ===================  ==============

With the "explicit" centre, which has accumulators of its own, delta = (J_c - J) / 2: H += lambda delta and
H_c -= lambda delta. After every epoch gamma grows by a step.

Where an accumulator is 0 the weight is -1, as in the authors' programs; with ``ties="keep"`` it keeps its sign. Both
count what is within 1e-9 as 0, so that no rounding decides. R3 compares the two.

Source: Baldassi et al., PNAS 113, E7655 (2016), doi:10.1073/pnas.1608103113 (arXiv:1605.06444), main text
and SI.
"""

from collections.abc import Callable
from typing import Literal

import numpy as np
import xarray as xr

from thermobatch.foundation.arguments import checked_choice, checked_integer, checked_real
from thermobatch.foundation.blocks import Blocks
from thermobatch.foundation.description import named, seed_attribute
from thermobatch.foundation.streams import Seed, child_seed, random_stream
from thermobatch.networks.bit_planes import pack
from thermobatch.networks.dynamics.sgd_epochs import (
    BATCH_RULES,
    CENTRES,
    TIES,
    Accumulators,
    Examples,
    History,
    Orders,
    Settings,
    run_epochs,
)
from thermobatch.networks.dynamics.solver_dataset import teacher_variables
from thermobatch.networks.levels import refuse_levels
from thermobatch.networks.patterns import Patterns, random_signs

CentreFormula = Literal["simple", "hard", "corrected", "continuous", "explicit"]
DEFAULT_BATCH = 80  # patterns
BatchRule = Literal["permutation", "shared", "random"]
TieRule = Literal["minus", "keep"]


def replicated_sgd(
    instance: Patterns,
    replicas: int = 7,
    batch: int | None = None,
    *,
    centre: CentreFormula = "simple",
    attraction: float | None = None,
    coupling: float = 0.05,
    coupling_step: float = 0.001,
    learning_rate: float = 2.0,
    epochs: int = 1000,
    batch_rule: BatchRule = "permutation",
    replica_order: Literal["random", "sequential"] = "random",
    same_start: bool = True,
    ties: TieRule = "minus",
    stop: bool = True,
    seed: Seed = 0,
    progress: Callable[[int], object] | None = None,
) -> xr.Dataset:
    """Train coupled replicas of a committee (or perceptron) by SGD; one replica without attraction is plain SGD.

    Parameters
    ----------
    instance : Committee or Perceptron.
    replicas : number of replicas y.
    batch : patterns of a mini-batch, at most M; left out: 80, or M if there are fewer. The last batch of an
        epoch is shorter if M is not a multiple.
    centre : formula of the attraction, see the module.
    attraction : lambda; left out: 0.75 with several replicas, 0 with one.
    coupling, coupling_step : gamma of the first epoch, and what every epoch adds to it (no effect with
        "explicit").
    learning_rate : eta.
    epochs : epochs to run at most; in an epoch each replica visits M patterns.
    batch_rule : "permutation" (each replica visits its own permutation of the patterns, drawn anew every
        epoch), "shared" (the same one for all replicas) or "random" (independent draws, with replacement).
    replica_order : order in which the replicas are visited, batch after batch.
    same_start : all replicas start from the same random weights (H = J = +-1), or each from its own.
    ties : weights whose accumulator is 0 (to 1e-9) are -1 ("minus") or keep their sign ("keep").
    stop : stop after the first epoch in which a replica or the centre has no error.
    seed : non-negative integer or SeedSequence.
    progress : called with the number of epochs run, about twice a second.

    Returns
    -------
    Dataset
        ``weights`` (the network with fewest errors of the run, a replica or the centre; the first one seen),
        its ``errors``, ``best_epoch``, ``best_replica`` (-1: the centre), ``solved``; ``epochs`` run. Over
        ``time`` (epochs, from 0 before any move): ``training_errors`` of every replica, ``centre_errors``,
        ``distance`` of every replica to the centre (Hamming / (K N)). The traced centre is the majority of the
        replicas, the first one deciding a tie. Finally ``replica_weights`` and ``centre``.

    Raises
    ------
    ValueError
        For a value out of range.
    """
    if not isinstance(instance, Patterns):
        raise ValueError(f"instance = {instance!r}: must be a Committee or a Perceptron")
    refuse_levels(instance, "SGD with hidden accumulators")
    replicas = checked_integer("replicas", replicas, 1)
    checked_choice("replica_order", replica_order, ("random", "sequential"))
    if attraction is None:
        attraction = 0.75 if replicas > 1 else 0.0
    if batch is None:
        batch = min(DEFAULT_BATCH, instance.n_patterns)
    settings = Settings(
        learning_rate=checked_real("learning_rate", learning_rate, 0, open_low=True),
        attraction=checked_real("attraction", attraction, 0),
        coupling=checked_real("coupling", coupling, 0),
        coupling_step=checked_real("coupling_step", coupling_step, 0),
        centre=CENTRES.index(checked_choice("centre", centre, CENTRES)),
        batch=checked_integer("batch", batch, 1, instance.n_patterns),
        batch_rule=BATCH_RULES.index(checked_choice("batch_rule", batch_rule, BATCH_RULES)),
        random_order=replica_order == "random",
        epochs=checked_integer("epochs", epochs, 1),
        stop=bool(stop),
        ties=TIES.index(checked_choice("ties", ties, TIES)),
    )
    network = initial_network(instance, replicas, same_start, np.random.default_rng(child_seed(seed, 0)))
    history = empty_history(network, settings.epochs)
    stream = random_stream(child_seed(seed, 1))
    done = train(packed_examples(instance), network, settings, history, stream, progress)
    dataset = sgd_dataset(instance, network, history, done)
    return dataset.assign(teacher_variables(instance, dataset["weights"].values, seed)).assign_attrs(
        {name: getattr(settings, name) for name in ("batch", "learning_rate", "attraction", "coupling")}
        | {"coupling_step": settings.coupling_step, "max_epochs": settings.epochs, "replicas": replicas}
        | {"centre": centre, "batch_rule": batch_rule, "replica_order": replica_order}
        | {"same_start": int(same_start), "ties": ties, "stop": int(stop), "seed": seed_attribute(seed)}
    )


def train(
    examples: Examples,
    network: Accumulators,
    settings: Settings,
    history: History,
    stream: np.ndarray,
    progress: Callable[[int], object] | None = None,
) -> int:
    """Run epochs until the last one, or until a network has no error; return the number of epochs run."""
    replicas, patterns = len(network.fields) - 1, len(examples.bits)
    orders = Orders(np.tile(np.arange(patterns), (replicas, 1)), np.arange(replicas))
    done = 0
    for until in Blocks().ends(0, settings.epochs):
        done = run_epochs(examples, network, settings, history, orders, stream, done, until)
        if progress is not None:
            progress(done)
        if done < until:
            break
    return done


def padded(array: np.ndarray) -> np.ndarray:
    """Return a C-ordered array padded with zeros to whole words of 64 along its last axis."""
    width = -(-array.shape[-1] // 64) * 64
    wide = np.pad(array, [(0, 0)] * (array.ndim - 1) + [(0, width - array.shape[-1])])
    return np.ascontiguousarray(wide)  # a copy of broadcast replicas of one unit would keep their odd strides


def packed_examples(instance: Patterns) -> Examples:
    """Return the patterns of an instance for the kernels."""
    absorbed = instance.inputs * instance.labels[:, None]
    bits = pack(-absorbed)
    return Examples(signs=padded(absorbed), bits=bits, words=np.ascontiguousarray(bits.T), n=instance.n)


def initial_network(
    instance: Patterns, replicas: int, same_start: bool, generator: np.random.Generator
) -> Accumulators:
    """Return replicas with random weights and H = J; an explicit centre starts as the first replica does."""
    shape = (1 if same_start else replicas, instance.hidden, instance.n)
    weights = np.broadcast_to(random_signs(generator, shape), (replicas, *shape[1:]))
    weights = padded(np.concatenate([weights, weights[:1]]))
    return Accumulators(
        fields=weights.astype(np.float64),
        weights=weights,
        bits=pack(-weights),
        sums=weights[:-1].sum(axis=0, dtype=np.int32),
        gradient=np.zeros(weights.shape[1:], dtype=np.int32),
    )


def empty_history(network: Accumulators, epochs: int) -> History:
    """Return a history to be filled; the best network starts worse than any."""
    replicas = len(network.fields) - 1
    return History(
        errors=np.zeros((epochs + 1, replicas + 1), dtype=np.int64),
        distances=np.zeros((epochs + 1, replicas)),
        best=np.zeros(network.weights.shape[1:], dtype=np.int8),
        best_place=np.array([2**62, 0, 0]),
    )


def sgd_dataset(instance: Patterns, network: Accumulators, history: History, epochs: int) -> xr.Dataset:
    """Return the best network and what was recorded."""
    dims = tuple(instance.variable_dims)
    replicas = len(network.fields) - 1
    errors, epoch, column = (int(value) for value in history.best_place)

    def unpadded(weights):
        return weights[..., : instance.n].reshape(*weights.shape[:-2], *instance.weights_shape)

    rows = slice(epochs + 1)
    by_replica = ("time", "replica")
    winner = -1 if column == replicas else column
    replica_weights = unpadded(network.weights[:-1])
    return xr.Dataset(
        {
            "weights": (dims, unpadded(history.best), named("weights of the best network of the run")),
            "errors": ((), errors, named("errors of the best network")),
            "best_epoch": ((), epoch, named("epoch of the best network", "epochs")),
            "best_replica": ((), winner, named("best network (-1: the centre)")),
            "solved": ((), errors == 0, named("a network has no error")),
            "epochs": ((), epochs, named("epochs run", "epochs")),
            "training_errors": (by_replica, history.errors[rows, :-1], named("errors of the replicas")),
            "centre_errors": (("time",), history.errors[rows, -1], named("errors of the centre")),
            "distance": (by_replica, history.distances[rows], named("distance to the centre")),
            "replica_weights": (("replica", *dims), replica_weights, named("weights of the replicas")),
            "centre": (dims, unpadded(network.weights[-1]), named("weights of the centre")),
        },
        coords={"time": ("time", np.arange(epochs + 1), named("time", "epochs"))},
    )
