"""What defines a run of SGD on Gaussian data, checked once for the theory and for the simulations.

One step moves the weights by

    w^{t+1} = N [ now * w^t + previous * w^{t-1} - eta X^T (s^t l'(h_e^t, target)) ],   h_e = X e,
    e^t = ahead_now * w^t + ahead_previous * w^{t-1},   w^{-1} = w^0,

which covers plain SGD, the heavy ball (p <- beta p - eta F(w), w <- w + p) and Nesterov's momentum (F evaluated at the
look-ahead point w + beta p), F being the gradient with the ridge. N = 1, or what restores the initial norm after every
step for the spherical constraint.
"""

from dataclasses import asdict, dataclass

from thermobatch.foundation.arguments import checked_choice, checked_integer, checked_real
from thermobatch.mean_field.sample_batches import BatchChain, batch_chain

DATA = ("teacher", "mixture")
CONSTRAINTS = ("none", "spherical")


@dataclass(frozen=True)
class SGDSettings:
    """Parameters of SGD.

    Parameters
    ----------
    learning_rate : float
        eta, the step; positive. The gradient is a sum over samples with inputs of variance 1/d.
    steps : int
        Number of steps T; recorded times are 0 (before any step) to T.
    ridge : float
        lambda >= 0, coefficient of |w|^2 / 2.
    batch_fraction : float
        b in (0, 1].
    persistence : float, optional
        tau, in units of time (steps x eta), of persistent batches; None means independent batches.
    momentum : float
        beta in [0, 1): heavy ball, or Nesterov's momentum with `nesterov`.
    nesterov : bool
        Evaluate the gradient at the look-ahead point.
    constraint : {"none", "spherical"}
        "spherical" restores the initial norm of the weights after every step.
    replicas : {1, 2}
        2 runs two copies with the same data and start and independent batches.
    m0, q0 : float
        Start: w^0 = m0 w* + r0 with r0 orthogonal to w* and |r0|^2 = q0 d.

    Raises
    ------
    ValueError
        If an argument is out of range.
    """

    learning_rate: float
    steps: int
    ridge: float = 0.0
    batch_fraction: float = 1.0
    persistence: float | None = None
    momentum: float = 0.0
    nesterov: bool = False
    constraint: str = "none"
    replicas: int = 1
    m0: float = 0.0
    q0: float = 1.0

    def __post_init__(self):
        checked_real("learning_rate", self.learning_rate, 0.0, open_low=True)
        checked_integer("steps", self.steps, 1)
        checked_real("ridge", self.ridge, 0.0)
        checked_real("momentum", self.momentum, 0.0, 1.0, open_high=True)
        checked_real("m0", self.m0)
        checked_real("q0", self.q0, 0.0)
        checked_integer("replicas", self.replicas, 1, 2)
        checked_choice("constraint", self.constraint, CONSTRAINTS)
        if self.nesterov and self.momentum == 0.0:
            raise ValueError("nesterov = True: needs momentum above 0")
        if self.spherical and self.momentum > 0.0:
            raise ValueError(f"momentum = {self.momentum!r}: must be 0 with constraint = 'spherical'")
        if self.spherical and self.m0 == 0.0 and self.q0 == 0.0:
            raise ValueError(f"q0 = {self.q0!r}: must be positive with constraint = 'spherical' and m0 = 0")
        _ = self.batches  # raises on a bad batch

    @property
    def spherical(self) -> bool:
        """True if the norm is restored after every step."""
        return self.constraint == "spherical"

    @property
    def batches(self) -> BatchChain:
        """The chain of the batches."""
        return batch_chain(self.batch_fraction, self.learning_rate, self.persistence)

    @property
    def lookahead(self) -> tuple[float, float]:
        """Coefficients of w^t and w^{t-1} in the point where the gradient is taken."""
        return (1.0 + self.momentum, -self.momentum) if self.nesterov else (1.0, 0.0)

    @property
    def propagator(self) -> tuple[float, float]:
        """Coefficients of w^t and w^{t-1} in w^{t+1}, the ridge included."""
        ahead, behind = self.lookahead
        decay = self.learning_rate * self.ridge
        return 1.0 + self.momentum - decay * ahead, -self.momentum - decay * behind

    def described(self) -> dict:
        """Return the parameters as a dict of plain values."""
        return asdict(self)
