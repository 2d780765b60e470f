"""What an evaluation finds: the numbers that its figures and tables show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from qmodels.classification import Auc
from qmodels.compression.paper.rates import Display, Rate
from qmodels.types import Floats32


@dataclass(frozen=True)
class AucPoint:
    """Signals coded at one β: mean KL in bits, and AUCs.

    Of what is restored from the means: ``pfn``, a fresh one; ``reference``, the reference classifier if there is one;
    ``trees``. ``latent_trees`` see the means themselves.
    """

    log10_beta: float
    bits: float
    pfn: Auc
    reference: Auc | None
    trees: Auc
    latent_trees: Auc


@dataclass(frozen=True)
class Classifiers:
    """AUCs that do not depend on β: of the two muons, of H_T and of the number of particles as they are, and of the
    uncompressed particles: ``pfn`` and ``trees`` as many as the encoder takes, ``stored_trees`` all that a file holds.
    """

    muons: Auc
    ht: Auc
    multiplicity: Auc
    pfn: Auc
    trees: Auc
    stored_trees: Auc


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
    classifiers: Classifiers
