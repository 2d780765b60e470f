"""Layers and operators of Keras that others already compute: ``abs`` is a maximum, a dot product a sum of products."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from hls.errors import ModelFileError, UnsupportedError
from hls.graph import nodes
from hls.graph.fixed import FixedArray
from hls.importing import choices, merges, operators, wiring
from hls.importing.activations import above, emit_activation, emit_smooth, hard_shrink, soft_shrink
from hls.importing.emitter import Emitter, Handler
from hls.importing.functions import elu
from hls.importing.options import numbers, sizes
from hls.importing.spec import LayerSpec


def _identity(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    return inputs[0]


def _cast(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    if spec.config.get("dtype") != "float32":
        raise UnsupportedError(
            f"layer {spec.name!r}: a cast to {spec.config.get('dtype')}, which rounds in a way of its own; cast to "
            "float32, or put a QActivation in its place, which is another network"
        )
    return inputs[0]


def _rescaling(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    """``x * scale + offset``, both as float32 numbers."""
    constants = []
    for key, default in (("scale", 1.0), ("offset", 0.0)):
        value = numbers(spec.config.get(key, default))
        if value is None:
            raise ModelFileError(f"layer {spec.name!r}: its {key} is no number; save the whole model again")
        constants.append(operators.constant(value.astype(np.float32)))
    return operators.linear(emit, spec, inputs[0], *constants)


def _absolute(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    return merges.extreme(emit, inputs[0], operators.negated(emit, spec, inputs[0]), least=False)


def _square(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    return emit(nodes.Multiply, "square", (inputs[0], inputs[0]))


def _min(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    initial = spec.config.get("initial")
    turned = spec if initial is None else replace(spec, config={**spec.config, "initial": -initial})
    largest = operators.HANDLERS["ops.Max"](emit, turned, (operators.negated(emit, spec, inputs[0]),))
    return operators.negated(emit, spec, largest)


def _swapaxes(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    first, second = (operators.axis_of(emit, spec, inputs[0], spec.config[key]) for key in ("axis1", "axis2"))
    order = list(range(len(emit.edge(inputs[0]).shape)))
    order[first], order[second] = second, first
    return emit(nodes.Transpose, "swap", inputs, tuple(order))


def _flip(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    stated = spec.config.get("axis")
    if stated is None:
        raise UnsupportedError(
            f"layer {spec.name!r}: flips the batch too, and firmware has one event at a time; state its axis"
        )
    x = inputs[0]
    for one in sizes(stated, 1):
        axis = operators.axis_of(emit, spec, x, one)
        x = wiring.taken(emit, x, axis, range(emit.edge(x).shape[axis])[::-1])
    return x


def _function(name: str) -> Handler:
    return lambda emit, spec, inputs: emit_activation(emit, name, inputs[0], of_keras=True)


def _elu(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    return emit_smooth(emit, "elu", elu(float(np.float32(spec.config.get("alpha", 1.0)))), inputs[0])


def _gelu(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    if spec.config.get("approximate", True):
        raise UnsupportedError(
            f"layer {spec.name!r}: the approximate gelu, by a tanh of a cubic; use approximate=False, the function "
            "itself, and train again: it differs from it by less than 0.001"
        )
    return emit_activation(emit, "gelu", inputs[0], of_keras=True)


def _shrink(function: Callable[[Emitter, str, float], str]) -> Handler:
    """Of a threshold that is not below zero."""

    def handler(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
        threshold = _threshold(spec)
        if threshold < 0:
            raise UnsupportedError(
                f"layer {spec.name!r}: shrinks by {threshold:g}, which is below zero; write what it computes with "
                "keras.ops.where, which computes the same"
            )
        return function(emit, inputs[0], threshold)

    return handler


def _threshold(spec: LayerSpec, key: str = "threshold") -> float:
    value = numbers(spec.config.get(key, 0.5))
    if value is None or value.ndim:
        raise ModelFileError(f"layer {spec.name!r}: its {key} is no number; save the whole model again")
    return float(np.float32(value))


def _thresholded(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    """``x`` above the threshold, else another number."""
    other = FixedArray.from_float(np.array([_threshold(spec, "default_value")], np.float32))
    return choices.chosen(emit, above(emit, inputs[0], _threshold(spec)), inputs[0], other)


FUNCTIONS = {
    "ops.Tanh": "tanh",
    "ops.Sigmoid": "sigmoid",
    "ops.Silu": "silu",
    "ops.HardSilu": "hard_silu",
    "ops.HardSigmoid": "hard_sigmoid",
    "ops.Exp": "exponential",
    "ops.Selu": "selu",
    "ops.Softplus": "softplus",
    "ops.Softsign": "softsign",
    "ops.Relu": "relu",
    "ops.Relu6": "relu6",
    "ops.HardTanh": "hard_tanh",
    "ops.LeakyRelu": "leaky_relu",
    "ops.SparseSigmoid": "sparse_sigmoid",
}
"""Operators that are functions of ``Activation``, whose name is its own for them."""
HANDLERS: dict[str, Handler] = {
    "Identity": _identity,
    "Rescaling": _rescaling,
    "ops.Cast": _cast,
    "ops.Absolute": _absolute,
    "ops.Square": _square,
    "ops.Min": _min,
    "ops.Amin": _min,
    "ops.Swapaxes": _swapaxes,
    "ops.Flip": _flip,
    "ops.Elu": _elu,
    "ops.Gelu": _gelu,
    "ops.SoftShrink": _shrink(soft_shrink),
    "ops.HardShrink": _shrink(hard_shrink),
    "ops.Threshold": _thresholded,
    **{kind: _function(name) for kind, name in FUNCTIONS.items() if kind not in operators.HANDLERS},
}
