"""The Verilog and the netlist of a firmware as circuits, and the proof that both are one."""
