"""The arrays of an event file that a network takes, and its labels."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

import numpy as np

from hls.errors import EventError
from hls.events.choice import ONLY, Choice
from hls.events.event_file import Array, EventFile
from hls.events.formats import opened
from hls.events.labels import Labels, class_numbers

_FIRST = re.compile(r"(.+)\[:([1-9]\d*)\]")
_LABELS = ("labels", "label")
"""What labels are called where nobody says it."""
_SHOWN = 12
_NUMBERS = "fiub"

Ports = Mapping[str, tuple[int, ...]]
"""The shape that each input takes, by its name."""


@dataclass(frozen=True, eq=False)
class FileEvents:
    """``inputs`` are arrays (events, *shape) by input, ``names`` what they were made of; nothing in them is NaN.

    ``untold`` says why an array that is called ``labels``, for which nobody asked, tells no classes.
    """

    inputs: Mapping[str, Array]
    names: Mapping[str, tuple[str, ...]]
    labels: Labels | None = None
    untold: str = ""

    def __str__(self) -> str:
        told = (names for port, names in self.names.items() if names != ("",) and names[0].rpartition("/")[2] != port)
        labels = "" if self.labels is None else str(self.labels)
        return "; ".join(filter(None, [*map(", ".join, told), labels, self.untold]))


def read_events(path: Path, ports: Ports, choice: Choice | None = None) -> FileEvents:
    """What ``choice`` takes from a file for a network's inputs.

    Without names these are the arrays called as the inputs are, or the only one that there is, or the columns of a
    table in its order where there are as many as the only input takes.

    Raises:
        EventError: no event file, a damaged one, one too large, or one in which values are missing; a name that is not
            in it; values that are no numbers, or as many as no input takes.
        ToolError: the package that reads such files is not installed.
    """
    choice = choice or Choice()
    with opened(path) as file:
        labels = _labels_of(file, choice, ports)
        names = _stated(file, choice, ports) if choice.features else _unstated(file, ports, labels)
        inputs = {port: _joined(file, names[port], port, shape) for port, shape in ports.items()}
        _require_equally_many(file, inputs)
        events = len(next(iter(inputs.values()), ()))
        if not events:
            raise EventError(f"{path}: holds no events")
        found, untold = (None, "") if labels is None else _told_labels(file, choice, labels, events)
    if found is None and choice.labels is not None:
        found = read_labels(Path(choice.labels), events)
    return FileEvents(inputs, names, found, untold)


def read_labels(path: Path, events: int, name: str | None = None) -> Labels:
    """The classes of so many events: ``name`` in the file, or another file of that name; ``labels``, or all there is.

    Raises:
        EventError: see :func:`read_events`; labels that tell no classes.
    """
    with opened(path) as file:
        if name is not None and name not in file.names and Path(name).is_file():
            return read_labels(Path(name), events)
        wanted = name if name is not None else next((called for called in _LABELS if called in file.names), None)
        if wanted is None and len(file.names) > 1:
            raise EventError(f"{path}: no {file.noun} {_LABELS[0]!r} in it; it has {_listed(file.names)}")
        return _read_labels(file, file.names[0] if wanted is None else _place(file, wanted), events)


def _told_labels(file: EventFile, choice: Choice, name: str, events: int) -> tuple[Labels | None, str]:
    """The labels; or why there are none in an array that nobody named as such."""
    if choice.labels is not None:
        return _read_labels(file, name, events), ""
    try:
        return replace(_read_labels(file, name, events), asked=False), ""
    except EventError as error:
        return None, str(error).removeprefix(f"{file.path}: ")


def _read_labels(file: EventFile, name: str, events: int) -> Labels:
    where = f"{file.path}: labels {name!r}" if name else f"{file.path}: labels"
    labels = class_numbers(file.read(name, None), where)
    if len(labels) != events:
        raise EventError(f"{where}: {len(labels):,} labels for {events:,} events")
    return Labels(labels, where)


def _labels_of(file: EventFile, choice: Choice, ports: Ports) -> str | None:
    """The name of the labels in this file, if they are there: as the user says, or called so."""
    if choice.labels is None:
        taken = {name for names in choice.features.values() for name in names} | set(ports)
        called = (_called(file, name) for name in _LABELS if name not in taken)
        return next((places[0] for places in called if len(places) == 1), None)
    if Path(choice.labels).is_file() and choice.labels not in file.names:
        return None
    return _place(file, choice.labels)


def _stated(file: EventFile, choice: Choice, ports: Ports) -> dict[str, tuple[str, ...]]:
    features = dict(choice.features)
    if ONLY in features and len(ports) == 1:
        features = dict.fromkeys(ports, features[ONLY])
    if set(features) != set(ports):
        wanted = " ".join(f"--features {port}=..." for port in ports)
        raise EventError(f"{file.path}: the network has inputs {_listed(ports)}; say of each what it takes: {wanted}")
    return features


def _unstated(file: EventFile, ports: Ports, labels: str | None) -> dict[str, tuple[str, ...]]:
    others = tuple(name for name in file.names if name != labels)
    if len(ports) == 1:
        ((port, shape),) = ports.items()
        if file.ordered and len(shape) == 1 and len(others) == shape[0]:
            return {port: others}
        if not _called(file, port) and len(top := tuple(name for name in others if "/" not in name) or others) == 1:
            return {port: top}
    places = {port: _called(file, port) for port in ports}
    absent = [port for port, found in places.items() if len(found) != 1]
    if not absent:
        return {port: (found[0],) for port, found in places.items()}
    takes = " and ".join(f"{port!r} {_words(shape)}" for port, shape in ports.items())
    near = get_close_matches(absent[0], others, n=1, cutoff=0.0)
    nearest = f"; the nearest to {absent[0]!r} is {near[0]!r}" if near and len(ports) > 1 else ""
    raise EventError(
        f"{file.path}: has {_plural(file)} {_listed(others)}; one called as each input is needed ({takes}){nearest}; "
        f"or name them: {' '.join(_option(port, ports) for port in ports)}"
    )


def _option(port: str, ports: Ports) -> str:
    return "--features NAME,NAME" if len(ports) == 1 else f"--features {port}=NAME,NAME"


def _words(shape: tuple[int, ...]) -> str:
    return f"takes {' x '.join(map(str, shape)) or 1} values"


def _plural(file: EventFile) -> str:
    return {"branch": "branches"}.get(file.noun, f"{file.noun}s")


def _listed(names: Sequence[str] | Mapping[str, object]) -> str:
    shown = [name or "one without a name" for name in names][:_SHOWN]
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return (", ".join(map(repr, shown)) or "none") + more


def _called(file: EventFile, name: str) -> list[str]:
    """The full names of what is called so: the name itself, or its ends in groups and trees."""
    return [name] if name in file.names else [full for full in file.names if full.endswith(f"/{name}")]


def _place(file: EventFile, name: str) -> str:
    """The full name of what a user calls ``name``, in a group or tree or not."""
    bare = name.removeprefix("/")
    ends = _called(file, bare)
    if len(ends) == 1:
        return ends[0]
    if ends:
        raise EventError(f"{file.path}: {name!r} is in several places: {_listed(ends)}; write which")
    if file.names == ("",):
        raise EventError(f"{file.path}: holds one array without names; give a file with a {name!r}, such as .npz")
    short = {full.rpartition("/")[2]: full for full in file.names} | {full: full for full in file.names}
    near = get_close_matches(bare, short, n=1, cutoff=0.0)
    hint = f"; the nearest is {near[0]!r}" if near else ""
    raise EventError(f"{file.path}: has no {file.noun} {name!r}{hint}; it has {_listed(file.names)}")


def _joined(file: EventFile, names: Sequence[str], port: str, shape: tuple[int, ...]) -> Array:
    """One array (events, *shape) of all ``names``: each a value of the last axis, or one after the other."""
    parts = [_values(file, name) for name in names]
    if len(names) > 1:
        _require_equally_many(file, dict(zip(names, parts, strict=True)))
    if len(parts) == 1 and parts[0].shape[1:] == shape:
        return parts[0]
    if len({part.shape for part in parts}) == 1 and (*parts[0].shape[1:], len(parts)) == shape:
        return np.stack(parts, axis=-1)
    if len(shape) == 1 and all(part.ndim in (1, 2) for part in parts):
        flat = [part.reshape(len(part), -1) if len(part) else part.reshape(0, 1) for part in parts]
        if sum(part.shape[1] for part in flat) == shape[0]:
            return np.concatenate(flat, axis=1)
    if len(parts) == 1:
        expected = "(events, " + ", ".join(map(str, shape)) + ")"
        raise EventError(f"{file.path}: input {port!r} has shape {parts[0].shape}; expected {expected}")
    have = ", ".join(f"{name} {part.shape[1:] or 1}" for name, part in zip(names, parts, strict=True))
    raise EventError(f"{file.path}: input {port!r} {_words(shape)} an event, and --features name {len(parts)}: {have}")


def _values(file: EventFile, name: str) -> Array:
    cut = _FIRST.fullmatch(name)
    place, length = (name, None) if cut is None or name in file.names else (cut[1], int(cut[2]))
    array = file.read(_place(file, place) if place else place, length)
    what = f"{file.path}: {file.noun} {name!r}" if name else f"{file.path}: its array"
    if array.dtype.kind in "OSUT":
        raise EventError(f"{what} has dtype {array.dtype}, text or lists; leave it out, or write it as numbers")
    if array.dtype.kind not in _NUMBERS or array.ndim == 0:
        raise EventError(f"{what} has dtype {array.dtype} and shape {array.shape}; give floats or integers")
    if array.dtype.kind == "b":
        return array.astype(np.uint8)
    if array.dtype.kind == "f" and np.isnan(array).any():
        bad = np.flatnonzero(np.isnan(array.reshape(len(array), -1)).any(axis=1))
        raise EventError(f"{what} holds NaN in event {bad[0]}, {len(bad):,} of {len(array):,}; leave those events out")
    return array


def _require_equally_many(file: EventFile, arrays: Mapping[str, Array]) -> None:
    if len({len(array) for array in arrays.values()}) > 1:
        counts = ", ".join(f"{name}: {len(array):,}" for name, array in arrays.items())
        raise EventError(f"{file.path}: differ in their number of events ({counts}); give the same number to each")
