"""The link from the graph to its VHDL: that of the Verilog, of what GHDL reads in the text.

Where the text is right in a way that linear forms do not see, such as two wires that are swapped and may be, it is
compared gate by gate with the Verilog of the same graph instead, which is proved by itself.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import replace
from pathlib import Path

from hls.errors import FirmwareError, ToolError
from hls.proof.certificate import Link
from hls.proof.graph_verilog import METHOD, Reader, prove_text, prove_verilog
from hls.proof.netlist.circuits import Circuits
from hls.proof.netlist.elaboration import elaborate
from hls.proof.subject import Deadline, Subject
from hls.proof.verilog import FlatDesign, read_synthesised
from hls.rtl import Design, as_verilog, ghdl_version

_TOOL = "GHDL, Yosys, Bitwuzla"
_ASSUMPTIONS = ("GHDL reads VHDL correctly",)
_STAGE = "proof: VHDL = Verilog, gate by gate"
_BY_GATES = "gate by gate the same as the Verilog, registers matched by what they hold; of that: "
_SAT = "ABC and Bitwuzla, which compare gates by SAT, are right where they say that nothing differs"


def prove_vhdl(subject: Subject) -> Link:
    """Prove that the VHDL computes the graph, or find an event for which it does not.

    An event is replayed in what GHDL read, since Verilator simulates no VHDL.
    """
    if subject.vhdl is None:
        return _not_done("there is no VHDL; vhdl = true in [target] asks for it")
    sources, deadline = subject.vhdl.sources, subject.deadline()

    def read(made: Design, until: Deadline) -> FlatDesign:
        return read_synthesised(made, sources, until)

    with tempfile.TemporaryDirectory(prefix="ghdl-") as place:
        try:
            made = as_verilog(subject.vhdl, Path(place), deadline.left)
        except ToolError as error:
            return _not_done(deadline.reason(error))
        reader = Reader(read, _TOOL, (ghdl_version(),), _ASSUMPTIONS)
        link = prove_text("graph = vhdl", replace(subject, verilog=made), deadline, reader)
        if link.state == "not done" and deadline.left:
            return _by_gates(subject, made, deadline, link)
        return link


def _by_gates(subject: Subject, made: Design, deadline: Deadline, link: Link) -> Link:
    """``link``, or a proof that what GHDL read has the gates of the Verilog, and that this computes the graph."""
    started = time.monotonic()
    try:
        verilog_gates, vhdl_gates = (elaborate(design, subject.cache) for design in (subject.verilog, made))
        circuits = Circuits(subject.verilog, verilog_gates, vhdl_gates, cache=subject.cache)
        found = circuits.compare(deadline, lambda step, done, total: subject.show(_STAGE, done, total))
    except FirmwareError:
        return link
    if found.difference is not None or found.where is not None:
        return link
    verilog = prove_verilog(subject)
    if verilog.state != "proved":
        return link
    return verilog.model_copy(
        update={
            "name": link.name,
            "method": _BY_GATES + verilog.method,
            "tool": _TOOL.replace("Yosys", "ABC of Yosys"),
            "tool_version": link.tool_version,
            "seconds": link.seconds + time.monotonic() - started,
            "assumptions": (*verilog.assumptions, *_ASSUMPTIONS, _SAT),
        }
    )


def _not_done(reason: str) -> Link:
    return Link(
        name="graph = vhdl",
        state="not done",
        method=METHOD,
        tool=_TOOL,
        tool_version=ghdl_version(),
        seconds=0.0,
        reason=reason,
    )
