"""Refusals of layers, quantizers and operators of Keras and QKeras, each with its cure."""

from __future__ import annotations

from typing import Any

import numpy as np

from hls.importing import Statements
from tests.hls.importing.cures import ANOTHER, FLOATS, Q8, W4, Case, X, dense, keras
from tests.hls.importing.files import activation, layer, operator, port, tensor


def policy(name: str) -> dict[str, Any]:
    return {"class_name": "DTypePolicy", "config": {"name": name}}


def by_keras(mode: str) -> dict[str, Any]:
    """The policy of a layer that Keras quantized itself."""
    return {"class_name": "QuantizedDTypePolicy", "config": {"mode": mode, "source_name": "float32"}}


def held(kind: str, **config: Any) -> dict[str, Any]:
    """A layer inside another."""
    return {"class_name": kind, "config": {"name": "inside", **config}}


MATRIX = [np.array([[0.5, 0.25], [-0.5, 0.125], [0.75, -0.875]])]
WINDOW = np.array([0.5, -0.25]).reshape(2, 1, 1)
KERNEL: dict[str, Any] = {"kernel_quantizer": W4, "use_bias": False}
NORMAL = {"o": [np.array([2.0, 4.0, 1.0]), np.array([1.0, 0.0, -1.0]), np.zeros(3), np.ones(3) - 1e-3]}
"""Of a variance that makes the root one."""
DUMMY = {"class_name": "QuantizerConfig", "config": {"q_type": "dummy"}}
CASES: list[Case] = [
    keras([layer("Dense", "o", X, use_bias=False)], ("kernel_quantizer=quantized_bits(8, 0, alpha=1)", ANOTHER),
     [layer("QDense", "o", X, use_bias=False, kernel_quantizer="quantized_bits(8,0,alpha=1)")]),
    keras([dense("o", "q", activation="softmax")], ("softmax of its outputs in software, which changes nothing",),
     [dense("o", "q")]),
    keras([layer("Softmax", "o", X)], ("end the network before it",), [activation("o", "linear", "q")]),
    keras([layer("Activation", "o", X, activation="sigmoid")], ("quantized_sigmoid(10, use_real_sigmoid=1)", ANOTHER),
     [activation("o", "quantized_sigmoid(10, use_real_sigmoid=1)", "q")]),
    keras([layer("Activation", "o", X, activation="tanh")], ("quantized_tanh(10, use_real_tanh=1)", ANOTHER),
     [activation("o", "quantized_tanh(10, use_real_tanh=1)", "q")]),
    keras([layer("Activation", "o", X, activation="selu")], ("right after it, whose rounding", ANOTHER),
     [layer("Activation", "s", X, activation="selu"), activation("o", Q8, "s")]),
    keras([layer("Activation", "o", X, activation="mish")], ("activation in its place that is read", ANOTHER),
     [activation("o", "quantized_relu(8,3)", "q")]),
    keras([layer("Activation", "o", X, activation="hard_sigmoid")], ("QActivation('hard_sigmoid')", ANOTHER),
     [activation("o", "hard_sigmoid", "q")]),
    keras([layer("ELU", "o", X)], ("right after it, whose rounding", ANOTHER),
     [layer("ELU", "e", X), activation("o", "quantized_relu(8,3)", "e")]),
    keras([layer("Dropout", "o", X, call={"training": True})], ("call the layer without it",),
     [layer("Dropout", "o", X)]),
    keras([layer("Multiply", "o", [X, 0.5])], ("use an operator",), [operator("Multiply", "o", X, 0.5)]),
    keras([layer("ReLU", "o", X, X)], ("call it once for each",), [layer("ReLU", "o", X)]),
    keras([layer("Concatenate", "o", [X, X], axis=0)], ("choose another axis",),
     [layer("Concatenate", "o", [X, X], axis=1)]),
    keras([layer("QActivation", "o", X, activation=Q8, dtype=policy("float16"))],
     ("float16", "set_dtype_policy('float32')"),
     [layer("QActivation", "o", X, activation=Q8, dtype=policy("float32"))]),
    keras([layer("Dense", "o", X, units=2, use_bias=False, dtype=by_keras("int8"))],
     ("as it was before that", ANOTHER), [layer("QDense", "o", X, use_bias=False, kernel_quantizer=Q8)]),
    keras([activation("o", Q8, "q")], "choose one of logits, argmax", [activation("o", Q8, "q")],
     statements=Statements(outputs="class"), cured_statements=Statements(outputs="argmax")),
    keras([layer("Softmax", "o", X)], "state one of them", [layer("Softmax", "o", X)],
     statements=Statements(outputs="argmax", softmax="table"), cured_statements=Statements(outputs="argmax")),
    keras([activation("o", Q8, "q")], 'leave outputs = "argmax" out', [activation("o", Q8, "q")], shape=(1,),
     statements=Statements(outputs="argmax"), cured_statements=Statements()),
    keras([layer("TFOpLambda", "o", X, function="math.multiply")], ("never executed", "keras.ops"),
     [operator("Multiply", "o", X, 0.5)]),
    keras([layer("Lambda", "o", X, function="x")], ("never executed", "a layer that the importer knows"),
     [activation("o", "relu", "q")]),
    keras([layer("Foo", "o", X)], ("put layers in its place that are known", ANOTHER), [layer("ReLU", "o", X)]),
    keras([layer("LayerNormalization", "o", X, axis=-1)], ("a root of them", "use BatchNormalization", ANOTHER),
          [layer("BatchNormalization", "o", X, axis=[1])], weights=NORMAL),
    keras([layer("AdaptiveMaxPooling1D", "o", X, output_size=[2], data_format="channels_last")],
          ("window and strides are the quotients", "computes the same"),
          [layer("MaxPooling1D", "o", X, pool_size=[2], strides=[2])], shape=(4, 1),
          same=lambda x: np.maximum(x[:, ::2], x[:, 1::2])),
    keras([layer("TimeDistributed", "o", X, layer=held("QConv1D", kernel_size=2, **KERNEL))],
          "a QConv2D whose window has length 1 along the steps",
          [layer("QConv2D", "o", X, kernel_size=[1, 2], **KERNEL)], shape=(2, 4, 1),
          cured_weights={"o": [WINDOW[None]]},
          same=lambda x: 0.5 * x[:, :, :-1] - 0.25 * x[:, :, 1:]),
    keras([layer("TimeDistributed", "o", X, layer=held("LayerNormalization"))], "call the layer on the tensor",
          [layer("ReLU", "o", X)], shape=(2, 4)),
    keras([layer("SpectralNormalization", "o", X, layer=held("QDense", units=2, **KERNEL))],
          "put the layer that it wraps (layer.layer) in its place", [dense("o", "q")], weights={"o": MATRIX},
          same=lambda x: x @ MATRIX[0]),
    keras([layer("Normalization", "o", X, axis=[-1], mean=[1.0], variance=[3.0])],
          ("state variances that are powers of four", ANOTHER),
          [layer("Normalization", "o", X, axis=[-1], mean=[1.0], variance=[4.0])]),
    keras([layer("Normalization", "o", X, axis=[0], mean=[1.0], variance=[4.0])], "choose another axis",
          [layer("Normalization", "o", X, axis=[1], mean=[1.0], variance=[4.0])]),
    keras([layer("EinsumDense", "o", X, equation="abc,cd->abd")], "that of a QDense, with the same kernel",
          [dense("o", "q")], shape=(2, 3), weights={"o": MATRIX}, same=lambda x: x @ MATRIX[0]),
    keras([layer("CenterCrop", "o", X, height=2, width=2)], ("leave it to whoever makes them", "Cropping2D"),
          [layer("Cropping2D", "o", X, cropping=1)], shape=(4, 4, 1), same=lambda x: x[:, 1:3, 1:3]),
    keras([layer("QuantizeWrapperV2", "o", X, layer=held("Dense", units=2))],
     ("as it was before quantize_model to `qtrigger quantize`", ANOTHER), [dense("o", "q")]),
    keras([layer("Masking", "o", X, mask_value=0.0)], "multiply by a 0 or 1 that you give it as an input",
          [port("m", 2, 1), activation("b", "quantized_relu(1,1)", "m"), operator("Multiply", "o", X, tensor("b"))],
          shape=(2, 3)),
    keras([layer("Embedding", "o", X)], "give the network what it would look up as an input",
          [activation("o", "linear", "q")]),
    keras([layer("QAdaptiveActivation", "o", X)], ("with B its total_bits", "QActivation('quantized_relu(B, I)')"),
          [activation("o", "quantized_relu(4,2)", "q")]),
    keras([layer("HBatchNormalization", "o", X)], ("take HGQ's proxy of the model", "to_proxy_model"),
          [layer("FixedPointQuantizer", "f", X, RND="TRN", SAT="WRAP"),
           layer("Dense", "o", tensor("f"), use_bias=False)],
          weights={"o": MATRIX, "f": [np.full((1, 3), v, np.float32) for v in (1, 6, 3)]}),
    keras([layer("hgq>QSoftmaxThing", "o", X, module="hgq.layers")],
          ("it is of HGQ 2, of whose layers QAdd", ANOTHER),
          [layer("QDense", "o", X, module="hgq.layers", use_bias=False, enable_iq=False, kq_conf=DUMMY)],
          weights={"o": MATRIX}),
    keras([layer("Activation", "o", X, activation="sparse_plus")], ("it is not read here", ANOTHER),
          [activation("o", "relu", "q")]),
    keras([layer("Activation", "o", X, activation="softmax"), activation("p", Q8, "o")],
          "what follows reads them; end the network before it", [activation("o", "linear", "q")], same=lambda x: x),
    keras([layer("Softmax", "o", X, axis=1), dense("p", "o", activation="selu")],
          "2 things keep this network off the chip", [dense("p", "q")], weights={"p": FLOATS}),
    keras([layer("ELU", "e", X), activation("o", "quantized_tanh(6)", "e")],
          ("put QActivation('quantized_bits(10, 3, alpha=1)') between the two", ANOTHER),
          [layer("ELU", "e", X), activation("f", "quantized_bits(10, 3, alpha=1)", "e"),
           activation("o", "quantized_tanh(6)", "f")]),
    keras([layer("QDense", "o", X, use_bias=False)],
          ("give it kernel_quantizer=quantized_bits(8, 0, alpha=1)", ANOTHER),
          [dense("o", "q", kernel_quantizer="quantized_bits(8, 0, alpha=1)")]),
    keras([layer("Conv1DTranspose", "o", X, use_bias=False, strides=2)],
          "write it as Reshape, Conv2DTranspose with a window of length 1",
          [layer("Reshape", "r", X, target_shape=[1, 3, 1]),
           layer("QConv2DTranspose", "o", tensor("r"), strides=[1, 2], **KERNEL),
           layer("Reshape", "s", tensor("o"), target_shape=[6, 1])], shape=(3, 1),
          weights={"o": [np.full((2, 1, 1), 0.1)]}, cured_weights={"o": [np.full((1, 2, 1, 1), 0.1)]}),
    keras([layer("DepthwiseConv1D", "o", X, use_bias=False)],
          ("with a QConv1D of as many groups as channels", "another network"),
          [layer("QConv1D", "o", X, groups=2, **KERNEL)], shape=(3, 2), weights={"o": [np.full((2, 2, 1), 0.1)]},
          cured_weights={"o": [np.full((2, 1, 2), 0.1)]}),
    keras([layer("GlobalAveragePooling1D", "o", X, call={"mask": True})], "multiply by the mask instead, and sum",
          [port("m", 2, 1), activation("b", "quantized_relu(1,1)", "m"), operator("Multiply", "p", X, tensor("b")),
           operator("Sum", "o", tensor("p"), axis=1)], shape=(2, 3)),
    keras([layer("Softmax", "o", X, axis=1)], ("and only the last", "end the network before it"),
          [activation("o", "linear", "q")], shape=(2, 3), statements=Statements(softmax="drop"),
          cured_statements=Statements()),
    keras([layer("Softmax", "o", X)], 'softmax = "drop" leaves them to software', [layer("Softmax", "o", X)],
          shape=(1,), statements=Statements(softmax="argmax"), cured_statements=Statements(softmax="drop")),
    keras([layer("Softmax", "o", X)], ('takes 2 to 128 scores', 'softmax = "drop" leaves them to software'),
          [layer("Softmax", "o", X)], shape=(1,), statements=Statements(softmax="table"),
          cured_statements=Statements(softmax="drop")),
    keras([layer("Softmax", "o", X)], "choose one of drop, argmax, table", [layer("Softmax", "o", X)],
          statements=Statements(softmax="tables"), cured_statements=Statements(softmax="table")),
    keras([layer("ReLU", "o", X)], "leave the statement out", [layer("ReLU", "o", X)],
          statements=Statements(sigmoid="drop"), cured_statements=Statements()),
    keras([layer("ReLU", "o", X)], "choose one of hard, smooth, real", [layer("ReLU", "o", X)],
          statements=Statements(internal_sigmoid="soft"), cured_statements=Statements(internal_sigmoid="smooth")),
    keras([layer("Dot", "o", [X, X], axes=1, normalize=True)], ("leave the norm out", ANOTHER),
          [layer("Dot", "o", [X, X], axes=1)]),
    keras([layer("UpSampling1D", "o", X, size=2), layer("UpSampling2D", "o", X, interpolation="bilinear")],
          ("use interpolation='nearest'", ANOTHER), [layer("UpSampling2D", "o", X, interpolation="nearest")],
          shape=(2, 2, 1)),
    keras([layer("QConv2D", "o", X, mask=[[0.5]], kernel_size=1, **KERNEL)], ("use zeros and ones", ANOTHER),
          [layer("QConv2D", "o", X, mask=[[1]], kernel_size=1, **KERNEL)], shape=(2, 2, 1),
          weights={"o": [np.full((1, 1, 1, 1), 0.5)]}),
    keras([layer("QConv2DTranspose", "o", X, output_padding=1, kernel_size=1, **KERNEL)], ("leave them out", ANOTHER),
          [layer("QConv2DTranspose", "o", X, kernel_size=1, **KERNEL)], shape=(2, 2, 1),
          weights={"o": [np.full((1, 1, 1, 1), 0.5)]}),
    keras([layer("QAveragePooling2D", "o", X, pool_size=2, padding="same")], ("use padding='valid'", ANOTHER),
          [layer("QAveragePooling2D", "o", X, pool_size=2, padding="valid")], shape=(3, 3, 1)),
    keras([layer("GlobalSumPooling1D", "o", X, divisor=3)], ("take 1, 2, 4, 8", ANOTHER),
          [layer("GlobalSumPooling1D", "o", X, divisor=4)], shape=(2, 3)),
]  # fmt: skip
