"""Layers that there were from the beginning: with weights, activations, pooling, merges, and operators."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.random_networks import draw_quantizers as quantizers
from benchmarks.random_networks.canvas import (
    QCONV,
    QLAYERS,
    QPOOL,
    Canvas,
    Drawn,
    Kind,
    Shape,
    of_an_average,
    positions,
    rounded,
    window_of,
)
from benchmarks.random_networks.network import Argument, Quantizer, Ref

_OPS = "keras.src.ops.numpy"
_FUNCTIONS = ("relu", "linear", "relu6", "hard_tanh", "hard_sigmoid", "smooth_tanh", "smooth_sigmoid", "binary_tanh",
              "binary_sigmoid")  # fmt: skip


def _activation(canvas: Canvas, x: Ref, tensors: list[Ref]) -> Drawn:
    r = canvas.r
    if r.random() < 0.15:
        return canvas.quantized(x, r.choice(_FUNCTIONS))
    if r.random() < 0.05:
        name = r.choice(["linear", "relu", "relu6", "hard_tanh"])
        return canvas.add("Activation", "keras.layers", [x], canvas.shapes[x], activation=name)
    return canvas.quantized(x, quantizers.activation_quantizer(r, canvas.wide))


def _dense(canvas: Canvas, x: Ref, tensors: list[Ref]) -> Drawn:
    r, (*rest, inside) = canvas.r, canvas.shapes[x]
    units, use_bias = r.randint(1, 4), r.random() < 0.8
    return canvas.add(
        "QDense", QLAYERS, [x], (*rest, units), [(inside, units), *[(units,)] * use_bias],
        units=units, use_bias=use_bias, kernel_quantizer=canvas.weight_quantizer(),
        bias_quantizer=canvas.bias_quantizer(), activation=canvas.activation(),
    )  # fmt: skip


def _conv(canvas: Canvas, x: Ref, tensors: list[Ref]) -> Drawn:
    r, (*spatial, inside) = canvas.r, canvas.shapes[x]
    sizes = window_of(canvas, x, causal=len(spatial) == 1) if len(spatial) in (1, 2) else None
    if sizes is None:
        return None
    window, use_bias = sizes["kernel_size"], r.random() < 0.8
    groups = r.choice([1, 1, 1, *(d for d in range(1, inside + 1) if inside % d == 0)])
    filters = groups * r.randint(1, 2)
    if len(spatial) == 2 and groups == 1 and r.random() < 0.1:
        sizes["mask"] = [[float(r.randint(0, 1)) for _ in range(window[1])] for _ in range(window[0])]
    places = positions(tuple(spatial), sizes, window, [sizes["strides"]] * len(spatial))
    return canvas.add(
        f"QConv{len(spatial)}D", QCONV, [x], (*places, filters),
        [(*window, inside // groups, filters), *[(filters,)] * use_bias],
        filters=filters, groups=groups, use_bias=use_bias, kernel_quantizer=canvas.weight_quantizer(),
        bias_quantizer=canvas.bias_quantizer(), activation=canvas.activation(), **sizes,
    )  # fmt: skip


def _depthwise(canvas: Canvas, x: Ref, tensors: list[Ref]) -> Drawn:
    r, (*spatial, inside) = canvas.r, canvas.shapes[x]
    sizes = window_of(canvas, x) if len(spatial) == 2 else None
    if sizes is None:
        return None
    multiplier, use_bias = r.randint(1, 2), r.random() < 0.8
    outputs = inside * multiplier
    places = positions(tuple(spatial), sizes, sizes["kernel_size"], [sizes["strides"]] * 2)
    return canvas.add(
        "QDepthwiseConv2D", QCONV, [x], (*places, outputs),
        [(*sizes["kernel_size"], inside, multiplier), *[(outputs,)] * use_bias],
        depth_multiplier=multiplier, use_bias=use_bias, depthwise_quantizer=canvas.weight_quantizer(),
        bias_quantizer=canvas.bias_quantizer(), activation=canvas.activation(), **sizes,
    )  # fmt: skip


def _separable(canvas: Canvas, x: Ref, tensors: list[Ref]) -> Drawn:
    r, (*spatial, inside) = canvas.r, canvas.shapes[x]
    sizes = window_of(canvas, x) if len(spatial) in (1, 2) else None
    if sizes is None:
        return None
    multiplier, use_bias, filters = r.randint(1, 2), r.random() < 0.8, r.randint(1, 3)
    places = positions(tuple(spatial), sizes, sizes["kernel_size"], [sizes["strides"]] * len(spatial))
    ones = (1,) * len(spatial)
    return canvas.add(
        f"QSeparableConv{len(spatial)}D", QCONV, [x], (*places, filters),
        [(*sizes["kernel_size"], inside, multiplier), (*ones, inside * multiplier, filters), *[(filters,)] * use_bias],
        filters=filters, depth_multiplier=multiplier, use_bias=use_bias, depthwise_quantizer=canvas.weight_quantizer(),
        pointwise_quantizer=canvas.weight_quantizer(), bias_quantizer=canvas.bias_quantizer(),
        activation=canvas.activation(), **sizes,
    )  # fmt: skip


def _normalization(canvas: Canvas, x: Ref, tensors: list[Ref]) -> Drawn:
    r, channels = canvas.r, canvas.shapes[x][-1:]
    scale, center, own = r.random() < 0.8, r.random() < 0.8, r.random() < 0.4
    options: dict[str, Any] = {"scale": scale, "center": center, "epsilon": r.choice([1e-3, 1e-5, 0.5])}
    if own:
        inverse = r.random() < 0.2
        for role in ("gamma", "beta", "mean", "variance"):
            none = r.random() < 0.3 or (inverse and role in ("gamma", "variance"))
            options[f"{role}_quantizer"] = None if none else quantizers.weight_quantizer(r, automatic=False)
        options["variance_quantizer"] = None if inverse else r.choice([None, _VARIANCE])
        options["inverse_quantizer"] = quantizers.weight_quantizer(r, automatic=False) if inverse else None
        if r.random() < 0.15:
            options["activation"] = quantizers.fence(r)  # which QKeras takes and never calls
    kind, module = ("QBatchNormalization", "qkeras.qnormalization") if own else ("BatchNormalization", "keras.layers")
    ref = canvas.add(kind, module, [x], canvas.shapes[x], [channels] * (2 + scale + center), **options)
    layer = canvas.layers[ref.layer]
    *others, variance = layer.weights
    canvas.layers[ref.layer] = replace(layer, weights=(*others, np.abs(variance) + np.float32(0.1)))
    return ref


_VARIANCE = Quantizer("quantized_relu_po2", {"bits": 6, "quadratic_approximation": True})


def _relu(canvas: Canvas, x: Ref, tensors: list[Ref]) -> Drawn:
    r, shape = canvas.r, canvas.shapes[x]
    if r.random() < 0.3:
        return canvas.add("LeakyReLU", "keras.layers", [x], shape, negative_slope=r.choice([0.5, 0.125, 0.3, 0.75]))
    options: dict[str, Any] = {"negative_slope": r.choice([0.0, 0.0, 0.25, 1.0, 0.1, 1.5])}
    if r.random() < 0.3:
        options["max_value"] = r.choice([6.0, 1.0, 0.75, 0.0])
    if r.random() < 0.3:
        options["threshold"] = r.choice([0.25, 0.5, 1.0, 0.3])
    return canvas.add("ReLU", "keras.layers", [x], shape, **options)


def _left_out(canvas: Canvas, x: Ref, tensors: list[Ref]) -> Drawn:
    r, shape = canvas.r, canvas.shapes[x]
    kinds: list[tuple[str, dict[str, Any]]] = [
        ("Dropout", {"rate": 0.3}), ("GaussianNoise", {"stddev": 1.0}), ("GaussianDropout", {"rate": 0.2}),
        ("AlphaDropout", {"rate": 0.1}), ("ActivityRegularization", {"l1": 0.1}),
    ]  # fmt: skip
    if len(shape) in (2, 3):
        kinds.append((f"SpatialDropout{len(shape) - 1}D", {"rate": 0.5}))
    kind, options = r.choice(kinds)
    return canvas.add(kind, "keras.layers", [x], shape, **options)


def _permute(canvas: Canvas, x: Ref, tensors: list[Ref]) -> Drawn:
    shape = canvas.shapes[x]
    if len(shape) == 1:
        return None
    dims = list(range(1, len(shape) + 1))
    canvas.r.shuffle(dims)
    if canvas.r.random() < 0.3:
        axes = [0, *dims]
        return canvas.add("ops.Transpose", _OPS, [x], tuple(shape[d - 1] for d in dims), axes=axes)
    return canvas.add("Permute", "keras.layers", [x], tuple(shape[d - 1] for d in dims), dims=dims)


def _reshape(canvas: Canvas, x: Ref, tensors: list[Ref]) -> Drawn:
    r, count = canvas.r, math.prod(canvas.shapes[x])
    if r.random() < 0.4:
        return canvas.add("Flatten", "keras.layers", [x], (count,))
    first = r.choice([d for d in range(1, count + 1) if count % d == 0])
    shape, written = r.choice([
        ((first, count // first), [first, count // first]),
        ((count,), [count]),
        ((first, count // first), [first, -1]),
        ((count // first, 1, first), [-1, 1, first]),
    ])  # fmt: skip
    if r.random() < 0.3:
        return canvas.add("ops.Reshape", _OPS, [x], shape, newshape=[-1, *shape])
    return canvas.add("Reshape", "keras.layers", [x], shape, target_shape=written)


def _broadcast(shapes: Sequence[Shape]) -> Shape | None:
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        return None


def _merge(canvas: Canvas, x: Ref, tensors: list[Ref]) -> Drawn:
    r, shape = canvas.r, canvas.shapes[x]
    fitting = [t for t in tensors if _broadcast([canvas.shapes[t], shape]) is not None]
    kind = r.choice(["Add", "Add", "Subtract", "Multiply"])
    chosen = [x, *(r.choice(fitting) for _ in range(r.choice([1, 1, 2]) if kind == "Add" else 1))]
    shapes = [canvas.shapes[ref] for ref in chosen]
    result = _broadcast(shapes)
    if result is None:
        return None
    if len(chosen) == 2 and len({len(s) for s in shapes}) == 1 and r.random() < 0.3:
        return canvas.add(f"ops.{kind}", _OPS, chosen, result)
    return canvas.add(kind, "keras.layers", chosen, result, listed=True)


def _concatenate(canvas: Canvas, x: Ref, tensors: list[Ref]) -> Drawn:
    r, shape = canvas.r, canvas.shapes[x]
    axis = r.randrange(len(shape))

    def fits(other: Shape) -> bool:
        return len(other) == len(shape) and all(o == s or i == axis for i, (o, s) in enumerate(zip(other, shape)))  # noqa: B905

    chosen = [x, *(r.choice([t for t in tensors if fits(canvas.shapes[t])]) for _ in range(r.randint(1, 2)))]
    result = list(shape)
    result[axis] = sum(canvas.shapes[ref][axis] for ref in chosen)
    written = -1 if axis == len(shape) - 1 and r.random() < 0.5 else axis + 1
    kind, module = ("ops.Concatenate", _OPS) if r.random() < 0.2 else ("Concatenate", "keras.layers")
    return canvas.add(kind, module, chosen, tuple(result), listed=True, axis=written)


def _pool(canvas: Canvas, x: Ref, tensors: list[Ref]) -> Drawn:
    r, (*spatial, channels) = canvas.r, canvas.shapes[x]
    if len(spatial) not in (1, 2):
        return None
    window = [r.randint(1, min(3, size)) for size in spatial]
    stride = r.choice([None, 1, 2])
    sizes: dict[str, Any] = {"pool_size": window, "strides": stride, "padding": r.choice(["valid", "valid", "same"])}
    places = positions(tuple(spatial), sizes, window, window if stride is None else [stride] * len(spatial))
    shape = (*places, channels)
    if r.random() < 0.5:
        return canvas.add(f"MaxPooling{len(spatial)}D", "keras.layers", [x], shape, **sizes)
    if len(spatial) == 2 and r.random() < 0.4:
        sizes |= of_an_average(canvas)
        return canvas.add("QAveragePooling2D", QPOOL, [x], shape, **sizes)
    return rounded(canvas, canvas.add(f"AveragePooling{len(spatial)}D", "keras.layers", [x], shape, **sizes))


def _global_pool(canvas: Canvas, x: Ref, tensors: list[Ref]) -> Drawn:
    r, (*spatial, channels) = canvas.r, canvas.shapes[x]
    rank = len(spatial)
    if rank not in (1, 2):
        return None
    if rank == 1 and r.random() < 0.3:
        divisor = r.choice([1, 1, 2, 4])
        return canvas.add("GlobalSumPooling1D", "qmodels.layers", [x], (channels,), divisor=divisor)
    keep = r.random() < 0.3
    shape = (*(1,) * rank, channels) if keep else (channels,)
    if r.random() < 0.4:
        return canvas.add(f"GlobalMaxPooling{rank}D", "keras.layers", [x], shape, keepdims=keep)
    if rank == 2 and r.random() < 0.4:
        return canvas.add("QGlobalAveragePooling2D", QPOOL, [x], shape, keepdims=keep, **of_an_average(canvas))
    return rounded(canvas, canvas.add(f"GlobalAveragePooling{rank}D", "keras.layers", [x], shape, keepdims=keep))


def _reduce(canvas: Canvas, x: Ref, tensors: list[Ref]) -> Drawn:
    r, shape = canvas.r, canvas.shapes[x]
    axes = sorted(r.sample(range(1, len(shape) + 1), r.randint(1, len(shape))))
    keep, how = r.random() < 0.4, r.choice(["Sum", "Max", "Mean"])
    kept = tuple(1 if i + 1 in axes else n for i, n in enumerate(shape) if keep or i + 1 not in axes)
    if not kept:
        return None
    axis = axes[0] - len(shape) - 1 if len(axes) == 1 and r.random() < 0.4 else axes[0] if len(axes) == 1 else axes
    ref = canvas.add(f"ops.{how}", _OPS, [x], kept, axis=axis, keepdims=keep)
    return rounded(canvas, ref) if how == "Mean" else ref


def _operator(canvas: Canvas, x: Ref, tensors: list[Ref]) -> Drawn:
    """With a constant, or of one tensor alone."""
    r, shape = canvas.r, canvas.shapes[x]
    kind = r.choice(["Add", "Subtract", "Multiply", "TrueDivide", "Negative", "Clip", "Relu", "Relu6", "LeakyRelu"])
    if kind in ("Relu", "Relu6", "LeakyRelu"):
        options: dict[str, Any] = {"negative_slope": r.choice([0.25, 0.2, 0.75])} if kind == "LeakyRelu" else {}
        return canvas.add(f"ops.{kind}", "keras.src.ops.nn", [x], shape, **options)
    if kind == "Negative":
        return canvas.add("ops.Negative", _OPS, [x], shape)
    if kind == "Clip":
        low = r.choice([-2, -1, -0.5, 0, 0.25])
        return canvas.add("ops.Clip", _OPS, [x], shape, x_min=low, x_max=low + r.choice([0.5, 1, 2.0, 3.25]))
    if kind == "TrueDivide":
        return canvas.add("ops.TrueDivide", _OPS, [x, quantizers.power_of_two(r)], shape)
    one: Argument = r.choice([0.5, 1.0, -2.0, 0.1, 3, 0.75])
    if r.random() < 0.4:
        one = np.array([r.choice([0.5, 1.0, -2.0, 0.1, 0.0]) for _ in range(shape[-1])], np.float32)
    arguments = [one, x] if r.random() < 0.4 else [x, one]
    return canvas.add(f"ops.{kind}", _OPS, arguments, shape)


def _pairs(canvas: Canvas, x: Ref, tensors: list[Ref]) -> Drawn:
    r, shape = canvas.r, canvas.shapes[x]
    if len(shape) != 1:
        return None
    pairs = [[r.randrange(shape[0]), r.randrange(shape[0])] for _ in range(r.randint(1, 4))]
    return canvas.add("PairProducts", "qmodels.product_layers", [x], (len(pairs),), pairs=pairs)


KINDS: dict[Kind, int] = {
    _activation: 5, _dense: 4, _conv: 4, _depthwise: 2, _separable: 2, _normalization: 2, _relu: 2, _left_out: 1,
    _permute: 1, _reshape: 3, _merge: 3, _concatenate: 2, _pool: 3, _global_pool: 2, _reduce: 2, _operator: 3,
    _pairs: 1,
}  # fmt: skip
