"""The emitted Verilog as gates, registers and full adders, by Yosys: as its text says, and as its synthesis begins."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from hls.machine.cache import cached_folder, digest
from hls.proof.netlist.adders import write_gates
from hls.rtl import Design
from hls.rtl.netlist import NETLIST, Family, netlist_causes, netlist_gates, netlist_models, yosys_version
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
    return _of_design(design, ["proc", "flatten", "opt_expr"], cache)


def prepare(design: Design, family: Family, cache: Path) -> Path:
    """The file of gates of the Verilog of ``design`` as synthesis for ``family`` sees it before it chooses cells.

    By then it has dropped what nobody reads and sums many numbers at once, with carries saved: much of the netlist's
    inside is in it. Raises ``ToolError``.
    """
    return _of_design(design, _front(design, family), cache)


def _front(design: Design, family: Family) -> list[str]:
    if family.synthesis.startswith("synth_xilinx"):
        return [f"{family.synthesis} -top {design.top} -nodsp -run prepare:map_memory"]
    return ["synth -flatten -run coarse:fine"]


def read_back(netlist: Path, family: Family, top: str, cache: Path) -> Path:
    """The file of gates of the netlist in folder ``netlist``, as its text is now; what its cells multiply is added up.

    Raises:
        ToolError: there is no such file, or it holds what are no cells of ``family``.
    """
    source = netlist / NETLIST
    if not source.is_file() or not _multiplies(source, family):
        return netlist_gates(netlist, family, top, cache)

    def front(folder: Path) -> list[str]:
        return netlist_models(family, top, folder)

    return _gates([source], top, front, cache, [repr(family), *netlist_causes(family)])


def _multiplies(source: Path, family: Family) -> bool:
    """Whether there are cells with multipliers."""
    cells = "|".join(pattern for pattern, (resource, _) in family.cells.items() if resource == "dsp")
    return bool(cells) and re.search(rf"^\s*({cells})\s", source.read_text(encoding="utf-8"), re.MULTILINE) is not None


def _of_design(design: Design, front: Sequence[str], cache: Path) -> Path:
    read = [f"read_verilog {' '.join(source.name for source in design.sources)}", f"hierarchy -top {design.top}"]
    return _gates(design.sources, design.top, lambda folder: [*read, *front], cache, [*read, *front])


def _gates(
    sources: Sequence[Path], top: str, front: Callable[[Path], list[str]], cache: Path, causes: Sequence[str | Path]
) -> Path:
    """The file of gates of ``sources`` after the commands ``front``, which depend on ``causes``."""
    own = Path(__file__), _HERE / "adders.py", _HERE / _RIPPLE
    key = digest([yosys_version(), top, *causes, *own, *sources])

    def fill(folder: Path) -> None:
        for source in (*sources, _HERE / _RIPPLE):
            shutil.copy(source, folder)
        run_yosys("\n".join([*front(folder), *_tail(), ""]), folder, "elaboration")
        write_gates(folder / _WORDS, folder / _GATES, top)

    return cached_folder(cache, f"elaborated-{key[:32]}", fill) / _GATES


def _tail() -> list[str]:
    lines = ["memory", "async2sync", "dffunmap"]
    # Products become sums of many numbers, sums of many numbers full adders and sums of two, and those ripple.
    lines += [f"techmap -map {_RIPPLE}", "maccmap", f"techmap -map {_RIPPLE}"]
    lines += [f"simplemap {_NO_SUM}", f"techmap -map +/techmap.v {_NO_SUM}", "opt_clean -purge", f"write_json {_WORDS}"]
    return lines
