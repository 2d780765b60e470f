"""The bits of a block of events: fixed packets, or strings of an arithmetic coder. β may differ from event to event.

With a trellis all events of a file have one β. A payload, filled up to whole bytes, holds

- entropy coding and trellis: the length in bits of each string, in 4 bytes, little-endian;
- where β differs, the grid point of each event in as many bits as the grid needs;
- entropy coding and trellis: the totals of each event, in fields of their own;
- the packets, each of which begins with the event's totals, or the strings, one after the other.

Files of the first version have no totals.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qmodels.compression.packing.bit_fields import fields_to_bits, join_strings, padded, read_bits
from qmodels.compression.packing.entropy_coding import FrequencyTables, decode_strings, encode_strings, frequency_tables
from qmodels.compression.packing.latent_layout import FileCoding, Ints, LatentLayout
from qmodels.compression.packing.totals import WIDTHS
from qmodels.compression.packing.trellis_strings import TrellisAlphabets
from qmodels.errors import ModelDataError

Bits = npt.NDArray[np.bool_]
_LENGTH_BYTES = 4


@dataclass(frozen=True, eq=False)
class Sent:
    """Events as they are sent: symbols (n, latents), grid points (n,), and totals (n, 2), or (n, 0) without them."""

    symbols: Ints
    points: Ints
    totals: Ints


@dataclass(frozen=True)
class Scheme:
    """How events become bits. ``point``: the grid point of all events, None where each names its own (no trellis).

    ``totals``: whether those of each event are sent as well.
    """

    layout: LatentLayout
    coding: FileCoding
    events_per_string: int
    point: int | None
    totals: bool = True

    def pack(self, sent: Sent) -> bytes:
        """Payload of events."""
        marks = fields_to_bits(sent.points[:, None], self._mark).ravel()
        if self.coding == "fixed":
            packets = packet_bits(np.hstack([sent.totals, sent.symbols]), self._packet_widths()[sent.points])
            return np.packbits(np.concatenate([marks, packets])).tobytes()
        lengths, bits = self._strings(sent.symbols, sent.points)
        totals = fields_to_bits(sent.totals, self._totals).ravel()
        return lengths.astype("<u4").tobytes() + np.packbits(np.concatenate([marks, totals, bits])).tobytes()

    def unpack(self, payload: bytes, events: int) -> Sent:
        """Undo :meth:`pack`.

        Raises ModelDataError where the bits are too few, too many, or those of no symbols.
        """
        strings = -(-events // self.events_per_string) if self.coding != "fixed" else 0
        head = strings * _LENGTH_BYTES
        if len(payload) < head:
            raise ModelDataError("the lengths of its strings are cut short")
        lengths = np.frombuffer(payload, "<u4", strings).astype(np.int64)
        body, data = payload[head:], padded(payload[head:])
        used = events * int(self._mark[0])
        points = self._points(data, events)
        if self.coding == "fixed":
            widths = self._packet_widths()[points]
            _check_size(body, used + int(widths.sum()))
            fields = _packet_fields(data, used, widths)
            totals, symbols = fields[:, : len(self._totals)], fields[:, len(self._totals) :]
        else:
            totals = _packet_fields(data, used, np.tile(self._totals, (events, 1)))
            used += totals.shape[0] * int(self._totals.sum())
            _check_size(body, used + int(lengths.sum()))
            symbols = self._string_symbols(data, used + np.cumsum(np.concatenate([[0], lengths])), points)
        _check_symbols(symbols, points, self)
        _check_totals(totals)
        return Sent(symbols, points, totals)

    @property
    def _trellis(self) -> TrellisAlphabets | None:
        if self.coding != "trellis" or self.point is None:
            return None
        return TrellisAlphabets.of(self.layout.points[self.point].trellis)

    @property
    def _mark(self) -> Ints:
        """Width of the field that names an event's grid point."""
        return np.array([0 if self.point is not None else (len(self.layout.points) - 1).bit_length()])

    @property
    def _totals(self) -> Ints:
        """Widths of the totals."""
        return WIDTHS if self.totals else np.zeros(0, np.int64)

    def _packet_widths(self) -> Ints:
        """Widths (grid points, fields) of a fixed packet."""
        latents = _widths(self.layout)
        return np.hstack([np.tile(self._totals, (len(latents), 1)), latents])

    def _points(self, data: npt.NDArray[np.uint8], events: int) -> Ints:
        width = int(self._mark[0])
        if self.point is not None:
            return np.full(events, self.point, np.int64)
        points = read_bits(data, np.arange(events) * width, width)
        if (points >= len(self.layout.points)).any():
            raise ModelDataError(f"event {int(np.argmax(points >= len(self.layout.points)))} names no grid point")
        return points

    def _strings(self, symbols: Ints, points: Ints) -> tuple[Ints, Bits]:
        trellis = self._trellis
        parts = [
            encode_events(symbols[start:stop], points[start:stop], self.layout, length)
            if trellis is None
            else trellis.encode(symbols[start:stop], length)
            for start, stop, length in _runs(len(symbols), self.events_per_string)
        ]
        lengths = np.concatenate([part for _, part in parts] or [np.zeros(0, np.int64)])
        return lengths, np.concatenate([np.zeros(0, np.bool_), *(join_strings(*part) for part in parts)])

    def _string_symbols(self, data: npt.NDArray[np.uint8], starts: Ints, points: Ints) -> Ints:
        symbols = np.zeros((len(points), self.layout.latents), np.int64)
        trellis = self._trellis
        done = 0
        for start, stop, length in _runs(len(points), self.events_per_string):
            count = (stop - start) // length
            here = starts[done : done + count]
            if trellis is None:
                rows, tables, active = _alphabets(points[start:stop], self.layout)
                found, ends = decode_strings(data, here, rows.reshape(count, -1), tables)
            else:
                active = trellis.active
                found, ends = trellis.decode(data, here, length)
            wrong = ends != starts[done + 1 : done + count + 1]
            if wrong.any():
                raise ModelDataError(f"string {done + int(np.argmax(wrong))} is damaged: its length differs")
            symbols[start:stop, active] = found.reshape(stop - start, len(active))
            done += count
        return symbols


def packet_widths(layout: LatentLayout, point: int) -> Ints:
    """Bits of each latent's field in a fixed packet of a grid point, in the order of the fields."""
    return _widths(layout)[point]


def packet_bits(fields: Ints, widths: Ints) -> Bits:
    """Packets one after the other, of fields (n, k) of those widths (n, k), each highest bit first."""
    bits = np.empty(int(widths.sum()), np.bool_)
    ends = np.cumsum(widths.sum(axis=1))
    kinds, kind = np.unique(widths, axis=0, return_inverse=True)
    for index in range(len(kinds)):
        here = np.flatnonzero(kind == index)
        packet = fields_to_bits(fields[here], kinds[index])
        bits[(ends[here] - packet.shape[1])[:, None] + np.arange(packet.shape[1])] = packet
    return bits


def encode_events(
    symbols: Ints, points: Ints, layout: LatentLayout, length: int
) -> tuple[npt.NDArray[np.uint16], Ints]:
    """One string for every ``length`` events, of which there is a multiple: digits and lengths of `encode_strings`."""
    rows, tables, active = _alphabets(points, layout)
    count = len(symbols) // length
    return encode_strings(symbols[:, active].reshape(count, -1), rows.reshape(count, -1), tables)


def _runs(events: int, length: int) -> list[tuple[int, int, int]]:
    """(first event, last + 1, events per string): whole strings, then the shorter last one."""
    whole = events - events % length
    runs = [(0, whole, length), (whole, events, events - whole)]
    return [run for run in runs if run[1] > run[0]]


def _alphabets(points: Ints, layout: LatentLayout) -> tuple[Ints, FrequencyTables, Ints]:
    """Tables of the grid points in use, a row (n, active latents) of them for each symbol, and which are active."""
    used, place = np.unique(points, return_inverse=True)
    quantizers = [layout.points[point].entropy for point in used]
    active = np.flatnonzero([any(row[i].levels > 1 for row in quantizers) for i in range(layout.latents)])
    tables = frequency_tables([row[i] for row in quantizers for i in active])
    return place[:, None] * len(active) + np.arange(len(active)), tables, active


def _widths(layout: LatentLayout) -> Ints:
    return np.array([[quantizer.width for quantizer in point.fixed] for point in layout.points], np.int64)


def _packet_fields(data: npt.NDArray[np.uint8], start: int, widths: Ints) -> Ints:
    ends = start + np.cumsum(widths).reshape(widths.shape)
    fields = np.empty(widths.shape, np.int64)
    for index, width in enumerate(widths.T):
        fields[:, index] = read_bits(data, ends[:, index] - width, width)
    return fields


def _check_size(body: bytes, bits: int) -> None:
    if len(body) != -(-bits // 8):
        raise ModelDataError(f"it has {len(body)} bytes, {bits} bits are due")


def _check_symbols(symbols: Ints, points: Ints, scheme: Scheme) -> None:
    if scheme.coding == "trellis":  # a table of frequencies has no other symbols
        return
    levels = np.array([[q.levels for q in point.quantizers(scheme.coding)] for point in scheme.layout.points])
    wrong = symbols >= levels[points]
    if wrong.any():
        event, latent = np.argwhere(wrong)[0]
        raise ModelDataError(f"event {event}: latent {latent} has no symbol {symbols[event, latent]}")


def _check_totals(totals: Ints) -> None:
    empty = (totals[:, :1] == 0).any(axis=1)
    if empty.any():
        raise ModelDataError(f"event {int(np.argmax(empty))} has no visible particle")
