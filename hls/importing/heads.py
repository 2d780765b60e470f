"""A last softmax or sigmoid: left to software, made an index or a table, where a project states so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from hls.errors import UnsupportedError
from hls.importing.argmax import emit_argmax
from hls.importing.emitter import Emitter
from hls.importing.quantizers import function_name
from hls.importing.softmax import emit_softmax
from hls.importing.spec import LayerSpec, ModelSpec

DROP, ARGMAX, TABLE = "drop", "argmax", "table"
ORDER = "order alone"
"""Of a function of which nothing is stated, where the outputs are: left out if it is there."""
MODES = {"softmax": (DROP, ARGMAX, TABLE), "sigmoid": (DROP,)}
"""What may be stated of a last function, by its name."""
_CLASSES = {"Softmax": "softmax", "ops.Softmax": "softmax", "ops.Sigmoid": "sigmoid"}


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
        if self.mode == ORDER:
            return f"layer {self.layer!r}: its {self.function} keeps the order of the scores and is left out"
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
        if mode not in (*MODES[function], ORDER):
            raise UnsupportedError(f"{function} {mode!r} is not known here; choose one of {', '.join(MODES[function])}")
        heads = [Head(port, layer, function, mode) for port, layer in _ending_in(model, function)]
        if not heads and mode != ORDER:
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
        return emit_argmax(emit, scores, 'softmax = "drop" leaves them to software')
    if mode == TABLE:
        softmax = emit_softmax(emit, scores)
        emit.builder.softmaxes[softmax] = scores
        return softmax
    return scores
