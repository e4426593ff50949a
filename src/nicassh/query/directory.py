"""What an operator wrote, as views: the nodes of the inventory and the probes in force."""

from __future__ import annotations

from collections.abc import Sequence

from nicassh.inventory import Node
from nicassh.model.units import Count, Seconds, Text, counted
from nicassh.probes.loader import Probe
from nicassh.query.table import Field, Row, View, declared


def inventory(nodes: Sequence[Node]) -> View:
    """The nodes as they will be reached."""
    rows = tuple(
        Row({
            "node": node.name, "address": node.address or None,
            "port": node.port if node.address else None, "user": node.user, "role": node.role or None,
            "groups": ",".join(node.groups) or None, "transport": node.transport,
            "needs": node.lacks or None,
        }, trouble={"needs": 2 if node.barred else 0})
        for node in nodes
    )  # fmt: skip
    return View("nodes", _NODES, rows, lambda shown: counted(len(shown), "node"))


def catalogue(probes: Sequence[Probe]) -> View:
    """The probes in the order of their priority."""
    rows = tuple(
        Row({
            "probe": probe.name, "every": probe.every, "priority": probe.priority, "timeout": probe.timeout,
            "where": probe.where, "keep": ",".join(dict.fromkeys(keep.value for keep in probe.keep.values())),
            "records": ",".join(probe.records), "folder": str(probe.folder), "help": probe.help.partition("\n")[0],
        })
        for probe in probes
    )  # fmt: skip
    return View("probes", _PROBES, rows)


_NODES = (
    Field(declared("node", str, Text, "Name of the node."), 100),
    Field(declared("address", str, Text, "Address that is connected to."), 90),
    Field(declared("port", int, Count, "Port of its SSH server."), 60),
    Field(declared("user", str, Text, "Account to log in as."), 80),
    Field(declared("role", str, Text, "Role."), 85),
    Field(declared("groups", str, Text, "Groups."), 50),
    Field(declared("transport", str, Text, "How it is reached."), 40),
    Field(declared("needs", str, Text, "What is missing to reach it."), 70),
)
_PROBES = (
    Field(declared("probe", str, Text, "Name of the probe."), 100),
    Field(declared("every", int, Seconds, "How often it should run."), 80),
    Field(declared("priority", str, Text, "The class of its tasks."), 85),
    Field(declared("timeout", int, Seconds, "Its time limit on a node."), 70),
    Field(declared("where", str, Text, "On all nodes, or once a batch cluster, on its submit node."), 72),
    Field(declared("keep", str, Text, "What is kept: series, intervals or the latest rows."), 75),
    Field(declared("records", str, Text, "The tables that it fills."), 0),
    Field(declared("folder", str, Text, "Where it lies."), 0, flexible=True),
    Field(declared("help", str, Text, "What it tells."), 90, flexible=True),
)


def hostkeys(keys: Sequence[dict[str, str | None]]) -> View:
    """Host keys that nodes showed, with what known_hosts says of each."""
    rows = tuple(
        Row(dict(key), trouble={"state": {"known": 0, "unknown": 1}.get(str(key["state"]), 2)}) for key in keys
    )
    return View("keys", _KEYS, rows)


_KEYS = (
    Field(declared("node", str, Text, "Name of the node."), 100),
    Field(declared("type", str, Text, "Type of the key."), 80),
    Field(declared("fingerprint", str, Text, "SHA-256 fingerprint."), 95),
    Field(declared("state", str, Text, "known, unknown, changed or revoked; or why the node shows no key."), 90),
    Field(declared("reason", str, Text, "Why the node shows no key."), 70, flexible=True),
)
