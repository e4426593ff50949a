"""One script asked of one node."""

from __future__ import annotations

from nicassh.inventory import Node
from nicassh.transport import Connections, Limits, Request, Response

END = b"\nthe mark of the end\n"


def request(node: Node, script: str | bytes, size: int = 2**23) -> Request[None]:
    """The script for that node; the mark of its end is printed after it."""
    text = script.encode() if isinstance(script, str) else script
    return Request(node, text + b"\nprintf '\\nthe mark of the end\\n'\n", END, size, None)


def ask(node: Node, script: str | bytes, size: int = 2**23, **limits: object) -> Response[None]:
    """The response to one script, over connections of its own."""
    with Connections(Limits(**({"timeout": 10.0} | limits))) as connections:  # type: ignore[arg-type]
        (response,) = connections.run([request(node, script, size)])
    return response
