"""Float networks called as firmware is: by ports, any number of events."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from qmodels.errors import ModelDataError
from qmodels.types import Firmware, Floats32, Floats64

if TYPE_CHECKING:
    import keras

_AT_ONCE = 8192


def read_network(path: Path) -> Firmware:
    """The Keras or QKeras model at ``path``; ModelDataError if there is none."""
    if not path.exists():
        raise ModelDataError(f"{path}: missing; `qtrigger train simulation` writes it")
    import keras
    from qkeras.utils import _add_supported_quantized_objects

    known: dict[str, object] = {}
    _add_supported_quantized_objects(known)
    return as_firmware(keras.models.load_model(path, custom_objects=known, compile=False))


def as_firmware(network: keras.Model) -> Firmware:
    """A Keras network of several ports, a block of events at a time."""

    def run(inputs: dict[str, Floats32]) -> Floats64:
        ports = list(inputs.values())
        blocks = range(0, len(ports[0]), _AT_ONCE)
        made = [np.asarray(network([port[start : start + _AT_ONCE] for port in ports])) for start in blocks]
        return np.concatenate(made).astype(np.float64)

    return run  # type: ignore[return-value]
