"""Logging in to a node whose host key is proven: keys from files, then those of the agent."""

from __future__ import annotations

from functools import partial

from nicassh.model.text import clean
from nicassh.transport.host_keys import fingerprint
from nicassh.transport.libssh2.agent import Agent, AgentError, AgentKey
from nicassh.transport.libssh2.agent_link import AgentLink
from nicassh.transport.libssh2.connection import Connection
from nicassh.transport.libssh2.identity import Identity
from nicassh.transport.libssh2.offers import MOST, Offers

_CERTIFICATE = b"-cert-v01@openssh.com"


def authenticate(connection: Connection, identity: Identity) -> None:
    """Offer the keys of the files, then those of the agent; raise NodeFailure with what came of each."""
    offers, session = Offers(connection), connection.session
    own = [key for key in identity.keys if key.data]
    if len(own) > 1 and offers.ask():
        return
    for key in own:
        once = partial(session.userauth_publickey_frommemory, connection.user, key.data, b"")
        if offers.make(f"the key {key.file}", once):
            return
    notes = [key.note for key in identity.keys if key.note]
    if identity.agent:
        try:
            if _let_in_by_agent(connection, offers, identity):
                return
        except AgentError as error:
            notes.append(str(error))
    words = [*offers.words(), *notes] or ["no key to offer (see `identity`, or start an agent)"]
    raise offers.fault("; ".join(words))


def _let_in_by_agent(connection: Connection, offers: Offers, identity: Identity) -> bool:
    """Return whether a key of the agent lets us in. Raises NodeFailure, and AgentError where there is no agent."""
    with Agent(identity.agent) as agent:
        found = agent.keys()
        keys = _sorted(found, identity, connection.node.identities_only)
        if not keys:
            raise AgentError("the agent has none of these keys" if found else "the agent has no keys")
        with AgentLink(connection.session, keys[:MOST]) as link:

            def sign(request: bytes) -> None:
                connection.phase = "signature"
                link.answer(agent.sign(request))
                connection.phase = "authentication"

            names = {blob: key.file for key in identity.keys for blob in key.publics}
            for index, key in enumerate(keys):
                comment = clean(key.comment, 60) or fingerprint(key.blob)
                name = f"the agent's key {names.get(key.blob, comment)}"
                if offers.make(name, partial(link.offer, connection.user, index), sign):
                    return True
    return False


def _sorted(found: list[AgentKey], identity: Identity, only: bool) -> list[AgentKey]:
    """Return the keys that were not offered yet: first those of `identity`, then the others unless `only`."""
    rank: dict[bytes, int] = {}
    tried = set()
    for key in identity.keys:
        for blob in key.publics:
            rank.setdefault(blob, len(rank))
            if key.data and _CERTIFICATE not in blob[:64]:
                tried.add(blob)
    keys = [key for key in found if key.blob not in tried and (key.blob in rank or not only)]
    return sorted(keys, key=lambda key: rank.get(key.blob, len(rank)))
