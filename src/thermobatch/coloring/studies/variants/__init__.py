"""E7: what depends on the batch scheme, the vertex order, the labels and the phase?"""
