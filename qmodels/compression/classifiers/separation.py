"""How well a trained classifier tells the two signals apart once they are compressed and restored; no TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qmodels.classification import auc
from qmodels.compression.classifiers.inputs import scaled
from qmodels.compression.inputs import column
from qmodels.compression.networks import Network
from qmodels.types import Floats, Floats32


def restored_auc(classifier: Network | None, restored: Sequence[Floats], log10_beta: float) -> float | None:
    """AUC between the restored events (n, N, 3) of class 0 and of class 1; None without a classifier."""
    return None if classifier is None else auc(*restored_scores(classifier, restored, log10_beta))


def restored_scores(classifier: Network, restored: Sequence[Floats], log10_beta: float) -> tuple[Floats32, Floats32]:
    """Logits (n,) of class 1 and of class 0, whose restored events come the other way round."""
    zeros, ones = (classifier(scaled(np.asarray(r, np.float32)), column(log10_beta, len(r)))[0][:, 0] for r in restored)
    return ones, zeros
