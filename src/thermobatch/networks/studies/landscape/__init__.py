"""R1: what do flat and isolated minima of a small perceptron look like, all states counted?"""
