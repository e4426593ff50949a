"""Logging in to a node whose host key is proven: keys from files, then those of the agent."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Any

from gevent import socket as gsocket
from ssh2.exceptions import AgentError, SSH2Error

from nicassh.state import State
from nicassh.transport.faults import Fault
from nicassh.transport.identity import Identity

if TYPE_CHECKING:
    from nicassh.transport.client import Client

_PATIENCE = 3.0
"""Seconds in which an agent must answer."""
_GONE = (-7, -13, -43)
"""LIBSSH2_ERROR_SOCKET_SEND, _SOCKET_DISCONNECT and _SOCKET_RECV."""


def authenticate(client: Client, identity: Identity) -> None:
    """Offers the keys of the files, then those of the agent; raises Fault with what was tried."""
    session, user = client.session, client.user
    for data in identity.keys:
        if _accepted(client, session.userauth_publickey_frommemory, user, data, b""):
            return
    if identity.agent:
        try:
            _await_agent()
            agent = session.agent_init()
            agent.connect()
            keys = agent.get_identities()
        except (AgentError, SSH2Error, OSError) as error:
            raise Fault(State.AUTH_FAILED, f"{identity.tried(0)}; the agent does not answer") from error
        for key in keys:
            if _accepted(client, agent.userauth, user, key):
                return
        raise Fault(State.AUTH_FAILED, f"{user}: {identity.tried(len(keys))}")
    raise Fault(State.AUTH_FAILED, f"{user}: {identity.tried(None)}")


def _accepted(client: Client, method: Any, *arguments: Any) -> bool:
    """Whether one way to authenticate succeeded; a lost connection is raised, a plain no is not."""
    try:
        client.eagain(method, *arguments)
    except SSH2Error:
        if client.session.last_errno() in _GONE:
            raise
    return bool(client.session.userauth_authenticated())


def _await_agent() -> None:
    """Asks the agent for its keys and drops the answer; raises OSError where none comes.

    libssh2 blocks the whole process while it talks to an agent, and a forwarded one may hang for good.
    """
    with gsocket.socket(socket.AF_UNIX) as agent:
        agent.settimeout(_PATIENCE)
        agent.connect(os.environ["SSH_AUTH_SOCK"])
        agent.sendall(b"\0\0\0\1\x0b")  # SSH_AGENTC_REQUEST_IDENTITIES, draft-ietf-sshm-ssh-agent
        if not agent.recv(5):
            raise ConnectionResetError
