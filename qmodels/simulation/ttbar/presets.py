"""How networks of top pairs are trained. Light: whoever asks for the names starts at once."""

from __future__ import annotations

from dataclasses import dataclass

from qmodels.training.stages import Stage

TTBAR_DECODER = "ttbar-decoder"
"""The variant. Its encoder is trained with it, and lies beside it."""
ENCODER, DECODER = "encoder", "decoder"


@dataclass(frozen=True)
class Terms:
    """Weights of the terms of the loss, all in GeV², and the directions that are drawn for each.

    ``restored`` is the square by which what is encoded and decoded comes back, ``latent`` holds what is encoded to the
    distribution of z: the paper's two. ``simulated`` holds what the decoder makes of z to that of x, and
    ``features`` does so for transverse momenta and masses, both ways. ``quiet`` keeps what the decoder does without
    noise near the quarks, and has it restore without noise, so that the noise is free to act. ``missing`` is the part
    of the missing momentum along the beam that counts, in all but the ``features``, which have none of it.
    """

    slices: int
    restored: float = 1.0
    latent: float = 20.0
    simulated: float = 0.0
    features: float = 0.0
    quiet: float = 0.0
    missing: float = 1.0


@dataclass(frozen=True)
class Part:
    """One stage of a training and the losses that it has. ``decoder_alone`` leaves the encoder as it is."""

    stage: Stage
    terms: Terms
    decoder_alone: bool = False


@dataclass(frozen=True)
class TopPreset:
    """Stages one after the other, of networks with batch ``normalised`` features or without."""

    parts: tuple[Part, ...]
    normalised: bool


_LOSSES = Terms(32, restored=0.05, latent=1.0, simulated=1.0, features=1.0, quiet=0.02, missing=0.5)
PRESETS: dict[str, TopPreset] = {
    "desk": TopPreset(
        (
            Part(Stage("float-start", 300, 1000, 2e-3), _LOSSES),
            Part(Stage("float", 200, 3000, 1e-3), _LOSSES),
        ),
        normalised=False,
    ),
    "paper": TopPreset(
        (
            Part(Stage("float", 1000, 20_000, 1e-3), Terms(1000)),
            Part(Stage("decoder", 10, 20_000, 1e-4), Terms(1000, restored=0.0, latent=0.0, simulated=1.0), True),
        ),
        normalised=True,
    ),
}
TRAINING_EVENTS, VALIDATION_EVENTS = 20_000, 2000
