"""One node explained, and the nodes to avoid."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from nicassh.inventory import fold, natural
from nicassh.model.outcome import LOGIN, State
from nicassh.model.units import Count, Text, Time, counted, draw_seconds
from nicassh.query.facts import Facts
from nicassh.query.findings import AVOID, Finding, findings
from nicassh.query.scene import Scene
from nicassh.query.silence import Silence
from nicassh.query.strange import strange
from nicassh.query.table import Field, Row, View, declared

_TROUBLE = {"bad": 2, "warning": 1, "note": 0}


def explain(scene: Scene) -> View:
    """Everything wrong with the nodes of a scene, in order of weight.

    Where nobody collects, one row without a node says so instead of what was wrong with nodes long ago.
    """
    facts, silence = Facts(scene), Silence(scene)
    unseen = silence.concerns(scene.nodes)
    found: list[tuple[str | None, Finding]] = [(None, silence.finding)] if unseen else []
    judged = [node for node in scene.nodes if node.name not in unseen]
    found += [(node.name, finding) for node in judged for finding in findings(facts, node)]
    found += [(name, finding) for name, finding in strange(scene).items() if name not in unseen]
    found.sort(key=lambda item: -item[1].weight)
    rows = tuple(_row(name, finding) for name, finding in found)
    return View("explain", EXPLAIN, rows, lambda shown: _summary(scene, shown))


def bad(scene: Scene) -> View:
    """The nodes to avoid, the worst first, each with its reasons. Raises StaleError where that cannot be told."""
    facts, silence = Facts(scene), Silence(scene)
    silence.require(scene.nodes)
    rows = []
    for node in scene.nodes:
        heavy = [finding for finding in findings(facts, node) if finding.weight >= AVOID]
        if heavy:
            since = min((finding.since for finding in heavy if finding.since), default=None)
            rows.append(Row({
                "node": node.name, "role": node.role or None, "weight": heavy[0].weight,
                "reason": "; ".join(f"{finding.area}: {finding.what}" for finding in heavy), "since": since,
                "hosts": [host["host"] for host in facts.hosts.get(node.name, [])],
                "systems": [host["system"] for host in facts.hosts.get(node.name, [])],
            }, trouble={"reason": 2}))  # fmt: skip
    rows.sort(key=lambda row: (-row.values["weight"], natural(row.values["node"])))
    nodes = counted(len(scene.nodes), "node")
    why = {"never asked": silence.unasked(scene.nodes), "asked while the clock was ahead": silence.ahead(scene.nodes)}
    apart = "".join(f"; {words}, so not judged: {fold(names)}" for words, names in why.items() if names)
    return View("bad", BAD, tuple(rows), lambda shown: f"{len(shown)} of {nodes} to avoid{apart}")


def exclusion(view: View, batch: str) -> str:
    """The option with which a job stays off the nodes of a `bad` view; empty where there is none.

    `slurm` is for sbatch and srun, `sge` for qsub, `nica-scheduler` an attribute of its <run> element.
    """
    names = sorted(set(_hosts(view.rows, batch)), key=natural)
    if not names:
        return ""
    if batch == "slurm":
        return f"--exclude={fold(names)}"
    if batch == "sge":
        return f"-l h=!({'|'.join(names)})"
    return f'hosts="~{",".join(names)}"'


def _hosts(rows: Iterable[Row], batch: str) -> Iterable[str]:
    """The bad nodes by the names that a batch system has for them; without any batch system those of role batch."""
    rows = list(rows)
    if any(row.values["systems"] for row in rows):
        for row in rows:
            for system, host in zip(row.values["systems"], row.values["hosts"], strict=True):
                if batch in (system, "nica-scheduler"):
                    yield host
    else:
        yield from (row.values["node"] for row in rows if row.values["role"] == "batch")


def _row(name: str | None, finding: Finding) -> Row:
    values = {
        "node": name, "level": finding.level, "weight": finding.weight, "area": finding.area,
        "finding": finding.what, "since": finding.since,
    }  # fmt: skip
    return Row(values, trouble={"level": _TROUBLE[finding.level]})


def _summary(scene: Scene, rows: Sequence[Row]) -> str:
    """`nc10.jinr.ru: 2 bad, 1 warning; last seen 40 s ago`."""
    parts = []
    for level in _TROUBLE:
        number = sum(row.values["level"] == level for row in rows)
        if number:
            parts.append(f"{number} bad" if level == "bad" else counted(number, level))
    seen = [f"last seen {_seen(scene)}"] if len(scene.nodes) == 1 else []
    return f"{fold(scene.names)}: " + "; ".join(
        [", ".join(parts) or "nothing wrong is known", *seen, *_outdated(scene)]
    )


def _outdated(scene: Scene) -> list[str]:
    """`not judged, too old: mounts on nc[2-3]`: a probe that nobody runs any more looks like one that finds nothing."""
    old: dict[str, list[str]] = {}
    for node in scene.nodes:
        for probe, outcome in scene.outcomes[node.name].items():
            for_it = node.name in scene.clusters or probe not in scene.store.cluster_probes
            records = scene.store.probes.get(probe, []) if for_it and State(outcome["state"]).is_ok else []
            if records and scene.is_old(records[0], {"node": node.name, "at": outcome["at"]}):
                old.setdefault(probe, []).append(node.name)
    told = [f"{probe} on {fold(names)}" for probe, names in old.items()]
    return [f"not judged, too old: {', '.join(told)}"] if told else []


def _seen(scene: Scene) -> str:
    """How long ago the node gave its newest row: not when it was asked, which may have failed."""
    times = [row["at"] for record in scene.store.records for row in scene.rows(record) if record != "processes"]
    login = scene.outcomes[scene.names[0]].get(LOGIN)
    if login is not None and login["state"] == "ok":
        times.append(login["at"])
    if not times:
        return "never"
    # Where all were seen while a clock was ahead, nobody knows when that was.
    ages = [age for at in times if (age := scene.since(at)) is not None]
    return f"{draw_seconds(min(ages))} ago" if ages else "while the clock was ahead"


EXPLAIN = (
    Field(declared("node", str, Text, "Name of the node; null: it is nicamon's own trouble."), 40),
    Field(declared("level", str, Text, "bad: give it no work; warning: look at it; note."), 100),
    Field(declared("area", str, Text, "ssh, collection, batch, mounts, disks, services, memory, …"), 95),
    Field(declared("finding", str, Text, "What is wrong."), 99, flexible=True),
    Field(declared("since", datetime, Time, "Since when, where that is known."), 80),
    Field(declared("weight", int, Count, "How much it weighs: 100 is a lost node, from 60 on it is to be avoided."), 0),
)
BAD = (
    Field(declared("node", str, Text, "Name of the node."), 100),
    Field(declared("reason", str, Text, "Why to avoid it."), 99, flexible=True),
    Field(declared("since", datetime, Time, "Since when."), 80),
    Field(declared("role", str, Text, "Role in the inventory."), 50),
    Field(declared("weight", int, Count, "The weight of the worst: 100 is a lost node."), 0),
    Field(
        declared("hosts", list, Text, "Its names in the batch systems."), 0, lambda row: ", ".join(row.values["hosts"])
    ),
    Field(declared("systems", list, Text, "These batch systems."), 0, lambda row: ", ".join(row.values["systems"])),
)
