"""Networks of a folder beside the truth: the figures of a build, and the table and plots of ``qtrigger evaluate``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from hls.machine.files import write_text
from qmodels.simulation.calling import read_network
from qmodels.simulation.events import find_variant
from qmodels.simulation.fidelity import Figures, Made, Network, figures, floor, identity, made_by, metrics, network_of
from qmodels.simulation.generating import unseen_pairs
from qmodels.simulation.pair_files import read_pairs
from qmodels.simulation.pairs import Pairs
from qmodels.simulation.presets import DECODER, MODEL_FILE, PARTNER_FILE, PARTNER_MODEL_FILE, REFERENCE_FILE
from qmodels.simulation.splits import split_distances
from qmodels.simulation.tables import page
from qmodels.types import Fidelity, Firmware

if TYPE_CHECKING:
    from hls.machine.progress import StageProgress

BUILD_SLICES = 200
EVALUATED_EVENTS = 60_000
PAGE, PICTURE = "evaluation.md", "evaluation.png"


def measure(
    variant: str, folder: Path, firmware: Firmware, pairs: Pairs, seed: int, figure: Path | None = None
) -> Fidelity:
    """Figures of the float networks in ``folder`` and of ``firmware``, on halves of ``pairs``; plots into ``figure``.

    Raises ModelDataError if the other network of the two is missing, or there are fewer than two pairs.
    """
    half, other = pairs.halves()
    truth = floor(half)
    rows = {"floor": truth, "identity": identity(half)}
    if (folder / REFERENCE_FILE).exists():
        rows["float"] = _made(
            variant, read_network(folder / REFERENCE_FILE), read_network(folder / PARTNER_FILE), half, seed
        )
    rows["firmware"] = _made(variant, firmware, read_network(folder / PARTNER_MODEL_FILE), half, seed)
    if figure is not None:
        from qmodels.simulation.plots import draw  # brings matplotlib

        draw(rows, half, other, figure)
    told = {name: figures(made, half, other, BUILD_SLICES) for name, made in rows.items()}
    return metrics(told.get("float"), told["firmware"], told["floor"])


def evaluate(
    variant: str,
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

    On ``data``, a file of pairs, or on ``events`` that are simulated and kept. Raises ModelDataError if a network is
    missing, or the file is.
    """
    find_variant(variant)
    own, partner = read_network(folder / REFERENCE_FILE), read_network(folder / PARTNER_FILE)
    told = progress or (lambda stage, done, total: None)
    number = events or EVALUATED_EVENTS
    skipped: Mapping[str, int] = {}
    if data is not None:
        pairs, skipped = read_pairs(data)
        pairs = pairs.take(slice(0, events)) if events else pairs
    else:
        pairs = unseen_pairs(number, seed, lambda done, total: told("events", done, total))
    half, other = pairs.halves()
    if odd := len(pairs) - len(half) - len(other):
        skipped = {**skipped, "last of an odd number": odd}
    every = {"floor": floor(pairs), "identity": identity(pairs)}
    every["float"] = _made(variant, own, partner, pairs, seed)
    if (folder / MODEL_FILE).exists():
        every["firmware"] = _made(variant, load(folder / MODEL_FILE), load(folder / PARTNER_MODEL_FILE), pairs, seed)
    rows = {name: made.take(slice(0, len(half))) for name, made in every.items()}
    found: dict[str, Figures] = {}
    for done, (name, made) in enumerate(rows.items()):
        told("figures", done, len(rows))
        found[name] = figures(made, half, other)
    told("cuts into halves", 0, 1)
    cuts = split_distances(every, pairs)
    out.mkdir(parents=True, exist_ok=True)
    from qmodels.simulation.plots import draw  # brings matplotlib

    draw(rows, half, other, out / PICTURE)
    source = f"the events of {data.name}" if data is not None else f"simulated events of seed {seed}"
    write_text(out / PAGE, page(found, cuts, len(half), source, skipped, PICTURE))
    return out / PAGE


def _made(variant: str, own: Firmware, partner: Firmware, half: Pairs, seed: int) -> Made:
    networks: tuple[Network, Network] = (network_of(own), network_of(partner))
    encoder, decoder = networks[::-1] if variant == DECODER else networks
    return made_by(encoder, decoder, half, seed)
