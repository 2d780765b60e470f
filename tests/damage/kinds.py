"""The kinds of files that users hand to us: whole ones to begin with, what damages each, and who reads it."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import h5py
import numpy as np

from hls.errors import FirmwareError
from hls.events import Choice, gather, parse_features, read_events
from hls.importing import import_keras, import_model
from hls.project import read_project
from hls.project.expected import Expected, ExpectedMetric, read_expected, write_expected
from hls.project.systems.finding import find_system
from qmodels.compression.packing.latent_layout import read_layout
from qmodels.compression.packing.packet_files import read_packet_header, read_packets, write_packets
from qmodels.compression.packing.payloads import Sent
from qmodels.compression.packing.symbols import quantize
from qmodels.compression.packing.trellis import trellis_symbols, trellis_values
from qmodels.compression.samples.collision_files import CollisionHeader, read_collisions, write_collisions
from qmodels.compression.samples.selection import Rows, Selection
from tests.conftest import TOML
from tests.damage.mutators import (
    Mutator,
    archive_damaged,
    bytes_damaged,
    hdf5_damaged,
    json_damaged,
    npy_damaged,
    packets_damaged,
    toml_damaged,
)
from tests.hls.importing.files import activation, layer, operator, port, tensor, write
from tests.hls.importing.onnx_files import QUANTIZED
from tests.models import write_model
from tests.qmodels.compression.layouts import random_layout, trellis_layout

_DATA = Path(__file__).parent.parent / "hls" / "data"
_PROJECTS = Path(__file__).parents[2] / "firmware_projects"
GOOD = ("taken", "refused")
"""Outcomes that are no fault."""
_TOML = (
    TOML
    + """max_events = { emulator = 100 }

[budget]
latency_ns = 100
luts = 5000
auc_min = 0.5
"""
)


@dataclass(frozen=True)
class Kind:
    """``name`` is that of the file in its folder; ``whole`` writes one there, and what its reader needs beside it."""

    name: str
    whole: Callable[[Path], object]
    damage: Mutator
    read: Callable[[Path], object]


def _h5_model(path: Path) -> None:
    shutil.copy(_DATA / "qkeras09_keras2.h5", path)


def _project_model(path: Path) -> None:
    shutil.copy(_PROJECTS / "evn-two-body" / "model.h5", path)


def _keras_model(path: Path) -> None:
    x = tensor("q")
    layers = [
        port("x", 4, 2),
        activation("q", {"class_name": "quantized_bits", "config": {"bits": 8, "integer": 3, "alpha": 1}}, "x"),
        operator("Multiply", "half", x, 0.5),
        layer("ReLU", "r", tensor("half"), max_value=2.0),
        layer("AveragePooling1D", "p", tensor("r"), pool_size=[2], strides=[2], padding="valid"),
        layer("Flatten", "f", tensor("p")),
        activation("out", "quantized_relu(4,2)", "f"),
    ]
    write(path, layers, "out")


def _project(path: Path) -> None:
    write_model(path.with_name("model.h5"))
    path.write_text(_TOML, encoding="utf-8")


def _read_project(path: Path) -> None:
    read_project(path.parent).limits()


def _expected(path: Path) -> None:
    metrics = {"auc": ExpectedMetric(value=0.9), "curve": ExpectedMetric(value=[0.1, 0.2])}
    found = Expected(graph_digest="0" * 64, events=100, witnesses=["emulator", "csim"], fidelity=metrics)
    write_expected(path.parent, found)


def _npy(path: Path) -> None:
    np.save(path, np.random.default_rng(1).normal(size=(20, 4)))


def _npz(path: Path) -> None:
    np.savez(path, x=np.random.default_rng(1).normal(size=(20, 4)))


def _h5_events(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=np.random.default_rng(1).normal(size=(20, 4)), compression="gzip")
        file["other"] = np.arange(3)


def _csv(path: Path) -> None:
    path.write_text("a,b,c,d\n" + "1.5,2,-3,4e-1\n0,1,2,3\n" * 10, encoding="utf-8")


def _root(path: Path) -> None:
    import uproot

    with uproot.recreate(path) as file:
        file.mktree("Events", dict.fromkeys("abcd", "float32"))
        file["Events"].extend({name: np.arange(20, dtype="f4") for name in "abcd"})


def _read_named_events(path: Path) -> None:
    read_events(path, {"x": (4,)}, Choice(parse_features(["a,b,c,d"])))


def _read_events(path: Path) -> None:
    model = path.with_name("model.h5")
    if not model.exists():
        write_model(model)
    gather(import_keras(model), None, events=None, seed=1, inputs=path, default=10)


def _system_events(path: Path) -> None:
    find_system("two-body").writer.write_events("two-body", 20, 1, path, lambda done, total: None)


def _read_system_events(path: Path) -> None:
    find_system("two-body").read(path)


def _collisions(path: Path) -> None:
    rng = np.random.default_rng(1)
    particles = -np.sort(-rng.uniform(1, 99, (20, 50, 3)).astype(np.float32), axis=1) / [1, 99, 99]
    muons = np.zeros((20, 2, 3), np.float32)
    header = CollisionHeader("background", 1, "by hand", 20, {}, Selection())
    rows = Rows(particles.astype(np.float32), muons, np.full(20, 60, np.int32))
    write_collisions(path, [rows], lambda: header)


def _packets(path: Path) -> None:
    layout = random_layout(1)
    where = np.zeros(150, np.int64)
    raw = np.random.default_rng(2).integers(-999, 999, (150, 4))
    totals = np.stack([1 + np.abs(raw[:, 0]) % 300, np.abs(raw[:, 1])], axis=1)
    sent = Sent(quantize(raw, where, layout, "entropy"), where, totals)
    write_packets(path, sent, layout, "entropy", "mine", 64)


def _read_packets(path: Path) -> None:
    read_packet_header(path)
    read_packets(path, random_layout(1))


def _trellis_packets(path: Path) -> None:
    layout = trellis_layout(1)
    raw = np.random.default_rng(2).integers(-999, 999, (150, layout.latents))
    totals = np.stack([1 + np.abs(raw[:, 0]) % 300, np.abs(raw[:, 1])], axis=1)
    symbols = trellis_symbols(raw, layout.points[0].trellis, layout.fraction, 64)
    write_packets(path, Sent(symbols, np.zeros(150, np.int64), totals), layout, "trellis", "mine", 64)


def _read_trellis_packets(path: Path) -> None:
    layout = trellis_layout(1)
    sent = read_packets(path, layout).sent
    if len(sent.points):
        trellis_values(sent.symbols, layout.points[int(sent.points[0])].trellis)


def _latent_layout(path: Path) -> None:
    trellis_layout(1).write(path)


def _read_model(path: Path) -> None:
    import_keras(path, input_type="ap_fixed<8,3>")


KINDS: Mapping[str, Kind] = {
    "model .h5, Keras 2": Kind("model.h5", _h5_model, hdf5_damaged, _read_model),
    "model .h5": Kind("model.h5", _project_model, hdf5_damaged, _read_model),
    "model .keras": Kind("model.keras", _keras_model, archive_damaged, _read_model),
    "model .onnx": Kind("model.onnx", QUANTIZED.write, bytes_damaged, import_model),
    "project.toml": Kind("project.toml", _project, toml_damaged, _read_project),
    "expected.json": Kind("expected.json", _expected, json_damaged, lambda path: read_expected(path.parent)),
    "events .npy": Kind("events.npy", _npy, npy_damaged, _read_events),
    "events .npz": Kind("events.npz", _npz, archive_damaged, _read_events),
    "events .h5": Kind("events.h5", _h5_events, hdf5_damaged, _read_events),
    "events .csv": Kind("events.csv", _csv, bytes_damaged, _read_events),
    "events .root": Kind("events.root", _root, bytes_damaged, _read_named_events),
    "events of a system": Kind("events.h5", _system_events, hdf5_damaged, _read_system_events),
    "collisions of a system": Kind("events.h5", _collisions, hdf5_damaged, read_collisions),
    "packets .qtb": Kind("events.qtb", _packets, packets_damaged, _read_packets),
    "packets .qtb, trellis": Kind("events.qtb", _trellis_packets, packets_damaged, _read_trellis_packets),
    "latent_layout.json": Kind("latent_layout.json", _latent_layout, json_damaged, read_layout),
}


@cache
def whole(kind: str) -> bytes:
    """The content of an undamaged file."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, KINDS[kind].name)
        KINDS[kind].whole(path)
        return path.read_bytes()


def write_damaged(kind: str, folder: Path, seed: int, number: int) -> Path:
    """File ``number`` of a ``seed`` in ``folder``, with what its reader needs beside it: each time the same damage."""
    chance = random.Random(f"{seed} {kind} {number}")
    path = folder / KINDS[kind].name
    if kind == "project.toml":
        _project(path)
    content = whole(kind)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        mutate = bytes_damaged if chance.random() < 0.35 else KINDS[kind].damage
        try:
            content = mutate(content, chance)
        except Exception:  # noqa: BLE001 (what is damaged already may not be damaged by its format once more)
            content = bytes_damaged(content or b"x", chance)
    path.write_bytes(content)
    return path


def outcome(kind: str, path: Path) -> str:
    """ "taken", or "refused" in one line; anything else is a fault, named by the class of the error."""
    try:
        KINDS[kind].read(path)
    except FirmwareError as error:
        return "refused" if "\n" not in str(error) else "two lines"
    except Exception as error:  # noqa: BLE001 (that is what is looked for)
        return f"{type(error).__name__}: {error}"
    return "taken"
