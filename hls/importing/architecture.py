"""Keras architecture JSON (Keras 2 and Keras 3; Sequential and Functional) to layers and calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from hls.errors import ModelFileError, UnsupportedError
from hls.importing.spec import LayerSpec, ModelSpec, TensorRef

Weights = Callable[[str, str], tuple[npt.NDArray[np.float32], ...]]
"""(layer name, class name) -> its weights in Keras's order."""

_NEVER = {"Lambda", "TFOpLambda", "SlicingOpLambda", "TorchModuleWrapper", "JaxLayer", "FlaxLayer"}
_PICKLED = {"__lambda__", "function", "__bytes__"}


def parse_model(architecture: dict[str, Any], weights: Weights, source: str) -> ModelSpec:
    """The model that an architecture describes.

    Raises:
        UnsupportedError: a Lambda layer or a pickled object (never executed), or a kind of model not known here.
        ModelFileError: the JSON is not a Keras architecture.
    """
    refuse_code(architecture, source)
    kind = architecture.get("class_name")
    config = architecture.get("config")
    if isinstance(config, list):  # Sequential before Keras 2.2.3
        config = {"name": "sequential", "layers": config}
    if not isinstance(config, dict) or not isinstance(config.get("layers"), list):
        raise ModelFileError(f"{source}: no Keras architecture in it; save the whole model, not only its weights")
    if kind == "Sequential":
        return _sequential(config, weights)
    if kind in ("Functional", "Model"):
        return _functional(config, weights, source)
    raise UnsupportedError(
        f"{source}: model class {kind!r} is a Python subclass; rebuild it as a Functional or Sequential model"
    )


def refuse_code(value: Any, source: str, layer: str = "") -> None:
    """Refuse anything that Keras could only restore by executing what the file brings along."""
    if isinstance(value, dict):
        kind = value.get("class_name")
        name = str(value.get("name") or (value.get("config") or {}).get("name", "") if isinstance(kind, str) else layer)
        if kind in _NEVER:
            raise UnsupportedError(
                f"{source}: layer {name!r} is a {kind} layer: code in a model file is never executed; "
                "replace it by a layer that the importer knows"
            )
        if kind in _PICKLED:
            raise UnsupportedError(
                f"{source}: layer {layer!r} holds a pickled Python function: never executed; use a named activation"
            )
        for item in value.values():
            refuse_code(item, source, name or layer)
    elif isinstance(value, list):
        for item in value:
            refuse_code(item, source, layer)


def _layer(entry: dict[str, Any], calls: tuple[tuple[TensorRef, ...], ...], weights: Weights) -> LayerSpec:
    config = dict(entry["config"])
    name = str(entry.get("name") or config["name"])
    kind = str(entry["class_name"]).split(">")[-1]
    return LayerSpec(name, kind, config, calls, weights(name, kind))


def _sequential(config: dict[str, Any], weights: Weights) -> ModelSpec:
    layers: dict[str, LayerSpec] = {}
    entries = list(config["layers"])
    first = entries[0]
    if first["class_name"] != "InputLayer":
        shape = first["config"].get("batch_input_shape") or first["config"].get("batch_shape")
        shape = shape or config.get("build_input_shape")
        entries.insert(0, {"class_name": "InputLayer", "config": {"name": "input", "batch_shape": shape}})
    previous: tuple[TensorRef, ...] = ()
    for entry in entries:
        spec = _layer(entry, (previous,), weights)
        layers[spec.name] = spec
        previous = (TensorRef(spec.name, 0, 0),)
    start = TensorRef(next(iter(layers)), 0, 0)
    return ModelSpec(str(config.get("name", "sequential")), layers, (start,), previous)


def _functional(config: dict[str, Any], weights: Weights, source: str) -> ModelSpec:
    layers: dict[str, LayerSpec] = {}
    for entry in config["layers"]:
        calls = tuple(tuple(_call_inputs(node)) for node in entry.get("inbound_nodes", []))
        spec = _layer(entry, calls or ((),), weights)
        layers[spec.name] = spec
    inputs = tuple(_references(config["input_layers"]))
    outputs = tuple(_references(config["output_layers"]))
    unknown = [ref.layer for ref in (*inputs, *outputs) if ref.layer not in layers]
    if unknown:
        raise ModelFileError(f"{source}: its architecture names layers that it does not hold: {unknown}")
    return ModelSpec(str(config.get("name", "model")), layers, inputs, outputs)


def _references(value: Any) -> Iterator[TensorRef]:
    """``["x", 0, 0]``, a list of those, or a dict of those."""
    if isinstance(value, dict):
        value = list(value.values())
    if value and isinstance(value[0], str):
        value = [value]
    for item in value:
        yield TensorRef(str(item[0]), int(item[1]), int(item[2]))


def _call_inputs(node: Any) -> Iterator[TensorRef]:
    """Tensors that enter one call: Keras 3 nests ``keras_history``, Keras 2 lists [name, node, tensor, kwargs]."""
    if isinstance(node, dict):
        yield from _histories(node)
    elif isinstance(node, list):
        if node and isinstance(node[0], str):
            node = [node]
        for item in node:
            yield TensorRef(str(item[0]), int(item[1]), int(item[2]))
            yield from _histories(item[3] if len(item) > 3 else {})


def _histories(value: Any) -> Iterator[TensorRef]:
    if isinstance(value, dict):
        history = value.get("keras_history") or (value.get("config") or {}).get("keras_history") if value else None
        if value.get("class_name") == "__keras_tensor__" and history:
            yield TensorRef(str(history[0]), int(history[1]), int(history[2]))
            return
        for item in value.values():
            yield from _histories(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _histories(item)
