"""What an evaluation finds: the numbers that its figures and tables show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from qmodels.classification import Auc
from qmodels.compression.paper.rates import Display, Rate
from qmodels.compression.samples.selection import Selection
from qmodels.types import Floats32


@dataclass(frozen=True)
class AucPoint:
    """Signals restored from the means at one β: mean KL in bits, AUC of a fresh PFN, of the reference classifier if
    there is one, and of trees; of ``cut_trees`` with no more particles than were visible.
    """

    log10_beta: float
    bits: float
    pfn: Auc
    reference: Auc | None
    trees: Auc
    cut_trees: Auc


@dataclass(frozen=True)
class Seen:
    """AUCs of trees and of a dense network that see latents alone, then with the number of particles and H_T; bits an
    event of each.
    """

    bits: float
    trees: Auc
    network: Auc
    bits_with_totals: float
    trees_with_totals: Auc
    network_with_totals: Auc


@dataclass(frozen=True)
class SentPoint:
    """What is sent at one β: the float encoder's latents, drawn from their posterior, whose bits are its KL; and the
    firmware's packed, if it could be.
    """

    log10_beta: float
    reference: Seen
    firmware: Seen | None


@dataclass(frozen=True)
class Classifiers:
    """AUCs that do not depend on β: of H_T and of the number of visible particles as they are, and of PFN and trees
    that see all the clusters that a file holds (``stored``), as many as the encoder takes, and the two muons alone.
    """

    ht: Auc
    multiplicity: Auc
    stored_pfn: Auc
    stored_trees: Auc
    pfn: Auc
    trees: Auc
    muons: Auc


@dataclass(frozen=True)
class Signal:
    """Which events stand for a class: ``events`` of a sample, selected so."""

    sample: str
    events: int
    selection: Selection


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Everything that is drawn and tabulated. ``truth`` is the cloud (N, 3) of the event on display."""

    particles: int
    latents: int
    training: dict[str, Any]
    signals: list[Signal]
    truth: Floats32
    displays: list[Display]
    rates: list[Rate]
    aucs: list[AucPoint]
    sent: list[SentPoint]
    classifiers: Classifiers
