"""From the firmware's means to symbols and back to latents for the decoder: integers all the way."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from qmodels.compression.packing.latent_layout import VALUE_BITS, Coding, Ints, LatentLayout


def quantize(raw: Ints, points: Ints, layout: LatentLayout, coding: Coding) -> Ints:
    """Symbols (n, latents) of raw means (n, latents), event k at grid point ``points[k]``."""
    step, offset, levels = (_parameter(layout, coding, name)[points] for name in ("step", "offset", "levels"))
    return np.clip((raw + offset) // step, 0, levels - 1)


def reconstruct(symbols: Ints, points: Ints, layout: LatentLayout, coding: Coding) -> npt.NDArray[np.float64]:
    """Latents (n, latents) for the decoder, exact multiples of 2**-20."""
    origin, slope = (_parameter(layout, coding, name)[points] for name in ("origin", "slope"))
    return np.ldexp((origin + slope * symbols).astype(np.float64), -VALUE_BITS)


def _parameter(layout: LatentLayout, coding: Coding, name: str) -> Ints:
    rows = [[getattr(quantizer, name) for quantizer in point.quantizers(coding)] for point in layout.points]
    return np.array(rows, np.int64)
