"""An ONNX file as plain data: nodes in their order, constants by name, ports with their shapes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hls.errors import ModelFileError, UnsupportedError
from hls.importing.onnx import wire

Array = npt.NDArray[Any]

_TYPES: Mapping[int, tuple[str, int | None]] = {
    1: ("<f4", 4), 2: ("u1", 5), 3: ("i1", 5), 4: ("<u2", 5), 5: ("<i2", 5), 6: ("<i4", 5), 7: ("<i8", 7),
    9: ("?", 5), 10: ("<f2", 5), 11: ("<f8", 10), 12: ("<u4", 11), 13: ("<u8", 11), 16: ("<u2", 5),
}  # fmt: skip
"""Of each element type its dtype, and the field that holds its values where they are not raw bytes."""
_BFLOAT16 = 16
"""The upper half of a float32."""
_MOST_AXES = 8


@dataclass(frozen=True, eq=False)
class Node:
    """One operator. ``domain`` is empty for ONNX's own."""

    kind: str
    domain: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]


@dataclass(frozen=True)
class Port:
    """An input or an output; a size that the file leaves open is None. ``element`` is ONNX's number of its type."""

    name: str
    shape: tuple[int | None, ...]
    element: int = 1


@dataclass(frozen=True, eq=False)
class OnnxModel:
    """``annotations`` are FINN's types of tensors, such as ``INT8`` or ``BIPOLAR``."""

    name: str
    opset: int
    nodes: tuple[Node, ...]
    constants: Mapping[str, Array]
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    annotations: Mapping[str, str]


def looks_like_onnx(head: bytes) -> bool:
    """Whether the first bytes of a file are those of an ONNX model: its version, then another of its fields."""
    data = memoryview(head)
    try:
        key, place = wire.varint(data, 0)
        version, place = wire.varint(data, place)
        second, _ = wire.varint(data, place)
    except wire.WireError:
        return False
    return key == 8 and 0 < version < 256 and second in (0x12, 0x1A, 0x22, 0x28, 0x32, 0x3A, 0x42, 0x72)


def read_onnx(file: Path) -> OnnxModel:
    """The model in a file.

    Raises:
        ModelFileError: truncated or damaged; NaN in weights; a name that stands for two tensors.
        UnsupportedError: its weights lie in another file.
    """
    try:
        return _model(memoryview(file.read_bytes()))
    except wire.WireError as error:
        raise ModelFileError(f"{file}: a damaged ONNX file: {error}; was it copied whole?") from error


def without_unread(model: OnnxModel) -> OnnxModel:
    """The model without operators that no output comes from: they compute nothing, so that none of them is refused."""
    wanted, kept = {port.name for port in model.outputs}, list[Node]()
    for node in reversed(model.nodes):
        if not wanted.isdisjoint(node.outputs):
            kept.append(node)
            wanted.update(node.inputs)
    return replace(model, nodes=tuple(reversed(kept)))


def _model(data: memoryview) -> OnnxModel:
    opset, graph = 0, None
    for number, value in wire.fields(data):
        if number == 7:
            graph = wire.message(value)
        elif number == 8:
            domain, version = "", 1
            for inner, part in wire.fields(wire.message(value)):
                domain = wire.text(part) if inner == 1 else domain
                version = wire.signed(part) if inner == 2 else version
            opset = version if domain in ("", "ai.onnx") or not opset else opset
    if graph is None or not opset:
        raise wire.WireError("it holds no graph" if graph is None else "it says of no operator set which one it uses")
    return _graph(graph, opset)


@dataclass
class _Parts:
    name: str = "onnx"
    nodes: list[Node] = field(default_factory=list)
    constants: dict[str, Array] = field(default_factory=dict)
    inputs: list[Port] = field(default_factory=list)
    outputs: list[Port] = field(default_factory=list)
    annotations: dict[str, str] = field(default_factory=dict)


def _graph(data: memoryview, opset: int) -> OnnxModel:
    found = _Parts()
    for number, value in wire.fields(data):
        if number == 1:
            found.nodes.append(_node(wire.message(value)))
        elif number == 2:
            found.name = wire.text(value)
        elif number == 5:
            name, array = _tensor(wire.message(value))
            if name in found.constants:
                raise _twice(name)
            found.constants[name] = array
        elif number in (11, 12):
            (found.inputs if number == 11 else found.outputs).append(_port(wire.message(value)))
        elif number == 14:
            _annotate(found.annotations, wire.message(value))
        elif number == 15:
            raise UnsupportedError("sparse initializers; save the weights as dense ones")
    ports = tuple(port for port in found.inputs if port.name not in found.constants)
    _check_names([*found.constants, *(port.name for port in ports)], found.nodes)
    return OnnxModel(
        found.name, opset, tuple(found.nodes), found.constants, ports, tuple(found.outputs), found.annotations
    )


def _check_names(given: Sequence[str], nodes: Sequence[Node]) -> None:
    """Raise ModelFileError for a name that stands for two tensors, of which an operator would read either one."""
    known = set(given)
    if len(known) < len(given):
        raise _twice(next(name for name in given if given.count(name) > 1))
    for node in nodes:
        for name in node.outputs:
            if name and name in known:
                raise _twice(name)
            known.add(name)


def _twice(name: str) -> ModelFileError:
    return ModelFileError(
        f"{name!r} is the name of two tensors, and ONNX has one for each; onnx.checker.check_model(FILE) says so too: "
        "give one of them another name, or export the model again"
    )


def _node(data: memoryview) -> Node:
    texts: dict[int, str] = {}
    inputs: list[str] = []
    outputs: list[str] = []
    attributes: dict[str, Any] = {}
    for number, value in wire.fields(data):
        if number in (1, 2):
            (inputs if number == 1 else outputs).append(wire.text(value))
        elif number in (3, 4, 7):
            texts[number] = wire.text(value)
        elif number == 5:
            name, found = _attribute(wire.message(value))
            attributes[name] = found
    domain = texts.get(7, "")
    name = texts.get(3) or next(iter(outputs), "")
    return Node(
        texts.get(4, ""), "" if domain == "ai.onnx" else domain, name, tuple(inputs), tuple(outputs), attributes
    )


def _attribute(data: memoryview) -> tuple[str, Any]:
    name, kind, seen = "", 0, 0
    found: dict[int, Any] = {2: 0.0, 3: 0, 4: "", 7: [], 8: [], 9: []}
    tensor: memoryview | None = None
    for number, value in wire.fields(data):
        seen = number if number in (*found, 5) else seen
        if number == 1:
            name = wire.text(value)
        elif number == 20:
            kind = wire.signed(value)
        elif number == 2:
            found[2] = wire.real(value)
        elif number == 3:
            found[3] = wire.signed(value)
        elif number == 4:
            found[4] = wire.text(value)
        elif number == 5:
            tensor = wire.message(value)
        elif number == 7:
            found[7].extend(np.frombuffer(_whole(wire.message(value), 4), "<f4").tolist())
        elif number == 8:
            found[8].extend(wire.many(value))
        elif number == 9:
            found[9].append(wire.text(value))
    if tensor is not None:
        found[5] = _tensor(tensor)[1]
    place = {1: 2, 2: 3, 3: 4, 4: 5, 6: 7, 7: 8, 8: 9}.get(kind, seen)  # files of old state no kind
    return name, found.get(place)


def _whole(data: memoryview, size: int) -> memoryview:
    if len(data) % size:
        raise wire.WireError(f"{len(data)} bytes of numbers that take {size} each")
    return data


def _tensor(data: memoryview) -> tuple[str, Array]:
    """Name and elements: floats of few bits in float32."""
    name, kind, dims = "", 0, list[int]()
    stored: list[tuple[int, wire.Value]] = []
    for number, value in wire.fields(data):
        if number == 1:
            dims.extend(wire.many(value))
        elif number == 2:
            kind = wire.signed(value)
        elif number == 8:
            name = wire.text(value)
        elif number == 13 or (number == 14 and value):
            raise UnsupportedError(
                f"the weights {name!r} lie in another file; save it as one: "
                "onnx.save(onnx.load(FILE), NEW, save_as_external_data=False)"
            )
        elif number in (4, 5, 7, 9, 10, 11):
            stored.append((number, value))
    if kind not in _TYPES:
        raise UnsupportedError(
            f"constant {name!r}: elements of ONNX type {kind}; save it as float32, or integers of 4 bits as int8"
        )
    array = _elements(kind, stored)
    array = (array.astype("<u4") << 16).view("<f4") if kind == _BFLOAT16 else array
    if len(dims) > _MOST_AXES or min(dims, default=1) < 0 or math.prod(dims) != array.size:
        raise wire.WireError(f"constant {name!r} has {array.size} elements, and the shape {dims[:_MOST_AXES]}")
    if array.dtype.kind == "f":
        array = array.astype(np.float32) if array.itemsize < 4 else array
        if np.isnan(array).any():
            raise ModelFileError(f"constant {name!r} holds NaN; train again")
    return name, array.reshape(dims)


def _elements(kind: int, stored: list[tuple[int, wire.Value]]) -> Array:
    dtype = np.dtype(_TYPES[kind][0])
    parts: list[Array] = []
    for number, value in stored:
        if number == 9:
            parts.append(np.frombuffer(_whole(wire.message(value), dtype.itemsize), dtype))
        elif number in (4, 10):
            plain = np.dtype("<f4" if number == 4 else "<f8")
            parts.append(np.frombuffer(_whole(wire.message(value), plain.itemsize), plain))
        else:
            numbers = np.fromiter(wire.many(value), np.int64)
            parts.append(numbers.astype("<u2").view("<f2") if kind == 10 else numbers.astype(dtype))
    return np.concatenate(parts).astype(dtype) if parts else np.zeros(0, dtype)


def _port(data: memoryview) -> Port:
    name, shape, element = "", tuple[int | None, ...](), 1
    for number, value in wire.fields(data):
        if number == 1:
            name = wire.text(value)
        elif number == 2:
            for kind, tensor in wire.fields(wire.message(value)):
                if kind == 1:
                    shape, element = _type(wire.message(tensor))
    return Port(name, shape, element)


def _type(data: memoryview) -> tuple[tuple[int | None, ...], int]:
    """Shape and type of the elements of a tensor."""
    sizes: list[int | None] = []
    element = 1
    for number, value in wire.fields(data):
        element = wire.signed(value) if number == 1 else element
        if number != 2:
            continue
        for inner, dimension in wire.fields(wire.message(value)):
            if inner == 1:
                size = None
                for kind, number_of in wire.fields(wire.message(dimension)):
                    size = wire.signed(number_of) if kind == 1 else size
                sizes.append(size)
    return tuple(sizes), element


def _annotate(annotations: dict[str, str], data: memoryview) -> None:
    name = ""
    for number, value in wire.fields(data):
        if number == 1:
            name = wire.text(value)
        elif number == 2:
            pair = {inner: wire.text(part) for inner, part in wire.fields(wire.message(value)) if inner in (1, 2)}
            if pair.get(1) == "finn_datatype":
                annotations[name] = pair.get(2, "")
