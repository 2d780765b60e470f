"""Networks drawn at random over all documented layers: the same seed, the same network, on every machine."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.random_networks import draw_choices, draw_later
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
from benchmarks.random_networks.network import Argument, Layer, Network, Quantizer, Ref

LATER_LAYERS_FROM, ALL_LAYERS_FROM = 1_000_000, 4_000_000
"""Seeds below draw from the layers that there were before, so that each gives the network that it always gave."""
_LARGEST_TENSOR = 64
_FUNCTIONS = ("relu", "linear", "relu6", "hard_tanh", "hard_sigmoid", "smooth_tanh", "smooth_sigmoid", "binary_tanh",
              "binary_sigmoid")  # fmt: skip


def draw(seed: int, wide: bool | None = None) -> Network:
    """The network of this seed. ``wide`` forces sums beyond float32, or their absence."""
    r = random.Random(seed)  # noqa: S311 - nothing secret
    chosen = r.random() < 0.2
    canvas = Canvas(r, chosen if wide is None else wide)
    kinds = _FIRST if seed < LATER_LAYERS_FROM else _LATER if seed < ALL_LAYERS_FROM else _ALL
    tensors, input_type = _inputs(canvas)
    first = len(tensors)
    for _ in range(r.randint(1, 6)):
        x = r.choice(tensors[-2:]) if r.random() < 0.8 else r.choice(tensors)
        made = _some_layer(canvas, x, tensors, kinds)
        tensors.append(made)
        if r.random() < 0.4:
            tensors.append(canvas.quantized(made, quantizers.fence(r)))
    found = tensors[first:]
    outputs = dict.fromkeys([found[-1], *(r.choice(found) for _ in range(r.choice([0, 0, 1, 2])))])
    form = "h5" if r.random() < 0.2 and not any(k.kind.startswith("ops.") for k in canvas.layers.values()) else "keras"
    layers, in_dicts = tuple(canvas.layers.values()), r.random() < 0.1
    network = Network(f"net{seed}", layers, tuple(outputs), canvas.shapes, input_type, form, in_dicts)
    return network.without_dead_ends()


def _inputs(canvas: Canvas) -> tuple[list[Ref], str | None]:
    r = canvas.r
    stated = r.random() < 0.12
    tensors: list[Ref] = []
    shapes: list[Shape] = []
    for number in range(r.choice([1, 1, 1, 2, 3])):
        shape = tuple(r.randint(1, 4) for _ in range(r.choice([1, 1, 2, 2, 3])))
        if shapes and r.random() < 0.6:
            shape = shapes[0]
        shapes.append(shape)
        name = f"{r.choice(['x', 'data', 'input', 'jet'])}{number}"
        canvas.layers[name] = Layer("InputLayer", name, "keras.layers", {"batch_shape": [None, *shape]})
        canvas.shapes[Ref(name)] = shape
        x = Ref(name)
        tensors.append(x if stated else canvas.quantized(x, quantizers.grid_quantizer(r, canvas.wide)))
    width = r.choice([4, 8, 12])
    kind = r.choice(["fixed", "ufixed"])
    return tensors, f"ap_{kind}<{width},{r.randint(-1, width)}>" if stated else None


def _some_layer(canvas: Canvas, x: Ref, tensors: list[Ref], kinds: Sequence[Kind]) -> Ref:
    r = canvas.r
    for _ in range(20):
        before = dict(canvas.layers)
        ref = _called_again(canvas, x) if r.random() < 0.06 else r.choice(kinds)(canvas, x, tensors)
        if ref is not None and math.prod(canvas.shapes[ref]) <= _LARGEST_TENSOR:
            return ref
        canvas.layers = before
    return canvas.quantized(x, quantizers.fence(r))


def _called_again(canvas: Canvas, x: Ref) -> Drawn:
    """A layer that is there already, called a second time with a tensor of the same shape: it shares its weights."""
    shape = canvas.shapes[x]
    for layer in canvas.layers.values():
        fits = layer.calls and isinstance(layer.calls[0][0], Ref) and canvas.shapes[layer.calls[0][0]] == shape
        if fits and len(layer.calls[0]) == 1 and layer.weights:
            again = Ref(layer.name, len(layer.calls))
            canvas.layers[layer.name] = replace(layer, calls=(*layer.calls, (x,)))
            canvas.shapes[again] = canvas.shapes[Ref(layer.name)]
            return again
    return None


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


_OPS = "keras.src.ops.numpy"
_KINDS: dict[Kind, int] = {
    _activation: 5, _dense: 4, _conv: 4, _depthwise: 2, _separable: 2, _normalization: 2, _relu: 2, _left_out: 1,
    _permute: 1, _reshape: 3, _merge: 3, _concatenate: 2, _pool: 3, _global_pool: 2, _reduce: 2, _operator: 3,
    _pairs: 1,
}  # fmt: skip
_FIRST = [kind for kind, count in _KINDS.items() for _ in range(count)]
_LATER = [*_FIRST, *(kind for kind, count in draw_later.KINDS.items() for _ in range(count))]
_ALL = [*_LATER, *(kind for kind, count in draw_choices.KINDS.items() for _ in range(count))]


def events(network: Network, seed: int, count: int = 16) -> list[npt.NDArray[np.float32]]:
    """For every port: its ends, zeros, and numbers all over it; where a quantizer reads it, ties and values beyond."""
    draws = np.random.default_rng(seed)
    arrays = []
    for port in network.ports:
        step, low, high = _port_grid(network, port)
        raw = _port_events(draws, tuple(port.options["batch_shape"][1:]), low, high, count)
        # A port whose type the user states is fed what it can carry: the network is not defined beyond.
        raw = raw if network.input_type is None else np.clip(np.rint(raw), low, high)
        arrays.append((raw * step).astype(np.float32))
    return arrays


def _port_events(
    draws: np.random.Generator, shape: Shape, low: float, high: float, count: int
) -> npt.NDArray[np.float64]:
    raw = draws.integers(int(low), int(high) + 1, (count, *shape)).astype(np.float64)
    raw[0], raw[1], raw[2] = low, high, 0
    raw[3] = draws.integers(-4, 5, shape) + 0.5
    raw[4] = draws.choice([low - 0.5, low - 1, high + 0.5, high + 1, 1.5 * low, 1.5 * high], shape)
    raw[5] = np.round(draws.normal(size=shape) * 12) / 4
    raw[6] = draws.choice([low, high], shape)
    return raw


def _port_grid(network: Network, port: Layer) -> tuple[float, float, float]:
    """The step, and the ends in steps, of what a port is rounded to first."""
    if network.input_type is not None:
        kind, width, integer = network.input_type.strip(">").replace("<", ",").split(",")
        levels = 2.0 ** int(width)
        low, high = (0.0, levels - 1) if "ufixed" in kind else (-levels / 2, levels / 2 - 1)
        return 2.0 ** (int(integer) - int(width)), low, high
    first = next(layer for layer in network.layers if (Ref(port.name),) in layer.calls)
    options = first.options["activation"].options
    keep = int(options.get("keep_negative", True))
    levels = 2.0 ** (options["bits"] - keep)
    return 2.0 ** options["integer"] / levels, -keep * levels, levels - 1
