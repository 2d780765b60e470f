"""Trellis-coded quantization: two quantizers take turns along the events of a string, each latent for itself.

Marcellin and Fischer (IEEE Trans. Commun. 38 (1990) 82), with entropy-coded symbols. Levels lie k steps from the centre
of a latent: the even k are those of the first quantizer, the odd k and 0 those of the second. The symbols so far say
which one is next, so a decoder knows it too, and an encoder that looks for the best path among all has the levels of
both at the price of one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qmodels.compression.packing.latent_layout import PRICE_BITS, VALUE_BITS, Ints, TrellisQuantizer
from qmodels.types import Floats64

STATES = 32
_STRINGS_AT_ONCE = 64
_CHECKS = 0o45, 0o10  # Ungerboeck (IEEE Trans. Inf. Theory 28 (1982) 55), one dimension, 32 states
_STATE, _BIT = np.arange(STATES, dtype=np.int64)[:, None], np.arange(2, dtype=np.int64)
NEXT: Ints = _STATE >> 1 ^ (_STATE & 1) * (_CHECKS[0] >> 1) ^ _BIT * (_CHECKS[1] >> 1)
"""The state after a symbol of even or odd distance from the middle one; the lowest bit of a state is its quantizer."""
_BEFORE, _PARITY = np.divmod(np.argsort(NEXT, axis=None, kind="stable").reshape(STATES, 2), 2)


def trellis_symbols(raw: Ints, quantizers: Sequence[TrellisQuantizer], fraction: int, events_per_string: int) -> Ints:
    """Symbols (n, latents) of raw means (n, latents): those of the second quantizer go on where the first one's end.

    Of all paths the one of least price times squared error plus bits. Every string begins in state 0. The search is in
    floating point; what a file says does not depend on that.

    Levels -2, 0 and 2 are symbols 0 to 2, and -1, 0 and 1 are 3 to 5, of equal length. The odd 2 leads from state 0 to
    4, the odd 0 to 6 and the even 1 to 3, which is of the second quantizer: the last 0 is its symbol 4.

    >>> values = tuple(level << 20 for level in (-2, 0, 2, -1, 0, 1))
    >>> levels = TrellisQuantizer(1 << 32, 1 << 20, 0, values, (1,) * 6)
    >>> trellis_symbols(np.array([[2], [-2], [0], [0]]), [levels], 0, 4).ravel().tolist()
    [2, 0, 1, 4]
    """
    block = _STRINGS_AT_ONCE * events_per_string
    parts = [
        _block(raw[start : start + block], quantizers, fraction, events_per_string)
        for start in range(0, len(raw), block)
    ]
    return np.concatenate([np.zeros((0, len(quantizers)), np.int64), *parts])


def trellis_values(symbols: Ints, quantizers: Sequence[TrellisQuantizer]) -> Floats64:
    """Latents (n, latents) for the decoder, exact multiples of 2**-20."""
    columns = [np.array(q.values, np.int64)[column] for q, column in zip(quantizers, symbols.T, strict=True)]
    return np.ldexp(np.stack(columns, axis=1).astype(np.float64), -VALUE_BITS)


def _block(raw: Ints, quantizers: Sequence[TrellisQuantizer], fraction: int, events_per_string: int) -> Ints:
    symbols = np.zeros(raw.shape, np.int64)
    sent = [latent for latent, quantizer in enumerate(quantizers) if quantizer.symbols]
    if not sent:
        return symbols
    length = min(events_per_string, len(raw))
    strings = -(-len(raw) // length)
    padded = np.zeros((strings * length, len(sent)))
    padded[: len(raw)] = raw[:, sent]
    lanes = padded.reshape(strings, length, len(sent)).transpose(1, 2, 0)
    found = [_cheapest(lanes[:, k], quantizers[latent], fraction) for k, latent in enumerate(sent)]
    cost = np.stack([each for _, each in found], axis=3)  # (length, 2, 2, latents, strings)
    cost[len(raw) - (strings - 1) * length :, :, :, :, -1] = 0.0  # nothing beyond the last event
    path = _path(cost.reshape(length, 2, 2, -1))
    choices = np.stack([each for each, _ in found], axis=3).reshape(length, 4, -1)
    chosen = np.take_along_axis(choices, path[:, None], axis=1).reshape(length, len(sent), strings)
    symbols[:, sent] = chosen.transpose(2, 0, 1).reshape(-1, len(sent))[: len(raw)]
    return symbols


def _cheapest(lanes: Floats64, quantizer: TrellisQuantizer, fraction: int) -> tuple[Ints, Floats64]:
    """Of means (length, strings) the best symbol by quantizer and parity, and its cost: (length, 2, 2, strings)."""
    count, levels, bits = quantizer.symbols, quantizer.levels(fraction), quantizer.bits
    symbol = np.zeros((lanes.shape[0], 2, 2, lanes.shape[1]), np.int64)
    cost = np.full(symbol.shape, np.inf)
    for index in range(2 * count):
        which, own = divmod(index, count)
        place = np.s_[:, which, (own - count // 2) & 1]
        here = np.ldexp(quantizer.price, -PRICE_BITS) * (lanes - levels[index]) ** 2 + bits[index]
        better = here < cost[place]
        cost[place][better] = here[better]
        symbol[place][better] = index
    return symbol, cost


def _path(cost: Floats64) -> Ints:
    """Viterbi's search: which of (quantizer, parity), as 2 quantizer + parity, for each event (length, strings)."""
    length, strings = cost.shape[0], cost.shape[3]
    total = np.full((STATES, strings), np.inf)
    total[0] = 0.0
    came = np.empty((length, STATES, strings), np.bool_)
    for event in range(length):
        both = total[_BEFORE] + cost[event, _BEFORE & 1, _PARITY]
        came[event] = both[:, 1] < both[:, 0]
        total = np.where(came[event], both[:, 1], both[:, 0])
    state, lane = total.argmin(axis=0), np.arange(strings)
    path = np.empty((length, strings), np.int64)
    for event in range(length - 1, -1, -1):
        which = came[event, state, lane].astype(np.int64)
        parity, state = _PARITY[state, which], _BEFORE[state, which]
        path[event] = 2 * (state & 1) + parity
    return path
