"""The studies of the mean-field theory, a folder each, and what their experiments and claims share."""
