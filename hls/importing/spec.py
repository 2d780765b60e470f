"""A Keras model as plain data: what the file says, nothing executed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class TensorRef:
    """Output ``tensor`` of the ``node``-th call of a layer."""

    layer: str
    node: int
    tensor: int


@dataclass(frozen=True, eq=False)
class LayerSpec:
    """One layer: its class and configuration, its weights in Keras's order, and the inputs of each call."""

    name: str
    class_name: str
    config: Mapping[str, Any]
    calls: tuple[tuple[TensorRef, ...], ...]
    weights: tuple[npt.NDArray[np.float32], ...]


@dataclass(frozen=True, eq=False)
class ModelSpec:
    """Layers in the file's order; inputs and outputs in the model's order."""

    name: str
    layers: Mapping[str, LayerSpec]
    inputs: tuple[TensorRef, ...]
    outputs: tuple[TensorRef, ...]
