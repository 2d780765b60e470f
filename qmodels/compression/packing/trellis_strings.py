"""Strings of trellis symbols: which of a latent's two alphabets is next, the symbols before it say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qmodels.compression.packing.bit_fields import Bytes
from qmodels.compression.packing.entropy_coding import (
    Digits,
    FrequencyTables,
    decode_chosen,
    encode_strings,
    frequency_tables,
)
from qmodels.compression.packing.latent_layout import Ints, Quantizer, TrellisQuantizer
from qmodels.compression.packing.trellis import NEXT
from qmodels.errors import ModelDataError


@dataclass(frozen=True, eq=False)
class TrellisAlphabets:
    """The latents that are sent, how many symbols either quantizer of each has, and two tables for each."""

    active: Ints
    counts: Ints
    tables: FrequencyTables

    @staticmethod
    def of(quantizers: Sequence[TrellisQuantizer]) -> TrellisAlphabets:
        """Of all latents at one grid point."""
        active = [index for index, quantizer in enumerate(quantizers) if quantizer.symbols]
        counts = [quantizers[index].symbols for index in active]
        halves = [
            Quantizer(1, 0, count, 0, 0, weights=quantizers[index].weights[start : start + count])
            for index, count in zip(active, counts, strict=True)
            for start in (0, count)
        ]
        return TrellisAlphabets(np.array(active, np.int64), np.array(counts, np.int64), frequency_tables(halves))

    def encode(self, symbols: Ints, length: int) -> tuple[Digits, Ints]:
        """One string for every ``length`` events of symbols (n, latents): see `encode_strings`.

        Raises ModelDataError where a symbol is not of the quantizer that is due: no decoder would find it.
        """
        count = len(symbols) // length
        which, own = np.divmod(symbols[:, self.active], self.counts)
        states = np.zeros((count, len(self.active)), np.int64)
        for event in range(length):
            if (which[event::length] != states & 1).any():
                raise ModelDataError(f"symbols of no path: choose them for strings of {length} events")
            states = NEXT[states, self._parity(own[event::length], slice(None))]
        rows = 2 * np.arange(len(self.active)) + which
        return encode_strings(own.reshape(count, -1), rows.reshape(count, -1), self.tables)

    def decode(self, data: Bytes, starts: Ints, length: int) -> tuple[Ints, Ints]:
        """Undo :meth:`encode`: symbols (n, active latents), and the bit behind each string begun at ``starts``."""
        latents = len(self.active)
        states = np.zeros((len(starts), latents), np.int64)
        rows = np.zeros((len(starts), length * latents), np.int64)

        def row(position: int, symbols: Ints) -> Ints:
            event, latent = divmod(position, latents)
            if event:
                states[:, latent] = NEXT[states[:, latent], self._parity(symbols[:, position - latents], latent)]
            rows[:, position] = 2 * latent + (states[:, latent] & 1)
            return rows[:, position]

        own, ends = decode_chosen(data, starts, length * latents, row, self.tables)
        return (own + (rows & 1) * np.tile(self.counts, length)).reshape(len(starts) * length, latents), ends

    def _parity(self, own: Ints, latent: int | slice) -> Ints:
        """Whether symbols lie at an odd distance from the middle one."""
        return own - self.counts[latent] // 2 & 1
