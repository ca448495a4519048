"""The robust ensemble of binary networks: annealing, SGD and belief propagation with replicas.

Paper: Baldassi et al., PNAS 113, E7655 (2016), doi:10.1073/pnas.1608103113; Phys. Rev. Lett. 115, 128101 (2015).
Model: the binary perceptron (`perceptron`), also with weights of several bits (`levels`), and the committee machine
(`committee`), which must classify random patterns (`patterns`); the robust ensemble (`replicated`) of these and of any
system of binary variables (`binary`), and of weights of several bits (`level_replicas`).
Dynamics (`dynamics/`): simulated annealing, SGD with hidden accumulators, focusing belief propagation; each alone and
as replicas.
Theory (`theory/`): entropies and capacity of the perceptron, the Franz-Parisi entropy, the robust ensemble. It states
the problem by plain numbers (alpha, y, gamma) and imports nothing of the systems.
Studies (`studies/`): R1 landscape, R2 annealing, R3 training, R4 messages, R5 entropies, R6 neighborhoods,
R9 bits.
"""
