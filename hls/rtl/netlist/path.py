"""The slowest path of a routed design: which modules of the Verilog it passes, and between which registers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SOURCES = "src"
_OWN_SOURCE = re.compile(rf"^{SOURCES}/(?P<module>\w+)\.v:")
# Synthesis appends what it made of a name to the name.
MADE = re.compile(r"(_TRELLIS_FF|_CCU2C|_LUT4|_PFUMX|_L6MUX21|_MULT18X18D|_DP16KD|\$).*")
_WIRE = re.compile(
    r"^(?:.*?\.)?(?P<core>core|(?:core|shared)_\d+)(?:\[\d+\]\.core)?\."
    r"(?P<wire>model_inp_reg|stage\d+_inp|model_out|_inst_logic\d+\.(?:v\d+|op_\d+\..+))$"
)

Part = Mapping[str, Any]
"""As nextpnr reports it: a cell, or a wire to the next one, and its delay."""


@dataclass(frozen=True)
class PathStep:
    """A part of the slowest path: ``delay_ns`` in cells or on wires of one ``module`` of the Verilog."""

    module: str
    delay_ns: float


@dataclass(frozen=True)
class Wire:
    """A ``bit`` of what a core's Verilog calls ``name``: ``core.logic3.v14``, and for registers ``core.stage3_inp``."""

    name: str
    bit: int


Held = tuple[Wire, ...]
"""All names of what a register holds that are left; none if it is in no core."""


def slowest(paths: Iterable[Mapping[str, Any]]) -> list[Part]:
    """The slowest of the paths between registers, in order; a path to or from a port has no clock at one end."""
    inside = [found["path"] for found in paths if not any("async" in str(found[end]) for end in ("from", "to"))]
    if not inside:
        raise ValueError("no path from register to register")
    return max(inside, key=lambda path: sum(float(part["delay"]) for part in path))


def by_module(path: Iterable[Part]) -> Iterator[PathStep]:
    """Delays along the path, added up as long as it stays in one module; a step that names no source stays in it."""
    module, delay = "", 0.0
    for part in path:
        names = (_OWN_SOURCE.match(source) for source in part.get("sources") or ())
        found = next((name["module"] for name in names if name), module)
        if found != module and module:
            yield PathStep(module, delay)
            delay = 0.0
        module = found
        delay += float(part["delay"])
    yield PathStep(module, delay)


def registers(path: Sequence[Part], netlist: Path, top: str) -> tuple[Held, Held]:
    """What the registers at both ends of the path hold, by the netlist that Yosys wrote as JSON.

    Between them synthesis leaves few names.
    """
    module = json.loads(netlist.read_text(encoding="utf-8"))["modules"][top]
    begin, end = (module["cells"].get(path[0]["from"]["cell"]), module["cells"].get(path[-1]["to"]["cell"]))
    return _held(begin, module["netnames"]), _held(end, module["netnames"])


def _held(cell: Part | None, netnames: Mapping[str, Part]) -> Held:
    bits = () if cell is None else cell["connections"].get("Q", ())
    found = []
    for name, net in netnames.items():
        if (match := _WIRE.match(name)) and not MADE.search(name):
            plain = f"{match['core']}.{match['wire'].removeprefix('_inst_')}"
            found += [Wire(plain, place) for place, bit in enumerate(net["bits"]) if bit in bits]
    return tuple(found)
