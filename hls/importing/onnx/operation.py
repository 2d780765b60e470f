"""One operator with its arguments, as handlers see it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hls.errors import ModelFileError, UnsupportedError
from hls.importing.onnx.backend import Backend, Floats
from hls.importing.onnx.model import Node
from hls.importing.onnx.tensors import Array, Constant, Tensor

Argument = Tensor | Constant | None


@dataclass(frozen=True, eq=False)
class Operation:
    """``node`` with what enters it; ``batch`` is the size that the file gives the batch axis.

    ``integers``: its first argument holds integers by its type.
    """

    node: Node
    arguments: tuple[Argument, ...]
    backend: Backend
    opset: int
    batch: int
    integers: bool = False

    @property
    def where(self) -> str:
        """What errors call it."""
        return f"operator {self.node.name!r} ({self.node.kind})"

    def argument(self, index: int) -> Argument:
        """An argument, or None for one that is left out."""
        return self.arguments[index] if index < len(self.arguments) else None

    def tensor(self, index: int = 0) -> Tensor:
        """An argument that varies.

        Raises:
            UnsupportedError: it is a constant.
            ModelFileError: it is left out.
        """
        found = self.argument(index)
        if isinstance(found, Tensor):
            return found
        if found is None:
            raise ModelFileError(f"{self.where}: argument {index} is missing; export the model again")
        raise UnsupportedError(f"{self.where}: argument {index} is a constant; fold it: qonnx-cleanup, or onnxsim")

    def constant(self, index: int, what: str) -> Constant:
        """An argument that is known.

        Raises:
            UnsupportedError: it varies.
            ModelFileError: it is left out.
        """
        found = self.argument(index)
        if isinstance(found, Constant):
            return found
        if found is None:
            raise ModelFileError(f"{self.where}: its {what} is missing; export the model again")
        raise UnsupportedError(f"{self.where}: its {what} is computed from the inputs; it must be a constant")

    def floats(self, index: int, what: str) -> Floats:
        """A constant in float32.

        Raises:
            UnsupportedError: it has more digits.
        """
        values = self.constant(index, what).values
        found = np.asarray(values, np.float32)
        if values.dtype != np.float32 and not np.array_equal(found.astype(np.float64), values.astype(np.float64)):
            raise self.unsupported(f"its {what} has more digits than float32", "export the model in float32")
        return found

    def number(self, index: int, what: str) -> float:
        """A constant of one element.

        Raises:
            UnsupportedError: of several.
        """
        values = self.floats(index, what)
        if values.size != 1:
            raise UnsupportedError(f"{self.where}: its {what} is one number an element; it must be one number")
        return float(values.reshape(-1)[0])

    def attribute(self, name: str, default: Any) -> Any:
        """An attribute of the type of its default (any, where that is None).

        Raises:
            ModelFileError: it is of another type.
        """
        value = self.node.attributes.get(name)
        if value is None:
            return default
        if isinstance(default, float) and isinstance(value, int):
            return float(value)
        if default is not None and not isinstance(value, type(default)):
            raise ModelFileError(f"{self.where}: {name} is {value!r}; export the model again")
        return value

    def whole(self, name: str, default: Sequence[int] | None = None) -> list[int] | None:
        """A list of whole numbers.

        Raises:
            ModelFileError: it is something else.
        """
        value = self.node.attributes.get(name)
        if value is None:
            return None if default is None else list(default)
        if not isinstance(value, list) or not all(isinstance(item, int) for item in value):
            raise ModelFileError(f"{self.where}: {name} is {value!r}; export the model again")
        return value

    def axes(self, attribute: str, index: int) -> list[int] | None:
        """A list of whole numbers that older files have as an attribute and newer ones as an argument."""
        if self.argument(index) is not None:
            return [int(value) for value in self.constant(index, attribute).values.reshape(-1)]
        return self.whole(attribute)

    def unsupported(self, what: str, cure: str) -> UnsupportedError:
        """An error that names this operator."""
        return UnsupportedError(f"{self.where}: {what}; {cure}")

    @property
    def constants(self) -> list[Array] | None:
        """The arguments, where all of them are constants."""
        found = [argument.values for argument in self.arguments if isinstance(argument, Constant)]
        return found if found and len(found) == sum(a is not None for a in self.arguments) else None


Made = Tensor | Constant | tuple[Tensor | Constant, ...]
Handler = Callable[[Operation], Made]
"""What makes one kind of operator: its output, or its outputs in their order."""
