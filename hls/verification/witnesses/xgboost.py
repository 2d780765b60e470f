"""XGBoost as a witness, in an environment of its own: it weighs half a gigabyte, and few need it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from hls.importing.trees.ensemble import leaf_fraction, rounded_to
from hls.importing.trees.xgboost_format import FORMAT
from hls.machine.environments import XGBOOST
from hls.machine.progress import Progress
from hls.verification.witnesses.base import Limits, Skipped, Task, WitnessRun
from hls.verification.witnesses.framework import port_values, run_worker

_WORKER = Path(__file__).with_name("xgboost_worker.py")
_FLOAT32_BITS = 24


def _is_xgboost(model_file: Path) -> bool:
    return model_file.is_file() and FORMAT.recognises(model_file)


class XgboostWitness:
    """Asks XGBoost which leaf of each tree an event reaches, and adds up the leaves as they are rounded on chip."""

    limits: ClassVar[Limits] = Limits(place=0, speaks_for=_is_xgboost)

    def __init__(self, task: Task) -> None:
        self._graph = task.graph
        self._file = task.model_file

    def run(self, raw_inputs: Sequence[npt.NDArray[np.int64]], progress: Progress | None = None) -> WitnessRun:
        """Scores in units of their LSB.

        Raises:
            Skipped: not an XGBoost file, XGBoost is not there, or features are wider than its float32.
            ToolError: it failed.
        """
        if not _is_xgboost(self._file):
            raise Skipped("not an XGBoost file")
        if XGBOOST.missing is not None:
            raise Skipped(XGBOOST.missing)
        port = self._graph.port(self._graph.inputs[0])
        if port.type.width > _FLOAT32_BITS:
            raise Skipped(f"features of {port.type.width} bits, and XGBoost compares float32, which holds 24")
        with tempfile.TemporaryDirectory(prefix="qtrigger-xgboost-") as name:
            folder = Path(name)
            np.save(folder / "input0.npy", port_values(self._graph, raw_inputs)[0])
            (folder / "job.json").write_text(json.dumps({"model": str(self._file.resolve())}), encoding="utf-8")
            command = [str(XGBOOST.python), "-I", "-W", "ignore", str(_WORKER)]
            run_worker(command, folder, progress, "XGBoost")
            reached = np.load(folder / "leaves.npy")
            answer = json.loads((folder / "answer.json").read_text(encoding="utf-8"))
        return WitnessRun([self._scores(reached)], float(answer["seconds"]), str(answer["version"]))

    def trace(self, raw_inputs: Sequence[npt.NDArray[np.int64]]) -> dict[str, npt.NDArray[Any]]:
        """Nothing: a tree is one step there."""
        return {}

    def _scores(self, reached: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        ensemble = FORMAT.ensemble(self._file)
        values = [np.where(tree.left < 0, tree.value, 0.0) for tree in ensemble.trees]
        fraction = leaf_fraction(np.concatenate(values), ensemble.base)
        scores = np.tile(rounded_to(ensemble.base, fraction), (len(reached), 1))
        for number, tree in enumerate(ensemble.trees):
            scores[:, tree.score] += rounded_to(values[number], fraction)[reached[:, number]]
        edge = self._graph.edges[self._graph.outputs[0]]
        return np.asarray(scores << (edge.fraction - fraction))
