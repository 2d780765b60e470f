"""Metrics of logits whose answers are known."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import numpy as np
import pytest

from qmodels.jets.fidelity import Sample, measure
from qmodels.jets.metrics import accuracy, cross_entropy, macro_auc, rejection, roc
from qmodels.jets.variants import Variant


def test_a_network_that_knows_and_one_that_guesses() -> None:
    classes = np.arange(100) % 5
    knowing = 10.0 * np.eye(5)[classes]
    assert accuracy(knowing, classes) == macro_auc(knowing, classes) == 1.0
    assert rejection(knowing, classes, 2) == 160.0  # of 80 none is left, which counts as half a jet
    guessing = np.zeros((100, 5))
    assert (accuracy(guessing, classes), macro_auc(guessing, classes)) == (0.2, 0.5)
    assert cross_entropy(guessing, classes) == pytest.approx(np.log(5.0))
    assert rejection(guessing, classes, 2) == 1.0


def test_rejection_at_80_percent_by_hand() -> None:
    # Scores of class 0, five of its own: the cut lies at the fourth, 2, above which three of six others are.
    own, others = [5.0, 4.0, 3.0, 2.0, 0.0], [6.0, 4.5, 2.5, 1.0, 1.0, 0.5]
    logits = np.zeros((11, 5))
    logits[:, 0] = [*own, *others]
    classes = np.array([0] * 5 + [1] * 6)
    assert rejection(logits, classes, 0) == 2.0
    signal, background = roc(logits, classes, 0)
    assert (0.8, 0.5) in set(zip(signal.round(6).tolist(), background.tolist(), strict=True))
    assert rejection(logits, classes, 4) is None


def test_of_the_index_that_leaves_a_chip_there_is_accuracy_alone(tmp_path: Path) -> None:
    sample = Sample(cast(Variant, None), np.zeros((4, 16), np.float32), np.arange(4))
    found = measure(tmp_path, lambda inputs: np.array([[0.0], [1.0], [2.0], [4.0]]), sample)
    assert found == {"accuracy": {"reference": None, "firmware": 0.75, "unit": "1"}}
