"""Learned precision of qtrigger beside HGQ2: LUTs at equal fidelity, every network compiled by alkaid alike.

    python3 -m venv peer && peer/bin/pip install HGQ2==0.2.0 alkaid==0.8.2 tensorflow-cpu==2.21.0
    python -m benchmarks.hgq2.compare two-body --peer peer/bin/python [--netlist]
    python -m benchmarks.hgq2.compare encoder-16 --peer peer/bin/python --collisions background.h5
    python -m benchmarks.hgq2.compare mlp16 --peer peer/bin/python --data jets.h5
    python -m benchmarks.hgq2.compare sets-16 --peer peer/bin/python --data jets.h5
    python -m benchmarks.hgq2.compare anomaly-ae --peer peer/bin/python --data background.h5 --events 100000

Both sides get the same events, loss, epochs, batches, clipped gradients and ramp of their charge; HGQ2 gets two
learning rates (one of mlp16, pair and semivisible; of anomaly-ae both get three), of which its
frontier takes the best. Each point is one training. Fidelity is Kendall tau on events of another seed, accuracy on the
validation jets, the encoder's loss on its validation events, or the mean AUC of the four signals in files beside the
background's. The ratio compares each of our points with the LUTs at which HGQ2's own frontier, interpolated in log LUT,
is as good. Points are kept in --out, so that the same command goes on where it stopped; other epochs or
events than those of a folder are refused.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.hgq2.frontiers import read, table
from benchmarks.hgq2.questions import AUTOENCODER, ENCODERS, JETS, OURS, QUESTIONS, Question

MODULE = "benchmarks.hgq2.compare"
HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PAGE = ROOT / "docs" / "how-it-works" / "learned-precision.md"
FIRST, RAMP, HARD_DC, SEED, TEST_SEED, CLOCK_NS = 1e-8, 0.6, 2, 1, 7, 5.0
EVENTS, TEST_EVENTS, EPOCHS = 400_000, 20_000, 40


def main() -> None:
    options = _options()
    if options.train is not None:
        _train(options, *options.train)
        return
    question = QUESTIONS[options.subject]
    require_one_budget(options)
    folders = {side: [_folder(options, side, *point) for point in points] for side, points in question.points.items()}
    missing = [f for some in folders.values() for f in some if not (f / "point.json").exists()]
    if options.subject in ENCODERS and missing:
        _write_clouds(options)
    if options.subject == AUTOENCODER and missing:
        _write_autoencoder(options)
    with ThreadPoolExecutor(options.jobs) as pool:
        for folder in pool.map(lambda folder: _run(options, folder), missing):
            sys.stderr.write(f"{folder.name}: {(folder / 'point.json').read_text()}\n")
    if options.netlist:
        for folder in (folder for some in folders.values() for folder in some):
            _synthesise(folder)
    told = table(question, {side: [read(folder) for folder in some] for side, some in folders.items()})
    sys.stdout.write(told)
    if options.publish:
        _publish(options.subject, options, told)


def require_one_budget(options: argparse.Namespace) -> None:
    """Points of a folder are of the epochs and events that it began with: others would be compared as if they were.

    Raises:
        SystemExit: others are asked for.
    """
    path = Path(options.out, options.subject, "budget.json")
    asked = {"epochs": options.epochs, "events": options.events}
    for name in ("data", "collisions"):
        if (file := getattr(options, name)) is not None:
            with file.open("rb") as stream:
                asked[name] = hashlib.file_digest(stream, "sha256").hexdigest()
    begun = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    other = [name for name, value in asked.items() if begun.get(name, value) != value]
    if other:
        raise SystemExit(f"{path.parent} has points of other {' and '.join(other)}: name another folder with --out")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(begun | asked), encoding="utf-8")


def _run(options: argparse.Namespace, folder: Path) -> Path:
    side, charge, rate = folder.name.split("_")
    call = [sys.executable, "-m", MODULE, *sys.argv[1:], "--train", side, charge, rate]
    quiet = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "OMP_NUM_THREADS": "1"}
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "log.txt").open("w", encoding="utf-8") as log:
        if subprocess.run(call, env=quiet, stdout=log, stderr=log, check=False).returncode:
            raise SystemExit(f"{folder.name} failed: see {folder / 'log.txt'}")
    return folder


def _train(options: argparse.Namespace, side: str, charge: str, rate: str) -> None:
    """One point, in this process or the peer's."""
    folder, question = _folder(options, side, float(charge), float(rate)), QUESTIONS[options.subject]
    result = (
        _ours(options, folder, question, float(charge), float(rate))
        if side == OURS
        else _peer(options, folder, question, float(charge), float(rate))
    )
    (folder / "point.json").write_text(json.dumps(result), encoding="utf-8")


def _ours(options: argparse.Namespace, folder: Path, question: Question, charge: float, rate: float) -> dict[str, Any]:
    from benchmarks.hgq2 import ours
    from hls.emulation import emulate
    from hls.importing import import_keras
    from hls.rtl import write_rtl
    from qmodels.training.precision.charge import Charge

    training = ours.Training(
        Charge(FIRST, charge, RAMP), options.epochs, question.batch, rate, question.clip or None, SEED
    )
    if options.subject in ENCODERS:
        fidelity = ours.encoder(_reference(options), np.load(_clouds(options)), training, folder)
    elif options.subject in JETS:
        ours.jets(options.subject, options.data, training, folder)
    elif options.subject == AUTOENCODER:
        ours.autoencoder(_reference(options), np.load(_clouds(options)), options.events, training, folder)
    else:
        ours.event_variable(options.subject, options.events, training, folder)
    graph = import_keras(folder / "model.h5")
    if options.subject not in ENCODERS:
        fidelity = _measured(options, lambda inputs: emulate(graph, inputs))
    project = write_rtl(graph, "ours", folder / "rtl", CLOCK_NS, hard_dc=HARD_DC)
    return {"fidelity": fidelity, "luts": project.cost, "latency_ns": project.stages * CLOCK_NS}


def _peer(options: argparse.Namespace, folder: Path, question: Question, charge: float, rate: float) -> dict[str, Any]:
    call = [options.peer, str(HERE / "peer.py")]
    if options.subject in ENCODERS:
        call += ["encoder", "--folder", str(_reference(options)), "--clouds", str(_clouds(options))]
    elif options.subject == AUTOENCODER:
        call += ["autoencoder", "--events", str(options.events)]
        call += ["--folder", str(_reference(options)), "--clouds", str(_clouds(options))]
    elif options.subject in JETS:
        call += ["jets", "--variant", options.subject, "--data", str(options.data)]
    else:
        call += ["event-variable", "--variant", options.subject, "--events", str(options.events)]
    settings = {"charge": charge, "first": FIRST, "ramp": RAMP, "epochs": options.epochs, "batch": question.batch}
    settings |= {"rate": rate, "clip": question.clip, "seed": SEED, "hard-dc": HARD_DC, "out": folder}
    call += [text for name, value in settings.items() for text in (f"--{name}", str(value))]
    # From the folder of the script alone: an installed qtrigger would bring the other qkeras along.
    subprocess.run(call, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=True)
    told = json.loads((folder / "peer.json").read_text(encoding="utf-8"))
    comb = _peer_logic(folder)
    fidelity = told["val_loss"]
    if options.subject not in ENCODERS:
        fidelity = _measured(options, lambda inputs: comb.predict(inputs.reshape(len(inputs), -1)))
    project = _peer_project(folder)
    return {"fidelity": fidelity, "luts": told["cost"], "latency_ns": project.stages * CLOCK_NS}


def _measured(options: argparse.Namespace, network: Any) -> float:
    if options.subject == AUTOENCODER:
        from benchmarks.hgq2.anomalies import mean_auc

        return mean_auc(options.data, network)
    return _accuracy(options, network) if options.subject in JETS else _tau(options, network)


def _accuracy(options: argparse.Namespace, network: Any) -> float:
    """Of the tenth of the jets that neither side was trained on."""
    from qmodels.jets.metrics import accuracy
    from qmodels.jets.samples.files import read_jets
    from qmodels.jets.training import split
    from qmodels.jets.variants import find_variant

    variant = find_variant(options.subject)
    jets = read_jets(options.data, variant.constituents)
    order, trained = split(len(jets), SEED)
    kept = jets.chosen(order[trained:])
    logits = np.asarray(network(variant.inputs(kept)), np.float64)
    return accuracy(logits.reshape(len(kept), -1), kept.classes)


def _tau(options: argparse.Namespace, network: Any) -> float:
    from qmodels.event_variables.events import generate
    from qmodels.event_variables.fidelity import correlations
    from qmodels.event_variables.human import human_variable
    from qmodels.event_variables.variants import INPUT_SCALE

    sample = generate(options.subject, TEST_EVENTS, TEST_SEED)
    v = np.asarray(network(sample.inputs * np.float32(INPUT_SCALE)), np.float64).reshape(-1, 1)
    return correlations(v, human_variable(options.subject, sample.inputs))[1]


def _peer_logic(folder: Path) -> Any:
    from alkaid.types import CombLogic

    return CombLogic.load(folder / "comb.json")


def _peer_project(folder: Path) -> Any:
    """HGQ2's logic as Verilog, cut into the same pipeline as ours."""
    from hls.rtl.logic import Core
    from hls.rtl.rtl_project import VERILOG, RtlProject, write_core

    source = folder / "rtl" / "src"
    source.mkdir(parents=True, exist_ok=True)
    comb = _peer_logic(folder)
    stages = write_core(VERILOG, Core(comb, (), (), ()), "peer", source, CLOCK_NS, first=True)
    files = tuple(f"src/{path.name}" for path in sorted(source.iterdir()))
    return RtlProject(folder / "rtl", "peer", files, (), (), CLOCK_NS, stages, 0)


def _synthesise(folder: Path) -> None:
    from hls.importing import import_keras
    from hls.rtl import write_rtl
    from hls.rtl.netlist import FAMILIES, synthesise

    told = json.loads((folder / "point.json").read_text(encoding="utf-8"))
    if "netlist" in told:
        return
    ours = (folder / "model.h5").exists()
    graph = import_keras(folder / "model.h5") if ours else None
    project = _peer_project(folder) if graph is None else write_rtl(graph, "ours", folder / "rtl", CLOCK_NS)
    found = synthesise(project, FAMILIES["xcup"], folder / "cache").resources
    told["netlist"] = [found.lut_low, found.lut_high]
    (folder / "point.json").write_text(json.dumps(told), encoding="utf-8")


def _publish(subject: str, options: argparse.Namespace, table: str) -> None:
    begin, end = f"<!-- hgq2 {subject} -->\n", f"<!-- /hgq2 {subject} -->"
    before, rest = PAGE.read_text(encoding="utf-8").split(begin)
    given = "" if options.events == EVENTS else f" --events {options.events}"
    for name in ("data", "collisions"):
        path = getattr(options, name)
        given += f" --{name} {path.name}" if path else ""
    call = f"`python -m benchmarks.hgq2.compare {subject} --epochs {options.epochs}{given}`"
    text = f"{call}, on {_trained_on(subject, options)}:\n"
    PAGE.write_text(f"{before}{begin}{text}\n```text\n{table}```\n{end}{rest.split(end)[1]}", encoding="utf-8")


def _trained_on(subject: str, options: argparse.Namespace) -> str:
    """Of jets all that are in the file, of which a tenth validates."""
    if subject in JETS:
        from qmodels.jets.samples.files import read_jets

        return f"{len(read_jets(options.data, most=1)):,} jets"
    return "its own events" if options.data or subject in ENCODERS else f"{options.events:,} events"


def _folder(options: argparse.Namespace, side: str, charge: float, rate: float) -> Path:
    return Path(options.out, options.subject, f"{side}_{charge:g}_{rate:g}")


def _reference(options: argparse.Namespace) -> Path:
    """The folder of the float networks that both sides start from."""
    if options.subject == AUTOENCODER:
        return Path(options.out, options.subject)
    return ROOT / "firmware_projects" / f"compression-{options.subject}"


def _clouds(options: argparse.Namespace) -> Path:
    return Path(options.out, options.subject, "clouds.npy")


def _write_clouds(options: argparse.Namespace) -> None:
    from qmodels.compression.inputs import transport_targets
    from qmodels.compression.presets import particle_count
    from qmodels.compression.samples.collision_files import read_collisions

    path = _clouds(options)
    if path.exists():
        return
    if options.collisions is None:
        raise SystemExit("--collisions: the file that the float encoder was trained on is needed")
    path.parent.mkdir(parents=True, exist_ok=True)
    particles: npt.NDArray[np.float32] = read_collisions(options.collisions).particles
    np.save(path, transport_targets(particles, particle_count(options.subject)))


def _write_autoencoder(options: argparse.Namespace) -> None:
    """The collisions to train on, and the float network of them."""
    folder = _reference(options)
    if (folder / "reference.h5").exists():
        return
    if options.data is None:
        raise SystemExit("--data: collisions of the background are needed, with those of each signal beside them")
    from benchmarks.hgq2 import anomalies, ours
    from qmodels.anomaly.samples.files import read_events

    folder.mkdir(parents=True, exist_ok=True)
    collisions = anomalies.split(read_events(options.data))[0]
    np.save(_clouds(options), collisions)
    ours.float_autoencoder(collisions, options.events, SEED, folder)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("subject", choices=QUESTIONS)
    parser.add_argument("--peer", required=True, help="Python of the environment that has HGQ2")
    parser.add_argument("--events", type=int, default=EVENTS, help="of an epoch")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--data", type=Path, help="jets, or collisions of the background, of `qtrigger data`")
    parser.add_argument("--collisions", type=Path, help="training events of the encoder")
    parser.add_argument("--netlist", action="store_true", help="synthesise the points with Yosys too (minutes each)")
    parser.add_argument("--publish", action="store_true", help=f"write the table into {PAGE.relative_to(ROOT)}")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, default=ROOT / "runs" / "hgq2")
    parser.add_argument("--train", nargs=3, metavar=("SIDE", "CHARGE", "RATE"), help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
