"""The host keys that nodes show, and what known_hosts says of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from nicassh.model.errors import UsageError
from nicassh.model.outcome import State
from nicassh.model.severity import Severity
from nicassh.model.units import Text, counted
from nicassh.query.registry import TableSpec
from nicassh.query.table import Field, Row, Table, computed

if TYPE_CHECKING:
    from nicassh.config.settings import Config
    from nicassh.inventory import Node
    from nicassh.transport.libssh2.scan import Found


def scan_nodes(config: Config, nodes: Sequence[Node]) -> list[Found]:
    """Return the host keys that the nodes show now. It opens a connection to each. Raises UsageError."""
    # Here, because it loads gevent, which no other table needs.
    from nicassh.transport.base import Limits
    from nicassh.transport.libssh2.scan import scan_host_keys

    remote = [node for node in nodes if node.uses_ssh]
    if not remote:
        raise UsageError("these nodes are reached without SSH, and have no host keys")
    limits = Limits(config.fanout, config.connect_timeout, config.timeout)
    order = {node.name: index for index, node in enumerate(remote)}
    return sorted(scan_host_keys(remote, limits), key=lambda item: (order[item.node.name], item.type))


def host_keys(found: Sequence[Found]) -> Table:
    """Return host keys that nodes showed, with what known_hosts says of each."""
    return Table("keys", KEYS, tuple(map(_row, found)))


def _row(item: Found) -> Row:
    words = {State.OK: "known", State.HOST_KEY_UNKNOWN: "unknown", State.HOST_KEY_CHANGED: "changed"}
    state = words.get(item.state, item.state.removeprefix("host_key_"))
    severity = {"known": Severity.OK, "unknown": Severity.WARNING}.get(state, Severity.CRITICAL)
    values = {
        "node": item.node.name, "type": item.type or None, "fingerprint": item.fingerprint or None, "state": state,
        "reason": item.reason or None,
    }  # fmt: skip
    return Row(values, severities={"state": severity})


def summarize(table: Table) -> str:
    """Return `14 host keys: 12 known, 2 unknown`."""
    counts = Counter(row.values["state"] for row in table.rows)
    parts = ", ".join(f"{number} {state}" for state, number in counts.items())
    return f"{counted(len(table.rows), 'host key')}{': ' if parts else ''}{parts}"


KEYS = (
    Field(computed("node", str, Text, "Name of the node."), 100),
    Field(computed("type", str, Text, "Type of the key."), 80),
    Field(computed("fingerprint", str, Text, "SHA-256 fingerprint."), 95),
    Field(computed("state", str, Text, "known, unknown, changed or revoked; or why the node shows no key."), 90),
    Field(computed("reason", str, Text, "Why the node shows no key."), 97, wraps=True),
)
TABLE = TableSpec(
    "keys",
    "The host keys that nodes show now, and what known_hosts says of each. It asks the nodes.",
    KEYS,
    lambda request: host_keys(scan_nodes(request.sources.config, request.nodes)),
    summarize,
    command="keys scan",
)
