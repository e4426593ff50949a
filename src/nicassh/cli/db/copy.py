"""`nicamon db copy`: moves everything to another database."""

from __future__ import annotations

from pathlib import Path

import click

from nicassh import database as db
from nicassh.cli.db.transfer import declared, move
from nicassh.cli.session import Session, warn
from nicassh.config import secret
from nicassh.model.errors import UsageError


@click.command()
@click.argument("url", default="")
@click.option(
    "--url-file", type=click.Path(dir_okay=False, path_type=Path),
    help="A file of mode 0600 with the URL: on the command line every user of this machine sees its password.",
)  # fmt: skip
@click.option("--force", is_flag=True, help="Remove the rows that are there.")
@click.pass_obj
def command(session: Session, url: str, url_file: Path | None, force: bool) -> None:
    """Copy everything from the configured database to the one at URL.

    The target should be empty; its tables are made. Stop the daemon before, because rows written
    meanwhile are not copied, and set `database` to the new one after. Each table is copied completely
    or not at all, then its rows are counted and compared.

    \b
    nicamon db copy sqlite:////var/lib/nicamon/nicamon.db
    nicamon db copy --url-file /etc/nicamon/new-database
    """
    if bool(url) == bool(url_file):
        raise UsageError("say where to: a URL, or --url-file with a file that holds it", "see nicamon db copy --help")
    if secret.has_password(url):
        warn("every user of this machine sees the password on the command line: use --url-file")
    source = session.reader.engine
    target = db.connect(url or secret.read(url_file))
    if target.url == source.url:
        raise UsageError("the database cannot be copied onto itself")
    move(source, target, declared(session.reader), force)
