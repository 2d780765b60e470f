"""A refusal with the cure that it names: a network that is refused, and the same one after the cure was applied."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hls.graph import FixedGraph
from hls.importing import Statements, import_model
from hls.importing.importer import build_graph
from hls.importing.spec import ModelSpec
from tests.hls.importing.files import Weights, activation, layer, port, tensor, write
from tests.hls.importing.onnx_files import File

Read = Callable[[Path], FixedGraph]
Entries = list[dict[str, Any]]
Floats = npt.NDArray[np.float64]
Function = Callable[[Floats], Any]

X = tensor("q")
Q8 = "quantized_bits(8,3,alpha=1)"
W4 = "quantized_bits(4,0,alpha=1)"
ANOTHER = "another network"
NOTHING, TYPE = Statements(), Statements("ap_fixed<8,4>")
FLOATS = [np.full((3, 2), 0.1, np.float32)]
"""Numbers that nobody quantized: float32 has 24 bits of a tenth."""


@dataclass(frozen=True, eq=False)
class Case:
    """``told``: parts of the refusal, what is to blame and what cures it. ``same``: what the refused network computes,
    by its definition, where the refusal says of its cure that it computes the same."""

    name: str
    told: Sequence[str]
    refused: Read
    cured: Read
    same: Function | None = None


def keras(
    refused: Entries,
    told: str | Sequence[str],
    cured: Entries,
    *,
    shape: tuple[int, ...] = (3,),
    weights: Weights | None = None,
    cured_weights: Weights | None = None,
    statements: Statements = NOTHING,
    cured_statements: Statements | None = None,
    first: str = Q8,
    same: Function | None = None,
) -> Case:
    """Layers behind a port "x" and a quantizer "q", the last of which is the output."""
    parts = (told,) if isinstance(told, str) else told
    before = [port("x", *shape), activation("q", first, "x")]
    held = {"o": FLOATS} if weights is None else weights
    return Case(
        f"{refused[-1]['class_name']} {parts[0]}",
        parts,
        of_file(before + refused, held, statements),
        of_file(before + cured, held if cured_weights is None else cured_weights, cured_statements or statements),
        same,
    )


def of_file(entries: Entries, weights: Weights | None = None, statements: Statements = NOTHING) -> Read:
    """A ``.keras`` file of these layers, the last of which is the output."""
    last = entries[-1]["config"]["name"]
    return lambda folder: import_model(write(folder / "m.keras", entries, last, weights), statements)


def of_spec(model: ModelSpec, input_type: str | None = "ap_fixed<8,4>") -> Read:
    """A model as its file is read."""
    return lambda folder: build_graph(model, input_type)


def onnx(
    refused: File, told: str, cured: File, statements: Statements = TYPE, cured_statements: Statements | None = None
) -> Case:
    """Two files in ONNX."""
    name = f"{refused.steps[-1].kind} {told}"
    return Case(name, (told,), _onnx(refused, statements), _onnx(cured, cured_statements or statements))


def _onnx(file: File, statements: Statements) -> Read:
    return lambda folder: import_model(file.write(folder / "m.onnx"), statements)


def dense(name: str, x: str, **options: Any) -> dict[str, Any]:
    """A QDense of two units."""
    config = {"units": 2, "kernel_quantizer": W4, "use_bias": False, **options}
    return layer("QDense", name, tensor(x), **config)
