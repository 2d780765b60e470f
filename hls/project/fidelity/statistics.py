"""How well scores tell classes apart."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]
Integers = npt.NDArray[np.integer]


def chosen(scores: Floats, threshold: float = 0.0) -> Integers:
    """The class of the largest score (events, classes); of a single score 1 above ``threshold``, 0 below."""
    if scores.shape[1] > 1:
        return np.asarray(scores.argmax(axis=1))
    return (scores[:, 0] > threshold).astype(np.int64)


def accuracy(scores: Floats, labels: Integers, threshold: float = 0.0) -> float:
    """Fraction of events whose class is chosen; a single score counts as a logit."""
    return float(np.mean(chosen(scores, threshold) == labels))


def probabilities(scores: Floats) -> npt.NDArray[np.float64]:
    """Softmax of logits (events, classes)."""
    logits = scores.astype(np.float64) - scores.max(axis=1, keepdims=True)
    return np.asarray(np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True))


def mean_auc(scores: Floats, labels: Integers) -> float:
    """AUC of each class against the others, by its probability, averaged over the classes that there are."""
    if scores.shape[1] == 1:
        return auc(scores[:, 0], labels == 1)
    against = probabilities(scores)
    return float(np.mean([auc(against[:, label], labels == label) for label in np.unique(labels)]))


def auc(scores: Floats, signal: npt.NDArray[np.bool_]) -> float:
    """Probability that a signal event scores higher than a background event; ties count half.

    >>> auc(np.array([0.1, 0.4, 0.4, 0.9]), np.array([False, False, True, True]))
    0.875
    """
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    positive, negative = int(signal.sum()), int((~signal).sum())
    if not positive or not negative:
        return 0.5
    return float((ranks[signal].sum() - positive * (positive + 1) / 2) / (positive * negative))


def efficiencies(scores: Floats, signal: npt.NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """The ROC curve, as (of the background, of the signal): one point a score, and both ends.

    >>> [side.tolist() for side in efficiencies(np.array([0.1, 0.4, 0.4, 0.9]), np.array([False, False, True, True]))]
    [[0.0, 0.0, 0.5, 1.0], [0.0, 0.5, 1.0, 1.0]]
    """
    found, inverse = np.unique(-scores, return_inverse=True)
    passing = [
        np.cumsum(np.bincount(inverse[side], minlength=len(found))) / max(int(side.sum()), 1)
        for side in (~signal, signal)
    ]
    background, kept = (np.concatenate([[0.0], side]) for side in passing)
    return background, kept
