"""One file a group of claims: Dataset in, estimate, interval, margin and verdict out."""
