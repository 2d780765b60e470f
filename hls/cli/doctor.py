"""qtrigger doctor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from hls.cli.verb import Answer, say, verb

if TYPE_CHECKING:
    from hls.machine.doctor import Finding

NAME = "doctor"
HELP = "Check this machine: Python, packages, extras, tools, cores, memory, disk."
JSON_VERSION = 1
JSON_KEYS = {
    "version": "1",
    "findings": "objects of `what`, `status` (`good`, `warning`, `bad`), `found`, `cure`",
    "pins": "with `--pins`, instead: lines of tested versions",
}
EXAMPLES = (
    "Examples:\n\n  qtrigger doctor --json"
    "\n\n  qtrigger doctor --pins > pins.txt && pip install -c pins.txt 'qtrigger\\[all]'"
)


@verb
def command(
    tested: Annotated[bool, typer.Option("--pins", help="Print the tested versions, as pip's -c takes them.")] = False,
) -> Answer:
    """What is there and what is missing; exit 2 if something needed is."""
    from dataclasses import asdict

    from hls.machine.doctor import examine, pins

    if tested:
        return Answer({"version": JSON_VERSION, "pins": pins().splitlines()}, lambda: say(pins().rstrip("\n")))
    findings = examine()
    data = {"version": JSON_VERSION, "findings": [asdict(finding) for finding in findings]}
    return Answer(data, lambda: _show(findings), 2 if any(found.status == "bad" for found in findings) else 0)


def _show(findings: Sequence[Finding]) -> None:
    marks = {"good": "✓", "warning": "!", "bad": "✗"}
    for finding in findings:
        cure = f" – {finding.cure}" if finding.cure else ""
        say(f"{marks[finding.status]} {finding.what}: {finding.found}{cure}")
