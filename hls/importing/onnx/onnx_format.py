"""The format of ONNX files."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from hls.errors import ModelFileError, UnsupportedError
from hls.graph import FixedGraph, GraphBuilder, nodes
from hls.graph.fixed import FixedArray
from hls.importing.onnx.exact import ExactBackend
from hls.importing.onnx.idioms import with_functions
from hls.importing.onnx.model import OnnxModel, looks_like_onnx, read_onnx, without_unread
from hls.importing.onnx.plain import plain_spec
from hls.importing.onnx.ports import port_grid
from hls.importing.onnx.tensors import held
from hls.importing.onnx.translate import Names, port_shape, translate
from hls.importing.onnx.trees import ensemble_of, holds_trees
from hls.importing.spec import ModelSpec
from hls.importing.statements import Statements
from hls.importing.trees.ensemble import emitted

_HEAD = 64
_QUANTIZERS = ("Quant", "IntQuant", "BipolarQuant", "MultiThreshold", "Trunc", "QuantizeLinear", "DequantizeLinear")
_MOST_STATED_BITS = 20


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
        model = without_unread(model)
        _refuse_plain(file, model)
        names, builder = Names(), GraphBuilder(re.sub(r"\W+", "_", file.stem))
        backend = ExactBackend(builder, {"softmax": statements.last_softmax, "sigmoid": statements.last_sigmoid})
        ports, inputs = {}, []
        for port in model.inputs:
            grid, shape, name = port_grid(model, port, statements), port_shape(port), names.free(port.name)
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
        return plain_spec(without_unread(with_functions(read_onnx(file))), re.sub(r"\W+", "_", file.stem))


def _refuse_plain(file: Path, model: OnnxModel) -> None:
    """Weights without types are the kind of file that most people have: say at once what makes one of it."""
    if any(node.kind in _QUANTIZERS for node in model.nodes):
        return
    for node in model.nodes:
        for name in node.inputs[1:2]:
            weights = model.constants.get(name)
            if node.kind not in ("MatMul", "Gemm", "Conv") or weights is None or not np.isfinite(weights).all():
                continue
            if FixedArray.from_float(np.asarray(weights, np.float64)).type.width > _MOST_STATED_BITS:
                raise UnsupportedError(
                    f"operator {node.name!r} ({node.kind}): its weights are plain floats, and no quantizer is in the "
                    f"file; choose types from your events: qtrigger quantize {file} --events FILE --out NEW.keras"
                )


FORMAT = OnnxFormat()
