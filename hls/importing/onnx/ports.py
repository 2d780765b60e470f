"""Which fixed-point type arrives on each input of an ONNX file: that of the quantizer that reads it first."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

import numpy as np

from hls.errors import UnsupportedError
from hls.graph.fixed import FixedType
from hls.graph.nodes import PortRounding
from hls.importing.onnx.affine import fractions, power_of_two
from hls.importing.onnx.backend import SAME_ROUNDING
from hls.importing.onnx.model import Node, OnnxModel, Port
from hls.importing.ports import parse_type
from hls.importing.quantizers import Grid
from hls.importing.statements import Statements

_ROUNDINGS: Mapping[str, PortRounding] = {
    "ROUND": PortRounding.NEAREST_EVEN,
    "FLOOR": PortRounding.FLOOR,
    "CEIL": PortRounding.CEILING,
    "DOWN": PortRounding.TO_ZERO,
    "UP": PortRounding.FROM_ZERO,
    "HALF_UP": PortRounding.HALF_FROM_ZERO,
    "HALF_DOWN": PortRounding.HALF_TO_ZERO,
}
"""Of each of QONNX's roundings that of a port with the same steps."""
_TRANSPARENT = ("Identity", "Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze", "Dropout", "Cast")
_ANNOTATION = re.compile(r"(?:(U?)INT(\d+)|FIXED<(\d+),(-?\d+)>|(BIPOLAR|TERNARY)|BINARY)")
_INTEGERS: Mapping[int, FixedType] = {
    2: FixedType(False, 8, 8), 3: FixedType(True, 8, 8), 4: FixedType(False, 16, 16), 5: FixedType(True, 16, 16),
    9: FixedType(False, 1, 1),
}  # fmt: skip
"""Of ONNX's element types those that are a type of a port by themselves."""
_OF_FEW_BITS: Mapping[int, str] = {10: "float16", 16: "bfloat16"}
_MOST_PORT_BITS = 64


def port_grid(model: OnnxModel, port: Port, statements: Statements) -> Grid:
    """The type that arrives: of the quantizer that reads the port first, as the project states it, or as FINN noted.

    Raises:
        UnsupportedError: none of these.
    """
    if port.element in _OF_FEW_BITS:
        raise UnsupportedError(
            f"input {port.name!r} is {_OF_FEW_BITS[port.element]}, in which the whole network rounds every number; "
            "export the model in float32"
        )
    found = list(_first_quantizers(model, port.name))
    first = found[0] if found else None
    if first is not None and all(item == first for item in found):
        return first
    stated = parse_type(statements.input_type) if statements.input_type is not None else _annotated(model, port)
    stated = stated or _INTEGERS.get(port.element)
    if stated is not None:
        return Grid(stated, stated.raw_min, stated.raw_max)
    what = (
        "quantizers of several types read it, or other operators beside them"
        if any(found)
        else "no quantizer with a scale that is a power of two, and more than a sign, reads it first"
    )
    raise UnsupportedError(
        f"input {port.name!r} has no fixed-point type: {what}. State the type: "
        "input_type = \"ap_fixed<16,6>\" under [model] in project.toml, or --input-type 'ap_fixed<16,6>'"
    )


def _annotated(model: OnnxModel, port: Port) -> FixedType | None:
    match = _ANNOTATION.fullmatch(model.annotations.get(port.name, ""))
    if match is None:
        return None
    if match[2]:
        return FixedType(not match[1], width, width) if 1 <= (width := int(match[2])) <= _MOST_PORT_BITS else None
    if match[3]:
        return FixedType(True, width, int(match[4])) if 1 <= (width := int(match[3])) <= _MOST_PORT_BITS else None
    return FixedType(True, 2, 2) if match[5] else FixedType(False, 1, 1)


def _first_quantizers(model: OnnxModel, tensor: str) -> Iterator[Grid | None]:
    """The grid of each quantizer that reads a tensor first, and None for whatever else reads it."""
    followed = {tensor}
    waiting = [tensor]
    while waiting:
        name = waiting.pop()
        if any(port.name == name for port in model.outputs):
            yield None
        for node in model.nodes:
            if name not in node.inputs:
                continue
            if node.kind in _TRANSPARENT and node.inputs[0] == name:
                waiting += [output for output in node.outputs[:1] if output not in followed]
                followed.update(node.outputs[:1])
            else:
                read = _GRIDS.get(node.kind) if node.inputs[0] == name else None
                yield None if read is None else read(model, node)


def _grid(model: OnnxModel, node: Node) -> Grid | None:
    """The grid of a quantizer whose scale is one power of two; None for any other."""
    found = [_known(model, name) for name in node.inputs[1:4]]
    if len(found) != 3 or any(array is None or array.size != 1 for array in found):
        return None
    scale, zero, bits = numbers = [float(np.asarray(array).reshape(-1)[0]) for array in found]
    if not np.isfinite(numbers).all():
        return None
    exponent = power_of_two(fractions([scale]))
    signed, narrow = node.attributes.get("signed", 1) == 1, node.attributes.get("narrow", 0) == 1
    fewest = 2 if signed else 1  # one bit with a sign is +1 and -1
    if exponent is None or zero != 0 or bits != int(bits) or not fewest <= bits <= _MOST_PORT_BITS:
        return None
    kind = FixedType(signed, int(bits), int(bits) + exponent)
    mode = str(node.attributes.get("rounding_mode", "ROUND")).upper()
    # Of a mode that is none the operator is refused.
    rounding = _ROUNDINGS.get(SAME_ROUNDING.get(mode, mode), PortRounding.NEAREST_EVEN)
    return Grid(kind, kind.raw_min + (signed and narrow), kind.raw_max - (narrow and not signed), rounding)


def _integer_grid(model: OnnxModel, node: Node) -> Grid | None:
    """Of a QuantizeLinear to integers of a type, by one power of two, the values that they stand for."""
    scale = _known(model, node.inputs[1]) if len(node.inputs) > 1 else None
    zero = np.zeros((), np.uint8) if len(node.inputs) < 3 or not node.inputs[2] else _known(model, node.inputs[2])
    if scale is None or zero is None or scale.size != 1 or zero.size != 1 or zero.dtype.kind not in "iu":
        return None
    step = float(scale.reshape(-1)[0])
    exponent = power_of_two(fractions([step])) if np.isfinite(step) else None
    if exponent is None or "output_dtype" in node.attributes:
        return None
    ends, offset = np.iinfo(zero.dtype), int(zero.reshape(-1)[0])
    low, high = int(ends.min) - offset, int(ends.max) - offset
    return Grid(FixedType.covering(low, high, -exponent), low, high, PortRounding.NEAREST_EVEN)


_GRIDS: Mapping[str, Callable[[OnnxModel, Node], Grid | None]] = {
    "Quant": _grid,
    "IntQuant": _grid,
    "QuantizeLinear": _integer_grid,
}


def _known(model: OnnxModel, name: str) -> np.ndarray | None:
    """A constant, of an initializer or of a Constant operator."""
    if name in model.constants:
        return model.constants[name]
    made = next((node for node in model.nodes if node.kind == "Constant" and name in node.outputs), None)
    value = made.attributes.get("value", made.attributes.get("value_float")) if made is not None else None
    return None if value is None else np.asarray(value)
