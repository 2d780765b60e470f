"""How well two classes are told apart, from logits of class 1 and of class 0."""

from __future__ import annotations

import numpy as np

from qmodels.types import Floats


def binary_cross_entropy(ones: Floats, zeros: Floats) -> float:
    """Mean cross-entropy in nats, both classes weighing the same; ``ones`` and ``zeros`` are their logits (n,).

    >>> round(binary_cross_entropy(np.zeros(3), np.zeros(5)), 6)  # says nothing: ln 2
    0.693147
    """
    true, false = np.logaddexp(0.0, -ones.astype(np.float64)), np.logaddexp(0.0, zeros.astype(np.float64))
    return 0.5 * float(true.mean() + false.mean())


def auc(ones: Floats, zeros: Floats) -> float:
    """Area under the ROC curve from any score (n,) of each class; a tie counts one half.

    >>> auc(np.array([2.0, 3.0]), np.array([1.0, 2.0]))  # of four pairs three are in order and one is a tie
    0.875
    """
    order = np.sort(zeros)
    below = np.searchsorted(order, ones, side="left") + np.searchsorted(order, ones, side="right")
    return float(below.mean() / (2.0 * len(zeros)))


def auc_spread(ones: int, zeros: int) -> float:
    """Standard deviation of the AUC of a score that is worth nothing (Mann-Whitney), with so many events a class.

    >>> round(auc_spread(100, 100), 4), round(auc_spread(10_000, 10_000), 4)
    (0.0409, 0.0041)
    """
    return float(np.sqrt((ones + zeros + 1.0) / (12.0 * ones * zeros)))
