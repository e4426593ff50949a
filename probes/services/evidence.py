"""Daemons that do not run and should: what the node itself says about that."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from .names import TIME, Key, named
from .rows import DOWN, SYSTEM, Service
from .sources import Sources

PID = re.compile(r"[0-9]{1,10}")
_GROUP = re.compile(r"\bpgrp=(\d{1,10})(?!\d)")
_PID_FILE = re.compile(
    r"xrootd/(?:(?P<folder>[^/]+)/)?(?P<server>xrootd|cmsd|xproofd)(?:[-.](?P<name>.+))?\.pid"
    r"|(?:[^/]+/)?(?P<program>[a-z_]+)(?:[-.].*)?\.pid"
)


def missing(sources: Sources, surely: Iterable[Key], perhaps: Iterable[Key]) -> Iterator[Service]:
    """Services that do not run although a file or a mount of the node says that they should.

    What runs `perhaps` is a daemon of an ordinary account: it may be the one that init starts, but
    it does not stand in for one whose process is known to be gone.
    """
    present = set(surely)
    times = any(service in TIME.values() for service, _ in present)
    found = [*_left_behind(sources), *_masters(sources), *_mounted(sources)]
    started = sorted(key for key in enabled(sources) if not _runs(key, set(perhaps)))
    found += [(*key, "started at boot, and does not run") for key in started]
    for service, instance, reason in found:
        if not _runs((service, instance), present) and not (times and service in TIME.values()):
            present.add((service, instance))  # one reason is enough
            yield down(service, instance, reason)


def _runs(key: Key, present: Iterable[Key]) -> bool:
    """Whether a service is among those present; where no instance is named, any will do."""
    return any(key[0] == service and key[1] in ("", instance) for service, instance in present)


def down(service: str, instance: str, reason: str, kind: str = SYSTEM) -> Service:
    """A service that does not run."""
    return Service(service, instance, DOWN, reason, None, None, None, None, None, None, kind, None)


def enabled(sources: Sources) -> set[Key]:
    """What init starts at boot."""
    found = (named(name) for name in sources.words.get("enabled", []))
    return {(service, instance) for service, instance, known in found if known}


def pid_files(sources: Sources, word: str) -> Iterator[tuple[str, str, int, str]]:
    """Service, instance, process id and file, from lines such as `gone 33 xrootd/mpd/xrootd.pid` or `gone 24 sshd.pid`.

    The word is `gone` where there is no such process, `alive` where there is one.
    """
    for line in sources.words.get(word, []):
        pid, _, file = line.partition(" ")
        if PID.fullmatch(pid) and (match := _PID_FILE.fullmatch(file)):
            program = match["server"] or match["program"]
            service, _, known = named({"execd": "sge_execd", "qmaster": "sge_qmaster"}.get(program, program))
            if known:
                yield service, match["name"] or match["folder"] or "", int(pid), file


def _left_behind(sources: Sources) -> Iterator[tuple[str, str, str]]:
    for service, instance, pid, file in pid_files(sources, "gone"):
        yield service, instance, f"{file} names process {pid}, which is gone"


def _masters(sources: Sources) -> Iterator[tuple[str, str, str]]:
    """The host that act_qmaster names may have its domain where the node's own name has not."""
    own = sources.host.lower().partition(".")[0]
    if any(name.strip().lower().partition(".")[0] == own for name in sources.words.get("act_qmaster", [])):
        yield "qmaster", "", "act_qmaster names this host"


def _mounted(sources: Sources) -> Iterator[tuple[str, str, str]]:
    """FUSE file systems and automatic mounts outlive the daemon that serves them."""
    for device, point, kind, options in sources.mounts():
        if kind.startswith("fuse") and point.startswith("/cvmfs/") and "cvmfs" in device:
            yield "cvmfs", point.removeprefix("/cvmfs/"), "mounted, and its process is gone"
        elif kind.startswith("fuse") and point.startswith("/eos"):
            yield "eos", point, "mounted, and its process is gone"
        elif kind == "autofs" and (match := _GROUP.search(options)) and int(match[1]) > 1:
            yield "autofs", "", "its mounts are there, and its process is gone"
