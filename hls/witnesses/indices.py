"""What a project states of its outputs, of those that a framework gave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from hls.graph import FixedGraph
from hls.importing import Statements, import_model
from hls.importing.heads import ARGMAX

Number = TypeVar("Number", np.float32, np.int64)


def as_stated(outputs: Sequence[npt.NDArray[Number]], stated: Statements) -> list[npt.NDArray[Number]]:
    """Of each output of several values the index of the largest, the first of equal ones, in an axis of its own."""
    if stated.outputs != ARGMAX:
        return list(outputs)
    return [_index(scores) if scores.shape[-1] > 1 else scores for scores in outputs]


def _index(scores: npt.NDArray[Number]) -> npt.NDArray[Number]:
    return np.asarray(np.argmax(scores, axis=-1, keepdims=True), scores.dtype)


def of_file(graph: FixedGraph, model_file: Path, stated: Statements) -> FixedGraph:
    """``graph``, or with the outputs that the model file has, where others are stated."""
    return graph if stated.outputs is None else import_model(model_file, replace(stated, outputs=None))
