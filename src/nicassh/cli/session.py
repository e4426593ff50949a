"""What the commands of one run share."""

from __future__ import annotations

from pathlib import Path

import click

from nicassh.app import App
from nicassh.model.text import clean


class Session(App):
    """The application of one run of the command line: it prints warnings on stderr."""

    def __init__(self, file: Path | None, completing: bool = False) -> None:
        super().__init__(file, completing, warn)


def session_of(ctx: click.Context) -> Session:
    """Return the session of a run; a new one while a shell asks for completions, which runs no command."""
    found = ctx.find_object(Session)
    return found or Session((ctx.find_root().params or {}).get("config"), completing=True)


def warn(text: str) -> None:
    """Tell the operator, once a run, of something to repair."""
    if text not in _WARNED:
        _WARNED.add(text)
        click.echo(f"nicamon: warning: {clean(text)}", err=True)


_WARNED: set[str] = set()
