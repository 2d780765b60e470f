"""Keras architecture JSON (Keras 2 and Keras 3; Sequential and Functional) to layers and calls."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from hls.errors import ModelFileError, UnsupportedError
from hls.importing.schema import check_architecture
from hls.importing.spec import Call, Constant, LayerSpec, ModelSpec, TensorRef

Weights = Callable[[str, str], tuple[npt.NDArray[np.float32], ...]]
"""(layer name, class name) -> its weights in Keras's order."""

_NEVER = {"Lambda", "TFOpLambda", "SlicingOpLambda", "TorchModuleWrapper", "JaxLayer", "FlaxLayer"}
_PICKLED = {"__lambda__", "__bytes__"}
# What only training reads: a constraint or a loss of the author's own keeps no network off the chip.
_TRAINING_ONLY = re.compile(r"\w*(regularizer|constraint|initializer)|(compile|build)_config")


def check_model(architecture: Any, source: str) -> dict[str, Any]:
    """``architecture`` as it is, once it is known to be that of a Keras model and to bring no code along.

    Raises:
        UnsupportedError: a Lambda layer or a pickled object (never executed), or a kind of model not known here.
        ModelFileError: it is not a Keras architecture.
    """
    kind = architecture.get("class_name") if isinstance(architecture, dict) else None
    if isinstance(kind, str) and kind not in ("Sequential", "Functional", "Model"):
        raise UnsupportedError(
            f"{source}: model class {kind!r} is a Python subclass; rebuild it as a Functional or Sequential model"
        )
    check_architecture(architecture, source)
    refuse_code(architecture, source)
    checked: dict[str, Any] = architecture
    return checked


def layer_entries(architecture: dict[str, Any]) -> list[dict[str, Any]]:
    """What an architecture says of each layer; Sequential before Keras 2.2.3 has nothing else."""
    config = architecture["config"]
    entries: list[dict[str, Any]] = config if isinstance(config, list) else config["layers"]
    return entries


def parse_model(architecture: dict[str, Any], weights: Weights, source: str) -> ModelSpec:
    """The model that an architecture describes which :func:`check_model` has seen.

    Raises:
        ModelFileError: its calls or ports are not what Keras writes.
    """
    config = architecture["config"]
    if isinstance(config, list):  # Sequential before Keras 2.2.3
        config = {"name": "sequential", "layers": config}
    if architecture["class_name"] == "Sequential":
        return _sequential(config, weights)
    return _functional(config, weights, source)


def refuse_code(value: Any, source: str, layer: str = "") -> None:
    """Refuse what takes part in inference and Keras could only restore by executing what the file brings along."""
    if isinstance(value, dict):
        kind, config = value.get("class_name"), value.get("config")
        name = str(value.get("name") or (config.get("name", "") if isinstance(config, dict) else ""))
        if isinstance(kind, str) and kind in _NEVER:
            raise UnsupportedError(
                f"{source}: layer {name!r} is a {kind} layer: code in a model file is never executed; "
                "replace it by a layer that the importer knows"
            )
        if isinstance(kind, str) and kind in _PICKLED:
            raise UnsupportedError(
                f"{source}: layer {layer!r} holds a pickled Python function: never executed; use a named activation"
            )
        for key, item in value.items():
            if not _TRAINING_ONLY.fullmatch(str(key)):
                refuse_code(item, source, name or layer)
    elif isinstance(value, list):
        for item in value:
            refuse_code(item, source, layer)


def _name(entry: dict[str, Any]) -> str:
    return str(entry.get("name") or entry["config"]["name"])


def _layer(entry: dict[str, Any], calls: tuple[Call, ...], weights: Weights) -> LayerSpec:
    config = dict(entry["config"])
    name = _name(entry)
    kind = str(entry["class_name"]).split(">")[-1]
    if ".ops." in str(entry.get("module")):
        kind = f"ops.{kind}"
    return LayerSpec(name, kind, config, calls, weights(name, kind))


def _sequential(config: dict[str, Any], weights: Weights) -> ModelSpec:
    layers: dict[str, LayerSpec] = {}
    entries = list(config["layers"])
    first = entries[0]
    if first["class_name"] != "InputLayer":
        shape = first["config"].get("batch_input_shape") or first["config"].get("batch_shape")
        shape = shape or config.get("build_input_shape")
        port = _free_name("input", entries)
        entries.insert(0, {"class_name": "InputLayer", "config": {"name": port, "batch_shape": shape}})
    previous: tuple[TensorRef, ...] = ()
    for entry in entries:
        spec = _layer(entry, (Call(previous),), weights)
        layers[spec.name] = spec
        previous = (TensorRef(spec.name, 0, 0),)
    start = TensorRef(next(iter(layers)), 0, 0)
    return ModelSpec(str(config.get("name", "sequential")), layers, (start,), previous)


def _free_name(wanted: str, entries: list[dict[str, Any]]) -> str:
    """``wanted``, or with as many underscores as it takes to be the name of no layer."""
    taken = {str(entry["config"].get("name")) for entry in entries}
    while wanted in taken:
        wanted += "_"
    return wanted


def _functional(config: dict[str, Any], weights: Weights, source: str) -> ModelSpec:
    layers: dict[str, LayerSpec] = {}
    for entry in config["layers"]:
        calls = tuple(_call(node, f"{source}: layer {_name(entry)!r}") for node in entry.get("inbound_nodes", []))
        spec = _layer(entry, calls or (Call(),), weights)
        layers[spec.name] = spec
    inputs, outputs = (_ports(config.get(key), f"{source}: {key}") for key in ("input_layers", "output_layers"))
    unknown = [ref.layer for ref in (*inputs, *outputs) if ref.layer not in layers]
    if unknown:
        raise ModelFileError(f"{source}: its architecture names layers that it does not hold: {unknown}")
    return ModelSpec(str(config.get("name", "model")), layers, inputs, outputs)


def _ports(value: Any, where: str) -> tuple[TensorRef, ...]:
    try:
        found = tuple(_references(value))
    except (TypeError, KeyError, IndexError) as error:
        raise ModelFileError(f"{where} is not what Keras writes ({error}); save the whole model again") from error
    if not found:
        raise ModelFileError(f"{where} is empty; save the whole model again")
    return found


def _references(value: Any) -> Iterator[TensorRef]:
    """``["x", 0, 0]``, or lists of those, nested as they may be, or a dict, in the order of its sorted keys.

    Raises:
        UnsupportedError: lists in a dict: no two versions of Keras agree on their order.
    """
    if isinstance(value, dict):
        value = [value[key] for key in sorted(value)]
        if not all(item and isinstance(item[0], str) for item in value):
            raise UnsupportedError("inputs or outputs are lists in a dict; build the model with one list or one dict")
    if len(value) == 3 and isinstance(value[0], str) and all(isinstance(number, int) for number in value[1:]):
        yield TensorRef(value[0], value[1], value[2])
        return
    for item in value:
        yield from _references(item)


def _call(node: Any, where: str) -> Call:
    try:
        return _parsed_call(node)
    except (TypeError, KeyError, IndexError, ValueError, AttributeError, OverflowError) as error:
        raise ModelFileError(f"{where}: a call is not what Keras writes ({error}); save it again") from error


def _parsed_call(node: Any) -> Call:
    """One call: Keras 3 nests ``keras_history`` in its arguments, Keras 2 lists [name, node, tensor, keywords]."""
    if isinstance(node, dict):
        arguments = tuple(_arguments(node.get("args", ())))
        keywords = dict(node.get("kwargs") or {})
        if not arguments:  # layer(inputs=x)
            return Call(tuple(_arguments(list(keywords.values()))))
        return Call(arguments, keywords)
    if node and isinstance(node[0], str):
        node = [node]
    named: dict[str, Any] = {}
    for item in node:
        named |= item[3] if len(item) > 3 else {}
    return Call(tuple(TensorRef(str(item[0]), int(item[1]), int(item[2])) for item in node), named)


def _arguments(value: Any) -> Iterator[TensorRef | Constant]:
    """Tensors and constants of an argument, lists and dicts taken apart in Keras's order."""
    if isinstance(value, dict):
        config = value.get("config") or {}
        if value.get("class_name") == "__keras_tensor__":
            layer, number, tensor = config["keras_history"]
            yield TensorRef(str(layer), int(number), int(tensor))
        elif value.get("class_name") in ("__numpy__", "__tensor__"):
            yield Constant(np.asarray(config["value"], np.float32))
        elif "class_name" not in value:
            for key in sorted(value):
                yield from _arguments(value[key])
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _arguments(item)
    elif isinstance(value, int | float):
        yield Constant(np.asarray(value, np.float32))
