"""Real parts and boards: what they hold, and whether a design fits."""

from hls.target.parts.catalog import Board, Part, all_boards, all_parts, find_part, search
from hls.target.parts.fit import Fit, Use, check_fit
from hls.target.parts.presets import BUDGETS, BUNCH_CROSSING_NS, BudgetPreset, budget_limits

__all__ = [
    "BUDGETS",
    "BUNCH_CROSSING_NS",
    "Board",
    "BudgetPreset",
    "Fit",
    "Part",
    "Use",
    "all_boards",
    "all_parts",
    "budget_limits",
    "check_fit",
    "find_part",
    "search",
]
