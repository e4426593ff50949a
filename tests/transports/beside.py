"""Good nodes alone, then the same beside hostile ones: how long they take, in a process of its own.

    python beside.py GOOD HOSTILE SECONDS

The first two are lists of nodes in JSON, the last is the time that each node has. Prints one object of JSON: `alone`
and `beside` are the seconds until the last good node had answered, `responses` what came of the hostile ones, `grown`
how many bytes of memory more were in use meanwhile.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from pathlib import Path
from typing import Any

from asking import request

from nicassh.inventory import Node
from nicassh.transport import Connections, Limits


def main() -> None:
    """Asks twice, and prints what was seen."""
    good, hostile = ([_node(fields) for fields in json.loads(text)] for text in sys.argv[1:3])
    alone = _ask(good, [])[0]
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # the peak of memory is counted anew
    before = _memory("VmRSS")
    beside, responses = _ask(good, hostile)
    print(json.dumps({"alone": alone, "beside": beside, "responses": responses, "grown": _memory("VmHWM") - before}))


def _ask(good: list[Node], hostile: list[Node]) -> tuple[float, dict[str, list[str]]]:
    begun, last, responses = time.monotonic(), 0.0, {}
    with Connections(Limits(fanout=32, connect_timeout=40, timeout=float(sys.argv[3]))) as connections:
        for response in connections.run([request(node, "echo here") for node in hostile + good]):
            if response.node in hostile:
                responses[response.node.name] = [response.state, response.reason]
                continue
            assert response.state == "ok", (response.node.name, response.reason)
            last = time.monotonic() - begun
    return last, responses


def _node(fields: dict[str, Any]) -> Node:
    paths = {name: tuple(Path(file) for file in fields[name]) for name in ("identity", "known_hosts")}
    return Node(**(fields | paths))


def _memory(name: str) -> int:
    """A line of /proc/self/status, in bytes."""
    (line,) = (one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith(name))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    main()
