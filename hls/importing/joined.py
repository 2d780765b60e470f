"""One whole model file of two: the weights that ``save_weights`` wrote, and the architecture that they belong to."""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py

from hls.errors import ModelFileError
from hls.importing.architecture import all_entries
from hls.importing.formats import existing_file
from hls.importing.model_file import WEIGHTS_MEMBER, container, damage_told, read_architecture, weight_holder
from hls.machine.files import whole_file
from hls.machine.hdf5 import read_hdf5, whole_hdf5

_DEEPEST = 8
"""Slashes in the name of a layer."""


@contextmanager
def whole_model(model: Path, architecture: Path | None) -> Iterator[Path]:
    """``model`` itself, or a file that lasts as long as the block and holds the architecture too.

    Raises:
        ModelFileError: as :func:`join`.
    """
    if architecture is None:
        yield model
        return
    with tempfile.TemporaryDirectory(prefix="qtrigger-model-") as name:
        yield join(model, architecture, Path(name) / model.stem)


def join(weights: Path, architecture: Path, stem: Path) -> Path:
    """Write a whole model to ``stem`` with the suffix of its format, ``.h5`` or ``.keras``; returns that path.

    ``architecture``: the JSON of ``model.to_json()``, or a whole model file, whose weights are left out.

    Raises:
        ModelFileError: one of them is missing, damaged or something else, or they are not of one model.
    """
    if existing_file(weights).name.endswith(".weights.json"):
        raise ModelFileError(
            f"{weights}: the list of several files that save_weights(max_shard_size=...) wrote; save the weights in "
            "one, with model.save_weights('model.weights.h5')"
        )
    if container(weights) != "hdf5":
        raise ModelFileError(
            f"{weights}: Keras writes weights as HDF5, which this is not; name the file of save_weights"
        )
    described = read_architecture(architecture)
    with damage_told(weights), read_hdf5(weights) as store:
        if "model_config" in store.attrs:
            raise ModelFileError(f"{weights}: holds an architecture of its own; leave {architecture.name} out")
        holder = weight_holder(store)
        stored = set(_names(store if holder is None else store[holder], of_keras2=holder is None))
    _require_one_model(stored, described, weights, architecture)
    if holder is None:
        return _as_hdf5(weights, described, stem.parent / f"{stem.name}.h5")
    return _as_archive(weights, described, stem.parent / f"{stem.name}.keras")


def _names(groups: h5py.Group, *, of_keras2: bool, before: str = "") -> Iterator[str]:
    """Of the layers that have weights, as far as the file says them; a layer of Keras 2 may be called "conv1/bn"."""
    for key, group in groups.items():
        if of_keras2:
            if "weight_names" not in group.attrs and before.count("/") < _DEEPEST and _holds_groups(group):
                yield from _names(group, of_keras2=True, before=f"{before}{key}/")
            elif len(group):
                yield before + key
        elif "vars" in group and "name" in group["vars"].attrs and len(group["vars"]):
            yield str(group["vars"].attrs["name"])


def _holds_groups(group: h5py.Group) -> bool:
    return len(group) > 0 and all(isinstance(inner, h5py.Group) for inner in group.values())


def _require_one_model(stored: set[str], described: dict[str, Any], weights: Path, architecture: Path) -> None:
    strange = sorted(stored - {name for name, _ in all_entries(described)})
    if strange:
        raise ModelFileError(
            f"{architecture}: has no layers {', '.join(strange)}, whose weights are in {weights}; give it the "
            "model.to_json() of the model whose save_weights wrote them"
        )


def _as_hdf5(weights: Path, described: dict[str, Any], out: Path) -> Path:
    """As Keras 2 saves a whole model: the groups one level down, the architecture beside them."""
    with read_hdf5(weights) as store, whole_hdf5(out) as whole:
        inner = whole.create_group("model_weights")
        inner.attrs.update(store.attrs)
        for key in store:
            store.copy(key, inner)
        whole.attrs.update({key: str(described[key]) for key in ("keras_version", "backend") if key in described})
        whole.attrs["model_config"] = json.dumps(described)
    return out


def _as_archive(weights: Path, described: dict[str, Any], out: Path) -> Path:
    """As Keras 3 saves a whole model: a zip archive in which the weights are the file that they were."""
    metadata = {"keras_version": str(described.get("keras_version", "3.0.0"))}
    with whole_file(out) as draft, zipfile.ZipFile(draft, "w") as archive:
        archive.writestr("metadata.json", json.dumps(metadata))
        archive.writestr("config.json", json.dumps(described))
        archive.write(weights, WEIGHTS_MEMBER)
    return out
