"""ONNX operators as layers of Keras, for a model without types: ``qtrigger quantize`` takes it from there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from hls.errors import UnsupportedError
from hls.graph.windows import output_length, same_padding
from hls.importing.onnx.backend import Comparison, Counts, Floats, Quantizer, Rounding, Window
from hls.importing.onnx.folding import moved
from hls.importing.onnx.keras_transposed import lifted, transposed_of
from hls.importing.onnx.model import OnnxModel
from hls.importing.onnx.tensors import Constant, held
from hls.importing.onnx.translate import Names, port_shape, translate
from hls.importing.spec import Call, LayerSpec, ModelSpec, TensorRef
from hls.importing.spec import Constant as Number

_WHOLE: Mapping[Rounding, str] = {"FLOOR": "ops.Floor", "CEIL": "ops.Ceil", "ROUND": "ops.Round"}
_BATCH = "Z"
"""Its letter in an equation; those of other axes are small."""


@dataclass(frozen=True)
class Layer:
    """The output of a layer, and its shape without the batch."""

    ref: TensorRef
    shape: tuple[int, ...]


def plain_spec(model: OnnxModel, name: str) -> ModelSpec:
    """The network as Keras would have it.

    Raises:
        UnsupportedError: it is quantized already, or Keras has no such layer.
    """
    names = Names()
    backend = PlainBackend(names)
    ports = {}
    for port in model.inputs:
        shape = port_shape(port)
        ports[port.name] = held(backend.port(names.free(port.name), shape), shape)
    inputs = tuple(tensor.handle.ref for tensor in ports.values())
    outputs = tuple(tensor.handle.ref for _, tensor in translate(model, backend, ports, names))
    return ModelSpec(name, backend.layers, inputs, outputs)


class PlainBackend:
    """One layer for each operator, its kernel and bias as they are."""

    def __init__(self, names: Names) -> None:
        self.layers: dict[str, LayerSpec] = {}
        self._names = names
        self._name = ""

    def at(self, name: str, *, last: bool = False) -> None:
        """See Backend."""
        del last
        self._name = name

    def port(self, name: str, shape: tuple[int, ...]) -> Layer:
        """An input."""
        self.layers[name] = LayerSpec(name, "InputLayer", {"batch_shape": [None, *shape]}, (Call(),), ())
        return Layer(TensorRef(name, 0, 0), shape)

    def _add(
        self,
        kind: str,
        inputs: Sequence[Layer | Number],
        shape: tuple[int, ...],
        config: dict[str, Any],
        weights: Sequence[Floats] = (),
    ) -> Layer:
        name = self._name if self._name not in self.layers else self._names.free(self._name)
        call = Call(tuple(one.ref if isinstance(one, Layer) else one for one in inputs))
        arrays = tuple(np.asarray(array, np.float32) for array in weights)
        self.layers[name] = LayerSpec(name, kind, config, (call,), arrays)
        return Layer(TensorRef(name, 0, 0), shape)

    def _refuse(self, what: str, cure: str) -> NoReturn:
        raise UnsupportedError(f"operator {self._name!r}: {what}; {cure}")

    def transpose(self, x: Layer, permutation: tuple[int, ...]) -> Layer:
        """See Backend."""
        shape = tuple(x.shape[axis] for axis in permutation)
        return self._add("Permute", [x], shape, {"dims": [axis + 1 for axis in permutation]})

    def reshape(self, x: Layer, shape: tuple[int, ...]) -> Layer:
        """See Backend."""
        return self._add("Reshape", [x], shape, {"target_shape": list(shape)})

    def dense(self, x: Layer, kernel: Constant, bias: Floats | None) -> Layer:
        """See Backend."""
        units = kernel.values.shape[1]
        config = {"units": units, "use_bias": bias is not None, "activation": "linear"}
        weights = [kernel.values] if bias is None else [kernel.values, bias]
        return self._add("Dense", [x], (*x.shape[:-1], units), config, weights)

    def conv(self, x: Layer, kernel: Constant, bias: Floats | None, window: Window, groups: int) -> Layer:
        """See Backend."""
        weights, rank, channels = kernel.values, len(window.size), x.shape[-1]
        outputs = weights.shape[-1]
        x, padding = self._padded(x, window, causal=rank == 1)
        config: dict[str, Any] = {
            "kernel_size": list(window.size),
            "strides": list(window.strides),
            "dilation_rate": list(window.dilation),
            "padding": padding,
            "data_format": "channels_last",
            "use_bias": bias is not None,
            "activation": "linear",
        }
        kind = f"Conv{rank}D"
        if groups == channels and groups > 1 and rank == 2:
            kind = "DepthwiseConv2D"
            config["depth_multiplier"] = outputs // groups
            weights = weights.reshape(*window.size, channels, outputs // groups)
        else:
            config |= {"filters": outputs, "groups": groups}
        arrays = [weights] if bias is None else [weights, bias]
        return self._add(kind, [x], (*_positions(window), outputs), config, arrays)

    def conv_transpose(self, x: Layer, kernel: Constant, bias: Floats | None, window: Window, groups: int) -> Layer:
        """Over two axes, as QKeras has it; what Keras does not cut off is cropped."""
        if len(window.size) == 1:
            lines = self.reshape(x, (1, *x.shape))
            rows = moved(kernel, lambda array: array[None])
            made = self.conv_transpose(lines, rows, bias, lifted(window), groups)
            return self.reshape(made, made.shape[1:])
        found = transposed_of(kernel.values, window, groups)
        outputs = found.weights.shape[2]
        config = {
            "filters": outputs,
            "kernel_size": list(found.weights.shape[:2]),
            "strides": list(window.strides),
            "padding": found.padding,
            "data_format": "channels_last",
            "use_bias": bias is not None,
            "activation": "linear",
        }
        arrays = [found.weights] if bias is None else [found.weights, bias]
        made = self._add("Conv2DTranspose", [x], (*found.positions, outputs), config, arrays)
        if not any(map(any, found.cropping)):
            return made
        left = (n - sum(off) for n, off in zip(found.positions, found.cropping, strict=True))
        return self._add("Cropping2D", [made], (*left, outputs), {"cropping": found.cropping})

    def _padded(self, x: Layer, window: Window, *, causal: bool = False) -> tuple[Layer, str]:
        """What the window moves over, and Keras's word for its padding; a layer of zeros where Keras has none."""
        axes = zip(window.spatial, window.size, window.strides, window.dilation, strict=True)
        if not any(before or after for before, after in window.padding):
            return x, "valid"
        if window.padding == tuple(same_padding(*axis) for axis in axes):
            return x, "same"
        if causal and window.padding == ((window.dilation[0] * (window.size[0] - 1), 0),):
            return x, "causal"
        return self.pad(x, window.padding, x.shape[-1]), "valid"

    def largest(self, x: Layer, window: Window) -> Layer:
        """See Backend."""
        x, padding = self._padded(x, window)
        if padding == "valid" and any(map(any, window.padding)):
            self._refuse(f"a maximum with pads {window.padding}, as Keras never has", "pad as padding='same' does")
        return self._pool("Max", x, window, padding)

    def average(self, x: Layer, window: Window, counts: Counts | None) -> Layer:
        """See Backend. Keras leaves the padding of its own out of the count."""
        if counts is None:
            padded = any(map(any, window.padding))
            return self._pool("Average", self.pad(x, window.padding, x.shape[-1]) if padded else x, window, "valid")
        x, padding = self._padded(x, window)
        if padding != "same":
            self._refuse(
                f"averages with pads {window.padding} that do not count, as Keras never has",
                "pad as padding='same' does, or pool without padding",
            )
        return self._pool("Average", x, window, padding)

    def _pool(self, kind: str, x: Layer, window: Window, padding: str) -> Layer:
        config = {"pool_size": list(window.size), "strides": list(window.strides), "padding": padding}
        return self._add(f"{kind}Pooling{len(window.size)}D", [x], (*_positions(window), x.shape[-1]), config)

    def reduce(self, x: Layer, count: int, channels: int, *, maximum: bool) -> Layer:
        """See Backend."""
        del count
        return self._add(f"Global{'Max' if maximum else 'Average'}Pooling1D", [x], (channels,), {})

    def pad(self, x: Layer, padding: tuple[tuple[int, int], ...], channels: int) -> Layer:
        """See Backend."""
        sizes = [list(pair) for pair in padding]
        shape = (*(n + sum(pair) for n, pair in zip(x.shape, padding, strict=False)), channels)
        return self._add(f"ZeroPadding{len(sizes)}D", [x], shape, {"padding": sizes[0] if len(sizes) == 1 else sizes})

    def scale(self, x: Layer, factor: Floats | None, offset: Floats | None, *, divide: bool = False) -> Layer:
        """A batch normalization of mean 0 and variance 1, which is folded into sums before it."""
        ones, zeros = np.ones(x.shape[-1], np.float32), np.zeros(x.shape[-1], np.float32)
        gamma = ones if factor is None else ones / factor if divide else ones * factor
        beta = zeros if offset is None else zeros + offset
        config = {"axis": -1, "epsilon": 0.0, "center": True, "scale": True}
        return self._add("BatchNormalization", [x], x.shape, config, [gamma, beta, zeros, ones])

    def relu(self, x: Layer) -> Layer:
        """See Backend."""
        return self.function(x, "relu")

    def leaky(self, x: Layer, slope: float) -> Layer:
        """See Backend."""
        return self._add("LeakyReLU", [x], x.shape, {"negative_slope": slope})

    def clip(self, x: Layer, low: float | None, high: float | None) -> Layer:
        """See Backend."""
        if low != 0:
            self._refuse(f"clips to [{low}, {high}]", "clip from zero on: that is a ReLU")
        return self.relu(x) if high is None else self._add("ReLU", [x], x.shape, {"max_value": high})

    def function(self, x: Layer, name: str) -> Layer:
        """See Backend."""
        return self._add("Activation", [x], x.shape, {"activation": name})

    def elu(self, x: Layer, alpha: float) -> Layer:
        """See Backend."""
        return self._add("ELU", [x], x.shape, {"alpha": alpha})

    def index(self, x: Layer) -> Layer:
        """See Backend."""
        del x
        self._refuse("an index of the largest", 'end the network before it: outputs = "argmax" of a project gives it')

    def ascending(self, x: Layer) -> Layer:
        """See Backend."""
        return self._add("ops.Sort", [x], x.shape, {"axis": -1})

    def add(self, x: Layer, y: Layer, *, negate: bool) -> Layer:
        """See Backend."""
        return self._add("Subtract" if negate else "Add", [x, y], np.broadcast_shapes(x.shape, y.shape), {})

    def multiply(self, x: Layer, y: Layer) -> Layer:
        """See Backend."""
        return self._add("Multiply", [x, y], np.broadcast_shapes(x.shape, y.shape), {})

    def contract(self, x: Layer, y: Layer, axes: tuple[str, str], out: str) -> Layer:
        """See Backend."""
        sizes = dict(zip("".join(axes), (*x.shape, *y.shape), strict=True))
        equation = ",".join(f"{_BATCH}{one}" for one in axes) + f"->{_BATCH}{out}"
        made = self._add("ops.Einsum", [x, y], tuple(sizes[letter] for letter in out), {"subscripts": equation})
        return made if out else self.reshape(made, (1,))

    def compare(self, x: Layer, y: Layer | Floats, comparison: Comparison) -> Layer:
        """See Backend."""
        other = y if isinstance(y, Layer) else Number(y.reshape(-1)[0] if y.size == 1 else y)
        shape = np.broadcast_shapes(x.shape, y.shape if isinstance(y, Layer) else ())
        return self._add(f"ops.{comparison}", [x, other], shape, {})

    def truth(self, x: Layer) -> Layer:
        """See Backend."""
        return x

    def both(self, x: Layer, y: Layer) -> Layer:
        """See Backend."""
        return self.choose(x, y, 0.0)

    def opposite(self, x: Layer) -> Layer:
        """See Backend."""
        return self.choose(x, 0.0, 1.0)

    def choose(self, condition: Layer, x: Layer | float, y: Layer | float) -> Layer:
        """See Backend."""
        found = [condition, *(one if isinstance(one, Layer) else Number(np.asarray(one, np.float32)) for one in (x, y))]
        shape = np.broadcast_shapes(*(one.shape for one in found if isinstance(one, Layer)))
        return self._add("ops.Where", found, shape, {})

    def whole(self, x: Layer, rounding: Rounding) -> Layer:
        """See Backend."""
        if rounding not in _WHOLE:
            self._refuse("a cast to whole numbers", "round them (Floor, Ceil, Round) instead")
        return self._add(_WHOLE[rounding], [x], x.shape, {})

    def concatenate(self, parts: Sequence[Layer], axis: int) -> Layer:
        """See Backend."""
        shape = list(parts[0].shape)
        shape[axis] = sum(part.shape[axis] for part in parts)
        return self._add("Concatenate", parts, tuple(shape), {"axis": axis + 1})

    def quantize(self, x: Layer, quantizer: Quantizer) -> Layer:
        """See Backend."""
        del x, quantizer
        self._quantized()

    def bipolar(self, x: Layer, scale: Floats) -> Layer:
        """See Backend."""
        del x, scale
        self._quantized()

    def thresholds(self, x: Layer, thresholds: Floats, scale: float, bias: float) -> Layer:
        """See Backend."""
        del x, thresholds, scale, bias
        self._quantized()

    def truncate(self, x: Layer, quantizer: Quantizer, divisor: float, out_scale: float) -> Layer:
        """See Backend."""
        del x, quantizer, divisor, out_scale
        self._quantized()

    def _quantized(self) -> NoReturn:
        self._refuse("the model is quantized already", "give it to `qtrigger new`")


def _positions(window: Window) -> tuple[int, ...]:
    axes = zip(window.spatial, window.size, window.strides, window.dilation, window.padding, strict=True)
    return tuple(output_length(*axis) for axis in axes)
