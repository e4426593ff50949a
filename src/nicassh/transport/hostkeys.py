"""Host keys: what known_hosts says of a server's key, and recording a new one.

Written here because libssh2 and paramiko both pass over `@revoked` lines and patterns, and paramiko
decodes every key of the file with OpenSSL before one is compared. Format: sshd(8), SSH_KNOWN_HOSTS.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from nicassh.errors import ConfigError
from nicassh.nodes import Node
from nicassh.state import State

TYPES = {
    "ssh-ed25519": "ssh-ed25519",
    "ecdsa-sha2-nistp256": "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384": "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521": "ecdsa-sha2-nistp521",
    "ssh-rsa": "rsa-sha2-512,rsa-sha2-256,ssh-rsa",
}
"""Types of key in known_hosts, and the algorithms of the key exchange that prove possession of one."""


@dataclass(frozen=True)
class Entry:
    """One line of a known_hosts file: `marker` is "", "@revoked" or "@cert-authority"."""

    marker: str
    patterns: tuple[str, ...]
    type: str
    key: bytes

    def hashes(self, name: str) -> bool:
        """Whether the line is the hash of this very name."""
        return any(pattern.startswith("|1|") and _hash_matches(pattern, name) for pattern in self.patterns)

    def matches(self, name: str) -> bool:
        """Whether the line speaks of this name: exactly, by a hash, or by a pattern that is not negated."""
        hit = False
        for pattern in self.patterns:
            if pattern.startswith("!"):
                if _fits(pattern[1:], name):
                    return False
            elif pattern.startswith("|1|"):
                hit = hit or _hash_matches(pattern, name)
            else:
                hit = hit or _fits(pattern, name)
        return hit


class KnownHosts:
    """The entries of some known_hosts files, read once and asked for many nodes."""

    def __init__(self, files: Sequence[Path]) -> None:
        self.files = tuple(files)
        self._plain: dict[str, list[Entry]] = {}
        self._others: list[Entry] = []
        for file in files:
            for entry in _read(file):
                self._add(entry)

    def entries(self, node: Node) -> list[Entry]:
        """The keys on record of a node, by its name and address; with its port, else without, as OpenSSH looks."""
        for names in (labels(node), _bare(node)):
            found = [entry for name in names for entry in self._plain.get(name, [])]
            found += [e for e in self._others if not e.marker and any(e.matches(name) for name in names)]
            if found:
                return list(dict.fromkeys(found))
        return []

    def preference(self, node: Node) -> str:
        """Algorithms for the key exchange, those of known keys first: a server offers one key of several."""
        known = [entry.type for entry in self.entries(node)]
        return ",".join(dict.fromkeys(TYPES[kind] for kind in (*known, *TYPES) if kind in TYPES))

    def verdict(self, node: Node, key: bytes) -> State:
        """OK, or one of the three HOST_KEY states, for the key that a server proved to have."""
        names = (*labels(node), *_bare(node))
        revoked = (entry for entry in self._others if entry.marker == "@revoked" and entry.key == key)
        if any(entry.matches(name) for entry in revoked for name in names):
            return State.HOST_KEY_REVOKED
        known = self.entries(node)
        if any(entry.key == key for entry in known):
            return State.OK
        return State.HOST_KEY_CHANGED if known else State.HOST_KEY_UNKNOWN

    def check(self, writable: bool) -> None:
        """Raises ConfigError where keys are to be recorded and the first file cannot be written."""
        file = self.files[0]
        place = next(place for place in (file, *file.parents) if place.exists())
        if writable and not os.access(place, os.W_OK):
            raise ConfigError(
                f"{file}: cannot be written", 'new host keys are recorded there: host_keys = "accept-new"'
            )

    def record(self, node: Node, key: bytes) -> Path:
        """Puts a node's key into the first file, for any other of its type. Raises ConfigError where that fails."""
        kind, file, names = type_of(key), self.files[0], set(labels(node))
        try:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            text = file.read_text(encoding="utf-8", errors="surrogateescape") if file.exists() else ""
            kept = [line for old in text.splitlines() if (line := _without(old, names, kind)) is not None]
            kept.append(f"{','.join(labels(node))} {kind} {base64.b64encode(key).decode()}")
            _replace(file, "".join(f"{line}\n" for line in kept))
        except OSError as error:
            raise ConfigError(f"{file}: {error.strerror}", "host keys cannot be recorded there") from error
        for name in names:
            self._plain[name] = [entry for entry in self._plain.get(name, []) if entry.type != kind]
        self._others = [
            e for e in self._others if e.marker or e.type != kind or not any(e.hashes(name) for name in names)
        ]
        self._add(Entry("", labels(node), kind, key))
        return file

    def _add(self, entry: Entry) -> None:
        simple = not entry.marker and not any(set(pattern) & set("*?!|") for pattern in entry.patterns)
        if not simple:
            self._others.append(entry)
            return
        for pattern in entry.patterns:
            self._plain.setdefault(pattern, []).append(entry)


@cache
def known_hosts(files: tuple[Path, ...]) -> KnownHosts:
    """The known hosts of a node's own files, or of OpenSSH's usual ones where it names none."""
    usual = (Path("~/.ssh/known_hosts").expanduser(), Path("/etc/ssh/ssh_known_hosts"))
    return KnownHosts(files or usual)


def labels(node: Node) -> tuple[str, ...]:
    """The names under which a node stands in known_hosts: `nc2`, or `[nc2]:2222` for another port than 22."""
    return tuple(name if node.port == 22 else f"[{name}]:{node.port}" for name in _bare(node))


def _bare(node: Node) -> tuple[str, ...]:
    """Name and address in lower case, as OpenSSH compares them."""
    return tuple(dict.fromkeys((node.name.lower(), node.address.lower())))


def fingerprint(key: bytes) -> str:
    """`SHA256:…`, as ssh-keygen prints it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(key).digest()).decode().rstrip("=")


def type_of(key: bytes) -> str:
    """The type that stands at the head of a public key blob (RFC 4253, 6.6)."""
    return key[4 : 4 + int.from_bytes(key[:4], "big")].decode("ascii", "replace")


def _read(file: Path) -> Iterable[Entry]:
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}") from error
    for line in text.splitlines():
        words = line.split()
        marker = words.pop(0) if words and words[0].startswith("@") else ""
        if len(words) < 3 or words[0].startswith("#"):
            continue
        try:
            key = base64.b64decode(words[2], validate=True)
        except binascii.Error:
            continue
        # Names are compared in lower case; a hash is no name.
        patterns = (pattern if pattern.startswith("|") else pattern.lower() for pattern in words[0].split(","))
        yield Entry(marker, tuple(patterns), words[1], key)


def _fits(pattern: str, name: str) -> bool:
    """Patterns of ssh_config(5): `*` and `?`, while `[` is the bracket around a name that has a port."""
    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(expression, name) is not None


def _hash_matches(pattern: str, name: str) -> bool:
    """HashKnownHosts: `|1|salt|HMAC-SHA1(salt, name)`, both in base64."""
    try:
        salt, digest = (base64.b64decode(part) for part in pattern.split("|")[2:4])
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(hmac.new(salt, name.encode(), hashlib.sha1).digest(), digest)


def _without(line: str, names: set[str], kind: str) -> str | None:
    """A line of known_hosts without these names, where it is of that type; None where nothing of it is left."""
    words = line.split()
    if len(words) < 3 or words[0].startswith(("@", "#")) or words[1] != kind:
        return line
    patterns = words[0].split(",")
    left = [
        pattern
        for pattern in patterns
        if pattern.lower() not in names
        and not (pattern.startswith("|1|") and any(_hash_matches(pattern, name) for name in names))
    ]
    if left == patterns:
        return line
    return " ".join([",".join(left), *words[1:]]) if left else None


def _replace(file: Path, text: str) -> None:
    """Writes a file whole or not at all, and only for its owner where it is new."""
    fresh = file.with_name(f"{file.name}.{os.getpid()}")
    mode = file.stat().st_mode & 0o777 if file.exists() else 0o600
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as stream:
        stream.write(text.encode("utf-8", "surrogateescape"))
    fresh.replace(file.resolve())
