"""HGQ2's layers without kernels (hgq 0.2): quantizers, functions as tables, extremes and poolings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import log2

import numpy as np

from hls.errors import UnsupportedError
from hls.graph import nodes
from hls.graph.fixed import FixedArray
from hls.graph.float32 import Doubles
from hls.importing import hgq2, pooling
from hls.importing.element_types import Formats, emit_formats
from hls.importing.emitter import Emitter, Handler
from hls.importing.hgq2_lookup import FUNCTIONS, UNIT, Inexact, tabulated
from hls.importing.merges import extreme
from hls.importing.quantizers import function_name
from hls.importing.spec import LayerSpec

QUANTIZER = f"{hgq2.PREFIX}Quantizer"


def quantizer_formats(spec: LayerSpec) -> Formats | None:
    """The types of a layer that is a quantizer and nothing else."""
    alone = replace(spec, parts={"own/quantizer": spec.parts.get("quantizer", ())})
    config = spec.config.get("config")
    options = config.get("config", {}) if isinstance(config, dict) else {}
    if options.get("affine") is not None:
        raise UnsupportedError(
            f"layer {spec.name!r}: a quantizer with an affine map behind it; train it without affine"
        )
    found = hgq2.formats(alone, "own", config)
    return None if found is None else hgq2.of_values(found)


def _quantizer(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    found = quantizer_formats(spec)
    return inputs[0] if found is None else emit_formats(emit, inputs[0], found)


def _function(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    """A function from one type to another: a table, or one for each value where the types differ."""
    name = function_name(spec.config.get("activation")) or "linear"
    if name not in FUNCTIONS:
        raise UnsupportedError(
            f"layer {spec.name!r}: the function {name!r} is not read; train with one of {', '.join(FUNCTIONS)}"
        )
    affine: list[Doubles] = [np.ones(1), np.zeros(1)]
    if spec.class_name == f"{hgq2.PREFIX}QAffinedUnaryFunctionLUT":
        affine = [hgq2.array(spec, number).astype(np.float64) for number in (0, 1)]
    written = hgq2.formats(spec, "oq", spec.config.get("oq_conf")) if spec.config.get("enable_oq", True) else None
    if written is None:
        raise UnsupportedError(
            f"layer {spec.name!r}: a function without the type of its values; train with enable_oq=True"
        )
    read, types = hgq2.input_formats(spec), hgq2.of_values(written)
    x = inputs[0] if read is None else emit_formats(emit, inputs[0], read)

    def values(at: Doubles) -> Inexact:
        scaled = at * affine[0] + affine[1]
        return Inexact(scaled, 2 * UNIT * (np.abs(at * affine[0]) + np.abs(affine[1]))).through(FUNCTIONS[name])

    return tabulated(emit, spec, x, (read, types), values)


def _extreme(*, least: bool) -> Handler:
    def handler(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
        out, *others = hgq2.merged_inputs(emit, spec, inputs)
        for other in others:
            out = extreme(emit, out, other, least=least)
        return hgq2.write(emit, spec, out)

    return handler


def _mean(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    """The sum times the power of two that is nearest to one over how many there are."""
    out, *others = hgq2.merged_inputs(emit, spec, inputs)
    for other in others:
        out = emit(nodes.Add, "add", (out, other))
    share = FixedArray.from_float(np.array([2.0 ** round(log2(1.0 / len(inputs)))]))
    return hgq2.write(emit, spec, emit(nodes.Scale, "share", (out,), share, FixedArray(np.zeros(1, np.int64), 0)))


def _pooled(kind: str) -> Handler:
    """As Keras's layer of that class, of what the quantizer leaves."""

    def handler(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
        plain = replace(spec, class_name=kind, config={**spec.config, "activation": None, "average_quantizer": None})
        return hgq2.write(emit, spec, pooling.HANDLERS[kind](emit, plain, (hgq2.read(emit, spec, inputs[0]),)))

    return handler


_POOLS = [f"{span}{kind}Pooling{rank}D" for span in ("", "Global") for kind in ("Max", "Average") for rank in (1, 2)]
_HANDLERS: dict[str, Callable[[Emitter, LayerSpec, tuple[str, ...]], str]] = {
    "Quantizer": _quantizer,
    "QUnaryFunctionLUT": _function,
    "QAffinedUnaryFunctionLUT": _function,
    "QMaximum": _extreme(least=False),
    "QMinimum": _extreme(least=True),
    "QAveragePow2": _mean,
    **{f"Q{kind}": _pooled(kind) for kind in _POOLS},
}
HANDLERS: dict[str, Handler] = {f"{hgq2.PREFIX}{name}": handler for name, handler in _HANDLERS.items()}
MERGES = frozenset(f"{hgq2.PREFIX}{name}" for name in ("QMaximum", "QMinimum", "QAveragePow2"))
