"""The SQL views: the same rows on three databases, columns that stay, and a dashboard whose every query runs."""

from __future__ import annotations

import json
import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from servers import Server
from unit_rows import PROBES, login, made, outcome

from nicassh.database import differences
from nicassh.model.errors import DatabaseError, ProbeError
from nicassh.model.outcome import State
from nicassh.model.records import Record
from nicassh.probes.loader import load_all
from nicassh.store import Store
from nicassh.store.sql_views import published
from nicassh.tasks import TaskList

DASHBOARD = Path(__file__).parents[2] / "docs/grafana/farm.json"
HORSE = "\U0001f40e"
DAY = 86400
began = datetime.now(UTC)


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test stores is fresh however late it runs: the views judge its age by the database's clock."""
    monkeypatch.setattr(sys.modules[__name__], "began", datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1))


def at(seconds: float) -> datetime:
    """A time of this test, in seconds from a minute before it began."""
    return began + timedelta(seconds=seconds)


def rows(store: Store, query: str) -> list[dict[str, Any]]:
    with store.engine.connect() as connection:
        return [dict(row) for row in connection.exec_driver_sql(query).mappings()]


def moment(value: Any) -> datetime:
    """A time as any of the three gives it."""
    found = datetime.fromisoformat(value) if isinstance(value, str) else value
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def person(user: str, processes: int = 1) -> Record:
    """What the probe says of the processes of a user."""
    return made("processes_user", user=user, processes=processes)


def processes(user: str) -> list[Record]:
    """One process of a user, and what the probe says of the user."""
    return [made("processes", user=user), person(user)]


@pytest.fixture
def farm(store: Store) -> Store:
    """Two nodes that are up, one of them with all that a farm's row has, and one that was lost."""
    store.write([
        *(login(name, at(0)) for name in ("nc2", "nc3", "nc4")),
        outcome("nc2", "system", at(0), made("system")),
        outcome("nc2", "load", at(0), made("load", load1=1.5)),
        outcome("nc2", "disks", at(0), *(made("disks", mount=mount, free=10, size=100) for mount in ("/", "/tmp"))),
        outcome("nc2", "processes", at(0), *(person(u, n) for n, u in enumerate("ab", 1))),
        outcome("nc3", "processes", at(0), person(HORSE), made("processes", ordinary=False)),
    ])  # fmt: skip
    store.write([login("nc4", at(60), State.REFUSED, "nothing listens"), outcome("nc2", "load", at(60), made("load"))])
    return store


def test_the_farm(farm: Store) -> None:
    first, second, third = rows(farm, "SELECT * FROM view_farm ORDER BY node")
    assert (first["node"], first["state"], first["load1"], first["cpus"]) == ("nc2", "up", 1.0, 4)
    assert [int(first[name]) for name in ("disk", "disk_free", "users", "processes_of_users")] == [200, 20, 2, 3]
    assert moment(first["collected"]) == at(0)
    assert first["at"] == at(0).timestamp()
    assert moment(first["boot_time"]) == made("system").boot_time  # type: ignore[attr-defined]
    assert (second["state"], second["load1"], second["disk_free"], second["users"]) == ("up", None, None, 1)
    assert (third["state"], third["reason"], moment(third["since"])) == ("down", "nothing listens", at(60))


def test_users_troubles_and_downtimes(farm: Store) -> None:
    found = {row["user"]: row for row in rows(farm, "SELECT * FROM view_users")}
    assert {user: int(row["processes"]) for user, row in found.items()} == {"a": 1, "b": 2, HORSE: 1}
    assert int(found["b"]["interactive"]) == 2
    assert [row["node"] for row in rows(farm, "SELECT * FROM view_troubles")] == ["nc4"]
    (down,) = rows(farm, "SELECT * FROM view_downtimes")
    assert (down["node"], moment(down["since"]), down["until"]) == ("nc4", at(60), None)


def test_a_node_that_was_last_seen_long_ago(store: Store) -> None:
    """It is stale and its processes count no more; what its probe could not renew is old, though the node is up."""
    store.write([login("nc2", at(-200 * DAY)), outcome("nc2", "processes", at(-200 * DAY), *processes("a"))])
    store.write([login("nc3", at(0)), outcome("nc3", "processes", at(-60), *processes("b"))])
    store.write(
        [outcome("nc3", "disks", at(-60), made("disks")), outcome("nc3", "software", at(-1800), made("software"))]
    )
    store.write([outcome("nc3", "processes", at(0), state=State.TIMEOUT), outcome("nc4", "load", at(0), made("load"))])
    store.write([login("nc4", at(-500)), login("nc5", at(-1000))])
    states = {row["node"]: (row["state"], bool(row["stale"])) for row in rows(store, "SELECT * FROM view_farm")}
    assert states == {"nc2": ("stale", True), "nc3": ("up", False), "nc4": ("up", False), "nc5": ("stale", True)}
    assert rows(store, "SELECT * FROM view_users") == []
    assert [bool(row["stale"]) for row in rows(store, "SELECT stale FROM view_processes ORDER BY node")] == [True, True]
    assert [bool(row["stale"]) for row in rows(store, "SELECT stale FROM view_disks")] == [False]
    assert [bool(row["stale"]) for row in rows(store, "SELECT stale FROM view_software")] == [False], "asked hourly"
    patient = Store(store.engine.url.render_as_string(hide_password=False), PROBES, stale=1200.0)
    patient.create()
    assert rows(patient, "SELECT state FROM view_farm WHERE node = 'nc5'")[0]["state"] == "up", "as the setting says"
    patient.engine.dispose()


def test_a_time_to_come_is_no_news(store: Store) -> None:
    store.write([login("nc2", at(0))])
    with store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE outcomes SET at = at + 7200")
    assert rows(store, "SELECT state FROM view_farm")[0]["state"] == "stale"


def test_history(farm: Store) -> None:
    found = rows(farm, "SELECT * FROM view_history_load WHERE tier = 'raw' ORDER BY at")
    assert [(row["node"], moment(row["collected"]), row["load1"], row["load1_max"]) for row in found] == [
        ("nc2", at(0), 1.5, 1.5),
        ("nc2", at(60), 1.0, 1.0),
    ]


def test_every_view_is_there_as_it_is_described(farm: Store) -> None:
    views = published(farm.layout)
    assert {view.name for view in views} == set(sa.inspect(farm.engine).get_view_names())
    for view in views:
        with farm.engine.connect() as connection:
            columns = list(connection.exec_driver_sql(f"SELECT * FROM {view.name}").keys())
        assert [name for name, _ in view.described()] == columns
        assert all(text for _, text in view.described())


def test_columns_that_others_rely_on_stay() -> None:
    """Whoever changes this list breaks dashboards: add to it, take nothing away."""
    store = Store("sqlite://", PROBES)
    found = {view.name: {name for name, _ in view.described()} for view in published(store.layout)}
    promised = {
        "view_farm": "node state reason collected at since os kernel cpus boot_time load1 load5 load15 processes "
        "memory memory_available memory_available_percent disk disk_free users processes_of_users",
        "view_users": "user nodes processes cpu_percent batch interactive background collected at",
        "view_downtimes": "node since until state reason at",
        "view_troubles": "node probe state reason collected at since",
        "view_history_load": "tier node collected at load1 load1_min load1_max load5 load15 processes",
        "view_history_memory": "tier node collected at available available_min available_max total swap_used",
        "view_history_disks": "tier node collected at mount free free_min free_max free_percent size",
        "view_jobs": "node collected at system job task tasks user name state queue slots submitted started reason",
        "view_workers": "node collected at system host state reason since slots used load",
        "view_processes": "node collected at pid user command state cpu_percent memory_percent kind job software",
        "view_services": "node collected at service instance state reason since version",
        "view_software": "node collected at package path version since",
    }
    for name, columns in promised.items():
        assert found[name] >= set(columns.split()), name


def test_a_field_that_came_later_is_in_its_view_after_an_upgrade(store: Store) -> None:
    with store.engine.begin() as connection:
        for name in ("view_history_load", "view_farm"):
            connection.exec_driver_sql(f"DROP VIEW {name}")
        connection.exec_driver_sql("CREATE VIEW view_history_load AS SELECT node, at FROM load_series")
    store.create()
    assert set(sa.inspect(store.engine).get_view_names()) >= {"view_farm", "view_history_load"}
    with store.engine.connect() as connection:
        assert len(connection.exec_driver_sql("SELECT * FROM view_history_load").keys()) == 2
    store.create(allow_changes=True)
    with store.engine.connect() as connection:
        assert "load1" in list(connection.exec_driver_sql("SELECT * FROM view_history_load").keys())


def test_a_view_does_not_stand_in_the_way_of_the_sql_to_review(store: Store) -> None:
    with store.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE disks ADD COLUMN colour VARCHAR(9)")
        connection.exec_driver_sql("DROP VIEW view_disks")
        connection.exec_driver_sql("CREATE VIEW view_disks AS SELECT colour FROM disks")
    with pytest.raises(DatabaseError) as caught:
        store.create()
    with store.engine.begin() as connection:
        for statement in caught.value.hint.splitlines()[1:]:
            connection.exec_driver_sql(statement)
    with store.engine.connect() as connection:
        assert differences(connection, store.metadata) == []
    store.create()
    assert rows(store, "SELECT size FROM view_disks") == []


def test_the_views_stay_while_sql_waits_for_review(store: Store) -> None:
    with store.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE disks ADD COLUMN colour VARCHAR(9)")
    with pytest.raises(DatabaseError):
        store.create(allow_changes=True)
    assert {"view_farm", "view_disks"} <= set(sa.inspect(store.engine).get_view_names())


def test_no_probe_takes_the_name_of_a_view(tmp_path: Path) -> None:
    (tmp_path / "view_farm").mkdir()
    (tmp_path / "view_farm/probe.sh").touch()
    with pytest.raises(ProbeError, match="name of nicamon's own"):
        load_all([tmp_path])


def queries(part: Any) -> list[str]:
    """All SQL in a dashboard."""
    if isinstance(part, list):
        return [query for one in part for query in queries(one)]
    if not isinstance(part, dict):
        return []
    own = [value for key, value in part.items() if key in ("rawSql", "query") and str(value).startswith("SELECT")]
    return own + [query for value in part.values() for query in queries(value)]


def test_every_query_of_the_dashboard_runs(server: Server) -> None:
    dashboard = json.loads(DASHBOARD.read_text())
    found = queries(dashboard)
    assert len(found) == len(dashboard["panels"]) + 1
    values = {"$__unixEpochFrom()": "0", "$__unixEpochTo()": "9999999999", "$tier": "raw", "$node": "'nc2','nc3'"}
    with server.fresh() as url:
        store = Store(url, PROBES)
        store.create()
        TaskList(store.engine).create()
        store.write([login("nc2", at(0)), outcome("nc2", "load", at(0), made("load"))])
        answered = {}
        for query in found:
            for name, value in values.items():
                query = query.replace(name, value)  # noqa: PLW2901
            assert not re.search(r"\$\w", query)
            answered[query] = rows(store, query)
        assert [row["value"] for query, found in answered.items() if "history_load" in query for row in found] == [1.0]
        store.engine.dispose()
