"""Logging in: keys from files and from an agent, and what is said where it fails."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from asking import ask
from sshd import Server, free_port, generate, serve

import needs
from nicassh.inventory import Node
from nicassh.model.outcome import State
from nicassh.transport.libssh2.failures import LATE
from nicassh.transport.libssh2.identity import load_identity
from nicassh.transport.libssh2.key_file import encrypted


@pytest.fixture
def agent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A real ssh-agent of this test's own."""
    place = tmp_path / "agent"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", place], stdout=subprocess.DEVNULL)
    while not place.exists():
        time.sleep(0.01)
    monkeypatch.setenv("SSH_AUTH_SOCK", str(place))
    load_identity.cache_clear()
    yield
    process.kill()
    process.wait()
    load_identity.cache_clear()


@pytest.fixture(autouse=True)
def no_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    """The agent of the person who runs the tests is none of their business."""
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    load_identity.cache_clear()


def test_key_of_the_agent_is_used(agent: None, server: Server, tmp_path: Path) -> None:
    key = tmp_path / "locked"
    generate(key, "ed25519", "a passphrase")
    with (server.folder / "authorized").open("a") as file:
        file.write((tmp_path / "locked.pub").read_text())
    node = server.node(identity=(key,))
    response = ask(node, "true")
    assert response.state is State.AUTH_FAILED
    assert "has a passphrase: add it to the agent" in response.reason
    _add_to_agent(key, "a passphrase", tmp_path)
    assert ask(node, "true").state is State.OK


@pytest.mark.parametrize("kind", ["rsa", "ecdsa", "ed25519"])
def test_key_file_of_any_type_is_used(server: Server, kind: str, tmp_path: Path) -> None:
    key = tmp_path / "key"
    generate(key, kind)
    with (server.folder / "authorized").open("a") as file:
        file.write((tmp_path / "key.pub").read_text())
    assert ask(server.node(identity=(key,)), "true").state is State.OK


def test_second_key_is_tried_after_the_first_was_refused(server: Server, tmp_path: Path) -> None:
    generate(tmp_path / "stranger", "ed25519")
    node = server.node(identity=(tmp_path / "stranger", server.folder / "client"))
    assert ask(node, "true").state is State.OK


def test_refused_key_is_named(server: Server, tmp_path: Path) -> None:
    generate(tmp_path / "stranger", "ed25519")
    response = ask(server.node(identity=(tmp_path / "stranger",)), "true")
    assert response.state is State.AUTH_FAILED
    assert f"{tmp_path}/stranger was refused" in response.reason


def test_missing_key_file_is_named(server: Server, tmp_path: Path) -> None:
    response = ask(server.node(identity=(tmp_path / "nothing",)), "true")
    assert (response.state, "nothing: No such file" in response.reason) == (State.AUTH_FAILED, True)


@pytest.mark.parametrize("form", ["OpenSSH", "PEM"])
def test_passphrase_is_seen_in_both_formats(form: str, tmp_path: Path) -> None:
    for name, passphrase in (("open", ""), ("locked", "secret")):
        options = ["-m", form] if form == "PEM" else []
        command = ["ssh-keygen", "-q", "-t", "rsa", "-N", passphrase, *options, "-f", tmp_path / name]
        subprocess.run(command, check=True)
        assert encrypted((tmp_path / name).read_bytes()) is (name == "locked")


@pytest.mark.parametrize(("greeting", "phase"), [(b"", "greeting"), (b"SSH-2.0-OpenSSH_9.2\r\n", "key exchange")])
def test_stall_is_named_by_its_phase(greeting: bytes, phase: str) -> None:
    with _silent(greeting) as port:
        start = time.monotonic()
        response = ask(Node("stall", "127.0.0.1", port, user="nobody"), "true", connect_timeout=0.7)
    assert (response.state, response.reason) == LATE[phase]
    assert time.monotonic() - start < 1.5


def test_stall_in_authentication_is_named_and_delays_nobody(server: Server, tmp_path: Path) -> None:
    needs.root("sshd runs AuthorizedKeysCommand for it alone")
    options = ("AuthorizedKeysCommand /bin/sleep 60", "AuthorizedKeysCommandUser nobody")
    with serve(tmp_path / "slow", *options, keys=False) as slow:
        response = ask(slow.node(), "true", connect_timeout=1.0)
    assert (response.state, response.reason) == LATE["authentication"]


def test_refusal_and_closed_greeting_are_told_apart() -> None:
    port = free_port()
    response = ask(Node("off", "127.0.0.1", port, user="nobody"), "true")
    assert (response.state, response.reason) == (State.REFUSED, f"nothing listens on port {port}")
    with _silent(None) as closing:
        response = ask(Node("rude", "127.0.0.1", closing, user="nobody"), "true")
    assert response.state is State.UNREACHABLE
    assert "closed the connection" in response.reason


def test_unknown_name_says_so() -> None:
    response = ask(Node("ghost", "ghost.invalid", user="nobody"), "true")
    assert (response.state, response.reason) == (State.UNREACHABLE, "unknown host name ghost.invalid")


def test_node_that_needs_openssh_says_what_for(server: Server) -> None:
    response = ask(server.node(needs="ProxyJump"), "true")
    assert response.state is State.UNREACHABLE
    assert "needs the openssh transport" in response.reason
    assert "ProxyJump" in response.reason


class _silent:  # noqa: N801 used as a context manager
    """A server that accepts, says a greeting, and then nothing; without one it hangs up."""

    def __init__(self, greeting: bytes | None) -> None:
        self.greeting = greeting
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.peers: list[socket.socket] = []

    def __enter__(self) -> int:
        threading.Thread(target=self._serve, daemon=True).start()
        return int(self.socket.getsockname()[1])

    def __exit__(self, *_: object) -> None:
        self.socket.shutdown(socket.SHUT_RDWR)  # ends the thread that accepts
        for peer in (self.socket, *self.peers):
            peer.close()

    def _serve(self) -> None:
        while True:
            try:
                peer = self.socket.accept()[0]
            except OSError:
                return
            if self.greeting is None:
                peer.close()
            else:
                peer.sendall(self.greeting)
                self.peers.append(peer)


def _add_to_agent(key: Path, passphrase: str, folder: Path) -> None:
    answer = folder / "answer"
    answer.write_text(f"#!/bin/sh\necho '{passphrase}'\n")
    answer.chmod(0o700)
    environment = os.environ | {"SSH_ASKPASS": str(answer), "SSH_ASKPASS_REQUIRE": "force", "DISPLAY": ":0"}
    subprocess.run(["ssh-add", "-q", key], env=environment, stdin=subprocess.DEVNULL, check=True)


def test_node_that_hangs_up_once_is_asked_again(server: Server) -> None:
    """A busy sshd drops new connections at random (MaxStartups)."""
    dropped = []

    def relay() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port.append(listener.getsockname()[1])
            ready.set()
            listener.accept()[0].close()
            dropped.append(True)
            client = listener.accept()[0]
            with client, socket.create_connection(("127.0.0.1", server.port)) as real:
                forth = threading.Thread(target=_pump, args=(client, real), daemon=True)
                forth.start()
                _pump(real, client)
                forth.join()

    port: list[int] = []
    ready = threading.Event()
    threading.Thread(target=relay, daemon=True).start()
    ready.wait(5)
    known = server.folder / "relayed"
    known.write_text(f"127.0.0.1 {server.public()}\n")
    assert ask(server.node(port=port[0], known_hosts=(known,)), "true").state is State.OK
    assert dropped


def _pump(source: socket.socket, sink: socket.socket) -> None:
    """Hands on what comes, until either side ends; the other direction is then ended too."""
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    for end in (source, sink):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
