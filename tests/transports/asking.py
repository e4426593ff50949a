"""One script asked of one node."""

from __future__ import annotations

from nicassh.nodes import Node
from nicassh.transport import Limits, Reply, Task, run

END = b"\nthe mark of the end\n"


def ask(node: Node, script: str | bytes, size: int = 2**23, **limits: object) -> Reply:
    """The reply to one script; the mark of its end is printed after it."""
    text = script.encode() if isinstance(script, str) else script
    body = text + b"\nprintf '\\nthe mark of the end\\n'\n"
    (reply,) = run([Task(node, body, END, size)], Limits(**({"timeout": 10.0} | limits)))  # type: ignore[arg-type]
    return reply
