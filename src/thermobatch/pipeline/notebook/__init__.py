"""Executing the notebooks of figures, and their parameters."""
