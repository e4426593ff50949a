"""Writing known_hosts: under a lock that all processes share, and without a change to the lines of others."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from nicassh.model.errors import ConfigError

TIMEOUT = 5.0
"""Seconds to wait for another process that is writing; it needs some milliseconds."""
_PAUSE = 0.02
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)


class LockedFile:
    """A file that this process alone may change while `locked` lasts."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor

    def read(self) -> bytes:
        """Return all bytes of the file."""
        size = os.fstat(self._descriptor).st_size
        return os.pread(self._descriptor, size, 0)

    def append(self, line: bytes) -> None:
        """Add one line behind the others, which stay as they are; all of it, or nothing."""
        size = os.fstat(self._descriptor).st_size
        ended = not size or os.pread(self._descriptor, 1, size - 1) == b"\n"
        data = (b"" if ended else b"\n") + line + b"\n"
        if os.write(self._descriptor, data) != len(data):
            os.ftruncate(self._descriptor, size)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def replace(self, content: bytes) -> None:
        """Put a new file in the place of the old one, with its mode and owner; all of it, or nothing."""
        target, old = self._path.resolve(), os.fstat(self._descriptor)
        descriptor, fresh = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(content)
                stream.flush()
                if (old.st_uid, old.st_gid) != (os.geteuid(), os.getegid()):
                    os.fchown(stream.fileno(), old.st_uid, old.st_gid)
                os.fchmod(stream.fileno(), stat.S_IMODE(old.st_mode))
                os.fsync(stream.fileno())
            Path(fresh).replace(target)
        except BaseException:
            with suppress(OSError):
                Path(fresh).unlink()
            raise


@contextmanager
def locked_file(file: Path) -> Iterator[LockedFile]:
    """Open a file and lock it. Makes it, with its folder, where it does not exist; only the owner may read it.

    Raises ConfigError where it cannot be opened, locked or written, or where the lock does not come free.
    """
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = _take(file)
        try:
            yield LockedFile(file, descriptor)
        finally:
            os.close(descriptor)  # and with it the lock
    except OSError as error:
        raise ConfigError(f"{file}: {_why(file, error)}", "host keys cannot be recorded there") from error


def _take(file: Path) -> int:
    """Return the locked descriptor of the file. Opens it again where it was replaced while we waited."""
    deadline = time.monotonic() + TIMEOUT
    while True:
        descriptor = os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise ConfigError(f"{file}: is no ordinary file", "name another in the inventory: known_hosts = …")
            if _lock(file, descriptor) and os.path.samestat(os.fstat(descriptor), file.stat()):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
        if time.monotonic() > deadline:
            raise ConfigError(f"{file}: locked by another process for {TIMEOUT:.0f} s", "see: fuser -v FILE")
        time.sleep(_PAUSE)


def _lock(file: Path, descriptor: int) -> bool:
    """Return whether we got the lock."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        what = f"{file}: its file system does not lock files ({error.strerror}), as NFS without lockd"
        raise ConfigError(what, "name a file on a local disk in the inventory: known_hosts = …") from error
    return True


def _why(file: Path, error: OSError) -> str:
    if file.is_symlink() and not file.exists():
        return f"it is a link to {os.readlink(file)}, which cannot be made: {error.strerror}"  # noqa: PTH115 as written
    return error.strerror or str(error)
