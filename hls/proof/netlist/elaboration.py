"""The emitted Verilog as gates and registers, by Yosys: what its text says, with nothing optimised but constants."""

from __future__ import annotations

import shutil
from pathlib import Path

from hls.machine.cache import cached_folder, digest
from hls.rtl import Design
from hls.rtl.netlist import yosys_version
from hls.rtl.netlist.yosys import run_yosys

_GATES = "gates.json"
_RIPPLE = "ripple.v"
_HERE = Path(__file__).parent


def elaborate(design: Design, cache: Path) -> Path:
    """The file of gates of the Verilog of ``design``, made anew unless ``cache`` has it; raises ``ToolError``."""
    key = digest([yosys_version(), design.top, Path(__file__), _HERE / _RIPPLE, *design.sources])

    def fill(folder: Path) -> None:
        for source in (*design.sources, _HERE / _RIPPLE):
            shutil.copy(source, folder)
        run_yosys(_script(design), folder, "elaboration")

    return cached_folder(cache, f"elaborated-{key[:32]}", fill) / _GATES


def _script(design: Design) -> str:
    lines = [f"read_verilog {' '.join(source.name for source in design.sources)}", f"hierarchy -top {design.top}"]
    # Adders ripple, as in the carry chains that they are compared with, and the carries of both meet bit by bit.
    lines += ["proc", "flatten", "opt_expr", "memory", "async2sync", "dffunmap", "simplemap"]
    lines += [f"techmap -map {_RIPPLE} -map +/techmap.v", "opt_clean -purge", f"write_json {_GATES}"]
    return "\n".join([*lines, ""])
