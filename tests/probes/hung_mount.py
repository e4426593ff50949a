"""Runs a command in a mount namespace where every look at one folder hangs, as at the mount of a dead file server.

    python hung_mount.py FOLDER COMMAND [ARGUMENT …]      (root, /dev/fuse)

The folder becomes a FUSE file system that nobody serves. It ends with the last process that was started here.
"""

from __future__ import annotations

import ctypes
import os
import sys

CLONE_NEWNS = 0x20000
MS_REC, MS_PRIVATE = 0x4000, 0x40000


def main() -> None:
    """Mounts, and becomes the command."""
    folder, *command = sys.argv[1:]
    os.set_inheritable(mount(folder), True)
    os.execvp(command[0], command)  # noqa: S606 there is no shell to go through


def mount(folder: str) -> int:
    """The open /dev/fuse behind a new FUSE mount, in a mount namespace that from now on is this process's own."""
    libc = ctypes.CDLL(None, use_errno=True)
    _checked(libc.unshare(CLONE_NEWNS))
    _checked(libc.mount(b"none", b"/", None, ctypes.c_ulong(MS_REC | MS_PRIVATE), None))
    server = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={server},rootmode=40000,user_id=0,group_id=0".encode()
    _checked(libc.mount(b"dead", os.fsencode(folder), b"fuse", ctypes.c_ulong(0), options))
    return server


def _checked(result: int) -> None:
    if result:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


if __name__ == "__main__":
    main()
