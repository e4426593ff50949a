"""What stands where an SSH banner should: sshd's own words and those of others become the reason."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from asking import ask
from sshd import Server

from nicassh.inventory import Node
from nicassh.model.outcome import State
from nicassh.transport import Limits
from nicassh.transport.libssh2.scan import scan_host_keys


@contextmanager
def saying(*parts: bytes, closing: bool = True) -> Iterator[Node]:
    """A node that says these words to whoever comes, piece by piece, and then hangs up or goes silent."""
    listener = socket.create_server(("127.0.0.1", 0))
    peers = []

    def serve() -> None:
        while True:
            try:
                peer = listener.accept()[0]
            except OSError:
                return
            peers.append(peer)
            with suppress(OSError):  # it has heard enough
                for part in parts:
                    peer.sendall(part)
                    gone.wait(0.05)  # so that the pieces do not come together
                if closing:
                    peer.shutdown(socket.SHUT_WR)

    gone = threading.Event()
    threading.Thread(target=serve, daemon=True).start()
    yield Node("odd", "127.0.0.1", listener.getsockname()[1], user="nobody", connect_timeout=3.0)
    gone.set()
    listener.shutdown(socket.SHUT_RDWR)
    for one in (listener, *peers):
        one.close()


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        (
            (b"Exceeded MaxStartups\r\n",),
            "closed the connection before its SSH greeting; it said: Exceeded MaxStartups",
        ),
        ((b"Not allowed ", b"at this time\r\n"), "it said: Not allowed at this time"),
        ((b"first\r\nlast\r\n\r\n",), "it said: last"),
        ((b"HTTP/1.1 400 Bad Request\r\n",), "it said: HTTP/1.1 400 Bad Request"),
        ((b"no end of a line",), "it said: no end of a line"),
        ((b"mail SSH-2.0-not at the start of a line\r\n",), "it said: mail SSH-2.0-not"),
        ((b"mail ", b"SSH-2.0-neither\r\n"), "it said: mail SSH-2.0-neither"),
        ((b"\x1b[2J\xff\x00owned\r\n",), "it said: ␛[2J\ufffd␀owned"),
        ((b"SSH-2.0-cut",), "closed the connection before its SSH greeting; it said: SSH-2.0-cut"),
        ((b"SSH-1.5-1.2.27\r\n",), "the node does not speak SSH 2; it said: SSH-1.5-1.2.27"),
        ((b"SS", b"H-", b"1.5-slow", b"ly\n"), "the node does not speak SSH 2; it said: SSH-1.5-slowly"),
        ((b"SSH-2.0-" + b"x" * 1000 + b"\r\n",), "it said: SSH-2.0-xxx"),
        ((), "closed the connection before its SSH greeting (MaxStartups, hosts.deny?)"),
    ],
)
def test_last_line_before_the_greeting_is_the_reason(parts: tuple[bytes, ...], words: str) -> None:
    with saying(*parts) as node:
        response = ask(node, "true")
        assert response.state is State.UNREACHABLE
        assert words in response.reason
        (found,) = scan_host_keys([node], Limits())
        assert (found.state, found.reason) == (response.state, response.reason)


def test_node_that_says_something_else_and_waits() -> None:
    with saying(b"220 mail.example ESMTP\r\n", closing=False) as node:
        response = ask(node, "true", connect_timeout=1.0)
    assert response.state is State.TIMEOUT
    assert response.reason == "connected, but the node sent no SSH greeting; it said: 220 mail.example ESMTP"


@pytest.mark.parametrize("packet", [b"\xff", b"\0", b"\x7f\xff\xff\xff\x04\x14", b"GET /\r\n\r"])
def test_packets_that_are_none_are_said_in_plain_words(packet: bytes) -> None:
    with saying(b"SSH-2.0-odd\r\n", packet * 200, closing=False) as node:
        response = ask(node, "true")
    assert response.state == State.UNREACHABLE
    assert response.reason == "what the node sent in the key exchange is not SSH as it should be"


def test_lines_before_the_banner_of_a_good_node_do_no_harm(server: Server) -> None:
    """RFC 4253 allows them; here they come in pieces, and the banner with them."""
    before = [b"Welcome to", b" the farm\r\n", b"SSH is spoken here\r\nSS"]

    def relay() -> None:
        client = listener.accept()[0]
        with client, socket.create_connection(("127.0.0.1", server.port)) as real:
            for part in before:
                client.sendall(part)
            client.sendall(real.recv(65536).removeprefix(b"SS"))
            threading.Thread(target=_pump, args=(client, real), daemon=True).start()
            _pump(real, client)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=relay, daemon=True).start()
        known = server.folder / "talkative"
        known.write_text(f"127.0.0.1 {server.public()}\n")
        node = server.node(port=listener.getsockname()[1], known_hosts=(known,))
        assert ask(node, "true").state is State.OK


def _pump(source: socket.socket, sink: socket.socket) -> None:
    while data := source.recv(65536):
        sink.sendall(data)
