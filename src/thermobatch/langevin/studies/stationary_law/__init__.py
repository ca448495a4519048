"""L1: is SGD Boltzmann in the loss? Three experiments: a covariance, a double well, a quadratic loss."""
