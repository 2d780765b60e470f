"""The chain: every link that is tried, and the certificate of what came of them."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

from hls.errors import ToolError
from hls.graph import FixedGraph
from hls.machine.cache import cached_folder, digest
from hls.proof.certificate import Link, Proof
from hls.proof.graph_verilog import prove_verilog
from hls.proof.graph_vhdl import prove_vhdl
from hls.proof.hls4ml_types import prove_hls4ml
from hls.proof.solver import solver_version
from hls.proof.subject import Subject
from hls.proof.verilog_netlist import prove_netlist
from hls.rtl import ghdl_version
from hls.rtl.netlist.yosys import yosys_version

_CACHED = "link.json"


def tested_model(subject: Subject) -> Link:
    """The model file against the graph. A model is code in float32: it is tested, by whichever witness ran it."""
    tested = subject.tested
    if tested is None:
        return Link(
            name="model = graph",
            state="not done",
            method="comparison of integers",
            tool="",
            tool_version="",
            seconds=0.0,
            reason="no witness has run the model file; build with that of its format (qkeras, hgq2 ...) among them",
        )
    return Link(
        name="model = graph",
        state="tested",
        method="comparison of integers, event by event",
        tool=tested.witness,
        tool_version=tested.version,
        seconds=tested.seconds,
        events=tested.events,
    )


LINKS: tuple[tuple[Callable[[Subject], Link], Callable[[Subject], object]], ...] = (
    (tested_model, lambda subject: subject.tested),
    (prove_verilog, lambda subject: subject.verilog),
    (prove_vhdl, lambda subject: subject.vhdl),
    (prove_netlist, lambda subject: subject.netlist),
    (prove_hls4ml, lambda subject: subject.hls4ml),
)
"""Each link with what it is about, None where a build made nothing of the kind; in the order in which they are told."""


def prove(subject: Subject) -> Proof:
    """Try every link; none that fails keeps the others from being tried. VHDL is a link where it is asked for."""
    asked = [(link, about) for link, about in LINKS if link is not prove_vhdl or subject.vhdl is not None]
    links = tuple(_remembered(link, about(subject), subject) for link, about in asked)
    return Proof(project=subject.project, digest=subject.graph.digest(), links=links)


def unproved(project: str, graph: FixedGraph, reason: str) -> Proof:
    """The certificate of a network of which there is no Verilog, for ``reason``."""
    link = Link(
        name="graph = verilog", state="not done", method="", tool="", tool_version="", seconds=0.0, reason=reason
    )
    return Proof(project=project, digest=graph.digest(), links=(link,))


def _remembered(prove_link: Callable[[Subject], Link], about: object, subject: Subject) -> Link:
    """A link as it was proved or refuted earlier, of equal files by equal tools; otherwise it is tried now."""
    if about is None:
        return prove_link(subject).model_copy(update={"absent": True})
    if prove_link is tested_model:
        return prove_link(subject)
    folder, key = subject.cache, f"{prove_link.__name__}-{_key(subject)[:32]}"
    kept = folder / key / _CACHED
    if kept.is_file():
        return Link.model_validate_json(kept.read_text(encoding="utf-8"))
    link = prove_link(subject)
    if link.state in ("proved", "refuted"):
        text = link.model_dump_json(indent=2) + "\n"
        cached_folder(folder, key, lambda place: _write(place / _CACHED, text))
    return link


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _key(subject: Subject) -> str:
    """All that the links depend on: the graph, the files written of it, the tools, and the code of this room."""
    causes: list[str | Path] = [subject.graph.digest(), repr(subject.graph.output_names), yosys_version()]
    try:
        causes.append(solver_version())
    except ToolError:
        causes.append("none")
    causes += [subject.verilog.top, *subject.verilog.sources]
    if subject.vhdl is not None:
        causes += ["vhdl", ghdl_version(), *subject.vhdl.sources]
    for folder in (subject.hls4ml, subject.netlist):
        causes += sorted(path for path in folder.rglob("*") if path.is_file()) if folder is not None else ["none"]
    code = Path(str(files("hls.proof")))
    return digest([*causes, *sorted(code.rglob("*.py"))])
