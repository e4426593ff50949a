"""The agent: its keys in a good order, and one that misbehaves stops nobody."""

from __future__ import annotations

import dataclasses
import getpass
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from agents import add, agent, hostile
from asking import ask, request
from sshd import Server, generate, serve

from nicassh.inventory import Node
from nicassh.model.outcome import State
from nicassh.transport import Connections, Limits, Response
from nicassh.transport.libssh2.identity import load_identity

PASSPHRASE = "of the tests"  # noqa: S105 of keys that live for one test


@pytest.fixture(autouse=True)
def no_agent(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The agent of the person who runs the tests is none of their business."""
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    load_identity.cache_clear()
    yield
    load_identity.cache_clear()


@pytest.fixture
def real(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A real agent, which is asked."""
    with agent(tmp_path) as place:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(place))
        yield place


def test_key_of_identity_is_reached_though_it_is_the_seventh_of_the_agent(
    real: Path, server: Server, tmp_path: Path
) -> None:
    add(real, *_strangers(tmp_path, 6))
    key = _locked(server, tmp_path)
    add(real, key, passphrase=PASSPHRASE)
    response = ask(server.node(identity=(key,)), "true")
    assert (response.state, response.reason) == (State.OK, "")


@pytest.mark.parametrize("form", ["OpenSSH", "PEM"])
def test_public_file_tells_which_key_of_the_agent_comes_first(
    real: Path, server: Server, tmp_path: Path, form: str
) -> None:
    """The private file of PEM does not say what its public part is, and may not be there at all."""
    add(real, *_strangers(tmp_path, 6))
    key = _locked(server, tmp_path, kind="rsa", form=form.replace("OpenSSH", ""))
    add(real, key, passphrase=PASSPHRASE)
    assert ask(server.node(identity=(key,)), "true").state is State.OK
    key.unlink()
    load_identity.cache_clear()
    assert ask(server.node(identity=(key,)), "true").state is State.OK
    load_identity.cache_clear()
    assert ask(server.node(identity=(tmp_path / "locked.pub",)), "true").state is State.OK


def test_certificate_of_identity_comes_first(real: Path, tmp_path: Path) -> None:
    strangers = _strangers(tmp_path, 6)
    generate(tmp_path / "authority", "ed25519")
    generate(tmp_path / "mine", "ed25519", PASSPHRASE)
    signing = [
        "ssh-keygen",
        "-q",
        "-s",
        tmp_path / "authority",
        "-I",
        "me",
        "-n",
        getpass.getuser(),
        tmp_path / "mine.pub",
    ]
    subprocess.run(signing, check=True)
    add(real, *strangers)
    add(real, tmp_path / "mine", passphrase=PASSPHRASE)  # ssh-add takes the certificate beside it too
    with serve(tmp_path / "sshd", f"TrustedUserCAKeys {tmp_path}/authority.pub", keys=False) as trusting:
        assert ask(trusting.node(identity=(tmp_path / "mine",)), "true").state is State.OK


@pytest.mark.parametrize("kind", ["rsa", "ecdsa", "ed25519"])
def test_agent_signs_with_a_key_of_any_type(real: Path, server: Server, tmp_path: Path, kind: str) -> None:
    key = _locked(server, tmp_path, kind=kind)
    add(real, key, passphrase=PASSPHRASE)
    with Connections(Limits(timeout=30, connect_timeout=20)) as connections:
        requests = [request(node, "true") for node in _nodes(server, 12, identity=(key,))]
        assert {response.state for response in connections.run(requests)} == {State.OK}


def test_other_keys_of_the_agent_are_kept_back_where_ssh_config_says_so(
    real: Path, server: Server, tmp_path: Path
) -> None:
    right = tmp_path / "right"
    generate(right, "ed25519")
    _authorise(server, right)
    add(real, right)
    generate(tmp_path / "stranger", "ed25519")
    node = server.node(identity=(tmp_path / "stranger",))
    assert ask(node, "true").state is State.OK
    response = ask(dataclasses.replace(node, identities_only=True), "true")
    assert response.state is State.AUTH_FAILED
    assert "the agent has none of these keys" in response.reason


def test_keys_beyond_the_fifth_are_not_offered_and_that_is_said(real: Path, server: Server, tmp_path: Path) -> None:
    strangers = _strangers(tmp_path, 9)
    add(real, *strangers[2:])
    response = ask(server.node(identity=tuple(strangers[:2])), "true")
    assert response.state is State.AUTH_FAILED
    assert response.reason.count("was refused") == 5
    assert "4 more not offered (5 are the most): name the right one in `identity`" in response.reason
    assert "too many" not in response.reason


def test_too_many_failures_are_called_so(real: Path, tmp_path: Path) -> None:
    strangers = _strangers(tmp_path, 4)
    add(real, *strangers)
    with serve(tmp_path / "sshd", "MaxAuthTries 3") as strict:
        for identity, offered_keys in ((strangers[:1], 2), (strangers[:2], 3)):  # of one key, a question counts too
            response = ask(strict.node(identity=tuple(identity)), "true")
            assert response.state is State.AUTH_FAILED
            words = f"too many authentication failures: the node closed the connection after {offered_keys} of the keys"
            assert words in response.reason, response.reason


def test_key_that_was_offered_from_its_file_is_not_offered_again(real: Path, server: Server, tmp_path: Path) -> None:
    (stranger,) = _strangers(tmp_path, 1)
    add(real, stranger)
    response = ask(server.node(identity=(stranger,)), "true")
    assert response.reason.count("was refused") == 1


def test_agent_that_refuses_to_sign_is_told(real: Path, server: Server, tmp_path: Path) -> None:
    key = _locked(server, tmp_path)
    add(real, key, passphrase=PASSPHRASE, confirm=True)  # nobody is there to confirm
    response = ask(server.node(identity=(key,)), "true")
    assert response.state is State.AUTH_FAILED
    assert f"the agent's key {key} cannot be used (the agent did not sign)" in response.reason
    assert "refused" not in response.reason


def test_socket_that_is_not_there_is_told(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "gone"))
    response = ask(server.node(identity=(_strangers(tmp_path, 1)[0],)), "true")
    assert response.state is State.AUTH_FAILED
    assert f"no agent answers at SSH_AUTH_SOCK ({tmp_path}/gone: No such file or directory)" in response.reason


@pytest.mark.parametrize(
    ("mode", "state", "words"),
    [
        ("silent", State.AUTH_FAILED, "the agent does not answer"),
        ("trickle", State.AUTH_FAILED, "the agent does not answer"),
        ("cut", State.AUTH_FAILED, "closed the connection in the midst of its answer"),
        ("huge", State.AUTH_FAILED, "announces 10000005 bytes"),
        ("endless", State.AUTH_FAILED, "list of keys cannot be read"),
        ("false", State.AUTH_FAILED, "list of keys cannot be read"),
        ("wrong", State.AUTH_FAILED, "the agent did not sign"),
        ("closing", State.AUTH_FAILED, "the agent did not sign"),
        ("unsigned", State.TIMEOUT, "the agent listed its keys and did not sign in time"),
    ],
)
def test_hostile_agent_is_named_and_delays_nobody(
    mode: str, state: State, words: str, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = _locked(server, tmp_path)
    with hostile(mode, tmp_path, key.with_suffix(".pub")) as place:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(place))
        nodes = [*_nodes(server, 3, "bad", identity=(key,)), *_nodes(server, 12)]
        start = time.monotonic()
        responses = _responses(nodes, connect_timeout=10.0)
        assert time.monotonic() - start < 22  # the agent ends after 25 s, and with it a wait that has no limit
    bad = [response for response in responses if response.node.name.startswith("bad")]
    assert {response.state for response in responses if response not in bad} == {State.OK}
    assert {response.state for response in bad} == {state}
    assert all(words in response.reason and "refused" not in response.reason for response in bad), bad[0].reason
    if mode in ("silent", "unsigned", "trickle"):
        assert responses[-3:] == bad


def test_slow_signature_delays_nobody_and_is_good(
    real: Path, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = _locked(server, tmp_path)
    add(real, key, passphrase=PASSPHRASE)
    with hostile("late", tmp_path, key.with_suffix(".pub"), real) as place:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(place))
        responses = _responses([*_nodes(server, 6, "late", identity=(key,)), *_nodes(server, 6)])
    assert {response.state for response in responses} == {State.OK}
    assert {response.node.name[:4] for response in responses[-6:]} == {"late"}
    assert max(response.seconds for response in responses[:6]) < min(response.seconds for response in responses[-6:])


def test_no_descriptor_is_left_by_an_agent(real: Path, server: Server, tmp_path: Path) -> None:
    key = _locked(server, tmp_path)
    add(real, key, passphrase=PASSPHRASE)
    ask(server.node(identity=(key,)), "true")  # opens what stays open for good: the event loop
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        ask(server.node(identity=(key,)), "true")
    assert len(list(Path("/proc/self/fd").iterdir())) <= before + 1


def _responses(nodes: list[Node], connect_timeout: float = 20.0) -> list[Response]:
    with Connections(Limits(timeout=30, connect_timeout=connect_timeout)) as connections:
        return list(connections.run([request(node, "true") for node in nodes]))


def _nodes(server: Server, number: int, name: str = "good", **fields: object) -> list[Node]:
    return [server.node(f"{name}{index}", **fields) for index in range(number)]


def _strangers(folder: Path, number: int) -> list[Path]:
    """Keys that nobody knows."""
    keys = [folder / f"stranger{index}" for index in range(number)]
    for key in keys:
        generate(key, "ed25519")
    return keys


def _locked(server: Server, folder: Path, kind: str = "ed25519", form: str = "") -> Path:
    """A key with a passphrase which the server lets in."""
    key = folder / "locked"
    generate(key, kind, PASSPHRASE, form)
    _authorise(server, key)
    return key


def _authorise(server: Server, key: Path) -> None:
    with (server.folder / "authorized").open("a") as file:
        file.write(key.with_suffix(".pub").read_text())
