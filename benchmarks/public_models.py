"""Networks that others trained, one after the other, as their owners would bring them: what comes in, and how.

    python benchmarks/public_models.py FOLDER [--events 500] [--largest-csim 20000] [--out FILE.jsonl] [--page FILE.md]

Each file goes through `qtrigger new`. What it refuses is cured as its message says (`--input-type`, `--softmax drop`,
`qtrigger quantize` with random events), and tried again. The project is built with the emulator, with the framework
that wrote the file, and, where the network has at most so many multiplications, with the C simulation. Results are kept
in --out, so that the same command goes on where it stopped; --page writes them as a table.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hls.errors import FirmwareError
from hls.importing.importer import input_shape
from hls.importing.model_file import read_model

PART = "xcvu13p-flga2577-2-e"
INPUT_TYPE = "ap_fixed<16,6>"
_CALIBRATION_EVENTS = 500
_SECONDS = 900
_MOST_CURES = 5


@dataclass(frozen=True)
class Outcome:
    """What became of one file: how it came in, and which witnesses agreed on how many events; or why it did not."""

    file: str
    cures: tuple[str, ...]
    agreement: str | None
    events: int
    witnesses: tuple[str, ...]
    multiplications: int
    refusal: str | None
    seconds: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 1 if a witness disagrees or a traceback is seen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--events", type=int, default=500)
    parser.add_argument("--largest-csim", type=int, default=20_000)
    parser.add_argument("--out", type=Path, default=Path("models.jsonl"))
    parser.add_argument("--page", type=Path)
    options = parser.parse_args(arguments)
    done = {outcome.file: outcome for outcome in _kept(options.out)}
    for path in sorted(options.folder.iterdir()):
        if path.suffix in (".h5", ".hdf5", ".keras", ".onnx", ".json") and path.name not in done:
            done[path.name] = outcome = bring_in(path, options.events, options.largest_csim)
            with options.out.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(asdict(outcome)) + "\n")
            sys.stderr.write(f"{_line(outcome)}\n")
    outcomes = [done[name] for name in sorted(done)]
    if options.page is not None:
        options.page.write_text(page(outcomes, options.events), encoding="utf-8")
    return int(any(o.agreement == "differs" or "Traceback" in (o.refusal or "") for o in outcomes))


def _kept(path: Path) -> Iterator[Outcome]:
    if path.is_file():
        for line in path.read_text("utf-8").splitlines():
            found: dict[str, Any] = json.loads(line)
            yield Outcome(**{**found, "cures": tuple(found["cures"]), "witnesses": tuple(found["witnesses"])})


def bring_in(path: Path, events: int, largest_csim: int) -> Outcome:
    """One file, in a folder of its own."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="public-model-") as name:
        place = Path(name)
        cures, refusal = _new(path.resolve(), place)
        if refusal is not None:
            return Outcome(path.name, cures, None, 0, (), 0, refusal, time.monotonic() - started)
        report, told = _build(place, events, largest_csim)
        if report is None:
            return Outcome(path.name, cures, None, 0, (), 0, told, time.monotonic() - started)
    verified = report["verification"]
    ran = tuple(name for name, found in report["witnesses"].items() if found["status"] == "ran")
    multiplications = int(report["graph"]["multiplications"])
    seconds = time.monotonic() - started
    return Outcome(path.name, cures, verified["agreement"], verified["events"], ran, multiplications, None, seconds)


def _new(model: Path, place: Path) -> tuple[tuple[str, ...], str | None]:
    """`qtrigger new`, with the cures that its messages name; which, and the last refusal if none helped."""
    flags: dict[str, str] = {}
    quantized = False
    told = ""
    for _ in range(_MOST_CURES):
        given = [part for pair in flags.items() for part in pair]
        done = _qtrigger(place, "new", "mine", "--model", str(model), "--part", PART, *given)
        if done.returncode == 0:
            return _cures(flags, quantized), None
        told = _last(done)
        if "qtrigger quantize" in told and not quantized:
            refused = _quantize(model, place)
            if refused is not None:
                return _cures(flags, quantized), refused
            quantized, model = True, place / "quantized.keras"
        elif "--softmax" in told and "--softmax" not in flags:
            flags["--softmax"] = "drop"
        elif "--input-type" in told and "--input-type" not in flags:
            flags["--input-type"] = INPUT_TYPE
        else:
            break
    return _cures(flags, quantized), told


def _cures(flags: dict[str, str], quantized: bool) -> tuple[str, ...]:
    first = (f"qtrigger quantize, {_CALIBRATION_EVENTS} random events",) if quantized else ()
    return first + tuple(f"{flag} {value}" for flag, value in flags.items())


def _quantize(model: Path, place: Path) -> str | None:
    try:
        spec = read_model(model)
    except FirmwareError as error:
        return str(error)
    rng = np.random.default_rng(1)
    ports = {
        ref.layer: rng.normal(size=(_CALIBRATION_EVENTS, *input_shape(spec.layers[ref.layer]))).astype(np.float32)
        for ref in spec.inputs
    }
    np.savez(place / "events.npz", **ports)  # type: ignore[arg-type]  # its stub takes a keyword of its own for one
    done = _qtrigger(place, "quantize", str(model), "--events", "events.npz", "--bits", "8", "--out", "quantized.keras")
    return None if done.returncode == 0 else _last(done)


def _build(place: Path, events: int, largest_csim: int) -> tuple[dict[str, Any] | None, str]:
    project = "firmware_projects/mine"
    chosen = ["--witness", "emulator", "--witness", "qkeras", "--events", str(events)]
    done = _qtrigger(place, "build", project, *chosen)
    report = _report(place / project)
    if report is not None and report["graph"]["multiplications"] <= largest_csim:
        done = _qtrigger(place, "build", project, *chosen, "--witness", "csim")
        report = _report(place / project) or report
    return report, _last(done)


def _report(project: Path) -> dict[str, Any] | None:
    path = project / "build" / "report.json"
    if not path.is_file():
        return None
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def _qtrigger(place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / "qtrigger"), *arguments]
    try:
        return subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 124, "", f"not done in {_SECONDS} seconds")


def _last(done: subprocess.CompletedProcess[str]) -> str:
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    return " ".join(lines[-3:])[:2000] if lines else f"exit code {done.returncode}"


def _line(outcome: Outcome) -> str:
    told = outcome.agreement or f"refused: {outcome.refusal}"
    return f"{outcome.file}: {told} ({', '.join(outcome.cures) or 'as it is'}) {outcome.seconds:.0f} s"


def page(outcomes: Sequence[Outcome], events: int) -> str:
    """The table, and how many of each."""
    counts = Counter(outcome.agreement or "refused" for outcome in outcomes)
    lines = [
        "# Networks that others trained",
        "",
        f"Made by `python benchmarks/public_models.py FOLDER --events {events}`, over {len(outcomes)} public model "
        "files (tutorials, taggers, MLPerf Tiny, detectors, HGQ, HGQ2, hls4ml's example-models, QONNX's zoo), each "
        "brought in as it is or with the cure that the refusal names: "
        + ", ".join(f"{count} {what}" for what, count in counts.most_common())
        + ".",
        "",
        "| file | brought in | agreement | events | witnesses | multiplications |",
        "|---|---|---|---|---|---|",
    ]
    for o in outcomes:
        how = ", ".join(o.cures) or "as it is"
        if o.agreement is None:
            told = " ".join((o.refusal or "").replace("|", "\\|").split())
            lines.append(f"| `{o.file}` | {how} | refused: {told[:300]} | | | |")
        else:
            ran = ", ".join(o.witnesses)
            lines.append(f"| `{o.file}` | {how} | {o.agreement} | {o.events:,} | {ran} | {o.multiplications:,} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
