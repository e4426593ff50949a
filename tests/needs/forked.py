"""Runs of the command line that begin as a fork of a process in which all of nicamon is loaded.

Each is a process of its own, as from a shell; but to load the modules again for each would be most of its cost.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import IO

_READ_AT_START = ("PYTHON", "LC_", "LANG", "LD_", "FAKETIME")
"""Variables whose names begin so are read when a program begins. A fork would not notice a change of them."""
_NOT_LOADED = ("nicassh.__main__", "nicassh.demo.", "nicassh.web.", "nicassh.tui.")


def run(
    words: Sequence[str], environment: Mapping[str, str], folder: Path = Path(), timeout: float = 120
) -> subprocess.CompletedProcess[str]:
    """Runs `nicamon WORDS` in a folder, with this environment and nothing to read; gives what came of it.

    Raises TimeoutExpired after `timeout` seconds; the process is killed then.
    """
    if _at_start(environment) != _at_start(os.environ):
        return subprocess.run(
            [sys.executable, "-m", "nicassh", *words], capture_output=True, text=True, stdin=subprocess.DEVNULL,
            timeout=timeout, check=False, cwd=folder, env=environment,
        )  # fmt: skip
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        request = json.dumps([list(words), dict(environment), str(folder.absolute())])
        code = _ask(request.encode(), (output, errors), timeout)
        return subprocess.CompletedProcess(list(words), code, _text(output), _text(errors))


def _at_start(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith(_READ_AT_START)}


def _ask(request: bytes, streams: Sequence[IO[bytes]], timeout: float) -> int:
    """Gives the exit code as subprocess does: negative where a signal ended the process."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
        connection.connect(_server())
        socket.send_fds(connection, [request], [stream.fileno() for stream in streams])
        pid = int(connection.recv(32))
        connection.settimeout(timeout)
        try:
            return os.waitstatus_to_exitcode(int(connection.recv(32)))
        except TimeoutError:
            os.kill(pid, signal.SIGKILL)
            raise subprocess.TimeoutExpired(request.decode(), timeout) from None


def _text(stream: IO[bytes]) -> str:
    stream.seek(0)
    return stream.read().decode()


@cache
def _server() -> str:
    """Starts the process that forks, which ends with this one, and gives the address of its socket."""
    folder = tempfile.TemporaryDirectory(prefix="nicamon-forks-")
    address = f"{folder.name}/socket"
    command = [sys.executable, __file__, address]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin and process.stdout
    assert process.stdout.readline() == b"ready\n"
    atexit.register(folder.cleanup)
    atexit.register(process.wait)
    atexit.register(process.stdin.close)  # the first of the three to be called
    return address


def _load() -> None:
    """Imports the modules of nicamon, and leaves them out of every later search for garbage."""
    import nicassh

    for module in pkgutil.walk_packages(nicassh.__path__, "nicassh."):
        if not f"{module.name}.".startswith(_NOT_LOADED):
            importlib.import_module(module.name)
    gc.collect()
    gc.freeze()


def _serve(address: str) -> None:
    """Forks for each request. Returns in each new process, which is ready to run the command line."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for these children
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(address)
        listener.listen(64)
        print("ready", flush=True)
        while True:
            ready, _, _ = select.select([sys.stdin, listener], [], [])
            if sys.stdin in ready:
                sys.exit()
            connection, _ = listener.accept()
            if os.fork() == 0:
                break
            connection.close()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    request, (output, errors), _, _ = socket.recv_fds(connection, 1 << 20, 2)
    program = os.fork()
    if program:
        connection.send(b"%d" % program)
        connection.send(b"%d" % os.waitpid(program, 0)[1])
        os._exit(0)
    connection.close()
    _become(*json.loads(request), (os.open(os.devnull, os.O_RDONLY), output, errors))


def _become(words: list[str], environment: dict[str, str], folder: str, streams: Sequence[int]) -> None:
    """Gives this process the arguments, the environment, the folder and the streams of the command."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    sys.stdin, sys.stdout, sys.stderr = (os.fdopen(number, mode) for number, mode in enumerate("rww"))
    sys.argv[1:] = words
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    time.tzset()


if __name__ == "__main__":
    _load()
    _serve(sys.argv[1])
    from nicassh.cli import main

    main()
