"""What a person sees of a farm in trouble, on terminals of 80, 120 and 200 columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from rich.cells import cell_len
from unit_rows import PROBES, login, made, outcome, with_users

from nicassh import tasks
from nicassh.app import App
from nicassh.model.outcome import Outcome, State
from nicassh.render import Screen, page, records
from nicassh.store import Store
from nicassh.tasks import PROBE, PeriodicTask, Priority, TaskList, TaskResult

WIDTHS = (80, 120, 200)
NAMES = [f"nc{number}.jinr.ru" for number in range(2, 12)]
DEAD, DRAINED, FULL, WORDY = "nc4.jinr.ru", "nc5.jinr.ru", "nc6.jinr.ru", "nc7.jinr.ru"
NO_ROUTE = "no route to the host, and no answer of its neighbour on the same switch either"
TICKET = "bad DIMM, ticket 4711, to be replaced by the supplier within the next two weeks"
LONG = "the daemon ended with exit status 139 and was started again four times within ten minutes by systemd"
WAITS = "cannot run at host nc15.jinr.ru because it offers only hl:mem_free=22G of the 900G asked for"


@cache
def now() -> datetime:
    """A minute before the first of these tests began."""
    return datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1)


def answered(name: str) -> Iterator[Outcome]:
    """What a node answers that is up."""
    full = name == FULL
    people = with_users(
        *(
            made("processes", pid=pid, user=user, command=f"/opt/fairroot/bin/reco --input {'run7/' * 20}{pid}.root")
            for pid, user in enumerate(("strmaxim", "merz", "ivanov", "petrova", "strmaxim"))
        )
    )
    disks = [made("disks"), made("disks", mount="/data", free=1024**3, free_percent=0.9 if full else 60.0)]
    state = {"state": "failed", "reason": LONG} if name == WORDY else {}
    version = "6.32.02" if name == FULL else "6.30.04"
    known = {
        "load": [made("load", load1=13.08)], "memory": [made("memory")], "disks": disks,
        "system": [made("system", hostname=name)], "processes": [made("processes_visibility"), *people],
        "services": [made("services", version=None, **state)],
        "software": [
            made("software_folder"), made("software", package="ROOT", path=f"/opt/root/{version}", version=version),
        ],
    }  # fmt: skip
    yield login(name, now())
    for probe, rows in known.items():
        yield outcome(name, probe, now(), *rows)


def batch() -> Outcome:
    """What the submit node says: a drained node, jobs that run, and one that waits for a long reason."""
    hosts = [
        made("batch_host", host=name, state="drained" if name == DRAINED else "busy",
             reason=TICKET if name == DRAINED else None, by="root" if name == DRAINED else None)
        for name in NAMES
    ]  # fmt: skip
    jobs = [
        made("batch_job", job=str(3790 + index), user="strmaxim", hosts=name, tie=f"{3790 + index}.1")
        for index, name in enumerate(NAMES)
    ]
    waits = made(
        "batch_job", job="3900", user="merz", state="waiting", started=None, hosts="", reason=WAITS, tie="3900.1"
    )
    return outcome(NAMES[0], "batch", now(), made("batch"), made("batch_queue"), *hosts, *jobs, waits)


def troubled_tasks(task_list: TaskList) -> None:
    """A task that failed, for a long reason."""
    task_list.create()
    tasks.sync_periodic(task_list, [PeriodicTask(PROBE, name, "load", Priority.CRITICAL, 60) for name in NAMES])
    collector = tasks.register(task_list)
    claimed = tasks.claim(task_list, collector, 20)
    assert claimed is not None
    tasks.start(task_list, claimed, claimed.tasks)
    ends = [TaskResult(task, LONG if task.node == WORDY else "") for task in claimed.tasks]
    tasks.complete(task_list, collector, claimed, ends)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    folder = tmp_path_factory.mktemp("screens")
    inventory = '[[nodes]]\nnames = "nc2.jinr.ru"\nrole = "batch"\nbatch_cluster = "nica"\n'
    (folder / "inventory.toml").write_text(inventory + '[[nodes]]\nnames = "nc[3-11].jinr.ru"\nrole = "batch"\n')
    (folder / "nicamon.toml").write_text(f'database = "sqlite:///{folder}/nicamon.db"\ntimezone = "UTC"\n')
    store = Store(f"sqlite:///{folder}/nicamon.db", PROBES)
    store.create()
    troubled_tasks(TaskList(store.engine))
    store.write([one for name in NAMES if name != DEAD for one in answered(name)])
    store.write([login(DEAD, now(), State.UNREACHABLE, NO_ROUTE), batch()])
    store.engine.dispose()
    yield App(folder / "nicamon.toml")


def lines(app: App, name: str, screen: Screen, **question: Any) -> list[str]:
    return list(page(app.query(name, group=None, **question), screen))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(
    ("name", "question", "shown"),
    [
        ("farm", {}, f"node state load1 activity reason nc4 down {NO_ROUTE} nc11"),
        ("batch-nodes", {}, f"node state batch batch_reason nc4 down nc5 drained {TICKET} (root)"),
        ("users", {}, "user strmaxim merz ivanov petrova memory"),
        ("jobs", {}, f"job user state reason 3790 strmaxim running 3900 merz waiting {WAITS}"),
        ("software", {}, "node root nc[2-3,5,7-11] 6.30.04 nc6 6.32.02 since"),
        ("services", {}, f"node service state reason nc[2-3,5-6,8-11] up nc7 failed {LONG}"),
        ("explain", {"nodes": "@*"}, f"node severity finding nc4 critical {NO_ROUTE} nc5 {TICKET} nc6 /data {LONG}"),
        ("bad", {}, f"node reason since nc4 {NO_ROUTE} nc5 drained: {TICKET} (root) nc6 /data"),
        ("node", {"nodes": "nc7"}, f"FINDINGS services failed {LONG} LOAD MEMORY DISKS PROCESSES JOBS 3795"),
        ("tasks", {}, f"node argument state error nc7 load deferred {LONG}"),
        ("task-classes", {}, f"TASK-CLASSES priority critical TROUBLED nc7 deferred {LONG}"),
    ],
    ids=lambda value: value if isinstance(value, str) and " " not in value else "",
)  # fmt: skip
def test_the_key_the_state_and_the_reason_are_seen(
    app: App, name: str, question: dict[str, Any], shown: str, width: int
) -> None:
    found = lines(app, name, Screen(width), **question)
    assert max(map(cell_len, found)) <= width, found
    words = set(" ".join(found).split())
    assert [word for word in shown.split() if word not in words] == [], "\n".join(found)


def test_the_domain_is_left_out_of_what_is_drawn_alone(app: App) -> None:
    farm = app.query("farm")
    assert ".jinr.ru" not in "\n".join(page(farm, Screen(80)))
    assert [row["node"] for row in records(farm)] == NAMES
    one = replace(farm.rows[0], values={**farm.rows[0].values, "node": "nc2.example.org"})
    mixed = "\n".join(page(replace(farm, rows=(one, *farm.rows)), Screen(80)))
    assert "nc2.example.org" in mixed and "nc3.jinr.ru" in mixed


def test_columns_without_values_go_first_and_are_not_named(app: App) -> None:
    (told,) = [line for line in lines(app, "jobs", Screen(100)) if line.startswith("hidden")]
    header = " ".join(lines(app, "jobs", Screen(100))[:3]).split()
    assert "limit" not in told and "limit" not in header


def test_trouble_first(app: App) -> None:
    found = [row.values["node"] for row in app.query("batch-nodes", sort=["severity"]).rows]
    worst = {row.values["node"]: row.worst for row in app.query("batch-nodes").rows}
    assert [worst[name].rank for name in found] == sorted((one.rank for one in worst.values()), reverse=True)
    last = [row.values["node"] for row in app.query("services", sort=["-severity"]).rows]
    assert last[-1] == WORDY


def test_a_low_screen_loses_rows_and_no_summary(app: App) -> None:
    for height in (8, 12, 40):
        found = lines(app, "farm", Screen(120, height))
        assert len(found) <= height
        assert any(line.startswith("10 nodes: 9 up, 1 down") for line in found)
        assert [line.split()[0] for line in found if line.startswith("n")][:2] == ["node", "nc2"]
        assert ("more rows" in " ".join(found)) == (height < 40)


def test_the_c_locale_has_signs_of_its_own(app: App) -> None:
    for width in WIDTHS:
        for name in ("farm", "services", "software"):
            found = lines(app, name, Screen(width, ascii_only=True))
            assert all(line.isascii() for line in found)
            assert max(map(len, found)) <= width
    assert "!! down" in "\n".join(lines(app, "farm", Screen(80, ascii_only=True)))
