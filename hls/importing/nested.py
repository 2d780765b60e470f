"""Models in a model, as the layers that they are made of: ``inner.dense`` is the layer "dense" of the model "inner"."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from hls.errors import ModelFileError
from hls.importing.spec import Call, Constant, LayerSpec, ModelSpec, TensorRef

SEPARATOR = "."


@dataclass(frozen=True, eq=False)
class Inner:
    """A model that stands in the place of a layer, and whether its calls are counted from 1: building it was the first.

    Keras 2 counts so wherever it names an output of such a model, Keras 3 only where that is an output of the outer
    model, and a Sequential not even there.
    """

    model: ModelSpec
    built_in_calls: bool
    built_in_outputs: bool


@dataclass(frozen=True, eq=False)
class _Nested:
    model: ModelSpec
    calls: tuple[Call, ...]


def flattened(outer: ModelSpec, inner: Mapping[str, Inner]) -> ModelSpec:
    """``outer`` with the layers of each model of ``inner`` in the place of the layer of that name.

    Raises:
        ModelFileError: calls that no Keras writes.
    """
    if not inner:
        return outer
    for name, model in inner.items():
        outer = _counted_from_zero(outer, name, model)
    nested = {name: _Nested(model.model, outer.layers[name].calls) for name, model in inner.items()}

    def source(ref: TensorRef) -> TensorRef:
        """The layer's output that ``ref`` names, through as many models as it takes."""
        passed: set[TensorRef] = set()
        while ref.layer in nested:
            if ref in passed:
                raise ModelFileError(f"model {ref.layer!r} reads its own output; save the whole model again")
            passed.add(ref)
            ref = _output(nested[ref.layer], ref)
        return ref

    def argument(value: TensorRef | Constant) -> TensorRef | Constant:
        return source(value) if isinstance(value, TensorRef) else value

    layers: dict[str, LayerSpec] = {}
    for layer in outer.layers.values():
        held = _layers(nested[layer.name], layer.name) if layer.name in nested else [layer]
        for one in held:
            calls = tuple(replace(call, arguments=tuple(map(argument, call.arguments))) for call in one.calls)
            layers[one.name] = replace(one, calls=calls)
    return replace(outer, layers=layers, outputs=tuple(map(source, outer.outputs)))


def _counted_from_zero(outer: ModelSpec, name: str, inner: Inner) -> ModelSpec:
    count = len(outer.layers[name].calls)
    read = [
        ref.node for layer in outer.layers.values() for call in layer.calls for ref in call.inputs if ref.layer == name
    ]
    given = [ref.node for ref in outer.outputs if ref.layer == name]
    in_calls, in_outputs = _first(read, count, inner.built_in_calls), _first(given, count, inner.built_in_outputs)

    def moved(value: TensorRef | Constant) -> TensorRef | Constant:
        if isinstance(value, TensorRef) and value.layer == name:
            return replace(value, node=value.node - in_calls)
        return value

    layers = {
        layer.name: replace(
            layer,
            calls=tuple(replace(call, arguments=tuple(map(moved, call.arguments))) for call in layer.calls),
        )
        for layer in outer.layers.values()
    }
    outputs = tuple(replace(ref, node=ref.node - in_outputs) if ref.layer == name else ref for ref in outer.outputs)
    return replace(outer, layers=layers, outputs=outputs)


def _first(numbers: list[int], calls: int, built: bool) -> int:
    """The number of the first call, by the numbers that are named; where they fit both, by the habit of that Keras.

    >>> _first([0], 1, built=True), _first([1], 1, built=False), _first([1], 2, built=True)
    (0, 1, 1)
    """
    if 0 in numbers:
        return 0
    return int(built or max(numbers, default=0) >= calls)


def _output(nested: _Nested, ref: TensorRef) -> TensorRef:
    """What stands behind output ``ref`` of a model: of a layer in it, or what it is called with."""
    if not 0 <= ref.node < len(nested.calls) or ref.tensor >= len(nested.model.outputs):
        raise ModelFileError(f"model {ref.layer!r} has no output {ref.tensor} of call {ref.node}; save it again")
    return _inside(nested, ref.layer, ref.node, nested.model.outputs[ref.tensor])


def _inside(nested: _Nested, name: str, number: int, ref: TensorRef) -> TensorRef:
    """A tensor of the model in its call ``number``, as one of the outer model."""
    given, ports = nested.calls[number].inputs, nested.model.inputs
    if ref in ports:
        if len(given) != len(ports):
            raise ModelFileError(
                f"model {name!r} has {len(ports)} inputs and is called with {len(given)}; save it again"
            )
        return given[ports.index(ref)]
    layer = nested.model.layers.get(ref.layer)
    if layer is None:
        raise ModelFileError(f"model {name!r} holds no layer {ref.layer!r}; save the whole model again")
    return TensorRef(name + SEPARATOR + ref.layer, number * len(layer.calls) + ref.node, ref.tensor)


def _layers(nested: _Nested, name: str) -> Iterator[LayerSpec]:
    """The layers of a model, each called as often as it is in all calls of the model."""
    for layer in nested.model.layers.values():
        if layer.class_name == "InputLayer":
            continue
        calls = [
            Call(
                tuple(
                    _inside(nested, name, number, value) if isinstance(value, TensorRef) else value
                    for value in call.arguments
                ),
                {**call.keywords, **_acting(outer.keywords)},
            )
            for number, outer in enumerate(nested.calls)
            for call in layer.calls
        ]
        yield replace(layer, name=name + SEPARATOR + layer.name, calls=tuple(calls))


def _acting(keywords: Mapping[str, Any]) -> dict[str, Any]:
    """Without the masks that are none: Keras 3 writes one for each input of a model."""
    empty = {key for key, value in keywords.items() if isinstance(value, list) and not any(value)}
    return {key: value for key, value in keywords.items() if key not in empty}
