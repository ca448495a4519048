"""A run of belief propagation from its first messages: errors and changes, and where it broke."""

from collections.abc import Callable

import numpy as np

from thermobatch.foundation.blocks import Blocks
from thermobatch.foundation.streams import Seed, child_seed, random_stream
from thermobatch.networks.dynamics.message_passing import (
    UNFINISHED,
    Limits,
    Messages,
    Rule,
    Workspace,
    count_errors,
    run,
    workspace,
)
from thermobatch.networks.patterns import Patterns

SPREAD = 0.01
"""Messages start uniform in +- this: what breaks the symmetry between the hidden units of a committee."""


def first_messages(instance: Patterns, seed: Seed, spread: float = SPREAD) -> tuple[Messages, Workspace]:
    """Return the messages of `instance` before any update, uniform in +-spread, and the scratch arrays.

    Parameters
    ----------
    instance : Perceptron or Committee
    seed : non-negative integer or SeedSequence
        Its first child draws the messages, its second the order of the updates.
    spread : float
        Largest size of a message.
    """
    shape = (instance.n_patterns, instance.hidden, instance.n)
    weight = np.random.default_rng(child_seed(seed, 0)).uniform(-spread, spread, shape)
    messages = Messages(
        inputs=np.ascontiguousarray(instance.inputs * instance.labels[:, None]),
        total=weight.sum(axis=0),
        weight=weight,
        up=np.zeros(shape[:2]),
        down=np.full(shape[:2], np.inf if instance.hidden == 1 else 0.0),
        centre=np.zeros(shape[1:]),
    )
    return messages, workspace(messages, random_stream(child_seed(seed, 1)))


class History:
    """Errors and changes of all the iterations of a run, and where it broke if it did."""

    def __init__(self, messages: Messages, space: Workspace):
        self.messages, self.space = messages, space
        self.errors = [count_errors(messages.inputs, messages.total, space.best)]
        self.changes = [np.nan]
        self.broke: dict[str, str] = {}
        self._blocks = Blocks()

    @property
    def fewest(self) -> int:
        """Errors of ``space.best``."""
        return min(self.errors)

    def extend(
        self, rule: Rule, limits: Limits, iterations: int, progress: Callable[[float], object] | None = None
    ) -> tuple[int, int]:
        """Run at most `iterations` more; return how many were done and why they ended.

        `progress` is told the share of the iterations that is done.
        """
        done, why = 0, UNFINISHED
        for until in self._blocks.ends(0, iterations):
            changes, counts = np.empty(until - done), np.empty(until - done + 1, dtype=np.int64)
            counts[0] = self.fewest
            made, why = run(self.messages, self.space, rule, limits, changes, counts)
            self.errors += counts[1 : made + 1].tolist()
            self.changes += changes[:made].tolist()
            done += made
            if progress is not None:
                progress(done / iterations)
            if why != UNFINISHED:
                break
        return done, why

    def locate_break(self, rule: Rule) -> str:
        """Record and return a sentence that says where the fields stopped being finite."""
        unit, i = (int(x) for x in np.argwhere(~np.isfinite(self.messages.total))[0])
        patterns = np.flatnonzero(~np.isfinite(self.messages.weight[:, unit, i]))
        sender = f"pattern {patterns[0]}" if patterns.size else "the centre"
        self.broke["broke"] = (
            f"belief propagation broke at gamma = {rule.gamma:.6g}, replicas = {rule.replicas:.6g},"
            f" iteration {len(self.errors)}: the message of {sender} to input {i} of unit {unit} is not"
            " finite; what was computed before is returned (a smaller step or some damping may help)"
        )
        return self.broke["broke"]
