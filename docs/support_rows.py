"""The rows of docs/reference/support.md: the smallest network of each layer, as `docs/support.py` runs it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import hls
from hls.graph import FixedGraph

SEED = 1
INPUT = "ap_fixed<7,3>"

Network = Callable[[Any, Any], Any]
"""What makes the outputs of a network from the modules ``keras`` and ``qkeras``; it makes its inputs too."""


def _on(shape: tuple[int, ...], layer: Callable[[Any, Any], Any]) -> Network:
    """The network of one layer that reads one quantized tensor of ``shape``."""

    def network(keras: Any, qkeras: Any) -> Any:
        x = keras.Input(shape)
        return x, layer(keras, qkeras)(qkeras.QActivation(ROUNDED)(x))

    return network


def _of_two(shapes: tuple[tuple[int, ...], tuple[int, ...]], join: Callable[[Any, Any, Any], Any]) -> Network:
    def network(keras: Any, _qkeras: Any) -> Any:
        inputs = [keras.Input(shape) for shape in shapes]
        return inputs, join(keras, *inputs)

    return network


def _op(apply: Callable[[Any, Any], Any]) -> Network:
    def network(keras: Any, _qkeras: Any) -> Any:
        x = keras.Input((4, 2))
        return x, apply(keras.ops, x)

    return network


BITS = "quantized_bits(5, 0, alpha=1)"
KERNEL = {"kernel_quantizer": BITS, "bias_quantizer": BITS}
DEPTHWISE = {"depthwise_quantizer": BITS, "bias_quantizer": BITS}
SEPARABLE = {**DEPTHWISE, "pointwise_quantizer": BITS}
CELL = {**KERNEL, "recurrent_quantizer": BITS, "state_quantizer": BITS, "activation": "quantized_tanh(5)"}
GATED = {**CELL, "recurrent_activation": "quantized_sigmoid(5, use_real_sigmoid=1)"}
LINE, IMAGE = (6, 2), (4, 5, 2)
ROUNDED = "quantized_bits(6, 2, alpha=1)"


def _then_rounded(layer: Callable[[Any], Any]) -> Callable[[Any, Any], Any]:
    """A function of no finite binary values, and the quantizer with which it is one table."""
    return lambda keras, qkeras: lambda x: qkeras.QActivation(ROUNDED)(layer(keras)(x))


def _node_edge_projection(keras: Any, _qkeras: Any) -> Any:
    """From three nodes to the six edges among them; the class is one that every network of the kind brings along."""

    class NodeEdgeProjection(keras.layers.Layer):  # type: ignore[misc]
        def call(self, x: Any) -> Any:
            return keras.ops.take(x, [0, 0, 1, 1, 2, 2], axis=1)

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "receiving": True, "node_to_edge": True}

    x = keras.Input((3, 2))
    return x, NodeEdgeProjection()(x)


def _sum_pooling(keras: Any, _qkeras: Any) -> Any:
    from qmodels.layers import GlobalSumPooling1D

    x = keras.Input(LINE)
    return x, GlobalSumPooling1D()(x)


def _pair_products(keras: Any, _qkeras: Any) -> Any:
    from qmodels.product_layers import PairProducts

    x = keras.Input((4,))
    return x, PairProducts([[0, 1], [2, 3], [0, 3]])(x)


ROWS: dict[str, Network] = {
    "QDense": _on((4,), lambda k, q: q.QDense(3, **KERNEL)),
    "QDense, at every position": _on(LINE, lambda k, q: q.QDense(3, **KERNEL)),
    "QConv1D": _on(LINE, lambda k, q: q.QConv1D(2, 3, **KERNEL)),
    "QConv1D, strides": _on(LINE, lambda k, q: q.QConv1D(2, 3, strides=2, padding="same", **KERNEL)),
    "QConv1D, dilation": _on(LINE, lambda k, q: q.QConv1D(2, 3, dilation_rate=2, **KERNEL)),
    "QConv2D": _on(IMAGE, lambda k, q: q.QConv2D(2, 3, **KERNEL)),
    "QConv2D, strides": _on(IMAGE, lambda k, q: q.QConv2D(2, (1, 3), strides=(2, 1), padding="same", **KERNEL)),
    "QConv2D, groups": _on(IMAGE, lambda k, q: q.QConv2D(4, 2, groups=2, **KERNEL)),
    "QSeparableConv1D": _on(LINE, lambda k, q: q.QSeparableConv1D(2, 3, **SEPARABLE)),
    "QSeparableConv2D": _on(IMAGE, lambda k, q: q.QSeparableConv2D(2, 2, **SEPARABLE)),
    "QDepthwiseConv2D": _on(IMAGE, lambda k, q: q.QDepthwiseConv2D(2, **DEPTHWISE)),
    "QDepthwiseConv2D, strides": _on(IMAGE, lambda k, q: q.QDepthwiseConv2D(3, strides=2, padding="same", **DEPTHWISE)),
    "Conv1DTranspose": _on(LINE, lambda k, q: k.layers.Conv1DTranspose(2, 3, strides=2)),
    "Conv2DTranspose": _on((2, 3, 2), lambda k, q: k.layers.Conv2DTranspose(1, 2, strides=2)),
    "QConv2DTranspose": _on((2, 2, 2), lambda k, q: q.QConv2DTranspose(1, 3, strides=2, padding="same", **KERNEL)),
    "QSimpleRNN": _on((3, 2), lambda k, q: q.QSimpleRNN(2, **CELL)),
    "QLSTM": _on((3, 2), lambda k, q: q.QLSTM(2, **GATED)),
    "QGRU": _on((3, 2), lambda k, q: q.QGRU(2, reset_after=True, **GATED)),
    "Bidirectional": _on((3, 2), lambda k, q: k.layers.Bidirectional(q.QSimpleRNN(2, return_sequences=True, **CELL))),
    "TimeDistributed": _on((3, 2), lambda k, q: k.layers.TimeDistributed(q.QDense(2, **KERNEL))),
    "BatchNormalization": _on((4,), lambda k, q: k.layers.BatchNormalization()),
    "QBatchNormalization": _on(LINE, lambda k, q: q.QBatchNormalization()),
    "QDenseBatchnorm": _on((4,), lambda k, q: q.QDenseBatchnorm(3, **KERNEL)),
    "QConv2DBatchnorm": _on(IMAGE, lambda k, q: q.QConv2DBatchnorm(2, 2, **KERNEL)),
    "QDepthwiseConv2DBatchnorm": _on(IMAGE, lambda k, q: q.QDepthwiseConv2DBatchnorm(2, **DEPTHWISE)),
    "QActivation": _on(LINE, lambda k, q: q.QActivation("quantized_relu(4, 1)")),
    "QActivation, by a table": _on((4,), lambda k, q: q.QActivation("quantized_tanh(5, use_real_tanh=True)")),
    "Activation": _on(LINE, lambda k, q: k.layers.Activation("relu")),
    "ReLU": _on(LINE, lambda k, q: k.layers.ReLU(max_value=1.5)),
    "ReLU, threshold": _on(LINE, lambda k, q: k.layers.ReLU(threshold=0.5)),
    "Softmax": _on((4,), lambda k, q: k.layers.Softmax()),
    "LeakyReLU": _on(LINE, lambda k, q: k.layers.LeakyReLU(negative_slope=0.25)),
    "PReLU": _on(LINE, lambda k, q: k.layers.PReLU(shared_axes=[1])),
    "ELU": _on((4,), _then_rounded(lambda k: k.layers.ELU())),
    "Activation, by a table": _on((4,), _then_rounded(lambda k: k.layers.Activation("softplus"))),
    "Flatten": _on(LINE, lambda k, q: k.layers.Flatten()),
    "Reshape": _on(LINE, lambda k, q: k.layers.Reshape((4, 3))),
    "Permute": _on(LINE, lambda k, q: k.layers.Permute((2, 1))),
    "Permute, three axes": _on(IMAGE, lambda k, q: k.layers.Permute((3, 1, 2))),
    "RepeatVector": _on((4,), lambda k, q: k.layers.RepeatVector(3)),
    "UpSampling1D": _on(LINE, lambda k, q: k.layers.UpSampling1D(2)),
    "UpSampling2D": _on((2, 3, 2), lambda k, q: k.layers.UpSampling2D((2, 3))),
    "ZeroPadding1D": _on(LINE, lambda k, q: k.layers.ZeroPadding1D((1, 2))),
    "ZeroPadding2D": _on((2, 3, 2), lambda k, q: k.layers.ZeroPadding2D(((1, 0), (2, 1)))),
    "Cropping1D": _on(LINE, lambda k, q: k.layers.Cropping1D((1, 2))),
    "Cropping2D": _on(IMAGE, lambda k, q: k.layers.Cropping2D(((1, 0), (2, 1)))),
    "Concatenate": _of_two(((4,), (3,)), lambda k, a, b: k.layers.Concatenate()([a, b])),
    "Concatenate, along positions": _of_two(((4, 2), (3, 2)), lambda k, a, b: k.layers.Concatenate(axis=1)([a, b])),
    "Add": _of_two((LINE, LINE), lambda k, a, b: k.layers.Add()([a, b])),
    "Add, broadcast": _of_two((LINE, (1, 2)), lambda k, a, b: k.layers.Add()([a, b])),
    "Subtract": _of_two((LINE, LINE), lambda k, a, b: k.layers.Subtract()([a, b])),
    "Multiply": _of_two((LINE, LINE), lambda k, a, b: k.layers.Multiply()([a, b])),
    "Average": _of_two((LINE, LINE), lambda k, a, b: k.layers.Average()([a, b])),
    "Maximum": _of_two((LINE, LINE), lambda k, a, b: k.layers.Maximum()([a, b])),
    "Minimum": _of_two((LINE, LINE), lambda k, a, b: k.layers.Minimum()([a, b])),
    "MaxPooling1D": _on(LINE, lambda k, q: k.layers.MaxPooling1D(2)),
    "MaxPooling1D, strides not its window": _on(LINE, lambda k, q: k.layers.MaxPooling1D(3, strides=2)),
    "MaxPooling1D, padded": _on((5, 2), lambda k, q: k.layers.MaxPooling1D(2, padding="same")),
    "MaxPooling2D": _on(IMAGE, lambda k, q: k.layers.MaxPooling2D(2)),
    "MaxPooling2D, strides not its window": _on(IMAGE, lambda k, q: k.layers.MaxPooling2D(3, strides=2)),
    "MaxPooling2D, padded": _on(IMAGE, lambda k, q: k.layers.MaxPooling2D(2, padding="same")),
    "AveragePooling1D": _on(LINE, lambda k, q: k.layers.AveragePooling1D(2)),
    "AveragePooling2D": _on(IMAGE, lambda k, q: k.layers.AveragePooling2D(2, strides=1)),
    "QAveragePooling2D": _on(IMAGE, lambda k, q: q.QAveragePooling2D(2, activation=ROUNDED)),
    "GlobalMaxPooling1D": _on(LINE, lambda k, q: k.layers.GlobalMaxPooling1D()),
    "GlobalMaxPooling2D": _on(IMAGE, lambda k, q: k.layers.GlobalMaxPooling2D()),
    "GlobalAveragePooling1D": _on((4, 2), lambda k, q: k.layers.GlobalAveragePooling1D()),
    "GlobalAveragePooling2D": _on((2, 4, 3), lambda k, q: k.layers.GlobalAveragePooling2D()),
    "QGlobalAveragePooling2D": _on((2, 4, 3), lambda k, q: q.QGlobalAveragePooling2D(activation=ROUNDED)),
    "GlobalSumPooling1D": _sum_pooling,
    "NodeEdgeProjection": _node_edge_projection,
    "PairProducts": _pair_products,
    "Dropout": _on(LINE, lambda k, q: k.layers.Dropout(0.5)),
    "ops.Add": _op(lambda ops, x: x + 1.5),
    "ops.Subtract": _op(lambda ops, x: 1.0 - x),
    "ops.Multiply": _op(lambda ops, x: x * 0.75),
    "ops.Divide": _op(lambda ops, x: ops.divide(x, 4.0)),
    "ops.Negative": _op(lambda ops, x: -x),
    "ops.Relu": _op(lambda ops, x: ops.relu(x)),
    "ops.Relu6": _op(lambda ops, x: ops.relu6(x)),
    "ops.LeakyRelu": _op(lambda ops, x: ops.leaky_relu(x, 0.25)),
    "ops.Clip": _op(lambda ops, x: ops.clip(x, -1.0, 1.5)),
    "ops.Maximum": _op(lambda ops, x: ops.maximum(x, -x)),
    "ops.Minimum": _op(lambda ops, x: ops.minimum(x, 0.5)),
    "ops.Concatenate": _op(lambda ops, x: ops.concatenate([x, -x], axis=-1)),
    "ops.Reshape": _op(lambda ops, x: ops.reshape(x, (-1, 2, 4))),
    "ops.Transpose": _op(lambda ops, x: ops.transpose(x, (0, 2, 1))),
    "ops.ExpandDims": _op(lambda ops, x: ops.expand_dims(x, 1)),
    "ops.Squeeze": _op(lambda ops, x: ops.squeeze(ops.expand_dims(x, 1), 1)),
    "ops.GetItem": _op(lambda ops, x: x[:, 1::2]),
    "ops.GetItem, one place": _op(lambda ops, x: x[..., 1]),
    "ops.Take": _op(lambda ops, x: ops.take(x, [0, 2, 1], axis=1)),
    "ops.Stack": _op(lambda ops, x: ops.stack([x, -x], axis=1)),
    "ops.Where": _op(lambda ops, x: ops.where(x > 0.25, x, -1.5)),
    "ops.LogicalOr": _op(lambda ops, x: ops.logical_or(x > 0.25, ops.equal(x, -0.5))),
    "ops.FullLike": _op(lambda ops, x: x + ops.full_like(x, 0.75)),
    "ops.Pad, by a number": _op(lambda ops, x: ops.pad(x, ((0, 0), (1, 2), (0, 1)), constant_values=0.75)),
    "ops.HardShrink": _op(lambda ops, x: ops.hard_shrink(x)),
    "ops.Sort": _op(lambda ops, x: ops.sort(x, axis=1)),
    "ops.Round": _op(lambda ops, x: ops.round(x)),
    "ops.Einsum": _op(lambda ops, x: ops.einsum("bij,bkj->bik", x, x)),
    "ops.Sum": _op(lambda ops, x: ops.sum(x, axis=1)),
    "ops.Mean": _op(lambda ops, x: ops.mean(x, axis=1)),
    "ops.Max": _op(lambda ops, x: ops.max(x, axis=1)),
    "ops.Argmax": _op(lambda ops, x: ops.argmax(x, axis=-1)),
}
SAME = {
    "SimpleRNN": "QSimpleRNN",
    "LSTM": "QLSTM",
    "GRU": "QGRU",
    "QBidirectional": "Bidirectional",
    "Dense": "QDense",
    "Conv1D": "QConv1D",
    "Conv2D": "QConv2D",
    "DepthwiseConv2D": "QDepthwiseConv2D",
    "ThresholdedReLU": "ReLU",
    "SeparableConv1D": "QSeparableConv1D",
    "SeparableConv2D": "QSeparableConv2D",
    "DepthwiseConv1D": "QDepthwiseConv2D",
    **dict.fromkeys(("Normalization", "Rescaling"), "ops.Multiply"),
    "Dot": "Multiply",  # and a dense layer of ones
    "ops.Absolute": "ops.Maximum",
    "ops.Square": "Multiply",
    **dict.fromkeys(("ops.Amax", "ops.Amin", "ops.Min"), "ops.Max"),
    **dict.fromkeys(("ops.Argmin", "ops.TopK"), "ops.Argmax"),
    **dict.fromkeys(("ops.ArraySplit", "ops.Split", "ops.Unstack"), "ops.GetItem"),
    "ops.Swapaxes": "ops.Transpose",
    "ops.Flip": "ops.GetItem",
    "ops.Elu": "ELU",
    **dict.fromkeys(("ops.BroadcastTo", "ops.Roll", "ops.Repeat", "ops.Tile", "ops.Pad"), "ops.Take"),
    "ops.Moveaxis": "ops.Transpose",
    **dict.fromkeys(("ops.Greater", "ops.GreaterEqual", "ops.Less", "ops.LessEqual", "ops.Sign"), "ops.Where"),
    **dict.fromkeys(
        (
            "ops.All",
            "ops.Any",
            "ops.CountNonzero",
            "ops.Equal",
            "ops.LogicalAnd",
            "ops.LogicalNot",
            "ops.LogicalXor",
            "ops.NotEqual",
            "ops.OneHot",
        ),
        "ops.LogicalOr",
    ),
    **dict.fromkeys(("ops.OnesLike", "ops.ZerosLike"), "ops.FullLike"),
    **dict.fromkeys(("ops.SoftShrink", "ops.Threshold"), "ops.HardShrink"),
    "ops.Median": "ops.Sort",
    "ops.Cumsum": "QDense",
    **dict.fromkeys(("ops.Floor", "ops.Ceil", "ops.Trunc"), "ops.Round"),
    **dict.fromkeys(("ops.Matmul", "ops.Dot"), "ops.Einsum"),
    **dict.fromkeys(
        (
            "ops.Exp",
            "ops.Gelu",
            "ops.HardSigmoid",
            "ops.HardSilu",
            "ops.HardTanh",
            "ops.Selu",
            "ops.Sigmoid",
            "ops.Silu",
            "ops.Softplus",
            "ops.Softsign",
            "ops.SparseSigmoid",
            "ops.Tanh",
        ),
        "Activation",
    ),
    "ops.TrueDivide": "ops.Divide",
    **dict.fromkeys(
        (
            "ActivityRegularization",
            "AlphaDropout",
            "GaussianDropout",
            "GaussianNoise",
            "Identity",
            "ops.Cast",
            "SpatialDropout1D",
            "SpatialDropout2D",
        ),
        "Dropout",
    ),
}
"""Classes read by the same code as another, and whose row that is."""
ROUNDED_WEIGHTS = ("Conv1DTranspose", "Conv2DTranspose", "PReLU")
"""Layers of Keras without quantizers, whose weights somebody else rounded."""
HGQ = (
    "FixedPointQuantizer", "HActivation", "HAdd", "HConv1D", "HConv1DBatchNorm", "HConv2D", "HConv2DBatchNorm",
    "HDense", "HDenseBatchNorm", "HQuantize", "PQActivation", "PQAvgPool1d", "PQAvgPool2d", "PQBatchNormalization",
    "PQConv1d", "PQConv2d", "PQDense",
)  # fmt: skip
"""Classes of files that HGQ and PQuantML write, which Keras cannot make without them; tests/hls/importing knows their
definitions."""


def model(row: str) -> Any:
    """The Keras model of a row, with weights of either sign."""
    import keras
    import qkeras

    made = keras.Model(*ROWS[row](keras, qkeras))
    rng = np.random.default_rng(SEED)
    for layer in made.layers:
        for weight in layer.weights:
            if weight.dtype == "float32":
                values = rng.normal(scale=0.6, size=weight.shape)
                if layer.__class__.__name__ in ROUNDED_WEIGHTS:
                    values = np.round(values * 16) / 16
                weight.assign(np.abs(values) + 0.1 if "variance" in weight.path else values)
    return made


def graph_of(row: str) -> FixedGraph:
    """The exact arithmetic of a row's network."""
    return hls.import_keras(model(row), INPUT)
