"""An extension of griffe: the examples of docstrings, which are bare, become blocks of code."""

from __future__ import annotations

import re
from typing import Any

from griffe import Extension, Object

_EXAMPLE = re.compile(r"^>>> .*(?:\n.+)*", re.MULTILINE)


class DoctestBlocks(Extension):
    """Puts a fence around what begins with ``>>>``, up to the next empty line."""

    def on_instance(self, *, obj: Object, **kwargs: Any) -> None:
        """Griffe has read ``obj``, whose docstring is not parsed yet."""
        if obj.docstring is not None:
            obj.docstring.value = _EXAMPLE.sub(lambda found: f"```pycon\n{found[0]}\n```", obj.docstring.value)
