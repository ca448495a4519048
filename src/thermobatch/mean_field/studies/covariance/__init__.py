"""D7: and with correlated inputs? The experiment is D1's (`learning`), the claims are here."""
