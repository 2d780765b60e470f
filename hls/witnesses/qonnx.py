"""QONNX's own execution as a witness: of the user's file if it is one, else of the graph as a QONNX file.

Trees are none of QONNX's: onnxruntime alone walks them, with leaves as they are rounded on chip.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from hls.errors import FirmwareError, UnsupportedError
from hls.importing.heads import TABLE
from hls.importing.onnx.export import export_qonnx
from hls.importing.onnx.model import Node, read_onnx
from hls.importing.onnx.onnx_format import FORMAT
from hls.importing.onnx.trees import holds_trees
from hls.machine.extras import missing
from hls.machine.progress import Progress
from hls.witnesses.base import Limits, Skipped, Task, WitnessRun
from hls.witnesses.framework import port_values, run_of, run_worker, to_raw
from hls.witnesses.indices import as_stated, of_file
from hls.witnesses.qkeras import IGNORING_WARNINGS

_SCALED = ("Quant", "IntQuant", "BipolarQuant", "Trunc", "QuantizeLinear", "DequantizeLinear")
_ROUNDING = (
    "AveragePool",
    "BatchNormalization",
    "Div",
    "Elu",
    "Exp",
    "Gelu",
    "GlobalAveragePool",
    "LeakyRelu",
    "MultiThreshold",
    "ReduceMean",
    "Selu",
    "Sigmoid",
    "Softplus",
    "Softsign",
    "Tanh",
)
_POWER = 0.5
"""The mantissa of powers of two."""
_WORKER = Path(__file__).with_name("qonnx_worker.py")


def _is_onnx(model_file: Path) -> bool:
    return model_file.is_file() and FORMAT.recognises(model_file)


def _is_exact(model_file: Path) -> bool:
    """Whether float32 follows the graph to the bit in every event: nothing is divided by what is no power of two."""
    if not _is_onnx(model_file):
        return False
    try:
        model = read_onnx(model_file)
    except FirmwareError:
        return False
    return all(_keeps(node, model.constants) for node in model.nodes)


def _keeps(node: Node, constants: Mapping[str, npt.NDArray[Any]]) -> bool:
    if node.kind not in _SCALED:
        return node.kind not in _ROUNDING
    scale = constants.get(node.inputs[1]) if len(node.inputs) > 1 else None
    return scale is not None and bool((np.frexp(scale)[0] == _POWER).all())


class QonnxWitness:
    """Executes a QONNX file operator by operator, with onnxruntime and QONNX's own definitions."""

    limits: ClassVar[Limits] = Limits(max_events=10_000, place=0, speaks_for=_is_exact)

    def __init__(self, task: Task) -> None:
        self._graph = task.graph
        self._file = task.model_file
        self._statements = task.statements

    def run(self, raw_inputs: Sequence[npt.NDArray[np.int64]], progress: Progress | None = None) -> WitnessRun:
        """Outputs for the port values, as integers; ``OFF_GRID`` where a value is no multiple of the LSB.

        Raises:
            Skipped: qonnx is not installed, or QONNX cannot say this network.
            ToolError: it failed while computing.
        """
        with tempfile.TemporaryDirectory(prefix="qtrigger-qonnx-") as name:
            folder = Path(name)
            answer = self._ask(folder, self._model(folder), raw_inputs, [], progress)
            given = [np.load(folder / f"output{index}.npy") for index in range(len(self._graph.outputs))]
        outputs = as_stated(given, self._statements) if _is_onnx(self._file) else given
        return run_of(self._graph, outputs, answer)

    def trace(self, raw_inputs: Sequence[npt.NDArray[np.int64]]) -> dict[str, npt.NDArray[Any]]:
        """Every node, of a graph that was exported; of a user's own file nothing, whose tensors have other names."""
        if _is_onnx(self._file):
            return {}
        nodes = list(self._graph.nodes)
        with tempfile.TemporaryDirectory(prefix="qtrigger-qonnx-") as name:
            folder = Path(name)
            self._ask(folder, self._model(folder), raw_inputs, nodes, None)
            values = [np.load(folder / f"layer{index}.npy") for index in range(len(nodes))]
        edges = [self._graph.edges[node] for node in nodes]
        return {n: to_raw(y, e.fraction, e.shape) for n, y, e in zip(nodes, values, edges, strict=True)}

    def _model(self, folder: Path) -> Path:
        if _is_onnx(self._file):
            return self._file
        try:
            export_qonnx(self._graph, folder / "model.onnx")
        except UnsupportedError as error:
            raise Skipped(str(error)) from error
        return folder / "model.onnx"

    def _heads(self) -> dict[str, str]:
        """What is stated of a last function in the user's file, by its operator; an exported graph has none."""
        if not _is_onnx(self._file):
            return {}
        stated = {"Softmax": self._statements.last_softmax, "Sigmoid": self._statements.last_sigmoid}
        if TABLE in stated.values():
            raise Skipped("a softmax by tables is no operator of the file")
        return {kind: mode for kind, mode in stated.items() if mode is not None}

    def _ask(
        self,
        folder: Path,
        model: Path,
        raw_inputs: Sequence[npt.NDArray[np.int64]],
        traced: list[str],
        progress: Progress | None,
    ) -> dict[str, Any]:
        reason = missing("qonnx")
        if reason is not None:
            raise Skipped(reason)
        for index, values in enumerate(port_values(self._graph, raw_inputs)):
            np.save(folder / f"input{index}.npy", values)
        trees = model == self._file and holds_trees(read_onnx(model))
        graph = of_file(self._graph, self._file, self._statements) if trees else self._graph
        scores = graph.edges[graph.outputs[0]]
        job = {
            "model": str(model.resolve()), "inputs": len(raw_inputs), "traced": traced, "heads": self._heads(),
            "leaf_fraction": scores.fraction if trees else None, "scores": scores.shape[-1],
        }  # fmt: skip
        (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
        run_worker([*IGNORING_WARNINGS, "-P", str(_WORKER)], folder, progress, "qonnx")
        answer: dict[str, Any] = json.loads((folder / "answer.json").read_text(encoding="utf-8"))
        return answer
