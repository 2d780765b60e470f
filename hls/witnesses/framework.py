"""Frameworks that train networks as witnesses: the model file, loaded and run by the library that wrote it.

TensorFlow lives in a process of its own: its seconds of import, its logs and its memory stay out of the build. The
file has passed our own reader by then, which refuses Lambda layers and pickled functions.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from hls.errors import ToolError
from hls.graph import FixedGraph
from hls.importing.heads import ARGMAX, TABLE, Head, stated_heads
from hls.importing.model_file import container, read_model, written_by_keras2
from hls.machine.programs import started
from hls.machine.progress import Progress
from hls.witnesses.base import OFF_GRID, Skipped, Task, WitnessRun
from hls.witnesses.indices import as_stated

QUIET = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "KERAS_BACKEND": "tensorflow",
    "CUDA_VISIBLE_DEVICES": "-1",
    "TQDM_DISABLE": "1",
}
"""The environment of a process in which TensorFlow lives."""
ISOLATED = ("-I", "-W", "ignore")
"""Options of an interpreter of another environment: nothing of ours is found from within."""
_WORKER = Path(__file__).with_name("framework_worker.py")
CANNOT_LOAD = 3
"""Exit code of the worker for a file that this version of the framework does not load."""


@dataclass(frozen=True)
class Framework:
    """One library and where it lives.

    ``module`` is what importing it takes, ``title`` what people call it. ``interpreter`` is the beginning of a command:
    a Python that has it, for a given model file; raises Skipped if there is none, or the file is another library's.
    """

    module: str
    title: str
    interpreter: Callable[[Path], Sequence[str]]


class FrameworkWitness:
    """Runs the model file under the framework that wrote it."""

    framework: ClassVar[Framework]

    def __init__(self, task: Task) -> None:
        self._graph = task.graph
        self._model_file = task.model_file
        self._statements = task.statements

    def run(self, raw_inputs: Sequence[npt.NDArray[np.int64]], progress: Progress | None = None) -> WitnessRun:
        """Outputs of the model for the port values, as integers; ``OFF_GRID`` where a value is no multiple of the LSB.

        Raises:
            Skipped: the file is not Keras's, the framework is not installed, or does not load this file.
            ToolError: it failed while computing.
        """
        with tempfile.TemporaryDirectory(prefix="qtrigger-witness-") as name:
            folder = Path(name)
            answer = self._ask(folder, raw_inputs, [], progress)
            given = [np.load(folder / f"output{index}.npy") for index in range(len(self._graph.outputs))]
        return run_of(self._graph, as_stated(given, self._statements), answer)

    def trace(self, raw_inputs: Sequence[npt.NDArray[np.int64]]) -> dict[str, npt.NDArray[Any]]:
        """The node behind every Keras layer's output. Layers whose output has another shape are left out."""
        layers = self._graph.layers
        with tempfile.TemporaryDirectory(prefix="qtrigger-witness-") as name:
            folder = Path(name)
            answer = self._ask(folder, raw_inputs, list(layers), None)
            traced = {layer: np.load(folder / file) for layer, file in answer["layers"].items()}
        result: dict[str, npt.NDArray[Any]] = {}
        for layer, values in traced.items():
            edge = self._graph.edges[layers[layer]]
            if values.shape[1:] == edge.shape:
                result[layers[layer]] = to_raw(values, edge.fraction, edge.shape)
        return result

    def _ask(
        self,
        folder: Path,
        raw_inputs: Sequence[npt.NDArray[np.int64]],
        layers: list[str],
        progress: Progress | None,
    ) -> dict[str, Any]:
        if container(self._model_file) is None:
            raise Skipped(f"{self._model_file.name} is no Keras file")
        interpreter = self.framework.interpreter(self._model_file)
        for index, values in enumerate(port_values(self._graph, raw_inputs)):
            np.save(folder / f"input{index}.npy", values)
        heads = self._heads()
        job = {
            "framework": self.framework.module,
            "model": str(named_by_content(self._model_file, folder)),
            "of_keras2": written_by_keras2(self._model_file),
            "inputs": len(raw_inputs),
            "layers": layers,
            "internal_sigmoid": self._statements.internal_sigmoid,
            "dropped": sorted({head.layer for head in heads}),
            "argmax": [head.port for head in heads if head.mode == ARGMAX],
            "tables": {head.port: self._score_fraction(head.port) for head in heads if head.mode == TABLE},
        }
        (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
        run_worker([*interpreter, str(_WORKER)], folder, progress, self.framework.title)
        answer: dict[str, Any] = json.loads((folder / "answer.json").read_text(encoding="utf-8"))
        return answer

    def _score_fraction(self, port: int) -> int:
        """Fraction bits of what a softmax by tables reads."""
        return self._graph.edges[self._graph.softmaxes[self._graph.outputs[port]]].fraction

    def _heads(self) -> tuple[Head, ...]:
        """The last functions that the graph leaves out, which the framework is to leave out too."""
        softmax, sigmoid = self._statements.last_softmax, self._statements.last_sigmoid
        stated = softmax is not None or sigmoid is not None
        return stated_heads(read_model(self._model_file), softmax, sigmoid) if stated else ()


_SUFFIXES = {"zip": ".keras", "hdf5": ".h5"}


def named_by_content(file: Path, folder: Path) -> Path:
    """``file``, or a link to it in ``folder``: Keras goes by the end of a name, which may be another format's."""
    suffix = _SUFFIXES.get(container(file) or "", file.suffix)
    if suffix == file.suffix:
        return file
    named = folder / f"model{suffix}"
    named.symlink_to(file.resolve())
    return named


def port_values(graph: FixedGraph, raw_inputs: Sequence[npt.NDArray[np.int64]]) -> list[npt.NDArray[np.float32]]:
    """What Keras is fed: the value of each port integer, float32."""
    fractions = [graph.edges[name].fraction for name in graph.inputs]
    return [
        np.ldexp(raw.astype(np.float64), -f).astype(np.float32) for raw, f in zip(raw_inputs, fractions, strict=True)
    ]


def to_raw(values: npt.NDArray[np.float32], fraction: int, shape: tuple[int, ...]) -> npt.NDArray[np.int64]:
    """Integers in units of ``2**-fraction``; ``OFF_GRID`` for a value between two of them, NaN, or beyond int64."""
    scaled = np.ldexp(values.astype(np.float64), fraction).reshape(len(values), *shape)
    good = (np.rint(scaled) == scaled) & (np.abs(scaled) < 2.0**62)
    return np.where(good, np.where(good, scaled, 0.0).astype(np.int64), OFF_GRID)


def run_of(graph: FixedGraph, outputs: Sequence[npt.NDArray[np.float32]], answer: Mapping[str, Any]) -> WitnessRun:
    """Outputs of a worker, as they are and as integers in units of their LSB, with what its ``answer`` tells of it."""
    edges = [graph.edges[output] for output in graph.outputs]
    raw = [to_raw(y, edge.fraction, edge.shape) for y, edge in zip(outputs, edges, strict=True)]
    return WitnessRun(raw, float(answer["seconds"]), str(answer["version"]), values=tuple(outputs))


def run_worker(command: Sequence[str], folder: Path, progress: Progress | None, title: str = "QKeras") -> None:
    """Run a Python program that uses TensorFlow on ``folder``, in a process of its own.

    Raises:
        Skipped: it says that the framework, called ``title``, does not load the file.
        ToolError: it failed.
    """
    log = folder / "log.txt"
    try:
        with log.open("wb") as errors, started([*command, str(folder)], stderr=errors, environment=QUIET) as worker:
            for line in worker.stdout or ():
                done, _, total = line.partition(b"/")
                if progress is not None and done.isdigit() and total.strip().isdigit():
                    progress(int(done), int(total))
    except OSError as error:
        raise ToolError(f"{title}: {command[0]} does not start: {error.strerror}") from error
    if worker.returncode == 0:
        return
    last = last_line(log)
    if worker.returncode == CANNOT_LOAD:
        raise Skipped(f"{title} does not load this file: {last}")
    raise ToolError(f"{title} failed on the model (exit {worker.returncode}): {last}")


def last_line(log: Path) -> str:
    """What a program that failed said last."""
    lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if re.search(r"\w", line)]
    return lines[-1].strip()[:300] if lines else "it said nothing"
