"""What can be trained, with which losses, for how long. Light: whoever asks for the names starts at once."""

from __future__ import annotations

from dataclasses import dataclass

from qmodels.training.precision.charge import Charge
from qmodels.training.stages import Stage

DECODER, ENCODER = "decoder", "encoder"
VARIANTS = (DECODER, ENCODER)
DATA_OPTIONS = ("sample", "source", "jobs", "scheduler")

MODEL_FILE, REFERENCE_FILE = "model.h5", "reference.h5"
"""The network of the variant, quantized and float."""
PARTNER_MODEL_FILE, PARTNER_FILE = "partner_model.h5", "partner.h5"
"""The other one of the two, which is trained with it: a decoder's encoder, an encoder's decoder."""


@dataclass(frozen=True)
class Terms:
    """Weights of the terms of the loss, all in GeV² but the anchors', and the directions that are drawn for each.

    ``latent`` holds what is encoded to the distribution of z; ``simulated`` what the decoder makes of z to that of x;
    ``pair`` holds the pair's transverse momentum and mass; ``regional`` its mass in each region of |η|; ``recoil`` what
    a pair gains along the beam to a part of what it has across; ``quiet`` keeps what the decoder does without noise
    near the identity, and has it reconstruct without noise, which leaves the noise free to act; ``anchor`` is the
    paper's, on directions.
    """

    slices: int
    latent: float = 1.0
    simulated: float = 0.0
    pair: float = 0.0
    regional: float = 0.0
    recoil: float = 0.0
    quiet: float = 0.0
    anchor: float = 0.0

    @property
    def pair_slices(self) -> int:
        """In three dimensions half as many directions are as dense."""
        return max(self.slices // 2, 1)


@dataclass(frozen=True)
class Part:
    """One stage of a training and the losses that it has."""

    stage: Stage
    terms: Terms


@dataclass(frozen=True)
class Quantization:
    """``bits`` of weights and hidden features; ``part`` trains them, without it they are rounded as they are."""

    bits: int
    part: Part | None


@dataclass(frozen=True)
class Learned:
    """Every width trained under ``charge``, which is in GeV² per LUT; then ``settled`` at the last of it.

    Bits move by about the rate at a step: the first part has many steps, of small batches."""

    part: Part
    charge: Charge
    settled: Part


@dataclass(frozen=True)
class Preset:
    """What is trained one after the other: the float networks, then the quantized ones, if any.

    A network that is ``residual`` has ``hidden`` features behind each of its two outputs; else it is the paper's.
    """

    float_parts: tuple[Part, ...]
    residual: bool = True
    hidden: int = 16
    quantized: Quantization | Learned | None = None

    @property
    def parts(self) -> tuple[Part, ...]:
        """Every stage, the quantized one last."""
        if isinstance(self.quantized, Learned):
            return (*self.float_parts, self.quantized.part, self.quantized.settled)
        last = None if self.quantized is None else self.quantized.part
        return self.float_parts if last is None else (*self.float_parts, last)


_LOSSES = Terms(16, simulated=1.0, pair=1.0, regional=3.0, recoil=1.0, quiet=0.1)
_DESK = (
    # A squared distance of few events is too large by what their scatter adds: the last stage has large batches.
    Part(Stage("float-start", 300, 2000, 2e-3), _LOSSES),
    Part(Stage("float", 100, 6000, 1e-3), _LOSSES),
)
_PAPER_LOSSES = Terms(1000)
_PAPER = (
    Part(Stage("anchored", 80, 20_000, 1e-3), Terms(1000, anchor=50.0)),
    Part(Stage("free", 200, 20_000, 1e-3), _PAPER_LOSSES),
    Part(Stage("falling", 200, 20_000, 1e-3), _PAPER_LOSSES),
    Part(Stage("last", 400, 20_000, 1e-3), _PAPER_LOSSES),
)

PRESETS: dict[str, Preset] = {
    "desk": Preset(_DESK, quantized=Quantization(8, Part(Stage("aware-8", 60, 6000, 1e-3), _LOSSES))),
    "desk-12": Preset(_DESK, quantized=Quantization(12, None)),
    "desk-6": Preset(_DESK, quantized=Quantization(6, Part(Stage("aware-6", 60, 6000, 1e-3), _LOSSES))),
    "lean": Preset(
        _DESK,
        quantized=Learned(
            Part(Stage("lean", 100, 2000, 1e-3), _LOSSES),
            Charge(1.2e-4, 8e-3, 0.6),
            Part(Stage("lean-settled", 60, 6000, 5e-4), _LOSSES),
        ),
    ),
    "paper": Preset(_PAPER, residual=False),
}
TRAINING_EVENTS, VALIDATION_EVENTS = 56_000, 4000
