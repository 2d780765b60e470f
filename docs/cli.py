"""Makes the verbs of docs/reference/cli.md from the command line itself: `python docs/cli.py`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from typer.main import get_command

from hls.cli.app import VERBS, app
from hls.cli.verb import COMMON

PAGE = Path(__file__).parent / "reference" / "cli.md"
START, END = "<!-- verbs -->\n", "<!-- /verbs -->"


def verbs() -> str:
    """The page's part: each verb with its arguments, options, examples and JSON."""
    commands: dict[str, Any] = get_command(app).commands  # type: ignore[attr-defined]
    return "\n".join(line for module in VERBS for line in _verb(module, commands[module.NAME]))


def _verb(module: ModuleType, command: Any) -> Iterator[str]:
    yield f"## qtrigger {module.NAME}\n\n{module.HELP}\n"
    rows = [_row(parameter) for parameter in command.params if parameter.name not in COMMON]
    if rows:
        yield "\n".join(("| argument or option | is |", "|---|---|", *rows, ""))
    yield f"```\n{_examples(module.EXAMPLES)}\n```\n"
    keys = module.JSON_KEYS
    if isinstance(keys, str):
        yield f"`--json` prints {keys}.\n"
    else:
        yield "\n".join(
            ("| `--json` key | is |", "|---|---|", *(f"| `{key}` | {is_} |" for key, is_ in keys.items()), "")
        )


def _row(parameter: Any) -> str:
    names = ", ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts))
    if parameter.param_type_name == "argument":
        names = f"`{parameter.metavar}`"
    elif parameter.metavar and not parameter.is_flag:
        names += f" `{parameter.metavar}`"
    told = (parameter.help or "").replace("|", "\\|")
    told = told if told.endswith("...") else told.removesuffix(".")
    unstated = parameter.default in (None, False) or callable(parameter.default) or parameter.required
    default = "" if unstated else f"; `{parameter.default}` by default"
    return f"| {names.replace('|', chr(92) + '|')} | {told}{default} |"


def _examples(text: str) -> str:
    """The commands alone, without what the terminal's markup needs."""
    lines = (line.strip().replace("\\[", "[") for line in text.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("Example"))


def main() -> None:
    """Write the page anew between its marks."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(START)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{START}{verbs()}{END}{after}", encoding="utf-8")
    sys.stdout.write(f"{PAGE}\n")


if __name__ == "__main__":
    main()
