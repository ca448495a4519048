"""Configuration, seeds, cost plan, provenance, NetCDF files and the command line."""
