"""An hls4ml project with the events that its own test bench reads: what C simulation and co-simulation compare."""

from __future__ import annotations

from hls.graph import FixedGraph
from hls.handover.vectors import Vectors, decimal_rows, fractions
from hls.hls4ml_project import HlsProject
from hls.machine.texts import rendered

_DATA = "tb_data"
_EXACT = 24
"""hls4ml's test benches read numbers as float32."""


def complete_hls_project(project: HlsProject, graph: FixedGraph, vectors: Vectors) -> None:
    """Write ``tb_data`` in hls4ml's format, and a README, into the folder of ``project``."""
    folder = project.folder / _DATA
    folder.mkdir(exist_ok=True)
    given, expected = fractions(graph)
    files = {
        "tb_input_features.dat": decimal_rows(vectors.inputs, given),
        "tb_output_predictions.dat": decimal_rows(vectors.outputs, expected),
    }
    for name, rows in files.items():
        (folder / name).write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
    ports = (*project.inputs, *project.outputs)
    wide = [port.name for port in ports if port.type.width > _EXACT]
    values: dict[str, object] = {"project": project, "events": len(vectors), "wide": wide, "exact": _EXACT}
    text = rendered("hls.handover", "hls_readme.md.j2", values)
    (project.folder / "README.md").write_text(text, encoding="utf-8")
