"""What moves the weights at finite dimension: SGD."""
