"""The network as a netlist of real cells: what it costs, and its simulation."""

from hls.rtl.netlist.closure import Closure, by_cells, close_timing, routed_on
from hls.rtl.netlist.devices import DEVICES, Device, check_device, is_on
from hls.rtl.netlist.family import ASIC, FAMILIES, Family, family_of
from hls.rtl.netlist.modules import SharedModule, shared_modules
from hls.rtl.netlist.path import Wire
from hls.rtl.netlist.routing import RoutedDesign, check_router, place_and_route
from hls.rtl.netlist.simulation import NetlistSimulation
from hls.rtl.netlist.synthesis import (
    BLOCK_KBIT,
    NETLIST,
    Netlist,
    NetlistResources,
    netlist_causes,
    netlist_gates,
    netlist_models,
    synthesise,
)
from hls.rtl.netlist.yosys import yosys_version

__all__ = [
    "ASIC",
    "BLOCK_KBIT",
    "DEVICES",
    "FAMILIES",
    "NETLIST",
    "Closure",
    "Device",
    "Family",
    "Netlist",
    "NetlistResources",
    "NetlistSimulation",
    "RoutedDesign",
    "SharedModule",
    "Wire",
    "by_cells",
    "check_device",
    "check_router",
    "close_timing",
    "family_of",
    "is_on",
    "netlist_causes",
    "netlist_gates",
    "netlist_models",
    "place_and_route",
    "routed_on",
    "shared_modules",
    "synthesise",
    "yosys_version",
]
