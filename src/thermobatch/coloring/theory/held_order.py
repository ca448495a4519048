"""Follow the fixed points of population dynamics through a spinodal, by holding the order parameter.

Near a transition a population lingers for ever longer before it collapses, so bisection in a control
parameter is slow and biased. Here the order parameter m is held instead: after every generation the control
variable u is moved in proportion to the distance of m from a target. A population at rest on such a line is a
fixed point whatever its stability, so the whole curve u(m) can be followed: down the stable branch, through
its maximum - the transition - and along the unstable branch.

The transition is read from a cubic through points around the maximum, for several independent populations;
their scatter gives the error. The method is ours.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import stdtrit

from thermobatch.coloring.theory.tree_population import Broadcast, TreePopulation
from thermobatch.foundation.streams import Seed, seed_sequence

HIGHEST, LOWEST = 0.9, 0.05  # orders held in the survey, from full information downwards
HALF_WIDTH = 0.12  # of the window around the maximum, in m: a parabola would already be biased by 0.1%
RECENTRED = 5  # windows tried until the maximum is well inside
SURVEY_GENERATIONS = 25
SETTLING = 15  # generations before those that count, at each order held
COLLAPSED = 0.02  # an order that will not come back
LOWEST_CONTROL, HIGHEST_CONTROL = -0.5, 0.9

SURVEY_SHARE = 0.1  # of the work, roughly
Progress = Callable[[float], object]
Path = Callable[[float], Broadcast]  # broadcast at u; the order parameter must fall as u rises


class Effort(NamedTuple):
    """Messages per population, independent populations, and generations that count at each order held."""

    population: int
    replicas: int
    iterations: int


class TurningPoint(NamedTuple):
    """Largest u on the curve of fixed points, with its t interval over populations, and the order m there."""

    estimate: float
    lower: float
    upper: float
    order: float


def turning_point(
    path: Path, q: int, effort: Effort, seed: Seed, confidence: float, progress: Progress | None = None
) -> TurningPoint | None:
    """Return the maximum of u(m) along `path`, or None when no order can be held at all.

    `progress` is told the share of the work that is done; how many windows are needed is not known beforehand, so each
    counts as all but a tenth of what is left.

    Raises
    ------
    ValueError
        When the effort or the confidence is out of its range.
    RuntimeError
        When the population is too small to be held near the maximum.
    """
    check_effort(effort)
    if not 0 < confidence < 1:
        raise ValueError(f"confidence = {confidence!r}: must be in (0, 1)")
    first, *others = _children(seed, effort.replicas + 1)
    top = _survey(path, TreePopulation(q, effort.population, first))
    if top is None:
        return None
    done = SURVEY_SHARE
    for _ in range(RECENTRED):
        order, control = _inside_survey(top[0]), top[1]
        window = order + np.linspace(HALF_WIDTH, -HALF_WIDTH, 7)
        grid = np.linspace(window[-1], window[0], 301)
        curves = []
        share = 0.9 * (1.0 - done) / len(others)
        for child in others:
            held = HeldOrder(path, TreePopulation(q, effort.population, child), control - 0.02)
            report = None if progress is None else _within(progress, done, share)
            curves.append(_curve(held, window, effort.iterations, report)(grid))
            done += share
        mean = np.mean(curves, axis=0)
        best = int(np.argmax(mean))  # of the mean curve: single maxima would be biased by their noise
        top = grid[best], mean[best]
        if abs(_inside_survey(top[0]) - order) < 0.6 * HALF_WIDTH:
            break
    values = np.array(curves)[:, best]
    error = float(values.std(ddof=1) / np.sqrt(len(values)))
    reach = float(stdtrit(len(values) - 1, 0.5 + confidence / 2)) * error
    return TurningPoint(float(top[1]), float(top[1]) - reach, float(top[1]) + reach, float(top[0]))


def check_effort(effort: Effort) -> None:
    """Reject populations that cannot be held, and fewer than two of them."""
    for name, value, least in zip(Effort._fields, effort, (500, 2, 5), strict=True):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
            raise ValueError(f"{name} = {value!r}: must be an integer, at least {least}")


class HeldOrder:
    """A population whose order parameter is held at a target by moving u.

    The line u = u_0 + g (m - target) crosses the curve u(m) at a fixed point. With m averaged over two
    generations it is stable when g (-dm/du) lies between the growth rate of m at fixed u, less one, and two.
    """

    def __init__(self, path: Path, population: TreePopulation, u: float) -> None:
        self.path, self.population, self.u = path, population, u

    def heat_to(self, target: float, rate: float) -> None:
        """Raise u by `rate` a generation until the order falls to `target`."""
        while self.population.order > target and self.u < HIGHEST_CONTROL:
            self.population.update(self.path(self.u))
            self.u += rate

    def hold(self, target: float, generations: int) -> tuple[float, float, bool]:
        """Return the means of m and u over `generations` after settling, and whether the order was lost."""
        gain = self._gain()
        previous = self.population.order
        orders, controls = [], []
        for generation in range(SETTLING + generations):
            order = self.population.order
            control = _inside(self.u + gain * (0.5 * (order + previous) - target))
            previous = order
            self.population.update(self.path(control))
            if generation < SETTLING:  # the line follows, so that it meets the curve at the target
                self.u += 0.3 * (control - self.u)
            else:
                orders.append(self.population.order)
                controls.append(control)
        m, u = float(np.mean(orders)), float(np.mean(controls))
        return m, u, abs(m - target) > 0.05 or min(controls) <= LOWEST_CONTROL

    def _gain(self, step: float = 0.03) -> float:
        """Inverse response of m to u, from two trials, raised a little in favour of the unstable branch."""
        more, less = (self.population.trial(self.path(_inside(self.u + du))) for du in (-step, step))
        return 1.2 * 2 * step / max(more - less, step)


def _survey(path: Path, population: TreePopulation) -> tuple[float, float] | None:
    """Follow u(m) down from full information, as far as it can be held: rough place (m, u) of the maximum."""
    held = HeldOrder(path, population, LOWEST_CONTROL)
    held.heat_to(HIGHEST, rate=0.01)
    curve = []
    for target in np.arange(HIGHEST, LOWEST - 0.01, -0.05):
        m, u, lost = held.hold(target, SURVEY_GENERATIONS)
        if not lost:
            curve.append((m, u))
        elif m < COLLAPSED:
            break
    if len(curve) < 5:
        return None
    orders, controls = np.array(curve).T
    smooth = np.convolve(controls, np.full(3, 1 / 3), mode="valid")
    best = int(np.argmax(smooth)) + 1
    return float(orders[best]), float(smooth[best - 1])


def _within(progress: Progress, begin: float, length: float) -> Progress:
    """Return what reports a share of a part of the work."""
    return lambda share: progress(begin + length * share)


def _curve(
    held: HeldOrder, window: np.ndarray, iterations: int, progress: Progress | None
) -> np.polynomial.Polynomial:
    """Return u(m) as a cubic through points held in `window`, from the top down."""
    held.heat_to(window[0], rate=0.001)
    points = []
    for number, target in enumerate(window, 1):
        points.append(held.hold(target, iterations))
        if progress is not None:
            progress(number / window.size)
    if any(lost for _, _, lost in points):
        raise RuntimeError(
            f"population = {len(held.population.messages)}: too small to hold the order parameter between "
            f"{window[-1]:.2f} and {window[0]:.2f}; raise it"
        )
    orders, controls, _ = np.array(points).T
    return np.polynomial.Polynomial.fit(orders, controls, 3)


def _inside_survey(m: float) -> float:
    """Centre of a window that stays among the orders of the survey."""
    return min(max(float(m), LOWEST + HALF_WIDTH), HIGHEST - HALF_WIDTH)


def _inside(u: float) -> float:
    """Keep u where the broadcast is defined, whatever the noise."""
    return min(max(u, LOWEST_CONTROL), HIGHEST_CONTROL)


def _children(seed: Seed, count: int) -> list[np.random.SeedSequence]:
    """Child seeds that do not depend on how often the caller's SeedSequence was spawned before."""
    root = seed_sequence(seed)
    return [
        np.random.SeedSequence(root.entropy, spawn_key=(*root.spawn_key, k), pool_size=root.pool_size)
        for k in range(count)
    ]
