"""Runs every benchmark and writes what it printed into docs/benchmarks.md: `make benchmarks`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "docs" / "benchmarks.md"
HEAD = """# Benchmarks

Written by `make benchmarks`; each block is what one script of `benchmarks/` printed. Peers are measured in the same
run, so the ratios travel to other machines and the absolute rates do not.
"""
SCRIPTS = (
    (["emulator.py"], "The emulator beside hls4ml's C simulation, QKeras and GEMM, on the published network"),
    (["csim.py"], "The C simulation beside hls4ml's own `predict`, on the published topology"),
    (["csim.py", "--io-type", "io_stream"], "The same with `io_stream`"),
    (["paper_encoder.py"], "The published compression encoder: import, emulation and project at full size"),
    (["charge.py"], "The resource term of learned precision, and effective bit operations, beside LUTs"),
    (["event_generation.py"], "Event generators, one core"),
    (["sinkhorn.py"], "The Sinkhorn loss beside POT's and geomloss's, at equal accuracy, one thread"),
    (["fresh_clone.py"], "From a fresh clone to verified firmware"),
)


def output(command: list[str]) -> str:
    """Standard output of one benchmark; one that fails ends the run."""
    environment = os.environ | {"COLUMNS": "100", "TERM": "dumb"}
    call = [sys.executable, *command]
    done = subprocess.run(call, cwd=HERE, env=environment, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):  # 1: it ran, and missed a target; the table says so
        raise SystemExit(f"{command[0]} failed:\n{done.stderr}")
    return done.stdout.rstrip()


def main() -> None:
    sections = []
    for command, title in SCRIPTS:
        sys.stderr.write(f"{' '.join(command)} ...\n")
        sections.append(f"\n## {title}\n\n`python benchmarks/{' '.join(command)}`\n\n```text\n{output(command)}\n```\n")
    PAGE.write_text(HEAD + "".join(sections), encoding="utf-8")


if __name__ == "__main__":
    main()
