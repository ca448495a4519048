"""Mini-batch size is a temperature: SGD and statistical physics, from seeds to figures.

The names below load on first use, so importing the package is quick.
"""

import importlib

__version__ = "0.1.0"

_HOMES = {
    "planted_coloring": "systems.coloring",
    "random_coloring": "systems.coloring",
    "ColoringGraph": "systems.coloring",
    "metropolis": "dynamics.metropolis",
    "sgd_like": "dynamics.minibatch",
    "effective_temperature": "theory.effective_temperature",
    "optimal_batch_fraction": "theory.optimal_batch",
    "dmft": "theory.dmft",
    "glm_sgd": "dynamics.sgd",
    "Loss": "losses",
    "custom_loss": "losses",
    "Spectrum": "spectra",
    "two_level_spectrum": "spectra",
    "power_law_spectrum": "spectra",
    "teacher_student": "systems.glm",
    "gaussian_mixture": "systems.glm",
    "own_samples": "systems.glm",
    "fdt_curve": "theory.effective_noise",
    "integral_temperature": "theory.effective_noise",
    "replica_temperature": "theory.effective_noise",
    "gap_statistics": "theory.effective_noise",
    "square_loss_dynamics": "theory.square_loss",
    "square_loss_stationary": "theory.square_loss",
    "largest_stable_step": "theory.square_loss",
    "marchenko_pastur": "theory.marchenko_pastur",
    "langevin": "dynamics.langevin",
    "stochastic_gradient_descent": "dynamics.langevin",
    "gradient_descent": "dynamics.langevin",
    "double_well": "systems.landscapes",
    "rugged": "systems.landscapes",
    "quadratic": "systems.landscapes",
    "regression": "systems.landscapes",
    "landscape": "systems.own_landscape",
    "focusing_bp": "dynamics.belief_propagation",
    "local_entropy": "dynamics.belief_propagation",
    "sgd_covariance": "theory.sgd_stationary",
    "boltzmann_law": "theory.boltzmann",
    "perceptron": "systems.perceptron",
    "committee": "systems.committee",
    "simulated_annealing": "dynamics.annealing",
    "replicated_sgd": "dynamics.committee_sgd",
    "experiment": "pipeline.interactive",
    "check_parameters": "pipeline.notebook_parameters",
}
__all__ = ["__version__", *_HOMES]


def __getattr__(name: str):
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it offers {', '.join(__all__)}")


def __dir__() -> list[str]:
    return sorted(__all__)
