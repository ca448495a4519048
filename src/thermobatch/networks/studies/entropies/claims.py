"""Claims on the theory of local entropies and on focusing belief propagation's own (R5)."""

from typing import NamedTuple

import numpy as np
import xarray as xr
from scipy.interpolate import PchipInterpolator

from thermobatch.statistics.equivalence import verdict
from thermobatch.statistics.extremes import largest_mean
from thermobatch.statistics.intervals import mean_interval
from thermobatch.study.claim import Outcome, claim

SOURCE = "doi:10.1073/pnas.1608103113"
PRECISE = 1e-3
"""Largest numerical error, in distance and in nats per weight, of a point of theory that is used."""

SCALED = "entropies times the replica-symmetric total entropy over that of the instance"
LONGEST_JUMP = 0.12
"""Longest step of the distance along a curve of theory; a longer one leads to another saddle point."""


class Curve(NamedTuple):
    """Entropies of a theory at increasing distances, with their numerical errors, couplings and the total entropy."""

    distance: np.ndarray
    entropy: np.ndarray
    error: np.ndarray
    coupling: np.ndarray
    total: float

    def at(self, distance) -> np.ndarray:
        """Return the entropy at some distances (nan outside of the curve)."""
        return PchipInterpolator(self.distance, self.entropy, extrapolate=False)(distance)

    def clipped_at(self, distance) -> np.ndarray:
        """Return the entropy at some distances; beyond an end of the curve that of the end."""
        return self.at(np.clip(distance, self.distance[0], self.distance[-1]))

    def error_at(self, distance) -> np.ndarray:
        """Return the numerical error at some distances."""
        return np.interp(distance, self.distance, self.error)


@claim(
    "R5.typical_isolated",
    source="Phys. Rev. E 90, 052813 (2014)",
    protocol="paper",
    statement="Typical solutions are isolated: the Franz-Parisi entropy vanishes at a distance d / N above the margin.",
)
def typical_isolated(entropies: xr.Dataset, *, margin: float, alpha: float) -> Outcome:
    """Decide by the zero of the entropy, between the zeros of the entropy plus and minus its numerical error."""
    curve = theory_curve(entropies, "typical", alpha)
    zeros = [_zero(curve.distance, curve.entropy + shift * curve.error) for shift in (0, 1, -1)]
    bounds = (min(zeros), max(zeros))
    method = (
        f"zero of the Franz-Parisi entropy at alpha = {alpha:g}; interval: numerical error of the entropies, not of "
        f"the interpolation between distances of which the smallest is {curve.distance[0]:.3g}"
    )
    return Outcome(zeros[0], bounds, margin, method, verdict(bounds, (margin, 0.5)))


@claim(
    "R5.dense_regions",
    source=SOURCE,
    protocol="paper",
    statement="The densest regions hold far more solutions than the surroundings of a typical one: difference of the "
    "local entropies at the same distance, y to infinity minus Franz-Parisi, in nats per weight.",
)
def dense_regions(entropies: xr.Dataset, *, margin: float, alpha: float, distance: float) -> Outcome:
    """Decide by the two curves of theory at one distance."""
    densest, typical = (theory_curve(entropies, name, alpha) for name in ("densest", "typical"))
    gap = float(densest.at(distance) - typical.at(distance))
    error = float(densest.error_at(distance) + typical.error_at(distance))
    bounds = (gap - error, gap + error)
    method = f"replica theory at alpha = {alpha:g}, d / N = {distance:g}; interval: numerical error"
    return Outcome(gap, bounds, margin, method, verdict(bounds, (margin, np.inf)))


@claim(
    "R5.focusing_between",
    source=SOURCE,
    protocol="ours",
    statement="The internal entropy of focusing belief propagation, after the iterations that each step is given, "
    "converged or not, lies between the curves of theory for y = 1 (a free centre) and y to infinity: largest excess "
    "over this range, in nats per weight.",
)
def focusing_between(
    focusing: xr.Dataset, entropies: xr.Dataset, *, margin: float, distances: list[float]
) -> Outcome:
    """Decide by the largest mean excess over all couplings, replicas and loads, scaled instance by instance."""
    excesses, converged = [], []
    for point in focusing.point.values:
        chosen = focusing.sel(point=point).dropna("seed", how="all", subset=["local_entropy"])
        alpha = float(chosen.alpha)
        lowest, highest = (
            theory_curve(entropies, "robust", alpha, 1),
            theory_curve(entropies, "densest", alpha),
        )
        scaled = scaled_entropy(chosen.local_entropy, chosen.total_entropy, lowest.total)
        place = chosen.distance.mean("seed")
        for gamma in chosen.coupling.values[((place >= distances[0]) & (place <= distances[1])).values]:
            at, found = (column.sel(coupling=gamma).values for column in (chosen.distance, scaled))
            excesses += [lowest.clipped_at(at) - found, found - highest.clipped_at(at)]
            converged.append(chosen.converged.sel(coupling=gamma).values)
    if not excesses:
        raise ValueError(f"no coupling with a mean distance in {distances}")
    values = np.stack(excesses, axis=1)
    tested = largest_mean(values[np.isfinite(values).all(axis=1)], margin)
    method = (
        f"{tested.method} over {len(excesses) // 2} (alpha, y, gamma) with d / N in {distances}; {SCALED}; "
        f"{len(values)} instances; {_converged(np.concatenate(converged), focusing, 'used')}"
    )
    return Outcome(tested.estimate, (tested.lower, tested.upper), margin, method, tested.verdict)


@claim(
    "R5.focusing_is_dense",
    source=SOURCE,
    protocol="ours",
    statement="Focusing belief propagation with the largest y, after the iterations that each step is given, converged "
    "or not, sees far more solutions around its centre than there are around a typical one: internal minus "
    "Franz-Parisi entropy at the same distance, in nats per weight.",
)
def focusing_is_dense(
    focusing: xr.Dataset, entropies: xr.Dataset, *, margin: float, alpha: float, distance: float
) -> Outcome:
    """Decide by the t interval over instances of the internal entropy interpolated at one distance."""
    points = focusing.point.values[np.isclose(focusing.alpha, alpha)]
    if not points.size:
        raise ValueError(f"focusing_entropies: no alpha = {alpha:g}")
    chosen = focusing.sel(point=points)
    chosen = chosen.isel(point=int(np.argmax(chosen.replicas.values))).dropna("seed", how="all")
    typical = theory_curve(entropies, "typical", alpha)
    scaled = scaled_entropy(chosen.local_entropy, chosen.total_entropy, typical.total)
    found = [
        entropy_at(d, s, distance)
        for d, s in zip(
            *(x.transpose("seed", "coupling").values for x in (chosen.distance, scaled)), strict=True
        )
    ]
    interval = mean_interval(np.array(found) - typical.at(distance), confidence=0.9)
    bounds = (interval.lower, interval.upper)
    method = (
        f"y = {float(chosen.replicas):g}, alpha = {alpha:g}, d / N = {distance:g}; {SCALED}; 90% t interval over "
        f"{len(found)} instances; {_converged(_beside(chosen, distance), focusing, 'beside that distance')}"
    )
    return Outcome(interval.estimate, bounds, margin, method, verdict(bounds, (margin, np.inf)))


def _beside(chosen: xr.Dataset, distance: float) -> np.ndarray:
    """Whether the steps on both sides of a distance have converged, instance by instance."""
    apart = np.abs(chosen.distance - distance)
    return np.concatenate(
        [
            chosen.converged.isel(coupling=apart.where(side).fillna(np.inf).argmin("coupling")).values
            for side in (chosen.distance >= distance, chosen.distance < distance)
        ]
    )


def _converged(flags: np.ndarray, focusing: xr.Dataset, which: str) -> str:
    known = flags[np.isfinite(flags)]
    most = int(focusing.iterations.max())
    return f"{int(np.sum(known > 0))} of the {known.size} steps {which} had converged within at most {most} iterations"


def entropy_at(distances: np.ndarray, entropies: np.ndarray, distance) -> np.ndarray:
    """Return the entropy at some distances, interpolated along one instance's curve (nan outside of it).

    Parameters
    ----------
    distances, entropies
        Along a field or coupling that grows, so that the distance falls; nan where nothing was measured.
    distance
        Hamming distances over N, a number or an array.
    """
    known = np.isfinite(distances) & np.isfinite(entropies)
    places, index = np.unique(distances[known], return_index=True)
    if places.size < 2:
        return np.full(np.shape(distance), np.nan)
    return PchipInterpolator(places, entropies[known][index], extrapolate=False)(distance)


def theory_curve(
    entropies: xr.Dataset, curve: str, alpha: float, replicas: float | None = None, precise: float = PRECISE
) -> Curve:
    """Return one curve of theory, where it is numerically precise, on the branch that starts at weak coupling.

    Parameters
    ----------
    entropies
        Of the experiment `perceptron_entropies`.
    curve
        "typical", "robust" or "densest".
    alpha
        Patterns per weight.
    replicas
        y of a robust curve.
    precise
        Largest numerical error that is let through.
    """
    wanted = (entropies.curve == curve) & np.isclose(entropies.alpha, alpha)
    if replicas is not None:
        wanted &= np.isclose(entropies.replicas, replicas)
    if not wanted.any():
        words = f"{curve}, alpha = {alpha:g}" + ("" if replicas is None else f", y = {replicas:g}")
        raise ValueError(f"perceptron_entropies: no curve {words}")
    chosen = entropies.isel(point=int(np.flatnonzero(wanted)[0]), seed=0)
    columns = [chosen[name].values for name in ("distance", "entropy", "entropy_error", "coupling")]
    exact = (chosen.entropy_error <= precise) & (chosen.distance_error <= precise)
    if curve == "typical":
        kept = np.flatnonzero(exact.values)
    else:
        kept = _branch(columns[0], exact.values)
    distance, entropy, error, coupling = (column[kept] for column in columns)
    order = np.argsort(distance)
    return Curve(distance[order], entropy[order], error[order], coupling[order], float(chosen.total_entropy))


def scaled_entropy(local: xr.DataArray, total: xr.DataArray, theory_total: float) -> xr.DataArray:
    """Return local entropies as if the instances had the total entropy of theory.

    The entropy of all solutions of a finite instance fluctuates, and its local entropies with it.
    """
    return local * (theory_total / total)


def _branch(distance: np.ndarray, exact: np.ndarray) -> np.ndarray:
    """Indices from weak coupling on, as long as points are precise and the distance falls smoothly."""
    kept: list[int] = []
    for index in range(distance.size):
        if not exact[index] or (kept and not _continues(distance, kept, index)):
            break
        kept.append(index)
    return np.array(kept, dtype=int)


def _continues(distance: np.ndarray, kept: list[int], index: int) -> bool:
    """Whether a point follows the last ones: closer, by no more than twice the step before."""
    step = distance[kept[-1]] - distance[index]
    before = distance[kept[-2]] - distance[kept[-1]] if len(kept) > 1 else LONGEST_JUMP
    return 0.0 < step < 2.0 * before


def _zero(distance: np.ndarray, entropy: np.ndarray) -> float:
    """Largest distance below which the entropy is negative, by linear interpolation."""
    negative = np.flatnonzero(entropy < 0.0)
    if not negative.size:
        return 0.0
    last = negative[-1]
    share = -entropy[last] / (entropy[last + 1] - entropy[last])
    return float(distance[last] + share * (distance[last + 1] - distance[last]))
