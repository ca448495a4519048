"""What moves a system: compiled kernels and the public functions that run them."""
