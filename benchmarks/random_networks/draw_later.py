"""Layers that came in later: wires, extremes, transposed and folded convolutions, functions by tables, plain layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.random_networks import draw_quantizers as quantizers
from benchmarks.random_networks.canvas import (
    QCONV,
    Canvas,
    Drawn,
    Kind,
    Shape,
    positions,
    rounded,
    window_of,
)
from benchmarks.random_networks.network import Argument, Quantizer, Ref, Weights

_LAYERS, _OPS = "keras.layers", "keras.src.ops.numpy"
_SMOOTH = ("tanh", "sigmoid", "elu", "selu", "softplus", "softsign", "exponential", "silu", "gelu", "hard_sigmoid")


def _repeated(canvas: Canvas, x: Ref, tensors: list[Ref]) -> Drawn:
    r, (*spatial, channels) = canvas.r, canvas.shapes[x]
    times = [r.randint(1, 3) for _ in spatial] or [r.randint(1, 3)]
    if not spatial:
        return canvas.add("RepeatVector", _LAYERS, [x], (times[0], channels), n=times[0])
    if len(spatial) > 2:
        return None
    shape = (*(n * t for n, t in zip(spatial, times, strict=True)), channels)
    size = times[0] if len(spatial) == 1 else times
    return canvas.add(f"UpSampling{len(spatial)}D", _LAYERS, [x], shape, size=size)


def _around(canvas: Canvas, x: Ref, tensors: list[Ref]) -> Drawn:
    """Zeros around, or the edge cut off."""
    r, (*spatial, channels) = canvas.r, canvas.shapes[x]
    if len(spatial) not in (1, 2):
        return None
    pads = r.random() < 0.5
    sides = []
    for length in spatial:
        before = r.randint(0, 2 if pads else length - 1)
        sides.append([before, r.randint(0, 2 if pads else length - 1 - before)])
    sign = 1 if pads else -1
    shape = (*(n + sign * sum(side) for n, side in zip(spatial, sides, strict=True)), channels)
    kind, key = ("ZeroPadding", "padding") if pads else ("Cropping", "cropping")
    options: dict[str, Any] = {key: sides[0] if len(spatial) == 1 else sides}
    return canvas.add(f"{kind}{len(spatial)}D", _LAYERS, [x], shape, **options)


def _sliced(canvas: Canvas, x: Ref, tensors: list[Ref]) -> Drawn:
    """``x[:, 1:3]`` and its like: numbers, slices of any step, new axes, and ``...``."""
    r, shape = canvas.r, canvas.shapes[x]
    index: list[Any] = [_written(slice(None))]
    taken: list[int] = []
    for length in shape:
        if r.random() < 0.1:
            index.append(None)
            taken.append(1)
        if r.random() < 0.3:
            index.append(r.randint(-length, length - 1))
            continue
        places = slice(
            r.choice([None, None, *range(length)]), r.choice([None, None, *range(1, length + 1)]), r.choice(_STEPS)
        )
        if not range(*places.indices(length)):
            places = slice(None, None, places.step)
        index.append(_written(places))
        taken.append(len(range(*places.indices(length))))
    if not taken:
        return None
    if r.random() < 0.2 and index[-1] == _written(slice(None)):
        index[-1] = {"class_name": "__ellipsis__", "config": {}}
    return canvas.add("ops.GetItem", _OPS, [x, index], tuple(taken))


_STEPS = (None, None, 1, 2, -1, -2)


def _written(places: slice) -> dict[str, Any]:
    return {
        "class_name": "__slice__",
        "config": {"start": places.start, "stop": places.stop, "step": places.step},
    }


def _axis(canvas: Canvas, x: Ref, tensors: list[Ref]) -> Drawn:
    """One axis of length 1 more, or one less."""
    r, shape = canvas.r, canvas.shapes[x]
    ones = [axis for axis, length in enumerate(shape) if length == 1]
    if ones and len(shape) > 1 and r.random() < 0.7:
        axis = r.choice(ones)
        left = tuple(length for place, length in enumerate(shape) if place != axis)
        return canvas.add("ops.Squeeze", _OPS, [x], left, axis=r.choice([axis + 1, axis - len(shape)]))
    if len(shape) > 2:
        return None
    axis = r.randint(0, len(shape))
    return canvas.add("ops.ExpandDims", _OPS, [x], (*shape[:axis], 1, *shape[axis:]), axis=axis + 1)


def _extreme(canvas: Canvas, x: Ref, tensors: list[Ref]) -> Drawn:
    r, shape = canvas.r, canvas.shapes[x]
    kind = r.choice(["Maximum", "Minimum", "Average"])
    alike = [ref for ref in tensors if canvas.shapes[ref] == shape]
    if kind != "Average" and r.random() < 0.4:
        others: list[Argument] = [0.0, 0.5, -1.25, r.choice(alike)]
        return canvas.add(f"ops.{kind}", _OPS, [x, r.choice(others)], shape)
    chosen = [x, *(r.choice(alike) for _ in range(r.choice([1, 1, 2, 3])))]
    merged = canvas.add(kind, _LAYERS, chosen, shape, listed=True)
    return rounded(canvas, merged) if kind == "Average" else merged


def _plain_weights(canvas: Canvas, shapes: list[Shape]) -> tuple[Weights, ...]:
    """On a grid: without a quantizer of its own a layer is taken as somebody else has rounded it."""
    step = 2.0 ** -canvas.r.randint(2, 6)
    return tuple((np.round(canvas.weights(shape) / step) * step).astype(np.float32) for shape in shapes)


def _plain(canvas: Canvas, x: Ref, tensors: list[Ref]) -> Drawn:
    r, (*spatial, inside) = canvas.r, canvas.shapes[x]
    outputs, use_bias = r.randint(1, 3), r.random() < 0.7
    options: dict[str, Any] = {"use_bias": use_bias, "activation": r.choice([None, "relu", "linear"])}
    if r.random() < 0.4 or len(spatial) not in (1, 2):
        ref = canvas.add("Dense", _LAYERS, [x], (*spatial, outputs), units=outputs, **options)
        return canvas.with_weights(ref, _plain_weights(canvas, [(inside, outputs), *[(outputs,)] * use_bias]))
    sizes = window_of(canvas, x, causal=len(spatial) == 1)
    if sizes is None:
        return None
    places = positions(tuple(spatial), sizes, sizes["kernel_size"], [sizes["strides"]] * len(spatial))
    if len(spatial) == 2 and r.random() < 0.4:
        ref = canvas.add("DepthwiseConv2D", _LAYERS, [x], (*places, inside), depth_multiplier=1, **sizes, **options)
        shapes: list[Shape] = [(*sizes["kernel_size"], inside, 1), *[(inside,)] * use_bias]
        return canvas.with_weights(ref, _plain_weights(canvas, shapes))
    ref = canvas.add(f"Conv{len(spatial)}D", _LAYERS, [x], (*places, outputs), filters=outputs, **sizes, **options)
    shapes = [(*sizes["kernel_size"], inside, outputs), *[(outputs,)] * use_bias]
    return canvas.with_weights(ref, _plain_weights(canvas, shapes))


def _transposed(canvas: Canvas, x: Ref, tensors: list[Ref]) -> Drawn:
    r, (*spatial, inside) = canvas.r, canvas.shapes[x]
    rank = len(spatial)
    if rank not in (1, 2):
        return None
    window, strides = [r.randint(1, 3) for _ in spatial], [r.randint(1, 3) for _ in spatial]
    padding, filters, use_bias = r.choice(["valid", "same"]), r.randint(1, 2), r.random() < 0.7
    beyond = [0 if padding == "same" else max(w - s, 0) for w, s in zip(window, strides, strict=True)]
    shape = (*(n * s + b for n, s, b in zip(spatial, strides, beyond, strict=True)), filters)
    shapes: list[Shape] = [(*window, filters, inside), *[(filters,)] * use_bias]
    options: dict[str, Any] = {
        "filters": filters, "kernel_size": window, "strides": strides, "padding": padding, "use_bias": use_bias,
    }  # fmt: skip
    if rank == 2 and r.random() < 0.5:
        return canvas.add(
            "QConv2DTranspose", QCONV, [x], shape, shapes, **options, kernel_quantizer=canvas.weight_quantizer(),
            bias_quantizer=canvas.bias_quantizer(), activation=canvas.activation(),
        )  # fmt: skip
    ref = canvas.add(f"Conv{rank}DTranspose", _LAYERS, [x], shape, **options)
    return canvas.with_weights(ref, _plain_weights(canvas, shapes))


def _folded(canvas: Canvas, x: Ref, tensors: list[Ref]) -> Drawn:
    """A layer that holds its normalization."""
    r, (*spatial, inside) = canvas.r, canvas.shapes[x]
    options: dict[str, Any] = {
        "use_bias": r.random() < 0.7, "bias_quantizer": canvas.bias_quantizer(), "activation": canvas.activation(),
        "folding_mode": r.choice(["ema_stats_folding", "batch_stats_folding"]), "epsilon": r.choice([1e-3, 1e-5, 0.5]),
    }  # fmt: skip
    outputs = r.randint(1, 3)
    if len(spatial) != 2:
        quantized = {"kernel_quantizer": canvas.weight_quantizer()}
        kind, module, kernel, shape = "QDenseBatchnorm", "qkeras.qdense_batchnorm", (inside, outputs), (outputs,)
        options |= {"units": outputs, **quantized}
        if spatial:
            return None
        return canvas.normalized(canvas.add(kind, module, [x], shape, [kernel], **options), outputs)
    sizes = window_of(canvas, x)
    if sizes is None:
        return None
    places = positions(tuple(spatial), sizes, sizes["kernel_size"], [sizes["strides"]] * 2)
    if r.random() < 0.5:
        outputs = inside
        options |= {"depth_multiplier": 1, "depthwise_quantizer": canvas.weight_quantizer(), **sizes}
        kind, module = "QDepthwiseConv2DBatchnorm", "qkeras.qdepthwiseconv2d_batchnorm"
        weights: Shape = (*sizes["kernel_size"], inside, 1)
    else:
        options |= {"filters": outputs, "kernel_quantizer": canvas.weight_quantizer(), **sizes}
        kind, module = "QConv2DBatchnorm", "qkeras.qconv2d_batchnorm"
        weights = (*sizes["kernel_size"], inside, outputs)
    return canvas.normalized(canvas.add(kind, module, [x], (*places, outputs), [weights], **options), outputs)


def _smooth(canvas: Canvas, x: Ref, tensors: list[Ref]) -> Drawn:
    """A function without binary values, of a few bits, and the quantizer that makes it a table."""
    r, shape = canvas.r, canvas.shapes[x]
    x = canvas.quantized(x, quantizers.fence(r))
    if r.random() < 0.2:
        y = canvas.add("ELU", _LAYERS, [x], shape, alpha=r.choice([1.0, 0.5, 1.7]))
    else:
        y = canvas.add("Activation", _LAYERS, [x], shape, activation=r.choice(_SMOOTH))
    behind = quantizers.fence(r)
    if r.random() < 0.4:
        behind = Quantizer("quantized_relu", {"bits": r.randint(3, 8), "integer": r.randint(0, 3)})
    return canvas.quantized(y, behind)


def _prelu(canvas: Canvas, x: Ref, tensors: list[Ref]) -> Drawn:
    shape = canvas.shapes[x]
    slopes = (*(1 for _ in shape[:-1]), shape[-1])
    return canvas.add("PReLU", _LAYERS, [x], shape, [slopes], shared_axes=list(range(1, len(shape))) or None)


def _edges(canvas: Canvas, x: Ref, tensors: list[Ref]) -> Drawn:
    r, shape = canvas.r, canvas.shapes[x]
    if len(shape) != 2:
        return None
    counts = {nodes * (nodes - 1): nodes for nodes in (2, 3, 4)}
    to_edges = shape[0] not in counts or r.random() < 0.5
    if to_edges and shape[0] < 2:
        return None
    rows = shape[0] * (shape[0] - 1) if to_edges else counts[shape[0]]
    return canvas.add(
        "NodeEdgeProjection", "interaction", [x], (rows, shape[1]), receiving=r.random() < 0.5, node_to_edge=to_edges
    )


KINDS: dict[Kind, int] = {
    _repeated: 2, _around: 3, _sliced: 3, _axis: 2, _extreme: 3, _plain: 3, _transposed: 2, _folded: 3, _smooth: 4,
    _prelu: 1, _edges: 1,
}  # fmt: skip
