"""How the sharp Sinkhorn loss changes with the reconstruction's masses: implicit differentiation, without a matrix.

With P = exp((f + g - M)/ε) and S = Σ P·M, differentiating the two marginals of P shows that dS/db is the second
potential of the P-weighted least-squares fit M ≈ φ_i + γ_j (the linear system of Luise et al., arXiv:1805.11897, in
other words). f and g are already close to φ and γ, so only the fit of the rest, M - f - g = -ε log P, is solved, by
conjugate gradients: directions that the plan leaves nearly undetermined then stay at the dual potential instead of
being lost to rounding.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

Tensor = Any
TINY = 1e-30


def mass_gradient(plan: Tensor, cost: Tensor, f: Tensor, g: Tensor, steps: int) -> Tensor:
    """dS/db, shape (events, m), of mean zero per event; plan and cost (events, n, m), potentials f and g.

    The marginals are those the plan has, converged or not; `steps` of conjugate gradients are always taken.
    """
    gradient = g + _column_fit(plan, plan * (cost - f[:, :, None] - g[:, None, :]), steps)
    return gradient - tf.reduce_mean(gradient, axis=1, keepdims=True)


def _column_fit(plan: Tensor, weighted: Tensor, steps: int) -> Tensor:
    """γ of the fit φ_i + γ_j to weighted / plan: (C - PᵀR⁻¹P) γ = Σ_i w - PᵀR⁻¹ Σ_j w, R and C the plan's marginals."""
    flat = 10 * plan.dtype.as_numpy_dtype(np.finfo(plan.dtype.as_numpy_dtype).eps)
    rows, columns = tf.reduce_sum(plan, axis=2) + TINY, tf.reduce_sum(plan, axis=1) + TINY

    def back(row_values: Tensor) -> Tensor:
        return tf.einsum("bij,bi->bj", plan, row_values / rows)

    def step(k: Tensor, fit: Tensor, rest: Tensor, way: Tensor, size: Tensor) -> tuple[Tensor, ...]:
        image = columns * way - back(tf.einsum("bij,bj->bi", plan, way))
        curvature = tf.reduce_sum(way * image, axis=1, keepdims=True)
        # Relative to the plan's own scale the system has eigenvalues from 0 to 1. A direction of almost none is one
        # that the plan leaves open (masses it does not connect); its right side is rounding, not to be followed.
        open_to = flat * tf.reduce_sum(columns * way * way, axis=1, keepdims=True)
        going = curvature > open_to
        length = tf.where(going, size / tf.where(going, curvature, 1.0), 0.0)
        rest -= length * image
        scaled = rest / columns
        new = tf.reduce_sum(rest * scaled, axis=1, keepdims=True)
        turn = tf.where(going, new / tf.where(going, size, 1.0), 0.0)
        return k + 1, fit + length * way, rest, tf.where(going, scaled + turn * way, way), tf.where(going, new, size)

    rest = tf.reduce_sum(weighted, axis=1) - back(tf.reduce_sum(weighted, axis=2))
    way = rest / columns
    start = (tf.constant(0), tf.zeros_like(rest), rest, way, tf.reduce_sum(rest * way, axis=1, keepdims=True))
    return tf.while_loop(lambda k, *_: k < steps, step, start)[1]
