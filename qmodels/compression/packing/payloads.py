"""The bits of a block of events: fixed packets, or strings of an arithmetic coder. β may differ from event to event.

A payload, filled up to whole bytes, holds

- entropy coding: the length in bits of each string, in 4 bytes, little-endian;
- where β differs, the grid point of each event in as many bits as the grid needs;
- the packets or strings, one after the other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qmodels.compression.packing.bit_fields import fields_to_bits, join_strings, padded, read_bits
from qmodels.compression.packing.entropy_coding import FrequencyTables, decode_strings, encode_strings, frequency_tables
from qmodels.compression.packing.latent_layout import Coding, Ints, LatentLayout
from qmodels.errors import ModelDataError

Bits = npt.NDArray[np.bool_]
_LENGTH_BYTES = 4


@dataclass(frozen=True)
class Scheme:
    """How events become bits. ``point``: the grid point of all events, None where each names its own."""

    layout: LatentLayout
    coding: Coding
    events_per_string: int
    point: int | None

    def pack(self, symbols: Ints, points: Ints) -> bytes:
        """Payload of events with symbols (n, latents) at grid points (n,)."""
        marks = fields_to_bits(points[:, None], self._mark).ravel()
        if self.coding == "fixed":
            return np.packbits(np.concatenate([marks, fixed_bits(symbols, points, self.layout)])).tobytes()
        lengths, bits = self._strings(symbols, points)
        return lengths.astype("<u4").tobytes() + np.packbits(np.concatenate([marks, bits])).tobytes()

    def unpack(self, payload: bytes, events: int) -> tuple[Ints, Ints]:
        """Undo :meth:`pack`: symbols and grid points.

        Raises ModelDataError where the bits are too few, too many, or those of no symbols.
        """
        strings = -(-events // self.events_per_string) if self.coding == "entropy" else 0
        head = strings * _LENGTH_BYTES
        if len(payload) < head:
            raise ModelDataError("the lengths of its strings are cut short")
        lengths = np.frombuffer(payload, "<u4", strings).astype(np.int64)
        body, data = payload[head:], padded(payload[head:])
        used = events * int(self._mark[0])
        points = self._points(data, events)
        if self.coding == "fixed":
            widths = _widths(self.layout)[points]
            _check_size(body, used + int(widths.sum()))
            symbols = _fixed_symbols(data, used, widths)
        else:
            _check_size(body, used + int(lengths.sum()))
            symbols = self._string_symbols(data, used + np.cumsum(np.concatenate([[0], lengths])), points)
        _check_symbols(symbols, points, self)
        return symbols, points

    @property
    def _mark(self) -> Ints:
        """Width of the field that names an event's grid point."""
        return np.array([0 if self.point is not None else (len(self.layout.points) - 1).bit_length()])

    def _points(self, data: npt.NDArray[np.uint8], events: int) -> Ints:
        width = int(self._mark[0])
        if self.point is not None:
            return np.full(events, self.point, np.int64)
        points = read_bits(data, np.arange(events) * width, width)
        if (points >= len(self.layout.points)).any():
            raise ModelDataError(f"event {int(np.argmax(points >= len(self.layout.points)))} names no grid point")
        return points

    def _strings(self, symbols: Ints, points: Ints) -> tuple[Ints, Bits]:
        parts = [
            encode_events(symbols[start:stop], points[start:stop], self.layout, length)
            for start, stop, length in _runs(len(symbols), self.events_per_string)
        ]
        lengths = np.concatenate([part for _, part in parts] or [np.zeros(0, np.int64)])
        return lengths, np.concatenate([np.zeros(0, np.bool_), *(join_strings(*part) for part in parts)])

    def _string_symbols(self, data: npt.NDArray[np.uint8], starts: Ints, points: Ints) -> Ints:
        symbols = np.zeros((len(points), self.layout.latents), np.int64)
        done = 0
        for start, stop, length in _runs(len(points), self.events_per_string):
            rows, tables, active = _alphabets(points[start:stop], self.layout)
            count = (stop - start) // length
            found, ends = decode_strings(data, starts[done : done + count], rows.reshape(count, -1), tables)
            wrong = ends != starts[done + 1 : done + count + 1]
            if wrong.any():
                raise ModelDataError(f"string {done + int(np.argmax(wrong))} is damaged: its length differs")
            symbols[start:stop, active] = found.reshape(stop - start, len(active))
            done += count
        return symbols


def packet_widths(layout: LatentLayout, point: int) -> Ints:
    """Bits of each latent's field in a fixed packet of a grid point, in the order of the fields."""
    return _widths(layout)[point]


def fixed_bits(symbols: Ints, points: Ints, layout: LatentLayout) -> Bits:
    """Fixed packets one after the other: the latents in their order, each highest bit first."""
    widths = _widths(layout)[points]
    bits = np.empty(int(widths.sum()), np.bool_)
    ends = np.cumsum(widths.sum(axis=1))
    for point in np.unique(points):
        here = np.flatnonzero(points == point)
        packet = fields_to_bits(symbols[here], widths[here[0]])
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


def _fixed_symbols(data: npt.NDArray[np.uint8], start: int, widths: Ints) -> Ints:
    ends = start + np.cumsum(widths).reshape(widths.shape)
    symbols = np.empty(widths.shape, np.int64)
    for latent, width in enumerate(widths.T):
        symbols[:, latent] = read_bits(data, ends[:, latent] - width, width)
    return symbols


def _check_size(body: bytes, bits: int) -> None:
    if len(body) != -(-bits // 8):
        raise ModelDataError(f"it has {len(body)} bytes, {bits} bits are due")


def _check_symbols(symbols: Ints, points: Ints, scheme: Scheme) -> None:
    levels = np.array([[q.levels for q in point.quantizers(scheme.coding)] for point in scheme.layout.points])
    wrong = symbols >= levels[points]
    if wrong.any():
        event, latent = np.argwhere(wrong)[0]
        raise ModelDataError(f"event {event}: latent {latent} has no symbol {symbols[event, latent]}")
