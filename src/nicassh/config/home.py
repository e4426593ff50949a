"""Folders of a user. A user may have no home: a service without HOME, or a user id without an account."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import platformdirs


def expanded(path: str) -> Path | None:
    """Return the path with `~` or `~user` replaced; None where no home folder of that user is known."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return None


def state_folder(name: str) -> Path | None:
    """Return the folder for a program's state: $XDG_STATE_HOME, else ~/.local/state; None without a home."""
    return _folder(platformdirs.user_state_path, name)


def config_folder(name: str) -> Path | None:
    """Return the folder of a program's configuration: $XDG_CONFIG_HOME, else ~/.config; None without a home."""
    return _folder(platformdirs.user_config_path, name)


def _folder(find: Callable[[str], Path], name: str) -> Path | None:
    try:
        folder = find(name)
    except RuntimeError:
        return None
    return folder if folder.is_absolute() else None  # platformdirs may leave `~` as it is
