"""What the perceptron's solutions should be: replica theory of entropies and dense regions."""
