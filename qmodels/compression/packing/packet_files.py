"""Files of packed events, ``.qtb``: a header, then blocks of events, each with its own check sum.

Layout, numbers little-endian: the bytes ``QTB2``, or ``QTB3`` for a trellis; length of the header (2 bytes), the header
(JSON, UTF-8), its CRC-32 (4 bytes); then blocks of up to 65,536 events: events (4), bytes of payload (4), payload (see
:mod:`qmodels.compression.packing.payloads`), CRC-32 of all of these (4).

Files that begin with ``QTB1`` are read too: they send no totals.
"""

from __future__ import annotations

import json
import os
import reprlib
import struct
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, BinaryIO, ClassVar

import numpy as np
from pydantic import ConfigDict, Field, FiniteFloat, TypeAdapter, ValidationError

from hls.machine.files import whole_file
from qmodels.compression.packing.latent_layout import FileCoding, LatentLayout
from qmodels.compression.packing.payloads import Scheme, Sent
from qmodels.compression.packing.totals import STATED, Totals, TotalsType
from qmodels.errors import ModelDataError

MAGIC, MAGIC_OF_TRELLIS, MAGIC_WITHOUT_TOTALS = b"QTB2", b"QTB3", b"QTB1"
EVENTS_PER_STRING = 512
_BLOCK_EVENTS = 1 << 16
_MOST = 2**31 - 1
_CURE = "write it again with `qtrigger pack`"
_HEADER_BYTES, _BLOCK_HEAD, _SUM = struct.Struct("<H"), struct.Struct("<II"), struct.Struct("<I")


@dataclass(frozen=True)
class PacketHeader:
    """What a file says about itself.

    ``log10_beta``: that of all events, or None where each has its own. ``totals``: the types of the totals that it
    sends beside the latents; None where, as in the first version, there are none.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", strict=True)

    project: Annotated[str, Field(pattern=r"^[^/\x00]+$", max_length=255)]
    layout: str
    coding: FileCoding
    latents: Annotated[int, Field(ge=1, le=_MOST)]
    events: Annotated[int, Field(ge=0, le=_MOST)]
    events_per_string: Annotated[int, Field(ge=1, le=_MOST)]
    log10_beta: FiniteFloat | None
    totals: TotalsType | None = None


_HEADER: TypeAdapter[PacketHeader] = TypeAdapter(PacketHeader)


@dataclass(frozen=True, eq=False)
class Packets:
    """A file's header and events."""

    header: PacketHeader
    sent: Sent

    @property
    def totals(self) -> Totals | None:
        """Visible particles and H_T, if they were sent."""
        return None if self.header.totals is None else Totals(self.sent.totals)


def write_packets(
    path: Path,
    sent: Sent,
    layout: LatentLayout,
    coding: FileCoding,
    project: str,
    events_per_string: int = EVENTS_PER_STRING,
) -> PacketHeader:
    """Write events with their totals. The file appears only when complete.

    ``events_per_string``: how many share an arithmetic-coded string, and so its last two bits and its 32 of length;
    symbols of a trellis are chosen for so many. Raises ModelDataError for a trellis and events of different β.
    """
    points = sent.points
    point = int(points[0]) if len(points) and (points == points[0]).all() else None
    if coding == "trellis" and point is None and len(points):
        raise ModelDataError(f"{path}: a trellis needs one beta for all events; choose the coding entropy")
    scheme = Scheme(layout, coding, events_per_string, point)
    header = PacketHeader(
        project=project,
        layout=_digest(layout, coding),
        coding=coding,
        latents=layout.latents,
        events=len(points),
        events_per_string=events_per_string,
        log10_beta=None if point is None else layout.points[point].log10_beta,
        totals=STATED,
    )
    with whole_file(path) as draft, draft.open("wb") as file:
        file.write(_header_bytes(header))
        for start in range(0, len(points), _BLOCK_EVENTS):
            block = slice(start, start + _BLOCK_EVENTS)
            payload = scheme.pack(Sent(sent.symbols[block], points[block], sent.totals[block]))
            head = _BLOCK_HEAD.pack(len(points[block]), len(payload))
            file.write(head + payload + _SUM.pack(zlib.crc32(head + payload)))
    return header


def read_packet_header(path: Path) -> PacketHeader:
    """Read and check the header; ModelDataError if the file is missing, none of this kind, damaged or cut short."""
    with _open(path) as file:
        return _header(path, file)


def read_packets(path: Path, layout: LatentLayout) -> Packets:
    """Read the whole file.

    Raises:
        ModelDataError: as :func:`read_packet_header`, or it was packed with another layout, or a block is damaged or
            missing; the message names its events.
    """
    with _open(path) as file:
        header = _header(path, file)
        digest = _digest(layout, header.coding)
        if header.layout != digest:
            raise ModelDataError(
                f"{path}: packed by {header.project!r} with layout {header.layout}, this one is {digest}; "
                "give the project that packed it"
            )
        if header.latents != layout.latents:
            raise ModelDataError(f"{path}: {header.latents} latents, its layout has {layout.latents}; {_CURE}")
        scheme = _scheme(path, header, layout)
        blocks = [scheme.unpack(b"", 0)]
        done = 0
        for events, payload in _blocks(path, file, header):
            try:
                blocks.append(scheme.unpack(payload, events))
            except ModelDataError as error:
                raise ModelDataError(f"{path}: block of events {done} to {done + events - 1}: {error}") from error
            done += events
    symbols, points, totals = zip(*((block.symbols, block.points, block.totals) for block in blocks), strict=True)
    return Packets(header, Sent(np.concatenate(symbols), np.concatenate(points), np.concatenate(totals)))


def _digest(layout: LatentLayout, coding: FileCoding) -> str:
    return (layout.trellis_digest if coding == "trellis" else layout.digest).hex()


def _magic(header: PacketHeader) -> bytes:
    if header.coding == "trellis":
        return MAGIC_OF_TRELLIS
    return MAGIC_WITHOUT_TOTALS if header.totals is None else MAGIC


def _header_bytes(header: PacketHeader) -> bytes:
    text = json.dumps(asdict(header), separators=(",", ":")).encode()
    return _magic(header) + _HEADER_BYTES.pack(len(text)) + text + _SUM.pack(zlib.crc32(text))


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise ModelDataError(f"{path}: cannot be read ({error.strerror}); {_CURE}") from error


def _take(path: Path, file: BinaryIO, size: int, what: str) -> bytes:
    here = file.tell()
    taken = file.read(min(size, os.fstat(file.fileno()).st_size - here))  # memory for what is there, not as stated
    if len(taken) < size:
        raise ModelDataError(f"{path}: cut short in {what}: {len(taken)} of {size} bytes; copy it again, or {_CURE}")
    return taken


def _header(path: Path, file: BinaryIO) -> PacketHeader:
    magic = file.read(len(MAGIC))
    if magic not in (MAGIC, MAGIC_OF_TRELLIS, MAGIC_WITHOUT_TOTALS):
        raise ModelDataError(f"{path}: no packed events: does not begin with {MAGIC.decode()}; {_CURE}")
    (size,) = _HEADER_BYTES.unpack(_take(path, file, _HEADER_BYTES.size, "the header"))
    text = _take(path, file, size, "the header")
    (stated,) = _SUM.unpack(_take(path, file, _SUM.size, "the header"))
    if stated != zlib.crc32(text):
        raise ModelDataError(f"{path}: the header is damaged (its check sum differs); copy it again, or {_CURE}")
    try:
        header = _HEADER.validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        what = f"{'.'.join(map(str, first['loc'])) or 'all of it'} is {reprlib.repr(first['input'])}: {first['msg']}"
        raise ModelDataError(f"{path}: unknown header ({what}); written by another version? {_CURE}") from error
    if (header.totals is None) != (magic == MAGIC_WITHOUT_TOTALS):
        raise ModelDataError(f"{path}: a file of {magic.decode()} whose header says totals: {header.totals}; {_CURE}")
    if (header.coding == "trellis") != (magic == MAGIC_OF_TRELLIS):
        raise ModelDataError(f"{path}: a file of {magic.decode()} whose header says coding: {header.coding}; {_CURE}")
    return header


def _scheme(path: Path, header: PacketHeader, layout: LatentLayout) -> Scheme:
    totals = header.totals is not None
    if header.log10_beta is None:
        if header.coding == "trellis" and header.events:
            raise ModelDataError(f"{path}: a trellis whose events have no common beta; {_CURE}")
        return Scheme(layout, header.coding, header.events_per_string, None, totals)
    (found,) = np.nonzero(layout.grid == header.log10_beta)
    if not len(found):
        raise ModelDataError(f"{path}: log10 beta {header.log10_beta} is not of the layout's grid; {_CURE}")
    if header.coding == "trellis" and not layout.points[int(found[0])].trellis:
        raise ModelDataError(f"{path}: the layout has no trellis at log10 beta {header.log10_beta}; {_CURE}")
    return Scheme(layout, header.coding, header.events_per_string, int(found[0]), totals)


def _blocks(path: Path, file: BinaryIO, header: PacketHeader) -> Iterator[tuple[int, bytes]]:
    done = 0
    while done < header.events:
        what = f"events {done} to {min(done + _BLOCK_EVENTS, header.events) - 1}"
        head = _take(path, file, _BLOCK_HEAD.size, what)
        events, size = _BLOCK_HEAD.unpack(head)
        payload = _take(path, file, size, what)
        (stated,) = _SUM.unpack(_take(path, file, _SUM.size, what))
        if stated != zlib.crc32(head + payload) or not 0 < events <= min(_BLOCK_EVENTS, header.events - done):
            raise ModelDataError(f"{path}: {what} are damaged (check sum differs); copy it again, or {_CURE}")
        yield events, payload
        done += events
    if file.read(1):
        raise ModelDataError(f"{path}: goes on after its {header.events} events; {_CURE}")
