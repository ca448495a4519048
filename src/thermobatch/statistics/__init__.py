"""Intervals, equivalence, censored times, model comparison: thin layers on scipy, and what it does not have."""
