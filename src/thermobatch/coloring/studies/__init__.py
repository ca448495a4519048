"""The studies of graph colouring, a folder each, and what their experiments share."""
