"""The events of one class in three parts: those that train, those that choose an epoch, and those that are tested."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from qmodels.errors import ModelDataError

TRAINING_FRACTION, VALIDATION_FRACTION = 0.6, 0.3
"""As published; the rest is the test sample, on which the AUC is measured."""
FEWEST = 10
_STREAM = 71


@dataclass(frozen=True, eq=False)
class Parts:
    """The training, validation and test events of one class, arrays (n, ...)."""

    training: npt.NDArray[Any]
    validation: npt.NDArray[Any]
    test: npt.NDArray[Any]


def parts_of(events: npt.NDArray[Any], seed: int) -> Parts:
    """60, 30 and 10 % of events (n, ...), the same ones for the same n and seed.

    Raises ModelDataError where they are too few to be split.
    """
    count = len(events)
    if count < FEWEST:
        raise ModelDataError(f"a class of {count} events: a classifier needs {FEWEST} of each class at least")
    order = np.random.default_rng([seed, _STREAM]).permutation(count)
    ends = [round(TRAINING_FRACTION * count), round((TRAINING_FRACTION + VALIDATION_FRACTION) * count)]
    return Parts(*(events[chosen] for chosen in np.split(order, ends)))


def unseen(sides: Sequence[npt.NDArray[Any]], seed: int) -> list[npt.NDArray[Any]]:
    """Those events of each class on which a classifier trained with this seed is tested."""
    return [parts_of(side, seed + label).test for label, side in enumerate(sides)]
