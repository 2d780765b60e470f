"""The state of one translation: layers stated so far, and how a tensor of the graph is held by them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import singledispatch

import numpy as np
import numpy.typing as npt

from hls.errors import UnsupportedError
from hls.graph import Edge, FixedGraph
from hls.graph.fixed import FixedArray, FixedType
from hls.graph.nodes import Node, refusal
from hls.hls4ml_project import sum_pooling
from hls.hls4ml_project.backend import find_backend
from hls.hls4ml_project.types import Attribute, HlsLayer, HlsType, Value, coarsest, float_constants
from hls.target import Target

# Layers that cast an exact result once, at the very end: they may cast straight to the type of a quantizer.
FUSABLE = frozenset(
    {
        "Activation",
        "BatchNormalization",
        "Conv1D",
        "Conv2D",
        "Dense",
        "DepthwiseConv1D",
        "DepthwiseConv2D",
        "LeakyReLU",
        "Merge",
        sum_pooling.CLASS_NAME,
    }
)


class Lowering:
    """Collects ``HlsLayer``s for one graph and target; the node handlers of this package add to it."""

    def __init__(self, graph: FixedGraph, target: Target) -> None:
        self.graph = graph
        self.target = target
        self.backend = find_backend(target.backend)
        self.layers: dict[str, HlsLayer] = {}
        self.values: dict[str, Value] = {}
        self.readers = {name: len(readers) for name, readers in graph.consumers().items()}
        self.depthwise_rank: int | None = None
        self._reshaped: dict[tuple[str, tuple[int, ...]], Value] = {}

    @property
    def streaming(self) -> bool:
        """Whether tensors travel in FIFOs, one pack of channels at a time."""
        return self.target.io_type == "io_stream"

    def input(self, node: Node, index: int = 0) -> tuple[Value, Edge]:
        """An input of ``node``, as held and as the graph knows it."""
        name = node.inputs[index]
        return self.values[name], self.graph.edges[name]

    def fit(self, type_: FixedType) -> FixedType:
        """``type_``, or on ac_fixed the two-bit type of the same grid for one bit.

        There hls4ml declares a one-bit type with two bits, on another grid.
        """
        if self.backend.ac_fixed and type_.width == 1:
            return FixedType(type_.signed, 2, type_.integer + 1)
        return type_

    def exact(self, edge: Edge) -> HlsType:
        """The type of a tensor that cannot overflow."""
        return HlsType(self.fit(edge.type))

    def constant(
        self, name: str, values: FixedArray, node: Node
    ) -> tuple[dict[str, npt.NDArray[np.float64]], dict[str, HlsType]]:
        """Attribute and type of a constant array called ``name`` by hls4ml."""
        narrowest = coarsest(values)
        data = float_constants(narrowest, node.name)
        return {f"{name}_data": data}, {name: HlsType(self.fit(narrowest.type))}

    def refuse(
        self, node: Node, why: str, cure: str = "choose another backend or io_type, or change the layer"
    ) -> UnsupportedError:
        """The error for a node that this backend cannot do exactly."""
        target = self.target
        return UnsupportedError(
            f"layer {node.layer!r} ({type(node).__name__} {node.name!r}): {why} on hls4ml's {target.backend} backend "
            f"with {target.io_type}; {cure}"
        )

    def emit(
        self,
        node: Node,
        class_name: str,
        inputs: Sequence[Value],
        shape: tuple[int, ...],
        result: HlsType,
        attributes: Mapping[str, Attribute],
        types: dict[str, HlsType] | None = None,
        most_reuse: int | None = None,
    ) -> Value:
        """State one layer; its output has ``shape`` and type ``result``."""
        slug = re.sub(r"[^A-Za-z0-9]+", "_", node.name).strip("_").lower()[:40]
        name = f"n{len(self.layers) + 1}_{slug or 'node'}"
        sources = tuple(value.layer for value in inputs)
        stated = {"result": result, **(types or {})}
        self.layers[name] = HlsLayer(name, class_name, sources, shape, stated, attributes, node.name, most_reuse)
        return Value(name, shape, shape, result)

    def shaped(self, node: Node, value: Value, shape: tuple[int, ...]) -> Value:
        """``value`` with ``shape`` known to hls4ml too, and in a stream packed by its last axis."""
        if value.layer_shape == shape:
            return replace(value, shape=shape)
        if self.streaming:
            # hls4ml's repacking is right only where one pack size divides the other, and a flattened stream keeps
            # the packs that it had.
            before, after = value.layer_shape[-1], shape[-1]
            common = math.gcd(before, after)
            if common not in (before, after):
                value = self._reshape(node, value, (value.size // common, common))
            if len(shape) == 1:
                value = self._reshape(node, value, (1, *shape))
        return self._reshape(node, value, shape)

    def flattened(self, node: Node, value: Value) -> Value:
        """``value`` as one vector, for a dense layer: that gathers a stream whatever its packs."""
        return self._reshape(node, value, (value.size,))

    def _reshape(self, node: Node, value: Value, shape: tuple[int, ...]) -> Value:
        if value.layer_shape == shape:
            return replace(value, shape=shape)
        key = (value.layer, shape)
        if key not in self._reshaped:
            attributes: dict[str, Attribute] = {"target_shape": list(shape)}
            self._reshaped[key] = self.emit(node, "Reshape", (value,), shape, value.type, attributes)
        return self._reshaped[key]

    def cast(self, node: Node, value: Value, type_: HlsType) -> Value:
        """``value`` rounded and saturated as ``type_`` says; no layer where that changes nothing."""
        if value.type.type == type_.type and type_.overflow != "SAT_SYM":  # which takes one value off the type itself
            return value
        return self.pointwise(node, "Activation", value, type_, {"activation": "linear"}, unused_table())

    def pointwise(
        self,
        node: Node,
        class_name: str,
        value: Value,
        result: HlsType,
        attributes: Mapping[str, Attribute],
        types: dict[str, HlsType] | None = None,
    ) -> Value:
        """A layer that works element by element: it keeps the shape that hls4ml knows and the one the graph means."""
        attributes = {"n_in": value.size, **attributes}
        made = self.emit(node, class_name, (value,), value.layer_shape, result, attributes, types)
        return replace(made, shape=value.shape)

    def offset(self, node: Node, value: Value, raw: int, result: HlsType) -> Value:
        """``value`` plus ``raw`` units of its last place, cast to ``result``."""
        if raw == 0:
            return self.cast(node, value, result)
        fraction = value.fraction
        return self.affine(
            node, value, FixedArray(np.array([1]), 0), FixedArray(np.array([raw], dtype=object), fraction), result
        )

    def affine(self, node: Node, value: Value, factor: FixedArray, shift: FixedArray, result: HlsType) -> Value:
        """``value * factor + shift`` per channel, exactly, then cast to ``result``."""
        scale, scale_type = self.constant("scale", factor, node)
        bias, bias_type = self.constant("bias", shift, node)
        channels = factor.integers.size
        attributes: dict[str, Attribute] = {"n_filt": channels, "use_gamma": True, "use_beta": True, **scale, **bias}
        return self.pointwise(node, "BatchNormalization", value, result, attributes, scale_type | bias_type)

    def cast_at_source(self, node: Node, value: Value, type_: HlsType) -> Value:
        """As ``cast``, but done by the layer that made the exact ``value`` where ``node`` is all that reads it."""
        source = node.inputs[0]
        spec = self.layers[value.layer]
        alone = self.readers[source] == 1 and source not in self.graph.outputs
        exact = spec.node == source and not self.graph.nodes[source].rounds
        if not (alone and exact and spec.class_name in FUSABLE):
            return self.cast(node, value, type_)
        self.layers[spec.name] = replace(spec, types={**spec.types, "result": type_})
        return replace(value, type=type_)


@singledispatch
def state(node: Node, low: Lowering) -> Value:
    """State the layers that compute ``node``; the rules are in ``linear``, ``pointwise`` and ``structure``."""
    raise refusal(node, "state (hls.hls4ml_project.lowering)")


def unused_table() -> dict[str, HlsType]:
    """hls4ml declares a lookup table type for every activation, also where none is looked up."""
    return {"table": HlsType(FixedType(True, 2, 2))}
