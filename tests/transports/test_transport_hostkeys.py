"""Host keys: nothing is sent to a server before its key is known, and each way to fail has its own words."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from asking import ask
from sshd import Server, generate, serve

from nicassh.nodes import Node
from nicassh.state import State
from nicassh.transport.hostkeys import KnownHosts, fingerprint

KINDS = ("rsa", "ecdsa", "ed25519")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """An sshd with a key of each type, and another key of each type that it does not have."""
    folder = tmp_path_factory.mktemp("keys")
    for kind in KINDS:
        generate(folder / f"other_{kind}", kind)
    with serve(folder, kinds=KINDS) as running:
        yield running


def reply_with(server: Server, known: str, tmp_path: Path, **fields: object) -> tuple[State, str]:
    """State and reason of a login with this text as known_hosts; {…} stand for keys and the port."""
    keys = {kind: server.public(kind) for kind in KINDS}
    others = {
        f"other_{kind}": " ".join((server.folder / f"other_{kind}.pub").read_text().split()[:2]) for kind in KINDS
    }
    file = tmp_path / "known_hosts"
    file.write_text(known.format(port=server.port, **keys, **others))
    reply = ask(server.node(known_hosts=(file,), **fields), "true")
    return reply.state, reply.reason


def print_of(server: Server, kind: str) -> str:
    """What ssh-keygen says is the fingerprint of a host key."""
    said = subprocess.run(["ssh-keygen", "-lf", server.folder / f"host_{kind}.pub"], capture_output=True, text=True)
    return said.stdout.split()[1]


@pytest.mark.parametrize(
    "known",
    [
        "[127.0.0.1]:{port} {ed25519}",
        "[127.0.0.1]:{port} {ecdsa}",
        "[127.0.0.1]:{port} {rsa}",
        "[here]:{port} {rsa}",
        "127.0.0.1 {ed25519}",
        "[127.0.0.*]:* {ed25519}",
        "other.example,[127.0.0.1]:{port} {ed25519} a comment",
        "# a comment\n\nnonsense\n[127.0.0.1]:{port} ssh-ed25519 !!!\n[127.0.0.1]:{port} {rsa}",
        "[127.0.0.1]:{port} {other_ed25519}\n[127.0.0.1]:{port} {ed25519}",
        "@cert-authority * {other_rsa}\n[127.0.0.1]:{port} {ecdsa}",
        "@revoked * {other_rsa}\n[127.0.0.1]:{port} {ed25519}",
    ],
)
def test_known_key_is_accepted_whatever_its_type_and_form(server: Server, known: str, tmp_path: Path) -> None:
    assert reply_with(server, known, tmp_path) == (State.OK, "")


@pytest.mark.parametrize(
    "known",
    ["", "elsewhere {ed25519}", "[127.0.0.1]:1 {ed25519}", "@cert-authority * {ed25519}", "!127.0.0.1,127.* {ed25519}"],
)
def test_unknown_key_is_refused_with_its_fingerprint(server: Server, known: str, tmp_path: Path) -> None:
    state, reason = reply_with(server, known, tmp_path)
    assert state is State.HOST_KEY_UNKNOWN
    assert "not in known_hosts: SHA256:" in reason


@pytest.mark.parametrize("kind", KINDS)
def test_changed_key_is_refused_with_its_fingerprint(server: Server, kind: str, tmp_path: Path) -> None:
    state, reason = reply_with(server, f"[127.0.0.1]:{{port}} {{other_{kind}}}", tmp_path)
    assert state is State.HOST_KEY_CHANGED
    assert print_of(server, kind) in reason


def test_changed_key_is_refused_by_accept_new_too(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    other = " ".join((server.folder / "other_ed25519.pub").read_text().split()[:2])
    file.write_text(f"[127.0.0.1]:{server.port} {other}\n")
    reply = ask(server.node(known_hosts=(file,)), "true", host_keys="accept-new")
    assert reply.state is State.HOST_KEY_CHANGED
    assert file.read_text().count("\n") == 1


def test_revoked_key_is_refused_even_if_it_is_known(server: Server, tmp_path: Path) -> None:
    known = "[127.0.0.1]:{port} {ed25519}\n@revoked * {ed25519}"
    state, reason = reply_with(server, known, tmp_path)
    assert state is State.HOST_KEY_REVOKED
    assert print_of(server, "ed25519") in reason


def test_revoked_key_is_named_though_nothing_else_is_known(server: Server, tmp_path: Path) -> None:
    known = "@revoked [127.0.0.1]:{port} {ecdsa}\n@revoked * {ed25519}\n@revoked * {rsa}"
    assert reply_with(server, known, tmp_path)[0] is State.HOST_KEY_REVOKED


def test_hashed_name_is_found(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(f"[127.0.0.1]:{server.port} {server.public()}\n")
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", file], capture_output=True, check=True)
    assert file.read_text().startswith("|1|")
    assert ask(server.node(known_hosts=(file,)), "true").state is State.OK


def test_accept_new_records_the_key_and_openssh_agrees(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "folder" / "known_hosts"
    node = server.node(known_hosts=(file,))
    assert ask(node, "true", host_keys="accept-new").state is State.OK
    assert ask(node, "true").state is State.OK
    found = subprocess.run(["ssh-keygen", "-F", f"[127.0.0.1]:{server.port}", "-f", file], capture_output=True)
    assert found.returncode == 0
    assert file.stat().st_mode & 0o777 == 0o600


def test_recording_keeps_a_file_that_lacks_its_last_newline(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text("first ssh-ed25519 AAAA")
    key = b"\0\0\0\x0bssh-ed25519" + b"k" * 36
    KnownHosts([file]).record(Node("second", "10.0.0.2"), key)
    lines = file.read_text().splitlines()
    assert lines[0] == "first ssh-ed25519 AAAA"
    assert lines[1].startswith("second,10.0.0.2 ssh-ed25519 ")
    assert fingerprint(key).startswith("SHA256:")


def test_names_are_compared_in_lower_case(server: Server, tmp_path: Path) -> None:
    known = "[nc2.example]:{port} {ed25519}"
    file = tmp_path / "known_hosts"
    file.write_text(known.format(port=server.port, ed25519=server.public()))
    assert ask(server.node("NC2.Example", known_hosts=(file,)), "true").state is State.OK


def test_a_new_key_takes_the_place_of_the_old_one(server: Server, tmp_path: Path) -> None:
    """A key that was given up may have been stolen: it must not stay trusted beside the new one."""
    file = tmp_path / "known_hosts"
    other = " ".join((server.folder / "other_ed25519.pub").read_text().split()[:2])
    label = f"[127.0.0.1]:{server.port}"
    file.write_text(f"# mine\nelse,{label} {other}\n{label} {server.public('rsa')}\n@revoked * {other}\n")
    subject = server.node(known_hosts=(file,))
    hosts = KnownHosts([file])
    key = base64.b64decode(server.public().split()[1])
    assert hosts.verdict(subject, key) is State.HOST_KEY_CHANGED
    hosts.record(subject, key)
    lines = file.read_text().splitlines()
    assert lines[:2] == ["# mine", f"else {other}"]
    assert f"@revoked * {other}" in lines
    for again in (hosts, KnownHosts([file])):
        assert again.verdict(subject, key) is State.OK
        assert len(again.entries(subject)) == 2
