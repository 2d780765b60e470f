"""``qtrigger quantize``: from a plain network, of Keras or ONNX, and events to an ordinary QKeras file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hls.emulation import Emulator
from hls.errors import ProjectError, ToolError
from hls.figures.estimates import estimate_rtl
from hls.graph import FixedGraph
from hls.importing.formats import plain_model
from hls.importing.importer import build_graph, import_keras
from hls.importing.spec import ModelSpec
from hls.machine.notebook import notebook_progress
from hls.machine.progress import StageProgress, of_stage
from hls.project.quantizing.candidate import Draft, Widths, draft, quantized
from hls.project.quantizing.events import read_ports
from hls.project.quantizing.fidelity import Floats, Goal, Judge, check_labels, parse_goal
from hls.project.quantizing.finetune import checkpoint_of, finetuned, lesson
from hls.project.quantizing.keras_process import KerasProcess, keras_process
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
    """What is wanted: ``bits`` everywhere, or the fewest within ``budget``, or the best within ``luts`` LUTs.

    ``features`` and ``labels`` name what is taken of the events; ``labels`` may be another file. ``finetune`` is a
    number of quantization-aware epochs behind that, shuffled by ``seed``.
    """

    model: Path
    events: Path
    out: Path
    labels: str | None = None
    bits: int | None = None
    budget: str | None = None
    luts: float | None = None
    finetune: int | None = None
    seed: int = 0
    features: Sequence[str] = ()


@dataclass(frozen=True)
class FineTuning:
    """What the epochs changed: metrics on the last events of the file, which took no part in them."""

    epochs: int
    held_out: int
    before: Mapping[str, float]
    after: Mapping[str, float]


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
    finetuning: FineTuning | None = None


def quantize(request: Request, progress: StageProgress | None = None) -> Quantized:
    """Choose a type for every weight tensor, input and activation, and write the network as a QKeras file.

    Raises:
        FirmwareError: the model, events, labels or goal are not usable, or no width meets the goal.
    """
    _check(request)
    plain = normal_form(plain_model(request.model))
    with notebook_progress(progress) as progress, keras_process() as keras:  # it is on its way up while events are read
        search = _prepared(keras, request, plain.model, progress)
        curve = uniform(search.draft.slots, search)
        wanted, chosen = _chosen(request, search.judge, curve, search)
        spec, tuning = quantized(search.draft, chosen.widths), None
        if request.finetune is not None:
            spec, tuning = _finetuned(keras, request.finetune, request, search, spec, progress)
        graph = _saved(keras, spec, request.out)
    choices = {str(slot): search.draft.choose(slot, bits) for slot, bits in chosen.widths.items()}
    metrics, luts = search.metrics(graph), _luts(graph)
    moved = () if tuning is None else moved_beyond(request, search.judge.metrics(), metrics, luts)
    return Quantized(
        out=request.out,
        rows=tuple(Row(slot, choice.text, choice.bits) for slot, choice in choices.items()),
        metrics=metrics,
        events=len(search.draft.inputs[0]),
        luts=luts,
        goal=wanted,
        curve=tuple(curve),
        chosen=chosen,
        notes=(*plain.notes, *moved),
        finetuning=tuning,
    )


def _prepared(keras: KerasProcess, request: Request, plain: ModelSpec, progress: StageProgress | None) -> _Search:
    """The events, what the float network makes of them, and the slots."""
    found = read_ports(request.events, plain, request.features, request.labels)
    inputs, labels = found.inputs, None if found.labels is None else found.labels.classes
    stage = of_stage(progress, "float")
    reference = float_reference(keras, plain, inputs, traced=_TRACED, progress=stage)
    if found.labels is not None:
        check_labels(reference.outputs[0], found.labels.classes, found.labels.where)
    return _Search(draft(plain, inputs, reference), Judge(reference.outputs, labels), progress)


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
        self.judge = judge
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

    def metrics(self, graph: FixedGraph, events: int | None = None) -> dict[str, float]:
        """What the judge says of the first events, or of all."""
        return _judged(graph, tuple(values[:events] for values in self.draft.inputs), self.judge)

    def luts(self, trial: Trial) -> float:
        """Estimated LUTs of our RTL."""
        return _luts(self.graph(trial.widths))


def _luts(graph: FixedGraph) -> float:
    return float(estimate_rtl(graph, _CLOCK_NS, multipliers="auto")["lut"].value)


def _judged(graph: FixedGraph, inputs: Sequence[Floats], judge: Judge) -> dict[str, float]:
    found = Emulator(graph).evaluate(dict(zip(graph.inputs, inputs, strict=True)))
    outputs = found if isinstance(found, list) else [found]
    return judge([np.asarray(values) for values in outputs])


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


def _finetuned(
    keras: KerasProcess, epochs: int, request: Request, search: _Search, spec: ModelSpec, progress: StageProgress | None
) -> tuple[ModelSpec, FineTuning]:
    """The network with weights that were trained further, and what that changed."""
    found, judge = search.draft, search.judge
    subject = lesson(found.model, found.inputs, judge.reference, judge.labels)
    stage = of_stage(progress, "finetune")
    tuned = finetuned(keras, spec, subject, epochs=epochs, seed=request.seed, out=request.out, progress=stage)
    held_out = tuple(values[-subject.held_out :] for values in found.inputs)
    last = judge.last(subject.held_out)
    before, after = (_judged(build_graph(network), held_out, last) for network in (spec, tuned))
    return tuned, FineTuning(epochs, subject.held_out, before, after)


def _saved(keras: KerasProcess, spec: ModelSpec, out: Path) -> FixedGraph:
    """The network as the file that was written holds it."""
    graph = build_graph(spec)
    save_with_keras(keras, spec, out)
    if import_keras(out).digest() != graph.digest():
        raise ToolError(f"{out}: Keras saved another network than the one that was chosen; report this")
    checkpoint_of(out).unlink(missing_ok=True)
    return graph


def moved_beyond(request: Request, known: Sequence[str], metrics: Mapping[str, float], luts: float) -> tuple[str, ...]:
    """What is to be said where training has taken the network beyond what its types were chosen for."""
    if request.bits is not None:
        return ()
    if request.luts is not None:
        return () if luts <= request.luts else (f"training took the estimate to {luts:.0f} LUTs, beyond --luts",)
    goal = parse_goal(request.budget or DEFAULT_GOAL, known)
    if goal.met(metrics):
        return ()
    return (f"training took {goal.metric} to {metrics[goal.metric]:.3g}; {goal} held before, and chose the types",)
