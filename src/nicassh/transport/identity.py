"""Keys to authenticate with: the files of a node or OpenSSH's default ones, and the agent's."""

from __future__ import annotations

import base64
import binascii
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_MAGIC = b"openssh-key-v1\0"


@dataclass(frozen=True)
class Identity:
    """What a node is offered: private keys, and whether there is an agent to ask after them.

    `keys` are the contents of files without a passphrase. `notes` says of each other file why it is
    not used.
    """

    keys: tuple[bytes, ...]
    files: tuple[str, ...]
    notes: tuple[str, ...]
    agent: bool

    def tried(self, agent_keys: int | None) -> str:
        """The words of a refusal: `refused the key of ~/.ssh/id_rsa; 2 keys of the agent; …`."""
        tried = [f"the key {file} was refused" for file in self.files]
        if agent_keys:
            tried.append(f"{agent_keys} keys of the agent were refused")
        if agent_keys == 0:
            tried.append("the agent has no keys")
        return "; ".join([*tried, *self.notes]) or "no key to offer (see `identity`, or start an agent)"


@cache
def offered(files: tuple[Path, ...]) -> Identity:
    """The identity made of these files, or of OpenSSH's defaults where there are none. Read once a run."""
    keys, names, notes = [], [], []
    for file in files or _defaults():
        try:
            data = file.read_bytes()
        except OSError as error:
            if files:
                notes.append(f"{file}: {error.strerror}")
            continue
        if encrypted(data):
            notes.append(f"{file} has a passphrase: add it to the agent")
        else:
            keys.append(data)
            names.append(str(file))
    return Identity(tuple(keys), tuple(names), tuple(notes), "SSH_AUTH_SOCK" in os.environ)


def encrypted(data: bytes) -> bool:
    """Whether a private key file asks for a passphrase: PEM says so, OpenSSH's own format names a cipher."""
    if b"ENCRYPTED" in data[:200]:
        return True
    try:
        line = data.split(b"\n")[1]  # it has more than the head of the format
        blob = base64.b64decode(line[: len(line) // 4 * 4])
    except (binascii.Error, IndexError):
        return False
    if not blob.startswith(_MAGIC):
        return False
    length = int.from_bytes(blob[len(_MAGIC) : len(_MAGIC) + 4], "big")
    return blob[len(_MAGIC) + 4 : len(_MAGIC) + 4 + length] != b"none"


def _defaults() -> list[Path]:
    return [Path(f"~/.ssh/id_{kind}").expanduser() for kind in ("rsa", "ecdsa", "ed25519")]
