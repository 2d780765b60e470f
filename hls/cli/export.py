"""qtrigger export."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

NAME = "export"
HELP = "Write a project's network in another form that computes the same numbers."
EXAMPLES = "Examples:\n\n  qtrigger export qonnx firmware_projects/mine --out mine.onnx"


class Form(Enum):
    """What can be written."""

    QONNX = "qonnx"


def command(
    form: Annotated[Form, typer.Argument(metavar="FORM", help="qonnx: ONNX with QONNX's Quant operators.")],
    project: Annotated[Path, typer.Argument(metavar="PROJECT_DIR", help="Folder with a project.toml.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where to write.")],
) -> None:
    """Read the network as `qtrigger build` does, and write it."""
    from hls.importing import import_model
    from hls.importing.onnx.export import export_qonnx
    from hls.project import read_project

    found = read_project(project)
    export_qonnx(import_model(found.model_file(), found.file.model.statements()), out)
    typer.echo(f"{out}: {form.value} of {project}")
