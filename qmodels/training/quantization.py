"""Quantization recipes shared by all systems: formats from data, QKeras stacks, proof that float32 is exact.

QKeras adds and multiplies in float32, which holds integers exactly only up to 2^24. A network whose every
accumulator stays below that, counted in units of its last bit, gives the same bits in QKeras as in firmware.

``check_exact`` here and ``FixedGraph.float32_inexact`` of hls ask two questions. This one is a promise of the recipe,
asked of a Keras model in memory: may the inputs take every value of their formats, and does each dense sum still
fit? If not, the training fails, since it can still choose fewer bits. The other is a finding about any imported
file, by the intervals that values really reach, in every node: where may QKeras itself round?
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import keras
import numpy as np
from qkeras import QActivation, QDense, quantized_bits, quantized_relu

from qmodels.errors import ModelDataError
from qmodels.training.precision.quantizer import learned_bits
from qmodels.types import Floats32

FLOAT32_EXACT = 2**24


@dataclass(frozen=True)
class FixedPoint:
    """``bits`` in all, ``integer`` of them before the point; a sign comes on top of ``integer``."""

    bits: int
    integer: int
    signed: bool

    @property
    def fraction(self) -> int:
        """Bits right of the binary point."""
        return self.bits - self.integer - int(self.signed)

    @property
    def largest_integer(self) -> int:
        """Largest magnitude in units of the last bit."""
        return 2 ** (self.bits - 1) if self.signed else 2**self.bits - 1

    def quantizer(self) -> quantized_bits | quantized_relu:
        """The QKeras quantizer of this format; ReLU for an unsigned one."""
        if self.signed:
            return quantized_bits(self.bits, self.integer, alpha=1)
        return quantized_relu(self.bits, self.integer)


@dataclass(frozen=True)
class DenseFormats:
    """Formats of one dense layer and of the quantizer after it."""

    kernel: FixedPoint
    bias: FixedPoint
    output: FixedPoint


@dataclass(frozen=True)
class Widths:
    """Bits of each kind of number in a preset.

    ``weight_coverage`` is the fraction of the float weights that a weight format must reach. With few bits a
    finer step is worth more than the largest weights, which training then makes up for; with many bits all
    are kept.
    """

    inputs: int
    weights: int
    activations: int
    output: int
    weight_coverage: float


@dataclass(frozen=True)
class AccumulatorBound:
    """Largest magnitude the sum of ``layer`` can reach, in units of its last bit."""

    layer: str
    bound: int

    @property
    def exact_in_float32(self) -> bool:
        """Whether float32 sums it without rounding."""
        return self.bound < FLOAT32_EXACT


def choose_formats(
    float_layers: Sequence[tuple[Floats32, Floats32]], inputs: FixedPoint, sample: Floats32, widths: Widths
) -> list[DenseFormats]:
    """Choose formats for a ReLU network of (kernel, bias) layers from a float ``sample`` (n, d).

    Integer bits cover all but 1e-4 of the activations, and twice the range of the output, which must not
    saturate. A bias is never finer than the products it is added to.
    """
    formats = []
    values, product_fraction = sample, inputs.fraction
    for index, (kernel, bias) in enumerate(float_layers):
        last = index == len(float_layers) - 1
        weights = FixedPoint(
            widths.weights,
            integer_bits(float(np.quantile(np.abs(kernel), widths.weight_coverage))),
            signed=True,
        )
        product_fraction += weights.fraction
        values = values @ kernel + bias
        if last:
            output = FixedPoint(widths.output, integer_bits(2.0 * np.abs(values).max()), signed=True)
        else:
            values = np.maximum(values, 0.0)
            reach = float(np.quantile(values.max(axis=1), 0.9999))
            output = FixedPoint(widths.activations, integer_bits(reach), signed=False)
        formats.append(DenseFormats(weights, bias_format(bias, product_fraction, output), output))
        product_fraction = output.fraction
    return formats


BIAS_FRACTION = 10


def bias_format(bias: Floats32, product_fraction: int, output: FixedPoint) -> FixedPoint:
    """Format of the ``bias`` of a layer with this ``output``, no finer than ``product_fraction``."""
    # Training moves biases on the scale of the layer's output, whatever they are in the float network.
    integer = max(integer_bits(2.0 * np.abs(bias).max()), output.integer - 1)
    return FixedPoint(1 + integer + min(product_fraction, BIAS_FRACTION), integer, signed=True)


def integer_bits(reach: float) -> int:
    """Integer bits so that ``reach`` < 2^bits. QKeras clips weights at 1 or above, so never fewer than 0."""
    return 0 if reach < 1.0 else math.floor(math.log2(reach)) + 1


def build_dense_stack(
    inputs: FixedPoint, width: int, layers: Sequence[tuple[int, DenseFormats]], name: str
) -> keras.Model:
    """QKeras network (n, width) -> (n, last units): input quantizer, then pairs of QDense and QActivation."""
    start = keras.Input((width,), name="event")
    x = QActivation(inputs.quantizer(), name="input_quantizer")(start)
    for index, (units, formats) in enumerate(layers, start=1):
        x = QDense(
            units,
            kernel_quantizer=formats.kernel.quantizer(),
            bias_quantizer=formats.bias.quantizer(),
            kernel_initializer="glorot_uniform",
            name=f"dense_{index}",
        )(x)
        x = QActivation(formats.output.quantizer(), name=f"quantizer_{index}")(x)
    return keras.Model(start, x, name=name)


def snap_to_grid(model: keras.Model) -> None:
    """Replace every QDense weight by its quantized value, which then stands in the saved file itself."""
    for layer in _dense_layers(model):
        weights = [layer.kernel_quantizer_internal(layer.kernel)]
        if layer.use_bias:
            weights.append(layer.bias_quantizer_internal(layer.bias))
        layer.set_weights([np.asarray(values) for values in weights])


def accumulator_bounds(model: keras.Model) -> list[AccumulatorBound]:
    """Bound of each QDense accumulator: max over units of sum |w| max|a| + |b|.

    Raises ModelDataError if the input of one is not quantized, or its bias is finer than its products.
    """
    return [_layer_bound(layer, list(_channel_formats(layer.input, layer.name))) for layer in _dense_layers(model)]


def check_exact(model: keras.Model) -> list[AccumulatorBound]:
    """Accumulator bounds of a trained network; ModelDataError if QKeras could not compute one of them exactly."""
    bounds = accumulator_bounds(model)
    for bound in bounds:
        if not bound.exact_in_float32:
            raise ModelDataError(
                f"layer {bound.layer!r}: its accumulator may reach {bound.bound}, beyond 2^24, up to which"
                " float32 is exact; train with fewer weight or activation bits"
            )
    return bounds


def _channel_formats(tensor: keras.KerasTensor, reader: str) -> Iterator[FixedPoint]:
    """Format of each channel of the input of layer ``reader``: from one quantizer, or from several side by side."""
    source = tensor._keras_history.operation
    if isinstance(source, keras.layers.Concatenate):
        for part in source.input:
            yield from _channel_formats(part, reader)
    elif isinstance(source, QActivation) and isinstance(source.activation, learned_bits):
        yield from _learned_formats(source, reader)
    elif isinstance(source, QActivation):
        yield from [_format_of(source.activation)] * tensor.shape[-1]
    else:
        raise ModelDataError(f"layer {reader!r}: its input is not quantized; put a QActivation before it")


def _learned_formats(activation: QActivation, reader: str) -> Iterator[FixedPoint]:
    quantizer, channels = activation.activation, activation.output.shape[-1]
    fractions = np.broadcast_to(quantizer.fraction_bits(), channels)
    if quantizer.integer is None:  # as far as what it rounds down
        before = list(_channel_formats(activation.input, reader))
        ranges = [(known.integer, known.signed) for known in before]
    else:
        ranges = [(int(top), quantizer.signed) for top in np.broadcast_to(np.asarray(quantizer.integer), channels)]
    for (integer, signed), fraction in zip(ranges, fractions, strict=True):
        bits = integer + int(fraction) + signed
        # A channel without bits is zero, on the coarsest grid there is.
        yield FixedPoint(bits, integer, signed) if bits > 0 else FixedPoint(0, 0, signed=False)


def _layer_bound(layer: QDense, incoming: Sequence[FixedPoint]) -> AccumulatorBound:
    kernel_format = _format_of(layer.kernel_quantizer_internal)
    biases = _format_of(layer.bias_quantizer_internal)
    finest = max(channel.fraction for channel in incoming)
    product_fraction = finest + kernel_format.fraction
    if biases.fraction > product_fraction:
        raise ModelDataError(
            f"layer {layer.name!r}: its bias has {biases.fraction} fraction bits, its products only"
            f" {product_fraction}; take fraction bits from the bias quantizer"
        )
    kernel = np.asarray(layer.kernel_quantizer_internal(layer.kernel), np.float64) * 2.0**kernel_format.fraction
    bias = np.asarray(layer.bias_quantizer_internal(layer.bias), np.float64) * 2.0**product_fraction
    reach = np.array([float(f.largest_integer) * 2.0 ** (finest - f.fraction) for f in incoming])
    return AccumulatorBound(layer.name, int((reach @ np.abs(kernel) + np.abs(bias)).max()))


def _format_of(quantizer: quantized_bits | quantized_relu | learned_bits) -> FixedPoint:
    if isinstance(quantizer, learned_bits):  # of weights, which are on the grid
        return FixedPoint(int(quantizer.fraction_bits().max()), 0, signed=False)
    return FixedPoint(int(quantizer.bits), int(quantizer.integer), signed=isinstance(quantizer, quantized_bits))


def _dense_layers(model: keras.Model) -> Iterator[QDense]:
    return (layer for layer in model.layers if isinstance(layer, QDense))
