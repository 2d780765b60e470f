"""From a Keras model, in a file or in memory, to a FixedGraph."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from hls.errors import ModelFileError, UnsupportedError
from hls.graph import FixedGraph, GraphBuilder, nodes
from hls.importing import learned_bits
from hls.importing.emitter import Emitter
from hls.importing.layers import find_handler, known_classes
from hls.importing.memory import read_memory
from hls.importing.model_file import read_model
from hls.importing.ports import port_grid
from hls.importing.quantizers import HARD, function_name, grid, parse_quantizer
from hls.importing.spec import Call, Constant, LayerSpec, ModelSpec, TensorRef, calls_in_order


def import_keras(model: str | Path | Any, input_type: str | None = None) -> FixedGraph:
    """The exact fixed-point arithmetic of a QKeras network.

    Args:
        model: path of a ``.keras`` file (qkeras-v3) or a ``.h5`` file (also of QKeras on Keras 2), read without Keras
            and without executing anything in it; or a Keras model in memory.
        input_type: type of the inputs that no quantizer reads first, such as ``"ap_fixed<16,6>"``.

    Raises:
        ModelFileError: missing, truncated or foreign file; NaN or infinite weights.
        UnsupportedError: a layer, quantizer or option that cannot be stated exactly, by name, with the cure.
    """
    spec = read_model(model) if isinstance(model, str | Path) else read_memory(model)
    return build_graph(spec, input_type)


def build_graph(model: ModelSpec, input_type: str | None = None) -> FixedGraph:
    """The graph of a model already read. Raises as ``import_keras`` does."""
    _refuse_unknown(model)
    model = with_internal_sigmoid(model)
    builder = GraphBuilder(model.name)
    tensors: dict[TensorRef, str] = {}
    unrounded: set[str] = set()
    guard = _finest_fraction(model) + 1
    for ref in model.inputs:
        plain = port_grid(model, ref, input_type)
        shape = input_shape(model.layers[ref.layer])
        tensors[ref] = builder.add(
            nodes.Input(ref.layer, (), ref.layer, shape, plain.type, plain.raw_min, plain.raw_max)
        )
        builder.layers[ref.layer] = tensors[ref]
    for layer, number in calls_in_order(model, model.inputs):
        call = layer.calls[number]
        key = layer.name if len(layer.calls) == 1 else f"{layer.name}@{number}"
        _refuse_keywords(layer, call)
        arguments = tuple(tensors[a] if isinstance(a, TensorRef) else a for a in call.arguments)
        emit = Emitter(builder, key, key, unrounded, guard, arguments)
        out = _handle(emit, layer, tuple(tensors[ref] for ref in call.inputs))
        tensors[TensorRef(layer.name, number, 0)] = out
        builder.layers[key] = out
    return _finish(builder, model, tensors, unrounded)


_LARGEST_AXIS = 1 << 24
_INTERNAL = ("quantized_sigmoid", "quantized_tanh")


def with_internal_sigmoid(model: ModelSpec) -> ModelSpec:
    """The model with what QKeras makes its sigmoids of written into each quantizer that asks for it."""
    if model.internal_sigmoid == HARD:
        return model
    layers = {
        name: replace(layer, config=_stated(layer, model.internal_sigmoid)) for name, layer in model.layers.items()
    }
    return replace(model, layers=layers)


def _stated(layer: LayerSpec, internal_sigmoid: str) -> dict[str, Any]:
    config = dict(layer.config)
    for key, value in config.items():
        if (key == "activation" or key.endswith("quantizer")) and any(kind in str(value) for kind in _INTERNAL):
            quantizer = parse_quantizer(value, f"layer {layer.name!r}, {key}")
            if quantizer is not None and quantizer.kind in _INTERNAL:
                options = {**quantizer.options, "internal_sigmoid": internal_sigmoid}
                config[key] = {"class_name": quantizer.kind, "config": options}
    return config


def _handle(emit: Emitter, layer: LayerSpec, inputs: tuple[str, ...]) -> str:
    handler = find_handler(layer.class_name)
    try:
        return handler(emit, layer, inputs)
    except (KeyError, IndexError, TypeError, ValueError, OverflowError) as error:
        # Shapes or options that contradict each other: the file is not what Keras would have written.
        raise ModelFileError(f"layer {layer.name!r} ({layer.class_name}) is inconsistent: {error}") from error


def _refuse_keywords(layer: LayerSpec, call: Call) -> None:
    """What a call is given besides its tensors changes what it computes, or is the default."""
    for key, value in call.keywords.items():
        if value is not None and value is not False:
            cure = "call the layer without it"
            if key == "mask":
                cure = "multiply by the mask instead, and sum"
            raise UnsupportedError(f"layer {layer.name!r} is called with {key}=...: firmware has no {key}; {cure}")
    constants = [argument for argument in call.arguments if isinstance(argument, Constant)]
    if constants and not layer.class_name.startswith("ops."):
        raise UnsupportedError(
            f"layer {layer.name!r} ({layer.class_name}) is called with a constant; use an operator: x * 0.5, x + 1.0"
        )


def _refuse_unknown(model: ModelSpec) -> None:
    known = known_classes()
    for layer in model.layers.values():
        if layer.class_name not in known and layer.class_name != "InputLayer":
            raise UnsupportedError(
                f"layer {layer.name!r}: class {layer.class_name} is not supported; known are {', '.join(known)}"
            )


def input_shape(layer: LayerSpec) -> tuple[int, ...]:
    """Sizes of a port, the batch left out.

    Raises:
        UnsupportedError: one of them is not fixed.
    """
    shape = layer.config.get("batch_shape") or layer.config.get("batch_input_shape")
    if not isinstance(shape, list | tuple) or len(shape) < 2 or not all(_is_size(size) for size in shape[1:]):
        raise UnsupportedError(f"input {layer.name!r} has the shape {shape}: firmware needs every size fixed")
    return tuple(int(size) for size in shape[1:])


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _LARGEST_AXIS


def _finest_fraction(model: ModelSpec) -> int:
    """Most fraction bits of any plain quantizer of activations; 0 at least."""
    finest = 0
    for layer in model.layers.values():
        value = layer.config.get("activation")
        if value is None or function_name(value) is not None:
            continue
        quantizer = parse_quantizer(value, f"layer {layer.name!r}, activation")
        plain = grid(quantizer) if quantizer is not None else None
        if quantizer is not None and quantizer.kind == learned_bits.KIND:
            finest = max(finest, int(learned_bits.fraction_bits(quantizer).max()))
        else:
            finest = max(finest, plain.type.fraction if plain else quantizer.bits if quantizer else 0)
    return finest


def _finish(builder: GraphBuilder, model: ModelSpec, tensors: dict[TensorRef, str], unrounded: set[str]) -> FixedGraph:
    unknown = [ref.layer for ref in model.outputs if ref not in tensors]
    if unknown:
        raise ModelFileError(f"outputs of layers {unknown} are not in the file; save the whole model again")
    outputs = [tensors[ref] for ref in model.outputs]
    for name in outputs:
        if name in unrounded:
            Emitter(builder, name, name, unrounded, 0).refuse_unrounded(name, "an output of the network")
    names = [ref.layer for ref in model.outputs]
    return builder.finish([ref.layer for ref in model.inputs], outputs, names)
