"""Bits per event of a layout, counted in real strings, against the bound that the KL divergence sets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qmodels.compression.autoencoder import kl_per_latent
from qmodels.compression.packing.latent_layout import FileCoding, Ints, LatentLayout
from qmodels.compression.packing.layout_calibration import raw_means
from qmodels.compression.packing.packet_files import EVENTS_PER_STRING
from qmodels.compression.packing.payloads import Scheme, Sent, encode_events, packet_widths
from qmodels.compression.packing.symbols import quantize
from qmodels.compression.packing.trellis import trellis_symbols


@dataclass(frozen=True)
class BitReport:
    """Bits per event at one β, and how many latents are sent.

    ``kl``: ΣKL averaged over events, over ln 2. ``fixed``: length of a packet of the fixed layout. ``string``: mean
    length of an arithmetic-coded string of a single event. ``chained``: of payload where strings hold many events.
    ``trellis``: of payload with the trellis, None where the layout has none.
    """

    log10_beta: float
    active: int
    kl: float
    fixed: float
    string: float
    chained: float
    trellis: float | None

    @property
    def excess(self) -> float:
        """How far ``chained`` is above ``kl``, as a fraction of it; infinite where there is nothing to tell."""
        return self.above(self.chained)

    def above(self, bits: float) -> float:
        """How far ``bits`` are above ``kl``, as a fraction of it; infinite where there is nothing to tell."""
        return bits / self.kl - 1 if self.kl > 0 else float("inf")


def rate_report(mean: npt.ArrayLike, log_variance: npt.ArrayLike, layout: LatentLayout, point: int) -> BitReport:
    """Pack events, with means and log-variances (n, latents) at grid point ``point``, and count."""
    raw = raw_means(mean, layout.fraction)
    points = np.full(len(raw), point, np.int64)
    symbols = quantize(raw, points, layout, "entropy")
    _, lengths = encode_events(symbols, points, layout, 1)
    return BitReport(
        log10_beta=layout.points[point].log10_beta,
        active=sum(quantizer.levels > 1 for quantizer in layout.points[point].entropy),
        kl=kl_bits(mean, log_variance),
        fixed=float(packet_widths(layout, point).sum()),
        string=float(lengths.mean()),
        chained=payload_bits(symbols, points, layout),
        trellis=trellis_bits(raw, layout, point),
    )


def trellis_bits(raw: Ints, layout: LatentLayout, point: int) -> float | None:
    """Bits of payload per event, trellis coding, of raw means (n, latents); None where the layout has no trellis."""
    quantizers = layout.points[point].trellis
    if not quantizers:
        return None
    symbols = trellis_symbols(raw, quantizers, layout.fraction, EVENTS_PER_STRING)
    return payload_bits(symbols, np.full(len(raw), point, np.int64), layout, "trellis")


def payload_bits(symbols: Ints, points: Ints, layout: LatentLayout, coding: FileCoding = "entropy") -> float:
    """Bits of payload per event, of symbols (n, latents) all at one grid point, without totals."""
    scheme = Scheme(layout, coding, EVENTS_PER_STRING, int(points[0]), totals=False)
    return 8.0 * len(scheme.pack(Sent(symbols, points, np.zeros((len(points), 0), np.int64)))) / len(symbols)


def kl_bits(mean: npt.ArrayLike, log_variance: npt.ArrayLike) -> float:
    """KL divergence of the posteriors N(mean, exp(log_variance)) from N(0, 1), summed over latents, in bits."""
    kl = kl_per_latent(np.asarray(mean, np.float64), np.asarray(log_variance, np.float64))
    return float(kl.sum(axis=1).mean() / np.log(2.0))
