"""Signs that a terminal lacks, spelled with those that it has: ✓ as ok, µ as u."""

from __future__ import annotations

import codecs
import io
import os
import sys
import unicodedata

_SPELLED = "qtrigger.spelled"
_SIGNS = {
    "✓": "ok", "✗": "NO", "–": "-", "—": "-", "−": "-", "→": "->", "←": "<-", "±": "+-", "×": "x", "·": "*", "…": "...",
    "≤": "<=", "≥": ">=", "≠": "!=", "≈": "~", "∞": "inf", "√": "sqrt", "∑": "sum", "∈": "in", "°": " deg",
    "α": "alpha", "β": "beta", "γ": "gamma", "η": "eta", "λ": "lambda", "μ": "u", "µ": "u", "π": "pi", "σ": "sigma",
    "τ": "tau", "φ": "phi", "χ": "chi", "Δ": "Delta", "Σ": "Sigma", "‘": "'", "’": "'", "“": '"', "”": '"', "•": "*",
}  # fmt: skip
_BRAILLE = range(0x2800, 0x2900)
"""What progress spins with."""


def spell_missing_signs() -> None:
    """From now on stdout and stderr spell what they cannot write.

    Python writes UTF-8 in the locale C too (PEP 540), which a terminal of that locale does not read.
    """
    codecs.register_error(_SPELLED, _spelled)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="ascii" if _plain_locale() else stream.encoding, errors=_SPELLED)


def _plain_locale() -> bool:
    """Whether the user's locale knows ASCII alone, and nobody told Python otherwise."""
    if any(os.environ.get(name) for name in ("PYTHONIOENCODING", "PYTHONUTF8")):
        return False
    stated = next((value for name in ("LC_ALL", "LC_CTYPE", "LANG") if (value := os.environ.get(name))), "")
    return stated in ("C", "POSIX")


def _spelled(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_spell, error.object[error.start : error.end])), error.end


def _spell(sign: str) -> str:
    if ord(sign) in _BRAILLE:
        return "*"
    letter = unicodedata.normalize("NFKD", sign)[0]
    return _SIGNS.get(sign) or (letter if letter.isascii() else "?")
