"""Focusing belief propagation on perceptrons and committees, and entropies around given weights.

Source: Baldassi et al., PNAS 113, E7655 (2016), doi:10.1073/pnas.1608103113, arXiv:1605.06444.
"""

import warnings
from collections.abc import Callable

import numpy as np
import xarray as xr

from thermobatch.foundation.arguments import checked_choice, checked_integer, checked_real, real_numbers
from thermobatch.foundation.description import named, seed_attribute
from thermobatch.foundation.docstrings import described_like
from thermobatch.foundation.streams import Seed
from thermobatch.networks.dynamics.bethe_entropy import ensemble, field_entropy
from thermobatch.networks.dynamics.focusing_protocols import (
    Protocol,
    pseudo_reinforcement,
    reinforcement,
    scoping,
)
from thermobatch.networks.dynamics.message_history import SPREAD, History, first_messages
from thermobatch.networks.dynamics.message_passing import BROKEN, CONVERGED, Limits, Messages, Rule, Workspace
from thermobatch.networks.dynamics.solver_dataset import teacher_variables
from thermobatch.networks.levels import refuse_levels
from thermobatch.networks.patterns import Patterns, checked_weights, errors

SOURCE = "Baldassi et al., PNAS 113, E7655 (2016), doi:10.1073/pnas.1608103113"
PROTOCOLS = {"reinforcement": reinforcement, "pseudo": pseudo_reinforcement, "scoping": scoping}
LONGEST_STEP = 0.1
"""Longest step of the field of :func:`local_entropy`: stronger starts freeze on the reference itself."""

FIELDS = np.arange(31) * LONGEST_STEP
STRONGEST = 20.0
ENOUGH = 200
"""Default of the most iterations at a field of :func:`local_entropy`."""


def focusing_bp(
    instance: Patterns,
    *,
    protocol: str | Protocol = "pseudo",
    seed: Seed = 0,
    stop: str = "solved",
    tolerance: float = 1e-3,
    damping: float = 0.0,
    spread: float = SPREAD,
    entropies: bool = True,
    exact: bool = False,
    progress: Callable[[float], object] | None = None,
) -> xr.Dataset:
    """Search for a solution by focusing belief propagation (fBP).

    Parameters
    ----------
    instance : Perceptron or Committee
        The patterns to classify.
    protocol : {"pseudo", "reinforcement", "scoping"} or Protocol
        How coupling and replicas are raised; the names stand for the defaults of
        :mod:`thermobatch.networks.dynamics.focusing_protocols`, whose functions take parameters.
    seed : non-negative integer or SeedSequence
        Of the first messages and of the order of the updates.
    stop : {"solved", "end"}
        Stop at the first weights without error, or run the protocol to its end (for the entropies).
    tolerance : float
        A step of the protocol ends when no tanh of a message changes by more in an iteration.
    damping : float
        Weight of the old message in a new one, in [0, 1).
    spread : float
        The first messages are uniform between minus and plus this, > 0: it parts the hidden units of a committee.
    entropies : bool
        Measure the distance and the local entropy after every step; costs about one iteration.
    exact : bool
        Use the exact formula for every message. The fast path differs by less than 1e-7 per message.
    progress : callable, optional
        Called with the steps of the protocol done (of the one at hand the share of its iterations), about twice a
        second.

    Returns
    -------
    xarray.Dataset
        ``weights`` (int8, +-1: the signs of the total fields, at the last of the iterations with the fewest
        errors), ``errors``, ``solved``, ``iterations``, ``broken``. Along `iteration` (0 is before any
        update): ``pattern_errors`` and ``largest_change``. Along `step` of the protocol: ``gamma``,
        ``replicas``, ``step_iterations``, ``converged``, ``unit_overlap`` (committee: mean product of the
        magnetisations of two hidden units) and, with `entropies`, ``distance`` (of a replica to the centre,
        Hamming over N), ``local_entropy`` (nats per weight; nan at infinite gamma and where frozen weights
        violate a pattern), ``replica_overlap`` (q) and ``centre_overlap`` (q~). If a field stops being finite
        the run ends there: ``broken`` is true, the attribute ``broke`` says where, and what was computed
        before is returned (with a warning).

    Raises
    ------
    ValueError
        If an argument is out of range or the protocol is unknown.
    """
    _check_instance(instance)
    schedule = _checked_protocol(protocol)
    tolerance = checked_real("tolerance", tolerance, 0.0, open_low=True)
    damping = checked_real("damping", damping, 0.0, 1.0, open_high=True)
    spread = checked_real("spread", spread, 0.0, open_low=True)
    checked_choice("stop", stop, ("solved", "end"))
    messages, space = first_messages(instance, seed, spread)
    history = History(messages, space)
    limits = Limits(tolerance, stop == "solved")
    steps: list[dict] = []
    for number, (gamma, replicas) in enumerate(zip(schedule.gamma, schedule.replicas, strict=True)):
        if stop == "solved" and history.fewest == 0:
            break
        rule = Rule(float(gamma), float(replicas), 1.0 - damping, bool(exact))
        done, why = history.extend(rule, limits, schedule.iterations, _within(progress, number))
        if why == BROKEN:
            warnings.warn(history.locate_break(rule), stacklevel=2)
            break
        steps.append(
            {"gamma": gamma, "replicas": replicas, "step_iterations": done, "converged": why == CONVERGED}
            | _measure(messages, space, rule, entropies)
        )
    settings = {
        "protocol": schedule.name,
        "stop": stop,
        "tolerance": tolerance,
        "damping": damping,
        "spread": spread,
    }
    return _search_dataset(instance, history, steps, seed).assign_attrs(
        settings | _attributes(instance, exact, seed) | history.broke
    )


@described_like(focusing_bp)
def local_entropy(
    instance: Patterns,
    weights: np.ndarray,
    seed: Seed = 0,
    *,
    gamma: np.ndarray = FIELDS,
    iterations: int = ENOUGH,
    tolerance: float = 1e-4,
    damping: float = 0.0,
    exact: bool = False,
    progress: Callable[[float], object] | None = None,
) -> xr.Dataset:
    """Measure how many solutions surround given weights V, by belief propagation in a field gamma V.

    The Bethe free entropy of the solutions W weighted by exp(gamma W.V) gives their mean distance from V and,
    by Legendre transform, their number at that distance. The field rises from 0 in steps of at most 0.1,
    because messages that start in a strong field freeze on V.

    Parameters
    ----------
    instance : Perceptron or Committee
    weights : int8, +-1
        The reference V: shape (N,) for the perceptron, (K, N) for the committee. It need not be a solution.
    seed : non-negative integer or SeedSequence
        Of the first messages and of the order of the updates.
    gamma : float64[fields]
        Strengths of the field, increasing, not negative.
    iterations : int
        Most iterations at a field.
    tolerance, damping, exact
        As in :func:`focusing_bp`.
    progress : callable, optional
        Called with the fields done (of the one at hand a share), about twice a second.

    Returns
    -------
    xarray.Dataset
        Along `gamma`: ``distance`` (Hamming over N K), ``entropy`` (nats per weight; the first, at gamma = 0,
        is that of all the solutions), ``overlap`` (q, mean squared magnetisation), ``converged``,
        ``iterations``; the attribute ``reference_errors`` counts the errors of V. If a field stops being
        finite the rest is nan (as is the entropy where frozen weights violate a pattern), the attribute
        ``broke`` says where, and there is a warning.

    Raises
    ------
    ValueError
        If an argument is out of range or `weights` has another shape.
    """
    _check_instance(instance)
    reference = checked_weights(instance, weights)
    fields = _checked_fields(gamma)
    tolerance = checked_real("tolerance", tolerance, 0.0, open_low=True)
    damping = checked_real("damping", damping, 0.0, 1.0, open_high=True)
    iterations = checked_integer("iterations", iterations, 1)
    messages, space = first_messages(instance, seed)
    history = History(messages, space)
    rule = Rule(0.0, 1.0, 1.0 - damping, bool(exact))
    table = np.full((5, fields.size), np.nan)
    reached = 0.0
    signs = reference.reshape(messages.total.shape)
    for column, target in enumerate(fields):
        ascent = _ascent(reached, target)
        for number, strength in enumerate(ascent):
            messages.total[...] += (strength - reached) * signs
            messages.centre[...] = strength * signs
            reached = strength
            inside = _within(progress, column + number / ascent.size, 1 / ascent.size)
            done, why = history.extend(rule, Limits(tolerance, False), iterations, inside)
            if why == BROKEN:
                break
        if why == BROKEN:
            warnings.warn(history.locate_break(rule._replace(gamma=reached)), stacklevel=2)
            break
        table[:, column] = *_around(messages, space, signs, reached), why == CONVERGED, done
    settings = {"max_iterations": iterations, "tolerance": tolerance, "damping": damping}
    return _entropy_dataset(fields, table).assign_attrs(
        settings
        | {"reference_errors": errors(instance, reference)}
        | _attributes(instance, exact, seed)
        | history.broke
    )


def _within(progress: Callable[[float], object] | None, begin: float, length: float = 1.0):
    """Return what reports a share of a step that begins at `begin`; None for None."""
    return None if progress is None else lambda share: progress(begin + length * share)


def _attributes(instance: Patterns, exact: bool, seed: Seed) -> dict:
    """Return the attributes that both Datasets share."""
    size = {"n": instance.n, "hidden": instance.hidden, "alpha": instance.alpha}
    return size | {"exact": int(exact), "seed": seed_attribute(seed), "source": SOURCE}


def _measure(messages: Messages, space: Workspace, rule: Rule, entropies: bool) -> dict:
    """Return what a step of the protocol records of the magnetisations."""
    magnetisation = np.tanh(messages.total)
    record = {"unit_overlap": magnetisation @ magnetisation.T / magnetisation.shape[1]}
    if entropies:
        overlap, entropy, within, centre = ensemble(messages, space, rule.gamma, rule.replicas)
        record |= {
            "distance": 0.5 * (1.0 - overlap),
            "local_entropy": entropy,
            "replica_overlap": within,
            "centre_overlap": centre,
        }
    return record


def _around(
    messages: Messages, space: Workspace, signs: np.ndarray, gamma: float
) -> tuple[float, float, float]:
    """Return distance, entropy and mean squared magnetisation in the field gamma V."""
    magnetisation = np.tanh(messages.total)
    overlap = float(np.mean(signs * magnetisation))
    entropy = field_entropy(messages, space) / signs.size - gamma * overlap
    return 0.5 * (1.0 - overlap), entropy, float(np.mean(magnetisation**2))


def _ascent(start: float, target: float) -> np.ndarray:
    """Field strengths from `start` (left out) to `target`, no step longer than LONGEST_STEP."""
    return np.linspace(start, target, max(2, 1 + int(np.ceil((target - start) / LONGEST_STEP - 1e-9))))[1:]


STEP_VARIABLES = {
    "gamma": named("coupling of a replica to the centre"),
    "replicas": named("number of replicas y"),
    "step_iterations": named("iterations at the step", "iterations"),
    "converged": named("messages converged at the step"),
    "distance": named("Hamming distance of a replica from the centre d / N"),
    "local_entropy": named("entropy of the solutions around the centre", "nats per weight"),
    "replica_overlap": named("mean squared magnetisation of the replicas q"),
    "centre_overlap": named("mean squared magnetisation of the centre q~"),
}


def _search_dataset(instance: Patterns, history: History, steps: list[dict], seed: Seed) -> xr.Dataset:
    """Lay out what focusing_bp found."""
    weights = history.space.best.reshape(instance.weights_shape).copy()
    iterations = np.arange(len(history.errors))
    changes = named("largest change of the tanh of a message")
    data = xr.Dataset(
        {
            "weights": (tuple(instance.variable_dims), weights, named("signs of the fields, fewest errors")),
            "errors": ((), history.fewest, named("errors of the weights", "patterns")),
            "solved": ((), history.fewest == 0, named("every pattern is classified")),
            "iterations": ((), iterations[-1], named("iterations done", "iterations")),
            "broken": ((), bool(history.broke), named("a field stopped being finite")),
            "pattern_errors": ("iteration", history.errors, named("errors of the signs", "patterns")),
            "largest_change": ("iteration", history.changes, changes),
        },
        coords={"iteration": ("iteration", iterations, named("iterations done", "iterations"))},
    ).assign(teacher_variables(instance, weights, seed))
    for name, description in STEP_VARIABLES.items():
        if not steps or name in steps[0]:
            data[name] = ("step", np.array([step[name] for step in steps]), description)
    if instance.kind == "committee":
        shape = (len(steps), instance.hidden, instance.hidden)
        values = np.array([step["unit_overlap"] for step in steps]).reshape(shape)
        description = named("mean product of the magnetisations of two units")
        data["unit_overlap"] = (("step", "unit", "other_unit"), values, description)
    return data.assign_coords(step=("step", np.arange(len(steps)), named("step of the protocol")))


def _entropy_dataset(fields: np.ndarray, table: np.ndarray) -> xr.Dataset:
    """Lay out what local_entropy measured: distance, entropy, overlap, converged and iterations by field."""
    distance, entropy, overlap, converged, iterations = table
    return xr.Dataset(
        {
            "distance": ("gamma", distance, named("Hamming distance from the reference d / N")),
            "entropy": (
                "gamma",
                entropy,
                named("entropy of the solutions at that distance", "nats per weight"),
            ),
            "overlap": ("gamma", overlap, named("mean squared magnetisation q")),
            "converged": ("gamma", converged == 1.0, named("messages converged")),
            "iterations": ("gamma", np.nan_to_num(iterations).astype(int), named("iterations", "iterations")),
        },
        coords={"gamma": ("gamma", fields, named("field along the reference"))},
    )


def _check_instance(instance: Patterns) -> None:
    """Refuse what is not an instance."""
    if not isinstance(instance, Patterns):
        raise ValueError(f"instance is a {type(instance).__name__}: must be a perceptron or a committee")
    refuse_levels(instance, "belief propagation")


def _checked_protocol(protocol: str | Protocol) -> Protocol:
    """Return a protocol given by name or as such."""
    if isinstance(protocol, Protocol):
        return protocol
    if not isinstance(protocol, str) or protocol not in PROTOCOLS:
        allowed = ", ".join(repr(name) for name in PROTOCOLS)
        raise ValueError(
            f"protocol = {protocol!r}: must be one of {allowed}, or a Protocol such as free(gamma, replicas)"
        )
    return PROTOCOLS[protocol]()


def _checked_fields(gamma: np.ndarray) -> np.ndarray:
    """Return the fields as an increasing array of finite numbers."""
    fields = np.atleast_1d(real_numbers("gamma", gamma, "increasing numbers").astype(float))
    increasing = fields.ndim == 1 and fields.size > 0 and np.all(np.diff(fields) > 0.0)
    if not (increasing and fields[0] >= 0.0 and fields[-1] <= STRONGEST):
        raise ValueError(f"gamma = {gamma}: must be increasing numbers in [0, {STRONGEST}]")
    return fields
