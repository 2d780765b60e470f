"""The class of every event, as numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from hls.errors import EventError
from hls.events.event_file import Array


@dataclass(frozen=True, eq=False)
class Labels:
    """``classes`` (events,) are numbers of the network's scores; ``where`` names what they were read from.

    ``asked``: the user named them, and did not only call them so.
    """

    classes: npt.NDArray[np.int64]
    where: str
    asked: bool = True

    def first(self, events: int) -> Labels:
        """Those of so many events from the start."""
        return replace(self, classes=self.classes[:events])

    def __str__(self) -> str:
        return self.where.rpartition(": ")[2]


def class_numbers(array: Array, where: str) -> npt.NDArray[np.int64]:
    """Whole numbers as they are, a column a class by its place.

    Raises:
        EventError: they are neither.

    >>> class_numbers(np.array([[0, 1], [1, 0]]), "y"), class_numbers(np.array([0.0, 1.0]), "y")
    (array([1, 0]), array([0, 1]))
    """
    if array.dtype.kind in "OSUT":
        raise EventError(
            f"{where} are text; write the number of the network's score that stands for each, from 0 on (of a single "
            "score 1 is signal, 0 background)"
        )
    if array.dtype.kind not in "fiub":
        raise EventError(f"{where} have dtype {array.dtype}; give the number of each event's class")
    if array.ndim == 2 and array.shape[1] > 1:
        if not (np.isin(array, (0, 1)).all() and (array.sum(axis=1) == 1).all()):
            raise EventError(f"{where} are {array.shape[1]} columns that are not one-hot; give the class, its argmax")
        return np.asarray(array.argmax(axis=1), np.int64)
    if array.size != len(array) if array.ndim else True:
        raise EventError(f"{where} have shape {array.shape}; give one class an event, or a column a class")
    flat = array.reshape(-1)
    wrong = flat[~np.isfinite(flat) | (flat != np.round(flat))] if flat.dtype.kind == "f" else flat[:0]
    if len(wrong):
        raise EventError(f"{where} are not classes: {wrong[0]:g} is no whole number; give 0, 1, ... for each event")
    return flat.astype(np.int64)
