"""An HGQ2 network as alkaid's own Verilog and as ours, placed and routed on the same Lattice ECP5 with the same seed.

    python3 -m venv peer && peer/bin/pip install HGQ2==0.2.0 alkaid==0.8.2 tensorflow-cpu==2.21.0
    python -m benchmarks.hgq2.routed NETWORK.keras --peer peer/bin/python [--clock-ns 5] [--device ecp5-85k]

`alkaid convert` makes its Verilog as its manual has it, once with its own number of registers and once with as many as
`latency = "auto"` takes. Ours is cut by alkaid's rule, and by `latency = "auto"`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from hls.importing import import_keras
from hls.rtl import RtlProject, write_rtl
from hls.rtl.netlist import DEVICES, close_timing, place_and_route, routed_on
from hls.target import AUTO

_CONVERT = "import sys; from alkaid._cli import main; sys.exit(main())"
NAME = "ours"


def theirs(network: Path, peer: str, place: Path, clock_ns: float, registers: int | None = None) -> RtlProject:
    """The Verilog that alkaid writes, with as many registers as ``registers`` says or as it thinks fit."""
    call = [peer, "-c", _CONVERT, "convert", str(network), str(place), "--clock-period", f"{clock_ns:g}"]
    call += ["--latency-cutoff", f"{clock_ns:g}", "--n-test-sample", "1000"]
    # One register is at the input, and one behind each stage.
    call += [] if registers is None else ["--n-stages", str(registers - 1)]
    subprocess.run(call, env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}, check=True, stdout=sys.stderr)
    made = json.loads((place / "metadata.json").read_text(encoding="utf-8"))
    names = (path.relative_to(place) for path in place.rglob("*.v") if path.stem != "model_wrapper")
    files = tuple(sorted((str(name) for name in names), key=lambda name: not name.endswith("/model.v")))
    return RtlProject(place, "model", files, (), (), clock_ns, int(made["latency"]) + 1, 0)


def rows(network: Path, peer: str, clock_ns: float, device_name: str, place: Path) -> Iterator[str]:
    """A row for each pipeline."""
    device, graph = DEVICES[device_name], import_keras(network)
    closure = close_timing(graph, NAME, clock_ns, AUTO, routed_on(device, place / "cache"))
    auto = write_rtl(graph, NAME, place / "auto", clock_ns, pipelining=closure.pipelining)
    made = {
        "alkaid 0.8.2 | its own": theirs(network, peer, place / "theirs", clock_ns),
        "qtrigger | alkaid's rule": write_rtl(graph, NAME, place / "rule", clock_ns),
        "alkaid 0.8.2 | as many registers": theirs(network, peer, place / "as many", clock_ns, auto.stages),
        'qtrigger | latency = "auto"': auto,
    }
    yield f"| written by | pipeline | registers | LUT | FF | DSP | slowest path [ns] | MHz, {device.title} |"
    yield "|---|---|---|---|---|---|---|---|"
    for title, project in made.items():
        found = place_and_route(project, device, place / "cache")
        counts = " | ".join(f"{found.counts[kind]:,}" for kind in ("lut", "ff", "dsp"))
        yield f"| {title} | {project.stages} | {counts} | {found.path_ns:.2f} | {found.fmax_mhz:.0f} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", type=Path)
    parser.add_argument("--peer", required=True, help="the Python of an environment with HGQ2 and alkaid")
    parser.add_argument("--clock-ns", type=float, default=5.0)
    parser.add_argument("--device", choices=tuple(DEVICES), default="ecp5-85k")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        for line in rows(given.network, given.peer, given.clock_ns, given.device, Path(name)):
            sys.stdout.write(line + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
