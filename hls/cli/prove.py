"""qtrigger prove."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hls.cli.verb import Answer, verb

if TYPE_CHECKING:
    from hls.proof import Link, Proof

NAME = "prove"
HELP = "Prove for every input that Verilog, netlist and hls4ml C++ compute the network."
JSON_KEYS = "proof.json, which is `proof` of [report.json](report-json.md)"
EXAMPLES = (
    "Examples:\n\n"
    "  qtrigger prove firmware_projects/evn-two-body\n\n"
    "  qtrigger prove firmware_projects/mine --time-limit 3600 --json | jq '.links[].state'"
)
_TIME_LIMIT = 600.0
_MARKS = {"proved": "[green]✓[/green]", "tested": "[green]✓[/green]", "refuted": "[bold red]✗[/bold red]"}


@verb
def command(
    project: Annotated[Path, typer.Argument(metavar="PROJECT_DIR", help="Folder with a project.toml.")],
    time_limit: Annotated[
        float, typer.Option(metavar="SECONDS", min=1.0, help="Time for each link of the proof.")
    ] = _TIME_LIMIT,
) -> Answer:
    """Exit 0 if all is proved, 1 if something is refuted or not done, 2 on bad input."""
    from hls.cli.progress import progress
    from hls.cli.stopping import keeping
    from hls.project.proving import prove_project

    kept = f"{project}/build/proof.json is what it was before; the same command proves it"
    with keeping(kept), progress() as shown:
        proof = prove_project(project, time_limit, shown)
    return Answer(proof.model_dump(mode="json"), lambda: _show(proof), 0 if proof.complete else 1)


def _show(proof: Proof) -> None:
    """A line for each link; what it rests on, and the event that refutes it, below."""
    from rich.markup import escape

    from hls.cli.screen import console as screen

    console = screen()
    for link in proof.links:
        mark = _MARKS.get(link.state, "[dim]–[/dim]")
        console.print(f"{mark} [bold]{link.name}[/bold]: {escape(link.verdict)}{_how(link)}")
        if link.counterexample is not None:
            for before in link.counterexample.before:
                console.print(f"  before {before}", markup=False)
            console.print(f"  input {link.counterexample.inputs}", markup=False)
    for assumption in dict.fromkeys(a for link in proof.links if link.state == "proved" for a in link.assumptions):
        console.print(f"assumed: {assumption}", style="dim", markup=False)


def _how(link: Link) -> str:
    if link.state not in ("proved", "tested"):
        return ""
    outputs = f", {link.outputs.proved} outputs" if link.outputs is not None else ""
    return f"{outputs} ({link.tool} {link.tool_version}, {link.seconds:.1f} s)"
