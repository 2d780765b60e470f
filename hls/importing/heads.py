"""A last softmax or sigmoid: left to software, made an index or a table, where a project states so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from hls.errors import UnsupportedError
from hls.graph import nodes
from hls.graph.fixed import FixedArray, FixedType
from hls.graph.float32 import EXACT
from hls.importing.emitter import Emitter
from hls.importing.quantizers import function_name
from hls.importing.softmax import emit_softmax
from hls.importing.spec import LayerSpec, ModelSpec

DROP, ARGMAX, TABLE = "drop", "argmax", "table"
MODES = {"softmax": (DROP, ARGMAX, TABLE), "sigmoid": (DROP,)}
"""What may be stated of a last function, by its name."""
_CLASSES = {"Softmax": "softmax", "ops.Softmax": "softmax", "ops.Sigmoid": "sigmoid"}
_MOST_CLASSES = 128


@dataclass(frozen=True)
class Head:
    """The last ``function`` of output number ``port``, computed by ``layer``, and what is made of it."""

    port: int
    layer: str
    function: str
    mode: str

    @property
    def note(self) -> str:
        """What a report says of it."""
        if self.mode == ARGMAX:
            return (
                f"layer {self.layer!r}: its softmax is read as the index of the largest score, the first of equal ones"
            )
        if self.mode == TABLE:
            return (
                f"layer {self.layer!r}: its softmax is computed by tables of fixed-point numbers, which are the "
                "specification here (docs/how-it-works/softmax.md)"
            )
        return f"layer {self.layer!r}: its {self.function} is left to software, so the output is what it would read"


def stated_heads(model: ModelSpec, softmax: str | None, sigmoid: str | None) -> tuple[Head, ...]:
    """The last functions of which something is stated.

    Raises:
        UnsupportedError: what is stated is none of the choices, or no output ends in such a function.
    """
    found: list[Head] = []
    for function, mode in (("softmax", softmax), ("sigmoid", sigmoid)):
        if mode is None:
            continue
        if mode not in MODES[function]:
            raise UnsupportedError(f"{function} {mode!r} is not known here; choose one of {', '.join(MODES[function])}")
        heads = [Head(port, layer, function, mode) for port, layer in _ending_in(model, function)]
        if not heads:
            raise UnsupportedError(
                f"{function} {mode!r} is stated, and no output of the network is the {function} of a layer that is "
                "called once; leave the statement out"
            )
        found += heads
    return tuple(found)


def without_heads(model: ModelSpec, heads: tuple[Head, ...]) -> ModelSpec:
    """The model whose outputs are what those functions read."""
    layers = dict(model.layers)
    for head in heads:
        layers[head.layer] = _linear(layers[head.layer])
    return replace(model, layers=layers)


def _ending_in(model: ModelSpec, function: str) -> Iterator[tuple[int, str]]:
    read = {ref for layer in model.layers.values() for call in layer.calls for ref in call.inputs}
    for port, ref in enumerate(model.outputs):
        layer = model.layers.get(ref.layer)
        if layer is not None and len(layer.calls) == 1 and ref not in read and _function(layer) == function:
            _check_axis(layer)
            yield port, ref.layer


def _function(layer: LayerSpec) -> str | None:
    return _CLASSES.get(layer.class_name) or function_name(layer.config.get("activation"))


def _check_axis(layer: LayerSpec) -> None:
    axis = layer.config.get("axis", -1)
    if layer.class_name in ("Softmax", "ops.Softmax") and axis != -1:
        raise UnsupportedError(
            f"layer {layer.name!r}: a softmax over axis {axis}, and only the last, written -1, is read here; end the "
            "network before it and leave the rest to software"
        )


def _linear(layer: LayerSpec) -> LayerSpec:
    class_name = "Activation" if layer.class_name in _CLASSES else layer.class_name
    return replace(layer, class_name=class_name, config={**layer.config, "activation": "linear"})


def emit_head(emit: Emitter, mode: str, scores: str) -> str:
    """What is made of the scores that the function would read."""
    if mode == ARGMAX:
        return emit_argmax(emit, scores)
    if mode == TABLE:
        softmax = emit_softmax(emit, scores)
        emit.builder.softmaxes[softmax] = scores
        return softmax
    return scores


def emit_argmax(emit: Emitter, scores: str) -> str:
    """The index of the largest score along the last axis, the first of equal ones, as numpy's ``argmax``.

    The sign bit of ``x_i - x_j``, for each pair i < j, says whether the later score is above the earlier one. A class
    wins that is above all earlier ones and that no later one is above: then all its k - 1 bits are right, and what they
    count up to, less k - 2, is one.

    Raises:
        UnsupportedError: one score, or so many that their pairs fill a chip.
    """
    classes = emit.edge(scores).shape[-1]
    if not 2 <= classes <= _MOST_CLASSES:
        raise UnsupportedError(
            f'layer {emit.layer!r}: softmax = "argmax" compares 2 to {_MOST_CLASSES} scores, each with each, and here '
            f'are {classes}; softmax = "drop" leaves them to software'
        )
    above = _above(emit, scores, classes)
    wins = emit(nodes.Quantize, "wins", (_right(emit, above, classes),), FixedType(False, 1, 1), 0, 1, float32=EXACT)
    indices = FixedArray(np.arange(classes).reshape(-1, 1), 0)
    index = emit(nodes.Dense, "index", (wins,), indices, _zeros(1), float32=EXACT)
    type_ = FixedType.covering(0, classes - 1, 0)  # one class wins, which the sum of all that may win does not know
    return emit(nodes.Quantize, "argmax", (index,), type_, 0, classes - 1, float32=EXACT)


def _above(emit: Emitter, scores: str, classes: int) -> str:
    """For each pair minus one, in units of its step, where the later score is above the earlier one; else zero."""
    earlier, later = np.triu_indices(classes, 1)
    pairs = np.arange(len(earlier))
    kernel = np.zeros((classes, len(pairs)), np.int64)
    kernel[earlier, pairs], kernel[later, pairs] = 1, -1
    difference = emit(nodes.Dense, "difference", (scores,), FixedArray(kernel, 0), _zeros(len(pairs)), float32=EXACT)
    edge = emit.edge(difference)
    bits = max(edge.raw_max.bit_length(), (-edge.raw_min - 1).bit_length() if edge.raw_min < 0 else 0)
    sign = FixedType(True, 1, 1 + bits - edge.fraction)  # of a step that no difference passes: its floor is the sign
    return emit(nodes.Quantize, "above", (difference,), sign, -1, 0, nodes.Rounding.FLOOR, float32=EXACT)


def _right(emit: Emitter, above: str, classes: int) -> str:
    """How many comparisons each class wins, less what leaves one for all of them."""
    earlier, later = np.triu_indices(classes, 1)
    pairs = np.arange(len(earlier))
    kernel = np.zeros((len(pairs), classes), np.int64)
    kernel[pairs, earlier], kernel[pairs, later] = 1, -1
    step = emit.edge(above).fraction
    bias = FixedArray(1 - np.arange(classes), 0)
    return emit(nodes.Dense, "won", (above,), FixedArray(kernel, -step), bias, float32=EXACT)


def _zeros(outputs: int) -> FixedArray:
    return FixedArray(np.zeros(outputs, np.int64), 0)
