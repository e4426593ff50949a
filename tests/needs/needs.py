"""What a test needs of its machine: skipped by hand where it is missing, failed where nothing may be skipped."""

from __future__ import annotations

import fcntl
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

from nicassh.demo import packages
from nicassh.demo.systems import KNOWN


def missing(reason: str) -> NoReturn:
    """Ends a test that cannot run here: as a failure in continuous integration, else as skipped with the reason."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def root(why: str = "makes namespaces") -> None:
    """Goes on only as root."""
    if os.geteuid() != 0:
        missing(f"{why}: needs root")


def systems(*words: str) -> None:
    """Goes on only as root, with the packages of these systems, or of all that a farm can run."""
    root("runs daemons in namespaces")
    wanted = {package for word in words or KNOWN for package in KNOWN[word].programs.values()}
    if absent := packages.missing(sorted(wanted)):
        missing(f"not installed: {' '.join(absent)}; as root: make packages")


def fuse() -> None:
    """Goes on only where a test can serve a file system of its own."""
    root("mounts a file system that hangs")
    if not Path("/dev/fuse").exists():
        missing("a mount that hangs is made with /dev/fuse")


def is_others(text: str) -> bool:
    """Tell whether a text names a folder of tests that run beside these, in another process of pytest-xdist."""
    own = os.environ.get("PYTEST_XDIST_WORKER", "")
    return "/popen-gw" in text and f"/popen-{own}/" not in text


@contextmanager
def machine() -> Iterator[None]:
    """Lets no other test bring a farm up or down, or compare what is on the machine before and after, meanwhile."""
    with (Path(tempfile.gettempdir()) / "nicamon-tests.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def until(ask: Callable[[], object], seconds: float = 60) -> None:
    """Waits until `ask` gives something true; fails after so many seconds."""
    end = time.monotonic() + seconds
    while not ask():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.05)


def next_second() -> None:
    """Waits for the next whole second: answers are told apart by theirs."""
    time.sleep(1 - time.time() % 1)
