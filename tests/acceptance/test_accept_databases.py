"""The whole program on each kind of database."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from program import Program, add_probe
from servers import Server

VIEWS = (
    "batch-nodes", "users", "jobs", "queues", "software", "services", "mounts", "storage", "bad", "node here",
    "processes", "diff here there",
)  # fmt: skip


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """This machine as two nodes, reached without SSH, and a probe of its own with a word that is hard to keep."""
    (tmp_path / "inventory.toml").write_text('[[nodes]]\nnames = "here,there"\ntransport = "local"\nrole = "batch"\n')
    config = tmp_path / "nicamon.toml"
    config.write_text("stale = 100\n")
    found = Program(config)
    add_probe(found, "horse", "printf '\\360\\237\\220\\216 %%s'", 10)
    return found


def test_what_is_collected_is_shown(program: Program, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NICAMON_DATABASE", database)
    for _ in range(2):
        program("collect")
    rows = {row["node"]: row for row in program.rows("show", "farm")}
    assert {name: row["state"] for name, row in rows.items()} == {"here": "up", "there": "up"}
    assert rows["here"]["load1"] is not None
    for view in VIEWS:
        program("show", *view.split(), "--json")
    assert [row["word"] for row in program.rows("show", "horse")] == ["\U0001f40e %s"] * 2
    assert {row["state"] for row in program.rows("show", "outcomes")} <= {"ok", "absent"}
    program("explain", "here", code=None)


def test_a_server_that_is_not_there_costs_no_word_of_its_password(program: Program, server: Server) -> None:
    url = sa.make_url(server.url("nowhere"))
    for change, hint in (({"port": 1}, "no server"), ({"password": "hunter2"}, "no such account"), ({}, "make the")):
        address = url.set(**change).render_as_string(hide_password=False)
        done = program("collect", code=3, NICAMON_DATABASE=address)
        assert hint in done.stderr
        assert "hunter2" not in done.stderr
        assert server.password not in done.stderr
        assert f"{server.kind}://nicamon@127.0.0.1" in done.stderr
    assert hint in program("show", "farm", code=3, NICAMON_DATABASE=address).stderr
