"""L3: is annealing in B the same as annealing in T?"""
