"""The emitted Verilog as gates, registers and full adders, by Yosys: as its text says, and as its synthesis begins."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from hls.machine.cache import cached_folder, digest
from hls.proof.netlist.adders import write_gates
from hls.rtl import Design
from hls.rtl.netlist import Family, yosys_version
from hls.rtl.netlist.yosys import run_yosys

_GATES, _WORDS = "gates.json", "words.json"
_RIPPLE = "ripple.v"
_HERE = Path(__file__).parent
# Stands for what is no sum; sums stay cells, to be written as full adders.
_NO_SUM = "t:$alu t:$fa %u %n"


def elaborate(design: Design, cache: Path) -> Path:
    """The file of gates of the Verilog of ``design``, with nothing optimised but constants; each sum is an adder.

    It is made anew unless ``cache`` has it. Raises ``ToolError``.
    """
    return _gates(design, ["proc", "flatten", "opt_expr"], cache)


def prepare(design: Design, family: Family, cache: Path) -> Path:
    """The file of gates of the Verilog of ``design`` as synthesis for ``family`` sees it before it chooses cells.

    By then it has dropped what nobody reads and sums many numbers at once, with carries saved: much of the netlist's
    inside is in it. Raises ``ToolError``.
    """
    return _gates(design, _front(design, family), cache)


def _front(design: Design, family: Family) -> list[str]:
    if family.synthesis.startswith("synth_xilinx"):
        return [f"{family.synthesis} -top {design.top} -nodsp -run prepare:map_memory"]
    return ["synth -flatten -run coarse:fine"]


def _gates(design: Design, front: Sequence[str], cache: Path) -> Path:
    script = _script(design, front)
    own = Path(__file__), _HERE / "adders.py", _HERE / _RIPPLE
    key = digest([yosys_version(), script, *own, *design.sources])

    def fill(folder: Path) -> None:
        for source in (*design.sources, _HERE / _RIPPLE):
            shutil.copy(source, folder)
        run_yosys(script, folder, "elaboration")
        write_gates(folder / _WORDS, folder / _GATES, design.top)

    return cached_folder(cache, f"elaborated-{key[:32]}", fill) / _GATES


def _script(design: Design, front: Sequence[str]) -> str:
    lines = [f"read_verilog {' '.join(source.name for source in design.sources)}", f"hierarchy -top {design.top}"]
    lines += [*front, "memory", "async2sync", "dffunmap"]
    # Products become sums of many numbers, sums of many numbers full adders and sums of two, and those ripple.
    lines += [f"techmap -map {_RIPPLE}", "maccmap", f"techmap -map {_RIPPLE}"]
    lines += [f"simplemap {_NO_SUM}", f"techmap -map +/techmap.v {_NO_SUM}", "opt_clean -purge", f"write_json {_WORDS}"]
    return "\n".join([*lines, ""])
