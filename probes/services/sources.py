"""What the script printed, sorted: processes, accounts, sockets, and what says that a daemon should be there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from nicassh.model.notes import Notes, Unreadable
from nicassh.probes.tools import TICKS, from_epoch, require_end, user_names

NOBODY = 65534
_UID = re.compile("[0-9]{1,10}")
_FILE = re.compile(r"(\d+/(?:stat|status|cmdline)|stat|mounts|net/tcp6?|\.\./etc/[\w.]+):(.*)")
_STAT = re.compile(r"\d+ \(([^()]*)\) ([A-Za-z]) (\d+) (?:-?\d+ ){4}(\d+) (?:-?\d+ ){12}(\d+)(?: .*)?")
_SOCKET = re.compile(r" *\d+: [0-9A-F]+:([0-9A-F]{4}) \S+ 0A \S+ \S+ \S+ +(\d+) .*")


@dataclass(frozen=True)
class Process:
    """A process whose name is that of a daemon.

    `real` and `effective` are user ids: what is set-uid keeps the first of whoever started it. `nested` is
    whether it lives in a pid namespace of its own: in a container.
    """

    pid: int
    name: str
    state: str
    parent: int
    started: datetime
    arguments: tuple[str, ...]
    real: int | None
    effective: int | None
    nested: bool
    kernel: bool

    def option(self, letter: str) -> str:
        """The value of `-n mpd`; "" where it is not given."""
        pairs = zip(self.arguments, self.arguments[1:], strict=False)
        return next((value for name, value in pairs if name == f"-{letter}"), "")


class Sources:
    """The whole output. `words` holds lines such as `enabled sshd.service`, `sections` what programs printed."""

    def __init__(self, output: str) -> None:
        head, *rest = require_end(output).split("\nsection ")
        self.sections = {name: text.split("\n") for name, _, text in (part.partition("\n") for part in rest)}
        self.files: dict[str, list[str]] = {}
        self.words: dict[str, list[str]] = {}
        for line in head.split("\n"):
            if match := _FILE.fullmatch(line):
                self.files.setdefault(match[1], []).append(match[2])
            elif line:
                word, _, text = line.partition(" ")
                self.words.setdefault(word, []).append(text)
        self.notes = Notes()
        self.time = self._moment("time", "".join(self.words.get("time", [])[:1]))
        self.host = "".join(self.words.get("host", [])[:1])
        self.hidden = "hidden" in self.words
        self.minimum = 1000
        for line in self.files.get("../etc/login.defs", [])[:1]:
            self.minimum = self.notes.value("UID_MIN", lambda text: int(text.split()[1]), line) or self.minimum
        self.processes = list(self._processes())
        self.accounts = user_names(self.files.get("../etc/passwd", []) + self.sections.get("accounts", []))

    def units(self) -> list[dict[str, str]]:
        """The properties of each unit, as `systemctl show` prints them: `Id=sshd.service`, a blank line between two.

        One that is both asked for and failed is printed twice.
        """
        text = "\n".join(self.sections.get("units", []))
        found = [dict(line.split("=", 1) for line in part.split("\n") if "=" in line) for part in text.split("\n\n")]
        return list({block["Id"]: block for block in found if "Id" in block}.values())

    def listening(self) -> dict[int, set[int]]:
        """The TCP ports on which each user id listens: `0: 00000000:0446 00000000:0000 0A … 104 0 11 …`."""
        ports: dict[int, set[int]] = {}
        for line in self.files.get("net/tcp", []) + self.files.get("net/tcp6", []):
            if match := _SOCKET.fullmatch(line):
                ports.setdefault(int(match[2]), set()).add(int(match[1], 16))
        return ports

    def mounts(self) -> Iterator[list[str]]:
        """Device, mount point, type and options of each remote mount, as in proc(5) mounts."""
        return (line.split(" ")[:4] for line in self.files.get("mounts", []) if line.count(" ") >= 3)

    def since_boot(self, seconds: float) -> datetime:
        """The moment so many seconds after the boot."""
        return self._boot + timedelta(seconds=int(seconds))

    @cached_property
    def _boot(self) -> datetime:
        return self._moment("btime", "".join(self.files.get("stat", [])[:1]).removeprefix("btime "))

    def _moment(self, name: str, text: str) -> datetime:
        """A moment without which nothing can be told. Raises Unreadable where it is none."""
        found = self.notes.value(name, lambda word: from_epoch(int(word)), text)
        if found is None:
            raise Unreadable(f"`{text[:60]}` is no {name}")
        return found

    def _processes(self) -> Iterator[Process]:
        """A Process for each `33/stat:33 (xrootd) S 1 …`; a name with a newline could make no such line of its own."""
        for name, lines in self.files.items():
            pid = name.removesuffix("/stat")
            match = _STAT.fullmatch(lines[0]) if _UID.fullmatch(pid) else None
            if match and match[2] not in "ZXx":  # a zombie serves nobody
                with self.notes.reading("process", pid):
                    yield self._process(int(pid), match)

    def _process(self, pid: int, match: re.Match[str]) -> Process:
        facts = dict(line.split(":", 1) for line in self.files.get(f"{pid}/status", []) if ":" in line)
        uids = [int(uid) for uid in facts.get("Uid", "").split()]
        arguments = self.files.get(f"{pid}/cmdline", [""])[0].rstrip("\0").split("\0")
        return Process(
            pid=pid,
            name=match[1],
            state=match[2],
            parent=int(match[3]),
            started=self.since_boot(int(match[5]) / TICKS),
            arguments=tuple(arguments),
            real=uids[0] if uids else None,
            effective=uids[1] if uids else None,
            nested=len(facts.get("NSpid", "").split()) > 1,
            kernel=int(match[4]) & 0x200000 != 0,  # PF_KTHREAD
        )
