"""Networks of a folder beside the truth: the figures of a build, and the table and plots of ``qtrigger evaluate``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from hls.machine.files import write_text
from qmodels.simulation.calling import read_network
from qmodels.simulation.fidelity import floor
from qmodels.simulation.pairs import Pairs
from qmodels.simulation.presets import PARTNER_FILE, REFERENCE_FILE
from qmodels.simulation.ttbar.fidelity import Figures, figures, identity, made_by, metrics
from qmodels.simulation.ttbar.samples import read_events, unseen_events
from qmodels.simulation.ttbar.tables import page
from qmodels.types import Fidelity, Firmware

if TYPE_CHECKING:
    from hls.machine.progress import StageProgress

BUILD_SLICES = 200
BUILD_EVENTS, EVALUATED_EVENTS = 2000, 6000
QUANTIZED_FILE = "model.keras"
"""A decoder in few bits, if somebody put one into the folder: `qtrigger quantize` writes such."""
PAGE, PICTURE = "evaluation.md", "evaluation.png"


def measure(folder: Path, firmware: Firmware, pairs: Pairs, seed: int, figure: Path | None = None) -> Fidelity:
    """Figures of the float decoder in ``folder`` and of ``firmware``, on halves of ``pairs``; plots into ``figure``.

    The encoder is the float one for both. Raises ModelDataError if it is missing, or there are fewer than two pairs.
    """
    half, other = pairs.halves()
    encoder = read_network(folder / PARTNER_FILE)
    rows = {"floor": floor(half), "identity": identity(half)}
    if (folder / REFERENCE_FILE).exists():
        rows["float"] = made_by(encoder, read_network(folder / REFERENCE_FILE), half, seed)
    rows["firmware"] = made_by(encoder, firmware, half, seed)
    if figure is not None:
        from qmodels.simulation.ttbar.plots import draw  # brings matplotlib

        draw(rows, other, figure)
    told = {name: figures(made, other, BUILD_SLICES) for name, made in rows.items()}
    return metrics(told.get("float"), told["firmware"], told["floor"])


def evaluate(
    folder: Path,
    out: Path,
    *,
    events: int | None,
    seed: int,
    data: Path | None,
    load: Callable[[Path], Firmware],
    progress: StageProgress | None = None,
) -> Path:
    """Write table and plots of the networks in ``folder`` into ``out``; returns the table's page.

    On ``data``, a file of top pairs, or on ``events`` that are simulated and kept; ``load`` is for what is quantized.
    Raises ModelDataError if a network is missing, or the file is.
    """
    own, partner = read_network(folder / REFERENCE_FILE), read_network(folder / PARTNER_FILE)
    told = progress or (lambda stage, done, total: None)
    skipped: Mapping[str, int] = {}
    if data is not None:
        pairs, skipped = read_events(data)
        pairs = pairs.take(slice(0, events)) if events else pairs
    else:
        pairs = unseen_events(events or EVALUATED_EVENTS, seed, lambda done, total: told("events", done, total))
    half, other = pairs.halves()
    if odd := len(pairs) - len(half) - len(other):
        skipped = {**skipped, "last of an odd number": odd}
    rows = {"floor": floor(half), "identity": identity(half), "float": made_by(partner, own, half, seed)}
    if (folder / QUANTIZED_FILE).exists():
        rows["firmware"] = made_by(partner, load(folder / QUANTIZED_FILE), half, seed)
    found: dict[str, Figures] = {}
    for done, (name, made) in enumerate(rows.items()):
        told("figures", done, len(rows))
        found[name] = figures(made, other)
    out.mkdir(parents=True, exist_ok=True)
    from qmodels.simulation.ttbar.plots import draw  # brings matplotlib

    draw(rows, other, out / PICTURE)
    source = f"the events of {data.name}" if data is not None else f"simulated events of seed {seed}"
    write_text(out / PAGE, page(found, len(half), source, skipped, PICTURE))
    return out / PAGE
