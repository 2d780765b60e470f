"""The format of ONNX files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from hls.errors import ModelFileError, UnsupportedError
from hls.graph import FixedGraph, GraphBuilder, nodes
from hls.graph.fixed import FixedArray, FixedType
from hls.graph.nodes import Rounding
from hls.importing.onnx.affine import fractions, power_of_two
from hls.importing.onnx.exact import ExactBackend
from hls.importing.onnx.idioms import with_functions
from hls.importing.onnx.model import Node, OnnxModel, Port, looks_like_onnx, read_onnx
from hls.importing.onnx.plain import plain_spec
from hls.importing.onnx.tensors import held
from hls.importing.onnx.translate import Names, port_shape, translate
from hls.importing.onnx.trees import ensemble_of, holds_trees
from hls.importing.ports import parse_type
from hls.importing.quantizers import Grid
from hls.importing.spec import ModelSpec
from hls.importing.statements import Statements
from hls.importing.trees.ensemble import emitted

_HEAD = 64
_QUANTIZERS = ("Quant", "IntQuant", "BipolarQuant", "MultiThreshold", "Trunc", "QuantizeLinear", "DequantizeLinear")
_TRANSPARENT = ("Identity", "Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze", "Dropout", "Cast")
_ANNOTATION = re.compile(r"(?:(U?)INT(\d+)|FIXED<(\d+),(-?\d+)>|(BIPOLAR|TERNARY)|BINARY)")
_MOST_STATED_BITS = 20
_MOST_PORT_BITS = 64


class OnnxFormat:
    """ONNX with quantizers of QONNX (Brevitas, FINN) or ONNX's own, or with trees; plain ONNX for ``quantize``."""

    title = "ONNX and QONNX (.onnx)"
    suffixes = (".onnx",)

    def recognises(self, file: Path) -> bool:
        """A message of Protocol Buffers that begins as ONNX's do."""
        with file.open("rb") as stream:
            return looks_like_onnx(stream.read(_HEAD))

    def read(self, file: Path, statements: Statements) -> FixedGraph:
        """The exact arithmetic of a quantized model."""
        model = with_functions(read_onnx(file))
        if holds_trees(model):
            return emitted(ensemble_of(model, file), statements.input_type)
        _refuse_plain(file, model)
        names, builder = Names(), GraphBuilder(re.sub(r"\W+", "_", file.stem))
        backend = ExactBackend(builder, {"softmax": statements.last_softmax, "sigmoid": statements.last_sigmoid})
        ports, inputs = {}, []
        for port in model.inputs:
            grid, shape, name = _port_grid(model, port, statements), port_shape(port), names.free(port.name)
            node = nodes.Input(name, (), name, shape, grid.type, grid.raw_min, grid.raw_max, grid.rounding)
            inputs.append(builder.add(node))
            builder.layers[name] = name
            ports[port.name] = held(backend.port(name), shape)
        if not ports:
            raise ModelFileError(f"{file}: a model without inputs; export it again")
        outputs = [(name, backend.output(x.handle)) for name, x in translate(model, backend, ports, names)]
        backend.check_heads()
        return builder.finish(inputs, [node for _, node in outputs], [name for name, _ in outputs])

    def plain(self, file: Path) -> ModelSpec:
        """A model without types, its operators as layers of Keras."""
        return plain_spec(with_functions(read_onnx(file)), re.sub(r"\W+", "_", file.stem))


def _refuse_plain(file: Path, model: OnnxModel) -> None:
    """Weights without types are the kind of file that most people have: say at once what makes one of it."""
    if any(node.kind in _QUANTIZERS for node in model.nodes):
        return
    for node in model.nodes:
        for name in node.inputs[1:2]:
            weights = model.constants.get(name)
            if node.kind not in ("MatMul", "Gemm", "Conv") or weights is None:
                continue
            if FixedArray.from_float(np.asarray(weights, np.float64)).type.width > _MOST_STATED_BITS:
                raise UnsupportedError(
                    f"operator {node.name!r} ({node.kind}): its weights are plain floats, and no quantizer is in the "
                    f"file; choose types from your events: qtrigger quantize {file} --events FILE --out NEW.keras"
                )


def _port_grid(model: OnnxModel, port: Port, statements: Statements) -> Grid:
    """The type that arrives: of the quantizer that reads the port first, as the project states it, or as FINN noted.

    Raises:
        UnsupportedError: none of these.
    """
    found = list(_first_quantizers(model, port.name))
    first = found[0] if found else None
    if first is not None and all(item == first for item in found):
        return first
    stated = parse_type(statements.input_type) if statements.input_type is not None else _annotated(model, port)
    if stated is not None:
        return Grid(stated, stated.raw_min, stated.raw_max)
    raise UnsupportedError(
        f"input {port.name!r} has no fixed-point type: no quantizer with a scale that is a power of two reads it "
        'first. State the type: input_type = "ap_fixed<16,6>" under [model] in project.toml, '
        "or --input-type 'ap_fixed<16,6>'"
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
                yield _grid(model, node) if node.kind in ("Quant", "IntQuant") and node.inputs[0] == name else None


def _grid(model: OnnxModel, node: Node) -> Grid | None:
    """The grid of a quantizer whose scale is one power of two; None for any other."""
    found = [_known(model, name) for name in node.inputs[1:4]]
    if len(found) != 3 or any(array is None or array.size != 1 for array in found):
        return None
    scale, zero, bits = (float(np.asarray(array).reshape(-1)[0]) for array in found)
    exponent = power_of_two(fractions([scale]))
    signed, narrow = node.attributes.get("signed", 1) == 1, node.attributes.get("narrow", 0) == 1
    fewest = 2 if signed else 1  # one bit with a sign is +1 and -1
    if exponent is None or zero != 0 or bits != int(bits) or not fewest <= bits <= _MOST_PORT_BITS:
        return None
    kind = FixedType(signed, int(bits), int(bits) + exponent)
    mode = str(node.attributes.get("rounding_mode", "ROUND")).upper()
    if mode == "HALF_UP" and not signed:  # the half decides, so the port has it
        halves = FixedType(False, kind.width + 1, kind.integer)
        return Grid(halves, 0, halves.raw_max, Rounding.FLOOR)
    down = mode == "FLOOR" or (mode in ("DOWN", "ROUND_TO_ZERO") and not signed)
    rounding = Rounding.FLOOR if down else Rounding.NEAREST_EVEN
    return Grid(kind, kind.raw_min + (signed and narrow), kind.raw_max - (narrow and not signed), rounding)


def _known(model: OnnxModel, name: str) -> np.ndarray | None:
    """A constant, of an initializer or of a Constant operator."""
    if name in model.constants:
        return model.constants[name]
    made = next((node for node in model.nodes if node.kind == "Constant" and name in node.outputs), None)
    value = made.attributes.get("value", made.attributes.get("value_float")) if made is not None else None
    return None if value is None else np.asarray(value)


FORMAT = OnnxFormat()
