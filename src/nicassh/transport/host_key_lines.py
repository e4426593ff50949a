"""The lines of known_hosts files. Format: sshd(8), SSH_KNOWN_HOSTS."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from nicassh.inventory.address import canonical
from nicassh.inventory.patterns import fits
from nicassh.model.errors import ConfigError

_PARTS = {"ssh-rsa": 3, **{f"ecdsa-sha2-nistp{bits}": 3 for bits in (256, 384, 521)}}
"""Strings that a public key of a type consists of (RFC 4253, 5656); of other types at least two."""


@dataclass(frozen=True)
class Entry:
    """One line of a known_hosts file: `marker` is "", "@revoked" or "@cert-authority"."""

    marker: str
    patterns: tuple[str, ...]
    type: str
    key: bytes
    whole: bool = True
    """False where the line was cut inside the key: then it is known that there was one, and not which."""

    def matches(self, name: str) -> bool:
        """Return whether the line speaks of this name: exactly, by a hash, or by a pattern that is not negated."""
        hit = False
        for pattern in self.patterns:
            if pattern.startswith("!"):
                if fits(pattern[1:], name):
                    return False
            elif pattern.startswith("|1|"):
                hit = hit or hash_matches(pattern, name)
            else:
                hit = hit or fits(pattern, name)
        return hit


def read_entries(file: Path) -> Iterable[Entry]:
    """Yield the entries of a file. Leaves out lines that are not of the format, as OpenSSH does."""
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        return
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}") from error
    for line in data.split(b"\n"):
        words = line.decode("utf-8", "replace").strip(" \t\r").replace("\t", " ").split(" ")
        words = [word for word in words if word][:4]
        marker = words.pop(0) if words and words[0].startswith("@") else ""
        if len(words) < 3 or words[0].startswith("#"):
            continue
        key = _key(words[2])
        if type_of(key) == words[1]:
            yield Entry(marker, tuple(map(comparable_name, words[0].split(","))), words[1], key, _whole(words[1], key))


def type_of(key: bytes) -> str:
    """Return the type that stands at the head of a public key blob (RFC 4253, 6.6)."""
    return key[4 : 4 + int.from_bytes(key[:4], "big")].decode("ascii", "replace")


def comparable_name(pattern: str) -> str:
    """Return a name of a line as it is compared: in lower case, an address in its one spelling."""
    if pattern.startswith("|"):
        return pattern
    inside, bracket, port = pattern[1:].partition("]:") if pattern.startswith("[") else ("", "", "")
    name = canonical(inside if bracket else pattern).lower()
    return f"[{name}]:{port}" if bracket and port != "22" else name


def hash_matches(pattern: str, name: str) -> bool:
    """Return whether a hashed pattern `|1|salt|HMAC-SHA1(salt, name)` stands for a name."""
    try:
        salt, digest = (base64.b64decode(part) for part in pattern.split("|")[2:4])
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(hmac.new(salt, name.encode(), hashlib.sha1).digest(), digest)


def _key(text: str) -> bytes:
    """Return the public key of a line, as far as it goes; b"" where there is none."""
    try:
        return base64.b64decode(text[: len(text) // 4 * 4], validate=True)
    except binascii.Error:
        return b""


def _whole(kind: str, key: bytes) -> bool:
    """Return whether a public key has all its strings, and nothing else."""
    parts = 0
    while len(key) >= 4:
        length = 4 + int.from_bytes(key[:4], "big")
        if len(key) < length:
            return False
        key, parts = key[length:], parts + 1
    return not key and parts >= _PARTS.get(kind, 2)
