"""One handler for each Keras layer class: from its configuration and weights to nodes."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from hls.errors import ModelFileError, UnsupportedError
from hls.graph import nodes
from hls.graph.fixed import FixedArray
from hls.graph.float32 import Doubles, Float32
from hls.importing import (
    along,
    choices,
    contractions,
    fills,
    hgq,
    hgq2,
    hgq2_attention,
    hgq2_einsum,
    hgq2_softmax,
    hgq2_tables,
    hgq2_values,
    identities,
    interaction,
    merges,
    operators,
    parts,
    places,
    pooling,
    pquant,
    products,
    recurrent,
    sorting,
    standardization,
    truths,
    wiring,
)
from hls.importing.activations import clipped, emit_activation, emit_smooth, leaky, leaky_by_channel, thresholded
from hls.importing.coefficients import Coefficients
from hls.importing.constants import bias_of, kernel_of
from hls.importing.emitter import Emitter, Handler
from hls.importing.folded import unfolded
from hls.importing.functions import elu
from hls.importing.normalization import ROOT_NOTE, normalization
from hls.importing.options import fits, numbers, require_weights, sizes, sliding
from hls.importing.spec import LayerSpec
from hls.machine.plugins import Plugins


def _note(kernel: Doubles | None, bias: Doubles | None) -> Float32 | None:
    return None if kernel is None and bias is None else Float32(weights=kernel, offset=bias)


def _bias(emit: Emitter, spec: LayerSpec, outputs: int) -> Coefficients:
    if not spec.config.get("use_bias", True):
        return Coefficients(FixedArray(np.zeros(outputs, np.int64), 0))
    values = spec.weights[1]
    if values.shape != (outputs,):
        raise ModelFileError(
            f"layer {spec.name!r}: its bias has the shape {values.shape}, {outputs} outputs want ({outputs},)"
        )
    return bias_of(emit, spec, values)


def _sums(
    emit: Emitter,
    kind: type[nodes.Dense | nodes.Conv],
    inputs: tuple[str, ...],
    kernel: Coefficients,
    bias: Coefficients,
    *fields: Any,
) -> str:
    """Sums of products and the bias; where the kernel has a scale, sums of its steps, times the scale, and the bias."""
    suffix = kind.__name__.lower()
    if kernel.scale is None:
        return emit(kind, suffix, inputs, kernel.exact, bias.exact, *fields, float32=_note(kernel.off, bias.off))
    none = FixedArray(np.zeros(kernel.exact.shape[-1], np.int64), 0)
    steps = emit(kind, suffix, inputs, kernel.exact, none, *fields, float32=_note(kernel.off, None))
    # QKeras may add the bias to any of its partial sums, each of which it rounds.
    terms = kernel.exact.integers.size // kernel.exact.shape[-1]
    off = np.abs(bias.exact.to_float()) * (terms * 2.0**-23) + (0.0 if bias.off is None else bias.off)
    return emit(nodes.Scale, "scale", (steps,), kernel.scale, bias.exact, float32=Float32(offset=off))


def _dense(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    require_weights(spec, 1 + bool(spec.config.get("use_bias", True)), 2)
    kernel = kernel_of(emit, spec, "kernel_quantizer", spec.weights[0])
    bias = _bias(emit, spec, kernel.exact.shape[1])
    out = _sums(emit, nodes.Dense, inputs, kernel, bias)
    return emit_activation(emit, spec.config.get("activation"), out)


def _conv(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    require_weights(spec, 1 + bool(spec.config.get("use_bias", True)), 3 if "1D" in spec.class_name else 4)
    kernel = _masked(spec, kernel_of(emit, spec, "kernel_quantizer", spec.weights[0]))
    groups = int(spec.config.get("groups") or 1)
    return _emit_conv(emit, spec, inputs, kernel, groups)


def _folded(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    plain = unfolded(spec)
    return HANDLERS[plain.class_name](emit, plain, inputs)


def _masked(spec: LayerSpec, kernel: Coefficients) -> Coefficients:
    """QKeras multiplies the quantized kernel of a QConv2D by its ``mask``, if it has one."""
    mask = spec.config.get("mask")
    if mask is None:
        return kernel
    values = numbers(mask)
    if values is None or values.shape != kernel.exact.shape[: values.ndim]:
        raise ModelFileError(f"layer {spec.name!r}: its mask does not fit its kernel; save the whole model again")
    if not np.isin(values, (0, 1)).all():
        raise UnsupportedError(
            f"layer {spec.name!r}: a mask of other numbers than 0 and 1 multiplies the quantized kernel; use zeros "
            "and ones, which is another network"
        )
    exact = kernel.exact
    values = values.reshape(*values.shape, *(1,) * (exact.integers.ndim - values.ndim))
    masked = FixedArray(exact.integers * values.astype(np.int64), exact.fraction)
    return Coefficients(masked, None if kernel.off is None else kernel.off * values, kernel.scale)


def _separable(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    """A depthwise convolution without a bias, then one of window 1, as QKeras computes it."""
    rank = 3 if "1D" in spec.class_name else 4
    require_weights(spec, 2 + bool(spec.config.get("use_bias", True)), rank, rank)
    depthwise, pointwise, *bias = spec.weights
    first = replace(spec, config={**spec.config, "use_bias": False, "activation": None}, weights=(depthwise,))
    between = _depthwise(emit, first, inputs)
    rank = depthwise.ndim - 2
    ones = {"strides": 1, "dilation_rate": 1, "padding": "valid"}
    second = replace(spec, config={**spec.config, **ones}, weights=(pointwise, *bias))
    kernel = kernel_of(emit, second, "pointwise_quantizer", pointwise.reshape(*(1,) * rank, *pointwise.shape[-2:]))
    return _emit_conv(emit, second, (between,), kernel, 1)


def _depthwise(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    require_weights(spec, 1 + bool(spec.config.get("use_bias", True)), 3 if "1D" in spec.class_name else 4)
    kernel = kernel_of(emit, spec, "depthwise_quantizer", spec.weights[0])
    *window, channels, multiplier = kernel.exact.shape
    shape = (*window, 1, channels * multiplier)
    flat = FixedArray(kernel.exact.integers.reshape(shape), kernel.exact.fraction)
    off = None if kernel.off is None else kernel.off.reshape(shape)
    scale = None if kernel.scale is None else _repeated(kernel.scale, channels * multiplier)
    return _emit_conv(emit, spec, inputs, Coefficients(flat, off, scale), channels)


def _repeated(scale: FixedArray, outputs: int) -> FixedArray:
    """The scales of a depthwise kernel, one for each of the outputs of one channel, for those of all channels."""
    return FixedArray(np.resize(scale.integers, outputs), scale.fraction)


def _emit_conv(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...], kernel: Coefficients, groups: int) -> str:
    rank = len(kernel.exact.shape) - 2
    window = kernel.exact.shape[:rank]
    strides, dilation, padding = sliding(spec, _spatial(emit, spec, inputs[0], rank), window)
    bias = _bias(emit, spec, kernel.exact.shape[-1])
    out = _sums(emit, nodes.Conv, inputs, kernel, bias, strides, dilation, padding, groups)
    return emit_activation(emit, spec.config.get("activation"), out)


def _transposed(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    """Its input with zeros between the positions, convolved with the kernel turned round."""
    require_weights(spec, 1 + bool(spec.config.get("use_bias", True)), 3 if "1D" in spec.class_name else 4)
    stated = kernel_of(emit, spec, "kernel_quantizer", spec.weights[0]).multiplied()  # a scale is one of its inputs'
    *window, _, _ = stated.exact.shape
    rank = len(window)
    strides = sizes(spec.config.get("strides", 1), rank)
    dilation = sizes(spec.config.get("dilation_rate", 1), rank)
    _spatial(emit, spec, inputs[0], rank)
    if spec.config.get("output_padding") is not None or any(step != 1 for step in dilation):
        raise UnsupportedError(
            f"layer {spec.name!r}: {spec.class_name} with output_padding or dilation_rate; leave them out, which is "
            "another network"
        )
    same = str(spec.config.get("padding", "valid")).lower() == "same"
    beyond = [max(length - step, 0) for length, step in zip(window, strides, strict=True)]
    cut = [total // 2 if same else 0 for total in beyond]
    padding = tuple(
        (length - 1 - before, before if same else total)
        for length, before, total in zip(window, cut, beyond, strict=True)
    )

    def turned(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return np.flip(values, tuple(range(rank))).swapaxes(-1, -2)

    kernel = FixedArray(turned(stated.exact.integers), stated.exact.fraction)
    off = None if stated.off is None else turned(stated.off)
    bias = _bias(emit, spec, kernel.shape[-1])
    ones = (1,) * rank
    spread, padding = wiring.spread(emit, inputs[0], strides, padding)
    fields = (kernel, bias.exact, ones, ones, padding, 1)
    out = emit(nodes.Conv, "conv", (spread,), *fields, float32=_note(off, bias.off))
    return emit_activation(emit, spec.config.get("activation"), out)


def _spatial(emit: Emitter, spec: LayerSpec, x: str, rank: int) -> tuple[int, ...]:
    shape = emit.edge(x).shape
    if len(shape) != rank + 1:
        raise ModelFileError(
            f"layer {spec.name!r} is inconsistent: it convolves over {rank} axes and reads a tensor of shape "
            f"{shape}; save "
            "the whole model again"
        )
    return shape[:rank]


def _batch_normalization(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    """One multiply-add a channel, ``x * inv + (beta - mean * inv)``, with ``inv`` and the offset as float32 numbers."""
    edge = emit.edge(inputs[0])
    rank, axis = len(edge.shape), sizes(spec.config.get("axis", -1), 1)[0]
    if axis not in (-1, rank):
        last = replace(spec, config={**spec.config, "axis": -1})
        place = operators.axis_of(emit, spec, inputs[0], axis)
        return operators.with_axis_last(emit, inputs[0], place, lambda x: _batch_normalization(emit, last, (x,)))
    scale, shift = normalization(spec)
    if ROOT_NOTE not in emit.builder.notes:
        emit.builder.notes.append(ROOT_NOTE)
    # The activation= of QKeras's own, QKeras ignores.
    return emit(nodes.Scale, "normalize", inputs, scale.exact, shift.exact, float32=_note(scale.off, shift.off))


def _activation(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    of_keras = spec.class_name == "Activation"
    return emit_activation(emit, spec.config.get("activation"), inputs[0], of_keras=of_keras)


def _relu(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    slope = spec.config.get("negative_slope", spec.config.get("alpha", 0.0 if spec.class_name == "ReLU" else 0.3))
    threshold, most = (spec.config.get(key) for key in ("threshold", "max_value"))
    if threshold:
        return thresholded(emit, inputs[0], float(np.float32(threshold)), float(slope or 0), most)
    x = leaky(emit, inputs[0], float(np.float32(slope or 0)))
    return x if most is None else clipped(emit, x, None, float(np.float32(most)))


def _thresholded_relu(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    return thresholded(emit, inputs[0], float(np.float32(spec.config.get("theta", 1.0) or 0)), 0.0, None)


def _elu(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    alpha = float(np.float32(spec.config.get("alpha", 1.0)))
    return emit_smooth(emit, "ELU", elu(alpha), inputs[0])


def _prelu(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    """``x`` where it is positive, else ``x`` times a slope of its channel, as the float32 number that it is.

    Where the slopes differ along other axes too, every element is a channel of the tensor made one row.
    """
    (slopes,) = spec.weights
    if slopes.size == slopes.shape[-1]:
        return leaky_by_channel(emit, inputs[0], slopes.reshape(-1))
    shape = emit.edge(inputs[0]).shape
    if not fits(slopes.shape, shape):
        raise ModelFileError(
            f"layer {spec.name!r}: its slopes have the shape {slopes.shape} and a tensor of {shape} arrives; save the "
            "whole model again"
        )
    row = emit(nodes.Reshape, "row", inputs, (math.prod(shape),))
    leaking = leaky_by_channel(emit, row, np.broadcast_to(slopes, shape).reshape(-1))
    return emit(nodes.Reshape, "places", (leaking,), shape)


def _softmax(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    return emit_activation(emit, "softmax", inputs[0])


def _skip(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    emit.builder.notes.append(f"layer {spec.name!r} ({spec.class_name}) acts only in training and is left out")
    return inputs[0]


def _flatten(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    shape = emit.edge(inputs[0]).shape
    return inputs[0] if len(shape) == 1 else emit(nodes.Reshape, "flatten", inputs, (int(np.prod(shape)),))


def _reshape(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    size = math.prod(emit.edge(inputs[0]).shape)
    target = [int(v) for v in spec.config["target_shape"]]
    rest = math.prod(length for length in target if length != -1)
    if target.count(-1) == 1 and rest > 0:
        target[target.index(-1)] = size // rest
    return emit(nodes.Reshape, "reshape", inputs, tuple(target))


def _permute(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    return emit(nodes.Transpose, "permute", inputs, tuple(int(d) - 1 for d in spec.config["dims"]))


def _concatenate(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    axis, rank = int(spec.config.get("axis", -1)), len(emit.edge(inputs[0]).shape)
    if axis == 0:
        raise UnsupportedError(
            f"layer {spec.name!r} concatenates along the batch axis, and firmware has one event at a time; choose "
            "another "
            "axis, which is another network"
        )
    return emit(nodes.Concatenate, "concatenate", inputs, axis - 1 if axis > 0 else axis + rank)


MERGES = frozenset({
    "Concatenate", "ops.Add", "ops.Subtract", "ops.Multiply", "ops.Divide", "ops.TrueDivide", "ops.Concatenate",
    "ops.Maximum", "ops.Minimum", *merges.HANDLERS, *places.MERGES, *choices.MERGES, *truths.MERGES,
    *contractions.MERGES, *recurrent.MERGES, *hgq.MERGES, *hgq2.MERGES, *hgq2_values.MERGES, *hgq2_einsum.MERGES,
    *hgq2_attention.HANDLERS,
})  # fmt: skip
"""Classes that read several tensors at a time."""
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
    **dict.fromkeys(("QDenseBatchnorm", "QConv2DBatchnorm", "QDepthwiseConv2DBatchnorm"), _folded),
    **dict.fromkeys(("DepthwiseConv1D", "DepthwiseConv2D"), _depthwise),
    **dict.fromkeys(("SeparableConv1D", "SeparableConv2D"), _separable),
    **dict.fromkeys(("Conv1DTranspose", "Conv2DTranspose", "QConv2DTranspose"), _transposed),
    "BatchNormalization": _batch_normalization,
    "QBatchNormalization": _batch_normalization,
    "QActivation": _activation,
    "Activation": _activation,
    "ReLU": _relu,
    "ThresholdedReLU": _thresholded_relu,
    "Softmax": _softmax,
    "LeakyReLU": _relu,
    "ELU": _elu,
    "PReLU": _prelu,
    "Flatten": _flatten,
    "Reshape": _reshape,
    "Permute": _permute,
    "Concatenate": _concatenate,
    "PairProducts": products.pair_products,
    **dict.fromkeys(("Dropout", "SpatialDropout1D", "SpatialDropout2D", "GaussianDropout", "GaussianNoise",
                     "AlphaDropout", "ActivityRegularization"), _skip),
    **merges.HANDLERS,
    **pooling.HANDLERS,
    **wiring.HANDLERS,
    **operators.HANDLERS,
    **interaction.HANDLERS,
    **identities.HANDLERS,
    **parts.HANDLERS,
    **places.HANDLERS,
    **standardization.HANDLERS,
    **choices.HANDLERS,
    **truths.HANDLERS,
    **fills.HANDLERS,
    **sorting.HANDLERS,
    **along.HANDLERS,
    **contractions.HANDLERS,
    **recurrent.HANDLERS,
    **hgq.HANDLERS,
    **hgq2.HANDLERS,
    **hgq2_attention.HANDLERS,
    **hgq2_softmax.HANDLERS,
    **hgq2_tables.HANDLERS,
    **hgq2_values.HANDLERS,
    **hgq2_einsum.HANDLERS,
    **pquant.HANDLERS,
}  # fmt: skip
INSTALLED: Plugins[Handler] = Plugins("qtrigger.layer_handlers", "handler of a Keras layer")


def known_classes() -> list[str]:
    """Keras layer classes that can be imported, ours and those of installed packages."""
    return sorted({*HANDLERS, *INSTALLED.names()})


def find_handler(class_name: str) -> Handler:
    """The handler of a known Keras layer class."""
    return _with_channels_last(HANDLERS[class_name]) if class_name in HANDLERS else INSTALLED.load(class_name)


def _with_channels_last(handler: Handler) -> Handler:
    """Of a layer with ``data_format="channels_first"`` the channels are put last, and where all axes are left, back.

    HGQ 2's layers, and some of PQuantML's, have a type for each value, in the file's own order.
    """

    def turned(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
        rank = len(emit.edge(inputs[0]).shape)
        by_value = spec.class_name.startswith(hgq2.PREFIX) or pquant.types_each_value(spec)
        if spec.config.get("data_format") != "channels_first" or rank < 2 or by_value:
            return handler(emit, spec, inputs)
        inner, last = emit.inside(), replace(spec, config={**spec.config, "data_format": "channels_last"})
        out = handler(inner, last, (inner(nodes.Transpose, "channels_last", inputs, (*range(1, rank), 0)),))
        whole = len(emit.edge(out).shape) == rank
        return inner(nodes.Transpose, "channels_first", (out,), (rank - 1, *range(rank - 1))) if whole else out

    return turned
