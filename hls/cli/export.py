"""qtrigger export."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hls.cli.verb import Answer, say, verb

if TYPE_CHECKING:
    from hls.graph import FixedGraph
    from hls.project import Project

NAME = "export"
HELP = "Write a project's network in another form that computes the same numbers."
JSON_VERSION = 1
JSON_KEYS = {
    "version": "1",
    "form": "`emulator`, `qonnx` or `rtl`",
    "out": "where it was written",
    "files": "names",
    "events": "how many the test of an emulator compares",
}
EXAMPLES = """Examples:

  qtrigger export emulator firmware_projects/mine --out mine_emulator

  qtrigger export qonnx firmware_projects/mine --out mine.onnx

  qtrigger export rtl firmware_projects/simulation-decoder --out simulator --with-noise noise,recoil"""


class Form(Enum):
    """What can be written."""

    EMULATOR = "emulator"
    QONNX = "qonnx"
    RTL = "rtl"


@verb
def command(
    form: Annotated[
        Form,
        typer.Argument(
            metavar="FORM",
            help="emulator: a folder with one C++ source that needs nothing, its tests, and a binding for Python; "
            "qonnx: ONNX with QONNX's Quant operators; rtl: Verilog and VHDL as `qtrigger build` writes them.",
        ),
    ],
    project: Annotated[Path, typer.Argument(metavar="PROJECT_DIR", help="Folder with a project.toml.")],
    out: Annotated[Path, typer.Option(metavar="PATH", help="Where to write: a folder for emulator, else a file.")],
    name: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Of the emulator's files and namespace; by default the project's."),
    ] = None,
    with_noise: Annotated[
        str | None,
        typer.Option(metavar="PORTS", help="rtl: inputs that standard normal noise drives from inside: noise,recoil."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Where that noise starts.")] = 1,
) -> Answer:
    """Read the network as `qtrigger build` does, and write it."""
    from hls.errors import FirmwareError
    from hls.importing import import_model
    from hls.project import read_project

    found = read_project(project)
    if with_noise is not None and form is not Form.RTL:
        raise FirmwareError(f"--with-noise goes with rtl, not with {form.value}")
    graph = import_model(found.model_file(), found.file.model.statements())
    if form is Form.RTL:
        return _rtl(found, graph, out, None if with_noise is None else with_noise.split(","), seed)
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


def _rtl(project: Project, graph: FixedGraph, out: Path, noisy: list[str] | None, seed: int) -> Answer:
    """The Verilog and VHDL of the project's target, and what drives the ports ``noisy``."""
    from hls.project.exporting import emulator_name
    from hls.rtl import write_rtl_for
    from hls.rtl.noise import write_alone

    written = write_rtl_for(project.target, graph, emulator_name(project), out)
    names = [*written.files, *written.contents]
    if noisy is not None:
        names += [str(path.relative_to(written.folder)) for path in write_alone(written, noisy, seed)]
    alone = "" if noisy is None else f", noise on {', '.join(noisy)} of seed {seed}"
    return Answer(
        {"version": JSON_VERSION, "form": Form.RTL.value, "out": str(out), "files": names, "events": 0},
        lambda: say(f"{out}: {written.top} of {project.folder}{alone}"),
    )
