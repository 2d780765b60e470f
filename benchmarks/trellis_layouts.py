"""Adds the trellis to the layout of a committed encoder that was trained before there was one.

    python -m benchmarks.trellis_layouts firmware_projects/compression-encoder-16

Training calibrates the trellis on its own events. Here it is background events that neither the networks nor the table
of docs/how-it-works/latent-bits.md have met; the quantizers of the other codings stay as they are.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt

import hls
from qmodels.compression.inputs import column, encoder_inputs
from qmodels.compression.packing.latent_layout import FILE, read_layout
from qmodels.compression.packing.trellis_calibration import with_trellis
from qmodels.compression.samples.event_sources import held_out

EVENTS, SEED = 8000, 5


def add_trellis(project: Path) -> None:
    """Write the layout of ``project`` anew."""
    graph = hls.import_keras(project / "model.h5")
    inputs = encoder_inputs(held_out("background", EVENTS, SEED).particles, graph.edges["particles"].shape[0])

    def encode(log10_beta: float) -> tuple[npt.NDArray[np.floating], npt.NDArray[np.floating]]:
        mean, log_variance = hls.emulate(graph, [inputs, column(log10_beta, len(inputs))])
        return mean, log_variance

    with_trellis(read_layout(project / FILE), encode).write(project / FILE)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        add_trellis(Path(name))
