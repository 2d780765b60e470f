"""What an evaluation finds: the numbers that its figures and tables show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from qmodels.classification import Auc
from qmodels.compression.paper.rates import Display, Rate
from qmodels.types import Floats32


@dataclass(frozen=True)
class AucPoint:
    """Signals restored from the means at one β: mean KL in bits, AUC of a fresh PFN, of the reference classifier if
    there is one, and of trees.
    """

    log10_beta: float
    bits: float
    pfn: Auc
    reference: Auc | None
    trees: Auc


@dataclass(frozen=True)
class SentTrees:
    """AUC of trees that see the ``latents`` alone, and with the number of particles and H_T; bits an event of each."""

    bits: float
    latents: Auc
    bits_with_totals: float
    with_totals: Auc


@dataclass(frozen=True)
class SentPoint:
    """What is sent at one β: the float encoder's means, whose bits are its KL, and the firmware's, packed."""

    log10_beta: float
    reference: SentTrees
    firmware: SentTrees | None


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


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Everything that is drawn and tabulated. ``truth`` is the cloud (N, 3) of the event on display."""

    particles: int
    latents: int
    training: dict[str, Any]
    truth: Floats32
    displays: list[Display]
    rates: list[Rate]
    aucs: list[AucPoint]
    sent: list[SentPoint]
    classifiers: Classifiers
