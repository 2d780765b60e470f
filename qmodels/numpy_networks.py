"""Float networks read from Keras's files and evaluated in numpy if they are dense: no TensorFlow, nothing executed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hls.errors import FirmwareError
from hls.importing.model_file import read_model
from hls.importing.spec import LayerSpec, ModelSpec
from qmodels.errors import ModelDataError
from qmodels.types import Floats32

BLOCK_EVENTS = 4096


@dataclass(frozen=True)
class DenseLayer:
    """One layer: ``kernel`` (inputs, units), ``bias`` (units,), ReLU or linear."""

    kernel: Floats32
    bias: Floats32
    relu: bool


@dataclass(frozen=True)
class DenseNetwork:
    """A chain of dense layers."""

    layers: tuple[DenseLayer, ...]

    def __call__(self, x: npt.ArrayLike) -> Floats32:
        """(n, inputs) -> (n, units of the last layer), float32, in blocks that stay in the cache."""
        values = np.asarray(x, np.float32)
        out = np.empty((len(values), self.layers[-1].bias.shape[0]), np.float32)
        for start in range(0, len(values), BLOCK_EVENTS):
            block = values[start : start + BLOCK_EVENTS]
            for layer in self.layers:
                block = block @ layer.kernel + layer.bias
                if layer.relu:
                    np.maximum(block, 0.0, out=block)
            out[start : start + BLOCK_EVENTS] = block
        return out


def read_float_model(path: Path) -> ModelSpec:
    """What a Keras file says of a float network. Raises ModelDataError if it is missing or no Keras model."""
    if not path.is_file():
        raise ModelDataError(f"{path}: no such model file; train it, or correct the path")
    try:
        return read_model(path)
    except FirmwareError as error:
        raise ModelDataError(f"{path}: not a Keras model in HDF5 that is read here ({error})") from error


def read_dense_network(path: Path, inputs: int) -> DenseNetwork:
    """Read a float network of Dense layers with ``inputs`` inputs, saved by Keras.

    Raises ModelDataError if the file is missing or no Keras model, or its layers are others.
    """
    layers = [_dense(path, layer) for layer in read_float_model(path).layers.values() if _is_dense(path, layer)]
    if not layers:
        raise ModelDataError(f"{path}: the network has no Dense layer")
    found = layers[0].kernel.shape[0]
    if found != inputs:
        raise ModelDataError(f"{path}: the network takes {found} inputs, {inputs} are needed: of another variant?")
    return DenseNetwork(tuple(layers))


def _is_dense(path: Path, layer: LayerSpec) -> bool:
    if layer.class_name not in ("Dense", "InputLayer"):
        raise ModelDataError(
            f"{path}: layer {layer.name!r} is {layer.class_name}; a float reference is made of Dense layers only"
        )
    return layer.class_name == "Dense"


def _dense(path: Path, layer: LayerSpec) -> DenseLayer:
    activation = layer.config.get("activation")
    if activation not in ("relu", "linear"):
        raise ModelDataError(f"{path}: layer {layer.name!r} has activation {activation!r}; use relu or linear")
    if not layer.weights:
        raise ModelDataError(f"{path}: layer {layer.name!r} has no weights; save the whole model again")
    kernel, *rest = layer.weights
    bias = rest[0] if rest else np.zeros(kernel.shape[1], np.float32)
    return DenseLayer(kernel, bias, activation == "relu")
