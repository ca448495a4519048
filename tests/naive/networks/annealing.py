"""Naive twin of replicated annealing: the same random words, everything else from the definitions (numpy only)."""

import numpy as np

MASK = (1 << 64) - 1


def rotate(word, count):
    return ((word << count) | (word >> (64 - count))) & MASK


class Words:
    """xoshiro256++ on Python integers."""

    def __init__(self, state):
        self.s = [int(word) for word in state]

    def next(self):
        s = self.s
        output = (rotate((s[0] + s[3]) & MASK, 23) + s[0]) & MASK
        shifted = (s[1] << 17) & MASK
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= shifted
        s[3] = rotate(s[3], 45)
        return output


def log_weight(spins, replicas, energy, beta, gamma):
    """Log probability of spins (y, V) with a traced centre, or (y + 1, V) with an explicit one in the last row."""
    total = -beta * sum(energy(spins[r]) for r in range(replicas))
    sums = spins[:replicas].sum(axis=0).astype(float)
    if len(spins) > replicas:
        return total + gamma * float(spins[-1] @ sums)
    return total + np.logaddexp(gamma * sums, -gamma * sums).sum()


def anneal(spins, replicas, energy, betas, gammas, state, target):
    """Run the ramps on a copy of `spins`; return (spins, proposals, accepted, energies after every full sweep)."""
    spins, words = spins.copy(), Words(state)
    count = spins.size
    proposals = accepted = 0
    trace = [[energy(spins[r]) for r in range(replicas)]]
    for beta, gamma in zip(betas, gammas, strict=True):
        made = 0
        while made < count:
            word = words.next()
            product = (word >> 32) * count
            if product % 2**32 < 2**32 % count:
                continue
            made += 1
            place = np.unravel_index(product >> 32, spins.shape)
            flipped = spins.copy()
            flipped[place] *= -1
            ratio = np.exp(
                log_weight(flipped, replicas, energy, beta, gamma)
                - log_weight(spins, replicas, energy, beta, gamma)
            )
            if ratio * 2**32 > word % 2**32:
                spins = flipped
                accepted += 1
                if place[0] < replicas and energy(spins[place[0]]) <= target:
                    return spins, proposals + made, accepted, trace
        proposals += made
        trace.append([energy(spins[r]) for r in range(replicas)])
    return spins, proposals, accepted, trace
