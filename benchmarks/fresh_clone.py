"""How long `make firmware` takes on a fresh clone, downloads included, and again afterwards.

    python benchmarks/fresh_clone.py

Clones this repository's last commit into an empty folder, with an empty pip cache and no environment of ours on PATH.
Wall-clock seconds, because that is what a person waits; the network is in them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIMITS = {"make firmware, fresh clone": 600.0, "make firmware, again": 120.0}


def seconds(command: list[str], folder: Path, environment: dict[str, str]) -> float:
    """Wall-clock time of a command that must succeed."""
    start = time.perf_counter()
    subprocess.run(command, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> int:
    with tempfile.TemporaryDirectory() as place:
        clone = Path(place) / "qtrigger"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        ours = str(ROOT / ".venv")
        path = os.pathsep.join(p for p in os.environ["PATH"].split(os.pathsep) if not p.startswith(ours))
        environment = {k: v for k, v in os.environ.items() if k not in ("VIRTUAL_ENV", "PYTHONPATH")}
        environment |= {"PATH": path, "PIP_CACHE_DIR": str(Path(place) / "pip"), "HOME": place}
        measured = {name: seconds(["make", "firmware"], clone, environment) for name in LIMITS}
    for name, value in measured.items():
        sys.stdout.write(f"{name:28} {value:6.0f} s   limit {LIMITS[name]:.0f} s   ({os.cpu_count()} cores)\n")
    return int(any(value > LIMITS[name] for name, value in measured.items()))


if __name__ == "__main__":
    raise SystemExit(main())
