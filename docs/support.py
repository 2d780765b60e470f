"""Makes the tables of docs/reference/support.md by running every cell: `python docs/support.py [COLUMN]...`.

A row is the smallest network of one layer, a column a witness. A cell is a tick only where the witness computed the
same integers as the emulator for ``EVENTS`` events; else it says why not, in the words of the refusal. The networks of
a column are one design, so that a compiler runs once for all of them, and what is found is kept in ``CACHE`` until
the networks or the sources change: an interrupted run goes on where it was.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

import hls
from hls.emulation import Emulator
from hls.errors import ToolError, UnsupportedError
from hls.graph import FixedGraph, GraphBuilder
from hls.graph.raw import RawArray
from hls.hls4ml_project import CSimulation, available, write_project
from hls.target import BACKENDS, IO_TYPES, Target

EVENTS, SEED = 200, 1
CLOCK_NS = 5.0
PART = "xcvu13p-flga2577-2-e"
PAGE = Path(__file__).parent / "reference" / "support.md"
CACHE = Path(__file__).parents[1] / "build" / "support.json"
START, END = "<!-- cells -->\n", "<!-- /cells -->"
INPUT = "ap_fixed<7,3>"
TICK, NOT_RUN = "✓", "not run"

Network = Callable[[Any, Any], Any]
"""What makes the outputs of a network from the modules ``keras`` and ``qkeras``; it makes its inputs too."""


def _on(shape: tuple[int, ...], layer: Callable[[Any, Any], Any]) -> Network:
    """The network of one layer that reads one quantized tensor of ``shape``."""

    def network(keras: Any, qkeras: Any) -> Any:
        x = keras.Input(shape)
        return x, layer(keras, qkeras)(qkeras.QActivation("quantized_bits(6, 2, alpha=1)")(x))

    return network


def _of_two(shapes: tuple[tuple[int, ...], tuple[int, ...]], join: Callable[[Any, Any, Any], Any]) -> Network:
    def network(keras: Any, _qkeras: Any) -> Any:
        inputs = [keras.Input(shape) for shape in shapes]
        return inputs, join(keras, *inputs)

    return network


def _op(apply: Callable[[Any, Any], Any]) -> Network:
    def network(keras: Any, _qkeras: Any) -> Any:
        x = keras.Input((4, 2))
        return x, apply(keras.ops, x)

    return network


BITS = "quantized_bits(5, 0, alpha=1)"
KERNEL = {"kernel_quantizer": BITS, "bias_quantizer": BITS}
DEPTHWISE = {"depthwise_quantizer": BITS, "bias_quantizer": BITS}
SEPARABLE = {**DEPTHWISE, "pointwise_quantizer": BITS}
LINE, IMAGE = (8, 3), (5, 6, 2)


def _sum_pooling(keras: Any, _qkeras: Any) -> Any:
    from qmodels.layers import GlobalSumPooling1D

    x = keras.Input(LINE)
    return x, GlobalSumPooling1D()(x)


def _pair_products(keras: Any, _qkeras: Any) -> Any:
    from qmodels.product_layers import PairProducts

    x = keras.Input((4,))
    return x, PairProducts([[0, 1], [2, 3], [0, 3]])(x)


ROWS: dict[str, Network] = {
    "QDense": _on((4,), lambda k, q: q.QDense(3, **KERNEL)),
    "QDense, at every position": _on(LINE, lambda k, q: q.QDense(3, **KERNEL)),
    "QConv1D": _on(LINE, lambda k, q: q.QConv1D(2, 3, **KERNEL)),
    "QConv1D, strides": _on(LINE, lambda k, q: q.QConv1D(2, 3, strides=2, padding="same", **KERNEL)),
    "QConv1D, dilation": _on(LINE, lambda k, q: q.QConv1D(2, 3, dilation_rate=2, **KERNEL)),
    "QConv2D": _on(IMAGE, lambda k, q: q.QConv2D(2, 3, **KERNEL)),
    "QConv2D, strides": _on(IMAGE, lambda k, q: q.QConv2D(2, (1, 3), strides=(2, 1), padding="same", **KERNEL)),
    "QConv2D, groups": _on(IMAGE, lambda k, q: q.QConv2D(4, 2, groups=2, **KERNEL)),
    "QSeparableConv1D": _on(LINE, lambda k, q: q.QSeparableConv1D(2, 3, **SEPARABLE)),
    "QSeparableConv2D": _on(IMAGE, lambda k, q: q.QSeparableConv2D(2, 2, **SEPARABLE)),
    "QDepthwiseConv2D": _on(IMAGE, lambda k, q: q.QDepthwiseConv2D(2, **DEPTHWISE)),
    "QDepthwiseConv2D, strides": _on(IMAGE, lambda k, q: q.QDepthwiseConv2D(3, strides=2, padding="same", **DEPTHWISE)),
    "BatchNormalization": _on((4,), lambda k, q: k.layers.BatchNormalization()),
    "QBatchNormalization": _on(LINE, lambda k, q: q.QBatchNormalization()),
    "QDenseBatchnorm": _on((4,), lambda k, q: q.QDenseBatchnorm(3, **KERNEL)),
    "QConv2DBatchnorm": _on(IMAGE, lambda k, q: q.QConv2DBatchnorm(2, 2, **KERNEL)),
    "QDepthwiseConv2DBatchnorm": _on(IMAGE, lambda k, q: q.QDepthwiseConv2DBatchnorm(2, **DEPTHWISE)),
    "QActivation": _on(LINE, lambda k, q: q.QActivation("quantized_relu(4, 1)")),
    "QActivation, by a table": _on((4,), lambda k, q: q.QActivation("quantized_tanh(5, use_real_tanh=True)")),
    "Activation": _on(LINE, lambda k, q: k.layers.Activation("relu")),
    "ReLU": _on(LINE, lambda k, q: k.layers.ReLU(max_value=1.5)),
    "ReLU, threshold": _on(LINE, lambda k, q: k.layers.ReLU(threshold=0.5)),
    "Softmax": _on((4,), lambda k, q: k.layers.Softmax()),
    "LeakyReLU": _on(LINE, lambda k, q: k.layers.LeakyReLU(negative_slope=0.25)),
    "Flatten": _on(LINE, lambda k, q: k.layers.Flatten()),
    "Reshape": _on(LINE, lambda k, q: k.layers.Reshape((4, 6))),
    "Permute": _on(LINE, lambda k, q: k.layers.Permute((2, 1))),
    "Permute, three axes": _on(IMAGE, lambda k, q: k.layers.Permute((3, 1, 2))),
    "Concatenate": _of_two(((4,), (3,)), lambda k, a, b: k.layers.Concatenate()([a, b])),
    "Concatenate, along positions": _of_two(((4, 2), (3, 2)), lambda k, a, b: k.layers.Concatenate(axis=1)([a, b])),
    "Add": _of_two((LINE, LINE), lambda k, a, b: k.layers.Add()([a, b])),
    "Add, broadcast": _of_two((LINE, (1, 3)), lambda k, a, b: k.layers.Add()([a, b])),
    "Subtract": _of_two((LINE, LINE), lambda k, a, b: k.layers.Subtract()([a, b])),
    "Multiply": _of_two((LINE, LINE), lambda k, a, b: k.layers.Multiply()([a, b])),
    "MaxPooling1D": _on(LINE, lambda k, q: k.layers.MaxPooling1D(2)),
    "MaxPooling1D, strides not its window": _on(LINE, lambda k, q: k.layers.MaxPooling1D(3, strides=2)),
    "MaxPooling1D, padded": _on((7, 3), lambda k, q: k.layers.MaxPooling1D(2, padding="same")),
    "MaxPooling2D": _on(IMAGE, lambda k, q: k.layers.MaxPooling2D(2)),
    "MaxPooling2D, strides not its window": _on(IMAGE, lambda k, q: k.layers.MaxPooling2D(3, strides=2)),
    "MaxPooling2D, padded": _on(IMAGE, lambda k, q: k.layers.MaxPooling2D(2, padding="same")),
    "AveragePooling1D": _on(LINE, lambda k, q: k.layers.AveragePooling1D(2)),
    "AveragePooling2D": _on(IMAGE, lambda k, q: k.layers.AveragePooling2D(2, strides=1)),
    "QAveragePooling2D": _on(IMAGE, lambda k, q: q.QAveragePooling2D(2, activation="quantized_bits(6, 2, alpha=1)")),
    "GlobalMaxPooling1D": _on(LINE, lambda k, q: k.layers.GlobalMaxPooling1D()),
    "GlobalMaxPooling2D": _on(IMAGE, lambda k, q: k.layers.GlobalMaxPooling2D()),
    "GlobalAveragePooling1D": _on(LINE, lambda k, q: k.layers.GlobalAveragePooling1D()),
    "GlobalAveragePooling2D": _on((2, 4, 3), lambda k, q: k.layers.GlobalAveragePooling2D()),
    "QGlobalAveragePooling2D": _on(
        (2, 4, 3), lambda k, q: q.QGlobalAveragePooling2D(activation="quantized_bits(6, 2, alpha=1)")
    ),
    "GlobalSumPooling1D": _sum_pooling,
    "PairProducts": _pair_products,
    "Dropout": _on(LINE, lambda k, q: k.layers.Dropout(0.5)),
    "ops.Add": _op(lambda ops, x: x + 1.5),
    "ops.Subtract": _op(lambda ops, x: 1.0 - x),
    "ops.Multiply": _op(lambda ops, x: x * 0.75),
    "ops.Divide": _op(lambda ops, x: ops.divide(x, 4.0)),
    "ops.Negative": _op(lambda ops, x: -x),
    "ops.Relu": _op(lambda ops, x: ops.relu(x)),
    "ops.Relu6": _op(lambda ops, x: ops.relu6(x)),
    "ops.LeakyRelu": _op(lambda ops, x: ops.leaky_relu(x, 0.25)),
    "ops.Clip": _op(lambda ops, x: ops.clip(x, -1.0, 1.5)),
    "ops.Concatenate": _op(lambda ops, x: ops.concatenate([x, -x], axis=-1)),
    "ops.Reshape": _op(lambda ops, x: ops.reshape(x, (-1, 2, 4))),
    "ops.Transpose": _op(lambda ops, x: ops.transpose(x, (0, 2, 1))),
    "ops.Sum": _op(lambda ops, x: ops.sum(x, axis=1)),
    "ops.Mean": _op(lambda ops, x: ops.mean(x, axis=1)),
    "ops.Max": _op(lambda ops, x: ops.max(x, axis=1)),
}
SAME = {
    "Dense": "QDense",
    "Conv1D": "QConv1D",
    "Conv2D": "QConv2D",
    "DepthwiseConv2D": "QDepthwiseConv2D",
    "BatchNormalizationV1": "BatchNormalization",
    "ThresholdedReLU": "ReLU",
    "ops.TrueDivide": "ops.Divide",
    **dict.fromkeys(
        (
            "ActivityRegularization",
            "AlphaDropout",
            "GaussianDropout",
            "GaussianNoise",
            "SpatialDropout1D",
            "SpatialDropout2D",
        ),
        "Dropout",
    ),
}
"""Classes read by the same code as another, and whose row that is."""
HGQ = ("FixedPointQuantizer", "HDense", "HQuantize")
"""Classes of files that HGQ writes, which Keras cannot make without it; tests/hls/importing knows its definitions."""


NO_ROW_YET = (
    "Average", "Conv1DTranspose", "Conv2DTranspose", "NodeEdgeProjection", "QConv2DTranspose",
    "Cropping1D", "Cropping2D", "ELU", "Maximum", "Minimum", "PReLU", "RepeatVector", "UpSampling1D",
    "UpSampling2D", "ZeroPadding1D", "ZeroPadding2D", "ops.ExpandDims", "ops.GetItem",
    "ops.Squeeze", "ops.Maximum", "ops.Minimum",
)  # fmt: skip
"""Classes that came in after the cells were made: they have no row yet. tests/hls/importing compares them by hand."""


def columns() -> list[str]:
    """QKeras, every backend with either interface, RTL and netlist."""
    hls4ml = [f"{backend} {io_type.removeprefix('io_')}" for backend in BACKENDS.names() for io_type in IO_TYPES]
    return ["QKeras", *hls4ml, "RTL", "netlist"]


def model(row: str) -> Any:
    """The Keras model of a row, with weights of either sign."""
    import keras
    import qkeras

    made = keras.Model(*ROWS[row](keras, qkeras))
    rng = np.random.default_rng(SEED)
    for layer in made.layers:
        for weight in layer.weights:
            if weight.dtype == "float32":
                values = rng.normal(scale=0.6, size=weight.shape)
                weight.assign(np.abs(values) + 0.1 if "variance" in weight.path else values)
    return made


def graph_of(row: str) -> FixedGraph:
    """The exact arithmetic of a row's network."""
    return hls.import_keras(model(row), INPUT)


def events(graph: FixedGraph) -> list[RawArray]:
    """Port integers: all lowest, all highest, then random ones."""
    rng = np.random.default_rng(SEED)
    arrays = []
    for name in graph.inputs:
        port = graph.port(name)
        raw = rng.integers(port.raw_min, port.raw_max + 1, (EVENTS, *port.shape))
        raw[0], raw[1] = port.raw_min, port.raw_max
        arrays.append(raw)
    return arrays


def joined(graphs: Mapping[str, FixedGraph]) -> FixedGraph:
    """All of them side by side, as one graph."""
    builder = GraphBuilder("cells")
    inputs: list[str] = []
    outputs: list[str] = []
    for row, graph in graphs.items():
        for node in graph:
            builder.add(replace(node, name=f"{row}/{node.name}", inputs=tuple(f"{row}/{x}" for x in node.inputs)))
        inputs += [f"{row}/{name}" for name in graph.inputs]
        outputs += [f"{row}/{name}" for name in graph.outputs]
    return builder.finish(inputs, outputs, [f"{number}" for number in range(len(outputs))])


Run = Callable[[FixedGraph, list[RawArray]], list[RawArray]]
"""What a witness computes of a graph; raises UnsupportedError or ToolError where it cannot."""


def compared(graphs: Mapping[str, FixedGraph], run: Run) -> dict[str, str]:
    """A tick, or what is wrong, for each of ``graphs``; the design that cannot be built is halved until it is found."""
    if not graphs:
        return {}
    whole = joined(graphs)
    raw = [array for graph in graphs.values() for array in events(graph)]
    try:
        found = iter(run(whole, raw))
    except (UnsupportedError, ToolError) as error:
        if len(graphs) == 1:
            return dict.fromkeys(graphs, _reason(str(error)))
        names = list(graphs)
        halves = names[: len(names) // 2], names[len(names) // 2 :]
        return {k: v for half in halves for k, v in compared({name: graphs[name] for name in half}, run).items()}
    cells = {}
    for row, graph in graphs.items():
        wanted = Emulator(graph).run(events(graph))
        equal = [np.array_equal(next(found), want) for want in wanted]
        cells[row] = TICK if all(equal) else "differs"
    return cells


def _reason(text: str) -> str:
    """A refusal without the names of one network and one backend."""
    text = re.sub(r" on hls4ml's \w+ backend with io_\w+", "", text)
    return re.sub(r"^(layer '[^']*'( \(\w+ '[^']*'\))?|\S+): ", "", text.splitlines()[0])


def csimulation(target: Target) -> Run:
    """hls4ml's C simulation; where no compiler is at hand, the writing of the project alone."""

    def run(graph: FixedGraph, raw: list[RawArray]) -> list[RawArray]:
        with tempfile.TemporaryDirectory(prefix="support-") as folder:
            project = write_project(graph, target, "cells", folder)
            missing = available(target)
            if missing is not None:
                raise UnsupportedError(f"written, {missing}")
            simulation = CSimulation()
            simulation.compile(project)
            return simulation.run(raw)

    return run


def rtl(graph: FixedGraph, raw: list[RawArray]) -> list[RawArray]:
    """Our Verilog under Verilator."""
    from hls.rtl import write_rtl
    from hls.rtl.simulation import Simulation, rtl_design

    with tempfile.TemporaryDirectory(prefix="support-") as folder:
        project = write_rtl(graph, "cells", Path(folder), CLOCK_NS)
        simulation = Simulation(rtl_design(project), Path(folder) / "cache")
        simulation.compile()
        return simulation.run(raw).outputs


def netlist(graph: FixedGraph, raw: list[RawArray]) -> list[RawArray]:
    """Yosys's netlist of it."""
    from hls.rtl import write_rtl
    from hls.rtl.netlist import NetlistSimulation, family_of, synthesise

    with tempfile.TemporaryDirectory(prefix="support-") as folder:
        project = write_rtl(graph, "cells", Path(folder), CLOCK_NS)
        made = synthesise(project, family_of(PART), Path(folder) / "cache", None)
        return list(NetlistSimulation(project, made).run(raw).outputs)


def refused_before(graphs: Mapping[str, FixedGraph], target: Target) -> dict[str, str]:
    """What a backend refuses as the project is lowered, or cannot write; each alone, so that each has its own words."""
    from hls.hls4ml_project.layers import lower

    cells = {}
    for row, graph in graphs.items():
        try:
            if available(target) is None:
                lower(graph, target)
            else:
                csimulation(target)(graph, [])
        except (UnsupportedError, ToolError) as error:
            cells[row] = _reason(str(error))
    return cells


def qkeras_cells(rows: Iterable[str], graphs: Mapping[str, FixedGraph]) -> dict[str, str]:
    """The network itself, run by Keras, against the emulator."""
    from hls.verification.witnesses.framework import port_values, to_raw

    cells = {}
    for row in rows:
        graph, raw = graphs[row], events(graphs[row])
        said = model(row)(port_values(graph, raw) if len(raw) > 1 else port_values(graph, raw)[0], training=False)
        edge = graph.edges[graph.outputs[0]]
        wrong = (to_raw(np.asarray(said), edge.fraction, edge.shape) != Emulator(graph).run(raw)[0]).reshape(EVENTS, -1)
        rounded = "QKeras rounds in float32 here" if graph.float32_inexact() else "differs"
        cells[row] = rounded if wrong.any() else TICK
    return cells


def cells(column: str, graphs: Mapping[str, FixedGraph]) -> dict[str, str]:
    """The cells of one column, by row."""
    if column == "QKeras":
        return qkeras_cells(graphs, graphs)
    if column in ("RTL", "netlist"):
        return compared(graphs, rtl if column == "RTL" else netlist)
    backend, io_type = column.split()
    target = Target(PART, backend, CLOCK_NS, f"io_{io_type}")
    found = refused_before(graphs, target)
    return found | compared({row: graph for row, graph in graphs.items() if row not in found}, csimulation(target))


def fingerprint(graphs: Mapping[str, FixedGraph]) -> str:
    """Of the networks and of the sources that decide a cell."""
    hashed = hashlib.sha256(Path(__file__).read_bytes())
    for path in sorted(Path(hls.__file__).parent.rglob("*.py")):
        hashed.update(path.read_bytes())
    for graph in graphs.values():
        hashed.update(graph.digest().encode())
    return hashed.hexdigest()


def tables(found: Mapping[str, Mapping[str, str]]) -> str:
    """The page's part: a table, and what its numbers stand for."""
    names, notes = columns(), list[str]()
    lines = [f"| layer | {' | '.join(names)} |\n", f"|---|{'---|' * len(names)}\n"]
    for row in ROWS:
        texts = [found.get(name, {}).get(row, NOT_RUN) for name in names]
        for text in texts:
            if text != TICK and text not in notes:
                notes.append(text)
        shown = [text if text == TICK else f"{notes.index(text) + 1}" for text in texts]
        lines.append(f"| {row} | {' | '.join(shown)} |\n")
    lines.append("\n")
    lines += [f"{number}. {note}\n" for number, note in enumerate(notes, start=1)]
    return "".join(lines)


def main(wanted: list[str]) -> None:
    """Make what is not kept, column by column, and write the page, where cells that no run has made yet say so."""
    graphs, refused = {}, {}
    for row in ROWS:
        try:
            graphs[row] = graph_of(row)
        except UnsupportedError as error:
            refused[row] = _reason(str(error))
    key = fingerprint(graphs)
    kept = json.loads(CACHE.read_text(encoding="utf-8")) if CACHE.is_file() else {}
    found: dict[str, dict[str, str]] = kept.get(key, {})
    for column in wanted or columns():
        if column not in found:
            found[column] = refused | cells(column, graphs)
            CACHE.parent.mkdir(exist_ok=True)
            CACHE.write_text(json.dumps({key: found}), encoding="utf-8")
    text = PAGE.read_text(encoding="utf-8")
    before, after = text.partition(START)[0], text.partition(END)[2]
    PAGE.write_text(before + START + tables(found) + END + after, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
