"""qtrigger doctor."""

from __future__ import annotations

from typing import Annotated

import typer

NAME = "doctor"
HELP = "Check this machine: Python, packages, extras, tools, cores, memory, disk."
EXAMPLES = "Example:\n\n  qtrigger doctor --json"


def command(
    as_json: Annotated[bool, typer.Option("--json", help="Print findings as JSON.")] = False,
) -> None:
    """Print what is there and what is missing; exit 2 if something needed is."""
    import json
    from dataclasses import asdict

    from hls.machine.doctor import examine

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
