"""E5: does SGD-like dynamics obey detailed balance? Measured flows, and entropy production by enumeration."""
