"""HGQ2's attention (hgq 0.2): projections, products of values by values, and a softmax of two tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import prod, sqrt

import numpy as np

from hls.errors import ModelFileError, UnsupportedError
from hls.graph import nodes
from hls.graph.fixed import FixedArray
from hls.importing import hgq2, hgq2_einsum
from hls.importing.element_types import Formats
from hls.importing.emitter import Emitter, Handler
from hls.importing.hgq2_softmax import Softmax
from hls.importing.spec import LayerSpec

_QUERY, _KEY, _VALUE = "query_dense", "key_dense", "value_dense"
_FUSED = {"qkv": (_QUERY, _KEY, _VALUE), "kv": (_KEY, _VALUE)}
"""Projections that read their input through one quantizer, which the file holds for one of them."""


def input_formats(spec: LayerSpec, reads: Sequence[bool]) -> Iterator[Formats | None]:
    """The types in which an attention reads one tensor; ``reads``: at which of its inputs it stands."""
    names = {_QUERY: _QUERY, _VALUE: _VALUE, _KEY: _KEY}
    if spec.class_name.endswith("QLinformerAttention"):
        shared = bool(spec.config.get("share_kv_proj", False))
        names |= {_VALUE: "_lin_k_proj" if shared else "_lin_v_proj", _KEY: "_lin_k_proj"}
    for name, place in zip(names.values(), _places(len(reads)), strict=True):
        if reads[place]:
            yield hgq2.input_formats(_projection(spec, name, "", bias=None, reads=True, writes=False))


def _places(inputs: int) -> tuple[int, int, int]:
    """Which input is query, value and key."""
    return (0, min(1, inputs - 1), min(2, inputs - 1))


def _projection(spec: LayerSpec, name: str, equation: str, *, bias: str | None, reads: bool, writes: bool) -> LayerSpec:
    """One of the dense layers, whose quantizers are told once for all of them."""
    confs = {f"{role}_conf": spec.config.get(f"qkvo_{role}_conf") for role in ("iq", "kq", "bq", "oq")}
    reads = reads and bool(spec.config.get("enable_iq", True) or name == "output_dense")
    found = hgq2.part(spec, name, equation=equation, bias_axes=bias, enable_iq=reads, enable_oq=writes, **confs)
    for other in _FUSED.get(str(spec.config.get("fuse", "none")), ()) if name in _FUSED["qkv"] else ():
        shared = spec.parts.get(f"{other}/iq/quantizer")
        if shared is not None and "iq/quantizer" not in found.parts:
            found = replace(found, parts={**found.parts, "iq/quantizer": shared})
    return found


@dataclass(frozen=True)
class _Attention:
    """One layer of attention."""

    emit: Emitter
    spec: LayerSpec

    def shortened(self, name: str, x: str) -> str:
        """Linformer's projection of the positions to fewer."""
        given, written = (bool(self.spec.config.get(key, False)) for key in ("enable_iq", "enable_oq"))
        part = _projection(self.spec, name, "", bias=None, reads=given, writes=written)
        kernel = FixedArray.from_float(hgq2.constant(part, "kq", hgq2.array(part, 0)))
        rows = self.emit(nodes.Transpose, "features", (hgq2.read(self.emit, part, x),), (1, 0))
        zero = FixedArray(np.zeros(kernel.shape[-1], np.int64), 0)
        shorter = self.emit(nodes.Dense, "shorten", (rows,), kernel, zero)
        return hgq2.write(self.emit, part, self.emit(nodes.Transpose, "positions", (shorter,), (1, 0)))

    def scores(self, query: str, key: str) -> str:
        """From (heads, t, k) and (heads, s, k) to the sums over k, (heads, t, s)."""
        (heads, rows, depth), columns = self.emit.edge(query).shape, self.emit.edge(key).shape[1]
        every = self.products(query, key, (rows, 1, depth), (1, columns, depth))
        return self.summed(every, (heads, rows, columns), depth)

    def mixed(self, weights: str, values: str) -> str:
        """From (heads, t, s) and (heads, s, d) to the sums over s, (heads, t, d)."""
        emit = self.emit
        (heads, rows, count), wide = emit.edge(weights).shape, emit.edge(values).shape[2]
        every = self.products(weights, values, (rows, count, 1), (1, count, wide))
        flat = emit(nodes.Reshape, "terms", (every,), (heads * rows, count, wide))
        # The values are turned behind their product: hls4ml takes a Transpose before a broadcast out of the network.
        turned = emit(nodes.Transpose, "turned", (flat,), (0, 2, 1))
        return self.summed(turned, (heads, rows, wide), count)

    def products(self, a: str, b: str, left: tuple[int, ...], right: tuple[int, ...]) -> str:
        """Of each head, as these shapes, which are broadcast; a single head has no axis of its own."""
        heads = self.emit.edge(a).shape[0]
        head = (heads,) if heads > 1 else ()
        first = self.emit(nodes.Reshape, "rows", (a,), (*head, *left))
        second = self.emit(nodes.Reshape, "columns", (b,), (*head, *right))
        return self.emit(nodes.Multiply, "multiply", (first, second))

    def summed(self, x: str, shape: tuple[int, ...], count: int) -> str:
        """Over the last axis."""
        flat = self.emit(nodes.Reshape, "pairs", (x,), (prod(shape), count))
        ones, zero = FixedArray(np.ones((count, 1), np.int64), 0), FixedArray(np.zeros(1, np.int64), 0)
        total = self.emit(nodes.Dense, "sum", (flat,), ones, zero)
        return self.emit(nodes.Reshape, "sums", (total,), shape)

    def softmax(self, scores: str) -> str:
        """Over the last axis."""
        factor = np.float32(1 / sqrt(float(self.spec.config["key_dim"])))
        shares = Softmax(self.emit, self.spec, factor, held="_softmax/", told="softmax_").of(scores)
        part = hgq2.part(self.spec, "_softmax", enable_oq=True, oq_conf=self.spec.config.get("softmax_oq_conf"))
        return hgq2.write(self.emit, part, shares)


def _swapped(emit: Emitter, x: str) -> str:
    """Heads before positions, or positions before heads."""
    first, second, depth = emit.edge(x).shape
    if 1 in (first, second):
        return emit(nodes.Reshape, "heads", (x,), (second, first, depth))
    return emit(nodes.Transpose, "heads", (x,), (1, 0, 2))


def _attention(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    """The query's positions read the value's, by scores of the key."""
    config = spec.config
    if len(inputs) > 3 or config.get("fuse", "none") not in ("none", *_FUSED):
        raise UnsupportedError(
            f"layer {spec.name!r}: a mask, or projections that are fused otherwise; call it with a query, a value and "
            "a key, and fuse of 'none', 'qkv' or 'kv'"
        )
    query, value, key = (inputs[place] for place in _places(len(inputs)))
    if not config.get("stable_softmax", True) or any(len(emit.edge(x).shape) != 2 for x in inputs):
        raise UnsupportedError(
            f"layer {spec.name!r}: a softmax with stable_softmax=False, or more axes than positions and features; "
            "train it with stable_softmax=True on two axes, which is another network"
        )
    if not isinstance(config.get("key_dim"), int) or config["key_dim"] < 1:
        raise ModelFileError(f"layer {spec.name!r}: key_dim={config.get('key_dim')!r} is none; save the model again")
    if "_softmax/iq/quantizer" in spec.parts:
        emit.builder.notes.append(f"layer {spec.name!r}: its softmax holds an input quantizer, which HGQ 2 0.2 ignores")
    layer = _Attention(emit, spec)
    if spec.class_name.endswith("QLinformerAttention"):
        shared = bool(config.get("share_kv_proj", False))
        key = layer.shortened("_lin_k_proj", key)
        value = key if shared else layer.shortened("_lin_v_proj", value)
    bias = "de" if config.get("use_bias", True) else None
    heads = []
    for name, x, offset in ((_QUERY, query, bias), (_KEY, key, None), (_VALUE, value, bias)):
        part = _projection(spec, name, "abc,cde->abde", bias=offset, reads=True, writes=True)
        heads.append(_swapped(emit, hgq2_einsum.dense(emit, part, (x,))))
    weights = layer.softmax(layer.scores(heads[0], heads[1]))
    joined = _swapped(emit, layer.mixed(weights, heads[2]))
    last = _projection(
        spec,
        "output_dense",
        "abcd,cde->abe",
        bias="e" if bias else None,
        reads=True,
        writes=bool(config.get("enable_oq")),
    )
    return hgq2_einsum.dense(emit, last, (joined,))


HANDLERS: dict[str, Handler] = {
    f"{hgq2.PREFIX}{name}": _attention for name in ("QMultiHeadAttention", "QLinformerAttention")
}
