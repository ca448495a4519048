"""SGD as a Langevin process in a loss landscape.

Papers: Yaida, arXiv:1810.00004 (stationary relations); Geman & Geman, IEEE TPAMI 6, 721 (1984) (annealing).
Model: landscapes of a continuous position whose mini-batches make the noise (`landscapes`), or one of the user's own
(`own_landscape`); their forms of energy for kernels (`potentials`).
Dynamics (`dynamics/`): gradient descent, mini-batch SGD and overdamped Langevin dynamics, with schedules.
Theory (`theory/`): the exact stationary covariance of SGD on a quadratic loss, and Boltzmann's law by quadrature. It
takes arrays and functions and imports nothing of the systems.
Studies (`studies/`): L1 stationary_law, L2 annealing. (L3, annealing a colouring, is in the wing `coloring`.)
"""
