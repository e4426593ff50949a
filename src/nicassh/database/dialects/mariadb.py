"""MariaDB 10.6 and newer, and MySQL 8."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

import sqlalchemy as sa

from nicassh.database.dialects.base import BUSY, Account, Dialect, taken

_HOLDER = sa.text(
    "SELECT concat('connection ', id, ', ', user, '@', host, ', at it for ', time, ' s')"
    " FROM information_schema.processlist WHERE id = is_used_lock(:name)"
)
# An estimate; the one of MySQL 8 may be a day old.
_BYTES = """
SELECT table_name, data_length + index_length FROM information_schema.tables
WHERE table_schema = database() AND table_type = 'BASE TABLE'
"""


class MariaDb(Dialect):
    """MariaDB and MySQL, through PyMySQL."""

    clock: ClassVar[str] = "SELECT unix_timestamp(now(6))"
    # The rights that count are those of the reader: an account that made a view may go, and the view stays.
    create_view: ClassVar[str] = "CREATE SQL SECURITY INVOKER VIEW"
    # Names are equal when their bytes are: not in another case, not with a blank at the end.
    table_options: ClassVar[str] = "ENGINE=InnoDB ROW_FORMAT=DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin"
    long_text: ClassVar[str] = "MEDIUMTEXT"  # TEXT ends at 64 KiB
    driver: ClassVar[str] = "pymysql"
    extra: ClassVar[str] = "mariadb"
    settings: ClassVar[dict[str, Any]] = {"charset": "utf8mb4"}

    def configure(self, connection: Any) -> None:
        """Make it strict whatever the server's own mode is: a value that does not fit is refused, not cut."""
        with connection.cursor() as cursor:
            cursor.execute("SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'")
            cursor.execute(f"SET SESSION innodb_lock_wait_timeout = {BUSY}")

    @contextmanager
    def exclusive(self, connection: sa.Connection, patience: float) -> Iterator[None]:
        """Take a lock of the connection, for MariaDB commits at each CREATE."""
        # One name is for all databases of a server.
        name = f"nicamon {connection.engine.url.database}"[:64]
        # 1: it is ours. 0: another still has it. NULL: the server broke the wait off.
        if connection.scalar(sa.select(sa.func.get_lock(name, patience))) != 1:
            raise taken(connection.scalar(_HOLDER, {"name": name}), patience)
        try:
            yield
        finally:
            connection.execute(sa.select(sa.func.release_lock(name)))

    def insert_ignore(self, table: sa.Table) -> Any:
        """Return INSERT IGNORE."""
        return sa.insert(table).prefix_with("IGNORE")

    def upsert(self, keys: Sequence[str], others: Sequence[str]) -> str:  # noqa: ARG002 it knows the keys itself
        """Return ON DUPLICATE KEY UPDATE."""
        return "ON DUPLICATE KEY UPDATE " + ", ".join(f"{name} = VALUES({name})" for name in others)

    def sizes(self, connection: sa.Connection) -> dict[str, int]:
        """Return an estimate of the server's."""
        return {name: int(number) for name, number in connection.exec_driver_sql(_BYTES)}

    def damage(self, connection: sa.Connection, table: sa.Table) -> Iterator[str]:
        """Yield the words of CHECK TABLE."""
        quoted = connection.dialect.identifier_preparer.format_table(table)
        for _, _, kind, words in connection.exec_driver_sql(f"CHECK TABLE {quoted}").all():
            if kind in ("error", "warning") or (kind == "status" and words != "OK"):
                yield words

    def file_damage(self, connection: sa.Connection) -> list[str]:  # noqa: ARG002
        """Return nothing: a server has no one file."""
        return []

    def change_type(self, table: str, column: str, kind: str, nullable: bool) -> str:  # noqa: ARG002
        """Return ALTER TABLE … MODIFY, which makes the column nullable."""
        return f"ALTER TABLE {table} MODIFY {column} {kind};"

    def may_drop_views(self) -> bool:
        """Return False: its DROP would be for tables too, so a collector has none."""
        return False

    def _grants(self, url: sa.URL, collector: Account, reader: Account, host: str) -> str:
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

    def utc(self, seconds: str) -> str:
        """Return a DATETIME. FROM_UNIXTIME would be in the time zone of the session, and end in 2038."""
        return f"TIMESTAMPADD(SECOND, {seconds}, '1970-01-01')"

    def now(self) -> str:
        """Return unix_timestamp()."""
        return "CAST(unix_timestamp() AS SIGNED)"


class MySql(MariaDb):
    """MySQL 8, which names its collations otherwise."""

    table_options: ClassVar[str] = "ENGINE=InnoDB ROW_FORMAT=DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin"
