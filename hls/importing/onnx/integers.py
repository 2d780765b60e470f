"""Which tensors of an ONNX file hold integers by their type, of which an average is cut off."""

from __future__ import annotations

from hls.importing.onnx.model import Node, OnnxModel

_ELEMENTS = (2, 3, 4, 5, 6, 7, 12, 13)
"""ONNX's numbers of integer types."""
_INDICES = ("ArgMax", "ArgMin", "QuantizeLinear", "Shape")
_OTHERWISE = (
    "And", "DequantizeLinear", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Not", "Or", "Xor",
)  # fmt: skip
"""Operators that give floats or truths of integers."""


def integer_tensors(model: OnnxModel) -> frozenset[str]:
    """Their names; an operator's output has the type of its first argument, unless it says otherwise."""
    found = {port.name for port in model.inputs if port.element in _ELEMENTS}
    found.update(name for name, array in model.constants.items() if array.dtype.kind in "iu")
    for node in model.nodes:
        found.update(name for place, name in enumerate(node.outputs) if _holds(node, place, found))
    return frozenset(found)


def _holds(node: Node, place: int, known: set[str]) -> bool:
    if node.kind == "Cast":
        return node.attributes.get("to") in _ELEMENTS
    if node.kind in _INDICES or (node.kind in ("TopK", "MaxPool") and place == 1):
        return True
    if node.kind == "Where":
        return node.inputs[1:2] != () and node.inputs[1] in known
    return node.kind not in _OTHERWISE and node.inputs[:1] != () and node.inputs[0] in known
