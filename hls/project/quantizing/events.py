"""Events and labels for a network that has no types yet."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from hls.errors import EventError
from hls.importing.importer import input_shape
from hls.importing.spec import ModelSpec
from hls.verification.event_files import event_arrays


def read_ports(path: Path, model: ModelSpec) -> tuple[npt.NDArray[np.float32], ...]:
    """The values of every input, one array (events, *shape) each.

    Raises:
        EventError: the file is missing or damaged, or its arrays do not fit the network.
    """
    names = tuple(ref.layer for ref in model.inputs)
    found = event_arrays(path, names)
    arrays = [found[name] for name in names] if isinstance(found, dict) else [found]
    if len(arrays) != len(names):
        raise EventError(f"{path}: one array, and the network has {len(names)} inputs; name them {list(names)}")
    for name, array in zip(names, arrays, strict=True):
        shape = input_shape(model.layers[name])
        if array.shape[1:] != shape or not len(array):
            raise EventError(f"{path}: input {name!r} has the shape {array.shape}; it wants (events, {shape})")
        if not np.isfinite(array).all():
            raise EventError(f"{path}: input {name!r} holds NaN or infinite values; clean the events")
    return tuple(np.asarray(array, np.float32) for array in arrays)


def read_labels(path: Path, events: int) -> npt.NDArray[np.int64]:
    """The class of every event: integers, or one column a class.

    Raises:
        EventError: the file is missing or damaged, or labels are not one an event.
    """
    found = event_arrays(path, ("labels",))
    array = found["labels"] if isinstance(found, dict) else found
    if array.ndim == 2 and array.shape[1] > 1:
        array = array.argmax(axis=1)
    labels = np.asarray(array).reshape(-1)
    if len(labels) != events:
        raise EventError(f"{path}: {len(labels)} labels for {events} events")
    return labels.astype(np.int64)
