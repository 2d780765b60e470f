"""What every part of report.json is."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """Any object of the report."""

    model_config = ConfigDict(frozen=True, extra="forbid")
