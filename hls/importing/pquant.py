"""PQuantML's layers (pquant-ml 0.1, Keras): pruned and quantized kernels as they are, values through quantizers.

A model is read after `apply_final_compression(model)`, which leaves the pruned and rounded numbers in the kernels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from hls.errors import ModelFileError, UnsupportedError
from hls.graph import nodes
from hls.graph.fixed import FixedArray
from hls.graph.float32 import Doubles, Float32
from hls.importing import hgq2, pooling
from hls.importing.activations import emit_activation
from hls.importing.element_types import Formats, emit_formats
from hls.importing.emitter import Emitter, Handler
from hls.importing.hgq2_lookup import FUNCTIONS, Inexact, tabulated
from hls.importing.model_file import layer_kinds
from hls.importing.normalization import normalization
from hls.importing.options import sliding
from hls.importing.spec import LayerSpec


def is_pquant(model_file: Path) -> bool:
    """Whether any layer of a model file is PQuantML's."""
    return not HANDLERS.keys().isdisjoint(layer_kinds(model_file))


def _stated(spec: LayerSpec) -> Mapping[str, Any]:
    """What the compression was told of quantizers."""
    config = spec.config.get("config")
    found = config.get("quantization_parameters") if isinstance(config, Mapping) else None
    if not isinstance(found, Mapping):
        raise ModelFileError(f"layer {spec.name!r}: its compression is not in the file; save the whole model again")
    return found


def _formats(spec: LayerSpec, role: str) -> Formats | None:
    """The types of one of the layer's quantizers of values."""
    told = _stated(spec)
    if not told.get("enable_quantization", True):
        return None
    overflow = str(told.get("overflow_mode_data")).upper()
    mode = {"q_type": "kif", "scaler": None, "round_mode": told.get("round_mode"), "overflow_mode": overflow}
    if _granular(spec):
        arrays = spec.parts.get(f"{role}/quantizer/quantizer", ())
    else:
        held = spec.parts.get(role, ())
        if len(held) < 3:
            raise ModelFileError(f"layer {spec.name!r}: its {role} is not in the file; save the whole model again")
        signed, integer, fraction = (
            np.reshape(array, (1, *array.shape[1:]) if array.ndim else (1, 1)) for array in held[:3]
        )
        arrays = (fraction, signed, integer) if overflow == "WRAP" else (integer, fraction, signed)
    found = hgq2.formats(replace(spec, parts={f"{role}/quantizer": arrays}), role, {"config": mode})
    return None if found is None else hgq2.of_values(found)


def input_formats(spec: LayerSpec) -> Formats | None:
    """The types in which a layer reads its input; None where it does not say."""
    return _formats(spec, "input_quantizer") if spec.config.get("quantize_input", True) else None


def _read(emit: Emitter, spec: LayerSpec, x: str) -> str:
    found = input_formats(spec)
    return x if found is None else emit_formats(emit, x, found)


def _write(emit: Emitter, spec: LayerSpec, x: str) -> str:
    found = _formats(spec, "output_quantizer") if spec.config.get("quantize_output", False) else None
    return x if found is None else emit_formats(emit, x, found)


def _kernel(spec: LayerSpec) -> tuple[FixedArray, FixedArray]:
    """Kernel and bias, which the last step of the compression has pruned and rounded."""
    if not spec.config.get("final_compression_done", False):
        raise UnsupportedError(
            f"layer {spec.name!r}: its compression was not applied to its kernel; call pquant's "
            "apply_final_compression(model) and save the model again"
        )
    arrays = [array for array in spec.weights if array.ndim]
    has_bias = bool(spec.config.get("use_bias", True))
    if len(arrays) < 1 + has_bias or arrays[0].ndim < 2:
        raise ModelFileError(f"layer {spec.name!r}: kernel and bias are not in the file; save the whole model again")
    bias = arrays[1] if has_bias else np.zeros(arrays[0].shape[-1], np.float32)
    return FixedArray.from_float(arrays[0]), FixedArray.from_float(bias)


def _dense(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    kernel, bias = _kernel(spec)
    return _write(emit, spec, emit(nodes.Dense, "dense", (_read(emit, spec, inputs[0]),), kernel, bias))


def types_each_value(spec: LayerSpec) -> bool:
    """Whether a layer is PQuantML's and may have a type for each value."""
    return spec.class_name in HANDLERS and _granular(spec)


def _require_channels_last(spec: LayerSpec) -> None:
    if spec.config.get("data_format") == "channels_first":
        raise UnsupportedError(
            f"layer {spec.name!r}: data_format='channels_first', and its types are in that order too; build the model "
            "channels_last, Permute what it reads, and train it again"
        )


def _conv(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    _require_channels_last(spec)
    kernel, bias = _kernel(spec)
    rank = len(kernel.shape) - 2
    x = _read(emit, spec, inputs[0])
    window = sliding(spec, emit.edge(x).shape[:rank], kernel.shape[:rank])
    groups = int(spec.config.get("groups") or 1)
    return _write(emit, spec, emit(nodes.Conv, "conv", (x,), kernel, bias, *window, groups))


def _activation(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    """A ReLU, a clipped line, or a tanh that its output quantizer makes a table of."""
    name = str(spec.config.get("activation"))
    x = inputs[0]
    if name == "relu" and _stated(spec).get("use_relu_multiplier", False) and not _granular(spec):
        power = FixedArray.from_float(2.0 ** np.rint(hgq2.array(spec, 0).astype(np.float64)))
        x = emit(nodes.Scale, "multiplier", (x,), power, FixedArray(np.zeros(1, np.int64), 0))
    x = _read(emit, spec, x)
    if name != "tanh":
        return _write(emit, spec, emit_activation(emit.inside(), name, x))
    written = _formats(spec, "output_quantizer") if spec.config.get("quantize_output", False) else None
    if written is None:
        raise UnsupportedError(
            f"layer {spec.name!r}: a tanh without the type of its values; train with quantize_output=True"
        )

    def values(at: Doubles) -> Inexact:
        return Inexact(at, 0 * at).through(FUNCTIONS[name])

    return tabulated(emit, spec, x, (input_formats(spec), written), values)


def _granular(spec: LayerSpec) -> bool:
    return bool(_stated(spec).get("use_high_granularity_quantization", False))


def _batch_normalization(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    """Keras's, of what the quantizer leaves: factor and offset are float32 numbers."""
    x = _read(emit, spec, inputs[0])
    scale, shift = normalization(replace(spec, weights=tuple(array for array in spec.weights if array.ndim)))
    note = Float32(weights=scale.off, offset=shift.off)
    return emit(nodes.Scale, "normalize", (x,), scale.exact, shift.exact, float32=note)


def _average_pool(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    _require_channels_last(spec)
    kind = f"AveragePooling{spec.class_name[-2]}D"
    plain = replace(spec, class_name=kind, config={**spec.config, "activation": None, "average_quantizer": None})
    return _write(emit, spec, pooling.HANDLERS[kind](emit, plain, (_read(emit, spec, inputs[0]),)))


HANDLERS: dict[str, Handler] = {
    "PQDense": _dense,
    "PQConv1d": _conv,
    "PQConv2d": _conv,
    "PQActivation": _activation,
    "PQBatchNormalization": _batch_normalization,
    "PQAvgPool1d": _average_pool,
    "PQAvgPool2d": _average_pool,
}
