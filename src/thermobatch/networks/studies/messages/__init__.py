"""R4: which loads does focusing belief propagation solve, by which protocol?"""
