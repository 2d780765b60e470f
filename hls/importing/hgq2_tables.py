"""HGQ2's layers of tables (hgq 0.2, HGQ-LUT): a small network for each pair of an input and an output, and a sum.

Such a network reads one number of few bits: it is a table with an entry for each. The specification is the network in
float64, rounded to the type of the table; Keras computes it in float32, so that an entry near a tie may be its
neighbour there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod, sqrt

import numpy as np

from hls.errors import ModelFileError, UnsupportedError
from hls.graph import nodes
from hls.graph.fixed import FixedArray
from hls.graph.float32 import Doubles
from hls.importing import hgq2
from hls.importing.element_types import Formats, Integers, emit_formats
from hls.importing.emitter import Emitter, Handler
from hls.importing.functions import Smooth
from hls.importing.hgq2_lookup import FUNCTIONS, UNIT, Inexact, looked_up, placed
from hls.importing.options import sliding
from hls.importing.quantizers import function_name
from hls.importing.spec import LayerSpec


@dataclass(frozen=True)
class _Networks:
    """The small networks of a layer: of each layer of theirs kernel and bias, one for each pair of input and output."""

    kernels: tuple[Doubles, ...]
    biases: tuple[Doubles, ...]
    hidden: Smooth

    @classmethod
    def of(cls, spec: LayerSpec) -> _Networks:
        """As the file has them.

        Raises:
            ModelFileError: they are not in the file, or do not fit each other.
            UnsupportedError: a function that is not written here.
        """
        name = function_name(spec.config.get("subnn_activation")) or "linear"
        if name not in FUNCTIONS:
            raise UnsupportedError(
                f"layer {spec.name!r}: subnn_activation {name!r} is not read; train with one of {', '.join(FUNCTIONS)}"
            )
        kernels: list[Doubles] = []
        biases: list[Doubles] = []
        for number in range(int(spec.config.get("n_hl", 1)) + 1):
            held = spec.parts.get(f"module/layers/einsum_dense{f'_{number}' if number else ''}", ())
            if not held or held[0].ndim not in (3, 4):
                raise _absent(spec)
            kernel = held[0].astype(np.float64)
            kernel = kernel[..., None] if kernel.ndim == 3 else kernel
            bias = held[1] if len(held) > 1 else np.zeros(1)
            shape = (*kernel.shape[:2], kernel.shape[-1])
            if bias.size not in (1, prod(shape)) or kernel.shape[2] != (kernels[-1].shape[-1] if kernels else 1):
                raise _absent(spec)
            kernels.append(kernel)
            biases.append(np.array(np.broadcast_to(bias.reshape(shape) if bias.size > 1 else bias, shape), np.float64))
        return cls(tuple(kernels), tuple(biases), FUNCTIONS[name])

    @property
    def shape(self) -> tuple[int, int]:
        """Inputs and outputs of the layer."""
        inputs, outputs, *_ = self.kernels[0].shape
        return inputs, outputs

    def at(self, x: Doubles) -> Inexact:
        """What the networks make of ``x`` (positions * pairs, entries)."""
        pairs = prod(self.shape)
        found = Inexact(x[..., None], np.zeros((*x.shape, 1)))
        for number, (kernel, bias) in enumerate(zip(self.kernels, self.biases, strict=True)):
            turns = len(x) // pairs
            each = np.tile(kernel.reshape(pairs, *kernel.shape[2:]), (turns, 1, 1))
            found = found.affine(each, np.tile(bias.reshape(pairs, 1, -1), (turns, 1, 1)))
            if number < len(self.kernels) - 1:
                found = found.through(self.hidden)
        return Inexact(found.value[..., 0], found.error[..., 0])


def _absent(spec: LayerSpec) -> ModelFileError:
    return ModelFileError(f"layer {spec.name!r}: its small networks are not in the file; save the whole model again")


def _normalized(spec: LayerSpec, x: Inexact, shape: tuple[int, int]) -> Inexact:
    """The normalization of the outputs, over the root of how many are added up."""
    if not spec.config.get("batch_norm", False):
        return x
    inputs, outputs = shape
    scale, center = bool(spec.config.get("bn_scale", True)), bool(spec.config.get("bn_center", True))
    held = spec.parts.get("bn_module", ())
    if len(held) != 2 + scale + center or any(array.shape != (outputs,) for array in held):
        raise ModelFileError(f"layer {spec.name!r}: its normalization is not in the file; save the whole model again")
    arrays = [array.astype(np.float64) for array in held]
    gamma = arrays[0] if scale else np.ones(outputs)
    beta = arrays[int(scale)] if center else np.zeros(outputs)
    factor = gamma / np.sqrt(arrays[-1] + float(spec.config.get("bn_epsilon", 1e-3)))
    offset = beta - arrays[-2] * factor
    each = [np.tile(values, len(x.value) // outputs)[:, None] for values in (factor, offset, arrays[-2] * factor)]
    value = (x.value * each[0] + each[1]) / sqrt(inputs)
    terms = np.abs(x.value * each[0]) + np.abs(each[1]) + np.abs(each[2])
    return Inexact(value, (np.abs(each[0]) * x.error + 8 * UNIT * terms) / sqrt(inputs))


@dataclass(frozen=True)
class _Layout:
    """How the pairs of a layer lie in one tensor: of each position all pairs, or all pairs of all positions.

    ``lead`` are the axes of the positions. Types that differ between positions make tables of their own.
    """

    lead: tuple[int, ...]
    shape: tuple[int, int]
    apart: bool

    @property
    def positions(self) -> int:
        """That share their tables."""
        return 1 if self.apart else prod(self.lead)

    @property
    def tables(self) -> int:
        """How many there are."""
        return prod(self.shape) * (prod(self.lead) if self.apart else 1)

    def each(self, values: Integers) -> Integers:
        """Of each table one, of numbers that are broadcast to all axes."""
        wide = np.broadcast_to(values, (*self.lead, *self.shape)).reshape(-1, self.tables)
        return np.array(wide[0])

    def of_each(self, types: Formats) -> Formats:
        """The type of each table."""
        signed, bits, integer = (self.each(a) for a in (types.signed, types.bits, types.integer))
        return replace(types, signed=signed, bits=bits, integer=integer)


def _varies(types: Formats | None, lead: int) -> bool:
    """Whether types differ between positions."""
    arrays = () if types is None else (types.signed, types.bits, types.integer)
    return any(max(array.shape[:lead], default=1) > 1 for array in arrays if array.ndim == lead + 2)


def _dense(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    """A table for each pair of an input and an output, then the sum over the inputs."""
    networks, (x,) = _Networks.of(spec), inputs
    shape = emit.edge(x).shape
    if shape[-1] != networks.shape[0]:
        raise ModelFileError(f"layer {spec.name!r} reads {networks.shape[0]} values, {shape[-1]} arrive; save it again")
    lead, read = shape[:-1], hgq2.input_formats(spec)
    held = hgq2.formats(spec, "toq", spec.config.get("toq_conf"))
    if held is None:
        raise UnsupportedError(f"layer {spec.name!r}: its tables have no type; train with toq_conf of 'kbi' or 'kif'")
    written = hgq2.of_values(held)
    layout = _Layout(lead, networks.shape, _varies(read, len(lead)) or _varies(written, len(lead)))
    x = _copies(emit, x, layout)
    if read is not None:
        x = emit_formats(emit, x, read)
    x, grid = placed(emit, x, read)
    flat = (layout.tables,) if layout.positions == 1 else (layout.positions, layout.tables)
    x = emit(nodes.Reshape, "pairs", (x,), flat)

    def values(at: Doubles) -> Inexact:
        return _normalized(spec, networks.at(at), networks.shape)

    looked = looked_up(emit, spec, x, layout.each(grid), layout.of_each(written), values)
    return hgq2.write(emit, spec, _total(emit, looked, layout))


def _copies(emit: Emitter, x: str, layout: _Layout) -> str:
    """Each value once for each output."""
    count, (inputs, outputs) = prod(layout.lead), layout.shape
    column = emit(nodes.Reshape, "column", (x,), (count * inputs, 1))
    ones, zero = FixedArray(np.ones((1, outputs), np.int64), 0), FixedArray(np.zeros(outputs, np.int64), 0)
    copies = emit(nodes.Dense, "copies", (column,), ones, zero)
    return emit(nodes.Reshape, "all", (copies,), (*layout.lead, inputs, outputs))


def _total(emit: Emitter, x: str, layout: _Layout) -> str:
    """The sum over the inputs."""
    count, (inputs, outputs) = prod(layout.lead), layout.shape
    if count == 1:
        rows = emit(nodes.Reshape, "rows", (x,), (inputs, outputs))
        total = emit(nodes.Pool, "sum", (rows,), (inputs,), (inputs,), ((0, 0),), False)
    else:
        rows = emit(nodes.Reshape, "rows", (x,), (count, inputs, outputs))
        total = emit(nodes.Pool, "sum", (rows,), (1, inputs), (1, inputs), ((0, 0), (0, 0)), False)
    return emit(nodes.Reshape, "sums", (total,), (*layout.lead, outputs))


def _conv(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    """The same at each place of a window: the values under it, as one row, are what a dense layer reads."""
    if spec.config.get("data_format") == "channels_first":
        raise UnsupportedError(
            f"layer {spec.name!r}: data_format='channels_first', and its types are in that order too; build the model "
            "channels_last, Permute what it reads, and train it again"
        )
    *spatial, channels = emit.edge(inputs[0]).shape
    window = tuple(int(size) for size in np.atleast_1d(spec.config.get("kernel_size", 1)))
    strides, dilation, padding = sliding(spec, tuple(spatial), window)
    size = prod(window) * channels
    picks = FixedArray(np.eye(size, dtype=np.int64).reshape(*window, channels, size), 0)
    zero = FixedArray(np.zeros(size, np.int64), 0)
    rows = emit(nodes.Conv, "windows", (inputs[0],), picks, zero, strides, dilation, padding, 1)
    return _dense(emit, spec, (rows,))


HANDLERS: dict[str, Handler] = {
    f"{hgq2.PREFIX}{name}": handler for name, handler in (("QDenseT", _dense), ("QConvT1D", _conv), ("QConvT2D", _conv))
}
