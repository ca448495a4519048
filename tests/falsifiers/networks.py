"""Worlds in which the claims on binary networks (R2-R6) are false."""

from collections.abc import Callable

import xarray as xr

FALSIFIERS: dict[str, Callable[[], list[xr.Dataset]]] = {}
"""For each claim the datasets of a plausible world in which its verdict is *not reproduced*."""

NOT_YET = {
    "R2.sa_faster_than_power",
    "R2.sa_exponential",
    "R2.rsa_polynomial",
    "R2.rsa_exponent",
    "R2.replicas_need_fewer_proposals",
    "R2.replicas_need_fewer_moves",
    "R3.solves_where_sgd_fails",
    "R3.fewer_errors_beyond",
    "R3.errors_as_measured",
    "R4.reinforcement_solves",
    "R4.slow_reinforcement_goes_further",
    "R4.reinforcement_fails",
    "R4.focusing_goes_further",
    "R4.symmetry_breaks",
    "R5.typical_isolated",
    "R5.dense_regions",
    "R5.focusing_between",
    "R5.focusing_is_dense",
    "R6.replication_helps_annealing",
    "R6.replication_helps_sgd",
    "R6.sgd_is_denser_than_annealing",
    "R6.messages_as_dense_as_replicas",
    "R6.ordering",
    "R6.annealing_is_typical",
    "R6.messages_nearly_densest",
}
"""Claims whose falsifier is not written yet."""
