"""Checks of the database: can it be read and written, is there room, and does its clock agree."""

from __future__ import annotations

import os
from pathlib import Path

from nicassh.database import dialect_of, place, schema, translate_errors
from nicassh.database.checking import check_writable
from nicassh.model.units import counted, draw_bytes, draw_seconds
from nicassh.query.checks.checking import Verdict, check, critical, warning, well
from nicassh.query.checks.setup import Setup
from nicassh.store.clocks import DOUBTFUL, MARGIN
from nicassh.store.size import sizes

_LITTLE, _LEAST = 1024**3, 100 * 1024**2
"""Bytes that are free beside an SQLite file: below the first warn, below the second nothing can be stored soon."""


@check("database", needs="configuration")
def database(setup: Setup) -> Verdict:
    """Check that the database answers, that its schema is ours, and that something was collected into it."""
    store = setup.sources.database
    store.check_readable()
    store.check_not_empty()
    with translate_errors(store.engine), store.engine.connect() as connection:
        version = schema.version(connection)
    found = f"{place(store.engine.url)}, schema {version or 'without a version'}"
    if schema.judged(version) != "current":
        return warning(f"{found}; this nicamon makes {schema.CURRENT}", "nicamon db upgrade")
    return well(found)


@check("writing", needs="database")
def writing(setup: Setup) -> Verdict:
    """Check that this user may write to the database. Nothing is changed."""
    check_writable(setup.sources.database.engine)
    return well("this user may write to the database")


@check("space", needs="database")
def space(setup: Setup) -> Verdict:
    """Check how large the database is, and how much room is left for an SQLite file."""
    engine = setup.sources.database.engine
    found = sizes(engine, setup.sources.database.metadata)
    size = sum(one.bytes or 0 for one in found)
    if not dialect_of(engine).one_file or not engine.url.database:
        return well(f"{draw_bytes(size)} in {counted(len(found), 'table')}; the server knows the space on its disk")
    file = Path(engine.url.database)
    disk = os.statvfs(file.parent)
    free = disk.f_bavail * disk.f_frsize
    words = f"{file} has {draw_bytes(file.stat().st_size)}; {draw_bytes(free)} are free on its disk"
    advice = f"free some space on the disk of {file.parent}, or keep less: settings keep_raw, keep_5m; nicamon db prune"
    if free < _LEAST:
        return critical(words, advice)
    return warning(words, advice) if free < _LITTLE else well(words)


@check("clock", needs="database")
def clock(setup: Setup) -> Verdict:
    """Check the clock of this machine against that of the database."""
    store = setup.sources.database
    store.now()
    ahead = -store.clock.ahead
    if abs(ahead) >= MARGIN:
        side = "ahead of" if ahead > 0 else "behind"
        return critical(f"{draw_seconds(abs(ahead))} {side} the database", "see chrony, ntpd or timesyncd on both")
    doubtful = [row["host"] for row in store.clock_rows() if row["doubt"] >= DOUBTFUL]
    if doubtful:
        what = f"{', '.join(doubtful)}: the clock was set forward; nothing is deleted until it is confirmed"
        return warning(what, "if the clock is right now: nicamon db prune --trust-clock")
    return well("it agrees with the database" if dialect_of(store.engine).clock else "it is the clock of the database")
