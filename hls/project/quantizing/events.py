"""Events and labels for a network that has no types yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hls.errors import EventError
from hls.events import Choice, Labels, parse_features, read_events
from hls.importing.importer import input_shape
from hls.importing.spec import ModelSpec


@dataclass(frozen=True, eq=False)
class PlainEvents:
    """The values of every input, one array (events, *shape) each, and the labels, where they are told."""

    inputs: tuple[npt.NDArray[np.float32], ...]
    labels: Labels | None


def read_ports(path: Path, model: ModelSpec, features: Sequence[str] = (), labels: str | None = None) -> PlainEvents:
    """What a file holds for the inputs of a network.

    Raises:
        EventError: the file is missing or damaged, or its arrays do not fit the network.
    """
    names = tuple(ref.layer for ref in model.inputs)
    ports = {name: input_shape(model.layers[name]) for name in names}
    found = read_events(path, ports, Choice(parse_features(features), labels))
    for name, array in found.inputs.items():
        if not np.isfinite(array).all():
            raise EventError(f"{path}: input {name!r} holds infinite values; clean the events")
    inputs = tuple(np.asarray(found.inputs[name], np.float32) for name in names)
    return PlainEvents(inputs, found.labels if labels is not None else None)
