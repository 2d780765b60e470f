"""The network as pipelined Verilog or VHDL, and its simulation."""

from hls.rtl.logic import Logic
from hls.rtl.provenance import layers_between
from hls.rtl.rtl_project import RtlProject, latency_cutoff
from hls.rtl.sharing import beats_by_layer
from hls.rtl.simulation import Design, RtlTiming, Simulation, SimulationRun, paced_design, read_design, rtl_design
from hls.rtl.tools import find_verilator, missing_tools
from hls.rtl.trace import trace
from hls.rtl.vhdl import write_vhdl
from hls.rtl.writing import write_rtl, write_rtl_for

__all__ = [
    "Design",
    "Logic",
    "RtlProject",
    "RtlTiming",
    "Simulation",
    "SimulationRun",
    "beats_by_layer",
    "find_verilator",
    "latency_cutoff",
    "layers_between",
    "missing_tools",
    "paced_design",
    "read_design",
    "rtl_design",
    "trace",
    "write_rtl",
    "write_rtl_for",
    "write_vhdl",
]
