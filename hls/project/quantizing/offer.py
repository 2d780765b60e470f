"""What to say of a plain network where one with types is wanted."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from hls.errors import FirmwareError
from hls.importing.formats import plain_model
from hls.importing.joined import whole_model
from hls.project.quantizing.normal_form import SUMS, normal_form
from hls.project.quantizing.recurrent import KINDS as RECURRENT


def quantize_command(
    model: Path, events: Path, architecture: Path | None = None, features: Sequence[str] = ()
) -> str | None:
    """The command that makes a quantized network of a plain one; None if it would refuse this one."""
    try:
        with whole_model(model, architecture) as whole:
            layers = normal_form(plain_model(whole)).model.layers.values()
    except FirmwareError:
        return None
    if not any(layer.class_name in (*SUMS, *RECURRENT) for layer in layers):
        return None
    words = ["qtrigger", "quantize", str(model), "--events", str(events)]
    words += [word for text in features for word in ("--features", text)]
    words += [] if architecture is None else ["--architecture", str(architecture)]
    return shlex.join([*words, "--out", f"{model.stem}_quantized.keras"])
