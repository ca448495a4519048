"""One file a figure: Dataset in, matplotlib Figure out."""
