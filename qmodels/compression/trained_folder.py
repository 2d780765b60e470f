"""The float side of a trained folder: encoder, decoder, reference classifier, and the layout of its latents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from qmodels.compression.autoencoder import DECODER_FILE, REFERENCE_FILE
from qmodels.compression.networks import Network, read_network
from qmodels.compression.packing import latent_layout
from qmodels.compression.packing.latent_layout import LatentLayout
from qmodels.types import Floats, Floats32

MODEL_FILE, CLASSIFIER_FILE = "model.h5", "judge.h5"


@dataclass(frozen=True)
class Networks:
    """The float side of a trained folder, and how its latents are packed; None for what it lacks.

    ``classifier`` is the reference classifier, judge.h5: one for every β, trained on float reconstructions.
    """

    encoder: Network
    decoder: Network
    classifier: Network | None
    layout: LatentLayout | None

    @property
    def count(self) -> int:
        """Particles of an event."""
        return self.encoder.inputs["particles"][0]

    def reference(self, arrays: Sequence[Floats32]) -> Sequence[Floats]:
        """The float encoder, called as the firmware is."""
        return self.encoder(*arrays)


def read_networks(folder: Path) -> Networks:
    """Read reference.h5 and decoder.h5, and judge.h5 and latent_layout.json if they are there.

    Raises:
        ModelDataError: one of them is unusable.
    """
    beta = (1,)
    encoder = read_network(folder / REFERENCE_FILE, {"particles": (None, 4), "log10_beta": beta})
    decoder = read_network(folder / DECODER_FILE, {"latent": (None,), "log10_beta": beta})
    classifier, layout = folder / CLASSIFIER_FILE, folder / latent_layout.FILE
    shape = {"particles": (encoder.inputs["particles"][0], 4), "log10_beta": beta}
    return Networks(
        encoder,
        decoder,
        read_network(classifier, shape) if classifier.exists() else None,
        latent_layout.read_layout(layout) if layout.exists() else None,
    )
