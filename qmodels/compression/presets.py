"""Variants (particles an encoder takes) and presets (sizes of its networks) of the compression system."""

from __future__ import annotations

from dataclasses import dataclass, replace

from qmodels.errors import ModelDataError
from qmodels.training.precision.charge import Charge
from qmodels.training.stages import Stage

VARIANTS: dict[str, int] = {"encoder-50": 50, "encoder-32": 32, "encoder-16": 16, "encoder-8": 8}
"""Particles of each variant; the first is the default."""


@dataclass(frozen=True)
class AutoencoderStage(Stage):
    """``opening`` is the part of the epochs in which the range of β opens from below (:mod:`.training`)."""

    opening: float = 0.0


@dataclass(frozen=True)
class Widths:
    """Bits of each kind of number in a quantized encoder.

    ``inputs`` of a particle feature (3 of them before the point with the sign: |η| < 4), ``log10_beta``, weights,
    activations inside, the ``pooled`` sum, and the two outputs.
    """

    inputs: int = 13
    log10_beta: int = 8
    weights: int = 8
    activations: int = 8
    pooled: int = 10
    mean: int = 12
    log_variance: int = 10


@dataclass(frozen=True)
class Preset:
    """Sizes: units of the per-particle network, of the event network and of the decoder, and latents.

    The particle sum is divided by ``divisor``; ``slope`` is that of the encoder's LeakyReLU (0 for ReLU).
    ``float_stage`` trains encoder and decoder; ``quantized_stage``, for presets with ``widths``, the QKeras encoder
    after it, whose widths inside are learned at ``charge``, if there is one, instead of given. ``published_rates`` is
    the plateau schedule of the authors in place of a cosine. A ``scaled`` encoder sees N·pT/H_T, of mean 1, in place
    of pT/H_T.
    """

    name: str
    particle: tuple[int, ...]
    event: tuple[int, ...]
    latents: int
    decoder: tuple[int, ...]
    divisor: int
    slope: float
    events: int
    float_stage: AutoencoderStage
    published_rates: bool = False
    scaled: bool = False
    widths: Widths | None = None
    quantized_stage: AutoencoderStage | None = None
    charge: Charge | None = None


PAPER = Preset(
    "paper",
    particle=(1024,) * 4,
    event=(1024,) * 4,
    latents=256,
    decoder=(1024,) * 5,
    divisor=32,
    slope=0.1,
    events=600_000,
    float_stage=AutoencoderStage("paper", 1000, 100, 3e-5),
    published_rates=True,
)
"""The published networks, exactly as coded."""

DESK = Preset(
    "desk",
    particle=(128, 128),
    event=(256, 256),
    latents=64,
    decoder=(256,) * 4,
    divisor=16,
    slope=0.1,
    events=75_000,
    float_stage=AutoencoderStage("desk", 75, 128, 1e-3, opening=0.5),
    scaled=True,
)
"""The published structure an eighth as wide: about 12 minutes of a core with 50 particles.

What makes up for the length of the published training is shown by ``benchmarks/float_reference.py``.
"""

TRIGGER = Preset(
    "trigger",
    particle=(16, 24),
    event=(32, 32),
    latents=16,
    decoder=(128,) * 4,
    divisor=4,
    slope=0.0,
    events=75_000,
    float_stage=AutoencoderStage("trigger-float", 120, 256, 2e-3, opening=0.5),
    widths=Widths(),
    quantized_stage=AutoencoderStage("trigger", 60, 256, 1e-3),
)
"""An encoder that fits a trigger board unrolled; its decoder stays on the host and may be larger."""

_CHARGED = VARIANTS["encoder-8"]
LEAN = replace(
    TRIGGER,
    name="lean",
    quantized_stage=AutoencoderStage("lean", 60, 256, 1e-2),
    charge=Charge(1e-8, 2e-6, 0.6),
)
"""The trigger's encoder with the widths inside it learned at a charge for LUTs; it starts from the same float one."""

FRONT_END = Preset(
    "front-end",
    particle=(8, 8),
    event=(16,),
    latents=8,
    decoder=(128,) * 3,
    divisor=4,
    slope=0.0,
    events=75_000,
    float_stage=AutoencoderStage("front-end-float", 100, 256, 2e-3, opening=0.5),
    widths=Widths(inputs=12, weights=6, activations=7, pooled=9, mean=9, log_variance=8),
    quantized_stage=AutoencoderStage("front-end", 60, 256, 1e-3),
)
"""An encoder for a front-end chip, of about a thousand multiplications with eight particles."""

PRESETS: dict[str, Preset] = {preset.name: preset for preset in (DESK, TRIGGER, LEAN, PAPER, FRONT_END)}


def find_preset(name: str) -> Preset:
    """Return the preset called ``name``; ModelDataError for an unknown one."""
    try:
        return PRESETS[name]
    except KeyError:
        raise ModelDataError(f"unknown preset {name!r} of compression: choose one of {', '.join(PRESETS)}") from None


def charged_for(preset: Preset, variant: str) -> Preset:
    """``preset``, whose charge is that of eight particles, with the charge of ``variant``, that falls as their square.

    At the charge of eight the loss, a mean over all β, does not rise with 16 or 32 either, but the distortion at small
    β does, by 7 and 12 %.
    """
    if preset.charge is None:
        return preset
    return replace(preset, charge=preset.charge.times((_CHARGED / particle_count(variant)) ** 2))


def particle_count(variant: str) -> int:
    """Particles that ``variant`` takes; ModelDataError for an unknown one.

    >>> particle_count("encoder-16")
    16
    """
    try:
        return VARIANTS[variant]
    except KeyError:
        raise ModelDataError(
            f"unknown variant {variant!r} of compression: choose one of {', '.join(VARIANTS)}"
        ) from None
