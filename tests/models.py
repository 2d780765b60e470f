"""Small model files written with h5py alone, in the layout of Keras 3: tests need no TensorFlow to have a network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np


def quantized_bits(bits: int, integer: int) -> dict[str, Any]:
    """Configuration of ``quantized_bits(bits, integer, alpha=1)``."""
    config = {"bits": bits, "integer": integer, "symmetric": 0, "alpha": 1, "keep_negative": True}
    return _quantizer("quantized_bits", config)


def quantized_relu(bits: int, integer: int) -> dict[str, Any]:
    """Configuration of ``quantized_relu(bits, integer)``."""
    return _quantizer("quantized_relu", {"bits": bits, "integer": integer})


def write_model(
    path: Path, *, quantized_input: bool = True, seed: int = 0, kernel: Any = None, suffix: str = ""
) -> Path:
    """A network of 4 inputs, 6 hidden units and 2 outputs; ``kernel`` (4, 6) replaces the random first one.

    ``suffix`` goes behind the name of every layer."""
    rng = np.random.default_rng(seed)
    first = rng.uniform(-1, 1, (4, 6)) if kernel is None else np.asarray(kernel)
    layers: list[tuple[str, str, dict[str, Any]]] = [("InputLayer", "x", {"batch_shape": [None, 4]})]
    if quantized_input:
        layers.append(("QActivation", "x_q", {"activation": quantized_bits(8, 3)}))
    layers += [
        ("QDense", "hidden", _dense(6)),
        ("QActivation", "relu", {"activation": quantized_relu(6, 2)}),
        ("QDense", "out", _dense(2)),
        ("QActivation", "out_q", {"activation": quantized_bits(10, 4)}),
    ]
    weights = {
        "hidden": (first, rng.uniform(-1, 1, 6)),
        "out": (rng.uniform(-1, 1, (6, 2)), rng.uniform(-1, 1, 2)),
    }
    named = [(kind, name + suffix, config) for kind, name, config in layers]
    _write(path, named, {name + suffix: arrays for name, arrays in weights.items()})
    return path


def write_reference(path: Path) -> Path:
    """A float network of the same shape."""
    rng = np.random.default_rng(1)
    layers: list[tuple[str, str, dict[str, Any]]] = [
        ("InputLayer", "x", {"batch_shape": [None, 4], "dtype": "float32"}),
        ("Dense", "hidden", {"units": 6, "activation": "relu", "use_bias": True}),
        ("Dense", "out", {"units": 2, "activation": "linear", "use_bias": True}),
    ]
    weights = {"hidden": (rng.normal(size=(4, 6)), np.zeros(6)), "out": (rng.normal(size=(6, 2)), np.zeros(2))}
    _write(path, layers, weights)
    return path


def _quantizer(name: str, config: dict[str, Any]) -> dict[str, Any]:
    return {"module": "qkeras.quantizers", "class_name": name, "config": config, "registered_name": f"qkeras>{name}"}


def _dense(units: int) -> dict[str, Any]:
    quantizers = {"kernel_quantizer": quantized_bits(6, 0), "bias_quantizer": quantized_bits(6, 0)}
    return {"units": units, "activation": "linear", "use_bias": True, **quantizers}


def _write(
    path: Path, layers: list[tuple[str, str, dict[str, Any]]], weights: dict[str, tuple[np.ndarray, np.ndarray]]
) -> None:
    entries: list[dict[str, Any]] = []
    previous = None
    for kind, name, config in layers:
        calls: list[dict[str, Any]] = []
        if previous is not None:
            tensor = {"shape": [None], "dtype": "float32", "keras_history": [previous, 0, 0]}
            calls = [{"args": [{"class_name": "__keras_tensor__", "config": tensor}], "kwargs": {}}]
        registered = f"qkeras>{kind}" if kind.startswith("Q") else kind
        entries.append(
            {
                "class_name": registered,
                "name": name,
                "config": {"name": name, "trainable": True, **config},
                "inbound_nodes": calls,
            }
        )
        previous = name
    ends = {"input_layers": [layers[0][1], 0, 0], "output_layers": [layers[-1][1], 0, 0]}
    config = {"class_name": "Functional", "config": {"name": "tiny", "trainable": True, "layers": entries, **ends}}
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps(config)
        file.attrs["keras_version"] = "3.15.1"
        file.attrs["backend"] = "tensorflow"
        root = file.create_group("model_weights")
        root.attrs["layer_names"] = [name for _, name, _ in layers]
        root.attrs["backend"] = "tensorflow"
        root.attrs["keras_version"] = "3.15.1"
        for _, name, _ in layers:
            group = root.create_group(name)
            arrays = dict(zip(("kernel", "bias"), weights.get(name, ()), strict=False))
            group.attrs["weight_names"] = [f"{name}/{key}" for key in arrays]
            for key, array in arrays.items():
                group.create_dataset(f"{name}/{key}", data=np.asarray(array, np.float32))
