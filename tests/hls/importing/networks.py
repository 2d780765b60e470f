"""Hypothesis strategy: random QKeras networks with random weights. Imports TensorFlow."""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import qkeras
from hypothesis import strategies as st

WEIGHTS = (
    "quantized_bits(6,0,alpha=1)", "quantized_bits(4,1,alpha=1)", "quantized_bits(5,0,1,alpha=1)",
    "quantized_bits(5,0)", "quantized_bits(4,0,alpha='auto_po2')", "quantized_bits(1,0,alpha=1)",
    "quantized_bits(4,0,keep_negative=False,alpha=1)", "binary()", "binary(alpha=1)", "ternary()",
    "ternary(alpha=1)", "ternary(alpha=0.5,threshold=0.5)", "quantized_po2(3,max_value=1)",
    "quantized_relu_po2(3,max_value=1)", "quantized_linear(5,0,alpha=1)", "quantized_linear(1,1,alpha=1)",
    "quantized_bits(4,0,3,alpha=1)", "binary(alpha=0.75)", "quantized_bits(4,1,alpha=5)",
)  # fmt: skip
BIASES = ("quantized_bits(6,1,alpha=1)", "quantized_bits(8,0)", "quantized_po2(3,max_value=1)", "ternary(alpha=1)")
ACTIVATIONS = (
    "quantized_relu(6,2)", "quantized_relu(4,0)", "quantized_relu(5,3)", "quantized_relu(6,2,negative_slope=0.125)",
    "quantized_relu(6,1,negative_slope=0.5)", "quantized_bits(6,2,alpha=1)", "quantized_bits(5,1,1,alpha=1)",
    "quantized_bits(5,2,keep_negative=False)", "quantized_bits(6,1,alpha=0.5)", "quantized_bits(1,0,alpha=1)",
    "quantized_linear(6,2)", "quantized_tanh(5)", "quantized_tanh(5,symmetric=True)", "quantized_sigmoid(5)",
    "quantized_sigmoid(5,symmetric=True)", "quantized_tanh(6,use_real_tanh=True)",
    "quantized_sigmoid(6,use_real_sigmoid=True)", "binary()", "binary(alpha=1)", "binary(use_01=True,alpha=0.5)",
    "ternary()", "ternary(alpha=2,threshold=0.6)", "quantized_linear(1,-2)", "quantized_bits(5,1,3,alpha=1)",
    "quantized_bits(4,1,alpha=0.75)", "quantized_tanh(5,symmetric=3)", "quantized_sigmoid(5,symmetric=2)", "hard_tanh",
    "hard_sigmoid", "binary_tanh", "smooth_tanh", "quantized_po2(3,max_value=2)", "quantized_relu_po2(3,max_value=2)",
)  # fmt: skip
INPUT = "quantized_bits(7,2,alpha=1)"


def activation(text: str) -> Any:
    return qkeras.QActivation(text)


def dense(units: int, kernel: str = WEIGHTS[0], bias: str = BIASES[0], **options: Any) -> Any:
    return qkeras.QDense(units, kernel_quantizer=kernel, bias_quantizer=bias, **options)


def conv(kind: Any, *size: Any, kernel: str = WEIGHTS[0], bias: str = BIASES[0], **options: Any) -> Any:
    return kind(*size, kernel_quantizer=kernel, bias_quantizer=bias, **options)


def randomize(model: Any, seed: int) -> None:
    """Weights of either sign; variances positive."""
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        weights = [rng.normal(scale=0.6, size=w.shape) for w in layer.get_weights()]
        if "ormalization" in type(layer).__name__:
            weights[-1] = np.abs(weights[-1]) + 0.1
        if weights:
            layer.set_weights(weights)


def events(model: Any, seed: int, count: int = 64) -> list[npt.NDArray[np.float32]]:
    """Values on a grid of 2**-5 inside the ports' range, both ends among them."""
    rng = np.random.default_rng(seed)
    arrays = []
    for tensor in model.inputs:
        raw = rng.integers(-128, 128, (count, *tensor.shape[1:]))
        raw[0], raw[1] = -128, 127
        arrays.append((raw / 32).astype(np.float32))
    return arrays


def predict(model: Any, arrays: list[npt.NDArray[np.float32]]) -> list[npt.NDArray[np.float32]]:
    result = model(arrays if len(arrays) > 1 else arrays[0], training=False)
    return [np.asarray(y) for y in (result if isinstance(result, list | tuple) else [result])]


@st.composite
def mlps(draw: st.DrawFn) -> Any:
    """Dense stacks with any weight and activation quantizer, sometimes with a second input and a second output."""
    x = inputs = keras.Input((draw(st.integers(1, 5)),), name="x")
    ports = [inputs]
    x = activation(INPUT)(x)
    hidden = None
    for _ in range(draw(st.integers(1, 3))):
        kernel, bias = draw(st.sampled_from(WEIGHTS)), draw(st.sampled_from(BIASES))
        use_bias = draw(st.booleans())
        x = dense(draw(st.integers(1, 5)), kernel, bias, use_bias=use_bias)(x)
        x = hidden = activation(draw(st.sampled_from(ACTIVATIONS)))(x)
    if draw(st.booleans()):
        other = keras.Input((2,), name="other")
        ports.append(other)
        x = keras.layers.Concatenate()([x, activation(INPUT)(other)])
    out = dense(2)(x)
    outputs = [out, hidden] if draw(st.booleans()) else [out]
    return keras.Model(ports if len(ports) > 1 else ports[0], outputs)


@st.composite
def image_networks(draw: st.DrawFn) -> Any:
    """Convolution (plain, depthwise, strided, dilated), normalization, pooling, dense."""
    inputs = keras.Input((draw(st.integers(4, 6)), draw(st.integers(4, 6)), draw(st.integers(1, 2))), name="x")
    x = activation(INPUT)(inputs)
    padding = draw(st.sampled_from(["valid", "same"]))
    kernel = draw(st.sampled_from(WEIGHTS))
    if draw(st.booleans()):
        x = conv(qkeras.QConv2D, draw(st.integers(1, 3)), (2, 3), kernel=kernel, padding=padding,
                 strides=draw(st.sampled_from([1, 2])))(x)  # fmt: skip
    else:
        x = qkeras.QDepthwiseConv2D(2, depthwise_quantizer=kernel, bias_quantizer=BIASES[0], padding=padding,
                                    depth_multiplier=draw(st.sampled_from([1, 2])))(x)  # fmt: skip
    x = activation(draw(st.sampled_from(ACTIVATIONS)))(x)
    pool = draw(st.sampled_from(["max", "max same", "average", "global average", "global max"]))
    if pool == "max":
        x = keras.layers.MaxPooling2D(2)(x)
    elif pool == "max same":
        x = keras.layers.MaxPooling2D(2, padding="same")(x)
    elif pool == "average":
        x = activation("quantized_bits(6,2,alpha=1)")(keras.layers.AveragePooling2D((2, 1))(x))
    elif pool == "global average":
        return keras.Model(inputs, activation("quantized_bits(6,2,alpha=1)")(keras.layers.GlobalAveragePooling2D()(x)))
    else:
        return keras.Model(inputs, keras.layers.GlobalMaxPooling2D()(x))
    return keras.Model(inputs, dense(2)(keras.layers.Flatten()(x)))
