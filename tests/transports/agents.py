"""Agents for tests: a real ssh-agent, and such as misbehave, each a process of its own."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Ends by itself, so that a program which waits for it without a limit ends as well.
_HOSTILE = """
import os, signal, socket, sys, threading, time
mode, path, blob, real = sys.argv[1], sys.argv[2], bytes.fromhex(sys.argv[3]), sys.argv[4]
signal.alarm(25)
framed = lambda message: len(message).to_bytes(4, "big") + message
text = lambda data: len(data).to_bytes(4, "big") + data
keys = framed(bytes([12]) + (1).to_bytes(4, "big") + text(blob) + text(b"mine"))

def exactly(peer, size):
    data = b""
    while len(data) < size:
        part = peer.recv(size - len(data))
        if not part:
            raise SystemExit
        data += part
    return data

def message(peer):
    return exactly(peer, int.from_bytes(exactly(peer, 4), "big"))

def serve(peer):
    behind = socket.socket(socket.AF_UNIX)
    if mode == "late":
        behind.connect(real)
    while True:
        request = message(peer)
        if mode == "late":
            if request[0] == 13:
                time.sleep(4)
            behind.sendall(framed(request))
            peer.sendall(framed(message(behind)))
        elif mode == "silent" or request[0] == 13 and mode == "unsigned":
            time.sleep(60)
        elif mode == "cut":
            peer.sendall(keys[:-6])
            peer.close()
            return
        elif mode == "huge":
            peer.sendall(framed(bytes([12]) + (10**6).to_bytes(4, "big") + bytes(10**7)))
        elif mode == "endless":
            while True:
                peer.sendall((200_000).to_bytes(4, "big") + bytes(200_000))
        elif mode == "false":
            peer.sendall(framed(bytes([12]) + (10**6).to_bytes(4, "big") + text(blob) + text(b"mine")))
        elif mode == "trickle":
            for byte in keys:
                peer.sendall(bytes([byte]))
                time.sleep(1)
        elif request[0] == 13 and mode == "wrong":
            peer.sendall(framed(bytes([14]) + b"\\xff\\xff\\xff\\xff" + bytes(500)))
        elif request[0] == 13 and mode == "closing":
            peer.close()
            return
        else:
            peer.sendall(keys)

with socket.socket(socket.AF_UNIX) as listener:
    listener.bind(path + ".new")
    listener.listen(64)
    os.rename(path + ".new", path)
    while True:
        threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
"""


@contextmanager
def agent(folder: Path) -> Iterator[Path]:
    """A real ssh-agent; gives its socket."""
    place = folder / "agent"
    with _running(["ssh-agent", "-D", "-a", str(place)], place):
        yield place


@contextmanager
def hostile(mode: str, folder: Path, public: Path, real: Path | str = "") -> Iterator[Path]:
    """An agent that lists one key and behaves as `mode` says; `late` passes all on to a real one."""
    place = folder / mode
    blob = base64.b64decode(public.read_text().split()[1]).hex()
    with _running([sys.executable, "-c", _HOSTILE, mode, str(place), blob, str(real)], place):
        yield place


def add(place: Path, *keys: Path, passphrase: str = "", confirm: bool = False) -> None:
    """Adds keys to a real agent, in their order."""
    answer = place.parent / "answer"
    answer.write_text(f"#!/bin/sh\necho '{passphrase}'\n")
    answer.chmod(0o700)
    environment = os.environ | {
        "SSH_AUTH_SOCK": str(place), "SSH_ASKPASS": str(answer), "SSH_ASKPASS_REQUIRE": "force", "DISPLAY": ":0",
    }  # fmt: skip
    command = ["ssh-add", "-q", *(["-c"] if confirm else []), *map(str, keys)]
    subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, check=True)


@contextmanager
def _running(command: list[str], place: Path) -> Iterator[None]:
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        while not place.exists():
            assert process.poll() is None, f"{command[0]} ended"
            time.sleep(0.01)
        yield
    finally:
        process.kill()
        process.wait()
