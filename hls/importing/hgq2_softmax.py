"""HGQ2's softmax (hgq 0.2), ``e * inv(sum(e))`` with ``e = exp(max - score)``: both functions are tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import prod

import numpy as np

from hls.errors import UnsupportedError
from hls.graph import nodes
from hls.graph.fixed import FixedArray
from hls.importing import hgq2
from hls.importing.element_types import Formats, emit_formats
from hls.importing.emitter import Emitter, Handler
from hls.importing.hgq2 import Floats
from hls.importing.spec import LayerSpec

_EPSILON = np.float32(1e-7)
"""Keras's own, which HGQ2 adds to what it divides by."""
_MOST_ENTRIES = 1 << 16


@dataclass(frozen=True)
class Softmax:
    """Over the last axis of ``factor`` times the scores; ``stable`` where they are taken from the greatest of them.

    ``held`` begins the names of what the layer holds, ``told`` those of its options about the tables.
    """

    emit: Emitter
    spec: LayerSpec
    factor: np.float32
    stable: bool = True
    held: str = ""
    told: str = ""

    def of(self, scores: str) -> str:
        """The shares, before any quantizer behind them."""
        emit, shape = self.emit, self.emit.edge(scores).shape
        count = shape[-1]
        flat = emit(nodes.Reshape, "flat", (scores,), (prod(shape[:-1]), count))
        first = emit(nodes.Transpose, "first", (flat,), (1, 0))
        over = ((count,), (count,), ((0, 0),))
        if self.stable:
            top = emit(nodes.Pool, "max", (first,), *over, True)
            first = emit(nodes.Add, "below", (top, first), True)
        factor = -self.factor if self.stable else self.factor
        powers = self._table("exp", first, lambda x: np.exp(x * factor))
        total = emit(nodes.Pool, "total", (powers,), *over, False)
        inverse = self._table("inv", total, lambda x: np.float32(1) / (x + _EPSILON))
        shares = emit(nodes.Multiply, "share", (powers, inverse))
        return emit(nodes.Reshape, "heads", (emit(nodes.Transpose, "last", (shares,), (1, 0)),), shape)

    def _table(self, name: str, x: str, function: Callable[[Floats], Floats]) -> str:
        """A function between two types, each one for all values."""
        unread = name == "exp" and not self.stable  # what the scores are quantized to is all there is
        source, target = None if unread else self._one_type(name, "iq"), self._one_type(name, "oq")
        x = x if source is None else emit_formats(self.emit, x, source)
        edge = self.emit.edge(x)
        size = edge.raw_max - edge.raw_min + 1
        if target is None or size > _MOST_ENTRIES:
            raise UnsupportedError(
                f"layer {self.spec.name!r}: its table {name} has {size:,} entries, of {_MOST_ENTRIES:,} at most, or no "
                "type; train it with quantizers of fewer bits, which is another network"
            )
        raw = np.arange(edge.raw_min, edge.raw_max + 1, dtype=np.float64)
        values = function(np.ldexp(raw, -edge.fraction).astype(np.float32))
        entries = FixedArray.from_float(hgq2.through(target, values))
        return self.emit(nodes.Table, name, (x,), entries, edge.raw_min)

    def _one_type(self, table: str, role: str) -> Formats | None:
        part = hgq2.part(self.spec, f"{self.held}{table}_table")
        found = hgq2.formats(part, role, self.spec.config.get(f"{self.told}{table}_{role}_conf"))
        if found is not None and found.bits.size != 1:
            raise UnsupportedError(
                f"layer {self.spec.name!r}: its table {table} has a type for each value; train it with "
                f"{self.told}allow_heterogeneous_table=False, which is another network"
            )
        if found is None:
            return None
        signed, bits, integer = (a.reshape(1) for a in (found.signed, found.bits, found.integer))
        return replace(found, signed=signed, bits=bits, integer=integer)


def _softmax(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    """``QSoftmax``, over the last axis."""
    x = hgq2.read(emit, spec, inputs[0])
    rank = len(emit.edge(x).shape)
    axes = {int(axis) % (rank + 1) for axis in np.atleast_1d(spec.config.get("axes", -1))}
    if axes != {rank}:
        raise UnsupportedError(
            f"layer {spec.name!r}: a softmax over the axes {sorted(axes)} of {rank + 1} (the batch is 0); Permute, and "
            f"take it over the last, {rank}"
        )
    factor, stable = np.float32(spec.config.get("input_scaler", 1.0)), bool(spec.config.get("stable", True))
    return hgq2.write(emit, spec, Softmax(emit, spec, factor, stable).of(x))


HANDLERS: dict[str, Handler] = {f"{hgq2.PREFIX}QSoftmax": _softmax}
