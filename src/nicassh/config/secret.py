"""Reads the URL of the database from a file that nobody else can read. It may hold a password: no message shows it."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from nicassh.model.errors import ConfigError

CREDENTIAL = "nicamon-database"
"""The name of the credential in a service of systemd: LoadCredential=nicamon-database:/etc/nicamon/database."""
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def read(file: Path | None, environment: Mapping[str, str] = os.environ) -> str:
    """Return the URL in a file, or where none is named, in the credential; "" where there is neither.

    Raises ConfigError for a file that is missing, empty, of several lines, or open to others.
    """
    if file is not None:
        return _read(file, guarded=False)
    folder = environment.get("CREDENTIALS_DIRECTORY")
    credential = Path(folder) / CREDENTIAL if folder else None
    # Only the service can reach its folder of credentials, though the modes of the files look wider.
    return _read(credential, guarded=True) if credential and credential.is_file() else ""


def has_password(url: str) -> bool:
    """Return whether a URL seems to have a password in it: `user:password@`, or a parameter for it."""
    rest = url.partition("://")[2]
    account, _, _ = rest.rpartition("@")
    settings = [part.partition("=") for part in rest.partition("?")[2].split("&")]
    return bool(account.partition(":")[2]) or any("pass" in name and value for name, _, value in settings)


def _read(file: Path, guarded: bool) -> str:
    try:
        with file.open(encoding="utf-8-sig") as stream:
            mode = stat.S_IMODE(os.fstat(stream.fileno()).st_mode)
            if mode & _OTHERS and not guarded:
                raise ConfigError(f"{file}: mode {mode:04o} lets others read the URL", f"chmod 600 {file}")
            text = stream.read().strip()
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}", "see the setting `database_file`") from error
    except UnicodeDecodeError:
        raise ConfigError(f"{file}: not a text in UTF-8", "it must hold the URL and nothing else") from None
    if len(text.splitlines()) != 1:
        raise ConfigError(f"{file}: {'several lines' if text else 'empty'}", "it must hold the URL and nothing else")
    return text
