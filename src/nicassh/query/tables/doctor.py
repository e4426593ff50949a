"""The set-up from end to end: what works, what does not, and what to do about it. It asks the nodes."""

from __future__ import annotations

from collections import Counter

from nicassh.model.severity import Severity
from nicassh.model.units import Text
from nicassh.query.checks import collecting, configuration, database, nodes
from nicassh.query.checks.checking import checks_of, verdicts
from nicassh.query.checks.setup import Setup
from nicassh.query.registry import Nodes, Parameter, Request, TableSpec
from nicassh.query.table import Field, Row, Table, computed

MODULES = (configuration, nodes, database, collecting)
"""The files of checks, in the order in which they are made."""
_STATES = {severity: severity.word for severity in Severity} | {Severity.UNKNOWN: "not checked"}


def _build(request: Request) -> Table:
    rows = [
        Row(
            {"check": name, "state": _STATES[one.severity], "found": one.found, "advice": one.advice or None},
            severities={"state": one.severity},
        )
        for name, one in verdicts(checks_of(MODULES), Setup(request, request["only"]))
    ]
    critical = any(row.severity("state") is Severity.CRITICAL for row in rows)
    return Table("doctor", CHECKS, tuple(rows), facts={"critical": critical})


def summarize(table: Table) -> str:
    """Return `1 critical, 2 warning, 10 ok`."""
    counts = Counter(row.values["state"] for row in table.rows)
    words = (_STATES[one] for one in (Severity.CRITICAL, Severity.WARNING, Severity.UNKNOWN, Severity.OK))
    return ", ".join(f"{counts[word]} {word}" for word in words if counts[word]) or "no such check"


CHECKS = (
    Field(computed("check", str, Text, "What was looked at."), 100),
    Field(computed("state", str, Text, "ok, warning, critical, or not checked.", choices=tuple(_STATES.values())), 99),
    Field(computed("found", str, Text, "What was found."), 98, wraps=True),
    Field(computed("advice", str, Text, "What to do."), 97, wraps=True),
)
TABLE = TableSpec(
    "doctor",
    "The set-up from end to end: what works, what does not, and what to do. It asks the nodes.",
    CHECKS,
    _build,
    summarize,
    (Parameter("only", str, "Ask only these nodes.", "", metavar="EXPR"),),
    nodes=Nodes.NONE,
    command="doctor",
)
