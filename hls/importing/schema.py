"""What a Keras architecture must look like before anything of it is used. Only the skeleton: layers check options.

A file may be damaged, or be no model at all; whatever passes here has the names, lists and dictionaries that the reader
takes for granted.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from hls.errors import ModelFileError


class _Entry(BaseModel):
    """Keras adds keys from version to version, so unknown ones are no fault."""

    model_config = ConfigDict(extra="allow", frozen=True)


class LayerConfig(_Entry):
    """Options of one layer."""

    name: str = Field(min_length=1)


class LayerEntry(_Entry):
    """One layer: its class, its options, and for a Functional model its calls."""

    class_name: str = Field(min_length=1)
    config: LayerConfig
    name: str | None = None
    module: str | None = None
    inbound_nodes: list[list[Any] | dict[str, Any]] = []

    @model_validator(mode="before")
    @classmethod
    def _name_outside(cls, value: Any) -> Any:
        """Keras 2 may name a layer beside its configuration alone."""
        if isinstance(value, dict) and isinstance(value.get("config"), dict) and "name" not in value["config"]:
            return {**value, "config": {**value["config"], "name": value.get("name")}}
        return value


class ModelConfig(_Entry):
    """Layers of a model; its ports are looked at where they are read."""

    name: str = "model"
    layers: list[LayerEntry] = Field(min_length=1)


class Architecture(_Entry):
    """A whole model: Sequential before Keras 2.2.3 states its layers as a bare list."""

    class_name: str
    config: ModelConfig | Annotated[list[LayerEntry], Field(min_length=1)]


def check_architecture(value: Any, source: str) -> None:
    """Raise ModelFileError, naming the place, if ``value`` has not the skeleton of a Keras model."""
    try:
        Architecture.model_validate(value)
    except ValidationError as error:
        first = max(error.errors(include_url=False), key=lambda found: len(found["loc"]))
        place = ".".join(str(part) for part in first["loc"] if part not in ("ModelConfig", "list[LayerEntry]"))
        raise ModelFileError(
            f"{source}: no Keras architecture: {place or 'the whole'}: {first['msg'].lower()}; save the model again"
        ) from error
    except RecursionError as error:
        raise ModelFileError(f"{source}: no Keras architecture: nested too deep") from error
