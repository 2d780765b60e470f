"""Float networks of a reference file, as chains of dense layers and convolutions: numpy alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hls.importing.spec import LayerSpec
from qmodels.anomaly.layout import INPUTS, OBJECTS
from qmodels.anomaly.variants import Variant
from qmodels.errors import ModelDataError
from qmodels.numpy_networks import DenseLayer, DenseNetwork, read_dense_network, read_float_model
from qmodels.types import Floats32

_WIRES = ("InputLayer", "Reshape", "Flatten")


@dataclass(frozen=True)
class Convolution:
    """One layer along the objects: ``kernel`` (width, channels, filters), ``bias`` (filters,), ReLU or linear."""

    kernel: Floats32
    bias: Floats32
    relu: bool

    def dense(self) -> DenseLayer:
        """The dense layer that computes the same, of all objects one after the other; beyond the ends there are
        zeros."""
        width, channels, filters = self.kernel.shape
        whole = np.zeros((OBJECTS, channels, OBJECTS, filters), np.float32)
        for place in range(OBJECTS):
            for step in range(width):
                source = place + step - width // 2
                if 0 <= source < OBJECTS:
                    whole[source, :, place] = self.kernel[step]
        kernel = whole.reshape(OBJECTS * channels, OBJECTS * filters)
        return DenseLayer(kernel, np.tile(self.bias, OBJECTS), self.relu)


Layer = DenseLayer | Convolution


def read_layers(variant: Variant, path: Path) -> tuple[Layer, ...]:
    """The layers of the float network of ``variant`` in ``path``.

    Raises ModelDataError if the file is missing, no Keras model, or of another variant.
    """
    if not variant.convolutional:
        return read_dense_network(path, INPUTS).layers
    layers = [layer for layer in read_float_model(path).layers.values() if layer.class_name not in _WIRES]
    if [layer.class_name for layer in layers] != ["Conv1D", "Dense", "Dense", "Conv1D"]:
        raise ModelDataError(f"{path}: not a convolutional autoencoder: train anomaly/{variant.name} for one")
    return tuple(_layer(layer) for layer in layers)


def read_network(variant: Variant, path: Path) -> DenseNetwork:
    """The same as a function from inputs (n, 57)."""
    layers = read_layers(variant, path)
    return DenseNetwork(tuple(layer.dense() if isinstance(layer, Convolution) else layer for layer in layers))


def _layer(layer: LayerSpec) -> Layer:
    kernel, bias = layer.weights
    kind = Convolution if layer.class_name == "Conv1D" else DenseLayer
    return kind(kernel, bias, layer.config["activation"] == "relu")
