"""What moves the weights of binary networks: annealing, SGD and message passing, with replicas."""
