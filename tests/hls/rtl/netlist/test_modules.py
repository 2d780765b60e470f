"""LUTs of modules that a netlist has several times, and the layers that they compute."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from hls.graph import FixedGraph, GraphBuilder, nodes
from hls.graph.fixed import FixedArray, FixedType
from hls.rtl import RtlProject
from hls.rtl.netlist import FAMILIES, Netlist, SharedModule, shared_modules

SHARED = {"LUT2": 5, "LUT6": 2, "FDRE": 9, "$scopeinfo": 3}
TOP = {"LUT3": 7, "SRL16E": 1, "net_shared_0": 6}


@pytest.fixture
def graph() -> FixedGraph:
    """phi at each of six positions, their sum, and a dense layer: the first stage has phi and its quantizer."""
    builder, type_ = GraphBuilder("net"), FixedType(True, 6, 3)
    builder.add(nodes.Input("x", (), "x", (6, 2), type_, type_.raw_min, type_.raw_max))
    kernel, bias = FixedArray.from_float([[1.5], [-0.75]]), FixedArray.from_float([0.0])
    builder.add(nodes.Dense("phi", ("x",), "phi", kernel, bias))
    builder.add(nodes.Quantize("q", ("phi",), "phi_q", type_, type_.raw_min, type_.raw_max))
    builder.add(nodes.Pool("sum", ("q",), "sum", (6,), (1,), ((0, 0),), maximum=False))
    builder.add(nodes.Dense("y", ("sum",), "y", FixedArray.from_float(np.array([[2.5]])), bias))
    return builder.finish(["x"], ["y"], ["y"])


@pytest.fixture
def netlist(tmp_path: Path) -> Netlist:
    modules = {"\\net_shared_0": {"num_cells_by_type": SHARED}, "\\net_top": {"num_cells_by_type": TOP}}
    (tmp_path / "stat.json").write_text(json.dumps({"modules": modules}), encoding="utf-8")
    return Netlist(tmp_path, cast(Any, None))


@pytest.fixture
def project(tmp_path: Path) -> RtlProject:
    return RtlProject(tmp_path, "net_top", (), (), (), 5.0, 3, 0, shared=("net_shared_0",))


def test_by_hand(graph: FixedGraph, netlist: Netlist, project: RtlProject) -> None:
    assert shared_modules(netlist, project, FAMILIES["xcup"], graph) == (SharedModule(("phi", "phi_q"), 6, 7),)


def test_what_is_not_called_after_a_stage_is_left_out(graph: FixedGraph, netlist: Netlist, project: RtlProject) -> None:
    for shared in ((), ("net_engine",), ("net_shared_9",)):
        assert shared_modules(netlist, replace(project, shared=shared), FAMILIES["xcup"], graph) == ()
