"""Naive twin of replicated SGD, from its definition (imports numpy only)."""

import numpy as np


def sign(fields, weights, ties):
    """sign(H): where H is 0 (to 1e-9), -1 or the old weight."""
    return np.where(np.abs(fields) < 1e-9, -1.0 if ties == "minus" else weights, np.sign(fields))


def batch_update(inputs, labels, weights, batch, rate):
    """dH of a batch: a wrong pattern corrects the (1 - o) / 2 wrong units of smallest |h|, J fixed meanwhile."""
    update = np.zeros(weights.shape)
    for pattern in batch:
        fields = weights @ inputs[pattern]
        votes = int(labels[pattern] * np.sign(fields).sum())
        if votes < 0:
            wrong = [k for k in range(len(weights)) if fields[k] * labels[pattern] < 0]
            wrong.sort(key=lambda k: (abs(fields[k]), k))
            for unit in wrong[: (1 - votes) // 2]:
                update[unit] += rate * labels[pattern] * inputs[pattern]
    return update


def pull_and_shrink(formula, coupling, mean, replicas):
    """f(gamma y H_c) and c of a formula."""
    if formula == "simple":
        return np.tanh(coupling * replicas * mean), 1.0
    if formula == "hard":
        return np.clip(coupling * replicas * mean, -1, 1), 1.0
    if formula == "corrected":
        return np.tanh(coupling * replicas * mean), np.tanh(coupling * replicas)
    return mean, 1.0


class Replicas:
    """State of the replicas: accumulators H, weights J, and the centre (mean, or its own accumulators)."""

    def __init__(self, weights, formula, rate, attraction, ties="minus"):
        self.weights = np.array(weights, dtype=float)
        self.fields = self.weights.copy()
        self.mean = self.weights.mean(axis=0)
        self.centre_fields = self.weights[0].copy()
        self.centre_weights = self.weights[0].copy()
        self.formula, self.rate, self.attraction, self.ties = formula, rate, attraction, ties

    def visit(self, inputs, labels, replica, batch, coupling):
        old = self.weights[replica].copy()
        self.fields[replica] += batch_update(inputs, labels, old, batch, self.rate)
        self.weights[replica] = sign(self.fields[replica], old, self.ties)
        if self.formula == "explicit":
            delta = (self.centre_weights - self.weights[replica]) / 2
            self.fields[replica] += self.attraction * delta
            self.centre_fields -= self.attraction * delta
            self.weights[replica] = sign(self.fields[replica], self.weights[replica], self.ties)
            self.centre_weights = sign(self.centre_fields, self.centre_weights, self.ties)
            return
        pull, shrink = pull_and_shrink(self.formula, coupling, self.mean, len(self.weights))
        self.fields[replica] += self.attraction * (pull - shrink * self.weights[replica])
        self.weights[replica] = sign(self.fields[replica], self.weights[replica], self.ties)
        self.mean += (self.weights[replica] - old) / len(self.weights)

    def centre(self):
        """Weights of the centre: its own, or the majority, the first replica deciding a tie."""
        if self.formula == "explicit":
            return self.centre_weights
        return np.where(np.abs(self.mean) < 1e-9, self.weights[0], np.sign(self.mean))


def errors(inputs, labels, weights):
    return int(np.count_nonzero(np.sign(np.sign(inputs @ weights.T).sum(axis=1)) != labels))
