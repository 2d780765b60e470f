"""One handler for each Keras layer class: from its configuration and weights to nodes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from hls.errors import ModelFileError, UnsupportedError
from hls.graph import nodes
from hls.graph.fixed import FixedArray
from hls.graph.float32 import Doubles, Float32
from hls.graph.windows import same_padding
from hls.importing import hgq, operators, pooling, products
from hls.importing.activations import clipped, emit_activation, leaky, thresholded
from hls.importing.emitter import Emitter, Handler
from hls.importing.options import require_channels_last, sizes
from hls.importing.quantizers import Quantizer, parse_quantizer
from hls.importing.spec import LayerSpec
from hls.importing.weights import as_trainable, float32_deviation, quantize_values, quantized_constant
from hls.machine.plugins import Plugins

_MOST_STATED_BITS = 20
"""Numbers of so few bits in a layer without a quantizer were quantized by whoever wrote them: float32 has 24."""


@dataclass(frozen=True, eq=False)
class _Constant:
    """What a layer multiplies by or adds, and by how much QKeras's own float32 may be off it; None if nowhere."""

    exact: FixedArray
    off: Doubles | None = None


def _kernel(spec: LayerSpec, key: str, values: npt.NDArray[np.float32]) -> _Constant:
    quantizer = parse_quantizer(spec.config.get(key), f"layer {spec.name!r}, {key}")
    if quantizer is None:
        stated = FixedArray.from_float(values)
        if stated.type.width <= _MOST_STATED_BITS:
            return _Constant(stated)
        raise UnsupportedError(
            f"layer {spec.name!r} ({spec.class_name}) has no {key}: its weights are plain floats; "
            f"use the QKeras layer with {key}=quantized_bits(8, 0, alpha=1), or leave the layer off the chip"
        )
    return _quantized(quantizer, values, kernel=True)


def _quantized(quantizer: Quantizer, values: npt.NDArray[np.float32], *, kernel: bool) -> _Constant:
    exact = quantized_constant(quantizer, values, kernel=kernel)
    return _Constant(exact, float32_deviation(quantizer, values, exact))


def _note(kernel: Doubles | None, bias: Doubles | None) -> Float32 | None:
    return None if kernel is None and bias is None else Float32(weights=kernel, offset=bias)


def _bias(emit: Emitter, spec: LayerSpec, outputs: int) -> _Constant:
    if not spec.config.get("use_bias", True):
        return _Constant(FixedArray(np.zeros(outputs, np.int64), 0))
    values = spec.weights[1]
    if values.shape != (outputs,):
        raise ModelFileError(
            f"layer {spec.name!r}: its bias has the shape {values.shape}, {outputs} outputs want ({outputs},)"
        )
    quantizer = parse_quantizer(spec.config.get("bias_quantizer"), f"layer {spec.name!r}, bias_quantizer")
    if quantizer is not None:
        return _quantized(quantizer, values, kernel=False)
    if values.any():
        emit.builder.notes.append(f"layer {spec.name!r}: its bias has no quantizer and enters as exact float32 numbers")
    return _Constant(FixedArray.from_float(values))


def _require_weights(spec: LayerSpec, count: int) -> None:
    if len(spec.weights) < count:
        raise UnsupportedError(
            f"layer {spec.name!r} ({spec.class_name}) has {len(spec.weights)} weight arrays, {count} expected: "
            "was the model built and its weights saved?"
        )


def _dense(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    _require_weights(spec, 1 + bool(spec.config.get("use_bias", True)))
    kernel = _kernel(spec, "kernel_quantizer", spec.weights[0])
    bias = _bias(emit, spec, kernel.exact.shape[1])
    out = emit(nodes.Dense, "dense", inputs, kernel.exact, bias.exact, float32=_note(kernel.off, bias.off))
    return emit_activation(emit, spec.config.get("activation"), out)


def _conv(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    _require_weights(spec, 1 + bool(spec.config.get("use_bias", True)))
    kernel = _masked(spec, _kernel(spec, "kernel_quantizer", spec.weights[0]))
    groups = int(spec.config.get("groups") or 1)
    return _emit_conv(emit, spec, inputs, kernel, groups)


def _masked(spec: LayerSpec, kernel: _Constant) -> _Constant:
    """QKeras multiplies the quantized kernel of a QConv2D by its ``mask``, if it has one."""
    mask = spec.config.get("mask")
    if mask is None:
        return kernel
    values = np.asarray(mask["config"]["value"] if isinstance(mask, dict) else mask, np.float32)
    if not np.isin(values, (0, 1)).all():
        raise UnsupportedError(f"layer {spec.name!r}: a mask of other numbers than 0 and 1; multiply the kernel by it")
    exact = kernel.exact
    values = values.reshape(*values.shape, *(1,) * (exact.integers.ndim - values.ndim))
    masked = FixedArray(exact.integers * values.astype(np.int64), exact.fraction)
    return _Constant(masked, None if kernel.off is None else kernel.off * values)


def _separable(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    """A depthwise convolution without a bias, then one of window 1, as QKeras computes it."""
    _require_weights(spec, 2 + bool(spec.config.get("use_bias", True)))
    depthwise, pointwise, *bias = spec.weights
    first = replace(spec, config={**spec.config, "use_bias": False, "activation": None}, weights=(depthwise,))
    between = _depthwise(emit, first, inputs)
    rank = depthwise.ndim - 2
    ones = {"strides": 1, "dilation_rate": 1, "padding": "valid"}
    second = replace(spec, config={**spec.config, **ones}, weights=(pointwise, *bias))
    kernel = _kernel(second, "pointwise_quantizer", pointwise.reshape(*(1,) * rank, *pointwise.shape[-2:]))
    return _emit_conv(emit, second, (between,), kernel, 1)


def _depthwise(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    _require_weights(spec, 1 + bool(spec.config.get("use_bias", True)))
    kernel = _kernel(spec, "depthwise_quantizer", spec.weights[0])
    *window, channels, multiplier = kernel.exact.shape
    shape = (*window, 1, channels * multiplier)
    flat = FixedArray(kernel.exact.integers.reshape(shape), kernel.exact.fraction)
    off = None if kernel.off is None else kernel.off.reshape(shape)
    return _emit_conv(emit, spec, inputs, _Constant(flat, off), channels)


def _emit_conv(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...], kernel: _Constant, groups: int) -> str:
    require_channels_last(spec)
    rank = len(kernel.exact.shape) - 2
    window = kernel.exact.shape[:rank]
    strides = sizes(spec.config.get("strides", 1), rank)
    dilation = sizes(spec.config.get("dilation_rate", 1), rank)
    spatial = emit.edge(inputs[0]).shape[:rank]
    mode = str(spec.config.get("padding", "valid")).lower()
    if mode == "same":
        padding = tuple(same_padding(*axis) for axis in zip(spatial, window, strides, dilation, strict=True))
    elif mode == "causal":
        padding = ((dilation[0] * (window[0] - 1), 0),)
    else:
        padding = ((0, 0),) * rank
    bias = _bias(emit, spec, kernel.exact.shape[-1])
    fields = (kernel.exact, bias.exact, strides, dilation, padding, groups)
    out = emit(nodes.Conv, "conv", inputs, *fields, float32=_note(kernel.off, bias.off))
    return emit_activation(emit, spec.config.get("activation"), out)


def _batch_normalization(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    """One multiply-add a channel, ``x * inv + (beta - mean * inv)``, with ``inv`` and the offset as float32 numbers."""
    edge = emit.edge(inputs[0])
    axis = sizes(spec.config.get("axis", -1), 1)[0]
    if axis not in (-1, len(edge.shape)):
        raise UnsupportedError(f"layer {spec.name!r}: batch normalization over axis {axis}; normalize the last axis")
    scale, shift = _normalization(spec)
    if _ROOT_NOTE not in emit.builder.notes:
        emit.builder.notes.append(_ROOT_NOTE)
    # The activation= of QKeras's own, QKeras ignores.
    return emit(nodes.Scale, "normalize", inputs, scale.exact, shift.exact, float32=_note(scale.off, shift.off))


# TensorFlow's reciprocal root is off by 2.03 units in the last place at most, over all float32 numbers of two binades
# (2.19, AVX-512); it is not rounded correctly, nor the same on every CPU. Ours is off by one, and so may be what the
# product with gamma makes of either.
_ROOT_ULPS = 4 + 1 + 2
_ROOT_NOTE = (
    "the factor of a batch normalization is gamma * (1 / sqrt(variance + epsilon)), its offset beta - mean * factor, "
    "each step rounded to float32; TensorFlow's own root is off in the last places, and not by the same on every CPU"
)


def _normalization(spec: LayerSpec) -> tuple[_Constant, _Constant]:
    """Factor and offset, and by how much QKeras's may be off for its root."""
    has_scale, has_center = bool(spec.config.get("scale", True)), bool(spec.config.get("center", True))
    _require_weights(spec, 2 + has_scale + has_center)
    arrays = list(spec.weights)

    def quantized(role: str, values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        quantizer = parse_quantizer(spec.config.get(f"{role}_quantizer"), f"layer {spec.name!r}, {role}_quantizer")
        if quantizer is not None and role in ("gamma", "variance"):
            quantizer = as_trainable(quantizer)
        return values if quantizer is None else quantize_values(quantizer, values)

    gamma = quantized("gamma", arrays.pop(0)) if has_scale else None
    beta = quantized("beta", arrays.pop(0)) if has_center else None
    mean, variance = quantized("mean", arrays[0]), quantized("variance", arrays[1])
    inverse = _inverse_root(spec, variance)
    if gamma is not None:
        inverse = inverse * gamma
    factor = quantized("inverse", inverse.astype(np.float32)).astype(np.float64)
    offset = -mean * factor.astype(np.float32) if beta is None else beta - mean * factor.astype(np.float32)
    nudged = (inverse * np.float64(1 + side * _ROOT_ULPS * 2.0**-23) for side in (-1, 1))
    off = np.maximum(*(np.abs(quantized("inverse", one.astype(np.float32)) - factor) for one in nudged))
    shared = np.abs(mean.astype(np.float64) * factor)
    moved = np.abs(mean) * off + (shared + np.abs(offset)) * 3 * 2.0**-24  # two roundings, of either
    return _Constant(FixedArray.from_float(factor), off), _Constant(FixedArray.from_float(offset), moved)


def _inverse_root(spec: LayerSpec, variance: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """``1 / sqrt(variance + epsilon)``, every step rounded to float32."""
    shifted = np.asarray(variance + np.float32(spec.config.get("epsilon", 1e-3)), np.float32)
    if not (shifted > 0).all():
        channel = int(np.argmin(shifted))
        raise ModelFileError(
            f"layer {spec.name!r}: the moving variance of channel {channel} is {float(variance.ravel()[channel]):g}, "
            "whose root is no number; train again"
        )
    return np.asarray(np.float32(1) / np.sqrt(shifted), np.float32)


def _activation(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    of_keras = spec.class_name == "Activation"
    return emit_activation(emit, spec.config.get("activation"), inputs[0], of_keras=of_keras)


def _relu(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    slope = spec.config.get("negative_slope", spec.config.get("alpha", 0.0 if spec.class_name == "ReLU" else 0.3))
    threshold, most = (spec.config.get(key) for key in ("threshold", "max_value"))
    if threshold:
        return thresholded(emit, inputs[0], float(np.float32(threshold)), float(slope or 0), most)
    x = leaky(emit, inputs[0], float(slope or 0))
    return x if most is None else clipped(emit, x, None, float(np.float32(most)))


def _skip(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    emit.builder.notes.append(f"layer {spec.name!r} ({spec.class_name}) acts only in training and is left out")
    return inputs[0]


def _flatten(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    require_channels_last(spec)
    shape = emit.edge(inputs[0]).shape
    return inputs[0] if len(shape) == 1 else emit(nodes.Reshape, "flatten", inputs, (int(np.prod(shape)),))


def _reshape(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    size = int(np.prod(emit.edge(inputs[0]).shape))
    target = [int(v) for v in spec.config["target_shape"]]
    if -1 in target:
        target[target.index(-1)] = size // -int(np.prod(target))
    return emit(nodes.Reshape, "reshape", inputs, tuple(target))


def _permute(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    return emit(nodes.Transpose, "permute", inputs, tuple(int(d) - 1 for d in spec.config["dims"]))


def _concatenate(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    axis, rank = int(spec.config.get("axis", -1)), len(emit.edge(inputs[0]).shape)
    if axis == 0:
        raise UnsupportedError(f"layer {spec.name!r} concatenates along the batch axis; choose another axis")
    return emit(nodes.Concatenate, "concatenate", inputs, axis - 1 if axis > 0 else axis + rank)


def _merge(kind: type[nodes.Node], suffix: str, *fields: object) -> Handler:
    def handler(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
        out = inputs[0]
        for other in inputs[1:]:
            out = emit(kind, suffix, (out, other), *fields)
        return out

    return handler


HANDLERS: dict[str, Handler] = {
    "QDense": _dense,
    "Dense": _dense,
    "QConv1D": _conv,
    "QConv2D": _conv,
    "Conv1D": _conv,
    "Conv2D": _conv,
    "QSeparableConv1D": _separable,
    "QSeparableConv2D": _separable,
    "QDepthwiseConv2D": _depthwise,
    "DepthwiseConv2D": _depthwise,
    "BatchNormalization": _batch_normalization,
    "BatchNormalizationV1": _batch_normalization,
    "QBatchNormalization": _batch_normalization,
    "QActivation": _activation,
    "Activation": _activation,
    "ReLU": _relu,
    "LeakyReLU": _relu,
    "Flatten": _flatten,
    "Reshape": _reshape,
    "Permute": _permute,
    "Concatenate": _concatenate,
    "Add": _merge(nodes.Add, "add"),
    "Subtract": _merge(nodes.Add, "subtract", True),
    "Multiply": _merge(nodes.Multiply, "multiply"),
    "PairProducts": products.pair_products,
    **dict.fromkeys(("Dropout", "SpatialDropout1D", "SpatialDropout2D", "GaussianDropout", "GaussianNoise",
                     "AlphaDropout", "ActivityRegularization"), _skip),
    **pooling.HANDLERS,
    **operators.HANDLERS,
    **hgq.HANDLERS,
}  # fmt: skip
INSTALLED: Plugins[Handler] = Plugins("qtrigger.layer_handlers", "handler of a Keras layer")


def known_classes() -> list[str]:
    """Keras layer classes that can be imported, ours and those of installed packages."""
    return sorted({*HANDLERS, *INSTALLED.names()})


def find_handler(class_name: str) -> Handler:
    """The handler of a known Keras layer class."""
    return HANDLERS[class_name] if class_name in HANDLERS else INSTALLED.load(class_name)
