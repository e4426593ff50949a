"""Transports: ways to run a script on many nodes.

`Connections` takes requests and yields responses, whatever happens to the nodes. The inventory says which transport
serves a node. Every transport keeps the promises of `base.Transport` and passes the same tests.
"""

from nicassh.transport.base import Limits, Request, Response, Transport
from nicassh.transport.connections import Connections

__all__ = ["Connections", "Limits", "Request", "Response", "Transport"]
