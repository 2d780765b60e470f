"""ONNX files written by hand: the messages of Protocol Buffers, and nothing of the onnx package."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

_ELEMENTS = {"float32": 1, "float64": 11, "uint8": 2, "int8": 3, "int32": 6, "int64": 7, "bool": 9}
BREVITAS = "onnx.brevitas"
CHANNELS_LAST = "qonnx.custom_op.channels_last"
TREES = "ai.onnx.ml"


def varint(number: int) -> bytes:
    number &= (1 << 64) - 1
    found = bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    return bytes([*found, number])


def entry(number: int, value: int | float | str | bytes) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def tensor(name: str, values: npt.ArrayLike, *, doubles: bool = False) -> bytes:
    array = np.asarray(values)
    array = array.astype(np.float32) if array.dtype == np.float64 and not doubles else array
    dims = b"".join(entry(1, size) for size in array.shape)
    return dims + entry(2, _ELEMENTS[array.dtype.name]) + entry(8, name) + entry(9, array.tobytes())


def attribute(name: str, value: Any) -> bytes:
    head = entry(1, name)
    match value:
        case int():
            return head + entry(3, value) + entry(20, 2)
        case float():
            return head + entry(2, value) + entry(20, 1)
        case str():
            return head + entry(4, value) + entry(20, 3)
        case np.ndarray():
            return head + entry(5, tensor("", value, doubles=name.endswith("_as_tensor"))) + entry(20, 4)
        case [float(), *_]:
            return head + entry(7, np.array(value, "<f4").tobytes()) + entry(20, 6)
        case [str(), *_]:
            return head + b"".join(entry(9, text) for text in value) + entry(20, 8)
    return head + b"".join(entry(8, number) for number in value) + entry(20, 7)


@dataclass(frozen=True)
class Step:
    """One operator."""

    kind: str
    inputs: Sequence[str]
    output: str
    options: Mapping[str, Any] = field(default_factory=dict)
    domain: str = ""
    more: Sequence[str] = ()
    """Outputs behind the first."""

    def message(self) -> bytes:
        parts = [entry(1, name) for name in self.inputs] + [entry(2, name) for name in (self.output, *self.more)]
        parts += [entry(3, self.output), entry(4, self.kind), entry(7, self.domain)]
        return b"".join([*parts, *(entry(5, attribute(name, value)) for name, value in self.options.items())])


@dataclass(frozen=True)
class File:
    """A model of one input ``x``; the last step is the output. ``stated`` are shapes of what steps give."""

    shape: Sequence[int | None]
    steps: Sequence[Step]
    constants: Mapping[str, npt.ArrayLike]
    annotation: str | None = None
    stated: Mapping[str, Sequence[int | None]] = field(default_factory=dict)
    element: int = 1
    """ONNX's number of the type of the input's elements."""
    opset: int = 13

    def graph(self) -> bytes:
        graph = [entry(1, step.message()) for step in self.steps] + [entry(2, "net")]
        graph += [entry(5, tensor(name, values)) for name, values in self.constants.items()]
        last = self.steps[-1].output
        graph += [entry(11, _port("x", self.shape, self.element)), entry(12, _port(last, self.stated.get(last, ())))]
        graph += [entry(13, _port(name, shape)) for name, shape in self.stated.items() if name != last]
        if self.annotation is not None:
            pair = entry(1, "finn_datatype") + entry(2, self.annotation)
            graph.append(entry(14, entry(1, "x") + entry(2, pair)))
        return b"".join(graph)

    def message(self) -> bytes:
        return self.framed(self.graph())

    def framed(self, graph: bytes) -> bytes:
        opsets = (entry(1, "") + entry(2, self.opset), entry(1, TREES) + entry(2, 3))
        return entry(1, 8) + entry(2, "by hand") + entry(7, graph) + b"".join(entry(8, opset) for opset in opsets)

    def write(self, path: Path) -> Path:
        path.write_bytes(self.message())
        return path


def _port(name: str, shape: Sequence[int | None], element: int = 1) -> bytes:
    sizes = b"".join(entry(1, entry(2, "n") if size is None else entry(1, size)) for size in shape)
    return entry(1, name) + entry(2, entry(1, entry(1, element) + entry(2, sizes)))


def _quant(source: str, output: str, bits: str, **options: Any) -> Step:
    return Step("Quant", (source, "s", "z", bits), output, options, BREVITAS)


QUANTIZED = File(
    (1, 3, 5),
    (
        _quant("x", "q", "b"),
        Step("Conv", ("q", "k", "c"), "p", {"pads": [1, 1], "strides": [2]}),
        Step("Relu", ("p",), "r"),
        _quant("r", "v", "b3", signed=0, rounding_mode="FLOOR"),
        Step("Reshape", ("v", "shape"), "f"),
        Step("Gemm", ("f", "V", "d"), "y", {"transB": 1, "beta": 1.0}),
    ),
    {
        "s": 0.25, "z": 0.0, "b": 6.0, "b3": 3.0, "k": np.arange(-18, 18).reshape(4, 3, 3) * 0.25,
        "c": [0.0, 1.0, -1.0, 0.5], "shape": np.array([1, -1]), "V": np.eye(3, 12), "d": [0.5, 0.25, 0.0],
    },
)  # fmt: skip
"""A small network that is read whole, to be damaged."""
