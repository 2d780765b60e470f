"""What is sent of an event, classified as it is: the latents alone, then with the totals that go beside them.

A receiver need not restore an event to tell the signals apart. Seen are the float encoder's latents with the noise that
their KL pays for, and, where the folder holds a quantized encoder with its layout, what is unpacked of the firmware's
bits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from qmodels.classification import Auc
from qmodels.compression.autoencoder import Encoder, kl_per_latent
from qmodels.compression.classifiers.latent_network import Events, Sender, beside, train_latent_network
from qmodels.compression.classifiers.trees import train_trees
from qmodels.compression.fidelity.packed import sent_symbols
from qmodels.compression.inputs import column, features, transport_targets
from qmodels.compression.packing.bit_report import payload_bits
from qmodels.compression.packing.latent_layout import LatentLayout
from qmodels.compression.packing.symbols import reconstruct
from qmodels.compression.packing.totals import BITS, totals_of
from qmodels.compression.paper.results import Seen, SentPoint
from qmodels.compression.samples.collision_files import Collisions
from qmodels.compression.trained_folder import Networks
from qmodels.types import Floats, Floats32

Progress = Callable[[str, int, int], None]
_NOISE_STREAM = 93


def measure_sent(
    networks: Networks,
    firmware: Encoder | None,
    signals: Sequence[Collisions],
    log10_betas: Sequence[float],
    seed: int,
    progress: Progress,
) -> list[SentPoint]:
    """One point a β."""
    receiver = _Receiver.of(signals, networks.count, seed)
    found = []
    for index, log10_beta in enumerate(log10_betas):
        bits = _kl_bits(networks, receiver.clouds, log10_beta)
        reference = receiver.sees(_drawn(networks, log10_beta), bits)
        packed = None
        if firmware is not None and networks.layout is not None and log10_beta in networks.layout.grid:
            bits = _packed_bits(firmware, networks.layout, receiver.clouds, log10_beta)
            packed = receiver.sees(_unpacked(firmware, networks.layout, log10_beta), bits)
        found.append(SentPoint(log10_beta, reference, packed))
        progress("latents", index + 1, len(log10_betas))
    return found


@dataclass(frozen=True, eq=False)
class _Receiver:
    """Events of both classes, by which a receiver learns to tell them apart; ``totals`` (n, 2) as they are sent."""

    clouds: list[Floats32]
    totals: list[Floats]
    seed: int

    @classmethod
    def of(cls, signals: Sequence[Collisions], count: int, seed: int) -> _Receiver:
        totals = [totals_of(signal) for signal in signals]
        numbers: list[Floats] = [beside(each.visible.astype(np.float64), each.ht) for each in totals]
        return cls([transport_targets(signal.particles, count) for signal in signals], numbers, seed)

    def sees(self, send: Sender, bits: float) -> Seen:
        """AUCs on what ``send`` makes of the events in so many bits."""
        rng = np.random.default_rng([self.seed, _NOISE_STREAM])
        latents = [send(side, rng) for side in self.clouds]
        both = [np.concatenate([latent, total], axis=1) for latent, total in zip(latents, self.totals, strict=True)]
        return Seen(
            bits=bits,
            trees=train_trees(latents, self.seed),
            network=self._network(send, [np.zeros((len(side), 0)) for side in self.clouds]),
            bits_with_totals=bits + BITS,
            trees_with_totals=train_trees(both, self.seed),
            network_with_totals=self._network(send, self.totals),
        )

    def _network(self, send: Sender, numbers: Sequence[Floats]) -> Auc:
        sides = [Events(side, extra.astype(np.float32)) for side, extra in zip(self.clouds, numbers, strict=True)]
        return train_latent_network(sides, send, self.seed, "latents")


def _kl_bits(networks: Networks, clouds: Sequence[Floats32], log10_beta: float) -> float:
    kl = [kl_per_latent(*networks.reference(_inputs(side, log10_beta))).sum(axis=1) for side in clouds]
    return float(np.concatenate(kl).mean() / np.log(2.0))


def _packed_bits(firmware: Encoder, layout: LatentLayout, clouds: Sequence[Floats32], log10_beta: float) -> float:
    coded = [sent_symbols(firmware(_inputs(side, log10_beta))[0], layout, log10_beta) for side in clouds]
    symbols, points = (np.concatenate(parts) for parts in zip(*coded, strict=True))
    return payload_bits(symbols, points, layout)


def _drawn(networks: Networks, log10_beta: float) -> Sender:
    """Float latents drawn from their posterior."""

    def send(clouds: Floats32, rng: np.random.Generator) -> Floats:
        mean, log_variance = networks.reference(_inputs(clouds, log10_beta))
        drawn: Floats = mean + np.exp(0.5 * log_variance) * rng.standard_normal(mean.shape)
        return drawn

    return send


def _unpacked(firmware: Encoder, layout: LatentLayout, log10_beta: float) -> Sender:
    """The firmware's latents packed, entropy coding, and unpacked."""

    def send(clouds: Floats32, _: np.random.Generator) -> Floats:
        symbols, points = sent_symbols(firmware(_inputs(clouds, log10_beta))[0], layout, log10_beta)
        return reconstruct(symbols, points, layout, "entropy")

    return send


def _inputs(clouds: Floats32, log10_beta: float) -> list[Floats32]:
    return [features(clouds), column(log10_beta, len(clouds))]
