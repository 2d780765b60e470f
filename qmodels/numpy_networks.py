"""Float dense networks read from Keras HDF5 files and evaluated in numpy: no TensorFlow, nothing executed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

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


def read_dense_network(path: Path, inputs: int) -> DenseNetwork:
    """Read a float network of Dense layers with ``inputs`` inputs, saved by Keras (.h5).

    Raises ModelDataError if the file is missing or no Keras HDF5 file, or its layers are others.
    """
    if not path.is_file():
        raise ModelDataError(f"{path}: no such model file; train it, or correct the path")
    try:
        with h5py.File(path) as file:
            config = json.loads(file.attrs["model_config"])
            layers = [_dense(path, file["model_weights"], entry) for entry in _dense_entries(path, config)]
    except (OSError, KeyError, json.JSONDecodeError) as error:
        raise ModelDataError(f"{path}: not a Keras model in HDF5 ({error}); save it with model.save('x.h5')") from error
    if not layers:
        raise ModelDataError(f"{path}: the network has no Dense layer")
    found = layers[0].kernel.shape[0]
    if found != inputs:
        raise ModelDataError(f"{path}: the network takes {found} inputs, {inputs} are needed: of another variant?")
    return DenseNetwork(tuple(layers))


def _dense_entries(path: Path, config: dict[str, Any]) -> list[dict[str, Any]]:
    entries = []
    for entry in config["config"]["layers"]:
        if entry["class_name"] == "Dense":
            entries.append(entry["config"])
        elif entry["class_name"] != "InputLayer":
            name, kind = entry["config"]["name"], entry["class_name"]
            raise ModelDataError(f"{path}: layer {name!r} is {kind}; a float reference is made of Dense layers only")
    return entries


def _dense(path: Path, weights: h5py.Group, config: dict[str, Any]) -> DenseLayer:
    name, activation = config["name"], config["activation"]
    if activation not in ("relu", "linear"):
        raise ModelDataError(f"{path}: layer {name!r} has activation {activation!r}; use relu or linear")
    arrays = [np.asarray(weights[name][key], np.float32) for key in weights[name].attrs["weight_names"]]
    bias = arrays[1] if len(arrays) > 1 else np.zeros(arrays[0].shape[1], np.float32)
    return DenseLayer(arrays[0], bias, activation == "relu")
