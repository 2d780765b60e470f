"""What an evaluation finds: the numbers that its figures and tables show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from qmodels.compression.paper.rates import Display, Rate
from qmodels.types import Floats32


@dataclass(frozen=True)
class AucPoint:
    """Signals restored from the means at one β: mean KL in bits, AUC of a fresh PFN and, if there is one, of
    the reference classifier.
    """

    log10_beta: float
    bits: float
    auc: float
    judge_auc: float | None


@dataclass(frozen=True)
class Classifiers:
    """AUCs that do not depend on β: of the two muons, of H_T, and of the uncompressed particles."""

    muons: float
    ht: float
    uncompressed: float
    test_events: int


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
