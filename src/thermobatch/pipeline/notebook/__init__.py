"""Executing the notebooks of figures."""
