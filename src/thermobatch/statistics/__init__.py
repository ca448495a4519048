"""Intervals, equivalence, censored times, model comparison (thin layers on scipy, statsmodels and lifelines)."""
