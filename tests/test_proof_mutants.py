"""The faults of the proof's own test: each changes one thing, and the table counts what became of them."""

from __future__ import annotations

import random

import numpy as np

from benchmarks.proof_mutants.__main__ import EQUIVALENT, NOT_DONE, REFUTED, Outcome, table
from benchmarks.proof_mutants.faults import graph_faults, netlist_faults, verilog_faults
from benchmarks.proof_mutants.firmwares import corners
from hls.emulation import Emulator
from hls.graph import nodes

CORE = """\
module f_core_logic0 (
    wire [6:0] v0; assign v0[6:0] = model_inp[6:0];
    wire [5:0] v1; assign v1[5:0] = model_inp[12:7];
    wire [7:0] v2; f_core_shift_adder #(7,6,1,0,8,0,2,0) op_2 (v0[6:0],v1[5:0],v2[7:0]);
    assign model_out[7:0] = v2[7:0];
endmodule
"""
REGISTERS = """\
module f_core (
    reg [7:0] stage1_inp;
    always @(posedge clk) begin
        stage1_inp[7:0] <= INTERNAL_logic0_outp[7:0];
    end
endmodule
"""
CELLS = """\
module f_top(a, b, y);
  LUT2 #(
    .INIT(4'h8)
  ) _1_ (
    .I0(a),
    .I1(b),
    .O(y)
  );
endmodule
"""


def test_a_faulty_graph_differs_in_one_node() -> None:
    graph = corners()
    faults = graph_faults(graph, 12, random.Random(1))
    assert {fault.kind for fault in faults} == {"bias LSB", "rounding", "saturation", "weight LSB"}
    raw = [np.random.default_rng(2).integers(-128, 128, (2000, 4))]
    for fault in faults:
        changed = [n for n in graph if n is not fault.graph.nodes[n.name]]
        assert len(changed) == 1
        assert isinstance(changed[0], nodes.Dense | nodes.Quantize)
        assert Emulator(fault.graph).run(raw)[0].shape == (2000, 2)


def test_a_faulty_verilog_is_wrong_in_one_place() -> None:
    found = verilog_faults({"f_core_logic0.v": CORE, "f_core.v": REGISTERS}, 20, random.Random(1))
    wrong = {fault.kind: "".join(fault.files.values()) for fault in found}
    assert set(wrong) == {"dropped register", "one value", "shift", "sign extension", "subtraction", "swapped wire"}
    assert "#(7,6,1,0,8,0,2,1)" in wrong["subtraction"]
    assert "#(7,6,1,0,8,0,1,0)" in wrong["shift"] or "#(7,6,1,0,8,0,3,0)" in wrong["shift"]
    assert "assign stage1_inp[7:0] = INTERNAL_logic0_outp[7:0];" in wrong["dropped register"]
    assert "<=" not in wrong["dropped register"]


def test_a_faulty_netlist_is_wrong_in_one_place() -> None:
    wrong = {fault.kind: fault.files["netlist.v"] for fault in netlist_faults(CELLS, 2, random.Random(1))}
    assert bin(int(wrong["INIT bit"].partition("4'h")[2][0], 16) ^ 8).count("1") == 1
    assert ".I0(b),\n    .I1(a),\n    .O(y)" in wrong["swapped pins"] or ".O(" in wrong["swapped pins"]


def test_the_table_tells_what_events_missed() -> None:
    told = [
        ("graph", "rounding", 3, REFUTED),
        ("graph", "rounding", 0, REFUTED),
        ("netlist", "INIT bit", 0, EQUIVALENT),
        ("netlist", "INIT bit", 0, NOT_DONE),
    ]
    found = [Outcome("f", place, kind, "x", noticed, 0, 9, verdict, 0.1) for place, kind, noticed, verdict in told]
    assert table(found).splitlines()[2:] == [
        "| graph | rounding | 2 | 1 | 0 | 2 | 0 | 0 | 1 |",
        "| netlist | INIT bit | 2 | 0 | 0 | 0 | 1 | 1 | 0 |",
        "| all |  | 4 | 1 | 0 | 2 | 1 | 1 | 1 |",
    ]
