"""`nicamon db grants`: the SQL for two accounts on a server, one that collects and one that reads."""

from __future__ import annotations

import re
import secrets

import click

from nicassh.cli.session import Session
from nicassh.database import dialect_of, server_engine
from nicassh.database.dialects import Account
from nicassh.model.errors import UsageError

_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]{0,30}")
_HOST = re.compile(r"[\w.:%/-]+")


@click.command()
@click.option("--collector", default="nicamon_collector", metavar="NAME", help="The account that collects.")
@click.option("--reader", default="nicamon_reader", metavar="NAME", help="The account that reads.")
@click.option("--host", default="%", metavar="HOST", help="Where they log in from, for MariaDB; % is everywhere.")
@click.pass_obj
def command(session: Session, collector: str, reader: str, host: str) -> None:
    """Print the SQL that makes an account for `collect` and `daemon`, and one for `show`, Grafana and people.

    An administrator of the server runs it, once the tables are there (`nicamon db upgrade`). The passwords
    in it are new each time. The collector may write rows, make the tables of new probes and add columns;
    the reader may read. The configured account must own the database: it stays the one for `nicamon db
    upgrade`, `restore` and `copy`.

    \b
    nicamon db grants | mariadb
    nicamon db grants | psql -v ON_ERROR_STOP=1 nicamon
    """
    for name in (collector, reader):
        if not _NAME.fullmatch(name):
            raise UsageError(f"{name!r} is no name for an account here", "letters, digits and _, at most 31")
    if not _HOST.fullmatch(host):
        raise UsageError(f"{host!r} is no host, address or pattern")
    engine = server_engine(session.config.database_url)
    passwords = [secrets.token_urlsafe(18) for _ in range(2)]
    accounts = Account(collector, passwords[0]), Account(reader, passwords[1])
    click.echo(dialect_of(engine).grants(engine.url, *accounts, host), nl=False)
