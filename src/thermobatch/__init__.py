"""How far mini-batch size is a temperature: SGD and statistical physics, from seeds to figures.

The names below load on first use, so importing the package is quick.
"""

import importlib
import sys
import types

__version__ = "0.1.0"

_HOMES = {
    "planted_coloring": "coloring.graph",
    "random_coloring": "coloring.graph",
    "ColoringGraph": "coloring.graph",
    "metropolis": "coloring.dynamics.metropolis",
    "sgd_like": "coloring.dynamics.minibatch",
    "anneal_coloring": "coloring.dynamics.annealing",
    "effective_temperature": "coloring.theory.effective_temperature",
    "optimal_batch_fraction": "coloring.theory.optimal_batch",
    "dmft": "mean_field.theory.dmft",
    "glm_sgd": "mean_field.dynamics.sgd",
    "Loss": "mean_field.losses",
    "custom_loss": "mean_field.losses",
    "Spectrum": "mean_field.spectra",
    "two_level_spectrum": "mean_field.spectra",
    "power_law_spectrum": "mean_field.spectra",
    "teacher_student": "mean_field.samples",
    "gaussian_mixture": "mean_field.samples",
    "own_samples": "mean_field.samples",
    "fdt_curve": "mean_field.theory.effective_noise",
    "integral_temperature": "mean_field.theory.effective_noise",
    "replica_temperature": "mean_field.theory.effective_noise",
    "gap_statistics": "mean_field.theory.effective_noise",
    "square_loss_dynamics": "mean_field.theory.square_loss",
    "square_loss_stationary": "mean_field.theory.square_loss",
    "largest_stable_step": "mean_field.theory.square_loss",
    "marchenko_pastur": "mean_field.theory.marchenko_pastur",
    "langevin": "langevin.dynamics.langevin",
    "stochastic_gradient_descent": "langevin.dynamics.langevin",
    "gradient_descent": "langevin.dynamics.langevin",
    "double_well": "langevin.landscapes",
    "rugged": "langevin.landscapes",
    "quadratic": "langevin.landscapes",
    "regression": "langevin.landscapes",
    "landscape": "langevin.own_landscape",
    "focusing_bp": "networks.dynamics.belief_propagation",
    "local_entropy": "networks.dynamics.belief_propagation",
    "sgd_covariance": "langevin.theory.sgd_stationary",
    "boltzmann_law": "langevin.theory.boltzmann",
    "perceptron": "networks.perceptron",
    "committee": "networks.committee",
    "simulated_annealing": "networks.dynamics.annealing",
    "replicated_sgd": "networks.dynamics.committee_sgd",
    "experiment": "pipeline.interactive",
    "check_parameters": "pipeline.notebook.parameters",
}
__all__ = ["__version__", *_HOMES]


def __getattr__(name: str):
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it offers {', '.join(__all__)}")


def __dir__() -> list[str]:
    return sorted(__all__)


class _FrontDoor(types.ModuleType):
    """`langevin` is a public function and the name of a wing: importing the wing must not hide the function."""

    def __setattr__(self, name: str, value) -> None:
        if not (name in _HOMES and isinstance(value, types.ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _FrontDoor
