"""How well five classes of jets are told apart, from their logits (n, 5) and classes (n,)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from qmodels.classification import auc
from qmodels.jets.samples.columns import CLASSES
from qmodels.types import Floats, Floats64

Classes = npt.NDArray[np.int64]
EFFICIENCY = 0.8


def probabilities(logits: Floats) -> Floats64:
    """Softmax.

    >>> probabilities(np.array([[0.0, 0.0, 0.0, 0.0, 0.0]])).tolist()
    [[0.2, 0.2, 0.2, 0.2, 0.2]]
    """
    shifted = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    out: Floats64 = shifted / shifted.sum(axis=1, keepdims=True)
    return out


def cross_entropy(logits: Floats, classes: Classes) -> float:
    """Mean, in nats."""
    right = probabilities(logits)[np.arange(len(classes)), classes]
    return float(-np.log(np.maximum(right, np.finfo(np.float64).tiny)).mean())


def accuracy(logits: Floats, classes: Classes) -> float:
    """Part of the jets whose largest logit is that of their class; of equal ones the first counts, as on chip.

    >>> accuracy(np.array([[1.0, 0, 0, 0, 0], [0, 0, 2.0, 2.0, 0]]), np.array([0, 3]))
    0.5
    """
    return float((logits.argmax(axis=1) == classes).mean())


def macro_auc(logits: Floats, classes: Classes) -> float:
    """Mean over the classes that there are of the AUC of each against all others, by its probability."""
    scores = probabilities(logits)
    there = [index for index in range(len(CLASSES)) if 0 < (classes == index).sum() < len(classes)]
    found = [auc(scores[classes == index, index], scores[classes != index, index]) for index in there]
    return float(np.mean(found)) if found else float("nan")


def rejection(logits: Floats, classes: Classes, index: int) -> float | None:
    """Inverse of the part of all other jets that is left where 80 % of the class ``index`` are; None without both.

    Where none is left it is that of half a jet.
    """
    scores = probabilities(logits)[:, index]
    signal, background = np.sort(scores[classes == index])[::-1], scores[classes != index]
    if not len(signal) or not len(background):
        return None
    cut = signal[int(np.ceil(EFFICIENCY * len(signal))) - 1]
    return len(background) / max(float((background >= cut).sum()), 0.5)


def roc(logits: Floats, classes: Classes, index: int) -> tuple[Floats64, Floats64]:
    """Efficiencies of the class ``index`` and of all others, at every cut on its probability."""
    scores = probabilities(logits)[:, index]
    order = np.argsort(-scores, kind="stable")
    mine = classes[order] == index
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)  # equal scores pass together
    passed = np.cumsum(mine)[ends]
    return passed / max(mine.sum(), 1), (ends + 1 - passed) / max((~mine).sum(), 1)
