"""A plain network with one concern a layer: sums of products, activations and normalizations apart.

Dense and convolutions lose their activation to a layer of its own, a separable convolution becomes two, a batch
normalization that follows one is folded into its weights, a layer called twice becomes two, what acts only in training
is gone, and so is a last softmax, whose scores keep their order without it. Values change by float32 rounding alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from hls.errors import UnsupportedError
from hls.importing import recurrent
from hls.importing.identities import FUNCTIONS
from hls.importing.keras2 import HARD_SIGMOID
from hls.importing.layers import known_classes
from hls.importing.options import sizes
from hls.importing.precision import quantized_by_keras
from hls.importing.quantizers import function_name
from hls.importing.refusals import TRANSPOSED_1D, unknown_class
from hls.importing.spec import Call, LayerSpec, ModelSpec, TensorRef, calls_in_order
from hls.project.quantizing.recurrent import KINDS as RECURRENT
from hls.project.quantizing.recurrent import check_recurrent

SUMS = ("Dense", "Conv1D", "Conv2D", "DepthwiseConv2D", "Conv2DTranspose")
"""Layers of Keras with a kernel and perhaps a bias."""
NORMALIZATIONS = ("BatchNormalization",)
_TRAINING = (
    "Dropout", "SpatialDropout1D", "SpatialDropout2D", "GaussianDropout", "GaussianNoise", "AlphaDropout",
    "ActivityRegularization",
)  # fmt: skip
_QUANTIZED = ("Q", "Prune", "H")
_JOINS: dict[str, tuple[str, dict[str, Any]]] = {
    "concat": ("Concatenate", {"axis": -1}),
    "sum": ("Add", {}),
    "mul": ("Multiply", {}),
    "ave": ("Average", {}),
}
"""What makes one tensor of both directions."""
_SEPARABLE = ("SeparableConv1D", "SeparableConv2D")
_WEIGHTED = (*SUMS, *_SEPARABLE, "DepthwiseConv1D")


@dataclass(frozen=True)
class NormalForm:
    """The network, and in plain sentences what was done to it."""

    model: ModelSpec
    notes: tuple[str, ...]


def normal_form(model: ModelSpec) -> NormalForm:
    """The same function in layers that can be quantized one by one.

    Raises:
        UnsupportedError: the whole network is quantized already, brings code along, or a softmax stands in its middle.
    """
    for code in model.refused:
        raise UnsupportedError(code)
    model = replace(model, layers={name: _plain(layer) for name, layer in model.layers.items()})
    for layer in model.layers.values():
        _refuse(layer)
    if is_mixed(model) and not any(layer.class_name in (*SUMS, *RECURRENT) for layer in model.layers.values()):
        raise UnsupportedError(f"network {model.name!r} is quantized already; give the model to `qtrigger new`")
    rewriter = _Rewriter(model)
    for layer, number in calls_in_order(model, model.inputs):
        rewriter.take(layer, number)
    return rewriter.finish()


def _plain(layer: LayerSpec) -> LayerSpec:
    """A layer of QKeras without quantizers as Keras's, and an einsum over the last axis as a Dense."""
    kind, config = layer.class_name.removeprefix("Q"), layer.config
    if layer.class_name == "EinsumDense" and _is_dense(layer):
        kernel, *bias = layer.weights
        plain = {"units": kernel.shape[1], "use_bias": bool(bias), "activation": config.get("activation")}
        return replace(layer, class_name="Dense", config=plain, weights=(kernel, *(one.reshape(-1) for one in bias)))
    quantizers = [key for key in config if key.endswith("_quantizer")]
    function = config.get("activation") is None or function_name(config["activation"]) is not None
    if kind == layer.class_name or kind not in _WEIGHTED or any(map(config.get, quantizers)) or not function:
        return layer
    return replace(
        layer, class_name=kind, config={key: value for key, value in config.items() if key not in quantizers}
    )


def _is_dense(layer: LayerSpec) -> bool:
    """Whether it sums over the last axis alone and adds one number to each of its outputs."""
    left, _, out = str(layer.config.get("equation")).replace(" ", "").partition("->")
    source, _, axes = left.partition(",")
    matrix = bool(layer.weights) and layer.weights[0].ndim == 2 and len(axes) == 2
    return (
        matrix
        and source[-1:] == axes[0]
        and out == source[:-1] + axes[1]
        and (layer.config.get("bias_axes") in (None, axes[1]))
    )


def _refuse(layer: LayerSpec) -> None:
    known = ["InputLayer", *known_classes()]
    if layer.class_name not in known:
        raise unknown_class(layer.name, layer.class_name, known)
    quantized = quantized_by_keras(layer)
    if quantized is not None:
        raise quantized
    if layer.class_name in (f"Q{kind}Batchnorm" for kind in SUMS) and not layer.config.get(_kernel(layer)):
        raise UnsupportedError(
            f"layer {layer.name!r} ({layer.class_name}) has no {_kernel(layer)}, and folds its kernel by itself; use "
            f"{layer.class_name[1:].removesuffix('Batchnorm')} and BatchNormalization, which are quantized"
        )
    if layer.class_name == "Conv1DTranspose":
        raise UnsupportedError(f"layer {layer.name!r}: Conv1DTranspose cannot be quantized: {TRANSPOSED_1D}")


def _kernel(layer: LayerSpec) -> str:
    return "depthwise_quantizer" if "Depthwise" in layer.class_name else "kernel_quantizer"


def is_mixed(model: ModelSpec) -> bool:
    """Whether some of it has quantizers, by QKeras or HGQ: those layers are what they are."""
    layers = model.layers.values()
    return any(layer.class_name.startswith(_QUANTIZED) and "quantizer" in str(layer.config).lower() for layer in layers)


@dataclass
class _Rewriter:
    """Layers of the new network as they come, and where each tensor of the old one went."""

    model: ModelSpec
    layers: dict[str, LayerSpec] = field(default_factory=dict)
    moved: dict[TensorRef, TensorRef] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for ref in self.model.inputs:
            self.layers[ref.layer] = replace(self.model.layers[ref.layer], calls=(Call(),), weights=())
            self.moved[ref] = TensorRef(ref.layer, 0, 0)

    def take(self, layer: LayerSpec, number: int) -> None:
        """One call of one layer."""
        call = layer.calls[number]
        inputs = tuple(self.moved[ref] for ref in call.inputs)
        old = TensorRef(layer.name, number, 0)
        if layer.class_name in _TRAINING:
            self.moved[old] = inputs[0]
        elif layer.class_name in NORMALIZATIONS and (sums := self._foldable(inputs[0], call)) is not None:
            self.layers[sums.name] = folded(sums, *affine(layer))
            self.notes.append(f"{layer.name} is folded into {sums.name}")
            self.moved[old] = inputs[0]
        elif layer.class_name in recurrent.PLAIN:
            self.moved[old] = self._recurrent(layer, call)
        elif layer.class_name in _WEIGHTED:
            self.moved[old] = self._activate(layer, number, self._sums(layer, call))
        elif layer.class_name in (*FUNCTIONS, "ops.Gelu", "Activation", "Softmax", "ops.Softmax"):
            self.moved[old] = self._activate(layer, number, inputs[0])
        else:
            self.moved[old] = self._add(layer, call)

    def _recurrent(self, layer: LayerSpec, call: Call) -> TensorRef:
        """A recurrent layer with its arrays, or of both directions two and what joins them."""
        parts = recurrent.directions(layer) if layer.class_name == "Bidirectional" else (layer,)
        if parts[0].class_name.startswith("Q"):
            return self._add(layer, call)
        for part in parts:
            check_recurrent(part)
        cells = [replace(part, weights=recurrent.arrays_of(part), parts={}) for part in parts]
        if len(cells) == 1:
            return self._add(cells[0], call)
        one, other = (
            self._add(replace(cell, name=f"{layer.name}_{side}"), call)
            for cell, side in zip(cells, ("forward", "backward"), strict=True)
        )
        if cells[0].config.get("return_sequences"):
            turned = LayerSpec(self._free(f"{layer.name}_turned"), "ops.Flip", {"axis": 1}, (), ())
            other = self._insert(turned, other)
        kind, config = _JOINS[layer.config.get("merge_mode", "concat")]
        joined = LayerSpec(self._free(layer.name), kind, config, (Call((one, other)),), ())
        self.layers[joined.name] = joined
        return TensorRef(joined.name, 0, 0)

    def _sums(self, layer: LayerSpec, call: Call) -> TensorRef:
        """Sums of products as one layer, or of a separable convolution as two."""
        plain, x = replace(layer, config={**layer.config, "activation": "linear"}), self.moved[call.inputs[0]]
        if layer.config.get("padding") == "causal":
            plain = replace(plain, config={**plain.config, "padding": "valid"})
            x = self._insert(replace(_zeros_in_front(layer), name=self._free(f"{layer.name}_zeros")), x)
        if layer.class_name not in _SEPARABLE:
            return self._insert(replace(_grouped(plain), name=self._free(layer.name)), x)
        depthwise, pointwise, *bias = layer.weights
        kind = layer.class_name.replace("Separable", "Depthwise")
        first = replace(plain, name=f"{layer.name}_depthwise", class_name=kind, weights=(depthwise,))
        grouped = _grouped(replace(first, config={**plain.config, "use_bias": False}))
        between = self._insert(replace(grouped, name=self._free(grouped.name)), x)
        ones = {"kernel_size": [1] * (depthwise.ndim - 2), "strides": 1, "dilation_rate": 1, "padding": "valid"}
        second = replace(plain, class_name=layer.class_name.removeprefix("Separable"), weights=(pointwise, *bias))
        own = replace(second, name=self._free(layer.name), config={**plain.config, **ones, "groups": 1})
        return self._insert(own, between)

    def _activate(self, layer: LayerSpec, number: int, x: TensorRef) -> TensorRef:
        name = _function(layer)
        if name == "linear":
            return x
        if name == "softmax":
            self._require_last(layer, number)
            self.notes.append(f"the softmax of {layer.name} is left to the host: scores keep their order without it")
            return x
        if name == "leaky_relu":
            slope = {"negative_slope": layer.config.get("negative_slope", 0.2)}
            leaking = replace(layer, name=self._free(f"{layer.name}_{name}"), class_name="LeakyReLU", weights=())
            return self._insert(replace(leaking, config=slope), x)
        if name == HARD_SIGMOID:
            line = LayerSpec(self._free(f"{layer.name}_line"), "Rescaling", {"scale": 0.2, "offset": 0.5}, (), ())
            clip = LayerSpec(self._free(f"{layer.name}_hard_sigmoid"), "ReLU", {"max_value": 1.0}, (), ())
            return self._insert(clip, self._insert(line, x))
        own = replace(layer, name=self._free(f"{layer.name}_{name}" if layer.class_name in _WEIGHTED else layer.name))
        return self._insert(replace(own, class_name="Activation", config={"activation": name}, weights=()), x)

    def _require_last(self, layer: LayerSpec, number: int) -> None:
        if TensorRef(layer.name, number, 0) not in self.model.outputs:
            raise UnsupportedError(
                f"layer {layer.name!r}: a softmax in the middle of a network has no fixed-point form; end the network "
                "before it and leave the rest to software"
            )

    def _foldable(self, x: TensorRef, call: Call) -> LayerSpec | None:
        """The layer of sums whose output nothing but this call reads."""
        source = self.layers[x.layer]
        readers = [c for other in self.model.layers.values() for c in other.calls if call.inputs[0] in c.inputs]
        if source.class_name not in SUMS or len(readers) != 1 or call.inputs[0] in self.model.outputs:
            return None
        return source

    def _add(self, layer: LayerSpec, call: Call) -> TensorRef:
        arguments = tuple(self.moved[a] if isinstance(a, TensorRef) else a for a in call.arguments)
        name = self._free(layer.name)
        self.layers[name] = replace(layer, name=name, calls=(replace(call, arguments=arguments),))
        return TensorRef(name, 0, 0)

    def _insert(self, layer: LayerSpec, x: TensorRef) -> TensorRef:
        self.layers[layer.name] = replace(layer, calls=(Call((x,)),))
        return TensorRef(layer.name, 0, 0)

    def _free(self, wanted: str) -> str:
        taken, name, count = self.layers, wanted, 2
        while name in taken:
            name, count = f"{wanted}_{count}", count + 1
        return name

    def finish(self) -> NormalForm:
        """The new network."""
        inputs = tuple(self.moved[ref] for ref in self.model.inputs)
        outputs = tuple(self.moved[ref] for ref in self.model.outputs)
        return NormalForm(ModelSpec(self.model.name, self.layers, inputs, outputs), tuple(self.notes))


def _function(layer: LayerSpec) -> str:
    """The name of the function of an activation, of an operator, or of a layer that has one."""
    if layer.class_name in ("Softmax", "ops.Softmax"):
        return "softmax"
    if layer.class_name == "ops.Gelu":
        return "gelu_approximate" if layer.config.get("approximate", True) else "gelu"
    return FUNCTIONS.get(layer.class_name) or function_name(layer.config.get("activation")) or "linear"


def _zeros_in_front(layer: LayerSpec) -> LayerSpec:
    """What a causal convolution reads before its first step; QKeras has the option, and fails when it runs."""
    (dilation,) = sizes(layer.config.get("dilation_rate", 1), 1)
    zeros = (layer.weights[0].shape[0] - 1) * dilation
    return LayerSpec(layer.name, "ZeroPadding1D", {"padding": [zeros, 0]}, (), ())


def _grouped(layer: LayerSpec) -> LayerSpec:
    """A depthwise convolution over one axis, which QKeras has not, as one of as many groups as channels."""
    if layer.class_name != "DepthwiseConv1D":
        return layer
    kernel, *bias = layer.weights
    length, channels, multiplier = kernel.shape
    config = {**layer.config, "filters": channels * multiplier, "groups": channels}
    flat = kernel.reshape(length, 1, channels * multiplier)
    return replace(layer, class_name="Conv1D", config=config, weights=(flat, *bias))


Floats = npt.NDArray[np.float64]


def affine(layer: LayerSpec) -> tuple[Floats, Floats]:
    """Factor and offset of a batch normalization, one of each a channel."""
    arrays = [array.astype(np.float64) for array in layer.weights]
    gamma = arrays.pop(0) if layer.config.get("scale", True) else 1.0
    beta = arrays.pop(0) if layer.config.get("center", True) else 0.0
    mean, variance = arrays
    factor = gamma / np.sqrt(variance + float(layer.config.get("epsilon", 1e-3)))
    return np.asarray(factor), np.asarray(beta - mean * factor)


def folded(layer: LayerSpec, factor: Floats, offset: Floats) -> LayerSpec:
    """A layer of sums with a factor and an offset behind it, as one layer of sums."""
    kernel, *bias = (array.astype(np.float64) for array in layer.weights)
    match layer.class_name:
        case "DepthwiseConv2D":
            scaled = kernel * factor.reshape(kernel.shape[-2:])
        case "Conv2DTranspose":  # of which the outputs come before the inputs
            scaled = kernel * factor[:, None]
        case _:
            scaled = kernel * factor
    shifted = (bias[0] if bias else 0.0) * factor + offset
    config: dict[str, Any] = {**layer.config, "use_bias": True}
    return replace(layer, config=config, weights=(scaled.astype(np.float32), shifted.astype(np.float32)))


def readers_of(model: ModelSpec, ref: TensorRef) -> Iterator[LayerSpec]:
    """The layers that read a tensor of a network in normal form."""
    return (layer for layer in model.layers.values() if any(ref in call.inputs for call in layer.calls))
