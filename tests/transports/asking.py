"""One script asked of one node."""

from __future__ import annotations

from nicassh.inventory import Node
from nicassh.transport import Connections, Limits, Reply, Task

END = b"\nthe mark of the end\n"


def task(node: Node, script: str | bytes, size: int = 2**23) -> Task:
    """The script for that node; the mark of its end is printed after it."""
    text = script.encode() if isinstance(script, str) else script
    return Task(node, text + b"\nprintf '\\nthe mark of the end\\n'\n", END, size)


def ask(node: Node, script: str | bytes, size: int = 2**23, **limits: object) -> Reply:
    """The reply to one script, over connections of its own."""
    with Connections(Limits(**({"timeout": 10.0} | limits))) as connections:  # type: ignore[arg-type]
        (reply,) = connections.run([task(node, script, size)])
    return reply
