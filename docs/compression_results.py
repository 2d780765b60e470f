"""Writes what `qtrigger evaluate compression` found into docs/how-it-works/compression.md, and its pictures beside it:

python docs/compression_results.py NAME EVALUATION_DIR              # the tables between the markers of that NAME
python docs/compression_results.py signals DATA_DIR[:EVENTS] ...    # a row for each folder: its signals uncompressed
python docs/compression_results.py clusters DATA_DIR[:EVENTS]       # ... what fewer clusters leave of them
python docs/compression_results.py training CHECKPOINT.npz          # how the training of a classifier went
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qmodels.classification import measured_auc
from qmodels.compression.classifiers.summaries import summaries
from qmodels.compression.classifiers.trees import train_trees
from qmodels.compression.inputs import transport_targets
from qmodels.compression.samples.collision_files import Collisions, read_collisions
from qmodels.compression.samples.pythia import SIGNALS
from qmodels.compression.samples.selection import MAX_PARTICLES
from qmodels.types import Floats

PAGE = Path("docs/how-it-works/compression.md")
IMAGES = Path("docs/images")
SEED = 2
SIGNAL_HEAD = (
    "| class 0 | particles | muons | events of class 0, 1 | H_T | number of particles | trees |\n"
    "|---|---|---|---|---|---|---|\n"
)
TRAINING_HEAD = "| epoch | training loss | AUC of validation events |\n|---|---|---|\n"
CLUSTER_HEAD = "| clusters | trees | trees that know the number of particles and H_T too |\n|---|---|---|\n"


def replace(name: str, text: str) -> None:
    """Put ``text`` between the markers of this ``name``."""
    begin, end = f"<!-- results {name} -->\n", f"<!-- /results {name} -->"
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(begin)
    PAGE.write_text(f"{before}{begin}{text}{end}{rest.split(end)[1]}", encoding="utf-8")


def tables(name: str, evaluation: Path) -> None:
    """The whole of one evaluation."""
    replace(name, (evaluation / "evaluation.md").read_text(encoding="utf-8"))
    for picture in evaluation.glob("*.png"):
        shutil.copy(picture, IMAGES / f"compression-{name}-{picture.name}")


@dataclass(frozen=True)
class Signals:
    """Class 0 and class 1 as collision files hold them."""

    sides: tuple[Collisions, ...]

    @classmethod
    def of(cls, argument: str) -> Signals:
        """Those in a folder, written DATA_DIR or DATA_DIR:EVENTS for the first of each."""
        folder, _, events = argument.partition(":")
        files = [read_collisions(Path(folder) / f"{name}.h5") for name in SIGNALS]
        return cls(tuple(side.first(int(events) if events else len(side)) for side in files))

    @property
    def ht(self) -> list[Floats]:
        """H_T in GeV."""
        return [side.particles[:, :, 0].sum(axis=1) for side in self.sides]

    @property
    def visible(self) -> list[Floats]:
        """How many particles were visible."""
        return [side.visible.astype(np.float64) for side in self.sides]

    def summaries(self, count: int) -> list[Floats]:
        """What trees see of ``count`` clusters."""
        return [summaries(transport_targets(side.particles, count)) for side in self.sides]


def signal_row(found: Signals) -> str:
    """Signals as they are, in 50 clusters; no network takes part."""
    cuts = found.sides[0].header.selection
    eta = "all η" if cuts.max_eta is None else f"\\|η\\| < {cuts.max_eta:g}"
    return _row(
        f"`{found.sides[0].header.sample}`",
        f"pT > {cuts.particle_pt:g} GeV, {eta}",
        f"pT > {cuts.muon_pt:g} GeV",
        " / ".join(f"{len(side):,}" for side in found.sides),
        str(measured_auc(*found.ht[::-1])),
        str(measured_auc(*found.visible[::-1])),
        str(train_trees(found.summaries(MAX_PARTICLES), SEED)),
    )


def cluster_rows(found: Signals) -> str:
    """Trees on so many clusters, alone and told the two numbers that a trigger has."""
    rows = []
    for count in (8, 16, 32, MAX_PARTICLES):
        alone = found.summaries(count)
        numbers = zip(alone, found.visible, found.ht, strict=True)
        both = [np.concatenate([side, visible[:, None], ht[:, None]], axis=1) for side, visible, ht in numbers]
        rows.append(_row(str(count), str(train_trees(alone, SEED)), str(train_trees(both, SEED))))
    return "".join(rows)


def training_rows(checkpoint: Path) -> str:
    """AUC of the events that choose the epoch, every tenth epoch."""
    with np.load(checkpoint) as file:
        history = json.loads(str(file["meta"]))["history"]
    chosen = [state for state in history if state["epoch"] % 10 == 0]
    return "".join(_row(str(state["epoch"]), f"{state['loss']:.3f}", f"{state['auc']:.3f}") for state in chosen)


def _row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |\n"


def main(name: str, folders: Sequence[str]) -> None:
    """What the lines at the top say."""
    if name == "signals":
        replace(name, SIGNAL_HEAD + "".join(signal_row(Signals.of(folder)) for folder in folders))
    elif name == "clusters":
        replace(name, CLUSTER_HEAD + "".join(cluster_rows(Signals.of(folder)) for folder in folders))
    elif name == "training":
        replace(name, TRAINING_HEAD + "".join(training_rows(Path(path)) for path in folders))
    else:
        tables(name, *map(Path, folders))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
