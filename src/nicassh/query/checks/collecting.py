"""Checks that somebody collects: when the nodes were last asked, and who asks them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from nicassh.model.outcome import LOGIN
from nicassh.model.units import counted, draw_seconds
from nicassh.query.checks.checking import Verdict, check, critical, warning, well
from nicassh.query.checks.setup import Setup
from nicassh.tasks import live_collectors

_START = "put `* * * * * nicamon collect` into crontab -e, or: nicamon install-units --user --now"
_TABLES = (Path("/etc/crontab"), Path("/etc/cron.d"))


@check("collection", needs="database")
def collection(setup: Setup) -> Verdict:
    """Check that the nodes were asked lately."""
    store, nodes = setup.sources.database, setup.sources.select()
    rows = store.newest("outcomes", [node.name for node in nodes], probe=[LOGIN])
    if not rows:
        return critical("no node of the inventory was ever asked", _START)
    age = (store.now() - max(row["at"] for row in rows)).total_seconds()
    found = f"{draw_seconds(max(0.0, age))} ago"
    if age > setup.sources.config.stale:
        return critical(f"nothing was collected since {found}", f"is the collector running? Else {_START}")
    never = len(nodes) - len(rows)
    if never:
        return warning(f"{found}; {counted(never, 'node')} never asked", "nicamon collect; see also: nicamon tasks")
    return well(f"{found}, {counted(len(rows), 'node')}")


@check("collector", needs="database")
def collector(setup: Setup) -> Verdict:
    """Check that a daemon is alive, or that cron starts collections."""
    task_list = setup.sources.existing_task_list
    alive = live_collectors(task_list)
    if alive:
        hosts, silence = sorted({one.host for one in alive}), max(one.heartbeat for one in alive)
        found = (
            f"{counted(len(alive), 'collector')} on {', '.join(hosts)}, last sign of life {draw_seconds(silence)} ago"
        )
        if silence > task_list.lease / 2:
            return warning(found, "one of them hangs or its machine sleeps: see `nicamon tasks`, and its log")
        return well(found)
    if starter := next(_starters(), ""):
        return well(f"none is at work now; {starter}")
    return warning("no collector is at work, and neither cron nor a timer of systemd here starts one", _START)


def _starters() -> Iterator[str]:
    """Yield what starts a collection from time to time, as far as this user can see."""
    yield from (f"cron has: {line}" for line in _cron_lines())
    own = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    for folder in (own / "systemd/user", Path("/etc/systemd/system")):
        yield from (f"systemd has: {file.name}" for file in folder.glob("timers.target.wants/nicamon*.timer"))


def _cron_lines() -> Iterator[str]:
    """Yield the lines of cron that this user can see, and that name nicamon."""
    for text in _cron_tables():
        for line in text.splitlines():
            if "nicamon" in line and not line.lstrip().startswith("#"):
                yield line.strip()


def _cron_tables() -> Iterator[str]:
    with suppress(OSError, subprocess.TimeoutExpired):
        yield subprocess.run(["crontab", "-l"], capture_output=True, text=True, timeout=5, check=False).stdout
    for place in _TABLES:
        for file in sorted(place.iterdir()) if place.is_dir() else [place]:
            with suppress(OSError):
                yield file.read_text(encoding="utf-8", errors="replace")
