"""What goes wrong between us and a node, in the words of an outcome. The one table of foreign errors."""

from __future__ import annotations

import errno
import socket

from ssh2 import exceptions as ssh2

from nicassh.inventory import Node
from nicassh.model.outcome import State
from nicassh.model.text import clean


class NodeFailure(Exception):
    """A node's failure while it is being asked; becomes a reply and goes no further."""

    def __init__(self, state: State, reason: str) -> None:
        super().__init__(reason)
        self.state = state
        self.reason = reason


class Flood(Exception):
    """A node sends without end, or makes us compute without end; its text says of what there was too much."""


LATE = {
    "name lookup": (State.UNREACHABLE, "the name server does not answer"),
    "connection": (State.UNREACHABLE, "no answer to the connection on port {port}"),
    "greeting": (State.TIMEOUT, "connected, but the node sent no SSH greeting"),
    "key exchange": (State.TIMEOUT, "the key exchange did not finish"),
    "authentication": (State.TIMEOUT, "the authentication did not finish"),
    "signature": (State.TIMEOUT, "the agent listed its keys and did not sign in time"),
    "session": (State.TIMEOUT, "logged in, but the node opened no session in time"),
    "answer": (State.TIMEOUT, "the answer was not complete in time"),
}
"""Phase of a session to the state and words of a deadline that strikes in it."""

CUT = {
    "name lookup": (State.UNREACHABLE, "the name lookup failed"),
    "connection": (State.UNREACHABLE, "the connection was reset"),
    "greeting": (
        State.UNREACHABLE,
        "the node closed the connection before its SSH greeting (MaxStartups, hosts.deny?)",
    ),
    "key exchange": (State.UNREACHABLE, "the node closed the connection during the key exchange"),
    "authentication": (State.AUTH_FAILED, "the node closed the connection during the authentication"),
    "signature": (State.AUTH_FAILED, "the node closed the connection during the authentication"),
    "session": (State.TRUNCATED, "logged in, then the node closed the connection before a command was begun"),
    "answer": (State.TRUNCATED, "the connection was lost before the answer was complete"),
}
NO_WAY = {
    errno.EHOSTUNREACH: "no route to the host",
    errno.ENETUNREACH: "no route to the network",
    errno.EHOSTDOWN: "the host is down",
    errno.EINVAL: "its address is link-local: write it with its interface, as fe80::1%eth0",
    errno.EADDRNOTAVAIL: "this host does not have the address of BindAddress, or no port is free",
}
HOST_KEY = {
    State.HOST_KEY_UNKNOWN: "its host key is not in known_hosts",
    State.HOST_KEY_CHANGED: "its host key is another than the one in known_hosts",
    State.HOST_KEY_REVOKED: "its host key is marked @revoked in known_hosts",
}
"""The words of each state of a host key that is not OK."""
LOST = (
    ConnectionError,
    ssh2.SocketDisconnectError,
    ssh2.SocketRecvError,
    ssh2.SocketSendError,
    ssh2.BannerRecvError,
    ssh2.BannerSendError,
)
SHUT = (ssh2.ChannelClosedError, ssh2.ChannelEOFSentError)
_NO_AGREEMENT = (ssh2.KexFailureError, ssh2.KeyExchangeError, ssh2.MethodNoneError, ssh2.AlgoUnsupportedError)


def late(phase: str, node: Node, said: bytes = b"") -> NodeFailure:
    """Return the failure of a deadline that ran out in a phase. `said` is the last line before the greeting."""
    state, words = LATE[phase]
    return NodeFailure(state, words.format(port=node.port) + (quoted(said) if phase == "greeting" else ""))


def translate(error: BaseException, phase: str, node: Node, said: bytes = b"") -> NodeFailure:
    """Return the failure that an error means in a phase. Never raises."""
    if isinstance(error, NodeFailure):
        return error
    if isinstance(error, TimeoutError):
        return late(phase, node, said)
    if isinstance(error, Flood):
        state = State.TRUNCATED if phase in ("session", "answer") else State.UNREACHABLE
        return NodeFailure(state, f"the node sent {error} in the {phase}")
    if isinstance(error, socket.gaierror):
        _, scope, interface = node.address.partition("%")
        what = f"this host has no interface {interface}" if scope else f"unknown host name {node.address}"
        return NodeFailure(State.UNREACHABLE, what)
    if isinstance(error, ConnectionRefusedError):
        return NodeFailure(State.REFUSED, f"nothing listens on port {node.port}")
    if isinstance(error, OSError) and error.errno in NO_WAY and (error.errno != errno.EINVAL or phase == "connection"):
        return NodeFailure(State.UNREACHABLE, NO_WAY[error.errno])
    if isinstance(error, LOST) and phase == "greeting" and quoted(said):
        return NodeFailure(State.UNREACHABLE, f"the node closed the connection before its SSH greeting{quoted(said)}")
    if isinstance(error, LOST):
        return NodeFailure(*CUT[phase])
    if isinstance(error, _NO_AGREEMENT):
        return NodeFailure(State.UNREACHABLE, f"no common algorithm in the key exchange{_detail(error)}")
    state = State.TRUNCATED if phase == "answer" else State.UNREACHABLE
    if isinstance(error, ssh2.SSH2Error):
        return NodeFailure(state, f"what the node sent in the {phase} is not SSH as it should be{_detail(error)}")
    if isinstance(error, OSError) and error.strerror:
        return NodeFailure(state, f"{phase}: {error.strerror}")
    return NodeFailure(state, f"{phase}: {type(error).__name__}{_detail(error)}")


def quoted(said: bytes) -> str:
    """Return a line of the node as the end of a reason; "" where the line is empty."""
    words = clean(said.strip(), 200)
    return f"; it said: {words}" if words else ""


def _detail(error: BaseException) -> str:
    words = clean(str(error).strip(), 200)
    return f": {words}" if words else ""
