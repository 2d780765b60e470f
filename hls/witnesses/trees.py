"""Libraries of boosted trees as witnesses, each in an environment of its own: they are large, and few need them."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from hls.importing.trees import lightgbm_format, xgboost_format
from hls.importing.trees.ensemble import Ensemble, leaf_fraction, rounded_to
from hls.machine.environments import LIGHTGBM, XGBOOST, Environment
from hls.machine.progress import Progress
from hls.witnesses.base import Limits, Skipped, Task, WitnessRun
from hls.witnesses.framework import port_values, run_worker
from hls.witnesses.indices import as_stated, of_file

_WORKER = Path(__file__).with_name("trees_worker.py")
_FLOAT32_BITS = 24


@dataclass(frozen=True)
class Library:
    """A library: where it lives, whether a file is its own, and the trees of such a file.

    ``leaf`` is the node of a tree, given how many splits it has, that the library means by a number.
    """

    environment: Environment
    recognises: Callable[[Path], bool]
    ensemble: Callable[[Path], Ensemble]
    leaf: Callable[[npt.NDArray[np.int64], int], npt.NDArray[np.int64]]


def _of(recognises: Callable[[Path], bool]) -> Callable[[Path], bool]:
    """Whether a file that may not be there is of a format."""
    return lambda file: file.is_file() and recognises(file)


class TreeWitness:
    """Asks the library which leaf of each tree an event reaches, and adds up the leaves as they are rounded on chip."""

    library: ClassVar[Library]

    def __init__(self, task: Task) -> None:
        self._graph = task.graph
        self._file = task.model_file
        self._statements = task.statements

    def run(self, raw_inputs: Sequence[npt.NDArray[np.int64]], progress: Progress | None = None) -> WitnessRun:
        """Scores in units of their LSB.

        Raises:
            Skipped: not a file of the library, the library is not there, or features are wider than float32.
            ToolError: it failed.
        """
        environment = self.library.environment
        if not self.library.recognises(self._file):
            raise Skipped(f"not a file of {environment.title}")
        if environment.missing is not None:
            raise Skipped(environment.missing)
        port = self._graph.port(self._graph.inputs[0])
        if port.type.width > _FLOAT32_BITS:
            raise Skipped(f"features of {port.type.width} bits, and {environment.title} is fed float32, which holds 24")
        with tempfile.TemporaryDirectory(prefix="qtrigger-xgboost-") as name:
            folder = Path(name)
            job = {"library": environment.name, "model": str(self._file.resolve())}
            np.save(folder / "input0.npy", port_values(self._graph, raw_inputs)[0])
            (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
            command = [str(environment.python), "-I", "-W", "ignore", str(_WORKER)]
            run_worker(command, folder, progress, environment.title)
            reached = np.load(folder / "leaves.npy")
            answer = json.loads((folder / "answer.json").read_text(encoding="utf-8"))
        scores = as_stated([self._scores(reached)], self._statements)
        return WitnessRun(scores, float(answer["seconds"]), str(answer["version"]))

    def trace(self, raw_inputs: Sequence[npt.NDArray[np.int64]]) -> dict[str, npt.NDArray[Any]]:
        """Nothing: a tree is one step there."""
        return {}

    def _scores(self, reached: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        ensemble = self.library.ensemble(self._file)
        values = [np.where((tree.left < 0)[:, None], tree.value, 0.0) for tree in ensemble.trees]
        fraction = leaf_fraction(np.concatenate(values), ensemble.base)
        scores = np.tile(rounded_to(ensemble.base, fraction), (len(reached), 1))
        for number, tree in enumerate(ensemble.trees):
            leaves = self.library.leaf(reached[:, number], tree.leaves - 1)
            scores += rounded_to(values[number], fraction)[leaves]
        graph = of_file(self._graph, self._file, self._statements)
        edge = graph.edges[graph.outputs[0]]
        return np.asarray(scores << (edge.fraction - fraction))


class XgboostWitness(TreeWitness):
    """XGBoost, which numbers the nodes of a tree as its file does."""

    library: ClassVar[Library] = Library(
        XGBOOST, xgboost_format.FORMAT.recognises, xgboost_format.FORMAT.ensemble, lambda leaf, splits: leaf
    )
    limits: ClassVar[Limits] = Limits(place=0, speaks_for=_of(xgboost_format.FORMAT.recognises))


class LightgbmWitness(TreeWitness):
    """LightGBM, which counts leaves apart from splits."""

    library: ClassVar[Library] = Library(
        LIGHTGBM, lightgbm_format.FORMAT.recognises, lightgbm_format.FORMAT.ensemble, lambda leaf, splits: leaf + splits
    )
    limits: ClassVar[Limits] = Limits(place=0, speaks_for=_of(lightgbm_format.FORMAT.recognises))
