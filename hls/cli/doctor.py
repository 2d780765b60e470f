"""qtrigger doctor."""

from __future__ import annotations

from typing import Annotated

import typer

NAME = "doctor"
HELP = "Check this machine: Python, packages, extras, tools, cores, memory, disk."
EXAMPLES = (
    "Examples:\n\n  qtrigger doctor --json"
    "\n\n  qtrigger doctor --pins > pins.txt && pip install -c pins.txt 'qtrigger\\[all]'"
)


def command(
    as_json: Annotated[bool, typer.Option("--json", help="Print findings as JSON.")] = False,
    tested: Annotated[bool, typer.Option("--pins", help="Print the tested versions, as pip's -c takes them.")] = False,
) -> None:
    """Print what is there and what is missing; exit 2 if something needed is."""
    import json
    from dataclasses import asdict

    from hls.machine.doctor import examine, pins

    if tested:
        typer.echo(pins(), nl=False)
        return
    findings = examine()
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        marks = {"good": "✓", "warning": "!", "bad": "✗"}
        for finding in findings:
            typer.echo(
                f"{marks[finding.status]} {finding.what}: {finding.found}"
                + (f" – {finding.cure}" if finding.cure else "")
            )
    raise typer.Exit(2 if any(finding.status == "bad" for finding in findings) else 0)
