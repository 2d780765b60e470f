"""Boosted trees that tell the two signals apart: what an event holds, found without a network.

Class 0 is B → K S, class 1 the hidden valley, and the test events are those of the networks.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from qmodels.classification import Auc, measured_auc
from qmodels.compression.classifiers.parts import parts_of
from qmodels.types import Floats

ROUNDS, RATE, LEAVES, LEAF_EVENTS = 1000, 0.05, 31, 30
HELD_BACK, PATIENCE = 0.1, 20
"""Part of the training events that says when to stop, and rounds without gain on them after which it does."""


def train_trees(sides: Sequence[Floats], seed: int) -> Auc:
    """AUC of trees on features (n, k) of class 0 and class 1, of the tenth of the events that they have not seen.

    What chooses the epoch of a network serves the training here.

    Raises ModelDataError where a class has too few events to be split.
    """
    parts = [parts_of(side, seed + label) for label, side in enumerate(sides)]
    seen = [np.concatenate([part.training, part.validation]) for part in parts]
    labels = np.repeat([0, 1], [len(side) for side in seen])
    trees = HistGradientBoostingClassifier(
        max_iter=ROUNDS,
        learning_rate=RATE,
        max_leaf_nodes=LEAVES,
        min_samples_leaf=LEAF_EVENTS,
        early_stopping=True,
        validation_fraction=HELD_BACK,
        n_iter_no_change=PATIENCE,
        random_state=seed,
    )
    # Threads that wait for each other take ten times as long where a machine has other work as well.
    with threadpool_limits(limits=1, user_api="openmp"):
        trees.fit(np.concatenate(seen), labels)
        false, true = (trees.decision_function(part.test) for part in parts)
    return measured_auc(true, false)
