"""Keras 3 architectures written by hand, so that a test needs no TensorFlow to have a model file."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np


def tensor(layer: str) -> dict[str, Any]:
    """The first output of a layer, as an argument of a call."""
    return {"class_name": "__keras_tensor__", "config": {"keras_history": [layer, 0, 0]}}


def port(name: str, *shape: int) -> dict[str, Any]:
    """An input."""
    return {
        "class_name": "InputLayer",
        "module": "keras.layers",
        "config": {"name": name, "batch_shape": [None, *shape]},
        "inbound_nodes": [],
    }


def layer(
    kind: str,
    name: str,
    *arguments: Any,
    module: str = "keras.layers",
    call: dict[str, Any] | None = None,
    **config: Any,
) -> dict[str, Any]:
    """A layer called once with ``arguments``, and ``call`` by keyword."""
    return {
        "class_name": kind,
        "module": module,
        "config": {"name": name, **config},
        "inbound_nodes": [{"args": list(arguments), "kwargs": call or {}}],
    }


def operator(kind: str, name: str, *arguments: Any, **config: Any) -> dict[str, Any]:
    """A Keras operator."""
    return layer(kind, name, *arguments, module="keras.src.ops.numpy", **config)


def activation(name: str, text: Any, source: str) -> dict[str, Any]:
    """A QActivation on the output of ``source``."""
    return layer("QActivation", name, tensor(source), module="qkeras.qlayers", activation=text)


Weights = Mapping[str, Sequence[Any]]


def write(path: Path, layers: list[dict[str, Any]], outputs: Any, weights: Weights | None = None, **more: Any) -> Path:
    """A ``.keras`` file whose inputs are its ports.

    ``outputs`` is the name of a layer, or what the file says of its outputs; ``weights`` are arrays by layer, or by
    layer and part of it ("b/batchnorm"); ``more`` stands beside the model's config.
    """
    inputs = [[entry["config"]["name"], 0, 0] for entry in layers if entry["class_name"] == "InputLayer"]
    config = {
        "name": "net",
        "layers": [{"name": entry["config"]["name"], **entry} for entry in layers],
        "input_layers": inputs,
        "output_layers": [[outputs, 0, 0]] if isinstance(outputs, str) else outputs,
    }
    store = io.BytesIO()
    with h5py.File(store, "w") as file:
        root = file.create_group("layers")
        for place, arrays in (weights or {}).items():
            name = place.partition("/")[0]
            root.require_group(f"{name}/vars").attrs["name"] = name
            for number, values in enumerate(arrays):
                root[f"{place}/vars/{number}"] = np.asarray(values)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps({"class_name": "Functional", "config": config, **more}))
        archive.writestr("model.weights.h5", store.getvalue())
    return path


def array(values: Any) -> dict[str, Any]:
    """A numpy array as Keras 3 writes it among the arguments of a call."""
    return {"class_name": "__numpy__", "config": {"value": np.asarray(values).tolist(), "dtype": "float32"}}
