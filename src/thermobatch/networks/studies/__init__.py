"""The studies of binary networks, a folder each, and the patterns their experiments share."""
