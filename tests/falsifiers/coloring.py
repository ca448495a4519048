"""Worlds in which the claims on graph colouring (E1-E7, L3, R7) are false."""

from collections.abc import Callable

import xarray as xr

FALSIFIERS: dict[str, Callable[[], list[xr.Dataset]]] = {}
"""For each claim the datasets of a plausible world in which its verdict is *not reproduced*."""

NOT_YET = {
    "E1.same_relaxation",
    "E1.same_energy",
    "E2.drift_temperature",
    "E3.same_correlations",
    "E3.wrong_temperature_shows",
    "E4.same_first_passage",
    "E4.same_optimum",
    "E5.balance_broken",
    "E5.metropolis_balanced",
    "E5.asymmetry",
    "E5.averaged_balance",
    "E5.first_ratio",
    "E5.closed_form",
    "E5.entropy_production",
    "E6.connectivity",
    "E6.threshold",
    "E6.predicted_side",
    "E6.same_recovery",
    "E7.shared_edge_shift",
    "E7.exact_size_does_not_matter",
    "E7.labels_do_not_matter",
    "E7.scheme_changes_temperature",
    "E7.order_changes_temperature",
    "E7.order_alone_changes_energy",
    "E7.phase_changes_temperature",
    "E7.planted_temperature",
    "R7.replication_lowers_threshold",
    "R7.coupling_lowers_threshold",
    "L3.same_final_energy",
    "L3.same_recovery",
}
"""Claims whose falsifier is not written yet."""
