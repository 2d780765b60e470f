"""Discrete descent after training: bits taken away one at a time while loss and charge together fall."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import keras
import numpy as np
import numpy.typing as npt

from qmodels.training.precision.quantizer import learned_bits
from qmodels.training.precision.task import quantizers

Bits = npt.NDArray[np.int64]


def prune_bits(
    model: keras.Model,
    loss: Callable[[], float],
    charge: Callable[[], float],
    *,
    limit: float = math.inf,
    rounds: int = 3,
) -> float:
    """Coarsen the bits of ``model`` greedily by ``loss`` and ``charge`` together; returns what their sum reached.

    A gradient moves every weight by itself; weights that must stay equal, as those of a difference of products, are
    moved together here: a whole tensor to a coarser common grid, then each of its channels or weights.

    No step brings the loss above ``limit``. A network that has learned little yet would otherwise sell all of it for
    its bits, and end as none.
    """
    best = loss() + charge()
    for _ in range(rounds):
        before = best
        for quantizer in quantizers(model):
            for bits in _coarser(quantizer):
                kept = np.array(quantizer.fraction)
                quantizer.set_bits(bits)
                lost = loss()
                value = lost + charge()
                if lost <= limit and value <= best:
                    best = value
                else:
                    quantizer.set_bits(kept)
        if best == before:
            break
    return best


_SINGLE_LIMIT = 64
"""Tensors with more numbers of bits than this are only moved as a whole."""

_LONGEST_LEAP = 8
"""Bits that a tensor may lose at once: between two good grids there are some on which its weights part company.

Counted from the coarsest of its bits; in a large tensor, where that is a weight long gone, from the finest.
"""


def _coarser(quantizer: learned_bits) -> Iterator[Bits]:
    """Trials, each from the bits as they then are."""
    bits = quantizer.fraction_bits()
    top, small = int(bits.max()), bits.size <= _SINGLE_LIMIT
    for common in range(top - 1, (int(bits.min()) if small else top) - _LONGEST_LEAP - 1, -1):
        yield np.minimum(quantizer.fraction_bits(), common)
    if small and bits.size > 1:
        for index in np.ndindex(bits.shape):
            bits = quantizer.fraction_bits()
            bits[index] -= 1
            yield bits
