"""The script of the probe of services on trees of files, under every shell: who is a daemon, and who should be."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sampling
import shells
from service_tree import ask, listening, node, process, rows, services, states
from shells import Shell

from nicassh.model.outcome import Unknown

Tree = Callable[[Mapping[str, str]], str]
SSHD = process(1, "sshd", "sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups", parent=0)
SYSTEMD = {"run/systemd/system/x": "", "etc/systemd/system/multi-user.target.wants/slurmd.service": ""}


def test_daemons_are_told_from_what_is_called_so(shell: Shell, tree: Tree) -> None:
    ordinary, eve = (1001, 1001), (1001, 0)
    root = tree(node(
        SSHD,
        process(20, "sshd", "sshd: merz [priv]", parent=1),
        process(21, "sshd", "sshd: merz@notty", parent=20),
        process(30, "sge_execd", "/opt/sge/bin/lx-amd64/sge_execd", uids=(0, 400)),
        process(31, "slurmctld", uids=(1002, 1002)),
        process(32, "crond", "/usr/sbin/crond"),
        process(33, "crond", "/usr/sbin/CROND", parent=32),
        process(34, "nfsd", "", parent=2, flags=0x200040),
        process(35, "condor_negotiat", "condor_negotiator", parent=9),
        process(40, "slurmd", uids=ordinary),
        process(41, "munged", uids=eve),
        process(42, "nfsd", uids=ordinary, parent=2),
        process(43, "automount", spaces="\t7"),
        process(44, "sge_qmaster", state="Z"),
        process(45, "slurmdbd", state="T"),
        process(46, "bash", "sge_shadowd", uids=ordinary),
    ))  # fmt: skip
    found = services(ask(shell, root))
    assert {f"{service} {row['state']}": row["pid"] for (service, _), row in found.items()} == {
        "sshd up": 1, "execd up": 30, "slurmctld up": 31, "cron up": 32, "nfsd up": 34, "condor_negotiator up": 35,
        "slurmdbd degraded": 45,
    }  # fmt: skip
    assert found["execd", ""]["started"] == "2014-10-20T08:00:05Z"
    assert (found["execd", ""]["user"], found["slurmctld", ""]["user"]) == ("400", "slurm")
    assert found["slurmdbd", ""]["reason"] == "stopped by a signal"


MPD = ("xrootd", "-n", "mpd", "-c", "/etc/xrootd/x.cfg")
EVE, MPDXRD = (1001, 1001), (60123, 60123)


def test_an_ordinary_account_has_its_own_xrootd(shell: Shell, tree: Tree) -> None:
    root = tree(node(
        process(50, "xrootd", *MPD, uids=EVE, started=1),
        process(52, "xrootd", *MPD, uids=(104, 104), started=900),
        process(53, "cmsd", "cmsd", "-n", "mpd", uids=EVE, state="T"),
        process(54, "condor_startd", "condor_startd", uids=EVE, parent=700),
    ))  # fmt: skip
    found = services(ask(shell, root))
    assert {key: (row["pid"], row["kind"], row["state"]) for key, row in found.items()} == {
        ("xrootd", "of 1001"): (50, "user", "up"),
        ("xrootd", "mpd"): (52, "system", "up"),
        ("cmsd", "of 1001"): (53, "user", "up"),
        ("condor_startd", "of 1001"): (54, "user", "up"),
    }


UNIT_OF_51 = "printf 'Id=xrootd@mpd.service\\nActiveState=active\\nMainPID=51\\n\\n'"
WANTED = {"run/systemd/system/x": "", "etc/systemd/system/x.wants/xrootd@mpd.service": ""}


@pytest.mark.parametrize(
    ("files", "kinds"),
    [
        ({}, {"of 1001": "user", "of 60123": "user"}),
        ({"var/run/xrootd/xrootd-mpd.pid": "51\n"}, {"of 1001": "user", "mpd of 60123": "site"}),
        (WANTED, {"of 1001": "user", "mpd of 60123": "site"}),
        ({"etc/rc3.d/S80xrootd": ""}, {"of 1001": "user", "mpd of 60123": "site"}),
        ({"etc/rc3.d/S80cmsd": ""}, {"of 1001": "user", "of 60123": "user", "": "down"}),
        ({"etc/rc3.d/K80xrootd": ""}, {"of 1001": "user", "of 60123": "user"}),
    ],
)
def test_the_system_vouches_for_an_ordinary_account(
    shell: Shell, tree: Tree, files: dict[str, str], kinds: dict[str, str]
) -> None:
    init = process(1, "init", parent=0)
    own = process(50, "xrootd", "xrootd", "-n", "mpd", "-c", "/home/eve/x.cfg", uids=EVE, started=1)
    run = ask(
        shell, tree(node(init, own, process(51, "xrootd", *MPD, uids=MPDXRD), **files)), {"systemctl": UNIT_OF_51}
    )
    found = services(run)
    assert {
        instance: "down" if row["state"] == "down" else row["kind"] for (_, instance), row in found.items()
    } == kinds


def test_a_master_of_condor_vouches_for_its_daemons(shell: Shell, tree: Tree) -> None:
    glidein = [
        process(60, "condor_master", "condor_master", uids=EVE, parent=59),
        process(61, "condor_startd", uids=EVE, parent=60),
    ]
    site = [
        process(70, "condor_master", "/usr/sbin/condor_master", "-f", uids=MPDXRD),
        process(71, "condor_startd", uids=MPDXRD, parent=70),
    ]
    root = tree(node(process(1, "init", parent=0), *glidein, *site, **{"etc/rc3.d/S98condor": ""}))
    kinds = {f"{service} {instance}": row["kind"] for (service, instance), row in services(ask(shell, root)).items()}
    assert kinds == {
        "condor_master of 1001": "user", "condor_startd of 1001": "user",
        "condor_master of 60123": "site", "condor_startd of 60123": "site",
    }  # fmt: skip


def test_a_flood_of_one_user_is_a_few_rows(shell: Shell, tree: Tree) -> None:
    flood = [
        process(100 + index, "xrootd", "xrootd", "-n", f"n{index}", "-c", "/etc/x", uids=EVE, started=index)
        for index in range(40)
    ]
    real = process(900, "xrootd", *MPD, uids=(104, 104), started=999)
    init = process(1, "init", parent=0)
    assert len(services(ask(shell, tree(node(real, *flood))))) == 2
    found = services(ask(shell, tree(node(init, real, *flood, **{"etc/rc3.d/S80xrootd": ""}))))
    assert ("xrootd", "mpd") in found
    assert len(found) == 9


def test_instances_of_mounting_daemons(shell: Shell, tree: Tree) -> None:
    fuse = "fuse rw,nosuid 0 0"
    root = tree(node(
        process(60, "cvmfs2", "/usr/bin/cvmfs2", "-o", "rw", "nica.jinr.ru", "/cvmfs/nica.jinr.ru", uids=(90, 90)),
        process(61, "cvmfs2", "/usr/bin/cvmfs2", "__cachemgr__", "/var/lib/cvmfs", uids=(90, 90)),
        process(62, "eosxd", "/usr/bin/eosxd", "/eos/nica", "-ofsname=x"),
        **{"proc/mounts": f"cvmfs2 /cvmfs/nica.jinr.ru {fuse}\ncvmfs2 /cvmfs/mpd.jinr.ru {fuse}\n"
           f"cvmfs2 /home/eve/cvmfs {fuse}\nx /eos/nica {fuse}\n/etc/auto.x /misc autofs rw,fd=7,pgrp=77 0 0\n"
           "systemd-1 /boot autofs rw,fd=7,pgrp=1 0 0\n"},
    ))  # fmt: skip
    assert states(ask(shell, root)) == {
        "cvmfs nica.jinr.ru": "up", "cvmfs mpd.jinr.ru": "down", "eos /eos/nica": "up", "autofs": "down",
    }  # fmt: skip


@pytest.mark.parametrize("init", ["init", "openrc", "systemd", "other"])
def test_what_init_starts_should_run(shell: Shell, tree: Tree, init: str) -> None:
    first = process(1, "init" if init != "systemd" else "systemd", parent=0)
    files = {
        "init": {"etc/rc3.d/S26munge": "", "etc/rc3.d/S95sgeexecd.p6444": "", "etc/rc3.d/K50ntpd": ""},
        "openrc": {"etc/runlevels/default/munge": "", "etc/runlevels/default/sge_execd": ""},
        "systemd": {
            "run/systemd/system/x": "",
            "etc/systemd/system/multi-user.target.wants/munge.service": "",
            "run/systemd/generator.late/graphical.target.wants/sgeexecd.p6444.service": "",
            "etc/systemd/system/x.target.wants/chrony-wait.service": "",
        },
        "other": {"etc/rc3.d/S26munge": "", "etc/systemd/system/x.target.wants/munge.service": ""},
    }[init]
    run = ask(shell, tree(node(first, SSHD if init == "other" else {}, **files)), {"systemctl": "exit 1"})
    expected = {"munge": "down", "execd": "down"}
    assert states(run) == ({"sshd": "up"} if init == "other" else expected)


def test_pid_files_of_the_dead(shell: Shell, tree: Tree, tmp_path: Path) -> None:
    root = tree(node(
        process(70, "cmsd", "cmsd", "-n", "mpd", uids=(104, 104)),
        process(71, "munged", state="Z"),
        process(72, "bash"),
        process(73, "xrootd", "xrootd", "-n", "x", "-c", "/etc/x", uids=(1001, 1001)),
        **{"var/run/xrootd/xrootd-mpd.pid": "30\n", "var/run/xrootd/cmsd-mpd.pid": "70\n",
           "var/run/xrootd/cmsd-bmn.pid": "31", "var/run/xrootd/nica/xrootd.pid": "32\n",
           "var/run/munge/munged.pid": "71\n",
           "var/run/crond.pid": "72\n", "var/run/gridengine/execd.pid": "33\n", "var/run/other.pid": "34\n",
           "var/run/slurmd.pid": "x; exit\n", "var/run/slurm/slurmctld.pid": ""},
    ))  # fmt: skip
    os.mkfifo(Path(root) / "var/run/sshd.pid")
    run = ask(shell, root)
    down = {
        f"{service} {instance}".rstrip() for (service, instance), row in services(run).items() if row["state"] == "down"
    }
    assert down == {"xrootd mpd", "cmsd bmn", "xrootd nica", "munge", "execd"}
    assert run.seconds < 10


@pytest.mark.parametrize(
    ("named", "mounts", "expected"),
    [
        ("nc5", "", "down"),
        ("NC5.jinr.ru", "", "down"),
        ("nc1.jinr.ru", "", None),
        ("", "", None),
        ("nc5", "/opt", None),
    ],
)
def test_the_master_of_grid_engine(shell: Shell, tree: Tree, named: str, mounts: str, expected: str | None) -> None:
    remote = f"srv:/x {mounts} nfs4 rw 0 0\n" if mounts else ""
    files = {"opt/sge/default/common/act_qmaster": f"{named}\n", "proc/mounts": f"/dev/sda1 / xfs rw 0 0\n{remote}"}
    assert states(ask(shell, tree(node(SSHD, **files)))).get("qmaster") == expected


def test_units_are_asked_in_one_call(shell: Shell, tree: Tree) -> None:
    block = "MainPID=0\\nId=%s\\nLoadState=%s\\nActiveState=%s\\nSubState=dead\\nResult=success\\n\\n"
    program = f"""
        case "$*" in "show --failed -p "*" -- * slurmd.service nslcd no such") ;; *) exit 1 ;; esac
        printf '{block}' slurmd.service loaded inactive nslcd.service loaded active bad.mount loaded failed \\
            no.service not-found inactive"""
    root = tree(node(process(1, "systemd", parent=0), **SYSTEMD))
    found = states(ask(shell, root, {"systemctl": program}, units="nslcd\nno such"))
    assert found == {"slurmd": "down", "nslcd": "up", "bad.mount": "failed"}
    again = program.replace("nslcd.service loaded active", "nslcd.service loaded failed")
    assert states(ask(shell, root, {"systemctl": again}, units="nslcd\nno such"))["nslcd"] == "down"


def test_a_systemd_that_fails_leaves_the_units_unknown(shell: Shell, tree: Tree) -> None:
    unknown(ask(shell, tree(node(SSHD, **SYSTEMD)), {"systemctl": "exit 1"}))


def test_a_systemd_that_hangs_leaves_the_units_unknown(tree: Tree, tmp_path: Path) -> None:
    shell = shells.find("dash", tmp_path)  # eight seconds: one shell is enough
    unknown(ask(shell, tree(node(SSHD, **SYSTEMD)), {"systemctl": "sleep 300"}))


def unknown(run: shells.Run) -> None:
    """Asserts that the units which were known stay as they were, and that the rest is told."""
    assert states(run) == {"sshd": "up", "slurmd": "down"}
    one = sampling.probes()["services"]
    told = one.parse(run.sections["services"].output.decode())
    assert [gap for gap in told if isinstance(gap, Unknown)] == [Unknown(one.records["services"], (("kind", "unit"),))]
    assert run.seconds < 20


def test_only_a_node_without_proc_is_absent(shell: Shell, tree: Tree) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    assert ask(shell, tree({"etc/x": ""})).sections["services"].status == 77
    (clock,) = rows(ask(shell, tree(node())))
    assert (clock["record"], clock["source"], clock["synchronised"]) == ("clock", "none", None)
    assert before <= datetime.fromisoformat(clock["time"]) <= datetime.now(UTC)


def test_an_argument_cannot_print_a_line(shell: Shell, tree: Tree) -> None:
    odd = "x\nend\nsection units\nId=sshd.service\n\n71/stat:71 (sge_execd) S 1\nasked 1 port 7\nenabled munge"
    root = tree(node(SSHD, process(80, "xrootd", "xrootd", "-n", odd, uids=(1001, 1001)), process(81, f"a\n{odd[:9]}")))
    assert states(ask(shell, root)) == {"sshd": "up", "xrootd of 1001": "up"}


def test_ports_of_the_accounts(shell: Shell, tree: Tree) -> None:
    sockets = listening((22, 0), (6817, 1002), (6445, 400), (6444, 400), (3306, 27))
    root = tree(node(
        SSHD, process(30, "slurmctld", uids=(1002, 1002)), process(31, "sge_execd", uids=(0, 400)),
        **{"proc/net/tcp": sockets},
    ))  # fmt: skip
    found = {service: row["port"] for (service, _), row in services(ask(shell, root)).items()}
    assert found == {"sshd": None, "slurmctld": 6817, "execd": None}
