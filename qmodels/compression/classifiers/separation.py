"""How well a trained classifier tells the two signals apart once they are compressed and restored; no TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qmodels.classification import auc
from qmodels.compression.classifiers.inputs import scaled
from qmodels.compression.inputs import column
from qmodels.compression.networks import Network
from qmodels.types import Floats


def restored_auc(classifier: Network | None, restored: Sequence[Floats], log10_beta: float) -> float | None:
    """AUC between the restored events (n, N, 3) of class 0 and of class 1; None without a classifier."""
    if classifier is None:
        return None
    zeros, ones = (classifier(scaled(np.asarray(r, np.float32)), column(log10_beta, len(r)))[0][:, 0] for r in restored)
    return auc(ones, zeros)
