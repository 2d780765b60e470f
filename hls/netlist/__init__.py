"""The network as a netlist of real cells: what it costs, and its simulation."""

from hls.netlist.family import FAMILIES, Family, family_of
from hls.netlist.simulation import NetlistSimulation
from hls.netlist.synthesis import Netlist, NetlistResources, synthesise
from hls.netlist.yosys import missing_yosys, yosys_version

__all__ = [
    "FAMILIES",
    "Family",
    "Netlist",
    "NetlistResources",
    "NetlistSimulation",
    "family_of",
    "missing_yosys",
    "synthesise",
    "yosys_version",
]
