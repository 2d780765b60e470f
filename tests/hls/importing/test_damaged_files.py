"""Whatever a model file holds, it is taken or refused by one line: damage never ends in a traceback."""

from __future__ import annotations

import io
import json
import random
import shutil
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from hls.errors import FirmwareError, ModelFileError
from hls.importing import import_keras
from tests.damage.mutators import damaged
from tests.hls.importing.files import activation, layer, operator, port, tensor, write

KERAS2 = Path(__file__).parent.parent / "data" / "qkeras09_keras2.h5"


def refused_or_taken(path: Path) -> None:
    try:
        import_keras(path, input_type="ap_fixed<8,3>")
    except FirmwareError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize("seed", range(6))
def test_an_archive_whose_architecture_is_damaged(seed: int, tmp_path: Path) -> None:
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
    path = write(tmp_path / "model.keras", layers, "out")
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    whole, chance = json.loads(members["config.json"]), random.Random(seed)
    for _ in range(60):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("config.json", json.dumps(damaged(whole, chance)))
            archive.writestr("model.weights.h5", members["model.weights.h5"])
        refused_or_taken(path)


@pytest.mark.parametrize("seed", range(3))
def test_an_hdf5_file_whose_architecture_is_damaged(seed: int, tmp_path: Path) -> None:
    path = tmp_path / "model.h5"
    shutil.copy(KERAS2, path)
    chance = random.Random(seed)
    with h5py.File(path) as file:
        whole = json.loads(file.attrs["model_config"])
    for _ in range(40):
        with h5py.File(path, "r+") as file:
            file.attrs["model_config"] = json.dumps(damaged(whole, chance))
        refused_or_taken(path)


@pytest.mark.parametrize("seed", range(3))
def test_an_hdf5_file_with_flipped_bytes(seed: int, tmp_path: Path) -> None:
    path, chance, whole = tmp_path / "model.h5", random.Random(seed), bytearray(KERAS2.read_bytes())
    for _ in range(40):
        copy = bytearray(whole)
        for _ in range(chance.randint(1, 8)):
            copy[chance.randrange(len(copy))] = chance.randrange(256)
        path.write_bytes(copy)
        refused_or_taken(path)


def test_what_a_header_declares_is_not_allocated(tmp_path: Path) -> None:
    """Three gibibytes of zeros fit into a kilobyte of HDF5, and into a kilobyte of an archive."""
    path = tmp_path / "model.h5"
    shutil.copy(KERAS2, path)
    with h5py.File(path, "r+") as file:
        root = file["model_weights"]
        group = next(root[name] for name in root if len(root[name].attrs.get("weight_names", ())))
        name = group.attrs["weight_names"][0]
        del group[name]
        group.create_dataset(name, shape=(30000, 30000), dtype=np.float32)
    with pytest.raises(ModelFileError, match="declares 900000000 numbers"):
        import_keras(path)


def test_a_member_of_an_archive_is_unpacked_up_to_a_limit(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", b" " * (65 << 20))
        archive.writestr("model.weights.h5", io.BytesIO().getvalue())
    with pytest.raises(ModelFileError, match=r"config\.json unpacks to more than 64 MiB"):
        import_keras(path)
