"""Measures what people who look on feel of collections: `nicamon show farm --watch 1`, four times, each on a terminal.

    python tests/bench/readers.py [--nodes 500] [--collections 20] [--seconds 20]

First nobody writes; then collections of all probes, with the rates that need what was there before, are written one
after another without a pause into the same SQLite file. How long a look took is the time between two pictures without
the second of waiting.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from rows import Farm
from store import save

from nicassh.probes import loader as probe
from nicassh.store import Store

READERS = 4
PERIOD = 1.0
SLOWEST = 1.0
"""Seconds for the slowest look."""
PICTURE = b"\x1b[H"
"""What each picture begins with."""
COMMAND = [sys.executable, "-m", "nicassh", "show", "farm", "--watch", f"{PERIOD:g}"]
PROBES = probe.load_all()
BEGIN = datetime(2026, 11, 21, 12, tzinfo=UTC)


@dataclass
class Seen:
    """What one reader saw: seconds of each look, and all that its terminal got after the last picture."""

    looks: list[float] = field(default_factory=list)
    last: bytes = b""


def main() -> None:
    """Prints the table; exit code 1 where a look was too slow, or a reader ended by itself."""
    arguments = argparse.ArgumentParser(description=__doc__)
    for name, value in (("nodes", 500), ("collections", 20), ("seconds", 20)):
        arguments.add_argument(f"--{name}", type=int, default=value)
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        url = f"sqlite:///{folder}/nicamon.db"
        (folder / "inventory.toml").write_text(f'[[nodes]]\nnames = "n[1-{options.nodes}]"\n')
        config = folder / "nicamon.toml"
        config.write_text(f'database = "{url}"\ninventory = ["inventory.toml"]\n')
        farm, store = Farm(PROBES, BEGIN, options.nodes), Store(url, PROBES)
        store.create()
        save(store, farm.outcomes())

        def collect() -> None:
            for minute in range(1, options.collections + 1):
                save(store, farm.outcomes(minute))

        print(f"{READERS} x `{' '.join(COMMAND[2:])}`, {options.nodes} nodes, seconds\n")
        print(f"{'':32}{'looks':>8}{'median':>8}{'slowest':>9}{'ended':>7}{'locked':>8}")
        _report("nobody writes", config, lambda: time.sleep(options.seconds))
        well = _report(f"{options.collections} collections at a stretch", config, collect)
        store.engine.dispose()
    sys.exit(0 if well else 1)


def _report(what: str, config: Path, work: Callable[[], None]) -> bool:
    """A line of the table; whether it is within bounds."""
    with _watching(config) as (processes, seen):
        work()
        ended = [one.last for process, one in zip(processes, seen, strict=True) if process.poll() is not None]
    looks = [look for one in seen for look in one.looks]
    locked = sum(b"locked" in words for words in ended)
    print(f"{what:32}{len(looks):8}{median(looks):8.2f}{max(looks):9.2f}{len(ended):7}{locked:8}", flush=True)
    for words in ended:
        print(words.decode("utf-8", "replace").strip())
    return max(looks) < SLOWEST and not ended


@contextmanager
def _watching(config: Path) -> Iterator[tuple[list[subprocess.Popen[bytes]], list[Seen]]]:
    """Readers, from the second picture of each on, until the block ends."""
    environment = {**os.environ, "NICAMON_CONFIG": str(config), "TERM": "xterm"}
    processes, seen, threads = [], [Seen() for _ in range(READERS)], []
    for one in seen:
        ours, theirs = os.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 60, 200, 0, 0))
        processes.append(subprocess.Popen(COMMAND, stdin=theirs, stdout=theirs, stderr=theirs, env=environment))
        os.close(theirs)
        threads.append(threading.Thread(target=_read, args=(ours, one)))
        threads[-1].start()
    try:
        deadline = time.monotonic() + 60
        while not all(one.looks for one in seen) and time.monotonic() < deadline:
            time.sleep(0.1)
        yield processes, seen
    finally:
        for process in processes:
            process.terminate()
            process.wait()
        for thread in threads:
            thread.join()


def _read(terminal: int, seen: Seen) -> None:
    """Notes when pictures come, until the reader is gone."""
    before = None
    with suppress(OSError), os.fdopen(terminal, "rb", buffering=0) as stream:  # Linux says so by an error
        while some := stream.read(1 << 16):
            if PICTURE in some:
                now = time.monotonic()
                if before is not None:
                    seen.looks.append(now - before - PERIOD)
                before, seen.last = now, b""
            seen.last += some


if __name__ == "__main__":
    main()
