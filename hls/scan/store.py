"""Results on disk: a folder a trial, which appears whole or not at all, so that a scan that was killed goes on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from hls.errors import FirmwareError
from hls.machine.files import read_text, whole_folder, write_text
from hls.scan.trial import MODEL, TrialResult

RESULT = "result.json"


class Store:
    """Results in ``folder``/KEY, each with the files of its trained model."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def folder(self, key: str) -> Path:
        """Where the model of a trial lies."""
        return self._folder / key

    def model(self, key: str) -> bytes:
        """The trained model's file."""
        return (self._folder / key / MODEL).read_bytes()

    def load(self, key: str) -> TrialResult | None:
        """The result of an earlier trial; FirmwareError if its file is damaged."""
        path = self._folder / key / RESULT
        if not path.is_file():
            return None
        try:
            return TrialResult.model_validate_json(read_text(path))
        except ValidationError:
            raise FirmwareError(f"{path}: damaged; remove its folder, and the trial runs again") from None

    def keep(self, result: TrialResult, files: Mapping[str, bytes]) -> None:
        """Write a trial's result and files."""
        with whole_folder(self.folder(result.key)) as draft:
            for name, content in files.items():
                (draft / name).write_bytes(content)
            (draft / RESULT).write_text(result.model_dump_json(indent=2) + "\n", encoding="utf-8")

    def update(self, result: TrialResult) -> None:
        """Replace the result of a trial whose files stay."""
        path = self.folder(result.key) / RESULT
        write_text(path, result.model_dump_json(indent=2) + "\n")
