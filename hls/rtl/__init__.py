"""The network as pipelined Verilog or VHDL, and its simulation."""

from hls.rtl.ghdl import as_verilog, ghdl_version
from hls.rtl.logic import Logic
from hls.rtl.provenance import layers_between
from hls.rtl.rtl_project import RtlProject, latency_cutoff
from hls.rtl.sharing import beats_by_layer
from hls.rtl.simulation import (
    Design,
    FlagsError,
    RtlTiming,
    Simulation,
    SimulationRun,
    paced_design,
    read_design,
    rtl_design,
)
from hls.rtl.tools import find_verilator, missing_tools
from hls.rtl.trace import trace
from hls.rtl.vhdl import read_vhdl, write_vhdl, write_vhdl_for
from hls.rtl.writing import write_rtl, write_rtl_for

__all__ = [
    "Design",
    "FlagsError",
    "Logic",
    "RtlProject",
    "RtlTiming",
    "Simulation",
    "SimulationRun",
    "as_verilog",
    "beats_by_layer",
    "find_verilator",
    "ghdl_version",
    "latency_cutoff",
    "layers_between",
    "missing_tools",
    "paced_design",
    "read_design",
    "read_vhdl",
    "rtl_design",
    "trace",
    "write_rtl",
    "write_rtl_for",
    "write_vhdl",
    "write_vhdl_for",
]
