"""Runs the scans of the pages and writes their tables and pictures: `python docs/scan_results.py`, or of some alone:
`python docs/scan_results.py jets anomaly`.

Trials that are in `runs/` already are not run again.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

FIT, JETS, ANOMALY = (
    Path("docs") / page for page in ("how-to/does-not-fit.md", "how-it-works/jets.md", "how-it-works/anomaly.md")
)
IMAGES = Path("docs/images")
SCANS = {
    "products": (
        FIT,
        "two-body --set multipliers=lut --set hidden= --set input_fraction=8,9,10 --set charge=0.1,0.3,1,3 "
        "--search grid --events 400000 --epochs 10 --out runs/scan-products",
    ),
    "reuse": (
        FIT,
        "firmware_projects/evn-two-body-paper --fixed --set strategy=resource --set reuse_factor=2,4,8,16,32,64 "
        "--search grid --objective interval_ns --objective dsps --no-synthesise --out runs/scan-reuse",
    ),
    "jets": (
        JETS,
        "jets/mlp16 --set input_fraction=6 --set charge=0.3,1,3,10 --search grid --events 4000 --epochs 200 "
        "--no-synthesise --jobs 1 --out runs/scan-jets",
    ),
    "anomaly": (
        ANOMALY,
        "anomaly/ae --set weight_fraction=6 --set feature_fraction=6 --set charge=0.3,1,3,10 --search grid "
        "--events 50000 --epochs 20 --no-synthesise --jobs 1 --out runs/scan-anomaly",
    ),
}


def scan(command: str) -> dict[str, Any]:
    """What `qtrigger scan ... --json` prints."""
    call = [str(Path(sys.executable).parent / "qtrigger"), "scan", *command.split(), "--json"]
    printed = subprocess.run(call, stdout=subprocess.PIPE, text=True, check=True).stdout
    found: dict[str, Any] = json.loads(printed)
    return found


def table(found: dict[str, Any]) -> str:
    """The frontier, a line a point: what varies, the objectives, and what else a trigger asks for."""
    trials = {trial["key"]: trial for trial in found["trials"]}
    varied = [
        name
        for name in found["trials"][0]["parameters"]
        if len({str(trial["parameters"][name]) for trial in found["trials"]}) > 1
    ]
    wanted = [objective.partition(":")[0] for objective in found["objectives"]]
    columns = list(dict.fromkeys([*wanted, "luts", "dsps", "latency_ns"]))
    lines = [
        f"| trial | {' | '.join((*varied, *columns))} | source |",
        "|" + "---|" * (len(varied) + len(columns) + 2),
    ]
    for key in found["frontier"]:
        trial = trials[key]
        known = trial["fidelity"] | trial["figures"]
        cells = [str(trial["parameters"][name]) for name in varied] + [_number(known[name]) for name in columns]
        lines.append(f"| `{key[:4]}` | {' | '.join(cells)} | {trial['source']} |")
    return "\n".join([*lines, ""])


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"


def main(*wanted: str) -> None:
    """The ``wanted`` scans, or every one, then their pages."""
    for name in wanted or SCANS:
        page, command = SCANS[name]
        found = scan(command)
        out = Path(command.split("--out ")[1])
        shutil.copy(out / "frontier.png", IMAGES / f"scan-{name}.png")
        begin, end = f"<!-- scan {name} -->\n", f"<!-- /scan {name} -->"
        before, rest = page.read_text(encoding="utf-8").split(begin)
        text = f"    qtrigger scan {command}\n\n{table(found)}\n![Frontier](../images/scan-{name}.png)\n"
        page.write_text(before + begin + text + end + rest.split(end)[1], encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
