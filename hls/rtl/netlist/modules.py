"""What the netlist spends on modules that are there several times: the only ones that synthesis does not dissolve."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from hls.graph import FixedGraph
from hls.rtl.netlist.family import Family
from hls.rtl.netlist.synthesis import Netlist
from hls.rtl.partition import partition
from hls.rtl.rtl_project import RtlProject

_STATISTICS = "stat.json"
"""As ``synthesise`` leaves them."""
_NUMBER = re.compile(r"_shared_(\d+)$")


@dataclass(frozen=True)
class SharedModule:
    """A module that computes ``layers``: so many ``copies`` in the netlist, of ``lut`` LUTs each."""

    layers: tuple[str, ...]
    copies: int
    lut: int


def shared_modules(
    netlist: Netlist, project: RtlProject, family: Family, graph: FixedGraph
) -> tuple[SharedModule, ...]:
    """Those of ``project``, as they were synthesised."""
    if not project.shared:
        return ()
    modules = json.loads((netlist.folder / _STATISTICS).read_text(encoding="utf-8"))["modules"]
    copies = modules[f"\\{project.top}"]["num_cells_by_type"]
    return tuple(
        SharedModule(layers, int(copies[name]), _luts(modules[f"\\{name}"]["num_cells_by_type"], family))
        for name in project.shared
        if (layers := _layers(graph, name)) and name in copies
    )


def _layers(graph: FixedGraph, module: str) -> tuple[str, ...]:
    """The layers of a module, which is called after the number of its stage."""
    number, stages = _NUMBER.search(module), partition(graph)
    if number is None or int(number[1]) >= len(stages):
        return ()
    return tuple(dict.fromkeys(graph.nodes[name].layer for name in stages[int(number[1])].nodes))


def _luts(cells: Mapping[str, int], family: Family) -> int:
    return family.count(cells)["lut"]
