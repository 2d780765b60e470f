"""Mutants that compute the same bits as the right code, or the same more slowly, each with the reason."""

from __future__ import annotations

EQUIVALENT: dict[str, str] = {}
