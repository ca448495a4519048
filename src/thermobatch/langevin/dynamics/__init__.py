"""What moves a position in a landscape: gradient descent, SGD and Langevin dynamics."""
