"""One network: imported, emulated, computed by the definitions; every bit of every output compared."""

from __future__ import annotations

import re
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.random_networks.compute import compute
from benchmarks.random_networks.draw import draw
from benchmarks.random_networks.draw_events import events
from benchmarks.random_networks.exact import Exact
from benchmarks.random_networks.network import Network
from benchmarks.random_networks.quantizer_definitions import Undecided
from hls.emulation import Emulator, quantize_inputs
from hls.errors import FirmwareError
from hls.graph import FixedGraph
from hls.importing import import_keras

RIGHT, REFUSED, UNDECIDED, WRONG, TRACEBACK = "right", "refused", "undecided", "WRONG", "TRACEBACK"
DEFINITIONS = "definitions"


@dataclass(frozen=True)
class Outcome:
    """What came of the network of one seed ``against`` something; ``detail`` says the reason, or the first error."""

    seed: int
    against: str
    result: str
    values: int = 0
    detail: str = ""


@dataclass(frozen=True, eq=False)
class Compared:
    """A network whose emulation is right: its graph, events, port integers, and outputs."""

    network: Network
    graph: FixedGraph
    events: list[npt.NDArray[np.float32]]
    raw_inputs: list[npt.NDArray[np.int64]]
    raw_outputs: list[npt.NDArray[Any]]


def compare(seed: int, folder: Path) -> tuple[Outcome, Compared | None]:
    """Draw the network of ``seed``, import it by a file in ``folder``, emulate and compute it. Faults are outcomes."""
    network = draw(seed)
    arrays = events(network, seed)
    try:
        graph = imported(network, folder)
        raw_inputs = quantize_inputs(graph, arrays)
        raw_outputs = Emulator(graph, threads=1).run(raw_inputs)
    except FirmwareError as error:
        if error.__cause__ is not None:  # all files are sound here: an exception of ours, told as the user's fault
            return Outcome(seed, DEFINITIONS, TRACEBACK, detail=str(error)), None
        return Outcome(seed, DEFINITIONS, REFUSED, detail=reason(str(error))), None
    except Exception:  # noqa: BLE001 - what is looked for here is any exception that is not told as the user's fault
        return Outcome(seed, DEFINITIONS, TRACEBACK, detail=traceback.format_exc()[-1500:]), None
    try:
        wanted = compute(network, arrays)
    except Undecided as error:
        return Outcome(seed, DEFINITIONS, UNDECIDED, detail=str(error)), None
    difference = first_difference(graph, raw_outputs, wanted)
    values = sum(raw.size for raw in raw_outputs)
    if difference is not None:
        return Outcome(seed, DEFINITIONS, WRONG, values, difference), None
    return Outcome(seed, DEFINITIONS, RIGHT, values), Compared(network, graph, arrays, raw_inputs, raw_outputs)


def imported(network: Network, folder: Path) -> FixedGraph:
    """The graph that a user would get, by way of a file, which is taken away again."""
    path = network.write(folder)
    try:
        return import_keras(path, network.input_type)
    finally:
        path.unlink()


def first_difference(graph: FixedGraph, outputs: Sequence[npt.NDArray[Any]], wanted: Sequence[Exact]) -> str | None:
    """In words, or None where every value is the same and inside of what the graph says of its outputs."""
    for name, got, want in zip(graph.outputs, outputs, wanted, strict=True):
        edge = graph.edges[name]
        if got.min() < edge.raw_min or got.max() > edge.raw_max:
            return f"output {name}: beyond its interval [{edge.raw_min}, {edge.raw_max}]"
        # raw / 2**fraction against numerator / denominator, without a division
        ours = got.astype(object) * (want.denominator << max(-edge.fraction, 0))
        wrong = np.argwhere(ours != want.numerators.reshape(got.shape) * (1 << max(edge.fraction, 0)))
        if len(wrong):
            place = tuple(int(index) for index in wrong[0])
            found, right = (
                float(Fraction(int(got[place])) / Fraction(2) ** edge.fraction),
                want.reshape(*got.shape)[place],
            )
            return f"output {name}{list(place)}: {found}, by the definition {right.numerators / right.denominator}"
    return None


def reason(message: str) -> str:
    """The message without what is particular to one network."""
    return re.sub(r"layer '[^']*'( \(\w+\))?:? ?|(?<![\w.])-?\d[\w.]*", "", message)[:110]
