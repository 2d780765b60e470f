"""ONNX's messages of Protocol Buffers, written field by field, as :mod:`hls.importing.onnx.wire` reads them."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from hls.importing.onnx.wire import BYTES, FIXED32, VARINT

Attribute = int | float | str | Sequence[int]

_ELEMENTS = {"float32": 1, "int64": 7}
_FLOAT, _INT, _STRING, _INTS = 1, 2, 3, 7
_IR_VERSION = 8
_OPSET = 13
QONNX = "qonnx.custom_op.general"


def field(number: int, value: int | float | str | bytes) -> bytes:
    """One numbered field.

    >>> field(1, 150).hex(), field(2, "ab").hex()
    ('089601', '12026162')
    """
    if isinstance(value, int):
        return _varint(number << 3 | VARINT) + _varint(value)
    if isinstance(value, float):
        return _varint(number << 3 | FIXED32) + struct.pack("<f", value)
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | BYTES) + _varint(len(data)) + data


def _varint(number: int) -> bytes:
    number &= (1 << 64) - 1
    found = bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    return bytes([*found, number])


def tensor(name: str, values: npt.NDArray[np.generic]) -> bytes:
    """An initializer."""
    dims = b"".join(field(1, size) for size in values.shape)
    return dims + field(2, _ELEMENTS[values.dtype.name]) + field(8, name) + field(9, values.tobytes())


def value(name: str, element: str, shape: Sequence[int]) -> bytes:
    """The type and the shape of a tensor."""
    dims = b"".join(field(1, field(1, size)) for size in shape)
    return field(1, name) + field(2, field(1, field(1, _ELEMENTS[element]) + field(2, dims)))


def node(kind: str, inputs: Iterable[str], output: str, attributes: Mapping[str, Attribute], domain: str) -> bytes:
    """One operator with one output, whose name it has."""
    names = b"".join(field(1, name) for name in inputs)
    options = b"".join(field(5, _attribute(name, option)) for name, option in attributes.items())
    return names + field(2, output) + field(3, output) + field(4, kind) + options + field(7, domain)


def _attribute(name: str, option: Attribute) -> bytes:
    head = field(1, name)
    if isinstance(option, int):
        return head + field(3, option) + field(20, _INT)
    if isinstance(option, float):
        return head + field(2, option) + field(20, _FLOAT)
    if isinstance(option, str):
        return head + field(4, option) + field(20, _STRING)
    return head + b"".join(field(8, number) for number in option) + field(20, _INTS)


def model(graph: bytes, producer: str, version: str) -> bytes:
    """The whole file, of ONNX's own operators and QONNX's."""
    opsets = (field(1, "") + field(2, _OPSET), field(1, QONNX) + field(2, 1))
    head = field(1, _IR_VERSION) + field(2, producer) + field(3, version)
    return head + field(7, graph) + b"".join(field(8, opset) for opset in opsets)
