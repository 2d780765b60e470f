"""The network with a quantizer in every slot: weights of each layer, and values wherever they must be rounded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from hls.errors import UnsupportedError
from hls.importing.functions import SMOOTH
from hls.importing.quantizers import function_name
from hls.importing.spec import Call, LayerSpec, ModelSpec, TensorRef
from hls.project.quantizing.normal_form import NORMALIZATIONS, SUMS, affine, is_mixed, readers_of
from hls.project.quantizing.recurrent import KINDS as RECURRENT
from hls.project.quantizing.recurrent import MOST_FRACTION, quantized_cell, states
from hls.project.quantizing.reference import Reference
from hls.project.quantizing.types import Choice, best_choice

_AVERAGES = ("AveragePooling1D", "AveragePooling2D", "GlobalAveragePooling1D", "GlobalAveragePooling2D")
_TABLES = {"tanh": "quantized_tanh({bits},use_real_tanh=1)", "sigmoid": "quantized_sigmoid({bits},use_real_sigmoid=1)"}
_ROUNDED = tuple(name for name in SMOOTH if name not in _TABLES)
"""Functions that stay layers of Keras: with a quantizer before and one behind them they are tables."""
_ACTIVATIONS = ("Activation", "ReLU", "LeakyReLU")
_BIAS_BITS = 16
"""Most bits of a bias. An addend costs little, but the sum it is added to keeps the bits of both, in float32 too."""
_MORE_BITS = 6
"""Of a bias, beyond those of its kernel: it is the sum of many products, and as precise as they are together."""


@dataclass(frozen=True)
class Slot:
    """A place for a quantizer: the weights of a layer, or the values that it puts out (or reads, before a table)."""

    layer: str
    role: Literal["weights", "values", "in"]
    signed: bool

    def __str__(self) -> str:
        return f"{self.layer} {self.role}"


Widths = Mapping[Slot, int]


@dataclass(frozen=True, eq=False)
class Draft:
    """A network in normal form, what Keras computes with it, and its slots."""

    model: ModelSpec
    inputs: tuple[npt.NDArray[np.floating], ...]
    reference: Reference
    slots: tuple[Slot, ...]
    fed: frozenset[str] = frozenset()
    """The layers whose rounded values recurrent layers read."""
    _choices: dict[tuple[Slot, int], Choice] = field(default_factory=dict)

    def choose(self, slot: Slot, bits: int) -> Choice:
        """The quantizer of a slot; the same question is answered once."""
        key = (slot, bits)
        if key not in self._choices:
            best = best_choice(self.values(slot), bits, signed=slot.signed)
            self._choices[key] = best.within(MOST_FRACTION) if self._is_tabled(slot) else best
        return self._choices[key]

    def _is_tabled(self, slot: Slot) -> bool:
        """Whether a gate's table has an entry for each of its values times each of a kernel's."""
        return self.model.layers[slot.layer].class_name in RECURRENT or (
            slot.role == "values" and slot.layer in self.fed
        )

    def values(self, slot: Slot) -> npt.NDArray[np.floating]:
        """What the quantizer of a slot gets to see."""
        layer = self.model.layers[slot.layer]
        if slot.role == "weights":
            return affine(layer)[0] if layer.class_name in NORMALIZATIONS else layer.weights[0]
        recurrent = layer.class_name in RECURRENT
        name = layer.calls[0].inputs[0].layer if slot.role == "in" or recurrent else slot.layer
        found = self._traced(name)
        return states(layer, found) if recurrent else found

    def _traced(self, name: str) -> npt.NDArray[np.floating]:
        for ref, values in zip(self.model.inputs, self.inputs, strict=True):
            if ref.layer == name:
                return values
        return self.reference.layers[name]


def draft(model: ModelSpec, inputs: tuple[npt.NDArray[np.floating], ...], reference: Reference) -> Draft:
    """The slots of a network.

    Raises:
        UnsupportedError: an activation that has no fixed-point form here.
    """
    found = tuple(_plain_slots(model) if is_mixed(model) else _slots(model, reference))
    return Draft(model, inputs, reference, found, _fed(model, found))


def _fed(model: ModelSpec, slots: tuple[Slot, ...]) -> frozenset[str]:
    """The nearest layers before recurrent ones that have a slot of their values."""
    rounded = {slot.layer for slot in slots if slot.role == "values"}
    waiting = [layer for layer in model.layers.values() if layer.class_name in RECURRENT]
    found: set[str] = set()
    while waiting:
        for ref in waiting.pop().calls[0].inputs:
            if ref.layer in rounded:
                found.add(ref.layer)
            else:
                waiting.append(model.layers[ref.layer])
    return frozenset(found)


def _plain_slots(model: ModelSpec) -> Iterator[Slot]:
    """Of a network that is quantized in part: the weights of the layers that are not, and inputs that none rounds."""
    for layer in model.layers.values():
        if layer.class_name in (*SUMS, *RECURRENT):
            yield Slot(layer.name, "weights", signed=True)
        if layer.class_name in RECURRENT:
            yield Slot(layer.name, "values", signed=True)
        elif layer.class_name == "InputLayer":
            readers = readers_of(model, TensorRef(layer.name, 0, 0))
            if not all(reader.class_name == "QActivation" for reader in readers):
                yield Slot(layer.name, "values", signed=True)


def _slots(model: ModelSpec, reference: Reference) -> Iterator[Slot]:
    for layer in model.layers.values():
        ref = TensorRef(layer.name, 0, 0)
        if layer.class_name in (*SUMS, *NORMALIZATIONS, *RECURRENT):
            yield Slot(layer.name, "weights", signed=True)
        if layer.class_name in RECURRENT:
            yield Slot(layer.name, "values", signed=True)
        elif _table(layer) is not None:
            yield Slot(layer.name, "in", signed=True)
            yield Slot(layer.name, "values", signed=True)
        elif layer.class_name in ("InputLayer", *_AVERAGES) or _is_activation(layer):
            if _is_rounded(layer):
                yield Slot(layer.name, "in", signed=True)
            values = reference.layers.get(layer.name)
            yield Slot(layer.name, "values", signed=values is None or bool(values.min(initial=0.0) < 0))
        elif layer.class_name in (*SUMS, *NORMALIZATIONS) and _grows(model, ref):
            yield Slot(layer.name, "values", signed=True)


def _is_activation(layer: LayerSpec) -> bool:
    if layer.class_name not in _ACTIVATIONS:
        return False
    name = function_name(layer.config.get("activation"))
    if layer.class_name == "Activation" and name not in ("relu", "relu6", *SMOOTH):
        raise UnsupportedError(
            f"layer {layer.name!r}: activation {name!r} has no quantized form here; train with another: "
            f"{', '.join(('relu', 'relu6', *SMOOTH))}"
        )
    return True


def _grows(model: ModelSpec, ref: TensorRef) -> bool:
    """Whether something reads these sums that neither rounds them nor only adds them to others, a bit more."""
    rounds = (_is_activation(reader) or reader.class_name in ("Add", "Subtract") for reader in readers_of(model, ref))
    return ref not in model.outputs and not all(rounds)


def _table(layer: LayerSpec) -> str | None:
    """The quantizer that is a table of this activation."""
    name = function_name(layer.config.get("activation")) if layer.class_name == "Activation" else None
    return _TABLES.get(name or "")


def _is_rounded(layer: LayerSpec) -> bool:
    return layer.class_name == "Activation" and function_name(layer.config.get("activation")) in _ROUNDED


def quantized(found: Draft, widths: Widths) -> ModelSpec:
    """The network with the best quantizer of the given width in every slot."""
    choices = {slot: found.choose(slot, bits) for slot, bits in widths.items()}
    writer = _Writer(found.model, choices)
    for layer in found.model.layers.values():
        writer.take(layer)
    outputs = tuple(writer.moved[ref] for ref in found.model.outputs)
    return ModelSpec(found.model.name, writer.layers, found.model.inputs, outputs)


@dataclass
class _Writer:
    """Layers of the quantized network as they come, and which tensor stands for one of the plain network."""

    model: ModelSpec
    choices: Mapping[Slot, Choice]
    layers: dict[str, LayerSpec] = field(default_factory=dict)
    moved: dict[TensorRef, TensorRef] = field(default_factory=dict)

    def take(self, layer: LayerSpec) -> None:
        """One layer, with its quantizers."""
        call = layer.calls[0]
        arguments = tuple(self.moved[a] if isinstance(a, TensorRef) else a for a in call.arguments)
        layer = replace(layer, calls=(replace(call, arguments=arguments),))
        ref = TensorRef(layer.name, 0, 0)
        values = self._at(layer, "values")
        table = _table(layer)
        if table is not None and values is not None:
            rounded = self._round(f"{layer.name}_in", layer.calls[0].inputs[0], self._at(layer, "in"))
            text = table.format(bits=values.bits)
            self.moved[ref] = self._add(replace(_quantizer(layer.name, text), calls=(Call((rounded,)),)))
        elif _is_rounded(layer):
            rounded = self._round(f"{layer.name}_in", layer.calls[0].inputs[0], self._at(layer, "in"))
            function = self._add(replace(layer, calls=(Call((rounded,)),)))
            self.moved[ref] = self._round(f"{layer.name}_rounded", function, values)
        elif _is_relu(layer) and values is not None:
            self.moved[ref] = self._add(replace(_quantizer(layer.name, values.text), calls=layer.calls))
        else:
            self.moved[ref] = self._round(f"{layer.name}_rounded", self._add(self._weighted(layer)), values)

    def _at(self, layer: LayerSpec, role: Literal["weights", "values", "in"]) -> Choice | None:
        return next((c for slot, c in self.choices.items() if (slot.layer, slot.role) == (layer.name, role)), None)

    def _weighted(self, layer: LayerSpec) -> LayerSpec:
        choice = self._at(layer, "weights")
        if choice is None:
            return layer
        if layer.class_name in NORMALIZATIONS:
            return _rounded_normalization(layer, choice)
        state = self._at(layer, "values")
        if layer.class_name in RECURRENT and state is not None:
            return quantized_cell(layer, choice, state)
        role = "depthwise_quantizer" if layer.class_name == "DepthwiseConv2D" else "kernel_quantizer"
        config: dict[str, Any] = {**layer.config, role: choice.text}
        if len(layer.weights) > 1:
            config["bias_quantizer"] = best_choice(
                layer.weights[1], min(_BIAS_BITS, choice.bits + _MORE_BITS), signed=True
            ).text
        return replace(layer, class_name=f"Q{layer.class_name}", config=config)

    def _round(self, name: str, x: TensorRef, choice: Choice | None) -> TensorRef:
        if choice is None:
            return x
        return self._add(replace(_quantizer(name, choice.text), calls=(Call((x,)),)))

    def _add(self, layer: LayerSpec) -> TensorRef:
        self.layers[layer.name] = layer
        return TensorRef(layer.name, 0, 0)


def _is_relu(layer: LayerSpec) -> bool:
    if layer.class_name == "ReLU":
        return not any(layer.config.get(key) for key in ("max_value", "negative_slope", "threshold"))
    return layer.class_name == "Activation" and function_name(layer.config.get("activation")) == "relu"


def _quantizer(name: str, text: str) -> LayerSpec:
    return LayerSpec(name, "QActivation", {"activation": text}, (), ())


def _rounded_normalization(layer: LayerSpec, choice: Choice) -> LayerSpec:
    """A normalization whose factor and offset have few bits: mean 0, variance 1, epsilon 0."""
    factor, offset = affine(layer)
    shift = best_choice(offset, min(_BIAS_BITS, choice.bits + _MORE_BITS), signed=True)
    arrays = (choice.apply(factor), shift.apply(offset), np.zeros_like(offset), np.ones_like(offset))
    config = {"axis": layer.config.get("axis", -1), "epsilon": 0.0, "center": True, "scale": True}
    weights = tuple(array.astype(np.float32) for array in arrays)
    return replace(layer, class_name="BatchNormalization", config=config, weights=weights)
