"""systemd units as text: the daemon as a service that stays, or `collect` with a timer.

The words of systemd.service(5), systemd.exec(5) and systemd.timer(5).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nicassh.model.errors import SetupError

MARK = "# Written by `nicamon install-units`"
"""The first line of each unit that nicamon wrote. A file that begins otherwise is not overwritten."""
_PLAIN = re.compile(r"[\w./:@+=,-]+")
_SLACK = 30
"""Seconds that a collector may need after its last node has answered, to write what came."""


@dataclass(frozen=True)
class Setup:
    """What the units are made for.

    program: how nicamon is started
    timeout: the setting of that name, in seconds
    account: the user of system units; empty for units of the user who enables them
    """

    program: Sequence[str]
    config: Path
    timeout: float
    account: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)


def daemon(setup: Setup) -> dict[str, str]:
    """Return the file of the daemon, by its name. Raises SetupError for a path that systemd does not take."""
    name = "nicamon-daemon.service"
    service = [
        "Type=exec",
        *_service(setup, "daemon", "--quiet"),
        "Restart=on-failure",
        "RestartSec=10",
        "# A wrong configuration is not mended by trying again.",
        "RestartPreventExitStatus=2",
        "# SIGTERM goes to the first process, which lets the others finish the nodes that they are asking: for three",
        "# seconds, and what the database takes. No longer than the setting `timeout`; after this time all are killed.",
        "KillMode=mixed",
        f"TimeoutStopSec={math.ceil(setup.timeout) + _SLACK}",
        *_limits(setup),
    ]
    install = [f"WantedBy={'multi-user.target' if setup.account else 'default.target'}"]
    unit = _unit(setup, "nicamon: collectors that ask the nodes of the farm")
    return {name: _text(setup, name, {"Unit": unit, "Service": service, "Install": install})}


def timer(setup: Setup) -> dict[str, str]:
    """Return the files of a `collect` each minute, by their names, the timer first. Raises SetupError like `daemon`."""
    name, what = "nicamon-collect", "nicamon: ask the nodes of the farm what is due"
    service = [
        "Type=oneshot",
        *_service(setup, "collect"),
        "# 1: some node or probe failed, which the tables tell. 130: it was stopped; what had arrived is stored.",
        "SuccessExitStatus=1 130",
        "KillMode=mixed",
        f"TimeoutStopSec={_SLACK}",
        *_limits(setup),
    ]
    clock = [
        "# Tasks come due at full minutes. Runs that were missed are not caught up on. One that takes longer than a",
        "# minute, because a node hangs, delays the next: where that happens, let the daemon run instead.",
        "OnCalendar=minutely",
        "AccuracySec=1s",
        "Persistent=no",
    ]
    units = {
        f"{name}.timer": {"Unit": [f"Description={what}"], "Timer": clock, "Install": ["WantedBy=timers.target"]},
        f"{name}.service": {"Unit": _unit(setup, what), "Service": service},
    }
    return {unit: _text(setup, unit, sections) for unit, sections in units.items()}


def word(text: str) -> str:
    """Return a text as one word of a setting that takes several. Raises SetupError where it cannot be written."""
    if not text.isprintable():
        raise SetupError(f"{text!a}: systemd takes no path with such characters", "use another folder")
    if _PLAIN.fullmatch(text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%") + '"'


def _command(words: Sequence[str]) -> str:
    """Return a command line. `$` is special in its arguments only; its program may contain no quotes."""
    program, *arguments = words
    if set(program) & set("\\\"'"):
        raise SetupError(f"{program}: systemd starts no program whose path has quotes or backslashes", "move it")
    return " ".join([word(program), *(word(one).replace("$", "$$") for one in arguments)])


def _unit(setup: Setup, description: str) -> list[str]:
    if not setup.account:
        return [f"Description={description}"]
    folders = " ".join(word(str(Path(path).parent)) for path in (setup.config, setup.program[0]))
    return [
        f"Description={description}",
        "Wants=network-online.target",
        "After=network-online.target",
        f"RequiresMountsFor={folders}",
    ]


def _service(setup: Setup, *words: str) -> list[str]:
    account = [f"User={setup.account.replace('%', '%%')}"] if setup.account else []
    environment = [f"Environment={word(f'{name}={value}')}" for name, value in setup.environment.items()]
    return [
        *account,
        *environment,
        "# Where an agent holds the key:",
        "#Environment=SSH_AUTH_SOCK=%t/ssh-agent.socket",
        f"ExecStart={_command([*setup.program, '--config', str(setup.config), *words])}",
    ]


def _limits(setup: Setup) -> list[str]:
    """Return the settings that give up rights."""
    ordinary = setup.account and setup.account != "root"
    return [
        "# No file system is hidden or made read-only: keys, known_hosts, agents and the database may be anywhere, and",
        "# probes of this machine itself (transport local) must see it as it is.",
        "UMask=0077",
        "NoNewPrivileges=yes",
        *(["CapabilityBoundingSet="] if ordinary else []),
        "LockPersonality=yes",
        "RestrictRealtime=yes",
        "RestrictSUIDSGID=yes",
    ]


def _text(setup: Setup, name: str, sections: Mapping[str, Sequence[str]]) -> str:
    edit = "systemctl edit" if setup.account else "systemctl --user edit"
    head = [f"{MARK}, which writes over it.", f"# What you add stays in a file of its own: {edit} {name}"]
    parts = [[f"[{section}]", *lines] for section, lines in sections.items()]
    return "\n\n".join("\n".join(part) for part in [head, *parts]) + "\n"
