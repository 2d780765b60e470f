"""How well two classes are told apart, from logits of class 1 and of class 0."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

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
    return float(_below(ones, zeros).mean() / (2.0 * len(zeros)))


@dataclass(frozen=True)
class Auc:
    """An AUC, and its standard deviation over test samples of that size (not over trainings)."""

    value: float
    error: float

    def __str__(self) -> str:
        return f"{self.value:.3f} ± {self.error:.3f}"


def measured_auc(ones: Floats, zeros: Floats) -> Auc:
    """:func:`auc` with its error (DeLong): each event's share of pairs in order scatters, in either class by itself.

    >>> print(measured_auc(np.array([2.0, 3.0, 5.0, 6.0]), np.array([0.0, 1.0, 2.0, 4.0])))
    0.844 ± 0.151
    """
    shares = (_below(these, those) / (2.0 * len(those)) for these, those in ((ones, zeros), (zeros, ones)))
    variance = sum(float(np.var(share, ddof=1)) / len(share) for share in shares if len(share) > 1)
    return Auc(auc(ones, zeros), float(np.sqrt(variance)))


def _below(these: Floats, those: Floats) -> npt.NDArray[np.int64]:
    """For each of ``these``, twice the number of ``those`` below it; a tie counts one half."""
    order = np.sort(those)
    return np.searchsorted(order, these, side="left") + np.searchsorted(order, these, side="right")


def auc_spread(ones: int, zeros: int) -> float:
    """Standard deviation of the AUC of a score that is worth nothing (Mann-Whitney), with so many events a class.

    >>> round(auc_spread(100, 100), 4), round(auc_spread(10_000, 10_000), 4)
    (0.0409, 0.0041)
    """
    return float(np.sqrt((ones + zeros + 1.0) / (12.0 * ones * zeros)))
