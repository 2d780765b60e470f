"""What a project says of its model that no file holds."""

from __future__ import annotations

from dataclasses import dataclass

from hls.importing.heads import ORDER


@dataclass(frozen=True)
class Statements:
    """What a project says of its model that no file holds.

    ``input_type``: type of the inputs that no quantizer reads first, such as ``"ap_fixed<16,6>"``.
    ``internal_sigmoid``: what ``qkeras.set_internal_sigmoid`` was told when the network was trained. ``softmax`` and
    ``sigmoid``: what becomes of one at the end, "drop" or (of a softmax) "argmax" or "table". ``outputs``: what leaves
    the chip, "logits" or "argmax", of a network whether it ends in such a function or not.
    """

    input_type: str | None = None
    internal_sigmoid: str | None = None
    softmax: str | None = None
    sigmoid: str | None = None
    outputs: str | None = None

    @property
    def last_softmax(self) -> str | None:
        """What a reader makes of a last softmax: with outputs stated it is left out, if there is one."""
        return ORDER if self.softmax is None and self.outputs is not None else self.softmax

    @property
    def last_sigmoid(self) -> str | None:
        """The same of a last sigmoid."""
        return ORDER if self.sigmoid is None and self.outputs is not None else self.sigmoid
