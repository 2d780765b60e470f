"""Which synthesis serves which device: from a part's name to one of the families that Yosys maps to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from hls.errors import UnsupportedError

ASIC = "asic"
_COUNTS = ("lut", "ff", "carry", "dsp", "bram")


@dataclass(frozen=True)
class Family:
    """A family: its synthesis command, and what its cells are.

    ``cells`` maps a regular expression of cell types to (resource, number of them in one cell). ``pairs`` matches the
    LUTs of which two fit in one physical LUT. ``models`` are Yosys's simulation models and ``timing`` those with cell
    delays, both relative to its share folder; ``delays`` says whose delays they are.
    """

    name: str
    synthesis: str
    cells: Mapping[str, tuple[str, int]]
    pairs: str | None = None
    models: tuple[str, ...] = ()
    timing: str | None = None
    delays: str | None = None
    defines: tuple[str, ...] = ()
    own_models: tuple[str, ...] = ()

    def count(self, cells: Mapping[str, int]) -> dict[str, int]:
        """Resources of a netlist, given its cells by type."""
        total = dict.fromkeys(_COUNTS, 0)
        for cell, number in cells.items():
            for pattern, (resource, weight) in self.cells.items():
                if re.fullmatch(pattern, cell):
                    total[resource] += weight * number
        return total

    def paired(self, cells: Mapping[str, int]) -> int:
        """LUTs that fit, at most, as the second half of another."""
        if self.pairs is None:
            return 0
        return sum(number for cell, number in cells.items() if re.fullmatch(self.pairs, cell)) // 2


def _xilinx(name: str) -> Family:
    return Family(
        name,
        f"synth_xilinx -family {name} -flatten -abc9 -noiopad -noclkbuf",
        MappingProxyType({
            "LUT[1-6]|SRL16E|SRLC16E|SRLC32E|RAM(32|64)X1S": ("lut", 1),
            "RAM(32|64)X1D|RAM128X1S": ("lut", 2),
            "RAM(32|64)M|RAM128X1D|RAM256X1S": ("lut", 4),
            "RAM32M16|RAM64M8|RAM256X1D|RAM512X1S": ("lut", 8),
            "FD[RSCP]E(_1)?": ("ff", 1),
            "CARRY[48]": ("carry", 1),
            "DSP48E[12]|DSP58": ("dsp", 1),
            "RAMB18E[12]": ("bram", 1),
            "RAMB36E[12]": ("bram", 2),
        }),
        pairs="LUT[1-5]",
        models=("xilinx/cells_sim.v",),
        timing="xilinx/cells_sim.v",
        delays="Artix-7 cells",
        own_models=("dsp48e2.v",),
    )  # fmt: skip


_FF = ("ff", 1)
_FAMILIES = (
    _xilinx("xc7"),
    _xilinx("xcu"),
    _xilinx("xcup"),
    Family(
        "cyclonev",
        "synth_intel_alm -family cyclonev -noiopad -noclkbuf",
        MappingProxyType({
            "MISTRAL_ALUT[2-6]|MISTRAL_ALUT_ARITH": ("lut", 1),
            "MISTRAL_FF": ("ff", 1),
            "MISTRAL_MUL.*": ("dsp", 1),
            "MISTRAL_M10K": ("bram", 1),
        }),
        pairs="MISTRAL_ALUT[2-5]|MISTRAL_ALUT_ARITH",
        models=("intel_alm/common/alm_sim.v", "intel_alm/common/dff_sim.v", "intel_alm/common/dsp_sim.v",
                "intel_alm/common/misc_sim.v"),
        timing="intel_alm/common/alm_sim.v intel_alm/common/dff_sim.v intel_alm/common/dsp_sim.v",
        delays="Cyclone V cells",
        defines=("cyclonev",),
    ),
    Family(
        "ecp5",
        "synth_lattice -family ecp5 -noiopad",
        MappingProxyType({
            "LUT4": ("lut", 1),
            "CCU2C": ("lut", 2),
            "TRELLIS_FF": _FF,
            "MULT18X18D": ("dsp", 1),
            "DP16KD|PDPW16KD": ("bram", 1),
        }),
        models=("ecp5/cells_sim.v",),
        timing="ecp5/cells_sim.v",
        delays="ECP5 cells",
    ),
    Family(
        "ice40",
        "synth_ice40 -abc9 -device hx",
        MappingProxyType({
            "SB_LUT4": ("lut", 1),
            "SB_CARRY": ("carry", 1),
            "SB_DFF.*": _FF,
            "SB_MAC16": ("dsp", 1),
            "SB_RAM.*": ("bram", 1),
        }),
        models=("ice40/cells_sim.v",),
        timing="ice40/cells_sim.v",
        delays="iCE40 HX cells",
        defines=("ICE40_HX",),
    ),
    Family(
        "nexus",
        "synth_nexus -noiopad",
        MappingProxyType({
            "LUT4": ("lut", 1),
            "WIDEFN9|CCU2": ("lut", 2),
            "FD1P3.*": _FF,
            "MULTADDSUB.*|MULT.*": ("dsp", 1),
            "PDP.*|DP16K.*": ("bram", 1),
        }),
        models=("nexus/cells_sim.v",),
    ),
    # Plain gates: what an ASIC has before a library is chosen.
    Family(ASIC, "synth -flatten", MappingProxyType({r"\$_S?DFF.*": _FF, r"(?i)(?!\$).*(dff|__df|_df).*": _FF})),
)  # fmt: skip
FAMILIES: Mapping[str, Family] = MappingProxyType({family.name: family for family in _FAMILIES})

# The first that matches the part, in small letters, wins.
_PARTS = (
    (r"x[caq]7.*", "xc7"),
    (r"x[caq](ku|vu|au)\d+p.*|x[caq]zu.*|xck\d+.*|xcu\d+.*", "xcup"),  # the last are the Kria and Alveo cards
    (r"x[caq](ku|vu)\d+.*", "xcu"),
    (r"lfe5.*", "ecp5"),
    (r"ice40.*", "ice40"),
    (r"lifcl.*|lfcpnx.*|lfd2nx.*|lfmxo5.*", "nexus"),
    (r"5c[egs].*", "cyclonev"),
    (r"asic.*|nangate.*|saed.*|sky130.*|ihp.*|gf180.*|tsmc.*", ASIC),
)


def family_of(part: str) -> Family:
    """The family of a device such as ``xcvu13p-flga2577-2-e``.

    Raises:
        UnsupportedError: Yosys has no synthesis for it.
    """
    for pattern, name in _PARTS:
        if re.fullmatch(pattern, part.lower()):
            return FAMILIES[name]
    raise UnsupportedError(
        f"part {part!r}: Yosys cannot synthesise for it; it can for AMD 7 series and UltraScale(+), Cyclone V, ECP5, "
        "iCE40, Nexus, and for 'asic'"
    )
