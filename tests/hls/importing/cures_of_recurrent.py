"""Refusals of recurrent layers, each with its cure."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.hls.importing.cures import ANOTHER, Q8, W4, Case, X, keras
from tests.hls.importing.files import activation, layer, port, tensor


def held(kind: str, **config: Any) -> dict[str, Any]:
    """A layer inside another."""
    return {"class_name": kind, "config": {"name": "inside", **config}}


def recurrent(kind: str, name: str, **config: Any) -> dict[str, Any]:
    return layer(kind, name, X, module="qkeras.qrecurrent", **{**CELL_OPTIONS, **config})


def states(count: int) -> dict[str, Any]:
    """What gives a call so many first states, all the same."""
    return {"initial_state": [tensor("first")] * count}


STATES = [port("h", 2), activation("first", Q8, "h")]
CELL_OPTIONS: dict[str, Any] = {
    "units": 2, "activation": "quantized_tanh(5)", "recurrent_activation": "quantized_sigmoid(5)",
    "kernel_quantizer": W4, "recurrent_quantizer": W4, "bias_quantizer": W4, "use_bias": True,
    "state_quantizer": "quantized_bits(6,2,alpha=1)", "reset_after": False,
}  # fmt: skip
CELL = [np.full(shape, 0.125) for shape in ((2, 8), (2, 8), (8,))]
SIMPLE = [np.array([[0.5, 2**-30], [2**-30, 0.5]]), np.array([[0.5, 2**-30], [2**-30, 0.5]]), np.zeros(2)]
_WIDE = "quantized_bits(33,0,alpha=1)"
GROWING = {"activation": "linear", "kernel_quantizer": _WIDE, "recurrent_quantizer": _WIDE, "bias_quantizer": _WIDE}
_TABLES = "quantized_sigmoid(5,use_real_sigmoid=1)"
RECURRENT: list[tuple[str, dict[str, Any], str, dict[str, Any]]] = [
    ("QLSTM", {"activation": "tanh"}, "use QLSTM with", {"activation": "quantized_tanh(8)"}),
    ("QGRU", {"recurrent_activation": "sigmoid"}, "'sigmoid' of a GRU gives no numbers of finitely many bits; use QGRU",
     {"recurrent_activation": "quantized_sigmoid(8)"}),
    ("QLSTM", {"time_major": True}, "put the steps behind the batch", {"time_major": False}),
    ("QLSTM", {"stateful": True}, "use stateful=False", {"stateful": False}),
    ("QLSTM", {"return_state": True}, "use return_sequences=True", {"return_state": False, "return_sequences": True}),
    ("QLSTM", {"state_quantizer": "binary(alpha=1)"}, "use state_quantizer=quantized_bits(8, 2, alpha=1)",
     {"state_quantizer": "quantized_bits(8, 2, alpha=1)"}),
    ("QLSTM", {"recurrent_activation": _TABLES, "state_quantizer": "quantized_bits(20,2,alpha=1)"},
     "give its kernels, inputs and state fewer bits", {"state_quantizer": "quantized_bits(6,2,alpha=1)"}),
]  # fmt: skip
CASES: list[Case] = [
    keras([layer("ConvLSTM1D", "o", X)], ("LSTM, GRU and SimpleRNN are read here", "use QLSTM"),
          [recurrent("QLSTM", "o")], shape=(3, 2), weights={"o/cell": CELL}),
    keras([layer("LSTM", "o", X, activation="linear", recurrent_activation="relu")],
          ("`qtrigger quantize` makes a QKeras file", "with kernel_quantizer=quantized_bits(8, 0, alpha=1)", ANOTHER),
          [recurrent("QLSTM", "o", kernel_quantizer="quantized_bits(8, 0, alpha=1)")], shape=(3, 2),
          weights={"o/cell": [np.full(shape, 0.1) for shape in ((2, 8), (2, 8), (8,))]}),
    *(keras([recurrent(kind, "o", **config)], told, [recurrent(kind, "o", **{**config, **cure})], shape=(3, 2),
            weights={"o/cell": CELL if kind == "QLSTM" else [array[..., :6] for array in CELL]})
      for kind, config, told, cure in RECURRENT),
    keras([recurrent("QSimpleRNN", "o", **GROWING, state_quantizer=None)],
          "use QSimpleRNN with state_quantizer=quantized_bits(8, 2, alpha=1)",
          [recurrent("QSimpleRNN", "o", **GROWING)], shape=(3, 2), weights={"o/cell": SIMPLE}),
    keras([layer("QLSTM", "o", X, **{**CELL_OPTIONS, "units": 80})], ("pool the sequence (MaxPooling1D)", ANOTHER),
          [layer("MaxPooling1D", "m", X, pool_size=16), layer("QLSTM", "o", tensor("m"), **CELL_OPTIONS)],
          shape=(319, 1), weights={"o/cell": [np.zeros((1, 320)), np.zeros((80, 320)), np.zeros(320)]}),
    keras([layer("Bidirectional", "o", X, layer=held("QLSTM", **CELL_OPTIONS), merge_mode=None)],
          "use 'concat', and slice it",
          [layer("Bidirectional", "o", X, layer=held("QLSTM", **CELL_OPTIONS), merge_mode="concat")], shape=(3, 2),
          weights={"o/forward_layer/cell": CELL, "o/backward_layer/cell": CELL}),
    keras([*STATES, layer("Bidirectional", "o", X, call=states(4), layer=held("QLSTM", **CELL_OPTIONS))],
          ("build it of two layers with an initial_state each", "Concatenate their last outputs"),
          [*STATES, recurrent("QLSTM", "f", call=states(2)), recurrent("QLSTM", "b", call=states(2), go_backwards=True),
           layer("Concatenate", "o", [tensor("f"), tensor("b")], axis=-1)], shape=(3, 2),
          weights={"o/forward_layer/cell": CELL, "o/backward_layer/cell": CELL},
          cured_weights={"f/cell": CELL, "b/cell": CELL}),
    keras([layer("Bidirectional", "o", X, layer=held("Conv1D"))],
          ("only of LSTM, GRU and SimpleRNN is it read here", ANOTHER),
          [layer("Bidirectional", "o", X, layer=held("QLSTM", **CELL_OPTIONS))], shape=(3, 2),
          weights={"o/forward_layer/cell": CELL, "o/backward_layer/cell": CELL}),
]  # fmt: skip
