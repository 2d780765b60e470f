"""Architecture and weights straight out of a ``.keras`` or ``.h5`` file, with h5py: no Keras, nothing executed."""

from __future__ import annotations

import io
import json
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np
import numpy.typing as npt

from hls.errors import ModelFileError
from hls.importing.architecture import (
    MODELS,
    all_entries,
    check_model,
    layer_entries,
    layer_kind,
    layer_name,
    parse_model,
)
from hls.importing.formats import existing_file, of_another_format, refuse_pickle
from hls.importing.keras2 import is_keras2, with_its_functions
from hls.importing.nested import SEPARATOR
from hls.importing.precision import FLOAT32
from hls.importing.spec import ModelSpec, Parts
from hls.machine.hdf5 import read_hdf5

_LARGEST_ARCHITECTURE, _LARGEST_WEIGHTS = 64 << 20, 2 << 30
_MOST_NUMBERS = 1 << 28
"""Of one array: firmware has no place for a thousandth of that, and a damaged header may declare anything."""
_SAVE_AGAIN = "save it again with model.save('model.keras') or model.save('model.h5')"
WEIGHTS_MEMBER = "model.weights.h5"
"""Where a ``.keras`` archive has its weights."""
ARCHITECTURE_STATED = (
    '--architecture FILE.json (qtrigger new, estimate, quantize), architecture = "FILE.json" under [model] of '
    'project.toml or import_keras(weights, architecture="FILE.json")'
)


@dataclass(frozen=True)
class _Weights:
    """Arrays by group, and the group of each layer; None where the file does not say: early Keras 3 counted classes.

    ``parts`` are those of what a layer holds, by group and path.
    """

    arrays: Mapping[str, tuple[npt.NDArray[np.float32], ...]]
    groups: Mapping[str, str] | None
    parts: Mapping[str, Parts] = field(default_factory=dict)


def read_model(path: str | Path) -> ModelSpec:
    """The model in a file.

    Raises:
        ModelFileError: missing, truncated, not a Keras file, or NaN or infinite weights.
        UnsupportedError: a subclassed model.
    """
    refuse_pickle(file := existing_file(Path(path)))
    held = container(file)
    if held is None:
        unknown = f"neither HDF5 nor a .keras archive; {_SAVE_AGAIN}"
        raise ModelFileError(f"{file}: {of_another_format(file) or unknown}")
    architecture = read_architecture(file)
    with damage_told(file):
        weights = _archive_weights(file) if held == "zip" else _h5_weights(file, architecture)
    groups = _groups_by_order(architecture) if weights.groups is None else weights.groups

    def weights_of(layer: str, kind: str) -> tuple[npt.NDArray[np.float32], ...]:
        return weights.arrays.get(groups.get(layer, ""), ())

    model = parse_model(architecture, weights_of, str(file))
    if held == "hdf5" and any(layer.class_name.startswith("hgq.") for layer in model.layers.values()):
        raise ModelFileError(
            f"{file}: a network of HGQ 2 in HDF5, which does not say which numbers are those of which quantizer; "
            "save it as .keras, which holds the same: keras.models.load_model(FILE).save('model.keras')"
        )
    updated = [name for name, layer in model.layers.items() if held == "hdf5" and layer.config.get("lora_rank")]
    if updated:
        raise ModelFileError(
            f"{file}: layer {updated[0]!r} has a low-rank update (enable_lora) beside its kernel, which HDF5 cannot "
            "restore; save the model in memory with model.save('model.keras'), which adds the two"
        )
    held_by = {name: weights.parts.get(groups.get(name, ""), {}) for name in model.layers}
    return replace(model, layers={name: replace(spec, parts=held_by[name]) for name, spec in model.layers.items()})


def read_architecture(path: Path) -> dict[str, Any]:
    """What a whole model file, or the JSON of ``model.to_json()``, says of the layers.

    Raises:
        ModelFileError: missing, damaged, or no Keras architecture.
        UnsupportedError: a subclassed model.
    """
    held = container(existing_file(path))
    with damage_told(path):
        match held:
            case "zip":
                stored = _archive_architecture(path)
            case "hdf5":
                stored = _h5_architecture(path)
            case None:
                stored = _json_architecture(path)
        of_keras2 = is_keras2(_keras_version(path, stored))
    checked = check_model(stored, str(path))
    try:
        return with_its_functions(checked) if of_keras2 else checked
    except RecursionError as error:
        raise ModelFileError(f"{path}: no Keras architecture: nested too deep") from error


def written_by_keras2(file: Path) -> bool:
    """Whether a model file says that Keras before 3 wrote it.

    Raises:
        ModelFileError: damaged.
    """
    with damage_told(file):
        return is_keras2(_keras_version(file, {}))


def _keras_version(path: Path, stored: Any) -> Any:
    """As the file says it, or the architecture that stands alone; None if neither does."""
    match container(path):
        case "zip":
            with zipfile.ZipFile(path) as archive:
                if "metadata.json" not in archive.namelist():
                    return None
                metadata = json.loads(_member(archive, "metadata.json", _LARGEST_ARCHITECTURE))
        case "hdf5":
            with read_hdf5(path) as store:
                return store.attrs.get("keras_version")
        case None:
            metadata = stored
    return metadata.get("keras_version") if isinstance(metadata, dict) else None


def _json_architecture(path: Path) -> Any:
    if path.stat().st_size > _LARGEST_ARCHITECTURE:
        raise ModelFileError(f"{path}: more than {_LARGEST_ARCHITECTURE >> 20} MiB; is it an architecture?")
    try:
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"{path}: neither JSON nor a model file; write what model.to_json() gives") from error


@contextmanager
def damage_told(file: Path) -> Iterator[None]:
    """Around calls of h5py, zipfile and json alone, each of which has its own ways to say that bytes are damaged."""
    try:
        yield
    except (OSError, KeyError, TypeError, ValueError, RuntimeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ModelFileError(f"{file}: truncated or damaged ({_short(error)}); {_SAVE_AGAIN}") from error


def layer_kinds(file: Path) -> frozenset[str]:
    """Classes of the layers of a model file, weights unread; none of one that is not Keras's.

    Raises:
        ModelFileError: damaged.
    """
    if container(existing_file(file)) is None:
        return frozenset()
    return frozenset(layer_kind(entry) for _, entry in all_entries(read_architecture(file)))


def container(file: Path) -> Literal["zip", "hdf5"] | None:
    """What holds the model, by its first bytes."""
    with file.open("rb") as stream:
        magic = stream.read(8)
    if magic.startswith(b"PK"):
        return "zip"
    return "hdf5" if magic == b"\x89HDF\r\n\x1a\n" else None


def _short(error: BaseException) -> str:
    return str(error).splitlines()[0][:100] if str(error) else type(error).__name__


def _archive_architecture(file: Path) -> Any:
    with zipfile.ZipFile(file) as archive:
        return json.loads(_member(archive, "config.json", _LARGEST_ARCHITECTURE))


def _archive_weights(file: Path) -> _Weights:
    with zipfile.ZipFile(file) as archive:
        data = _member(archive, WEIGHTS_MEMBER, _LARGEST_WEIGHTS)
    with read_hdf5(io.BytesIO(data)) as store:
        source = str(file)
        held = dict(_held(store, source))
        names = {place: _name(group) for place, group in held.items()}
        groups = {_path(place, names): place for place, name in names.items() if name is not None}
        arrays = {key: _keras3_arrays(group, f"{source}: {{}} of {key}") for key, group in held.items()}
        parts = {key: _quantizers(group, f"{source}: {{}} of {key}") for key, group in held.items()}
    return _Weights(arrays, groups or None, parts)


_HOLDERS = ("layers", "_layer_checkpoint_dependencies")


def weight_holder(store: h5py.File) -> str | None:
    """The group of all layers, as Keras 3 has one; Keras 2 has the layers beside each other."""
    return next((name for name in _HOLDERS if name in store), None)


def _held(parent: h5py.Group, source: str) -> Iterator[tuple[str, h5py.Group]]:
    """The group of each layer by its place, "layers/dense", and those of the layers of a model in the model."""
    holder = next((name for name in _HOLDERS if name in parent), _HOLDERS[-1])
    root = _group(parent, holder, source)
    for key in root:
        group = _group(root, key, source)
        _group(group, "vars", source)
        yield f"layers/{key}", group
        if any(isinstance(group.get(name), h5py.Group) for name in _HOLDERS):
            for place, inner in _held(group, source):
                yield f"layers/{key}/{place}", inner


def _name(group: h5py.Group) -> str | None:
    """Of a layer, where its group says it."""
    name = group["vars"].attrs.get("name")
    return None if name is None else str(name)


def _path(place: str, names: Mapping[str, str | None]) -> str:
    """The name of a layer behind those of the models that it is in."""
    parts = place.split("/")
    return SEPARATOR.join(str(names["/".join(parts[:end])]) for end in range(2, len(parts) + 1, 2))


def _quantizers(group: h5py.Group, what: str) -> Parts:
    """Arrays of the quantizers and layers that a layer holds, by path; their scalars say how they were trained.

    But those of a quantizer of PQuantML, "input_quantizer", which are its type.
    """
    found: list[str] = []
    group.visit(lambda path: found.append(path) if path.endswith("/vars") and path not in _PARTS else None)
    places = {path: sorted((name for name in group[path] if name.isdigit()), key=int) for path in found}
    return {
        path.removesuffix("/vars"): tuple(
            _finite(group[path][name], what.format(f"{path}/{name}")).astype(np.float32)
            for name in names
            if getattr(group[path][name], "ndim", 0) or path.endswith("_quantizer/vars")
        )
        for path, names in places.items()
    }


_PARTS = ("vars", "layer/vars", "batchnorm/vars")
"""Where a layer's arrays lie, its own first, then those of the layer in a wrapper and of a folded normalization."""


def _keras3_arrays(group: h5py.Group, what: str) -> tuple[npt.NDArray[np.float32], ...]:
    places = [
        f"{part}/{index}"
        for part in _PARTS
        if isinstance(group.get(part), h5py.Group)
        for index in sorted((name for name in group[part] if name.isdigit()), key=int)
    ]
    return _arrays(group, places, what)


def _arrays(group: h5py.Group, places: list[str], what: str) -> tuple[npt.NDArray[np.float32], ...]:
    """The arrays at ``places``; counters of training steps, which Keras keeps as int64, are none."""
    found = (_finite(group[place], what.format(f"weight {place!r}")) for place in places)
    return tuple(values.astype(np.float32) for values in found if values.ndim or values.dtype != np.int64)


def _member(archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    """One member of the archive, unpacked no further than ``limit`` bytes, whatever it declares."""
    with archive.open(name) as stream:
        data = stream.read(limit + 1)
    if len(data) > limit:
        raise ModelFileError(f"{archive.filename}: {name} unpacks to more than {limit >> 20} MiB; is it a model?")
    return data


def _h5_architecture(file: Path) -> Any:
    with read_hdf5(file) as store:
        text = store.attrs.get("model_config")
        if text is None:
            raise ModelFileError(
                f"{file}: holds no architecture, weights alone; write model.to_json() to a file and name it by "
                f"{ARCHITECTURE_STATED}; or {_SAVE_AGAIN}"
            )
        if not isinstance(text, str | bytes):
            raise ModelFileError(f"{file}: its architecture is no text; {_SAVE_AGAIN}")
        return json.loads(text)


def _h5_weights(file: Path, architecture: dict[str, Any]) -> _Weights:
    with read_hdf5(file) as store:
        root = _group(store, "model_weights", str(file)) if "model_weights" in store else store
        held = {key: _group(root, key, str(file)) for key in root}
        names = map(layer_name, layer_entries(architecture))
        # Keras 2 takes "conv1/bn" for a name, and HDF5 for a group in a group.
        held |= {name: _group(root, name, str(file)) for name in names if "/" in name and name in root}
        places = {key: (key, _weight_names(group, key)) for key, group in held.items()}
        for entry in layer_entries(architecture):
            name = layer_name(entry)
            if entry["class_name"] in MODELS and name in held:
                inner = _of_model(entry, places[name][1], name + SEPARATOR)
                places |= {path: (name, names) for path, names in inner}
        arrays = {
            path: _arrays(held[key], names, f"{file}: {{}} of layer {path!r}") for path, (key, names) in places.items()
        }
    return _Weights(arrays, {key: key for key in arrays})


def _of_model(model: dict[str, Any], names: list[str], prefix: str) -> Iterator[tuple[str, list[str]]]:
    """Which of the weights of a model in the model are whose: one group has all, "inner/dense/kernel", by name."""
    for entry in layer_entries(model):
        name = layer_name(entry)
        own = [weight for weight in names if f"/{name}/" in f"/{weight}"]
        # Two models may each have a layer of that name.
        nearer = [weight for weight in own if f"/{layer_name(model)}/{name}/" in f"/{weight}"]
        own = nearer or own
        if entry["class_name"] in MODELS:
            yield from _of_model(entry, own or names, prefix + name + SEPARATOR)
        else:
            yield prefix + name, own


_OF_PRUNING = ("mask", "threshold", "pruning_step")


def _weight_names(group: h5py.Group, layer: str) -> list[str]:
    """In Keras's order, without what a pruning wrapper keeps for itself."""
    stored = np.ravel(group.attrs.get("weight_names", []))
    names = [name.decode() if isinstance(name, bytes) else str(name) for name in stored]
    own = {f"{layer}/{kept}:0" for kept in _OF_PRUNING}
    return [name for name in names if name not in own]


def _group(parent: h5py.Group, name: str, source: str) -> h5py.Group:
    found = parent.get(name)
    if not isinstance(found, h5py.Group):
        raise ModelFileError(f"{source}: {name!r} is no group of weights; {_SAVE_AGAIN}")
    return found


def _groups_by_order(architecture: dict[str, Any]) -> dict[str, str]:
    """Places of groups as early Keras 3 named them: snake-cased class names, numbered in the order of the layers."""
    counts: dict[str, int] = {}
    groups: dict[str, str] = {}
    for name, entry in all_entries(architecture):
        model = name.removesuffix(layer_name(entry)).removesuffix(SEPARATOR)
        base = re.sub(r"([a-z])([A-Z])", r"\1_\2", re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", entry["class_name"]))
        base = f"{groups[model]}/layers/{base.lower()}" if model else f"layers/{base.lower()}"
        count = counts.get(base, 0)
        counts[base] = count + 1
        groups[name] = f"{base}_{count}" if count else base
    return groups


def _finite(dataset: h5py.Dataset, what: str) -> npt.NDArray[Any]:
    if not isinstance(dataset, h5py.Dataset):
        raise ModelFileError(f"{what} is no array; {_SAVE_AGAIN}")
    if dataset.size is None or dataset.size > _MOST_NUMBERS:
        raise ModelFileError(f"{what} declares {dataset.size} numbers, at most {_MOST_NUMBERS:,} are read")
    values = np.asarray(dataset[()])
    if values.dtype.kind not in "fiu":
        raise ModelFileError(f"{what} has dtype {values.dtype}, not float32; {FLOAT32}")
    if not np.isfinite(values).all():
        raise ModelFileError(f"{what} is NaN or infinite in {int((~np.isfinite(values)).sum())} places; train again")
    if np.abs(values).max(initial=0) > np.finfo(np.float32).max:
        raise ModelFileError(f"{what} has numbers beyond float32's; train again")
    return values
