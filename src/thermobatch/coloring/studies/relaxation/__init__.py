"""E1: does the energy of SGD-like dynamics relax like that of Metropolis at T(B)?"""
