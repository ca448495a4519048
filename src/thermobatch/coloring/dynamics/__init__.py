"""What moves a colouring: Metropolis and SGD-like dynamics, and annealing of coupled replicas."""
