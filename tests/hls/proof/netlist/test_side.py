"""A circuit of a proof as its file names it."""

from __future__ import annotations

from pathlib import Path

from hls.proof.netlist.elaboration import read_back
from hls.proof.netlist.side import read_side
from hls.rtl.netlist import FAMILIES, NETLIST

TWO_REGISTERS = """
module top(input clk, input x, output y);
  wire a_name_longer_than_that_of_a_pin, z;
  FDRE _0_ (.C(clk), .CE(1'h1), .R(1'h0), .D(x), .Q(a_name_longer_than_that_of_a_pin));
  FDRE _1_ (.C(clk), .CE(1'h1), .R(1'h0), .D(z), .Q(y));
  LUT1 #(.INIT(2'h1)) _2_ (.I0(a_name_longer_than_that_of_a_pin), .O(z));
endmodule
"""


def test_a_register_of_a_netlist_keeps_the_name_that_it_has_in_the_verilog(tmp_path: Path) -> None:
    """Names of pins are shorter; by its own it is matched, and the user finds it."""
    (tmp_path / NETLIST).write_text(TWO_REGISTERS, encoding="utf-8")
    side = read_side("netlist", read_back(tmp_path, FAMILIES["xcup"], "top", tmp_path), "top")
    assert sorted(side.names.values()) == ["a_name_longer_than_that_of_a_pin[0]", "y[0]"]
