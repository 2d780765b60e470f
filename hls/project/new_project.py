"""A new project folder around a user's model file."""

from __future__ import annotations

import shutil
from pathlib import Path

from hls.errors import ProjectError
from hls.importing import Statements, import_model
from hls.importing.formats import format_of
from hls.importing.joined import whole_model
from hls.importing.ports import parse_type
from hls.machine.files import whole_folder
from hls.project.known_part import require_known_part
from hls.project.project_file import PROJECT_FILE
from hls.rtl.folded.choice import SHORTEST_INTERVAL
from hls.target import BACKENDS, Target, check_name
from hls.target.parts import BUNCH_CROSSING_NS

PARENT = Path("firmware_projects")

_TEMPLATE = """\
# What `qtrigger build` needs to know. Every key that may be here is here; those with a # in front show their default.

[model]
weights = "{weights}"            # QKeras model: architecture and weights
{architecture}   # what weights alone belong to: the JSON of model.to_json()
{input_type}
# internal_sigmoid = "hard"       # what qkeras.set_internal_sigmoid was told in training: hard | smooth | real
{softmax}               # what becomes of a last softmax: drop (left to software) | argmax | table
{sigmoid}               # what becomes of a last sigmoid: drop
{outputs}             # what leaves the chip: logits (functions at the end are left out) | argmax
# reference = "reference.h5"      # float network, with which the firmware is compared
# system = "event_variables"      # physics system, which brings its own events and fidelity metrics
# variant = "two-body"

[target]
part = "{part}"
backend = "{backend}"                # {backends}
clock_ns = {clock_ns}
# io_type = "io_parallel"         # io_parallel | io_stream
# strategy = "latency"            # hls4ml's strategy: latency | resource
# reuse_factor = 1
{firmware}
{interval}                # of our RTL, most time between events; interval = 5 says it in clocks; unstated: one clock
# io = "paced"                    # of our RTL: paced (all at fixed clocks) | stream (valid and ready on both sides)
# ports = "beats"                 # of engines: an input at positions comes one a beat (beats) | at once (whole)
# latency = "auto"                # of our RTL: its pipeline is cut and measured until it meets the clock
# place_and_route = "ecp5-85k"    # of our RTL: a Lattice ECP5 on which it is placed and routed
# multipliers = "auto"            # of our RTL, products of two variables: auto (DSPs or LUTs) | lut (no DSP)
# adders = "whole"                # of our RTL, within its interval: whole | digits (fewer LUTs, more latency)
# vhdl = false                    # also write our RTL in VHDL-2008

[verify]
# witnesses = ["qkeras", "emulator", "csim", "rtl", "netlist"]   # one named here must run, else the build fails
# inputs = "events.npz"           # events of your own: HDF5, .npy, .npz, ROOT, Parquet, CSV
# features = ["pt", "eta"]        # what of them the network takes, where they are not called as its inputs are
# labels = "is_signal"            # what of them tells the class, for accuracy and ROC
# events = 10000                  # uniform over the input's range, unless a system or inputs give them
# seed = 1
# max_events = {{ csim = 10000 }}   # fewer events for a slow witness

[budget]                          # a figure beyond its limit fails the build
# preset = "level-1-slot"         # or level-1-slr, front-end-asic; what is stated below replaces its limits
# latency_ns = 100
# luts = 50000                    # also: interval_ns, ffs, dsps, brams, METRIC_min, METRIC_max
"""


def trigger_interval(firmware: str | None, clock_ns: float) -> float | None:
    """The time from one event to the next that a new project asks for: a bunch crossing, where our RTL can have it.

    Not where that is so many clocks that engines may be taken: they trade latency, which a trigger lacks, for logic.
    """
    fitting = clock_ns <= BUNCH_CROSSING_NS < SHORTEST_INTERVAL * clock_ns
    return BUNCH_CROSSING_NS if firmware in (None, "rtl") and fitting else None


def create_project(
    name: str,
    model: Path,
    part: str,
    *,
    backend: str,
    clock_ns: float,
    input_type: str | None,
    softmax: str | None = None,
    sigmoid: str | None = None,
    outputs: str | None = None,
    firmware: str | None = None,
    interval_ns: float | None = None,
    architecture: Path | None = None,
    parent: Path = PARENT,
) -> Path:
    """Write ``parent/name`` with a commented project.toml and a copy of ``model``; returns the folder.

    The folder appears whole or not at all. ``architecture``: what ``model`` belongs to, if it is weights alone.

    Raises:
        ProjectError: the name, part, backend, clock or firmware is not valid, or the folder exists.
        FirmwareError: the model file is not usable; said before anything is written.
    """
    check_name(name)
    target = Target(part=part, backend=backend, clock_ns=clock_ns, firmware=firmware, interval_ns=interval_ns)
    folder = parent / name
    if folder.exists():
        raise ProjectError(f"{folder}: exists already; choose another name, or remove it")
    require_known_part(target.part)
    with whole_model(model, architecture) as whole:
        import_model(whole, Statements(input_type=input_type, softmax=softmax, sigmoid=sigmoid, outputs=outputs))
    suffixes = format_of(model).suffixes
    weights = f"model{model.suffix if model.suffix in suffixes else suffixes[0]}"
    described = None if architecture is None else f"architecture{architecture.suffix or '.json'}"
    needs = f'input_type = "{parse_type(input_type)}"' if input_type else '# input_type = "ap_fixed<16,6>"'
    product = f'{"" if firmware else "# "}firmware = "{target.product}"'
    text = _TEMPLATE.format(
        weights=weights,
        architecture=f'{"" if described else "# "}architecture = "{described or "architecture.json"}"',
        input_type=f"{needs}   # type of the input ports, for a network without an input quantizer",
        softmax=f'{"" if softmax else "# "}softmax = "{softmax or "drop"}"',
        sigmoid=f'{"" if sigmoid else "# "}sigmoid = "{sigmoid or "drop"}"',
        outputs=f'{"" if outputs else "# "}outputs = "{outputs or "logits"}"',
        part=target.part,
        backend=target.backend,
        backends=" | ".join(BACKENDS.names()),
        clock_ns=float(target.clock_ns),
        firmware=f"{product}              # what is built and judged: rtl (our Verilog) | hls4ml",
        interval=f"{'# ' if interval_ns is None else ''}interval_ns = {interval_ns or BUNCH_CROSSING_NS:g}",
    )
    with whole_folder(folder) as draft:
        shutil.copyfile(model, draft / weights)
        if architecture is not None and described is not None:
            shutil.copyfile(architecture, draft / described)
        (draft / PROJECT_FILE).write_text(text, encoding="utf-8")
    return folder
