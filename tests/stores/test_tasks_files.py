"""What `nicamon daemon` makes of inventory and configuration while it runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from task_rows import begun, ended, rows

from nicassh import tasks
from nicassh.cli.daemon import _PeriodicTasks
from nicassh.cli.session import Session
from nicassh.model.errors import ConfigError


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """A configuration with two nodes."""
    (tmp_path / "nicamon.toml").write_text(f'database = "sqlite:///{tmp_path}/nicamon.db"')
    session = Session(tmp_path / "nicamon.toml")
    write(session, "n[1-2]")
    session.store.create()
    session.task_list.create()
    yield session
    session.store.engine.dispose()


def write(session: Session, nodes: str) -> None:
    """Writes the inventory."""
    assert session.file is not None
    (session.file.parent / "inventory.toml").write_text(f'[[nodes]]\nnames = "{nodes}"\ntransport = "local"\n')


def nodes(session: Session) -> set[str]:
    """The nodes that have tasks."""
    return {one.node for one in rows(session.task_list) if one.node}


def test_a_change_is_told_once(session: Session) -> None:
    armed = _PeriodicTasks(session)
    assert [armed(), armed()] == [False, False]
    write(session, "n[1-13]")
    assert [armed(), armed()] == [True, False]
    assert len(nodes(session)) == 13


def test_a_node_that_goes_while_its_tasks_run(session: Session) -> None:
    """They go when they have ended: no collector knows this node any more."""
    armed = _PeriodicTasks(session)
    armed()
    collector = tasks.register(session.task_list)
    batch = begun(session.task_list, collector)
    write(session, "n1")
    assert armed()
    assert nodes(session) == {"n1", "n2"}
    tasks.complete(session.task_list, collector, batch, ended(batch))
    assert not armed()
    assert nodes(session) == {"n1"}


def test_an_inventory_that_is_away_for_a_moment(session: Session, tmp_path: Path) -> None:
    """As an editor may have it: the tasks stay, and what is there next is taken up."""
    file = tmp_path / "inventory.toml"
    (tmp_path / "nicamon.toml").write_text(f'database = "sqlite:///{tmp_path}/nicamon.db"\ninventory = ["{file}"]')
    armed = _PeriodicTasks(session)
    armed()
    text = file.read_text()
    file.unlink()
    with pytest.raises(ConfigError, match="stays in force"):
        armed()
    assert nodes(session) == {"n1", "n2"}
    file.write_text(text)
    armed()
    assert nodes(session) == {"n1", "n2"}
