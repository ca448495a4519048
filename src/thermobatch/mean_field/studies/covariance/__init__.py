"""D7: and with correlated inputs? Experiment and claims are D1's (`learning`)."""
