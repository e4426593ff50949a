"""The tables over a real Grid Engine, a real Slurm and a real xrootd: what runs, what stops, what is to be avoided."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from program import Program

from nicassh.demo import systems
from nicassh.demo.farm import Farm

JOB = "#!/bin/sh\nsleep 300 & wait\n"
PATIENCE = 40.0
SUBMIT = {
    "sge": (["qsub", "-terse", "-N", "reco_test"], ["qdel"]),
    "slurm": (["sbatch", "--parsable", "--job-name", "reco_test"], ["scancel"]),
}
Rows = list[dict[str, Any]]


@contextmanager
def submitted(farm: Farm, system: str, user: str = "strmaxim") -> Iterator[str]:
    """A job of an ordinary user, and its number."""
    submit, cancel = SUBMIT[system]
    done = farm.enter("nc2", submit, user=user, text=JOB)
    assert done.returncode == 0, done.stderr
    number = done.stdout.strip()
    try:
        yield number
    finally:
        farm.enter("nc2", [*cancel, number], user=user)


def until(nicamon: Program, look: Callable[[], Rows], *probes: str) -> Rows:
    """Collects until there is what is looked for."""
    limit = time.monotonic() + PATIENCE
    while True:
        nicamon("collect", "-q", *(f"--probe={name}" for name in probes), code=None)
        found = look()
        if found or time.monotonic() > limit:
            assert found, "it was not seen in time"
            return found
        time.sleep(0.5)


def where(nicamon: Program, view: str, condition: str) -> Rows:
    """The rows of a view for which a condition holds."""
    return nicamon.rows("show", view, "--filter", condition)


def test_a_job_is_seen_in_all_tables_and_tied_to_its_processes(batch_farm: Farm, batch_nicamon: Program) -> None:
    for system in SUBMIT:
        with submitted(batch_farm, system) as number:
            running = f"system = {system} and job = {number} and state = running and processes > 0"
            (job,) = until(batch_nicamon, lambda: where(batch_nicamon, "jobs", running), "batch", "processes")  # noqa: B023
            assert (job["user"], job["name"], job["slots"], job["cluster"]) == ("strmaxim", "reco_test", 1, "nica")
            processes = batch_nicamon.rows("procs", "--jobs", "--job", number, "--user", "strmaxim")
            assert {process["node"].partition(".")[0] for process in processes} == {job["hosts"].partition(".")[0]}
            assert any(process["command"].startswith("sleep 300") for process in processes)
            assert {process["batch"] for process in processes} == {system}
            assert batch_nicamon.rows("procs", "--cached", "--interactive", "--job", number) == []
            (user,) = where(batch_nicamon, "users", "user = strmaxim")
            assert user["jobs_running"] >= 2 and user["batch"] >= 2


def test_what_a_user_has_is_what_the_batch_systems_say(batch_farm: Farm, batch_nicamon: Program) -> None:
    batch_nicamon("collect")
    jobs = batch_nicamon.rows("show", "jobs")
    waiting = batch_farm.enter("nc2", ["squeue", "-h", "-r", "-t", "PD", "-o", "%u"]).stdout.split()
    told = sum(job["tasks"] for job in jobs if job["system"] == "slurm" and job["state"] in ("waiting", "held"))
    assert told == len(waiting)
    users = {user["user"]: user for user in batch_nicamon.rows("show", "users")}
    for name, user in users.items():
        mine = [job for job in jobs if job["user"] == name]
        running = sum(job["tasks"] for job in mine if job["state"] in ("running", "ending"))
        assert (user["jobs_running"], user["jobs_waiting"]) == (running, sum(job["tasks"] for job in mine) - running)
    assert users["zinchenk"]["interactive"] > 0
    queues = {queue["queue"]: queue for queue in batch_nicamon.rows("show", "queues")}
    assert set(queues) == {"all.q", "nica", "fast"}
    assert queues["all.q"]["slots"] == 18
    assert queues["nica"]["slots"] == 8


def test_a_dead_execd(batch_farm: Farm, batch_nicamon: Program) -> None:
    batch_nicamon("collect")
    systems.order(batch_farm, "sge", "nc15", "stop")
    try:
        batch_nicamon("collect", "--now", "-q", code=None)
        (service,) = where(batch_nicamon, "services", "service = execd and node = nc15.jinr.ru")
        assert service["state"] == "down", "the next collection sees it, before the master does"
        down = "node = nc15.jinr.ru and batch = down"
        (worker,) = until(batch_nicamon, lambda: where(batch_nicamon, "batch-nodes", down), "batch")
        assert worker["batch_words"] == "u" and worker["batch_since"]
        (bad,) = where(batch_nicamon, "bad", "node = nc15.jinr.ru")
        assert "sge: down (u)" in bad["reason"] and "execd is down" in bad["reason"]
        assert batch_nicamon("show", "bad", "--as", "sge").stdout == "-l h=!(nc15.jinr.ru)\n"
        assert batch_nicamon("show", "bad", "--as", "slurm").stdout == ""
        accepted = batch_farm.enter(
            "nc2", ["qsub", "-terse", "-h", *batch_nicamon("show", "bad", "--as", "sge").stdout.split()],
            user="merz", text=JOB,
        )  # fmt: skip
        assert accepted.stdout.strip().isdecimal(), accepted.stderr
        batch_farm.enter("nc2", ["qdel", accepted.stdout.strip()], user="merz")
        findings = batch_nicamon.rows("explain", "nc15")
        assert [row["area"] for row in findings][:2] == ["batch", "services"]
    finally:
        systems.order(batch_farm, "sge", "nc15", "start")
    until(
        batch_nicamon, lambda: where(batch_nicamon, "services", "service = execd and availability < 100 and state = up")
    )


def test_a_dead_master_is_no_empty_cluster(batch_farm: Farm, batch_nicamon: Program) -> None:
    batch_nicamon("collect")
    before = where(batch_nicamon, "jobs", "system = sge")
    systems.order(batch_farm, "sge", "nc2", "stop")
    try:
        batch_nicamon("collect", "--now", "-q", code=None)
        assert [job["job"] for job in where(batch_nicamon, "jobs", "system = sge")] == [job["job"] for job in before]
        assert "nica: sge is down since" in batch_nicamon("show", "jobs").stdout
        (scheduler,) = where(batch_nicamon, "batch", "system = sge")
        assert scheduler["state"] == "down" and "commlib error" in scheduler["reason"]
        assert where(batch_nicamon, "services", "service = qmaster")[0]["state"] == "down"
        assert {row["state"] for row in where(batch_nicamon, "batch", "system = slurm")} == {"up"}
        assert not [row for row in batch_nicamon.rows("show", "bad") if row["node"] != "nc2.jinr.ru"]
    finally:
        systems.restart(batch_farm, "sge")
    until(batch_nicamon, lambda: where(batch_nicamon, "batch", "system = sge and state = up"), "batch")


def test_a_dead_slurmctld_is_no_empty_cluster_either(batch_farm: Farm, batch_nicamon: Program) -> None:
    batch_nicamon("collect")
    before = where(batch_nicamon, "jobs", "system = slurm")
    assert before
    systems.order(batch_farm, "slurm", "nc3", "stop")
    try:
        batch_nicamon("collect", "--now", "-q", code=None)
        assert [job["job"] for job in where(batch_nicamon, "jobs", "system = slurm")] == [job["job"] for job in before]
        assert "nica: slurm is down since" in batch_nicamon("show", "queues").stdout
    finally:
        systems.restart(batch_farm, "slurm")
    until(batch_nicamon, lambda: where(batch_nicamon, "batch", "system = slurm and state = up"), "batch")


def test_a_drained_node_says_by_whom_and_why(batch_farm: Farm, batch_nicamon: Program) -> None:
    drain = ["scontrol", "update", "nodename=nc9", "state=drain", "reason=disk = bad | soon"]
    assert batch_farm.enter("nc2", drain).returncode == 0
    try:
        batch_nicamon("collect", "-p", "batch", "-p", "load")
        (worker,) = where(batch_nicamon, "batch-nodes", "node = nc9.jinr.ru")
        assert (worker["batch"], worker["batch_reason"], worker["by"]) == ("drained", "disk = bad | soon", "root")
        assert batch_nicamon("show", "bad", "--as", "slurm", "-n", "@batch").stdout == "--exclude=nc9\n"
        assert batch_nicamon("show", "bad", "--as", "nica-scheduler", "-n", "nc9").stdout == 'hosts="~nc9"\n'
    finally:
        batch_farm.enter("nc2", ["scontrol", "update", "nodename=nc9", "state=resume"])
    until(
        batch_nicamon, lambda: where(batch_nicamon, "batch-nodes", "node = nc9.jinr.ru and batch != drained"), "batch"
    )


def test_a_killed_xrootd_is_seen_by_the_next_collection(batch_farm: Farm, batch_nicamon: Program) -> None:
    batch_nicamon("collect")
    server = "service = xrootd and node = nc5.jinr.ru"
    assert [row["state"] for row in where(batch_nicamon, "services", server)] == ["up"]
    batch_farm.enter("nc5", ["pkill", "-9", "-x", "xrootd"])
    try:
        batch_nicamon("collect", "-q", "-p", "services", code=None)
        (row,) = where(batch_nicamon, "services", server)
        assert (row["state"], row["instance"]) == ("down", "mpd")
        assert row["reason"]
        (storage,) = where(batch_nicamon, "services", "service = xrootd and node = nc6.jinr.ru")
        assert storage["state"] == "up"
    finally:
        for verb in ("stop", "start"):
            systems.order(batch_farm, "xrootd", "nc5", verb)
    until(batch_nicamon, lambda: where(batch_nicamon, "services", f"{server} and state = up"), "services")
