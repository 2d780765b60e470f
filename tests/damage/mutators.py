"""Damage as disks, editors and other programs do it: to bytes, and inside of a format under right check sums."""

from __future__ import annotations

import io
import json
import random
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import h5py
import numpy as np

Mutator = Callable[[bytes, random.Random], bytes]

JUNK: tuple[Any, ...] = (
    None, True, -1, 0, 3.5, 1e400, float("nan"), 10**30, "", "x", "a\0b", "\ud800", "quantized_bits(4,", "9" * 4000,
    [], [[]], [1], {}, {"a": 1},
)  # fmt: skip
_TOML = (
    "nan", "-inf", "1e400", "-1", "0", "true", "[]", "{}", '""', '"x"', "9" * 30, "9" * 5000, "1979-05-27", "[[1]]",
    "[" * 2000, '"""', "'a\\u0000'", '"\\uD800"', "{ csim = -1 }",
)  # fmt: skip
_TYPES = ("<f4", "<f8", "<f2", "<i1", "<u8", "|b1", "<c16", "|O", "|S5", "<U3", "<M8[s]", "|V7", ">f4", "<f3", "")
_HDF5_TYPES = ("f2", "f8", "i1", "u8", "c16", "S5", "?", "V7")


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Paths to everything inside of nested lists and dictionaries."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (*path, key)
        yield from places(item, (*path, key))


def damaged(value: Any, chance: random.Random) -> Any:
    """A copy in which one place holds junk, or is gone."""
    copy = json.loads(json.dumps(value))
    *parents, last = chance.choice(list(places(copy)))
    holder = copy
    for key in parents:
        holder = holder[key]
    if chance.random() < 0.3:
        del holder[last]
    else:
        holder[last] = chance.choice(JUNK)
    return copy


def bytes_damaged(content: bytes, chance: random.Random) -> bytes:
    """Flipped, cut, doubled, overwritten, in another encoding, or not the file at all."""
    start = chance.randrange(len(content))
    stop = min(len(content), start + chance.choice((1, 8, 64, 512)))
    kind = chance.randrange(9)
    if kind < 3:
        copy = bytearray(content)
        for _ in range(chance.randint(1, 8)):
            copy[chance.randrange(len(copy))] = chance.randrange(256)
        return bytes(copy)
    return (
        content[:start],
        content[:start] + bytes(stop - start) + content[stop:],
        content[:start] + content[stop:],
        content[:stop] + content[start:],
        chance.choice((b"", b"\0" * 600, b"\x89HDF\r\n\x1a\n", b"PK\x03\x04", b"[" * 100_000, b"\xff\xfe[\0]\0")),
        chance.choice((b"\xef\xbb\xbf", b"\xff\xfe", b"\0", b"\n")) + content,
    )[kind - 3]


def json_damaged(content: bytes, chance: random.Random) -> bytes:
    """One place of a JSON file is junk."""
    return json.dumps(damaged(json.loads(content), chance)).encode("utf-8", "surrogatepass")


def toml_damaged(content: bytes, chance: random.Random) -> bytes:
    """A line of project.toml has another key or value, is there twice or not at all."""
    lines = content.decode().splitlines()
    place = chance.randrange(len(lines))
    key, equals, _ = lines[place].partition("=")
    kind = chance.randrange(6)
    if kind < 3 and equals:
        lines[place] = f"{key}= {chance.choice(_TOML)}"
    elif kind == 3:
        lines[place] = re.sub(r"[a-z]", lambda found: chance.choice((found[0], found[0], "ä", "")), lines[place])
    elif kind == 4:
        lines.insert(chance.randrange(len(lines)), lines[place])
    else:
        del lines[place]
    return "\n".join(lines).encode()


def hdf5_damaged(content: bytes, chance: random.Random) -> bytes:
    """A dataset or an attribute is gone, junk, of another type, or far larger than it says it may be."""
    stream = io.BytesIO(content)
    with h5py.File(stream, "r+") as file:
        names = ["/"]
        file.visit(names.append)
        holder = file[chance.choice(names)]
        attributes = list(holder.attrs)
        if attributes and chance.random() < 0.6:
            _change_attribute(holder, chance.choice(attributes), chance)
        elif holder.name != "/":
            _change_object(file, str(holder.name), chance)
    return stream.getvalue()


def _change_attribute(holder: h5py.Group | h5py.Dataset, name: str, chance: random.Random) -> None:
    value = holder.attrs[name]
    text = value.decode(errors="replace") if isinstance(value, bytes) else value
    if isinstance(text, str) and text[:1] in ("{", "[") and chance.random() < 0.8:
        holder.attrs[name] = json.dumps(damaged(json.loads(text), chance))
        return
    del holder.attrs[name]
    junk: tuple[Any, ...] = (
        None,
        -1,
        1.5,
        float("nan"),
        2**40,
        "x",
        "",
        b"\xff\xfe",
        np.zeros(3),
        np.array([b"a", b"b"]),
    )
    chosen = chance.choice(junk)
    if chosen is not None:
        holder.attrs[name] = chosen


def _change_object(file: h5py.File, name: str, chance: random.Random) -> None:
    old = file[name]
    shape = old.shape if isinstance(old, h5py.Dataset) else (2,)
    values = np.asarray(old[()]) if isinstance(old, h5py.Dataset) else np.zeros(2)
    del file[name]
    kind = chance.randrange(8)
    if kind == 0:
        file.create_group(name)
    elif kind == 1:
        file.create_dataset(name, shape, chance.choice(_HDF5_TYPES))
    elif kind == 2:
        file.create_dataset(name, (*shape, 2), "f4")
    elif kind == 3:
        file.create_dataset(name, (30000,) * max(1, min(len(shape), 3)), "f4", chunks=True)
    elif kind == 4:
        file[name] = h5py.SoftLink("/nowhere")
    elif kind == 5:
        file[name] = h5py.ExternalLink("nowhere.h5", "/x")
    elif kind == 6 and values.dtype.kind == "f":
        file[name] = np.where(np.arange(values.size).reshape(values.shape) % 3, values, chance.choice((np.nan, np.inf)))


def archive_damaged(content: bytes, chance: random.Random) -> bytes:
    """A member of a ``.keras`` or ``.npz`` archive is damaged, gone, or packed otherwise."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = chance.choice(list(members))
    if chance.random() < 0.15:
        del members[name]
    else:
        members[name] = _member_mutator(name)(members[name], chance)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", chance.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as archive:
        for other, data in members.items():
            archive.writestr(other, data)
    return stream.getvalue()


def _member_mutator(name: str) -> Mutator:
    known = {"json": json_damaged, "h5": hdf5_damaged, "npy": npy_damaged}
    return known.get(name.rpartition(".")[2], bytes_damaged)


def npy_damaged(content: bytes, chance: random.Random) -> bytes:
    """The header states another type, shape or order, or is no header."""
    size = int.from_bytes(content[8:10], "little")
    header, data = content[10 : 10 + size].decode("latin-1"), content[10 + size :]
    shape = chance.choice(
        ("()", "(0,)", "(10**9, 4)", "(1000000000000, 4)", "(-1, 4)", "(2, 3, 4)", "'x'", "(5, 4", "(5.5, 4)")
    )
    changed = chance.choice((
        re.sub(r"'descr': '[^']*'", f"'descr': '{chance.choice(_TYPES)}'", header),
        re.sub(r"'shape': \([^)]*\)", f"'shape': {shape}", header),
        header.replace("False", chance.choice(("True", "None", "7"))),
        header.replace("'", chance.choice(('"', "[", "\0", "(" * 3000)), 1),
        header.replace("descr", "desc"),
        "",
    )).encode("latin-1")  # fmt: skip
    return content[:8] + len(changed).to_bytes(2, "little") + changed + data


def packets_damaged(content: bytes, chance: random.Random) -> bytes:
    """Another header, or other bits, each under its right check sum: the fault of a program, not of a disk."""
    size = int.from_bytes(content[4:6], "little")
    text, blocks = content[6 : 6 + size], content[10 + size :]
    if chance.random() < 0.5:
        text = json_damaged(text, chance)[:65535]
    else:
        body = bytes_damaged(blocks[:-4], chance) if chance.random() < 0.3 else _flipped(blocks[:-4], chance)
        blocks = body + zlib.crc32(body).to_bytes(4, "little")
    return content[:4] + len(text).to_bytes(2, "little") + text + zlib.crc32(text).to_bytes(4, "little") + blocks


def _flipped(content: bytes, chance: random.Random) -> bytes:
    copy = bytearray(content)
    place = chance.randrange(len(copy))
    copy[place] ^= 1 << chance.randrange(8)
    return bytes(copy)
