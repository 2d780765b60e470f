"""What a name meant in Keras 2 that means another function in Keras 3, which loads the same file without a word."""

from __future__ import annotations

from typing import Any

HARD_SIGMOID = "hard_sigmoid of Keras 2"
"""``clip(0.2 * x + 0.5, 0, 1)``, where Keras 3 has ``relu6(x + 3) / 6`` by that name (keras-team/keras#19477)."""
_KEYS = ("activation", "recurrent_activation")


def is_keras2(version: Any) -> bool:
    """Whether a file says that Keras before 3 wrote it.

    >>> is_keras2("2.12.0"), is_keras2(b"2.4.0-tf"), is_keras2("3.0.0"), is_keras2(None)
    (True, True, False, False)
    """
    text = version.decode(errors="replace") if isinstance(version, bytes) else str(version)
    return text.startswith(("1.", "2."))


def with_its_functions(architecture: Any) -> Any:
    """An architecture of Keras 2, its functions by names of their own. QKeras's layers have QKeras's, of any Keras."""
    if isinstance(architecture, list):
        return [with_its_functions(item) for item in architecture]
    if not isinstance(architecture, dict):
        return architecture
    found = {key: with_its_functions(value) for key, value in architecture.items()}
    kind, config = found.get("class_name"), found.get("config")
    if isinstance(kind, str) and not kind.split(">")[-1].startswith("Q") and isinstance(config, dict):
        found["config"] = {key: _named(key, value) for key, value in config.items()}
    return found


def _named(key: str, value: Any) -> Any:
    return HARD_SIGMOID if key in _KEYS and value == "hard_sigmoid" else value
