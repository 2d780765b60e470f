"""Every error that a user can cause: one line that names the culprit and the cure, printed without a traceback."""

from __future__ import annotations


class FirmwareError(Exception):
    """Base of all errors that a user can cause (exit code 2 on the command line)."""


class ModelFileError(FirmwareError):
    """A model file is missing, truncated, not a Keras file, or holds something that is never loaded."""


class UnsupportedError(FirmwareError):
    """A layer, quantizer or option that cannot be stated exactly; named before anything is built."""


class EventError(FirmwareError):
    """Events have the wrong shape or dtype, or values that no port can carry (NaN)."""


class ProjectError(FirmwareError):
    """project.toml or a name in it is not valid."""


class ToolError(FirmwareError):
    """A compiler or tool that a witness needs is missing or failed."""


class SystemNotFoundError(FirmwareError):
    """No installed physics system has that name."""
