"""Many faulty circuits at once: Yosys, which takes seconds to start, reads the copies together, each by its name."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.proof_mutants.faults import TextFault
from benchmarks.proof_mutants.firmwares import Firmware
from hls.graph.raw import RawArrays
from hls.proof.netlist.correspondence import CONTROL, input_bits, output_bits
from hls.rtl import RtlProject, rtl_design
from hls.rtl.netlist import Family
from hls.rtl.netlist.gates import Gates
from hls.rtl.netlist.yosys import run_yosys

_GATES = ["opt_expr", "memory", "async2sync", "dffunmap", "simplemap"]
_LANES = 1 << 15


def faulty_verilog(firmware: Firmware, faults: Sequence[TextFault], folder: Path) -> list[Path]:
    """A file of gates for each fault of the Verilog."""
    folder.mkdir()
    shutil.copy(str(files("hls.proof.netlist") / "ripple.v"), folder)
    name = firmware.rtl.top.removesuffix("_top")
    for number, fault in enumerate(faults):
        text = "\n".join(fault.files.values())
        (folder / f"m{number}.v").write_text(re.sub(rf"\b{name}_", f"m{number}_{name}_", text), encoding="utf-8")
    script = [f"read_verilog m{number}.v" for number in range(len(faults))]
    script += ["hierarchy", "proc", "flatten", *_GATES, "techmap -map ripple.v -map +/techmap.v"]
    return _read(folder, script, [f"m{number}_{firmware.rtl.top}" for number in range(len(faults))], firmware.rtl.top)


def faulty_netlists(firmware: Firmware, family: Family, faults: Sequence[TextFault], folder: Path) -> list[Path]:
    """A file of gates for each fault of the netlist."""
    folder.mkdir()
    top = firmware.rtl.top
    for number, fault in enumerate(faults):
        [text] = fault.files.values()
        (folder / f"m{number}.v").write_text(
            re.sub(rf"\bmodule {top}\b", f"module m{number}_{top}", text), encoding="utf-8"
        )
    script = [f"read_verilog -overwrite -defer +/{name}" for name in family.models]
    for name in family.own_models:
        shutil.copy(str(files("hls.rtl.netlist") / name), folder)
        script.append(f"read_verilog -defer {name}")
    script += [f"read_verilog m{number}.v" for number in range(len(faults))]
    script += ["hierarchy", "proc", "flatten", *_GATES, "techmap"]
    return _read(folder, script, [f"m{number}_{top}" for number in range(len(faults))], top)


def _read(folder: Path, script: Sequence[str], names: Sequence[str], top: str) -> list[Path]:
    run_yosys("\n".join([*script, "opt_clean -purge", "write_json all.json", ""]), folder, "faults")
    modules = json.loads((folder / "all.json").read_text(encoding="utf-8"))["modules"]
    paths = []
    for name in names:
        path = folder / f"{name}.json"
        path.write_text(json.dumps({"modules": {top: modules[name]}}), encoding="utf-8")
        paths.append(path)
    return paths


def responses(gates: Gates, rtl: RtlProject, raw: RawArrays) -> npt.NDArray[np.bool_]:
    """Output bits of events that go in back to back, each as many clocks after it as the Verilog takes."""
    design = rtl_design(rtl)
    bits = np.concatenate([_to_bits(port.type.width, x) for port, x in zip(design.inputs, raw, strict=True)], axis=1)
    clocks = -(-len(bits) // _LANES)
    padded = np.zeros((clocks * _LANES, bits.shape[1]), np.bool_)
    padded[: len(bits)] = bits
    state = gates.wake_up(_LANES // 64, np.random.default_rng(4))
    rows_in = gates.rows([gates.ports[name][place] for name, place in input_bits(design)])
    rows_out = gates.rows([gates.ports[name][place] for name, place in output_bits(design)])
    control = np.stack([np.ones(_LANES, np.bool_), np.zeros(_LANES, np.bool_)])
    seen = []
    for clock in range(clocks + rtl.stages):
        event = padded[min(clock, clocks - 1) * _LANES :][:_LANES]
        given = np.concatenate([control[: len(CONTROL)], event.T])
        state[rows_in] = np.packbits(given, axis=1).view(np.uint64)
        gates.evaluate(state)
        if clock >= rtl.stages:
            seen.append(np.unpackbits(state[rows_out].view(np.uint8), axis=1).T)
        gates.clock(state)
    return np.concatenate(seen)[: len(bits)].astype(np.bool_)


def _to_bits(width: int, raw: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    spread = (raw.reshape(len(raw), -1, 1) >> np.arange(width)) & 1
    return spread.reshape(len(raw), -1).astype(np.bool_)
