"""Distortion of reconstructed collisions without TensorFlow: the sharp Sinkhorn loss in numpy, and exact transport.

The Sinkhorn loss is that of :mod:`qmodels.compression.transport.sinkhorn` in float64 and without its gradients.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from qmodels.types import Floats64

FIRST_EPSILON, LAST_EPSILON = 1.0, 0.01
STAGES, ITERATIONS = 10, 10
"""The published budget: ten values of ε in geometric series, in units of R², and ten updates at each."""

_BLOCK_ELEMENTS = 1 << 16
_TINY = 1e-37


def sinkhorn(true: npt.ArrayLike, reconstructed: npt.ArrayLike) -> Floats64:
    """S = Σ P·ΔR² (n,) in R² between clouds (n, N, 3) and (n, M, 3) of (pT fraction, η, φ)."""
    a, b = np.asarray(true, np.float64), np.asarray(reconstructed, np.float64)
    block = max(1, _BLOCK_ELEMENTS // (a.shape[1] * b.shape[1]))
    parts = [_sinkhorn(a[start : start + block], b[start : start + block]) for start in range(0, len(a), block)]
    return np.concatenate(parts) if parts else np.empty(0)


def ground_cost(true: Floats64, reconstructed: Floats64) -> Floats64:
    """ΔR² (n, N, M) between the particles of two clouds, Δφ wrapped into [-π, π]."""
    difference = reconstructed[:, None, :, 1:] - true[:, :, None, 1:]
    phi = difference[..., 1] - 2.0 * np.pi * np.round(difference[..., 1] / (2.0 * np.pi))
    return difference[..., 0] ** 2 + phi**2


def _sinkhorn(true: Floats64, reconstructed: Floats64) -> Floats64:
    a, b = true[..., 0], reconstructed[..., 0]
    cost = ground_cost(true, reconstructed)
    f, g = _first_update(a, b, cost)
    for stage, epsilon in enumerate(np.geomspace(FIRST_EPSILON, LAST_EPSILON, STAGES)):
        kernel = np.exp((f[:, :, None] + g[:, None, :] - cost) / epsilon)
        u, v = np.ones_like(a), np.ones_like(b)
        for _ in range(ITERATIONS - (stage == 0)):  # the first update is done
            v = b / np.maximum(np.einsum("eij,ei->ej", kernel, u), _TINY)
            u = a / np.maximum(np.einsum("eij,ej->ei", kernel, v), _TINY)
        f += epsilon * np.log(np.maximum(u, _TINY))
        g += epsilon * np.log(np.maximum(v, _TINY))
    plan = np.exp((f[:, :, None] + g[:, None, :] - cost) / LAST_EPSILON)
    return np.einsum("eij,eij->e", plan, cost)


def _first_update(a: Floats64, b: Floats64, cost: Floats64) -> tuple[Floats64, Floats64]:
    """Potentials (n, N) and (n, M) after one update in the log domain: then no row of the kernel underflows."""
    epsilon = FIRST_EPSILON
    g = epsilon * np.log(np.maximum(b, _TINY)) - epsilon * _logsumexp(-cost / epsilon, axis=1)
    f = epsilon * np.log(np.maximum(a, _TINY)) - epsilon * _logsumexp((g[:, None, :] - cost) / epsilon, axis=2)
    return f, g


def _logsumexp(x: Floats64, axis: int) -> Floats64:
    top = x.max(axis=axis, keepdims=True)
    return np.log(np.exp(x - top).sum(axis=axis)) + top.squeeze(axis)


def exact(true: npt.ArrayLike, reconstructed: npt.ArrayLike) -> Floats64:
    """Exact squared 2-Wasserstein distance (n,) in R² between clouds as those of :func:`sinkhorn`: a linear program.

    Half of the momentum moves by 0.1 in η, the other half by 0.2 in φ:

    >>> before, after = [[[0.5, 0.0, 0.0], [0.5, 1.0, 1.0]]], [[[0.5, 0.1, 0.0], [0.5, 1.0, 1.2]]]
    >>> exact(before, after).round(6).tolist()
    [0.025]

    Milliseconds an event of 16 particles: meant for a few hundred.
    """
    a, b = np.asarray(true, np.float64), np.asarray(reconstructed, np.float64)
    return np.array([_transport(p[p[:, 0] > 0.0], q[q[:, 0] > 0.0]) for p, q in zip(a, b, strict=True)])


def _transport(true: Floats64, reconstructed: Floats64) -> float:
    from scipy.optimize import linprog
    from scipy.sparse import eye_array, kron, vstack

    n, m = len(true), len(reconstructed)
    cost = ground_cost(true[None], reconstructed[None])[0]
    rows, columns = kron(eye_array(n), np.ones((1, m))), kron(np.ones((1, n)), eye_array(m))
    # Sums of float32 fractions miss 1 by their last bits, which a solver takes for infeasible; and one constraint
    # follows from the others.
    masses = np.concatenate([true[:, 0] / true[:, 0].sum(), reconstructed[:, 0] / reconstructed[:, 0].sum()])
    found = linprog(cost.ravel(), A_eq=vstack([rows, columns], format="csr")[:-1], b_eq=masses[:-1], method="highs-ds")
    return float(found.fun)
