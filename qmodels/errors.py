"""Errors that a user of :mod:`qmodels` can cause."""

from __future__ import annotations

from hls.errors import FirmwareError


class ModelDataError(FirmwareError):
    """An event file, a model file or an option is unusable; one line that names the culprit and the cure."""
