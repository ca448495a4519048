"""Twins of the mean-field solver and of the simulation, written from the definitions: slow, plain, NumPy only."""

import numpy as np


def square(h, y):
    return 0.5 * (h - y) ** 2, h - y, np.ones_like(h)


def logistic(h, y):
    y = np.where(y >= 0, 1.0, -1.0)
    wrong = 1.0 / (1.0 + np.exp(y * h))
    return np.log(1.0 + np.exp(-y * h)), -y * wrong, wrong * (1.0 - wrong)


def squared_hinge(h, y, margin=1.0):
    y = np.where(y >= 0, 1.0, -1.0)
    lack = np.maximum(margin - y * h, 0.0)
    return 0.5 * lack**2, -y * lack, (lack > 0).astype(float)


def tanh(h, y):
    out, goal = np.tanh(h), np.tanh(y)
    return (
        0.5 * (out - goal) ** 2,
        (out - goal) * (1 - out**2),
        (1 - out**2) ** 2 - 2 * out * (1 - out**2) * (out - goal),
    )


LOSSES = {"square": square, "logistic": logistic, "squared_hinge": squared_hinge, "tanh": tanh}


def sgd(inputs, targets, start, batches, loss, eta, ridge, beta=0.0, nesterov=False, norm2=None):
    """Weights at times 0..T for given s^t (rows of `batches`); momentum in its textbook form, p and then w."""
    w, p = start.copy(), np.zeros_like(start)
    history = [w.copy()]
    for s in batches:
        at = w + beta * p if nesterov else w
        gradient = ridge * at
        for x, y, weight in zip(inputs, targets, s, strict=True):
            gradient = gradient + weight * loss(np.array([x @ at]), np.array([y]))[1][0] * x
        p = beta * p - eta * gradient
        w = w + p
        if norm2 is not None:
            w = w * np.sqrt(norm2 / (w @ w))
        history.append(w.copy())
    return np.array(history)


def dmft(
    teacher,
    start,
    white,
    drawn,
    expected,
    loss,
    alpha,
    eta,
    ridge,
    m0,
    q0,
    mixture,
    sigma,
    fraction,
    **options,
):
    """The mean-field equations, every sum written out; all response functions; one replica.

    teacher, start [K, n] and white [K, T, n]: unit Gaussians of the paths.
    drawn, expected [T, n]: s^t and its mean given the past.
    options: batch_fraction, beta, nesterov, spherical, mutation (a mistake planted on purpose).
    """
    beta, nesterov = options.get("beta", 0.0), options.get("nesterov", False)
    spherical, mutation = options.get("spherical", False), options.get("mutation")
    levels, steps, n = white.shape
    h0 = np.array([np.sqrt(p * v) * z for p, v, z in zip(fraction, sigma, teacher, strict=True)])
    if mixture:
        h0 = h0 + np.array(fraction)[:, None]
    target = np.ones(n) if mixture else h0.sum(axis=0)
    m, m_p = np.full((1, levels), m0), np.zeros(levels)  # overlap and its momentum
    hh = np.array([np.sqrt(p * v * q0) * z for p, v, z in zip(fraction, sigma, start, strict=True)])[None]
    hh_p = np.zeros((levels, n))
    ahead_hh = []  # fields where the gradient was taken, [t][K, n]
    Y, Y_p = [], []  # of each r: the present value [K, n], its momentum
    ahead_Y = []  # of each r: history of the look-ahead values, [K, n] from time r + 1 on
    forces, kernel, losses = [], np.zeros((steps, steps)), []
    C = np.zeros((levels, steps + 1, steps + 1))
    C[:, 0, 0] = np.array(fraction) * (m0**2 + q0)
    Rw = np.zeros((levels, steps + 1, steps + 1))
    Rw[:, 0, 0] = 1.0
    R, R_p, ahead_R = (
        [np.ones(levels)],
        [np.ones(levels)],
        [[]],
    )  # response of the weights, [K] for each impulse
    kick = 1.0 if mutation != "no_self_term" else 0.0
    lag = beta if nesterov else 0.0
    for t in range(steps):
        field = (m[t][:, None] * h0 + hh[t]).sum(axis=0)
        losses.append(loss(field, target)[0].mean())
        at_m, at_hh = m[t] + lag * m_p, hh[t] + lag * hh_p
        ahead_hh.append(at_hh)
        _, slope, curvature = loss((at_m[:, None] * h0 + at_hh).sum(axis=0), target)
        g, mean_g = drawn[t] * slope, expected[t] * slope
        bend, mean_bend = drawn[t] * curvature, expected[t] * curvature
        forces.append(g)
        # noise of the earlier forces and this one
        gram = alpha * np.array([[np.mean(a * b) for b in forces] for a in forces])
        factor = np.linalg.cholesky(gram)[t]
        if mutation == "double_batch":
            factor = factor / np.sqrt(np.mean(drawn**2))
        u = np.array(
            [v * np.sqrt(p) * factor @ w[: t + 1] for v, p, w in zip(sigma, fraction, white, strict=True)]
        )
        # response of the forces
        kernel[t, t] = alpha * np.mean(mean_bend)
        at_Y = []
        for r in range(t):
            at_Y.append(Y[r] + lag * Y_p[r])
            ahead_Y[r].append(at_Y[r])
            kernel[t, r] = alpha * np.mean(mean_bend * at_Y[r].sum(axis=0))
        if mutation == "no_memory":
            kernel[t, :t] = 0.0
        # momentum and move: overlap, fields, response of the fields, response of the weights
        old_m, old_hh = m[t], hh[t]
        force_m = ridge * at_m + alpha * np.array([np.mean(mean_g * h) for h in h0]) / fraction
        m_p = beta * m_p - eta * force_m
        new_m = old_m + m_p
        push = np.zeros((levels, n))
        for k in range(levels):
            push[k] = ridge * at_hh[k] + u[k] + kick * fraction[k] * sigma[k] * g
            for r in range(t + 1):
                push[k] += sigma[k] * kernel[t, r] * ahead_hh[r][k]
        hh_p = beta * hh_p - eta * push
        new_hh = old_hh + hh_p
        Y.append(np.zeros((levels, n)))
        Y_p.append(np.zeros((levels, n)))
        ahead_Y.append([])
        at_Y.append(np.zeros((levels, n)))
        for r in range(t + 1):
            kicked = bend * (at_Y[r].sum(axis=0) + (1.0 if r == t else 0.0))
            for k in range(levels):
                push_Y = ridge * at_Y[r][k] + fraction[k] * sigma[k] * kicked
                for j, value in enumerate(ahead_Y[r]):  # times k = r + 1 + j
                    push_Y = push_Y + sigma[k] * kernel[t, r + 1 + j] * value[k]
                Y_p[r][k] = beta * Y_p[r][k] - eta * push_Y
            Y[r] = Y[r] + Y_p[r]
        for s in range(t + 1):
            ahead_R[s].append(R[s] + lag * R_p[s])
            pull = ridge * ahead_R[s][-1]
            for j, value in enumerate(ahead_R[s]):  # times r = s + j
                pull = pull + np.array(sigma) * kernel[t, s + j] * value
            R_p[s] = beta * R_p[s] - eta * pull
            R[s] = R[s] + R_p[s]
        R.append(np.ones(levels))
        R_p.append(np.ones(levels))  # the impulse enters the momentum as well
        ahead_R.append([])
        # correlations: w^{t+1} = w^t + beta (w^t - w^{t-1}) - eta F, all products known
        for k in range(levels):
            row = C[k, t + 1]
            back = C[k, t - 1] if t else C[k, 0]
            for other in range(t + 2):
                if other <= t:
                    h_other = m[other][k] * h0[k] + hh[other][k]
                    here, before = C[k, t, other], back[other]
                    overlap = np.mean(mean_g * h_other)
                else:  # with itself: E[s^t s^t] = E[s-bar^t] / b in the self term
                    self_term = fraction[k] * sigma[k]
                    overlap = np.mean(mean_g * (new_m[k] * h0[k] + new_hh[k] + eta * self_term * g))
                    overlap -= eta * self_term * np.mean(mean_g * slope) / options["batch_fraction"]
                    here, before = row[t], row[t - 1] if t else row[0]
                at = here + lag * (here - before)
                row[other] = here + beta * (here - before) - eta * (ridge * at + alpha * overlap)
        if spherical:
            scale = np.sqrt((m0**2 + q0) / C[:, t + 1, t + 1].sum())
            new_m, new_hh = scale * new_m, scale * new_hh
            Y = [scale * value for value in Y]
            R = [scale * value for value in R]
            C[:, t + 1, : t + 1] *= scale
            C[:, t + 1, t + 1] *= scale**2
        C[:, : t + 1, t + 1] = C[:, t + 1, : t + 1]
        m, hh = np.concatenate([m, new_m[None]]), np.concatenate([hh, new_hh[None]])
        Rw[:, t + 1, : t + 2] = np.array(R).T
    losses.append(loss((m[-1][:, None] * h0 + hh[-1]).sum(axis=0), target)[0].mean())
    return {
        "magnetization": m,
        "loss": np.array(losses),
        "correlation": C,
        "response": Rw,
        "memory_kernel": kernel,
    }


def square_loss_at_finite_dimension(inputs, teacher, start, steps, eta, ridge):
    """Gradient descent with the square loss, solved in the eigenbasis of X^T X."""
    values, vectors = np.linalg.eigh(inputs.T @ inputs)
    best = values / (values + ridge) * (vectors.T @ teacher)
    first = vectors.T @ start
    return np.array(
        [vectors @ (best + (1 - eta * (values + ridge)) ** t * (first - best)) for t in range(steps + 1)]
    )
