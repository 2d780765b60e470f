"""From the firmware's means to symbols and back to latents for the decoder: integers all the way."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from qmodels.compression.packing.latent_layout import VALUE_BITS, Coding, Ints, LatentLayout


def quantize(raw: Ints, points: Ints, layout: LatentLayout, coding: Coding) -> Ints:
    """Symbols (n, latents) of raw means (n, latents), event k at grid point ``points[k]``.

    One latent in steps of 4 raw units, five symbols about 0, each told to the decoder as so many eighths:

    >>> from qmodels.compression.packing.latent_layout import GridPoint, Quantizer
    >>> eighths = (Quantizer(step=4, offset=10, levels=5, origin=-2 << 17, slope=1 << 17),)
    >>> layout = LatentLayout(5, (GridPoint(-1.0, eighths, eighths),))
    >>> points = np.zeros(4, np.int64)
    >>> symbols = quantize(np.array([[-100], [-3], [1], [100]]), points, layout, "fixed")
    >>> symbols.ravel().tolist()
    [0, 1, 2, 4]
    >>> reconstruct(symbols, points, layout, "fixed").ravel().tolist()
    [-0.25, -0.125, 0.0, 0.25]
    """
    step, offset, levels = (_parameter(layout, coding, name)[points] for name in ("step", "offset", "levels"))
    return np.clip((raw + offset) // step, 0, levels - 1)


def reconstruct(symbols: Ints, points: Ints, layout: LatentLayout, coding: Coding) -> npt.NDArray[np.float64]:
    """Latents (n, latents) for the decoder, exact multiples of 2**-20."""
    origin, slope = (_parameter(layout, coding, name)[points] for name in ("origin", "slope"))
    return np.ldexp((origin + slope * symbols).astype(np.float64), -VALUE_BITS)


def _parameter(layout: LatentLayout, coding: Coding, name: str) -> Ints:
    rows = [[getattr(quantizer, name) for quantizer in point.quantizers(coding)] for point in layout.points]
    return np.array(rows, np.int64)
