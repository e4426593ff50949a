"""Host keys: what known_hosts says of a server's key, and recording a new one.

Written here because libssh2 and paramiko both pass over `@revoked` lines and patterns, and paramiko
decodes every key of the file with OpenSSL before one is compared. Format: sshd(8), SSH_KNOWN_HOSTS.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from nicassh.inventory import Node
from nicassh.inventory.address import canonical, spellings
from nicassh.model.errors import ConfigError
from nicassh.model.outcome import State
from nicassh.transport.host_key_file import LockedFile, locked_file
from nicassh.transport.host_key_lines import Entry, comparable_name, hash_matches, read_entries, type_of

TYPES = {
    "ssh-ed25519": "ssh-ed25519",
    "ecdsa-sha2-nistp256": "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384": "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521": "ecdsa-sha2-nistp521",
    "ssh-rsa": "rsa-sha2-512,rsa-sha2-256,ssh-rsa",
}
"""Types of key in known_hosts, and the algorithms of the key exchange that prove possession of one."""


class KnownHosts:
    """The entries of some known_hosts files, read once and asked for many nodes."""

    def __init__(self, files: Sequence[Path]) -> None:
        self.files = tuple(files)
        self._load()

    def _load(self) -> None:
        self._stamps = self._stamped()
        plain: dict[str, list[Entry]] = {}
        others: list[Entry] = []
        for file in self.files:
            for entry in read_entries(file):
                _add(entry, plain, others)
        self._plain, self._others = plain, others  # at once: another thread may be reading

    def entries(self, node: Node) -> list[Entry]:
        """Return the recorded keys of a node, by its name and address; with its port first, as OpenSSH does.

        Lines that were cut count where there is no other: a new key must not be trusted for that.
        """
        found = self._found(node)
        return [entry for entry in found if entry.whole] or found

    def _found(self, node: Node) -> list[Entry]:
        """Return the same entries, also those that were cut."""
        cut: list[Entry] = []
        for names in (_with_port(node), _bare(node)):
            found = [entry for name in names for entry in self._plain.get(name, [])]
            found += [e for e in self._others if not e.marker and any(e.matches(name) for name in names)]
            if any(entry.whole for entry in found):
                return list(dict.fromkeys(found))
            cut += found
        return list(dict.fromkeys(cut))

    def preference(self, node: Node) -> str:
        """Return algorithms for the key exchange, those of known keys first: a server offers one key of several."""
        known = [entry.type for entry in self.entries(node)]
        return ",".join(dict.fromkeys(TYPES[kind] for kind in (*known, *TYPES) if kind in TYPES))

    def verdict(self, node: Node, key: bytes) -> State:
        """Return OK or one of the three HOST_KEY states for the key that a server proved to have."""
        names = (*_with_port(node), *_bare(node))
        revoked = (entry for entry in self._others if entry.marker == "@revoked" and entry.key == key)
        if any(entry.matches(name) for entry in revoked for name in names):
            return State.HOST_KEY_REVOKED
        known = self.entries(node)
        if any(entry.key == key for entry in known):
            return State.OK
        return State.HOST_KEY_CHANGED if known else State.HOST_KEY_UNKNOWN

    def verdict_of_type(self, node: Node, key: bytes) -> State:
        """Return the same, but a key of a type that is not on record is unknown, not changed."""
        state = self.verdict(node, key)
        kinds = {entry.type for entry in self._found(node)}
        return State.HOST_KEY_UNKNOWN if state is State.HOST_KEY_CHANGED and type_of(key) not in kinds else state

    def check(self, writable: bool) -> None:
        """Raise ConfigError where keys are to be recorded and the first file cannot be written."""
        file = self.files[0]
        place = next(place for place in (file, *file.parents) if place.exists())
        if writable and not os.access(place, os.W_OK):
            raise ConfigError(
                f"{file}: cannot be written", 'new host keys are recorded there: host_keys = "accept-new"'
            )

    def record(self, node: Node, key: bytes) -> State:
        """Put the key of a node that has none on record into the first file: OK, or the state that forbids it.

        The files are read and judged anew under a lock: another process may have recorded a key since.
        Raises ConfigError where the file cannot be written.
        """
        with self._renewed() as file:
            state = self.verdict(node, key)
            if state is State.HOST_KEY_UNKNOWN:
                self._append(file, node, key)
                return State.OK
            return state

    def accept(self, node: Node, key: bytes, replace: bool = False) -> State:
        """Record a key for an operator. Keys of other types stay; with `replace`, another key of its type goes.

        Returns OK, or the state that forbids it, judged as `record` does. Raises ConfigError.
        """
        with self._renewed() as file:
            state = self.verdict_of_type(node, key)
            if state is State.HOST_KEY_UNKNOWN:
                self._append(file, node, key)
            elif state is State.HOST_KEY_CHANGED and replace:
                names = set(_with_port(node))
                content = b"".join(_without(line, names, type_of(key)) for line in _EACH.findall(file.read()))
                ended = not content or content.endswith(b"\n")
                file.replace(content + (b"" if ended else b"\n") + _line(node, key) + b"\n")
                self._load()
            else:
                return state
            return State.OK

    @contextmanager
    def _renewed(self) -> Iterator[LockedFile]:
        """Lock the first file and read all files again if they have changed."""
        with locked_file(self.files[0]) as file:
            if self._stamps != self._stamped():
                self._load()
            yield file

    def _append(self, file: LockedFile, node: Node, key: bytes) -> None:
        file.append(_line(node, key))
        _add(Entry("", labels(node), type_of(key), key), self._plain, self._others)
        self._stamps = self._stamped()

    def _stamped(self) -> list[tuple[int, ...] | None]:
        return [_stamp(file) for file in self.files]


@cache
def known_hosts(files: tuple[Path, ...]) -> KnownHosts:
    """Return the known hosts of a node's own files, or of OpenSSH's usual ones where it names none."""
    usual = (os.path.expanduser("~/.ssh/known_hosts"), "/etc/ssh/ssh_known_hosts")  # noqa: PTH111 pathlib raises
    return KnownHosts(files or [Path(file) for file in usual if not file.startswith("~")])


def labels(node: Node) -> tuple[str, ...]:
    """Return the names under which a node is recorded: `nc2`, `[nc2]:2222` for another port, or its alias."""
    if node.host_key_alias:
        return (node.host_key_alias.lower(),)
    names = dict.fromkeys((node.name.lower(), canonical(node.address).lower()))
    return tuple(name if node.port == 22 else f"[{name}]:{node.port}" for name in names)


def _bare(node: Node) -> tuple[str, ...]:
    """Return name and address in lower case, as OpenSSH compares them; the address in every spelling."""
    if node.host_key_alias:
        return (node.host_key_alias.lower(),)
    return tuple(dict.fromkeys((node.name.lower(), *spellings(node.address))))


def _with_port(node: Node) -> tuple[str, ...]:
    if node.host_key_alias:
        return (node.host_key_alias.lower(),)
    return tuple(name if node.port == 22 else f"[{name}]:{node.port}" for name in _bare(node))


def fingerprint(key: bytes) -> str:
    """Return the fingerprint of a key, `SHA256:…`, as ssh-keygen prints it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(key).digest()).decode().rstrip("=")


def _add(entry: Entry, plain: dict[str, list[Entry]], others: list[Entry]) -> None:
    """Put an entry where it is found by its name, or among those whose patterns must be compared."""
    if entry.marker or any(set(pattern) & set("*?!|") for pattern in entry.patterns):
        others.append(entry)
        return
    for pattern in entry.patterns:
        plain.setdefault(pattern, []).append(entry)


def _stamp(file: Path) -> tuple[int, ...] | None:
    """Return numbers that change whenever the file changes; None where there is no file."""
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _line(node: Node, key: bytes) -> bytes:
    return f"{','.join(labels(node))} {type_of(key)} {base64.b64encode(key).decode()}".encode()


_EACH = re.compile(rb"[^\n]*\n|[^\n]+")
_LINE = re.compile(rb"([ \t]*)([^ \t#@]\S*)([ \t]+(\S+)[ \t].*)", re.DOTALL)


def _without(line: bytes, names: set[str], kind: str) -> bytes:
    """Return a line of known_hosts without these names, if it has that type of key; b"" where no name is left."""
    found = _LINE.fullmatch(line)
    if not found or found[4] != kind.encode():
        return line
    patterns = found[2].decode("utf-8", "surrogateescape").split(",")
    left = [
        pattern
        for pattern in patterns
        if comparable_name(pattern) not in names
        and not (pattern.startswith("|1|") and any(hash_matches(pattern, name) for name in names))
    ]
    if left == patterns:
        return line
    return found[1] + ",".join(left).encode("utf-8", "surrogateescape") + found[3] if left else b""
