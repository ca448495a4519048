"""SGD-like and Metropolis dynamics of graph colouring.

Papers: Angelini et al., Sci. Rep. 14, 11638 (2024), doi:10.1038/s41598-024-62625-8; its companion arXiv:2206.04760
(Phys. Rev. X 13, 021011).
Model (`graph`, `colorings`): planted and random graphs of mean degree c, q colours; the energy counts monochromatic
edges.
Dynamics (`dynamics/`): a proposed colour is accepted by Metropolis at T, or if it does not raise the energy of a
mini-batch that holds a fraction B of the edges; annealing, also of coupled replicas.
Theory (`theory/`): the temperature T(B) of a mini-batch, equilibrium, the planted state, reconstruction on trees, exact
chains of tiny graphs. It states the problem by plain numbers (q, c, B) and imports nothing of the systems.
Studies (`studies/`): E1 relaxation, E2 temperature, E3 aging, E4 recovery, E5 balance, E6 phases, E7 variants,
L3 annealing, R7 replicas, R8 replicated_batches.
"""
