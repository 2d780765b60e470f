"""All that keeps one network off the chip, gathered into one refusal, and what is said of classes not known here."""

from __future__ import annotations

import re
from difflib import get_close_matches

from hls.errors import UnsupportedError

_NAMED = re.compile(r"layer ('(?:[^'\\]|\\.)*'|\"[^\"]*\")")


class Refusals:
    """Refusals in the order of the layers; those that differ in the layer's name alone are told once."""

    def __init__(self) -> None:
        self._layers: dict[str, list[str]] = {}
        self._first: dict[str, str] = {}

    def __bool__(self) -> bool:
        return bool(self._first)

    def add(self, error: UnsupportedError) -> None:
        """Remember a refusal."""
        text = str(error)
        named = _NAMED.search(text)
        key = text if named is None else text.replace(named[1], "...")
        self._first.setdefault(key, text)
        layers = self._layers.setdefault(key, [])
        if named is not None and named[1] not in layers:
            layers.append(named[1])

    def raise_all(self) -> None:
        """Raise one UnsupportedError that lists every refusal, if there is any."""
        told = [text + self._likewise(key) for key, text in self._first.items()]
        if len(told) == 1:
            raise UnsupportedError(told[0])
        if told:
            listed = " ".join(f"({number}) {text}." for number, text in enumerate(told, 1))
            raise UnsupportedError(f"{len(told)} things keep this network off the chip: {listed}")

    def _likewise(self, key: str) -> str:
        others = self._layers[key][1:]
        return f" (likewise {', '.join(others)})" if others else ""


ANOTHER = "which is another network: train it again"
"""Said of every cure that does not compute the same."""
ENDS_BEFORE = "end the network before it and leave the rest to software"
SOFTMAX_STATED = (
    'softmax = "drop" under [model] of project.toml, --softmax drop (qtrigger new, qtrigger estimate) or '
    'import_keras(model, softmax="drop") does so; "argmax" instead gives the index of the largest score, exactly, and '
    '"table" a softmax of 16 bits'
)
SIGMOID_STATED = (
    'sigmoid = "drop" under [model] of project.toml, --sigmoid drop (qtrigger new, qtrigger estimate) or '
    'import_keras(model, sigmoid="drop") does so'
)
"""How the last function of a network is left to software without another model file."""
_SOFTMAX = (
    "end the network before it and take the softmax of its outputs in software, which changes nothing; their order, "
    f"and so the class, needs none. Of a last softmax, {SOFTMAX_STATED}"
)
_RECURRENT = f"of recurrent layers LSTM, GRU and SimpleRNN are read here; {ENDS_BEFORE}, or use QLSTM, {ANOTHER}"
_HGQ2 = "let hls4ml convert it, or train the network with those, which is another network"
_HGQ = (
    "take HGQ's proxy of the model (HGQ.proxy.to_proxy_model), whose layers are read here and compute the same, "
    "wrapping "
    "around at their ends"
)
_OPERATOR = (
    "an operator of TensorFlow's by its name, never executed here; write it with a layer (Add, Multiply, "
    "Concatenate, Reshape) or, on "
    "Keras 3, with keras.ops, and save the model again"
)
NOT_READ = (
    f"it is not read here; put an activation in its place that is (docs/reference/support.md lists them), {ANOTHER}"
)
PRODUCT = (
    "a product that is not read here; of two tensors with the batch in front it is a keras.layers.Dot or a "
    "keras.ops.einsum('bij,bjk->bik', a, b), with a matrix of constants a QDense of that kernel, which compute the same"
)
NO_BINARY_FUNCTION = (
    f"it gives no numbers of finitely many bits; {ENDS_BEFORE}, or put an activation in its place that is read "
    f"(docs/reference/support.md lists them), {ANOTHER}"
)

_CURES: dict[str, str] = {
    **dict.fromkeys(("TFOpLambda", "SlicingOpLambda", "TensorFlowOpLayer"), _OPERATOR),
    **dict.fromkeys(
        ("RNN", "ConvLSTM1D", "ConvLSTM2D"),
        _RECURRENT,
    ),
    **dict.fromkeys(("HBatchNormalization", "HMultiHeadAttention"), _HGQ),
    "ops.Softmax": _SOFTMAX,
    **dict.fromkeys(("LayerNormalization", "GroupNormalization", "UnitNormalization", "RMSNormalization"),
        "its mean, variance or norm are those of each event, and a root of them is no finite binary "
        f"number; use BatchNormalization, {ANOTHER}"),
    "TimeDistributed": "a QDense or an activation works on the last axis by itself and needs none: call the layer on "
    "the tensor, which computes the same; so does, for a QConv1D, a QConv2D whose window has length 1 along the steps",
    "SpectralNormalization": "it divides the kernel in training; put the layer that it wraps (layer.layer) in its "
    "place, which computes the same",
    "EinsumDense": "an equation that sums over the last axis alone is that of a QDense, with the same kernel, which "
    f"`qtrigger quantize` makes of it; HGQ2's QEinsumDense takes any, {ANOTHER}",
    "MultiHeadAttention": f"HGQ2's QMultiHeadAttention is read here, {ANOTHER}",
    **dict.fromkeys(("CenterCrop", "Resizing", "RandomFlip", "RandomCrop", "RandomRotation", "RandomZoom"),
        "it prepares the events: leave it to whoever makes them; at inference Cropping2D and UpSampling2D crop and "
        "repeat"),
    "ops.Power": "TensorFlow's is off in its last bits, and not alike on every CPU; write a whole power as a product "
    "(x * x * x), which is exact",
    **dict.fromkeys(("ops.Tensordot", "ops.Inner", "ops.Outer", "ops.Vdot"), PRODUCT),
    **dict.fromkeys([f"Adaptive{kind}Pooling{rank}D" for kind in ("Average", "Max") for rank in (1, 2)],
        "of outputs that divide the length of their axis it is an AveragePooling or MaxPooling whose window and "
        "strides are the quotients, which computes the same"),
    **dict.fromkeys(("ops.AveragePool", "ops.MaxPool"),
        "the layers AveragePooling1D, MaxPooling2D and their like compute the same"),
    "ops.Average": "without weights it is keras.ops.mean, with weights the keras.ops.sum of a product with constants, "
    "which compute the same",
    "ops.Slice": "it takes a part of the batch too; write it as x[:, 1:3], which computes the same of every event",
    "ops.Diff": "write it as a difference of slices (x[:, 1:] - x[:, :-1]), which computes the same",
    **dict.fromkeys(("QuantizeWrapper", "QuantizeWrapperV2", "QuantizeLayer"),
        "it is of TensorFlow Model Optimization's quantization-aware training, whose scales are float32 numbers; give "
        "the network as it was before quantize_model to `qtrigger quantize`, which is another network"),
    "Masking": "firmware computes every step; multiply by a 0 or 1 that you give it as an input",
    "Embedding": "a table by index; give the network what it would look up as an input",
}  # fmt: skip


ADAPTIVE = "QAdaptiveActivation"


def adaptive(layer: str) -> UnsupportedError:
    """The refusal of a layer whose type is no part of what QKeras saves or gives away as weights."""
    return UnsupportedError(
        f"layer {layer!r}: class {ADAPTIVE} is not supported: its integer bits change as it runs and QKeras saves "
        "none of "
        "them, so a file computes something else than what was trained; put QActivation('quantized_bits(B, I, S, "
        "alpha=1)') "
        "or QActivation('quantized_relu(B, I)') in its place, with B its total_bits, I = "
        "int(layer.quantizer.integer) and S "
        "its symmetric, which computes the same"
    )


TRANSPOSED_1D = (
    "QKeras has no layer of it; write it as Reshape, Conv2DTranspose with a window of length 1 along the axis that is "
    "new, and Reshape, which computes the same"
)


def unquantized(class_name: str, key: str) -> str:
    """What to do about plain weights, which ``qtrigger quantize`` rounds in the layers that it takes."""
    given = f"{key}=quantized_bits(8, 0, alpha=1) and train it again from these weights"
    if class_name.startswith("Q"):
        return f"give it {given}: that rounds them, which is another network"
    if class_name == "GRU":
        return f"use QGRU with {given}: that rounds them, which is another network"
    if class_name == "Conv1DTranspose":
        return f"{TRANSPOSED_1D}, and quantize that"
    made = "`qtrigger quantize` makes a QKeras file of such a network"
    if class_name == "DepthwiseConv1D":
        return f"{made}, with a QConv1D of as many groups as channels, whose weights are rounded: another network"
    return f"{made}, or use the QKeras layer with {given}: both round them, which is another network"


def unknown_class(layer: str, class_name: str, known: list[str]) -> UnsupportedError:
    """The refusal of a class that has no handler, with the cure where there is one."""
    what = f"layer {layer!r}: class {class_name} is not supported"
    if class_name.startswith("hgq."):
        read = ", ".join(sorted(name.removeprefix("hgq.") for name in known if name.startswith("hgq.")))
        return UnsupportedError(f"{what}: it is of HGQ 2, of whose layers {read} are read here; {_HGQ2}")
    if class_name == ADAPTIVE:
        return adaptive(layer)
    if class_name in _CURES:
        return UnsupportedError(f"{what}: {_CURES[class_name]}")
    near = get_close_matches(class_name.removeprefix("ops."), [name for name in known if "." not in name], 1, 0.85)
    hint = f"the nearest class that is known is {near[0]}; " if near and "ops." not in class_name else ""
    return UnsupportedError(
        f"{what}; {hint}{ENDS_BEFORE}, put layers in its place that are known (docs/reference/support.md lists them), "
        "which is another network, or bring a handler for it (docs/how-to/add-a-layer.md)"
    )
