"""From a Keras model, in a file or in memory, to a FixedGraph."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from hls.errors import ModelFileError, UnsupportedError
from hls.graph import FixedGraph, GraphBuilder, nodes
from hls.graph.fixed import FixedType
from hls.importing import learned_bits
from hls.importing.architecture import CODE
from hls.importing.emitter import Emitter
from hls.importing.functions import Awaited
from hls.importing.heads import Head, emit_head, stated_heads, without_heads
from hls.importing.internal_sigmoid import with_internal_sigmoid
from hls.importing.joined import whole_model
from hls.importing.layer_schema import check_layer
from hls.importing.layers import HANDLERS, MERGES, find_handler, known_classes
from hls.importing.memory import read_memory
from hls.importing.model_file import read_model
from hls.importing.outputs import check_outputs, with_outputs
from hls.importing.parts import parted
from hls.importing.ports import port_grid
from hls.importing.precision import quantized_by_keras, wrong_precision
from hls.importing.quantizers import Grid, Quantizer, function_name, grid, parse_quantizer, without_scale
from hls.importing.refusals import Refusals, unknown_class
from hls.importing.spec import Call, Constant, LayerSpec, ModelSpec, TensorRef, calls_in_order
from hls.importing.statements import Statements


def import_keras(
    model: str | Path | Any,
    input_type: str | None = None,
    internal_sigmoid: str | None = None,
    *,
    softmax: str | None = None,
    sigmoid: str | None = None,
    outputs: str | None = None,
    architecture: str | Path | None = None,
) -> FixedGraph:
    """The exact fixed-point arithmetic of a QKeras network.

    Args:
        model: path of a ``.keras`` file (qkeras-v3) or a ``.h5`` file (also of QKeras on Keras 2), read without Keras
            and without executing anything in it; or a Keras model in memory.
        input_type: type of the inputs that no quantizer reads first, such as ``"ap_fixed<16,6>"``.
        internal_sigmoid: what ``qkeras.set_internal_sigmoid`` was told ("hard", "smooth" or "real"), which no file
            holds; if not given, that of this process for a model in memory, and "hard" for a file.
        softmax: what becomes of a softmax at the end, which is refused without it: "drop" leaves it to software, so
            that its logits are the output; "argmax" gives the index of the largest, exactly.
        sigmoid: what becomes of a sigmoid at the end: "drop", as for a softmax.
        outputs: what leaves in place of each output, whether it ends in such a function or not: "logits", or "argmax",
            the index of the largest, exactly.
        architecture: path of the JSON of ``model.to_json()``, where ``model`` is a file of weights alone.

    Raises:
        ModelFileError: missing, truncated or foreign file; NaN or infinite weights.
        UnsupportedError: a layer, quantizer or option that cannot be stated exactly, by name, with the cure.
    """
    stated = Statements(input_type, internal_sigmoid, softmax, sigmoid, outputs)
    check_outputs(stated)
    return with_outputs(read_keras(model, stated, architecture), stated)


def read_keras(model: str | Path | Any, stated: Statements, architecture: str | Path | None = None) -> FixedGraph:
    """The same with the outputs that the model has."""
    if isinstance(model, str | Path):
        with whole_model(Path(model), None if architecture is None else Path(architecture)) as whole:
            spec = read_model(whole)
    else:
        spec = read_memory(model)
    return build_graph(
        spec, stated.input_type, stated.internal_sigmoid, softmax=stated.last_softmax, sigmoid=stated.last_sigmoid
    )


def build_graph(
    model: ModelSpec,
    input_type: str | None = None,
    internal_sigmoid: str | None = None,
    *,
    softmax: str | None = None,
    sigmoid: str | None = None,
) -> FixedGraph:
    """The graph of a model already read, with its outputs. Takes what ``import_keras`` takes, and raises as it does."""
    heads = stated_heads(model, softmax, sigmoid)
    model, notes = with_internal_sigmoid(without_heads(parted(model), heads), internal_sigmoid)
    notes += [head.note for head in heads]
    return _Import(model, input_type, notes, heads).graph()


Result = TypeVar("Result")
_STAND_IN_TYPE = FixedType(True, 8, 4)
_STAND_IN = Grid(_STAND_IN_TYPE, _STAND_IN_TYPE.raw_min, _STAND_IN_TYPE.raw_max)
_ACTIVATIONS = ("Activation", "QActivation", "ReLU", "LeakyReLU", "ThresholdedReLU", "Softmax")
_SAME_SHAPE = (
    *_ACTIVATIONS, "PReLU", "ELU", "LayerNormalization", "BatchNormalization",
    "QBatchNormalization", "QAdaptiveActivation", "Masking", "FixedPointQuantizer", "HQuantize", "ops.Softmax",
)  # fmt: skip


class _Import:
    """One import. A layer that is refused is remembered and stood in for, so that all that is wrong is told at once."""

    def __init__(self, model: ModelSpec, input_type: str | None, notes: list[str], heads: Sequence[Head]) -> None:
        self._model = model
        self._heads = heads
        self._input_type = input_type
        self._builder = GraphBuilder(model.name)
        self._builder.notes.extend(notes)
        self._refusals = Refusals()
        self._unrounded: dict[str, str] = {}
        self._awaited: dict[str, Awaited] = {}
        self._guard = finest_fraction(model) + 1
        self._known = known_classes()
        self._guessed = False
        # None: behind a layer that was refused, of a shape that nobody knows.
        self._tensors: dict[TensorRef, str | None] = {}

    def graph(self) -> FixedGraph:
        """The graph, or one error that lists all that is refused."""
        try:
            return self._whole()
        except ModelFileError:
            # Of a shape, with which what is right may not go together; or of layers with several outputs, all refused.
            if self._guessed or _reads_further_tensors(self._model):
                self._refusals.raise_all()
            raise

    def _whole(self) -> FixedGraph:
        for text in self._model.refused:
            self._refusals.add(UnsupportedError(text))
        for ref in self._model.inputs:
            self._tensors[ref] = self._port(ref)
        for layer, number in calls_in_order(self._model, self._model.inputs):
            self._tensors[TensorRef(layer.name, number, 0)] = self._call(layer, number)
        unknown = [ref.layer for ref in self._model.outputs if ref not in self._tensors]
        if unknown:
            raise ModelFileError(f"outputs of layers {unknown} are not in the file; save the whole model again")
        outputs = [self._tensors[ref] for ref in self._model.outputs]
        for name in outputs:
            if name is not None:
                self._try(partial(self._emitter(name).refuse_unrounded, name, "an output of the network"))
        for head in self._heads:
            scores = outputs[head.port]
            if scores is not None:
                outputs[head.port] = self._try(partial(emit_head, self._emitter(head.layer), head.mode, scores))
        self._refusals.raise_all()
        names = [ref.layer for ref in self._model.outputs]
        ports = [ref.layer for ref in self._model.inputs]
        return self._builder.finish(ports, [name for name in outputs if name is not None], names)

    def _try(self, step: Callable[[], Result]) -> Result | None:
        """What ``step`` gives; None, and a refusal remembered, if it refuses."""
        try:
            return step()
        except UnsupportedError as error:
            self._refusals.add(error)
            return None

    def _emitter(self, key: str, arguments: tuple[str | Constant, ...] = (), ref: TensorRef | None = None) -> Emitter:
        """``ref``: the tensor that is to be emitted, if it is one of the model's."""
        return Emitter(
            self._builder,
            key,
            key,
            self._unrounded,
            self._guard,
            arguments,
            refusals=self._refusals,
            last=ref is not None and self._is_last(ref),
            before_quantizers=ref is not None and self._goes_to_quantizers(ref),
            awaited=self._awaited,
        )

    def _port(self, ref: TensorRef) -> str | None:
        if ref in self._tensors:
            raise ModelFileError(f"input {ref.layer!r} is an input twice; save the whole model again")
        plain = self._try(lambda: port_grid(self._model, ref, self._input_type)) or _STAND_IN
        shape = self._try(lambda: input_shape(self._model.layers[ref.layer]))
        if shape is None:
            return None
        if plain.wraps:
            self._builder.notes.append(
                f"input {ref.layer!r}: what reads it wraps around beyond {plain.type}, where the port saturates; for "
                "events beyond it state an input_type that holds them, and they wrap on the chip"
            )
        node = nodes.Input(ref.layer, (), ref.layer, shape, plain.type, plain.raw_min, plain.raw_max, plain.rounding)
        self._builder.layers[ref.layer] = self._builder.add(node)
        return ref.layer

    def _call(self, layer: LayerSpec, number: int) -> str | None:
        call = layer.calls[number]
        key = layer.name if len(layer.calls) == 1 else f"{layer.name}@{number}"
        for refusal in _refused_of_call(layer, call, self._known):
            self._refusals.add(refusal)
        if layer.class_name in self._known:  # of others nothing is known but a name that may look like a known one's
            check_layer(layer)
        inputs = [self._tensors[ref] for ref in call.inputs]
        if not inputs:
            raise ModelFileError(f"layer {layer.name!r} is called with no tensor; save the whole model again")
        if layer.class_name not in self._known or quantized_by_keras(layer) is not None:
            return self._instead_of(layer, inputs[0], [])
        known = [name for name in inputs if name is not None]
        if len(known) < len(inputs):
            self._judge_alone(layer)
            return None
        arguments = tuple(self._tensors[a] or "" if isinstance(a, TensorRef) else a for a in call.arguments)
        emit = self._emitter(key, arguments, TensorRef(layer.name, number, 0))
        if layer.wrapper is not None:
            self._builder.notes.append(
                f"layer {layer.name!r}: its {layer.wrapper} acts only in training and is left out"
            )
        out = self._try(lambda: find_handler(layer.class_name)(emit, layer, tuple(known)))
        if out is None:
            return self._instead_of(layer, inputs[0], emit.emitted)
        self._builder.layers[key] = out
        return out

    def _is_last(self, ref: TensorRef) -> bool:
        return ref in self._model.outputs and not self._readers(ref)

    def _goes_to_quantizers(self, ref: TensorRef) -> bool:
        readers = self._readers(ref)
        quantizers = all(
            reader.class_name == "QActivation" and function_name(reader.config.get("activation")) is None
            for reader in readers
        )
        return bool(readers) and quantizers and ref not in self._model.outputs

    def _readers(self, ref: TensorRef) -> list[LayerSpec]:
        return [layer for layer in self._model.layers.values() if any(ref in call.inputs for call in layer.calls)]

    def _judge_alone(self, layer: LayerSpec) -> None:
        """Refusals of a layer behind one of unknown output, as far as they do not depend on what reaches it."""
        shape = _wanted_shape(layer)
        if shape is None:
            return
        emit = self._emitter(layer.name, ref=TensorRef(layer.name, 0, 0))
        try:
            self._try(lambda: find_handler(layer.class_name)(emit, layer, (self._stand_in(shape),)))
        except ModelFileError:
            return  # the shape was a guess

    def _instead_of(self, layer: LayerSpec, x: str | None, emitted: list[str]) -> str | None:
        """Something of the shape that the refused layer would give, as far as that is known."""
        if emitted:
            return self._stand_in(self._builder.edges[emitted[-1]].shape)
        if x is not None and layer.class_name in _SAME_SHAPE:
            return self._stand_in(self._builder.edges[x].shape)
        return None

    def _stand_in(self, shape: tuple[int, ...]) -> str:
        self._guessed = True
        name = f"stand-in {len(self._builder.nodes)}"
        node = nodes.Input(name, (), name, shape, _STAND_IN.type, _STAND_IN.raw_min, _STAND_IN.raw_max)
        return self._builder.add(node)


def _reads_further_tensors(model: ModelSpec) -> bool:
    """Whether something reads another output of a layer than its first."""
    calls = (call for layer in model.layers.values() for call in layer.calls)
    return any(ref.tensor for ref in (*model.outputs, *(ref for call in calls for ref in call.inputs)))


def _wanted_shape(layer: LayerSpec) -> tuple[int, ...] | None:
    """A shape that a layer can read, by its weights, or any for one that works on each value by itself."""
    if layer.class_name in _ACTIVATIONS:
        return (1,)
    first = next((array for array in layer.weights if array.ndim), None)  # scalars count what training costs
    if first is None:
        return None
    if first.ndim == 1:
        return first.shape
    groups = layer.config.get("groups")
    channels = first.shape[-2] * (groups if isinstance(groups, int) and groups > 0 else 1)
    return (*first.shape[:-2], channels)


_LARGEST_AXIS = 1 << 24


def _refused_of_call(layer: LayerSpec, call: Call, known: list[str]) -> Iterator[UnsupportedError]:
    """What is wrong with a layer or with how it is called, whatever reaches it."""
    if layer.class_name not in known and layer.class_name not in CODE:
        yield unknown_class(layer.name, layer.class_name, known)
    wrong = wrong_precision(layer)
    if wrong is not None:
        yield wrong
    # What a call is given besides its tensors changes what it computes, or is the default.
    for key, value in call.keywords.items():
        if value is not None and value is not False:
            cure = "call the layer without it"
            if key == "mask":
                cure = "multiply by the mask instead, and sum"
            yield UnsupportedError(f"layer {layer.name!r} is called with {key}=...: firmware has no {key}; {cure}")
    constants = [argument for argument in call.arguments if isinstance(argument, Constant)]
    if constants and not layer.class_name.startswith("ops."):
        yield UnsupportedError(
            f"layer {layer.name!r} ({layer.class_name}) is called with a constant; use an operator: x * 0.5, x + 1.0"
        )
    elif len(call.inputs) > 1 and layer.class_name in HANDLERS and layer.class_name not in MERGES:
        yield UnsupportedError(
            f"layer {layer.name!r} ({layer.class_name}) is called with {len(call.inputs)} tensors and reads one; "
            "call it once for each"
        )


def input_shape(layer: LayerSpec) -> tuple[int, ...]:
    """Sizes of a port, the batch left out.

    Raises:
        UnsupportedError: there is none, or one is not fixed.
    """
    shape = layer.config.get("batch_shape") or layer.config.get("batch_input_shape")
    if isinstance(shape, list | tuple) and len(shape) == 1:
        raise UnsupportedError(
            f"input {layer.name!r} is one number an event, with no axis: firmware needs one; build the model with "
            "Input(shape=(1,)) and give it the weights with new.set_weights(old.get_weights())"
        )
    if not isinstance(shape, list | tuple) or len(shape) < 2 or not all(_is_size(size) for size in shape[1:]):
        raise UnsupportedError(
            f"input {layer.name!r} has the shape {shape}: firmware needs every size fixed; build the model with "
            "Input(shape=(...)) of whole numbers and give it the weights with new.set_weights(old.get_weights())"
        )
    if math.prod(shape[1:]) > _LARGEST_AXIS:
        raise UnsupportedError(f"input {layer.name!r} has the shape {shape}: more values than fit on any chip")
    return tuple(int(size) for size in shape[1:])


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _LARGEST_AXIS


def finest_fraction(model: ModelSpec) -> int:
    """Most fraction bits to which any quantizer of activations rounds; 0 at least."""
    found = (_activation_quantizer(layer) for layer in model.layers.values())
    return max((rounding_fraction(quantizer) for quantizer in found if quantizer is not None), default=0)


def _activation_quantizer(layer: LayerSpec) -> Quantizer | None:
    value = layer.config.get("activation")
    if layer.class_name == "QAdaptiveActivation" or value is None or function_name(value) is not None:
        return None
    try:
        return parse_quantizer(value, f"layer {layer.name!r}, activation")
    except UnsupportedError:
        return None  # told where the layer is read


def rounding_fraction(quantizer: Quantizer) -> int:
    """Fraction bits of the grid to which a quantizer rounds what it reads; 0 at least, and for those that take no mean.

    >>> rounding_fraction(parse_quantizer("quantized_relu(4, -6, negative_slope=0.25)", "a"))
    9
    """
    if quantizer.kind == learned_bits.KIND:
        return max(0, int(learned_bits.fraction_bits(quantizer).max()))
    if quantizer.kind == "quantized_relu" and quantizer.get("negative_slope", 0.0):
        return max(0, quantizer.bits - 1 - quantizer.integer)
    if quantizer.kind == "quantized_bits":
        quantizer = without_scale(quantizer)
    plain = grid(quantizer)
    return max(0, plain.type.fraction) if plain is not None else 0
