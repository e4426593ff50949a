"""No program and no settings of a batch system are run that another user could have written."""

from __future__ import annotations

import os
from pathlib import Path

import heads
import pytest
import sampling
import shells
from heads import Node, asked
from shells import Shell
from test_probe_batch_asked import CONDOR, SLURM
from test_probe_batch_search import PLACES, installed

import needs
from nicassh.collection.judge import ABSENT

ITEMS = (
    ".", "..", "default", "default/common", "default/common/settings.sh", "bin", "bin/lx-amd64", "bin/lx-amd64/qhost",
    "bin/lx-amd64/qstat", "lib/lx-amd64", "util", "util/arch", "util/arch_variables",
)  # fmt: skip
KINDS = {"opt": "/opt/sge-8.1.9", "profile": "/srv/ge", "variable": "/srv/ge", "execd": "/srv/ge"}


def grid_engine(top: str, kind: str) -> dict[str, str]:
    """An installation that leaves a trace where any of it is run."""
    root, files = KINDS[kind].lstrip("/"), PLACES[kind][1]
    trace = f"echo run >>{top}/trace\n"
    found = {name: f"#!/bin/sh\n{trace}exit 1\n" if "/q" in name else text for name, text in installed(root).items()}
    found[f"{root}/util/arch"] = f"#!/bin/sh\n{trace}echo lx-amd64\n"
    more = {
        f"{root}/default/common/settings.sh": trace,
        f"{root}/util/arch_variables": "",
        f"{root}/lib/lx-amd64/a": "",
    }
    return found | more | files


def strange(item: Path, how: str) -> None:
    """Lets somebody else write a file or a folder."""
    mode = item.stat().st_mode & 0o777
    match how:
        case "everybody":
            item.chmod(mode | 0o002)
        case "owner":
            os.chown(item, 1000, 0)
        case "group":
            os.chown(item, 0, 1000)
            item.chmod(mode | 0o020)
        case "all users":
            os.chown(item, 0, 100)
            item.chmod(mode | 0o020)


@pytest.mark.parametrize("how", ["everybody", "owner", "group", "all users"])
@pytest.mark.parametrize("kind", KINDS)
def test_grid_engine_that_others_may_write_is_not_run(kind: str, how: str, node: Node, tmp_path: Path) -> None:
    needs.root("makes files that belong to others")
    dash = heads.alone(shells.find("dash", tmp_path / "shells"), tmp_path.parent / "alone")
    top = node({})
    node(grid_engine(top, kind))
    assert asked(dash, top).sections["batch"].status == 0
    Path(top, "trace").unlink()
    for name in ITEMS:
        item = Path(top + KINDS[kind], name)
        before = item.stat()
        strange(item, how)
        section = asked(dash, top).sections["batch"]
        assert (section.status, section.output) == (ABSENT, b""), name
        assert not Path(top, "trace").exists(), name
        assert b" is not used: others than root and system accounts may write there" in section.errors
        os.chown(item, before.st_uid, before.st_gid)
        item.chmod(before.st_mode & 0o777)


@pytest.mark.parametrize(("folder", "programs"), [("opt/slurm-23/bin", SLURM), ("opt/condor-23/bin", CONDOR)])
def test_programs_that_others_may_write_are_not_run(
    lone: Shell, node: Node, folder: str, programs: dict[str, str]
) -> None:
    needs.root("makes files that belong to others")
    top = node({f"{folder}/{name.removeprefix('bin/')}": text for name, text in programs.items()})
    names = sorted(path.name for path in Path(top, folder).iterdir())
    for name in (".", "..", *names):
        item = Path(top, folder, name)
        item.chmod(0o777)
        section = asked(lone, top).sections["batch"]
        assert (section.status, section.output) == (ABSENT, b""), name
        item.chmod(0o755)
    assert asked(lone, top).sections["batch"].status == 0


def test_a_link_counts_as_what_it_leads_to(lone: Shell, node: Node) -> None:
    needs.root("makes files that belong to others")
    top = node({f"home/ivanov/{name.removeprefix('bin/')}": text for name, text in SLURM.items()})
    for program in Path(top, "home/ivanov").iterdir():
        program.chmod(0o755)
    os.chown(f"{top}/home/ivanov", 1000, 1000)
    Path(top, "opt/slurm-1").mkdir(parents=True)
    Path(top, "opt/slurm-1/bin").symlink_to(f"{top}/home/ivanov")
    assert asked(lone, top).sections["batch"].status == ABSENT
    os.chown(f"{top}/home/ivanov", 0, 0)
    assert asked(lone, top).sections["batch"].status == 0


def test_system_accounts_and_groups_are_those_below_the_first_user(lone: Shell, node: Node) -> None:
    needs.root("makes files that belong to others")
    top = node(installed("opt/sge"))
    os.chown(f"{top}/opt/sge/default", 985, 985)
    Path(f"{top}/opt/sge/default").chmod(0o775)
    assert asked(lone, top).sections["batch"].status == ABSENT
    node({"etc/login.defs": "# a comment\nUID_MIN\t\t\t 1000\n"})
    assert asked(lone, top).sections["batch"].status == 0


def test_what_the_accounts_own_login_names_is_taken_as_it_is(lone: Shell, node: Node) -> None:
    needs.root("makes files that belong to others")
    top = node(installed("opt/sge"))
    os.chown(f"{top}/opt/sge/util", 1000, 1000)
    assert asked(lone, top).sections["batch"].status == ABSENT
    assert asked(lone, top, SGE_ROOT="/opt/sge").sections["batch"].status == 0


def test_one_that_is_not_used_is_told_beside_one_that_is(lone: Shell, node: Node) -> None:
    needs.root("makes files that belong to others")
    top = node(installed("opt/sge") | {f"opt/slurm-1/{name}": text for name, text in SLURM.items()})
    os.chown(f"{top}/opt/sge/util", 1000, 1000)
    section = asked(lone, top).sections["batch"]
    assert (section.status, section.errors) == (0, b"")
    assert [row["system"] for row in sampling.of("batch", sampling.rows("batch", section.output))] == ["slurm"]
    assert f"refused {top}/opt/sge\n".encode() in section.output
