"""Writes the table of bits per event into docs/how-it-works/latent-bits.md: `python docs/bits_results.py [PROJECT]`."""

from __future__ import annotations

import sys
from pathlib import Path

import hls
from qmodels.compression.inputs import column, encoder_inputs
from qmodels.compression.packing.bit_report import rate_report
from qmodels.compression.packing.latent_layout import FILE, read_layout
from qmodels.compression.samples.event_sources import held_out

PAGE = Path(__file__).parent / "how-it-works" / "latent-bits.md"
START, END = "<!-- bits -->\n", "<!-- /bits -->"
PROJECT = "firmware_projects/compression-encoder-16"
EVENTS, SEED = 2000, 1
EVERY = 2
HIGHEST_LOG10_BETA = -0.5
"""Above it an event carries less than a bit, and a percentage of that says nothing."""


def table(project: Path) -> str:
    """Rows over β, counted on background events that nothing was trained or calibrated on."""
    layout = read_layout(project / FILE)
    graph = hls.import_keras(project / "model.h5")
    inputs = encoder_inputs(held_out("background", EVENTS, SEED).particles, graph.edges["particles"].shape[0])
    rows = [
        f"`{project.name}`, {len(inputs):,} background events, bits an event:\n\n"
        "| log₁₀ β | latents sent | KL bound | fixed packet | string of one event | chained strings | above KL "
        "| trellis | above KL |\n"
        "|---|---|---|---|---|---|---|---|---|\n"
    ]
    for point in range(0, len(layout.points), EVERY):
        log10_beta = layout.points[point].log10_beta
        if log10_beta <= HIGHEST_LOG10_BETA:
            mean, log_variance = hls.emulate(graph, [inputs, column(log10_beta, len(inputs))])
            found = rate_report(mean, log_variance, layout, point)
            trellis = "– | –" if found.trellis is None else f"{found.trellis:.2f} | {found.above(found.trellis):.1%}"
            rows.append(
                f"| {log10_beta:g} | {found.active} | {found.kl:.2f} | {found.fixed:.0f} | {found.string:.2f} "
                f"| {found.chained:.2f} | {found.excess:.1%} | {trellis} |\n"
            )
    return "".join(rows)


if __name__ == "__main__":
    text = PAGE.read_text(encoding="utf-8")
    before, after = text.partition(START)[0], text.partition(END)[2]
    made = table(Path(sys.argv[1] if len(sys.argv) > 1 else PROJECT))
    PAGE.write_text(before + START + made + END + after, encoding="utf-8")
