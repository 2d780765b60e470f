"""The link from the graph to its VHDL: that of the Verilog, of what GHDL reads in the text."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from hls.errors import ToolError
from hls.proof.certificate import Link
from hls.proof.graph_verilog import METHOD, Reader, prove_text
from hls.proof.subject import Deadline, Subject
from hls.proof.verilog import FlatDesign, read_synthesised
from hls.rtl import Design, as_verilog, ghdl_version

_TOOL = "GHDL, Yosys, Bitwuzla"
_ASSUMPTIONS = ("GHDL reads VHDL correctly",)


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
        return prove_text("graph = vhdl", replace(subject, verilog=made), deadline, reader)


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
