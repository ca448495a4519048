"""D2: how does the error of the theory's solver fall with the population? Beside D1's learning curves."""
