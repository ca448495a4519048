"""What SGD should give as the dimension grows: mean-field equations, exact solutions, effective noise."""
