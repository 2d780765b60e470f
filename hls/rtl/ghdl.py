"""GHDL, which reads VHDL: a program of the system, which no Python package brings."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

from hls.errors import ToolError
from hls.rtl.simulation import Design
from hls.rtl.tools import run_tool

_MISSING = "GHDL is not installed; install it (Debian and Ubuntu: apt install ghdl)"
_VERSION = re.compile(r"GHDL ([\w.]+)")
_STANDARD = "--std=08"
# A name between backslashes, which GHDL writes as VHDL has it: in Verilog a blank ends it.
_ESCAPED = re.compile(r"\\(\w+)\\")
# The last of the choices by bits of which one is set. That one is set is for the reader to show: no value is left open,
# where Verilog without a default would hold the last one.
_LAST_CHOICE = re.compile(r"(: (\w+) <= [^;]+;\n)( *)endcase")


def ghdl_version() -> str:
    """The version on PATH, "missing" without one."""
    if shutil.which("ghdl") is None:
        return "missing"
    found = _VERSION.search(run_tool(["ghdl", "--version"], Path.cwd(), "GHDL"))
    return "unknown" if found is None else found[1]


def as_verilog(vhdl: Design, folder: Path, timeout: float | None = None) -> Design:
    """What GHDL's synthesis reads in the sources of ``vhdl``, which stand in an order of analysis, as Verilog.

    It is written to ``folder``. Each entity with its generics becomes a module, called by both: ``negative_8_9_1``.

    Raises:
        ToolError: GHDL is not installed, or refuses a source, or needs longer than ``timeout`` seconds.
    """
    if shutil.which("ghdl") is None:
        raise ToolError(_MISSING)
    library = folder / "ghdl"
    library.mkdir()
    options = [_STANDARD, f"--workdir={library}"]
    run_tool(["ghdl", "-a", *options, *map(str, vhdl.sources)], folder, "GHDL (analysis)", timeout=timeout)
    command = ["ghdl", "--synth", *options, "--out=verilog", vhdl.top]
    text = run_tool(command, folder, "GHDL (synthesis)", timeout=timeout)
    source = folder / f"{vhdl.top}.v"
    text = _LAST_CHOICE.sub(r"\1\3  default: \2 <= 'bx;\n\3endcase", _ESCAPED.sub(r"\\\1 ", text))
    source.write_text(text, encoding="utf-8")
    return replace(vhdl, sources=(source,))
