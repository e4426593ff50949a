"""The types that a setting may have, and how a value of a file or of the environment becomes one."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nicassh.config.home import expanded
from nicassh.model.errors import ConfigError


@dataclass(frozen=True)
class Kind:
    """A type of settings.

    words:   what a person calls it
    accepts: the types that a value in TOML may have
    parse:   makes such a value of a text; raises ValueError
    convert: makes the setting of a value. It gets the value, the place to name in an error, and the folder to which
             paths are relative
    """

    words: str
    accepts: tuple[type, ...]
    parse: Callable[[str], Any]
    convert: Callable[[Any, str, Path], Any]

    def from_text(self, text: str, where: str) -> Any:
        """Return the value that a text of the environment stands for. Raises ConfigError."""
        try:
            return self.parse(text)
        except ValueError:
            raise ConfigError(f"{where}: {text!r} is not {self.words}") from None

    def is_valid(self, value: Any) -> bool:
        """Return whether a value has a type that this setting may have. A list must have texts only."""
        if isinstance(value, list):
            return list in self.accepts and all(isinstance(item, str) for item in value)
        return isinstance(value, self.accepts) and not isinstance(value, bool)


def _path(text: str, where: str, folder: Path) -> Path:
    path = expanded(text)
    if path is None or "\0" in text:
        raise ConfigError(f"{where}: {text!r}: no home folder of that user is known", "write the whole path")
    return folder / path


def _optional_path(text: str, where: str, folder: Path) -> Path | None:
    return _path(text, where, folder) if text else None


def _paths(texts: list[str], where: str, folder: Path) -> tuple[Path, ...]:
    return tuple(_path(text, where, folder) for text in texts)


def _parts(text: str) -> list[str]:
    return [part for part in text.split(os.pathsep) if part]


KINDS: dict[Any, Kind] = {
    str: Kind("a text", (str,), str, lambda value, *_: value),
    int: Kind("a whole number", (int,), int, lambda value, *_: value),
    float: Kind("a number", (int, float), float, lambda value, *_: float(value)),
    Path | None: Kind("a text", (str,), str, _optional_path),
    tuple[str, ...]: Kind("a list of texts", (list,), _parts, lambda value, *_: tuple(value)),
    tuple[Path, ...]: Kind("a list of texts", (list,), _parts, _paths),
}
"""The annotation of a setting and its Kind."""
