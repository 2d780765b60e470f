"""What is sent of an event, classified as it is: the latents alone, then with the totals that go beside them.

A receiver need not restore an event to tell the signals apart. Trees see the float encoder's means and, where the
folder holds a quantized encoder with its layout, what is unpacked of the firmware's bits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from qmodels.compression.autoencoder import Encoder, kl_per_latent
from qmodels.compression.classifiers.trees import train_trees
from qmodels.compression.fidelity.packed import sent_symbols
from qmodels.compression.inputs import column, features, transport_targets
from qmodels.compression.packing.bit_report import payload_bits
from qmodels.compression.packing.latent_layout import Ints, LatentLayout
from qmodels.compression.packing.symbols import reconstruct
from qmodels.compression.packing.totals import BITS, totals_of
from qmodels.compression.paper.results import SentPoint, SentTrees
from qmodels.compression.samples.collision_files import Collisions
from qmodels.compression.trained_folder import Networks
from qmodels.types import Floats, Floats32

Progress = Callable[[str, int, int], None]


def measure_sent(
    networks: Networks,
    firmware: Encoder | None,
    signals: Sequence[Collisions],
    log10_betas: Sequence[float],
    seed: int,
    progress: Progress,
) -> list[SentPoint]:
    """One point a β."""
    clouds = [transport_targets(signal.particles, networks.count) for signal in signals]
    totals = [totals_of(signal).raw for signal in signals]
    found = []
    for index, log10_beta in enumerate(log10_betas):
        inputs = [[features(side), column(log10_beta, len(side))] for side in clouds]
        coded = [networks.reference(side) for side in inputs]
        kl = np.concatenate([kl_per_latent(*side).sum(axis=1) for side in coded]).mean() / np.log(2.0)
        found.append(
            SentPoint(
                log10_beta=log10_beta,
                reference=_trees([mean for mean, _ in coded], totals, float(kl), seed),
                firmware=_packed(firmware, networks.layout, inputs, totals, log10_beta, seed),
            )
        )
        progress("latents", index + 1, len(log10_betas))
    return found


def _packed(
    firmware: Encoder | None,
    layout: LatentLayout | None,
    inputs: Sequence[Sequence[Floats32]],
    totals: Sequence[Ints],
    log10_beta: float,
    seed: int,
) -> SentTrees | None:
    if firmware is None or layout is None or log10_beta not in layout.grid:
        return None
    coded = [sent_symbols(firmware(side)[0], layout, log10_beta) for side in inputs]
    latents = [reconstruct(symbols, points, layout, "entropy") for symbols, points in coded]
    symbols, points = (np.concatenate(parts) for parts in zip(*coded, strict=True))
    return _trees(latents, totals, payload_bits(symbols, points, layout), seed)


def _trees(latents: Sequence[Floats], totals: Sequence[Ints], bits: float, seed: int) -> SentTrees:
    both = [np.concatenate([latent, total], axis=1) for latent, total in zip(latents, totals, strict=True)]
    return SentTrees(bits, train_trees(latents, seed), bits + BITS, train_trees(both, seed))
