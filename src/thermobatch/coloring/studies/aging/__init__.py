"""E3: do the two-time correlations agree out of equilibrium?"""
