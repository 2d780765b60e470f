"""``qtrigger quantize``: from a plain network, of Keras or ONNX, and events to an ordinary QKeras file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hls.emulation import Emulator
from hls.errors import ProjectError, ToolError
from hls.figures.estimates import estimate_rtl
from hls.graph import FixedGraph
from hls.importing.formats import plain_model
from hls.importing.importer import build_graph, import_keras
from hls.machine.progress import StageProgress
from hls.project.quantizing.candidate import Draft, Widths, draft, quantized
from hls.project.quantizing.events import read_labels, read_ports
from hls.project.quantizing.fidelity import Goal, Judge, parse_goal
from hls.project.quantizing.normal_form import normal_form
from hls.project.quantizing.reference import float_reference, save_with_keras
from hls.project.quantizing.search import NARROWEST, WIDEST, Trial, uniform, within_goal, within_luts

DEFAULT_GOAL = "error<0.02"
_CLOCK_NS = 5.0
_TRACED = 20_000_000
"""Numbers of all layers, over the first events, whose values choose the types."""
_SEARCHED = range(20, 2_001)
"""Events on which widths are compared, fewer for a large network; the result is judged on all."""
_PRODUCTS = 200_000_000
"""Products of one comparison, about a second."""


@dataclass(frozen=True)
class Request:
    """What is wanted: ``bits`` everywhere, or the fewest within ``budget``, or the best within ``luts`` LUTs."""

    model: Path
    events: Path
    out: Path
    labels: Path | None = None
    bits: int | None = None
    budget: str | None = None
    luts: float | None = None


@dataclass(frozen=True)
class Row:
    """One quantizer of the result."""

    slot: str
    quantizer: str
    bits: int


@dataclass(frozen=True, eq=False)
class Quantized:
    """The file that was written, and what it is worth: metrics on all events, LUTs of our RTL by estimate."""

    out: Path
    rows: tuple[Row, ...]
    metrics: Mapping[str, float]
    events: int
    luts: float
    goal: str
    curve: tuple[Trial, ...]
    chosen: Trial
    notes: tuple[str, ...]


def quantize(request: Request, progress: StageProgress | None = None) -> Quantized:
    """Choose a type for every weight tensor, input and activation, and write the network as a QKeras file.

    Raises:
        FirmwareError: the model, events, labels or goal are not usable, or no width meets the goal.
    """
    _check(request)
    plain = normal_form(plain_model(request.model))
    inputs = read_ports(request.events, plain.model)
    labels = None if request.labels is None else read_labels(request.labels, len(inputs[0]))
    stage = None if progress is None else lambda done, total: progress("float", done, total)
    reference = float_reference(plain.model, inputs, traced=_TRACED, progress=stage)
    judge = Judge(reference.outputs, labels)
    search = _Search(draft(plain.model, inputs, reference), judge, progress)
    curve = uniform(search.draft.slots, search)
    wanted, chosen = _chosen(request, judge, curve, search)
    return _written(request.out, search, wanted, curve, chosen, plain.notes)


def _check(request: Request) -> None:
    if sum(value is not None for value in (request.bits, request.budget, request.luts)) > 1:
        raise ProjectError("--bits, --budget and --luts are three ways to say what is wanted; give one")
    if request.bits is not None and not NARROWEST <= request.bits <= WIDEST:
        raise ProjectError(f"--bits {request.bits}: give {NARROWEST} to {WIDEST}")
    if request.out.suffix != ".keras":
        raise ProjectError(f"--out {request.out}: the result is a Keras file; call it {request.out.stem}.keras")


class _Search:
    """Evaluates widths, each once, and counts them for the progress."""

    def __init__(self, found: Draft, judge: Judge, progress: StageProgress | None) -> None:
        self.draft = found
        self._judge = judge
        self._progress = progress
        self._known: dict[tuple[int, ...], Trial] = {}

    def graph(self, widths: Widths) -> FixedGraph:
        """The network of these widths."""
        return build_graph(quantized(self.draft, widths))

    def __call__(self, widths: Widths) -> Trial:
        key = tuple(widths[slot] for slot in self.draft.slots)
        if key not in self._known:
            graph = self.graph(widths)
            events = min(max(_PRODUCTS // max(graph.multiplications(), 1), _SEARCHED[0]), _SEARCHED[-1])
            self._known[key] = Trial(dict(widths), self.metrics(graph, events), graph.ebops())
            if self._progress is not None:
                self._progress("widths tried", len(self._known), 0)
        return self._known[key]

    def metrics(self, graph: FixedGraph, events: int | None) -> dict[str, float]:
        """What the judge says of the first events, or of all."""
        ports = dict(zip(graph.inputs, self.draft.inputs, strict=True))
        found = Emulator(graph).evaluate({name: values[:events] for name, values in ports.items()})
        outputs = found if isinstance(found, list) else [found]
        return self._judge([np.asarray(values) for values in outputs])

    def luts(self, trial: Trial) -> float:
        """Estimated LUTs of our RTL."""
        return float(estimate_rtl(self.graph(trial.widths), _CLOCK_NS, multipliers="auto")["lut"].value)


def _chosen(request: Request, judge: Judge, curve: list[Trial], search: _Search) -> tuple[str, Trial]:
    """What was wanted, in words, and the widths that give it."""
    if request.bits is not None:
        return f"{request.bits} bits", search(dict.fromkeys(search.draft.slots, request.bits))
    if request.luts is not None:
        return f"luts<={request.luts:g}", _within_luts(request.luts, curve, search)
    goal = parse_goal(request.budget or DEFAULT_GOAL, judge.metrics())
    return str(goal), _within_goal(goal, curve, search)


def _within_luts(most: float, curve: list[Trial], search: _Search) -> Trial:
    found = within_luts(curve[0], most, search.luts, search)
    if search.luts(found) > most:
        raise ProjectError(
            f"--luts {most:g}: {NARROWEST} bits everywhere still take {search.luts(found):.0f}; "
            "prune the network, or train a smaller one"
        )
    return found


def _within_goal(goal: Goal, curve: list[Trial], search: _Search) -> Trial:
    good = [trial for trial in curve if goal.met(trial.metrics)]
    if not good:
        best = curve[0].metrics[goal.metric]
        raise ProjectError(
            f"{goal} is out of reach: {WIDEST} bits everywhere give {goal.metric} = {best:.3g}; allow more"
        )
    return within_goal(good[-1], goal, search)


def _written(
    out: Path, search: _Search, wanted: str, curve: list[Trial], chosen: Trial, notes: tuple[str, ...]
) -> Quantized:
    spec = quantized(search.draft, chosen.widths)
    graph = build_graph(spec)
    save_with_keras(spec, out)
    if import_keras(out).digest() != graph.digest():
        raise ToolError(f"{out}: Keras saved another network than the one that was chosen; report this")
    choices = {str(slot): search.draft.choose(slot, bits) for slot, bits in chosen.widths.items()}
    return Quantized(
        out=out,
        rows=tuple(Row(slot, choice.text, choice.bits) for slot, choice in choices.items()),
        metrics=search.metrics(graph, None),
        events=len(search.draft.inputs[0]),
        luts=search.luts(chosen),
        goal=wanted,
        curve=tuple(curve),
        chosen=chosen,
        notes=notes,
    )
