"""SQL that makes two accounts on a server: one that collects and can do no more, and one that reads."""

from __future__ import annotations

import getpass
from dataclasses import dataclass

import sqlalchemy as sa

OWNERS = "nicamon_tables"
"""PostgreSQL's role that all tables belong to."""


@dataclass(frozen=True)
class Account:
    """A new account; the password has letters, digits, `-` and `_` only."""

    name: str
    password: str


def grants(url: sa.URL, collector: Account, reader: Account, host: str = "%") -> str:
    """The SQL for the database of a URL, for an administrator to run; `host` is where MariaDB lets them log in from."""
    make = _postgresql if url.get_backend_name() == "postgresql" else _mariadb
    return make(url, collector, reader, host).strip() + "\n"


def _mariadb(url: sa.URL, collector: Account, reader: Account, host: str) -> str:
    # In a GRANT the name of a database is a pattern.
    database = (url.database or "").replace("`", "``").replace("_", r"\_").replace("%", r"\%")
    places = {one: f"'{one.name}'@'{host}'" for one in (collector, reader)}
    return f"""
-- It writes rows, makes the tables of new probes and adds columns. It removes no table and no column.
CREATE USER {places[collector]} IDENTIFIED BY '{collector.password}';
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, INDEX, CREATE VIEW ON `{database}`.* TO {places[collector]};

-- It reads.
CREATE USER {places[reader]} IDENTIFIED BY '{reader.password}';
GRANT SELECT, SHOW VIEW ON `{database}`.* TO {places[reader]};
"""


def _postgresql(url: sa.URL, collector: Account, reader: Account, _host: str) -> str:
    # Over a socket the URL need name nobody: then it is who runs this.
    database, owner = _quoted(url.database or ""), _quoted(url.username or getpass.getuser())
    writes, reads = _quoted(collector.name), _quoted(reader.name)
    return f"""
-- PostgreSQL lets nobody add a column but the owner of a table. So all tables belong to one role that cannot
-- log in, and whoever is in it acts as it in this database, and has no rights in any other.
CREATE ROLE {OWNERS} NOLOGIN;
GRANT {OWNERS} TO {owner};
ALTER ROLE {owner} IN DATABASE {database} SET role = '{OWNERS}';
REVOKE ALL ON DATABASE {database} FROM PUBLIC;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO {OWNERS};
DO $$
DECLARE
    one regclass;
BEGIN
    FOR one IN SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v') LOOP
        EXECUTE format('ALTER TABLE %s OWNER TO {OWNERS}', one);
    END LOOP;
END $$;

-- It writes rows, makes the tables of new probes and adds columns.
CREATE ROLE {writes} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD '{collector.password}' IN ROLE {OWNERS};
ALTER ROLE {writes} IN DATABASE {database} SET role = '{OWNERS}';
GRANT CONNECT ON DATABASE {database} TO {writes}, {OWNERS};

-- It reads, also the tables that are yet to come.
CREATE ROLE {reads} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD '{reader.password}';
ALTER ROLE {reads} IN DATABASE {database} SET default_transaction_read_only = on;
GRANT CONNECT ON DATABASE {database} TO {reads};
GRANT USAGE ON SCHEMA public TO {reads};
GRANT SELECT ON ALL TABLES IN SCHEMA public TO {reads};
ALTER DEFAULT PRIVILEGES FOR ROLE {OWNERS} IN SCHEMA public GRANT SELECT ON TABLES TO {reads};
"""  # noqa: S608 names that are quoted


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
