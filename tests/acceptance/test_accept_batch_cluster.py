"""Probes that ask a cluster once, on the node that answers for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from program import Program, add_probe

INVENTORY = """
[[nodes]]
names = "one"
transport = "local"
batch_cluster = "farm"

[[nodes]]
names = "two"
transport = "local"
"""


@pytest.fixture
def program(tmp_path: Path) -> Program:
    (tmp_path / "inventory.toml").write_text(INVENTORY)
    config = tmp_path / "nicamon.toml"
    config.write_text(f'database = "sqlite:///{tmp_path}/nicamon.db"\ninventory = ["inventory.toml"]\n')
    found = Program(config)
    add_probe(found, "cluster", "echo asked", 10)
    record = tmp_path / "probes" / "cluster" / "record.py"
    record.write_text(record.read_text() + '\nwhere = "batch_cluster"\nsize = 1024\n')
    return found


def test_the_submit_node_alone_is_asked(program: Program) -> None:
    program("collect", "-p", "cluster", "-p", "load")
    asked = {(row["node"], row["probe"]) for row in program.rows("show", "outcomes")}
    assert asked == {("one", "login"), ("one", "load"), ("one", "cluster"), ("two", "login"), ("two", "load")}


def test_nodes_that_no_probe_is_for_are_not_even_called(program: Program) -> None:
    program("collect", "-p", "cluster")
    assert {row["node"] for row in program.rows("show", "outcomes")} == {"one"}
    done = program("collect", "-p", "cluster", "-n", "two", code=2)
    assert "cluster: none of these nodes answers for a batch cluster" in done.stderr
    assert 'batch_cluster = "NAME"' in done.stderr


def test_two_submit_nodes_of_one_cluster_are_a_mistake(program: Program) -> None:
    file = program.config.parent / "inventory.toml"
    file.write_text(INVENTORY + 'batch_cluster = "farm"\n')
    assert "one and two both answer for the batch cluster 'farm'" in program("nodes", code=2).stderr


def test_the_size_that_a_probe_allows_itself_is_its_limit(program: Program) -> None:
    script = program.config.parent / "probes" / "cluster" / "probe.sh"
    script.write_text("head -c 1500 /dev/zero")
    program("collect", "-p", "cluster", code=1)
    (row,) = [row for row in program.rows("show", "outcomes") if row["probe"] == "cluster"]
    assert (row["state"], row["reason"]) == ("truncated", "printed more than 1.0 K")
