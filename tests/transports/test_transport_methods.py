"""What is said where a node does not let us in: what it was offered, what it answered, what it still wants."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from asking import ask
from sshd import Server, generate, serve

from nicassh.model.outcome import State
from nicassh.transport.libssh2.identity import load_identity
from nicassh.transport.libssh2.key_file import blemish

PUBLIC = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHeok0+A4ibR6iQpmiMEh846+2IA1vsPrCszmbJ/YVtY mon\n"
NO_KEYS = {
    "empty": ("", "it is empty"),
    "blank": ("\n\0\n", "it is empty"),
    "ppk": (
        "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nComment: x\n",
        "it is a key of PuTTY: convert it with `puttygen FILE -O private-openssh`",
    ),
    "pub": (PUBLIC, "it is a public key: name the private one, or add that to the agent"),
    "ssh.com": (
        '---- BEGIN SSH2 PUBLIC KEY ----\nComment: "x"\nAAAA\n',
        "it is a public key: name the private one, or add that to the agent",
    ),
    "tectia": (
        "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nP2/5\n",
        "it has the form of another SSH program: convert it to that of OpenSSH",
    ),
    "x509": ("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", "it is an X.509 certificate"),
    "text": ("my password is secret\n", "it has neither the form of OpenSSH nor PEM"),
    "large": ("x" * 100_000, "it is larger than any key"),
}


@pytest.fixture(autouse=True)
def no_agent(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The agent of the person who runs the tests is none of their business."""
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    load_identity.cache_clear()
    yield
    load_identity.cache_clear()


@pytest.mark.parametrize("case", NO_KEYS)
def test_file_without_a_private_key_is_told_and_not_offered(server: Server, tmp_path: Path, case: str) -> None:
    text, words = NO_KEYS[case]
    (tmp_path / case).write_text(text)
    response = ask(server.node(identity=(tmp_path / case,)), "true")
    assert response.state is State.AUTH_FAILED
    assert response.reason.endswith(f": {tmp_path}/{case}: no private key in this file ({words})")


@pytest.mark.parametrize("form", ["OpenSSH", "PEM"])
def test_file_that_was_cut_anywhere_is_no_key(form: str, tmp_path: Path) -> None:
    key = tmp_path / "key"
    generate(key, "ed25519") if form == "OpenSSH" else generate(key, "rsa", form="PEM")
    data = key.read_bytes()
    assert blemish(data) == ""
    assert blemish(data.replace(b"\n", b"\r\n")) == ""
    assert blemish(b"a word before it\n" + data) == ""
    end = len(data.rstrip())
    assert all(blemish(data[:size]) for size in range(0, end, 7))
    lines = data.splitlines(keepends=True)
    if form == "OpenSSH":
        assert blemish(b"".join([*lines[:2], *lines[3:]])) == "it is cut or damaged"


def test_pipe_is_no_key_file_and_is_not_waited_for(server: Server, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    response = ask(server.node(identity=(tmp_path / "pipe",)), "true")
    assert response.state is State.AUTH_FAILED
    assert f"{tmp_path}/pipe: Not a regular file" in response.reason


def test_key_beside_one_that_is_none_is_used(server: Server, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert ask(server.node(identity=(tmp_path / "empty", server.folder / "client")), "true").state is State.OK


def test_key_of_a_type_that_cannot_be_used_was_not_refused(server: Server, tmp_path: Path) -> None:
    generate(tmp_path / "key", "dsa")
    response = ask(server.node(identity=(tmp_path / "key",)), "true")
    assert response.state is State.AUTH_FAILED
    assert f"the key {tmp_path}/key cannot be used (" in response.reason
    assert "refused" not in response.reason


def test_refusal_says_what_the_node_takes(tmp_path: Path) -> None:
    generate(tmp_path / "stranger", "ed25519")
    with serve(tmp_path / "sshd", "PasswordAuthentication yes", "KbdInteractiveAuthentication no") as lax:
        response = ask(lax.node(identity=(tmp_path / "stranger",)), "true")
    assert response.reason.endswith(f"the key {tmp_path}/stranger was refused; the node takes publickey, password")


def test_key_that_is_not_enough_was_accepted(tmp_path: Path) -> None:
    options = ("AuthenticationMethods publickey,keyboard-interactive", "KbdInteractiveAuthentication yes")
    with serve(tmp_path / "sshd", *options) as twofold:
        response = ask(twofold.node(), "true")
    assert response.state is State.AUTH_FAILED
    words = f"the key {tmp_path}/sshd/client was accepted; the node also wants keyboard-interactive"
    assert response.reason.endswith(words)
    assert "refused" not in response.reason


def test_two_keys_are_given_where_two_are_wanted(tmp_path: Path) -> None:
    generate(tmp_path / "second", "ed25519")
    with serve(tmp_path / "sshd", "AuthenticationMethods publickey,publickey") as twofold:
        with (twofold.folder / "authorized").open("a") as file:
            file.write((tmp_path / "second.pub").read_text())
        response = ask(twofold.node(), "true")
        assert "was accepted; the node also wants publickey" in response.reason
        load_identity.cache_clear()
        node = twofold.node(identity=(twofold.folder / "client", tmp_path / "second"))
        assert ask(node, "true").state is State.OK


@pytest.mark.parametrize("keys", [1, 2])
@pytest.mark.parametrize(("password", "words"), [("yes", "only password"), ("no", "no login at all")])
def test_node_that_takes_no_keys_refused_none(tmp_path: Path, keys: int, password: str, words: str) -> None:
    options = ("PubkeyAuthentication no", f"PasswordAuthentication {password}", "KbdInteractiveAuthentication no")
    with serve(tmp_path / "sshd", *options) as old:
        response = ask(old.node(identity=(old.folder / "client",) * keys), "true")
    assert response.state is State.AUTH_FAILED
    assert response.reason.endswith(f": the node takes {words}")


def test_connection_that_ends_at_the_first_key_is_told_so(tmp_path: Path) -> None:
    generate(tmp_path / "stranger", "ed25519")
    with serve(tmp_path / "sshd", "MaxAuthTries 1") as strict:
        response = ask(strict.node(identity=(tmp_path / "stranger",)), "true")
        assert ask(strict.node(), "true").state is State.OK
    assert response.state is State.AUTH_FAILED
    assert f"the node closed the connection when the key {tmp_path}/stranger was offered" in response.reason


def test_third_key_is_reached_where_three_may_fail(tmp_path: Path) -> None:
    strangers = [tmp_path / f"stranger{index}" for index in range(2)]
    for stranger in strangers:
        generate(stranger, "ed25519")
    with serve(tmp_path / "sshd", "MaxAuthTries 3") as strict:
        assert ask(strict.node(identity=(*strangers, strict.folder / "client")), "true").state is State.OK
