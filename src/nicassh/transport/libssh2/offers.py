"""The keys that a node is offered at one login, and what it says to each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ssh2.error_codes import LIBSSH2_ERROR_EAGAIN
from ssh2.exceptions import SSH2Error

from nicassh.model.outcome import State
from nicassh.model.text import clean
from nicassh.transport.libssh2.connection import Connection
from nicassh.transport.libssh2.failures import NodeFailure

MOST = 5
"""Keys that are offered at one login: the sixth failure ends it (MaxAuthTries of sshd)."""
_GONE = (-7, -13, -43)
"""LIBSSH2_ERROR_SOCKET_SEND, _SOCKET_DISCONNECT and _SOCKET_RECV."""
_REFUSED = "Username/PublicKey combination invalid"
_ACCEPTED = "Invalid signature"
_ACCEPTED_GONE = "Waiting for publickey USERAUTH"
_NO_REPLY = "Waiting for USERAUTH"
_UNSIGNED = "Callback returned error"
# One number of libssh2 has the meanings of the last four; its words tell them apart.


class Offers:
    """The offers of one login."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._made = 0
        self._left = 0
        self._methods: list[str] | None = None
        self._came: list[str] = []

    def make(self, name: str, once: Callable[[], Any], sign: Callable[[bytes], None] | None = None) -> bool:
        """Offer a key. Returns whether it lets us in. Raises NodeFailure where no further key can.

        `once` goes on offering it; where that gives a request to sign, `sign` answers it.
        """
        if self._made == MOST:
            self._left += 1
            return False
        self._made += 1
        session = self._connection.session
        try:
            while isinstance(request := self._connection.eagain(once), bytes) and sign:
                sign(request)
            code, said = 0, ""
        except SSH2Error:
            code, said = session.last_errno(), str(session.last_error())
        return bool(session.userauth_authenticated()) or self._judge(name, "" if code in _GONE else said)

    def ask(self) -> bool:
        """Ask which methods the node takes; whether it lets us in without any.

        The first question of a login costs nothing, a later one counts as a failure.
        """
        session, user = self._connection.session, self._connection.user

        def once() -> Any:
            found = session.userauth_list(user)
            waits = found is None and session.last_errno() == LIBSSH2_ERROR_EAGAIN
            return LIBSSH2_ERROR_EAGAIN if waits else found

        try:
            methods = self._connection.eagain(once)
        except UnicodeDecodeError:  # of a list that nobody can read: keys are tried as if they stood in it
            methods = ["publickey"]
        if session.userauth_authenticated():
            return True
        if methods is None:
            self._end()
        self._methods = [method for method in methods if method]
        return False

    def words(self) -> list[str]:
        """Return what came of the offers."""
        words = list(self._came)
        if self._left:
            words.append(f"{self._left} more not offered ({MOST} are the most): name the right one in `identity`")
        return [*words, f"the node takes {self._takes()}"] if words and self._methods else words

    def _judge(self, name: str, said: str) -> bool:
        """Note what came of an offer; whether we are in after all, which asking for the methods may do."""
        if not said or said.startswith(_NO_REPLY):
            self._end(name)
        if said.startswith(_ACCEPTED_GONE):
            raise self.fault(
                f"{name} was accepted, then the node closed the connection: does its PAM refuse the account?"
            )
        if said.startswith(_ACCEPTED):
            return self._wants_more(name)
        if not said.startswith(_REFUSED):
            why = "the agent did not sign" if said.startswith(_UNSIGNED) else clean(said, 200)
            self._came.append(f"{name} cannot be used ({why})")
            return False
        self._came.append(f"{name} was refused")
        if self._methods is None and self.ask():
            return True
        if "publickey" not in (self._methods or []):
            raise self.fault(
                f"the node takes only {self._takes()}" if self._methods else "the node takes no login at all"
            )
        return False

    def _wants_more(self, name: str) -> bool:
        if self.ask():
            return True
        self._came.append(f"{name} was accepted; the node also wants {self._takes()}")
        if "publickey" not in (self._methods or []):
            raise self.fault(self._came[-1])
        return False

    def _end(self, name: str = "") -> None:
        """Raise the fault of a login that the node ended by closing the connection."""
        if not self._made:
            raise self.fault("the node closed the connection during the authentication")
        if self._made == 1 and name:
            raise self.fault(f"the node closed the connection when {name} was offered")
        many = f"too many authentication failures: the node closed the connection after {self._made} of the keys"
        raise self.fault("; ".join([many, *self._came, "name the right one in `identity`"]))

    def fault(self, words: str) -> NodeFailure:
        """Return the failure of this login, with these words."""
        return NodeFailure(State.AUTH_FAILED, f"{self._connection.user}: {words}")

    def _takes(self) -> str:
        return clean(", ".join(self._methods or ["something else"]), 200)
