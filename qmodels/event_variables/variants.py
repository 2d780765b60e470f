"""The three examples of arXiv:2105.10126 (section "Experiments"): names, columns, units and scale."""

from __future__ import annotations

from dataclasses import dataclass

from qmodels.errors import ModelDataError

INPUT_SCALE = 2.0**-9
"""GeV to network units. A power of two near 1/500 GeV: on a chip it only moves the binary point."""

MASS_RANGE_GEV = (100.0, 500.0)
"""Range of m_A in every prior of the paper."""


@dataclass(frozen=True)
class Variant:
    """One decay topology: its network inputs in order and the parameters Theta behind it (all GeV)."""

    name: str
    label: str
    inputs: tuple[str, ...]
    parameters: tuple[str, ...]
    human_label: str


TWO_BODY = Variant(
    name="two-body",
    label=r"$A \to b\,c$",
    inputs=("E_b", "px_b", "py_b", "pz_b", "E_c", "px_c", "py_c", "pz_c"),
    parameters=("m_A",),
    human_label=r"$m_{bc}$",
)
SEMIVISIBLE = Variant(
    name="semivisible",
    label=r"$A \to b\,C$",
    inputs=("E_b", "px_b", "py_b", "pz_b", "met_x", "met_y"),
    parameters=("m_A", "m_C"),
    human_label=r"$m_T(0)$",
)
PAIR = Variant(
    name="pair",
    label=r"$A_1 A_2 \to (b_1 C_1)(b_2 C_2)$",
    inputs=("E_b1", "px_b1", "py_b1", "pz_b1", "E_b2", "px_b2", "py_b2", "pz_b2", "met_x", "met_y"),
    parameters=("m_A", "m_C"),
    human_label=r"$m_{T2}(0)$",
)

VARIANTS: dict[str, Variant] = {v.name: v for v in (TWO_BODY, SEMIVISIBLE, PAIR)}
_ALIASES = {"semi-visible": "semivisible"}


def find_variant(name: str) -> Variant:
    """Return the variant called ``name`` ("semi-visible" is an alias); ModelDataError for an unknown name.

    >>> find_variant("semi-visible").inputs
    ('E_b', 'px_b', 'py_b', 'pz_b', 'met_x', 'met_y')
    """
    try:
        return VARIANTS[_ALIASES.get(name, name)]
    except KeyError:
        raise ModelDataError(
            f"unknown variant {name!r} of event_variables: choose one of {', '.join(VARIANTS)}"
        ) from None
