"""Keys to authenticate with: the files of a node or OpenSSH's default ones, and the agent's."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from nicassh.config.home import expanded
from nicassh.transport.libssh2 import key_file


@dataclass(frozen=True)
class Key:
    """A file of `identity`.

    `data` is the private key, empty where it cannot be offered as it is; `note` says why. `publics` are its public
    parts, by which it may be found in an agent; its certificate comes first.
    """

    file: str
    data: bytes
    publics: tuple[bytes, ...]
    note: str = ""


@dataclass(frozen=True)
class Identity:
    """What a node is offered: keys of files, and the socket of an agent to ask after them ("" where there is none)."""

    keys: tuple[Key, ...]
    agent: str


@cache
def load_identity(files: tuple[Path, ...]) -> Identity:
    """Return the identity made of these files, or of OpenSSH's default files. The result is cached."""
    keys = [_read(file) for file in files or _defaults() if files or os.path.exists(file)]  # noqa: PTH110 it raises nothing
    return Identity(tuple(keys), os.environ.get("SSH_AUTH_SOCK", ""))


def _read(file: Path) -> Key:
    try:
        data = key_file.content(file)
    except OSError as error:
        return Key(str(file), b"", key_file.publics(file, b""), f"{file}: {error.strerror}")
    publics = key_file.publics(file, data)
    if what := key_file.blemish(data):
        return Key(str(file), b"", publics, f"{file}: no private key in this file ({what})")
    if key_file.encrypted(data):
        return Key(str(file), b"", publics, f"{file} has a passphrase: add it to the agent")
    return Key(str(file), data, publics)


def _defaults() -> list[Path]:
    usual = (expanded(f"~/.ssh/id_{kind}") for kind in ("rsa", "ecdsa", "ed25519"))
    return [file for file in usual if file]
