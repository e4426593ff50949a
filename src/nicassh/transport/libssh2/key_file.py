"""Reading files of keys: what is in them, and why one that was named is no private key."""

from __future__ import annotations

import base64
import binascii
import errno
import os
import re
import stat
from pathlib import Path

_MAGIC = b"openssh-key-v1\0"
_LIMIT = 64 * 1024
"""Bytes of the largest file that is taken for a key."""
_BEGIN = re.compile(rb"-----BEGIN ((?:OPENSSH |RSA |EC |DSA |ENCRYPTED )?PRIVATE KEY)-----")
_PUBLIC = re.compile(
    rb"(?:ssh|ecdsa|sk)-[a-zA-Z0-9@.-]{1,64} AAAA|---- BEGIN SSH2 PUBLIC KEY|-----BEGIN [A-Z ]{0,9}PUBLIC"
)
_OTHERS = (
    (b"PuTTY-User-Key-File", "it is a key of PuTTY: convert it with `puttygen FILE -O private-openssh`"),
    (b"---- BEGIN SSH2 ENCRYPTED", "it has the form of another SSH program: convert it to that of OpenSSH"),
    (b"SSH PRIVATE KEY FILE FORMAT 1", "it is a key of the SSH protocol 1"),
    (b"-----BEGIN CERTIFICATE", "it is an X.509 certificate"),
)


def content(file: Path) -> bytes:
    """Return the bytes of a key file. Raises OSError, also for a pipe or a device, which might never end."""
    descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as opened:  # noqa: PTH123 a descriptor
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "Not a regular file", str(file))
        return opened.read(_LIMIT + 1)


def blemish(data: bytes) -> str:
    """Return the reason why a file contains no private key; "" where it contains one."""
    if not data.strip(b"\0 \t\r\n"):
        return "it is empty"
    if len(data) > _LIMIT:
        return "it is larger than any key"
    begin = _BEGIN.search(data)
    if begin:
        if b"-----END " + begin[1] + b"-----" not in data[begin.end() :]:
            return "it is cut: its END line is missing"
        return "it is cut or damaged" if begin[1].startswith(b"OPENSSH") and not _parts(data) else ""
    if _PUBLIC.match(data.lstrip()):
        return "it is a public key: name the private one, or add that to the agent"
    return next((words for mark, words in _OTHERS if mark in data), "it has neither the form of OpenSSH nor PEM")


def encrypted(data: bytes) -> bool:
    """Return whether a private key needs a passphrase."""
    parts = _parts(data)
    return parts[0] != b"none" if parts else b"ENCRYPTED" in data


def publics(file: Path, data: bytes) -> tuple[bytes, ...]:
    """Return the public keys by which an agent may know a file: of its certificate, its `.pub` file, and itself."""
    found = [_blob(_near(file, "-cert.pub")), _blob(_near(file, ".pub")), _blob(data)]
    if parts := _parts(data):
        found.append(parts[1])
    return tuple(dict.fromkeys(blob for blob in found if blob))


def _near(file: Path, suffix: str) -> bytes:
    try:
        return content(file.with_name(file.name + suffix))
    except OSError:
        return b""


def _blob(line: bytes) -> bytes:
    """Return the key in a line of a `.pub` file; b"" where there is none."""
    words = line.split(maxsplit=2)
    return _decoded(words[1]) if _PUBLIC.match(line) and len(words) > 1 else b""


def _parts(data: bytes) -> tuple[bytes, bytes] | None:
    """Return cipher and public key of a private key in OpenSSH's format; None where it is another or is cut."""
    begin = _BEGIN.search(data)
    if not begin or not begin[1].startswith(b"OPENSSH"):
        return None
    blob = _decoded(data[begin.end() :].partition(b"-----END ")[0])
    rest = blob.removeprefix(_MAGIC)
    fields = []
    for _ in range(3):  # cipher, key derivation, its options
        field, rest = string(rest)
        fields.append(field)
    public, rest = string(rest[4:])  # after the number of keys, which is 1
    private, _ = string(rest)
    return (fields[0], public) if blob.startswith(_MAGIC) and public and private else None


def string(data: bytes) -> tuple[bytes, bytes]:
    """Return the first string of the SSH protocol and the bytes after it; two empty ones where it is cut."""
    end = 4 + int.from_bytes(data[:4], "big")
    return (data[4:end], data[end:]) if 4 <= end <= len(data) else (b"", b"")


def _decoded(text: bytes) -> bytes:
    try:
        return base64.b64decode(b"".join(text.split()), validate=True)
    except binascii.Error:
        return b""
