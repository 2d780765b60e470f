"""Options of several verbs: how a model file is read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Softmax = Annotated[
    str | None,
    typer.Option(metavar="MODE", help="What becomes of a last softmax: drop (logits), argmax (the class) or table."),
]
Sigmoid = Annotated[str | None, typer.Option(metavar="MODE", help="What becomes of a last sigmoid: drop (its logit).")]
Outputs = Annotated[
    str | None,
    typer.Option(metavar="MODE", help="What leaves the chip of a classifier: logits, or argmax (the class)."),
]
Architecture = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Where the model is weights alone: the JSON of model.to_json().")
]
