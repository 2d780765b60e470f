"""The RTL project in VHDL-2008, for those whose firmware is VHDL throughout."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from graphlib import TopologicalSorter
from pathlib import Path

from hls.errors import ProjectError, UnsupportedError
from hls.graph import FixedGraph
from hls.rtl.folded import chosen_engines
from hls.rtl.pipeline import Pipelining
from hls.rtl.ports import input_ports, output_ports
from hls.rtl.rtl_project import Language, RtlProject, write_in
from hls.rtl.simulation import Design
from hls.rtl.trace import trace
from hls.rtl.vhdl_wrapper import vhdl_wrapper_source
from hls.target import AUTO, DIGITS, STREAM, Target

_ENTITY = re.compile(r"^\s*entity\s+(\w+)\s+is\b", re.MULTILINE)
_INSTANCE = re.compile(r"\bentity\s+work\.(\w+)")
_SYNOPSYS = re.compile(r"^use ieee\.std_logic_misc\.\w+;\n", re.MULTILINE)
_REDUCTION = re.compile(r"\b(and|or)_reduce\((\w+)\)")

VHDL = Language("vhdl", "vhd", "vhdl", _ENTITY, vhdl_wrapper_source)


def write_vhdl(
    graph: FixedGraph,
    name: str,
    folder: Path,
    clock_ns: float,
    hard_dc: int = 2,
    multipliers: str = AUTO,
    pipelining: Pipelining | None = None,
    interval: int = 1,
) -> RtlProject:
    """Write ``graph`` as VHDL-2008 that takes one event a clock: ``write_rtl``'s ports, registers and valid flags.

    Tools must be told the standard: ``read_vhdl -vhdl2008`` in Vivado, ``--std=08`` in GHDL.

    Args:
        graph: the network.
        name: of the firmware; its top entity is ``<name>_top``.
        folder: made if missing; sources go to ``vhdl/``, clock constraints beside it.
        clock_ns: clock period in ns, which decides where the pipeline is cut (``latency_cutoff``).
        hard_dc: how hard the adder trees are optimised, see ``trace``.
        multipliers, pipelining, interval: as for ``write_rtl``.

    Returns:
        The project; its files are in an order in which a compiler can analyse them, the top entity last.

    Raises:
        ProjectError: ``name`` is no identifier of VHDL.
        UnsupportedError: the graph has numbers too wide for RTL, or cores would be shared in time.
    """
    if "__" in name or name.endswith("_"):
        raise ProjectError(f"firmware name {name!r}: VHDL allows '_' only between letters and digits, one at a time")
    if pipelining is None and chosen_engines(graph, interval):
        raise UnsupportedError(
            f"vhdl: engines, which take an event each {interval} clocks, are written in Verilog alone; leave out "
            "interval_ns and interval, or vhdl"
        )
    logic = trace(graph, hard_dc, pipelining=pipelining, interval=interval)
    if logic.interval > 1:
        raise UnsupportedError(
            f"vhdl: cores that take positions in turn, an event each {logic.interval} clocks, are written in Verilog "
            "alone; leave out interval_ns and interval, or vhdl"
        )
    project = write_in(VHDL, logic, name, folder, clock_ns, multipliers, pipelining)
    for path in project.sources:
        path.write_text(_standard(path.read_text(encoding="utf-8")), encoding="utf-8")
    ordered = _in_order(project.sources)
    return replace(project, files=tuple(path.relative_to(folder).as_posix() for path in ordered))


def write_vhdl_for(
    target: Target, graph: FixedGraph, name: str, folder: Path, pipelining: Pipelining | None = None
) -> RtlProject:
    """``write_vhdl`` as ``target`` asks.

    Raises:
        ProjectError: ``name`` is no identifier of VHDL.
        UnsupportedError: it is asked for what is written in Verilog alone, or the graph has numbers too wide for RTL.
    """
    if target.io == STREAM:
        raise UnsupportedError(
            'vhdl: valid and ready on both sides are written in Verilog alone; leave out io = "stream", or vhdl'
        )
    if target.adders == DIGITS:
        raise UnsupportedError(
            'vhdl: adders of a digit a clock are written in Verilog alone; leave out adders = "digits", or vhdl'
        )
    return write_vhdl(
        graph,
        name,
        folder,
        target.clock_ns,
        multipliers=target.multipliers,
        pipelining=pipelining,
        interval=target.interval_clocks,
    )


def read_vhdl(graph: FixedGraph, name: str, folder: Path, clock_ns: float) -> Design | None:
    """The VHDL that ``write_vhdl`` once wrote to ``folder``, as it lies there now; None if there is none."""
    sources = sorted((folder / VHDL.folder).glob(f"*.{VHDL.suffix}"))
    if not sources:
        return None
    return Design(_in_order(sources), f"{name}_top", input_ports(graph), output_ports(graph), clock_ns)


def _standard(text: str) -> str:
    """Without Synopsys's package, which is no part of the standard and which GHDL refuses unless told otherwise."""
    return _REDUCTION.sub(r"\1 \2", _SYNOPSYS.sub("", text))


def _in_order(sources: Sequence[Path]) -> tuple[Path, ...]:
    """Each after those whose entities it instances, as an analysis takes them."""
    texts = {path: path.read_text(encoding="utf-8") for path in sorted(sources)}
    home = {entity: path for path, text in texts.items() for entity in _ENTITY.findall(text)}
    needed = {
        path: sorted({home[entity] for entity in _INSTANCE.findall(text) if entity in home})
        for path, text in texts.items()
    }
    return tuple(TopologicalSorter(needed).static_order())
