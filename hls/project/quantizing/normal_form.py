"""A plain network with one concern a layer: sums of products, activations and normalizations apart.

Dense and convolutions lose their activation to a layer of its own, a batch normalization that follows one is folded
into its weights, a layer called twice becomes two, what acts only in training is gone, and so is a last softmax, whose
scores keep their order without it. Values change by float32 rounding alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from hls.errors import UnsupportedError
from hls.importing.layers import known_classes
from hls.importing.quantizers import function_name
from hls.importing.spec import Call, LayerSpec, ModelSpec, TensorRef, calls_in_order

SUMS = ("Dense", "Conv1D", "Conv2D", "DepthwiseConv2D")
"""Layers of Keras with a kernel and perhaps a bias."""
NORMALIZATIONS = ("BatchNormalization", "BatchNormalizationV1")
_TRAINING = (
    "Dropout", "SpatialDropout1D", "SpatialDropout2D", "GaussianDropout", "GaussianNoise", "AlphaDropout",
    "ActivityRegularization",
)  # fmt: skip
_QUANTIZED = ("Q", "Prune", "H")


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
    for layer in model.layers.values():
        _refuse(layer)
    if is_mixed(model) and not any(layer.class_name in SUMS for layer in model.layers.values()):
        raise UnsupportedError(f"network {model.name!r} is quantized already; give the model to `qtrigger new`")
    rewriter = _Rewriter(model)
    for layer, number in calls_in_order(model, model.inputs):
        rewriter.take(layer, number)
    return rewriter.finish()


def _refuse(layer: LayerSpec) -> None:
    if layer.class_name not in ("InputLayer", "Softmax", *known_classes()):
        raise UnsupportedError(f"layer {layer.name!r}: {layer.class_name} has no quantized form here; leave it out")


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
        elif layer.class_name in SUMS:
            plain = self._add(replace(layer, config={**layer.config, "activation": "linear"}), call)
            self.moved[old] = self._activate(layer, number, plain)
        elif layer.class_name in ("Activation", "Softmax"):
            self.moved[old] = self._activate(layer, number, inputs[0])
        else:
            self.moved[old] = self._add(layer, call)

    def _activate(self, layer: LayerSpec, number: int, x: TensorRef) -> TensorRef:
        name = "softmax" if layer.class_name == "Softmax" else function_name(layer.config.get("activation")) or "linear"
        if name == "linear":
            return x
        if name == "softmax":
            self._require_last(layer, number)
            self.notes.append(f"the softmax of {layer.name} is left to the host: scores keep their order without it")
            return x
        own = replace(layer, name=self._free(f"{layer.name}_{name}" if layer.class_name in SUMS else layer.name))
        return self._insert(replace(own, class_name="Activation", config={"activation": name}, weights=()), x)

    def _require_last(self, layer: LayerSpec, number: int) -> None:
        if TensorRef(layer.name, number, 0) not in self.model.outputs:
            raise UnsupportedError(
                f"layer {layer.name!r}: a softmax in the middle of a network has no fixed-point form"
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
    depthwise = layer.class_name == "DepthwiseConv2D"
    scaled = kernel * (factor.reshape(kernel.shape[-2:]) if depthwise else factor)
    shifted = (bias[0] if bias else 0.0) * factor + offset
    config: dict[str, Any] = {**layer.config, "use_bias": True}
    return replace(layer, config=config, weights=(scaled.astype(np.float32), shifted.astype(np.float32)))


def readers_of(model: ModelSpec, ref: TensorRef) -> Iterator[LayerSpec]:
    """The layers that read a tensor of a network in normal form."""
    return (layer for layer in model.layers.values() if any(ref in call.inputs for call in layer.calls))
