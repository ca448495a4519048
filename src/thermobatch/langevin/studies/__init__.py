"""The studies of SGD as a Langevin process, a folder each."""
