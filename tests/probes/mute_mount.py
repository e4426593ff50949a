"""Serves a folder as a FUSE file system that answers nothing until it is told to: whoever looks hangs.

    python mute_mount.py FOLDER KIND      (root, /dev/fuse)

KIND `unread`: no request is read, and whoever looks can be killed. `unanswered`: every request is read and none is
answered but the first, by which the kernel greets the server; whoever looks cannot be killed any more and stays in
state D. The folder is mounted in a mount namespace of its own; `ready` on stdout says that it is.

SIGUSR1: all requests are answered, also those that wait. SIGUSR2: the server is gone, the mount stays. It ends by
itself after LIMIT seconds. Source of the numbers: linux/fuse.h.
"""

from __future__ import annotations

import os
import select
import signal
import struct
import sys

import hung_mount

LIMIT = 120
MODES: dict[int, str] = {signal.SIGUSR1: "answering", signal.SIGUSR2: "ended"}
INIT, GETATTR, STATFS = 26, 3, 17
FORGET, INTERRUPT, BATCH_FORGET = 2, 36, 42
ENOSYS = 38
REQUEST = struct.Struct("<IIQQIIIHH")  # fuse_in_header: length, opcode, unique, …
REPLY = struct.Struct("<IiQ")  # fuse_out_header: length, error, unique
BLOCKS, FREE, AVAILABLE, INODES, INODES_FREE, BLOCK = 1000, 400, 300, 50, 20, 4096
BODIES = {
    INIT: struct.pack("<4I2H2I2H8I", 7, 31, 0, 0, 0, 0, 4096, 1, 0, 0, *[0] * 8),
    STATFS: struct.pack("<5Q10I", BLOCKS, FREE, AVAILABLE, INODES, INODES_FREE, BLOCK, 255, BLOCK, *[0] * 7),
    GETATTR: struct.pack("<QII6Q10I", 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0o40755, 2, 0, 0, 0, BLOCK, 0),
}


def main() -> None:
    """Mounts, and does with the requests what the mode says, which signals change."""
    signal.alarm(LIMIT)
    folder, mode = sys.argv[1:]
    device = hung_mount.mount(folder)
    told = _signals()
    print("ready", flush=True)
    waiting: list[tuple[int, int]] = []
    while True:
        for source in select.select([told] if mode in ("unread", "ended") else [told, device], [], [])[0]:
            if source == device:
                waiting.append(_request(device))
            else:
                mode = MODES[os.read(told, 1)[0]]
        for one in [one for one in waiting if mode == "answering" or one[0] == INIT]:
            waiting.remove(one)
            _answer(device, *one)
        if mode == "ended":
            os.close(device)
            signal.pause()


def _signals() -> int:
    """A pipe from which the number of each signal can be read."""
    told, tell = os.pipe()
    os.set_blocking(tell, False)
    signal.set_wakeup_fd(tell)
    for number in MODES:
        signal.signal(number, lambda _number, _frame: None)
    return told


def _request(device: int) -> tuple[int, int]:
    """Operation and number of the next request."""
    _, operation, unique, *_ = REQUEST.unpack_from(os.read(device, 1 << 20))
    return operation, unique


def _answer(device: int, operation: int, unique: int) -> None:
    if operation in (FORGET, INTERRUPT, BATCH_FORGET):
        return  # these expect no reply
    body = BODIES.get(operation, b"")
    error = 0 if body else -ENOSYS
    os.write(device, REPLY.pack(REPLY.size + len(body), error, unique) + body)


if __name__ == "__main__":
    main()
