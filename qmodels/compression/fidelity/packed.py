"""What packing the firmware's latents into bits costs, and how many bits they take."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from qmodels.compression.autoencoder import Coded, Encoder, kl_per_latent
from qmodels.compression.classifiers.separation import restored_auc
from qmodels.compression.fidelity.metrics import Packed
from qmodels.compression.inputs import column, features
from qmodels.compression.packing.bit_report import payload_bits, trellis_bits
from qmodels.compression.packing.latent_layout import Ints, LatentLayout
from qmodels.compression.packing.layout_calibration import raw_means
from qmodels.compression.packing.symbols import quantize, reconstruct
from qmodels.compression.trained_folder import Networks
from qmodels.types import Floats, Floats32

_NOISE_SEED = 95


def measure_packed(
    networks: Networks,
    firmware: Encoder,
    background: Floats32,
    log10_beta: float,
    *,
    true: Sequence[Coded],
    quantized: Sequence[Coded],
    distance: Callable[[Sequence[Floats]], float],
) -> Packed | None:
    """Pack and unpack the firmware's codes of the signals; None without a layout that has this β.

    ``true`` and ``quantized`` are the signals as coded by the float encoder and the firmware; ``distance`` gives the
    mean distortion of what is restored of them. Bits are those of ``background`` clouds (n, N, 3).
    """
    layout = networks.layout
    if layout is None or log10_beta not in layout.grid:
        return None
    rng = np.random.default_rng(_NOISE_SEED)
    drawn = [side.mean + np.exp(0.5 * side.log_variance) * rng.standard_normal(side.mean.shape) for side in true]
    kept = [_unpacked(side.mean, layout, log10_beta) for side in quantized]
    ideal, restored = (
        [networks.decoder(latent, column(log10_beta, len(latent)))[0] for latent in latents]
        for latents in (drawn, kept)
    )
    arrays = [features(background), column(log10_beta, len(background))]
    mean = firmware(arrays)[0]
    return Packed(
        bits=payload_bits(*sent_symbols(mean, layout, log10_beta), layout),
        trellis_bits=trellis_bits(raw_means(mean, layout.fraction), layout, int(layout.nearest(log10_beta))),
        kl_bits=float(kl_per_latent(*networks.reference(arrays)).sum(axis=1).mean() / np.log(2.0)),
        distortion=distance(restored),
        auc=restored_auc(networks.classifier, restored, log10_beta),
        drawn_distortion=distance(ideal),
        drawn_auc=restored_auc(networks.classifier, ideal, log10_beta),
    )


def sent_symbols(mean: npt.ArrayLike, layout: LatentLayout, log10_beta: float) -> tuple[Ints, Ints]:
    """Symbols (n, latents) of the firmware's means, entropy coding, and the grid point (n,) of each event."""
    raw = raw_means(mean, layout.fraction)
    points = np.full(len(raw), int(layout.nearest(log10_beta)), np.int64)
    return quantize(raw, points, layout, "entropy"), points


def _unpacked(mean: npt.ArrayLike, layout: LatentLayout, log10_beta: float) -> Floats:
    symbols, points = sent_symbols(mean, layout, log10_beta)
    return reconstruct(symbols, points, layout, "entropy")
