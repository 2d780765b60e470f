"""The network as a netlist of real cells: what it costs, and its simulation."""

from hls.rtl.netlist.family import FAMILIES, Family, family_of
from hls.rtl.netlist.simulation import NetlistSimulation
from hls.rtl.netlist.synthesis import BLOCK_KBIT, Netlist, NetlistResources, netlist_gates, synthesise
from hls.rtl.netlist.yosys import yosys_version

__all__ = [
    "BLOCK_KBIT",
    "FAMILIES",
    "Family",
    "Netlist",
    "NetlistResources",
    "NetlistSimulation",
    "family_of",
    "netlist_gates",
    "synthesise",
    "yosys_version",
]
