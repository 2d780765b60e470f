"""Architecture and weights straight out of a ``.keras`` or ``.h5`` file, with h5py: no Keras, nothing executed."""

from __future__ import annotations

import io
import json
import re
import zipfile
import zlib
from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np
import numpy.typing as npt

from hls.errors import ModelFileError
from hls.importing.architecture import Weights, check_model, layer_entries, parse_model
from hls.importing.formats import existing_file
from hls.importing.spec import ModelSpec

_LARGEST_ARCHITECTURE, _LARGEST_WEIGHTS = 64 << 20, 2 << 30
_MOST_NUMBERS = 1 << 28
"""Of one array: firmware has no place for a thousandth of that, and a damaged header may declare anything."""
_SAVE_AGAIN = "save it again with model.save('model.keras') or model.save('model.h5')"


def read_model(path: str | Path) -> ModelSpec:
    """The model in a file.

    Raises:
        ModelFileError: missing, truncated, not a Keras file, or NaN or infinite weights.
        UnsupportedError: Lambda layers, pickled objects, subclassed models.
    """
    file = existing_file(Path(path))
    held = container(file)
    try:
        if held == "zip":
            return _read_keras(file)
        if held == "hdf5":
            return _read_h5(file)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile, zlib.error, RuntimeError, EOFError) as error:
        raise ModelFileError(f"{file}: truncated or damaged ({_short(error)}); {_SAVE_AGAIN}") from error
    raise ModelFileError(f"{file}: neither HDF5 nor a .keras archive; {_SAVE_AGAIN}")


def container(file: Path) -> Literal["zip", "hdf5"] | None:
    """What holds the model, by its first bytes."""
    with file.open("rb") as stream:
        magic = stream.read(8)
    if magic.startswith(b"PK"):
        return "zip"
    return "hdf5" if magic == b"\x89HDF\r\n\x1a\n" else None


def _short(error: BaseException) -> str:
    return str(error).splitlines()[0][:100] if str(error) else type(error).__name__


def _read_keras(file: Path) -> ModelSpec:
    with zipfile.ZipFile(file) as archive:
        architecture = check_model(json.loads(_member(archive, "config.json", _LARGEST_ARCHITECTURE)), str(file))
        data = _member(archive, "model.weights.h5", _LARGEST_WEIGHTS)
    with h5py.File(io.BytesIO(data), "r") as store:
        return parse_model(architecture, _keras3_weights(store, architecture, str(file)), str(file))


def _member(archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    """One member of the archive, unpacked no further than ``limit`` bytes, whatever it declares."""
    with archive.open(name) as stream:
        data = stream.read(limit + 1)
    if len(data) > limit:
        raise ModelFileError(f"{archive.filename}: {name} unpacks to more than {limit >> 20} MiB; is it a model?")
    return data


def _read_h5(file: Path) -> ModelSpec:
    with h5py.File(file, "r") as store:
        text = store.attrs.get("model_config")
        if text is None:
            raise ModelFileError(f"{file}: holds no architecture (only weights?); {_SAVE_AGAIN}")
        architecture = check_model(json.loads(text.decode() if isinstance(text, bytes) else text), str(file))
        return parse_model(architecture, _legacy_weights(store, str(file)), str(file))


def _legacy_weights(store: h5py.File, source: str) -> Weights:
    root = store.get("model_weights", store)

    def weights(layer: str, kind: str) -> tuple[npt.NDArray[np.float32], ...]:
        if layer not in root:
            return ()
        group = _group(root, layer, source)
        names = [n.decode() if isinstance(n, bytes) else str(n) for n in np.ravel(group.attrs.get("weight_names", []))]
        return tuple(_finite(group[name], f"{source}: weight {name!r} of layer {layer!r}") for name in names)

    return weights


def _group(parent: h5py.Group, name: str, source: str) -> h5py.Group:
    found = parent.get(name)
    if not isinstance(found, h5py.Group):
        raise ModelFileError(f"{source}: {name!r} is no group of weights; {_SAVE_AGAIN}")
    return found


def _keras3_weights(store: h5py.File, architecture: dict[str, Any], source: str) -> Weights:
    root = _group(store, "layers" if "layers" in store else "_layer_checkpoint_dependencies", source)
    variables = {key: _group(_group(root, key, source), "vars", source) for key in root}
    groups = {str(held.attrs["name"]): key for key, held in variables.items() if "name" in held.attrs}
    if not groups:
        groups = _groups_by_order(architecture)

    def weights(layer: str, kind: str) -> tuple[npt.NDArray[np.float32], ...]:
        key = groups.get(layer)
        if key is None or key not in variables:
            return ()
        held = variables[key]
        return tuple(
            _finite(held[index], f"{source}: weight {index} of layer {layer!r}")
            for index in sorted((name for name in held if name.isdigit()), key=int)
        )

    return weights


def _groups_by_order(architecture: dict[str, Any]) -> dict[str, str]:
    """Group names as early Keras 3 gave them: snake-cased class names, numbered in the order of the layers."""
    counts: dict[str, int] = {}
    groups = {}
    for entry in layer_entries(architecture):
        base = re.sub(r"([a-z])([A-Z])", r"\1_\2", re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", entry["class_name"]))
        base = base.lower()
        count = counts.get(base, 0)
        counts[base] = count + 1
        groups[str(entry["config"]["name"])] = f"{base}_{count}" if count else base
    return groups


def _finite(dataset: h5py.Dataset, what: str) -> npt.NDArray[np.float32]:
    if not isinstance(dataset, h5py.Dataset):
        raise ModelFileError(f"{what} is no array; {_SAVE_AGAIN}")
    if dataset.size is None or dataset.size > _MOST_NUMBERS:
        raise ModelFileError(f"{what} declares {dataset.size} numbers, at most {_MOST_NUMBERS:,} are read")
    values = np.asarray(dataset[()])
    if values.dtype.kind not in "fiu":
        raise ModelFileError(f"{what} has dtype {values.dtype}; weights must be numbers")
    if not np.isfinite(values).all():
        raise ModelFileError(f"{what} is NaN or infinite in {int((~np.isfinite(values)).sum())} places; train again")
    return values.astype(np.float32)
