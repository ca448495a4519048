"""One file an experiment: typed parameters, cost and run."""
