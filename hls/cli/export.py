"""qtrigger export."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from hls.cli.verb import Answer, say, verb

NAME = "export"
HELP = "Write a project's network in another form that computes the same numbers."
JSON_VERSION = 1
JSON_KEYS = {
    "version": "1",
    "form": "`emulator` or `qonnx`",
    "out": "where it was written",
    "files": "names",
    "events": "how many the test of an emulator compares",
}
EXAMPLES = """Examples:

  qtrigger export emulator firmware_projects/mine --out mine_emulator

  qtrigger export qonnx firmware_projects/mine --out mine.onnx"""


class Form(Enum):
    """What can be written."""

    EMULATOR = "emulator"
    QONNX = "qonnx"


@verb
def command(
    form: Annotated[
        Form,
        typer.Argument(
            metavar="FORM",
            help="emulator: a folder with one C++ source that needs nothing, its tests, and a binding for Python; "
            "qonnx: ONNX with QONNX's Quant operators.",
        ),
    ],
    project: Annotated[Path, typer.Argument(metavar="PROJECT_DIR", help="Folder with a project.toml.")],
    out: Annotated[Path, typer.Option(metavar="PATH", help="Where to write: a folder for emulator, else a file.")],
    name: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Of the emulator's files and namespace; by default the project's."),
    ] = None,
) -> Answer:
    """Read the network as `qtrigger build` does, and write it."""
    from hls.importing import import_model
    from hls.project import read_project

    found = read_project(project)
    graph = import_model(found.model_file(), found.file.model.statements())
    if form is Form.QONNX:
        from hls.importing.onnx.export import export_qonnx

        export_qonnx(graph, out)
        return Answer(
            {"version": JSON_VERSION, "form": form.value, "out": str(out), "files": [out.name], "events": 0},
            lambda: say(f"{out}: {form.value} of {project}"),
        )
    from hls.cpp import export_emulator
    from hls.project.exporting import emulator_name, vector_events

    chosen = name or emulator_name(found)
    events = vector_events(graph, found)
    files = export_emulator(graph, chosen, out, events)
    names = [path.name for path in files]

    def show() -> None:
        say(f"{out}: {', '.join(names)}")
        say(f"`make -C {out} test` compares it with the bits of {len(events[0])} events.")

    return Answer(
        {"version": JSON_VERSION, "form": form.value, "out": str(out), "files": names, "events": len(events[0])}, show
    )
