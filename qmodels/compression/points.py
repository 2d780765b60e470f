"""Encoders that a scan may train: what can vary, its choices, and how one is trained.

Points that differ in their charge alone start from the same float networks, which are trained once and kept in the
user's cache folder.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from filelock import FileLock

from qmodels.compression.presets import LEAN, Preset
from qmodels.errors import ModelDataError
from qmodels.generation.cache import cache_folder

Choice = int | float | str

OBJECTIVE = "distortion_at_-3:min"
"""At log₁₀β = -3 the latents still carry the collision, and the encoder is what limits it."""


def scan_space() -> dict[str, Sequence[Choice]]:
    """Choices by name: ``charge`` relative to that of preset lean; ``particle`` and ``event``, units of either network;
    ``latents``."""
    return {
        "charge": (0.1, 0.3, 1.0, 3.0),
        "particle": ("16-24", "8-8", "16-16"),
        "event": ("32-32", "16-16"),
        "latents": (LEAN.latents, LEAN.latents // 2),
    }


def preset_of(parameters: Mapping[str, Choice]) -> Preset:
    """Preset lean with ``parameters`` in place of its own; ModelDataError for a name or value of no sense."""
    space = scan_space()
    preset = LEAN
    for name, value in parameters.items():
        if name not in space:
            raise ModelDataError(f"{name!r} cannot be scanned: choose of {', '.join(space)}")
        try:
            preset = _changed(preset, name, value)
        except (TypeError, ValueError):
            raise ModelDataError(f"{name}={value!r} makes no network: see {space[name]}") from None
    return preset


def _changed(preset: Preset, name: str, value: Choice) -> Preset:
    """ValueError for a value of no sense."""
    if name == "charge" and preset.charge is not None:
        return replace(preset, charge=preset.charge.times(float(value)))
    if name == "latents" and int(value) > 0:
        return replace(preset, latents=int(value))
    units = tuple(int(part) for part in str(value).split("-")) if name in ("particle", "event") else ()
    if name == "particle" and units and min(units) > 0:
        return replace(preset, particle=units)
    if name == "event" and units and min(units) > 0:
        return replace(preset, event=units)
    raise ValueError(value)


def train_point(
    variant: str, parameters: Mapping[str, Choice], out: Path, *, events: int | None, epochs: int | None, seed: int
) -> Path:
    """Train the encoder of ``parameters`` into ``out``: model.h5, the float networks that it is measured against, and
    the layout of its latents.

    Raises ModelDataError for parameters of no sense, and as :func:`qmodels.compression.recipe.train_float`.
    """
    from qmodels.compression import recipe  # brings TensorFlow, which takes seconds

    preset = preset_of(parameters)
    events = preset.events if events is None else events
    shared = float_folder(variant, preset, events, epochs, seed)
    shared.mkdir(parents=True, exist_ok=True)
    with FileLock(shared / "lock"):  # of points that run at a time, one trains them and the others wait
        recipe.train_float(variant, preset, shared, events=events, epochs=epochs, seed=seed)
    out.mkdir(parents=True, exist_ok=True)
    for name in recipe.FLOAT_FILES:
        shutil.copyfile(shared / name, out / name)
    return recipe.train_encoder(variant, preset, out, events=events, epochs=epochs, seed=seed)


def float_folder(variant: str, preset: Preset, events: int, epochs: int | None, seed: int) -> Path:
    """Where the float networks of a preset's sizes are kept, whatever its charge."""
    sizes = asdict(replace(preset, charge=None, quantized_stage=None, widths=None))
    told = json.dumps([variant, sizes, events, epochs, seed], sort_keys=True)
    return cache_folder("encoders") / hashlib.sha256(told.encode()).hexdigest()[:12]
