"""Networks that others trained, one after the other, as their owners would bring them: what comes in, and how.

    python -m benchmarks.public_models FOLDER [--events 300] [--largest-csim 20000000] [--jobs N]
        [--out FILE.jsonl] [--page FILE.md]

Each file goes through `qtrigger new`. What it refuses is cured as its message says (`--input-type`, `--softmax drop`,
`qtrigger quantize` with random events), and tried again. The project is built with the emulator, with the framework
that wrote the file (HGQ and HGQ 2 in environments of their own, see `qtrigger doctor`), and, where the network has at
most so many multiplications, with the C simulation. Results are kept in --out, so that the same command goes on where
it stopped, and a line taken out is made again; --page writes them as a table, beside what HGQ and HGQ 2 left in
their files: the bit operations of the trained network, by which their authors count LUTs.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import h5py
import numpy as np

from hls.errors import FirmwareError
from hls.importing.formats import import_model, plain_model
from hls.importing.importer import input_shape
from hls.project import read_project
from hls.witnesses import default_witnesses

PART = "xcvu13p-flga2577-2-e"
INPUT_TYPE = "ap_fixed<16,6>"
_CALIBRATION_EVENTS = 500
_SECONDS = 3600
_MOST_CURES = 5
LARGEST_CSIM = 20_000_000
_OUR_FAULT = "a fault of qtrigger"
_HARDWARE = ("csim", "rtl", "netlist")
"""Witnesses that are not asked, or only of networks that are small enough."""
_ONNX = ".onnx"
SUFFIXES = (".h5", ".hdf5", ".keras", _ONNX)


@dataclass(frozen=True)
class Outcome:
    """What became of one file: how it came in, and which witnesses agreed on how many events; or why it did not.

    ``excused`` counts events in which the framework differs from all others within its own float32; ``silent`` says of
    each witness that was asked and did not run why.
    """

    file: str
    kind: str
    cures: tuple[str, ...] = ()
    agreement: str | None = None
    events: int = 0
    excused: int = 0
    witnesses: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()
    layers: int = 0
    parameters: int = 0
    multiplications: int = 0
    luts: int = 0
    refusal: str | None = None
    seconds: float = 0.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 1 if a witness disagrees, or something ends in a fault of ours."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--events", type=int, default=300)
    parser.add_argument("--largest-csim", type=int, default=LARGEST_CSIM)
    parser.add_argument("--jobs", type=int, default=1, help="so many files at a time")
    parser.add_argument("--out", type=Path, default=Path("models.jsonl"))
    parser.add_argument("--page", type=Path)
    options = parser.parse_args(arguments)
    done = {outcome.file: outcome for outcome in _kept(options.out)}
    paths = [path for path in sorted(options.folder.iterdir()) if path.suffix in SUFFIXES and path.name not in done]
    with ThreadPoolExecutor(options.jobs) as pool:
        tasks = [pool.submit(bring_in, path, options.events, options.largest_csim) for path in paths]
        for task in as_completed(tasks):
            outcome = task.result()
            done[outcome.file] = outcome
            with options.out.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(asdict(outcome)) + "\n")
            sys.stderr.write(f"{_line(outcome)}\n")
    outcomes = [done[name] for name in sorted(done)]
    if options.page is not None:
        stated = {path.name: stated_bops(path) for path in options.folder.iterdir() if path.suffix in SUFFIXES}
        told = page(outcomes, options.events, options.largest_csim, stated=stated)
        options.page.write_text(told, encoding="utf-8")
    return int(any(o.agreement == "differs" or _OUR_FAULT in (o.refusal or "") for o in outcomes))


def _kept(path: Path) -> Iterator[Outcome]:
    if path.is_file():
        for line in path.read_text("utf-8").splitlines():
            found: dict[str, Any] = json.loads(line)
            lists = {key: tuple(value) for key, value in found.items() if isinstance(value, list)}
            kept: dict[str, Any] = {**found, **lists}
            yield Outcome(**kept)


def bring_in(path: Path, events: int, largest_csim: int) -> Outcome:
    """One file, in a folder of its own."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="public-model-") as name:
        place = Path(name)
        cures, refusal = _new(path.resolve(), place)
        report, told = (None, refusal) if refusal is not None else _build(place, events, largest_csim)
    seconds = round(time.monotonic() - started, 1)
    if report is None:
        named = told.replace(f"{path.parent}/", "")  # where the files lie is nobody's business
        return Outcome(path.name, kind(path), cures, refusal=named, seconds=seconds)
    verified, graph, witnesses = report["verification"], report["graph"], report["witnesses"]
    return Outcome(
        file=path.name,
        kind=kind(path),
        cures=cures,
        agreement=verified["agreement"],
        events=verified["events"],
        excused=max(found["float32_differs"] or 0 for found in witnesses.values()),
        witnesses=tuple(name for name, found in witnesses.items() if found["status"] == "ran"),
        silent=tuple(f"{name}: {found['reason']}" for name, found in witnesses.items() if found["reason"]),
        layers=graph["layers"],
        parameters=graph["parameters"],
        multiplications=graph["multiplications"],
        luts=next(figure["lut"] for figure in report["resources"] if figure["route"] == "rtl"),
        seconds=seconds,
    )


_WRITERS = (
    ("PQuantML", rb"PQuantML>"),
    ("HGQ 2", rb'"(module|registered_name)": "hgq'),
    ("HGQ", rb"HQuantize|HDense|HConv|FixedPointQuantizer"),
    ("QKeras", rb"quantized_|\"Q(Dense|Conv|Activation|Separable|Depthwise)|stochastic_|\bbinary\("),
)


def kind(path: Path) -> str:
    """Which framework wrote a file, in which container, by what stands in it."""
    if path.suffix == _ONNX:
        return "QONNX" if re.search(rb'qonnx|"\x05Quant|BipolarQuant', path.read_bytes()) else "ONNX"
    container, text = _architecture(path)
    writer = next((name for name, pattern in _WRITERS if re.search(pattern, text)), "Keras")
    return f"{writer}, {container}"


def _architecture(path: Path) -> tuple[str, bytes]:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return ".keras", archive.read("config.json")
    with h5py.File(path) as file:
        config = file.attrs.get("model_config", b"")
        version = str(file.attrs.get("keras_version", "weights only"))
        return f"HDF5 of {version}", config.encode() if isinstance(config, str) else bytes(config)


def stated_bops(path: Path) -> int | None:
    """Bit operations that HGQ or HGQ 2 counted in training and left in the file; None where there are none."""
    if not kind(path).startswith("HGQ"):
        return None
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            held = io.BytesIO(archive.read("model.weights.h5"))
            counts = _scalars(held, lambda name, value: value.dtype == np.uint32)
    else:
        counts = _scalars(path, lambda name, value: "bops" in name.rpartition("/")[2])
    return round(sum(counts)) if counts else None


def _scalars(file: Path | io.BytesIO, wanted: Callable[[str, h5py.Dataset], bool]) -> list[float]:
    """Numbers that stand alone in a file of HDF5."""
    found: list[float] = []

    def visit(name: str, value: object) -> None:
        if isinstance(value, h5py.Dataset) and value.shape == () and "optimizer" not in name and wanted(name, value):
            found.append(float(value[()]))

    with h5py.File(file) as store:
        store.visititems(visit)
    return found


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
        spec = plain_model(model)
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
    """The report of a build with emulator, framework and, where the network is not too large, the C simulation."""
    project = read_project(place / "firmware_projects" / "mine")
    graph = import_model(project.model_file(), project.file.model.statements())
    model = project.model_file()
    wanted = [name for name in default_witnesses(model) if name not in _HARDWARE]
    if model.suffix == _ONNX and "qonnx" not in wanted:
        wanted.append("qonnx")
    if graph.multiplications() <= largest_csim:
        wanted.append("csim")
    chosen = [part for name in wanted for part in ("--witness", name)]
    done = _qtrigger(place, "build", str(project.folder), "--events", str(events), *chosen)
    return _report(project.folder), _last(done)


def _report(project: Path) -> dict[str, Any] | None:
    path = project / "build" / "report.json"
    if not path.is_file():
        return None
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def _qtrigger(place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / "qtrigger"), *arguments]
    with subprocess.Popen(command, cwd=place, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            said, told = process.communicate(timeout=_SECONDS)
        except subprocess.TimeoutExpired:
            process.terminate()  # with what it has started
            process.communicate()
            return subprocess.CompletedProcess(command, 2, "", f"not done in {_SECONDS} seconds")
    return subprocess.CompletedProcess(command, process.returncode, said, told)


def _last(done: subprocess.CompletedProcess[str]) -> str:
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    told = " ".join(lines[-3:])[:2000] if lines else f"exit code {done.returncode}"
    if done.returncode < 0:
        return f"{_OUR_FAULT}: killed by signal {-done.returncode}, as the system does where memory ends"
    return f"{_OUR_FAULT}: {told}" if done.returncode not in (0, 1, 2) else told


def _line(outcome: Outcome) -> str:
    told = outcome.agreement or f"refused: {outcome.refusal}"
    return f"{outcome.file}: {told} ({', '.join(outcome.cures) or 'as it is'}) {outcome.seconds:.0f} s"


_HEAD = """\
# Networks that others trained

{came} of {files} public model files come in: {counts}. Of {three} emulator, framework and C simulation agree.{untried}

`python -m benchmarks.public_models FOLDER --events {events} --largest-csim {csim} --page docs/public-models.md` made
this page. It brings in every file of a folder as its owner would, with `qtrigger new`, and cures what is refused as the
message says. The files are of tutorials, taggers, MLPerf Tiny, detectors, an ECG, jet images, HGQ, HGQ 2, hls4ml's
example-models and QONNX.
Each was built with the emulator, the framework that wrote it and, up to {csim:,} multiplications, hls4ml's C
simulation, on {events} events over its whole input range, half of them corner events.

*quantize* stands for `qtrigger quantize` with {calibration} random events and 8 bits: the network of types that it
writes is then the one that is compared. LUTs are estimates of the fully parallel RTL ([estimates](estimates.md)), also
where a chip has fewer. *EBOPs* are the effective bit operations that HGQ and HGQ 2 counted when the network was trained
and left in the file: of the network placed and routed they are "roughly #LUTs + 55#DSPs"
([HGQ](https://pypi.org/project/HGQ/0.2.1/)), the one published figure that belongs to just these files. They count
products; roundings, wraps, tables and sums of branches, which a network of few products is made of, are in our LUTs
alone. The papers' tables are of other trainings of such networks (16 features of jets: HGQ 10,182 LUTs at 36 ns,
HGQ-LUT 5,667 at 9.2 ns, both as others transcribed them). The files are their owners' and are not part of this project.

| file | written by | brought in | layers | parameters | products | LUTs (ours) | EBOPs (theirs) | events | agreement |
|---|---|---|---|---|---|---|---|---|---|
"""


_AGREE = ("bit-exact", "within float32")
_THREE = 3


def page(
    outcomes: Sequence[Outcome],
    events: int,
    largest_csim: int,
    untried: int = 0,
    stated: Mapping[str, int | None] = MappingProxyType({}),
) -> str:
    """The table, how many of each, and every refusal with its cure; ``untried`` files of the folder are not in it.

    ``stated``: bit operations that files themselves state, by their names.
    """
    counts = Counter(outcome.agreement for outcome in outcomes if outcome.agreement is not None)
    head = _HEAD.format(
        events=events,
        csim=largest_csim,
        files=len(outcomes),
        untried=f" Of the folder {untried} more were not tried when this page was made." if untried else "",
        came=counts.total(),
        three=sum(o.agreement in _AGREE and len(o.witnesses) >= _THREE for o in outcomes),
        counts=", ".join(f"{count} {what}" for what, count in counts.most_common()),
        calibration=_CALIBRATION_EVENTS,
    )
    notes: list[str] = []
    rows = "".join(_row(outcome, notes, stated.get(outcome.file)) for outcome in outcomes)
    return head + rows + "\n" + "".join(f"{number}. {note}\n" for number, note in enumerate(notes, start=1))


def _row(o: Outcome, notes: list[str], stated: int | None) -> str:
    how = ", ".join("quantize" if cure.startswith("qtrigger quantize") else cure for cure in o.cures) or "as it is"
    if o.agreement is None:
        return f"| `{o.file}` | {o.kind} | {how} | | | | | | | refused {_note(o.refusal or '', notes)} |\n"
    bops = "" if stated is None else f"{stated:,}"
    sizes = " | ".join(f"{size:,}" for size in (o.layers, o.parameters, o.multiplications, o.luts))
    excused = f", {o.excused} within float32's own error" if o.excused else ""
    silent = "".join(f" {_note(reason, notes)}" for reason in o.silent)
    verdict = f"{o.agreement}: {', '.join(o.witnesses)}{excused}{silent}"
    return f"| `{o.file}` | {o.kind} | {how} | {sizes} | {bops} | {o.events:,} | {verdict} |\n"


def _note(text: str, notes: list[str]) -> str:
    """The number under which ``text`` stands below the table."""
    told = " ".join(text.replace("|", "\\|").split()).removeprefix("error: ")
    if told not in notes:
        notes.append(told)
    return f"[{notes.index(told) + 1}]"


if __name__ == "__main__":
    sys.exit(main())
