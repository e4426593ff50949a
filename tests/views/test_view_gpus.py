"""The GPUs of the nodes, joined with the processes on them and these with their jobs."""

from __future__ import annotations

from unit_rows import at, made, node, outcome, summary

from nicassh.query import Snapshot, Table
from nicassh.query.tables.gpus import gpus
from nicassh.store import Store


def show(store: Store) -> Table:
    return gpus(Snapshot(store, [node("nc10")], 900, at(60)))


def test_processes_come_with_user_and_job(store: Store) -> None:
    cards = [made("gpus", uuid="A", index=1), made("gpus", uuid="B", index=0, state="fault", reason="ERR!")]
    running = [
        made("gpus_process", gpu="A", pid=7, user="merz"),
        made("gpus_process", gpu="M", pid=8, user="ivanov", name="/usr/bin/root.exe"),
        made("gpus_process", gpu="A", pid=9, user=None),
    ]
    part = made("gpus_mig", uuid="M", gpu="A")
    store.write([outcome("nc10", "gpus", at(0), *cards, *running, part)])
    jobs = [made("processes", pid=7, kind="batch", batch="slurm", job="31"), made("processes", pid=8)]
    store.write(
        [outcome("nc10", "processes", at(0), *jobs), outcome("nc11", "processes", at(0), made("processes", pid=9))]
    )
    view = show(store)
    fault, card = view.rows
    assert (fault.values["index"], fault.values["processes"], fault.severities["state"]) == (0, [], 2)
    drawn = {field.name: field.text(card) for field in view.fields}
    assert drawn["processes"] == "merz python3 (slurm 31), ? python3, ivanov root.exe"
    assert drawn["parts"] == "1g.10gb"
    assert drawn["memory_used"] == "2.0 G / 80 G"
    assert summary(view) == "2 GPUs on 1 node: 1 in use, 1 with a fault"


def test_no_gpus(store: Store) -> None:
    view = show(store)
    assert summary(view) == "no GPUs"
