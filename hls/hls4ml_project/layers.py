"""FixedGraph to hls4ml layers: one rule per node kind, every type stated, nothing that rounds but what rounds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from hls.graph import FixedGraph, nodes
from hls.graph.fixed import FixedType
from hls.hls4ml_project import linear, pointwise, structure  # noqa: F401  (each registers its rules)
from hls.hls4ml_project.lowering import Lowering, state
from hls.hls4ml_project.types import HlsLayer, HlsType, Value
from hls.target import Target

MOST_READERS = 7


@dataclass(frozen=True)
class LayerList:
    """What hls4ml is handed. ``inputs`` and ``outputs`` name layers, in the order of the graph's own.

    ``ports`` and ``results`` are the values that these layers hold, ``layer_of`` the layer of every graph node.
    """

    layers: tuple[HlsLayer, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    ports: tuple[Value, ...]
    results: tuple[Value, ...]
    layer_of: Mapping[str, str]


def lower(graph: FixedGraph, target: Target) -> LayerList:
    """Translate ``graph`` for ``target``; raises ``UnsupportedError`` that names a layer that cannot be exact there."""
    low = Lowering(graph, target)
    for node in graph:
        low.values[node.name] = state(node, low)
    outputs: dict[str, Value] = {}
    results = []
    for name in graph.outputs:
        value = _own_layer(low, graph.nodes[name], low.values[name], outputs)
        outputs[value.layer] = value
        results.append(value)
    _check_readers(low, list(outputs))
    return LayerList(
        layers=tuple(low.layers.values()),
        inputs=tuple(low.values[name].layer for name in graph.inputs),
        outputs=tuple(outputs),
        ports=tuple(low.values[name] for name in graph.inputs),
        results=tuple(results),
        layer_of={name: value.layer for name, value in low.values.items()},
    )


def _check_readers(low: Lowering, outputs: list[str]) -> None:
    """hls4ml copies a stream at most seven times."""
    if not low.streaming:
        return
    readers = Counter(outputs)
    for spec in low.layers.values():
        readers.update(spec.inputs)
    for name, count in readers.items():
        if count > MOST_READERS:
            node = low.graph.nodes[low.layers[name].node]
            raise low.refuse(
                node, f"a tensor with {count} readers (more than {MOST_READERS}) is not built", "choose io_parallel"
            )


def _own_layer(low: Lowering, node: nodes.Node, value: Value, taken: Mapping[str, Value]) -> Value:
    """An output needs a layer of its own: hls4ml cannot return an input, nor one tensor twice."""
    spec = low.layers[value.layer]
    if spec.class_name not in ("InputLayer", "Reshape") and value.layer not in taken:
        return value
    type_ = value.type.type
    # One bit more makes it a cast that hls4ml keeps; the integers are the same.
    wider = HlsType(FixedType(type_.signed, type_.width + 1, type_.integer + 1))
    copy = low.cast(node, value, wider)
    return replace(copy, shape=value.shape)
