"""Focusing belief propagation on perceptrons and committees, and the entropy of the solutions around a
solution.

Source: Baldassi et al., PNAS 113, E7655 (2016), doi:10.1073/pnas.1608103113, arXiv:1605.06444.
"""

import warnings

import numpy as np
import xarray as xr

from thermobatch.dynamics.bethe_entropy import ensemble, field_entropy
from thermobatch.dynamics.focusing_protocols import (
    Protocol,
    check_iterations,
    pseudo_reinforcement,
    reinforcement,
    scoping,
)
from thermobatch.dynamics.message_history import History, first_messages
from thermobatch.dynamics.message_passing import BROKEN, CONVERGED, Limits, Messages, Rule, Workspace
from thermobatch.streams import Seed
from thermobatch.systems.patterns import Patterns, checked_weights, errors

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
    seed: Seed,
    stop: str = "solved",
    tolerance: float = 1e-3,
    damping: float = 0.0,
    entropies: bool = True,
    exact: bool = False,
) -> xr.Dataset:
    """Search for a solution by focusing belief propagation (fBP).

    Parameters
    ----------
    instance : Perceptron or Committee
        The patterns to classify.
    protocol : {"pseudo", "reinforcement", "scoping"} or Protocol
        How coupling and replicas are raised; the names stand for the defaults of
        :mod:`thermobatch.dynamics.focusing_protocols`, whose functions take parameters.
    seed : non-negative integer or SeedSequence
        Of the first messages and of the order of the updates.
    stop : {"solved", "end"}
        Stop at the first weights without error, or run the protocol to its end (for the entropies).
    tolerance : float
        A step of the protocol ends when no tanh of a message changes by more in an iteration.
    damping : float
        Weight of the old message in a new one, in [0, 1).
    entropies : bool
        Measure the distance and the local entropy after every step; costs about one iteration.
    exact : bool
        Use the exact formula for every message. The fast path differs by less than 1e-7 per message.

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
    _check_numbers(tolerance, damping)
    if stop not in ("solved", "end"):
        raise ValueError(f"stop = {stop!r}: must be 'solved' or 'end'")
    messages, space = first_messages(instance, seed)
    history = History(messages, space)
    limits = Limits(float(tolerance), stop == "solved")
    steps: list[dict] = []
    for gamma, replicas in zip(schedule.gamma, schedule.replicas, strict=True):
        if stop == "solved" and history.fewest == 0:
            break
        rule = Rule(float(gamma), float(replicas), 1.0 - float(damping), bool(exact))
        done, why = history.extend(rule, limits, schedule.iterations)
        if why == BROKEN:
            warnings.warn(history.locate_break(rule), stacklevel=2)
            break
        steps.append(
            {"gamma": gamma, "replicas": replicas, "step_iterations": done, "converged": why == CONVERGED}
            | _measure(messages, space, rule, entropies)
        )
    return _search_dataset(instance, history, steps).assign_attrs(
        protocol=schedule.name, tolerance=float(tolerance), damping=float(damping), exact=int(exact)
    )


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
    _check_numbers(tolerance, damping)
    check_iterations(iterations)
    messages, space = first_messages(instance, seed)
    history = History(messages, space)
    rule = Rule(0.0, 1.0, 1.0 - float(damping), bool(exact))
    table = np.full((5, fields.size), np.nan)
    reached = 0.0
    signs = reference.reshape(messages.total.shape)
    for column, target in enumerate(fields):
        for strength in _ascent(reached, target):
            messages.total[...] += (strength - reached) * signs
            messages.centre[...] = strength * signs
            reached = strength
            done, why = history.extend(rule, Limits(float(tolerance), False), iterations)
            if why == BROKEN:
                break
        if why == BROKEN:
            warnings.warn(history.locate_break(rule._replace(gamma=reached)), stacklevel=2)
            break
        table[:, column] = *_around(messages, space, signs, reached), why == CONVERGED, done
    return _entropy_dataset(fields, table).assign_attrs(
        source=SOURCE,
        alpha=instance.alpha,
        reference_errors=errors(instance, reference),
        tolerance=float(tolerance),
        damping=float(damping),
        exact=int(exact),
        **history.broke,
    )


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
    "gamma": ("1", "coupling of a replica to the centre"),
    "replicas": ("1", "number of replicas y"),
    "step_iterations": ("1", "iterations at the step"),
    "converged": ("1", "messages converged at the step"),
    "distance": ("1", "Hamming distance of a replica from the centre d / N"),
    "local_entropy": ("nats per weight", "entropy of the solutions around the centre"),
    "replica_overlap": ("1", "mean squared magnetisation of the replicas q"),
    "centre_overlap": ("1", "mean squared magnetisation of the centre q~"),
}


def _search_dataset(instance: Patterns, history: History, steps: list[dict]) -> xr.Dataset:
    """Lay out what focusing_bp found."""
    dims = ("input",) if instance.kind == "perceptron" else ("unit", "input")
    weights = history.space.best.reshape(instance.weights_shape).copy()
    iteration = {"units": "iterations", "long_name": "iterations done"}
    data = xr.Dataset(
        {
            "weights": (dims, weights, {"units": "1", "long_name": "signs of the fields with fewest errors"}),
            "errors": ((), history.fewest, {"units": "patterns", "long_name": "errors of the weights"}),
            "solved": ((), history.fewest == 0, {"units": "1", "long_name": "every pattern classified"}),
            "iterations": ((), len(history.errors) - 1, iteration),
            "broken": ((), bool(history.broke), {"units": "1", "long_name": "a field stopped being finite"}),
            "pattern_errors": (
                "iteration",
                np.array(history.errors),
                {"units": "patterns", "long_name": "errors of the signs of the fields"},
            ),
            "largest_change": (
                "iteration",
                np.array(history.changes),
                {"units": "1", "long_name": "largest change of the tanh of a message"},
            ),
        },
        coords={"iteration": ("iteration", np.arange(len(history.errors)), iteration)},
        attrs={"source": SOURCE, "alpha": instance.alpha, **history.broke},
    )
    for name, (units, long_name) in STEP_VARIABLES.items():
        if not steps or name in steps[0]:
            values = np.array([step[name] for step in steps])
            data[name] = ("step", values, {"units": units, "long_name": long_name})
    if instance.kind == "committee":
        values = np.array([step["unit_overlap"] for step in steps]).reshape(
            -1, instance.hidden, instance.hidden
        )
        description = {"units": "1", "long_name": "mean product of the magnetisations of two units"}
        data["unit_overlap"] = (("step", "unit", "other_unit"), values, description)
    return data.assign_coords(
        step=("step", np.arange(len(steps)), {"units": "1", "long_name": "step of the protocol"})
    )


def _entropy_dataset(fields: np.ndarray, table: np.ndarray) -> xr.Dataset:
    """Lay out what local_entropy measured."""
    columns = {
        "distance": ("1", "Hamming distance from the reference d / N"),
        "entropy": ("nats per weight", "entropy of the solutions at that distance"),
        "overlap": ("1", "mean squared magnetisation q"),
        "converged": ("1", "messages converged"),
        "iterations": ("iterations", "iterations at the field"),
    }
    data = {
        name: ("gamma", row, {"units": units, "long_name": long_name})
        for (name, (units, long_name)), row in zip(columns.items(), table, strict=True)
    }
    data["converged"] = ("gamma", table[3] == 1.0, data["converged"][2])
    data["iterations"] = ("gamma", np.nan_to_num(table[4]).astype(int), data["iterations"][2])
    return xr.Dataset(
        data, coords={"gamma": ("gamma", fields, {"units": "1", "long_name": "field along the reference"})}
    )


def _check_instance(instance: Patterns) -> None:
    """Refuse what is not an instance."""
    if not isinstance(instance, Patterns):
        raise ValueError(f"instance is a {type(instance).__name__}: must be a perceptron or a committee")


def _checked_protocol(protocol: str | Protocol) -> Protocol:
    """Return a protocol given by name or as such."""
    if isinstance(protocol, Protocol):
        return protocol
    if protocol not in PROTOCOLS:
        allowed = ", ".join(repr(name) for name in PROTOCOLS)
        raise ValueError(
            f"protocol = {protocol!r}: must be one of {allowed}, or a Protocol such as free(gamma, replicas)"
        )
    return PROTOCOLS[protocol]()


def _checked_fields(gamma: np.ndarray) -> np.ndarray:
    """Return the fields as an increasing array of finite numbers."""
    fields = np.atleast_1d(np.asarray(gamma, dtype=float))
    increasing = fields.ndim == 1 and fields.size > 0 and np.all(np.diff(fields) > 0.0)
    if not (increasing and fields[0] >= 0.0 and fields[-1] <= STRONGEST):
        raise ValueError(f"gamma = {gamma}: must be increasing numbers in [0, {STRONGEST}]")
    return fields


def _check_numbers(tolerance: float, damping: float) -> None:
    """Refuse a tolerance that is never reached and a damping that never moves."""
    if not 0.0 < tolerance < np.inf:
        raise ValueError(f"tolerance = {tolerance}: must be a positive number")
    if not 0.0 <= damping < 1.0:
        raise ValueError(f"damping = {damping}: must be in [0, 1)")
