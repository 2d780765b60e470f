"""Keras architecture JSON (Keras 2 and Keras 3; Sequential and Functional) to layers and calls."""

from __future__ import annotations

import re
import reprlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from hls.errors import ModelFileError, UnsupportedError
from hls.importing.nested import SEPARATOR, Inner, flattened
from hls.importing.options import numbers
from hls.importing.quantizers import PICKLED
from hls.importing.schema import check_architecture
from hls.importing.spec import Call, Constant, LayerSpec, ModelSpec, TensorRef

Weights = Callable[[str, str], tuple[npt.NDArray[np.float32], ...]]
"""(layer name, class name) -> its weights in Keras's order; "inner.dense" for a layer of a model in the model."""
MODELS = ("Sequential", "Functional", "Model")

CODE = ("Lambda", "TorchModuleWrapper", "JaxLayer", "FlaxLayer")
"""Layers that are Python code of the file's own."""
SLICING = "SlicingOpLambda"
GET_ITEM = {"class_name": "GetItem", "module": "keras.src.ops.numpy"}
PRUNING = "PruneLowMagnitude"
"""A wrapper of TensorFlow Model Optimization: it zeroes weights while it trains, and then they are stored as zeros."""
STEPS = "TimeDistributed"
"""A wrapper that calls its layer on every step, which these layers do by themselves."""
_OF_LAST_AXIS = (
    "Dense", "QDense", "Activation", "QActivation", "ReLU", "LeakyReLU", "ELU", "Softmax", "Dropout",
    "BatchNormalization", "QBatchNormalization",
)  # fmt: skip
# What only training reads: a constraint or a loss of the author's own keeps no network off the chip.
_TRAINING_ONLY = re.compile(r"\w*(regularizer|constraint|initializer)|(compile|build)_config")


def check_model(architecture: Any, source: str) -> dict[str, Any]:
    """``architecture`` as it is, once it is known to be that of a Keras model, and those of models in it too.

    Raises:
        UnsupportedError: a kind of model not known here.
        ModelFileError: it is not a Keras architecture.
    """
    kind = architecture.get("class_name") if isinstance(architecture, dict) else None
    if isinstance(kind, str) and kind not in MODELS:
        raise UnsupportedError(
            f"{source}: model class {kind!r} is a Python subclass, whose calls no file holds; rebuild it as a "
            "Functional "
            "or Sequential model and give that its weights"
        )
    check_architecture(architecture, source)
    checked: dict[str, Any] = architecture
    for entry in layer_entries(checked):
        if entry["class_name"] in MODELS:
            check_model(entry, f"{source}: model {layer_name(entry)!r}")
    return checked


def layer_entries(architecture: dict[str, Any]) -> list[dict[str, Any]]:
    """What an architecture says of each layer; Sequential before Keras 2.2.3 has nothing else."""
    config = architecture["config"]
    entries: list[dict[str, Any]] = config if isinstance(config, list) else config["layers"]
    return entries


def all_entries(architecture: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every layer by its name, those of models in the model among them, with their names put before."""
    for entry in layer_entries(architecture):
        name = prefix + layer_name(entry)
        yield name, entry
        if entry["class_name"] in MODELS:
            yield from all_entries(entry, name + SEPARATOR)


def parse_model(architecture: dict[str, Any], weights: Weights, source: str) -> ModelSpec:
    """The model that an architecture describes which :func:`check_model` has seen.

    Raises:
        ModelFileError: its calls or ports are not what Keras writes.
    """
    config = architecture["config"]
    if isinstance(config, list):  # Sequential before Keras 2.2.3
        config = {"name": "sequential", "layers": config}
    sequential = architecture["class_name"] == "Sequential"
    outer = _sequential(config, weights) if sequential else _functional(config, weights, source)
    models = [entry for entry in layer_entries(architecture) if entry["class_name"] in MODELS]
    return flattened(outer, {layer_name(entry): _inner(entry, weights, source) for entry in models})


def _inner(entry: dict[str, Any], weights: Weights, source: str) -> Inner:
    name = layer_name(entry)
    where = f"{source}: model {name!r}"
    model = parse_model(entry, partial(_weights_inside, weights, name), where)
    of_keras2 = any(isinstance(node, list) for node in entry.get("inbound_nodes", []))
    return Inner(model, of_keras2, of_keras2 or entry["class_name"] != "Sequential")


def _weights_inside(weights: Weights, model: str, layer: str, kind: str) -> tuple[npt.NDArray[np.float32], ...]:
    return weights(model + SEPARATOR + layer, kind)


def code_of(value: Any, layer: str = "") -> Iterator[str]:
    """What is said of everything that takes part in inference and that Keras could only restore by executing it."""
    if isinstance(value, dict):
        kind, config = value.get("class_name"), value.get("config")
        name = str(value.get("name") or (config.get("name", "") if isinstance(config, dict) else ""))
        if isinstance(kind, str) and kind.split(">")[-1] in CODE:
            yield (
                f"layer {name!r} is a {kind} layer: code in a model file is never executed; "
                "replace it by a layer that the importer knows"
            )
            return
        if isinstance(kind, str) and kind in PICKLED:
            yield f"layer {layer!r} holds a pickled Python function: never executed; use a named activation"
            return
        for key, item in value.items():
            if not _TRAINING_ONLY.fullmatch(str(key)):
                yield from code_of(item, name or layer)
    elif isinstance(value, list):
        for item in value:
            yield from code_of(item, layer)


def layer_name(entry: dict[str, Any]) -> str:
    """Keras 2 may name a layer beside its configuration alone."""
    return str(entry.get("name") or entry["config"]["name"])


def _layer(entry: dict[str, Any], calls: tuple[Call, ...], weights: Weights) -> LayerSpec:
    config, name, kind = _read_config(entry["config"]), layer_name(entry), layer_kind(entry)
    wrapper = None
    if kind in (PRUNING, STEPS) and isinstance(config.get("layer"), dict):
        wrapped = config["layer"]
        if not isinstance(wrapped.get("class_name"), str) or not isinstance(wrapped.get("config"), dict):
            raise ModelFileError(f"layer {name!r}: its {kind} holds no layer; save the whole model again")
        if kind == PRUNING or layer_kind(wrapped) in _OF_LAST_AXIS:
            wrapper = kind if kind == PRUNING else None
            kind, config = layer_kind(wrapped), {**_read_config(wrapped["config"]), "name": name}
    return LayerSpec(name, kind, config, calls, weights(name, kind), wrapper)


def _read_config(config: dict[str, Any]) -> dict[str, Any]:
    """Options as they were given: early Keras 2 wrote numbers such as the slope of a LeakyReLU as arrays."""
    return {key: value["value"] if _is_array(value) else value for key, value in config.items()}


def _is_array(value: Any) -> bool:
    return isinstance(value, dict) and value.get("type") == "ndarray" and "value" in value


def layer_kind(entry: dict[str, Any]) -> str:
    """The class of a layer; of those that share a name with another's, with what tells them apart."""
    *registered, kind = str(entry["class_name"]).split(">")
    module = str(entry.get("module"))
    if (".ops." in module and not module.startswith("hgq")) or _is_operator_in_hdf5(entry):
        return f"ops.{kind}"
    package = registered[0] if registered else module.split(".")[0]
    if package == "HGQ" and kind in _PASSIVE:
        return _PASSIVE[kind]
    return f"hgq.{kind}" if package == "hgq" else _ALIASES.get(kind, kind)


_ALIASES = dict.fromkeys(("BatchNormalizationV1", "SyncBatchNormalization"), "BatchNormalization")
"""Classes of Keras 2 that differ from another in training alone."""


def _is_operator_in_hdf5(entry: dict[str, Any]) -> bool:
    """Whether Keras 3 wrote an operator into HDF5, where classes have no module: ``Average`` is a layer's name too.

    Every layer has options that an operator has not, and only Keras 3 writes calls as dictionaries.
    """
    calls = entry.get("inbound_nodes")
    of_keras3 = isinstance(calls, list) and bool(calls) and isinstance(calls[0], dict) and "module" not in entry
    return of_keras3 and ">" not in entry["class_name"] and not {"trainable", "dtype", "layers"} & set(entry["config"])


_PASSIVE = {
    "Signature": "Identity",
    **{f"P{kind}": kind for kind in (
        "Reshape", "Flatten", "Concatenate", "Permute", "Dropout", "MaxPooling1D", "MaxPooling2D", "AveragePooling1D",
        "AveragePooling2D",
    )},
}  # fmt: skip
"""Layers of HGQ that are Keras's at inference."""


def _sequential(config: dict[str, Any], weights: Weights) -> ModelSpec:
    layers: dict[str, LayerSpec] = {}
    entries = list(config["layers"])
    first = entries[0]
    if first["class_name"] != "InputLayer":
        shape = _shape_read(first) or config.get("build_input_shape")
        port = _free_name("input", entries)
        entries.insert(0, {"class_name": "InputLayer", "config": {"name": port, "batch_shape": shape}})
    previous: tuple[TensorRef, ...] = ()
    for entry in entries:
        spec = _layer(entry, (Call(previous),), weights)
        layers[spec.name] = spec
        previous = (TensorRef(spec.name, 0, 0),)
    start = TensorRef(next(iter(layers)), 0, 0)
    return ModelSpec(str(config.get("name", "sequential")), layers, (start,), previous, refused=tuple(code_of(config)))


def _shape_read(entry: dict[str, Any]) -> Any:
    """What the first layer of a Sequential reads, as far as it says so; of a model, what its own first layer reads."""
    config = entry["config"]
    if entry["class_name"] in MODELS:
        return _shape_read(layer_entries(entry)[0])
    return config.get("batch_input_shape") or config.get("batch_shape")


def _free_name(wanted: str, entries: list[dict[str, Any]]) -> str:
    """``wanted``, or with as many underscores as it takes to be the name of no layer."""
    taken = {layer_name(entry) for entry in entries}
    while wanted in taken:
        wanted += "_"
    return wanted


def _functional(config: dict[str, Any], weights: Weights, source: str) -> ModelSpec:
    layers: dict[str, LayerSpec] = {}
    for entry in map(_with_index, config["layers"]):
        calls = tuple(_call(node, f"{source}: layer {layer_name(entry)!r}") for node in entry.get("inbound_nodes", []))
        spec = _layer(entry, calls or (Call(),), weights)
        layers[spec.name] = spec
    inputs, outputs = (_ports(config.get(key), f"{source}: {key}") for key in ("input_layers", "output_layers"))
    unknown = [ref.layer for ref in (*inputs, *outputs) if ref.layer not in layers]
    if unknown:
        raise ModelFileError(f"{source}: its architecture names layers that it does not hold: {unknown}")
    return ModelSpec(str(config.get("name", "model")), layers, inputs, outputs, refused=tuple(code_of(config)))


def _with_index(entry: dict[str, Any]) -> dict[str, Any]:
    """The brackets of ``x[:, 1:3]``, which are part of the operator, out of its call, whichever Keras wrote them."""
    nodes = entry.get("inbound_nodes") or [None]
    if layer_kind(entry) == SLICING:
        return _of_keras2(entry, nodes[0])
    if layer_kind(entry) != "ops.GetItem" or not isinstance(nodes[0], dict):
        return entry
    arguments, keywords = nodes[0].get("args"), nodes[0].get("kwargs")
    arguments = list(arguments) if isinstance(arguments, list | tuple) else []
    named = keywords if isinstance(keywords, dict) else {}
    index = arguments[1] if len(arguments) > 1 else named.get("key")
    return {**entry, "config": {**entry["config"], "index": index}, "inbound_nodes": [{"args": arguments[:1]}]}


def _of_keras2(entry: dict[str, Any], node: Any) -> dict[str, Any]:
    """A slice as the function of TensorFlow that Keras 2 calls for it, with one keyword."""
    call = node[0] if isinstance(node, list) and node and isinstance(node[0], list) else node
    named = call[3] if isinstance(call, list) and len(call) == 4 else None
    if not isinstance(named, dict) or set(named) != {"slice_spec"}:
        return entry
    config = {**entry["config"], "index": named["slice_spec"]}
    return {**entry, **GET_ITEM, "config": config, "inbound_nodes": [[call[:3]]]}


def _ports(value: Any, where: str) -> tuple[TensorRef, ...]:
    found = tuple(_references(value, where))
    if not found:
        raise ModelFileError(f"{where} is empty; save the whole model again")
    return found


def _references(value: Any, where: str) -> Iterator[TensorRef]:
    """``["x", 0, 0]``, or lists of those, nested as they may be, or a dict, in the order of its sorted keys.

    Raises:
        UnsupportedError: lists in a dict: no two versions of Keras agree on their order.
        ModelFileError: something else.
    """
    if isinstance(value, dict):
        value = [value[key] for key in sorted(value)]
        if not all(isinstance(item, list) and item and isinstance(item[0], str) for item in value):
            raise UnsupportedError(
                f"{where} holds lists in a dict, in an order on which no two versions of Keras agree; build the "
                "model with "
                "one list or one dict"
            )
    if not isinstance(value, list):
        raise _not_keras(where, value)
    if value and isinstance(value[0], str):
        yield _reference(value, where)
        return
    for item in value:
        yield from _references(item, where)


def _reference(value: Any, where: str) -> TensorRef:
    """``["x", 0, 0]``, whatever follows."""
    if not isinstance(value, list) or len(value) < 3 or not isinstance(value[0], str):
        raise _not_keras(where, value)
    name, node, tensor = value[:3]
    if not _is_count(node) or not _is_count(tensor):
        raise _not_keras(where, value)
    return TensorRef(name, node, tensor)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _not_keras(where: str, value: Any) -> ModelFileError:
    return ModelFileError(f"{where}: {reprlib.repr(value)} is not what Keras writes there; save the whole model again")


_GIVEN_BY_KEYWORD = ("initial_state", "constant_values")
"""What a recurrent layer begins with and what a pad pads with: tensors and numbers like any other argument."""


def _call(node: Any, where: str) -> Call:
    """One call: Keras 3 nests ``keras_history`` in its arguments, Keras 2 lists [name, node, tensor, keywords]."""
    if isinstance(node, dict):
        keywords = node.get("kwargs") or {}
        if not isinstance(keywords, dict):
            raise _not_keras(where, keywords)
        arguments = tuple(_arguments(node.get("args", ()), where))
        if not arguments:  # layer(inputs=x)
            return Call(tuple(_arguments(list(keywords.values()), where)))
        given = {key: tuple(_arguments(keywords.get(key), where)) for key in _GIVEN_BY_KEYWORD}
        options = {key: value for key, value in keywords.items() if not given.get(key)}
        return Call(sum(given.values(), arguments), options)
    if node and isinstance(node[0], str):
        node = [node]
    named: dict[str, Any] = {}
    for item in node:
        keywords = item[3] if isinstance(item, list) and len(item) > 3 else {}
        if not isinstance(keywords, dict):
            raise _not_keras(where, keywords)
        named |= keywords
    return Call(tuple(_reference(item, where) for item in node), named)


def _arguments(value: Any, where: str) -> Iterator[TensorRef | Constant]:
    """Tensors and constants of an argument, lists and dicts taken apart in Keras's order."""
    if isinstance(value, dict):
        config = value.get("config")
        if value.get("class_name") == "__keras_tensor__":
            yield _reference(config.get("keras_history") if isinstance(config, dict) else None, where)
        elif value.get("class_name") in ("__numpy__", "__tensor__"):
            yield _constant(value, where)
        elif "class_name" not in value:
            for key in sorted(value):
                yield from _arguments(value[key], where)
    elif isinstance(value, list | tuple):
        array = numbers(value) if any(isinstance(item, list | tuple) for item in value) else None
        if array is not None:  # lists in a list, whose shape tells
            yield Constant(array.astype(np.float32))
            return
        for item in value:
            yield from _arguments(item, where)
    elif isinstance(value, int | float):
        yield _constant(value, where)


def _constant(value: Any, where: str) -> Constant:
    found = numbers(value)
    if found is None:
        raise _not_keras(where, value)
    return Constant(found.astype(np.float32))
