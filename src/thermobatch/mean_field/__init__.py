"""Mean-field theory of SGD on Gaussian data, and the temperatures of its noise.

Papers: Gerbelot et al., arXiv:2210.06591; Mignacco & Urbani, arXiv:2112.10852; Mignacco et al., arXiv:2006.06098.
Model: a generalised linear model with a loss (`losses`) on Gaussian samples (`samples`) whose covariance has a
spectrum (`spectra`).
Dynamics (`dynamics/`): SGD at finite dimension, with batches (`sample_batches`) that may persist, and momentum.
Theory (`theory/`): the dynamical mean-field equations, the exact dynamics of the square loss, effective temperatures.
Theory and simulation run the same problem, stated once for both: `losses`, `spectra`, `settings`, `sample_batches`, and
`observables`, the layout of both their Datasets, are what the theory imports of the systems, and all.
Studies (`studies/`): D1 learning, D2 accuracy, D3 response, D4 temperature, D5 replicas, D6 boundary, D7 covariance.
"""
