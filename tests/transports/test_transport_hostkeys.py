"""Host keys: nothing is sent to a server before its key is known, and each way to fail has its own words."""

from __future__ import annotations

import base64
import errno
import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from asking import ask
from sshd import Server, generate, serve

from nicassh.inventory import Node
from nicassh.model.errors import ConfigError
from nicassh.model.outcome import State
from nicassh.transport.host_keys import KnownHosts, fingerprint

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
    response = ask(server.node(known_hosts=(file,), **fields), "true")
    return response.state, response.reason


def made_up(letter: bytes) -> bytes:
    """The public blob of an ed25519 key that nobody has the other half of."""
    return b"\0\0\0\x0bssh-ed25519\0\0\0 " + letter * 32


def written(name: str, key: bytes) -> str:
    """The line of known_hosts of that key."""
    return f"{name} ssh-ed25519 {base64.b64encode(key).decode()}"


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
    response = ask(server.node(known_hosts=(file,)), "true", host_keys="accept-new")
    assert response.state is State.HOST_KEY_CHANGED
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
    key = made_up(b"k")
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
    assert hosts.accept(subject, key) is State.HOST_KEY_CHANGED
    assert hosts.accept(subject, key, replace=True) is State.OK
    lines = file.read_text().splitlines()
    assert lines[:2] == ["# mine", f"else {other}"]
    assert f"@revoked * {other}" in lines
    for again in (hosts, KnownHosts([file])):
        assert again.verdict(subject, key) is State.OK
        assert len(again.entries(subject)) == 2


def test_a_key_that_another_process_recorded_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    """What was read a minute ago says "unknown" of both keys; only the first one recorded may be trusted."""
    file, subject = tmp_path / "known_hosts", Node("n1", "10.0.0.1")
    old, other = KnownHosts([file]), KnownHosts([file])
    assert old.verdict(subject, made_up(b"b")) is State.HOST_KEY_UNKNOWN
    assert other.record(subject, made_up(b"a")) is State.OK
    assert old.record(subject, made_up(b"b")) is State.HOST_KEY_CHANGED
    assert old.accept(subject, made_up(b"b")) is State.HOST_KEY_CHANGED
    assert old.record(subject, made_up(b"a")) is State.OK
    assert file.read_text() == written("n1,10.0.0.1", made_up(b"a")) + "\n"


def test_a_key_that_was_revoked_meanwhile_is_not_recorded(tmp_path: Path) -> None:
    file, subject = tmp_path / "known_hosts", Node("n1", "10.0.0.1")
    hosts = KnownHosts([file])
    file.write_text(f"@revoked {written('*', made_up(b'a'))}\n")
    assert hosts.record(subject, made_up(b"a")) is State.HOST_KEY_REVOKED
    assert hosts.accept(subject, made_up(b"a"), replace=True) is State.HOST_KEY_REVOKED


RECORDER = """
import sys
from pathlib import Path
from nicassh.inventory import Node
from nicassh.transport.host_keys import KnownHosts
head = b"\\0\\0\\0\\x0bssh-ed25519\\0\\0\\0 "
hosts = KnownHosts([Path(sys.argv[1])])
print("ready", flush=True)
sys.stdin.readline()
for number in range(25):
    assert hosts.record(Node(f"w{sys.argv[2]}n{number}", f"10.0.{sys.argv[2]}.{number}"), head + b"k" * 32) == "ok"
    own = head + sys.argv[2].encode() * 32
    print(hosts.record(Node(f"common{number}", f"10.9.0.{number}"), own), flush=True)
"""


def test_processes_that_record_at_once_lose_no_line_and_change_no_key(tmp_path: Path) -> None:
    """Four processes record 25 nodes of their own each, and each its own key for the same 25 nodes."""
    file = tmp_path / "known_hosts"
    command = [sys.executable, "-c", RECORDER, str(file)]
    crew = [
        subprocess.Popen([*command, str(number)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for number in range(4)
    ]
    for process in crew:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in crew:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    said = [process.communicate(timeout=120)[0].split() for process in crew]
    lines = file.read_text().splitlines()
    names = [line.split(",")[0] for line in lines]
    assert sorted(name for name in names if name.startswith("w")) == sorted(
        f"w{crew_member}n{number}" for crew_member in range(4) for number in range(25)
    )
    assert len(lines) == len(set(names)) == 125
    for answers in zip(*said, strict=True):
        assert sorted(answers) == [State.HOST_KEY_CHANGED] * 3 + [State.OK]


AWKWARD = (
    b"other ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDvzQaox7i4277xHiVbemQkovtENOMhHUnpsgncDnbKE comment\x0cpart two\n"
    b"n21 ssh-rsa AAAA junk\n# a\xc2\x85b\n\xe9t\xe9 ssh-rsa AAAA\r\n\t n9  ssh-rsa\tAAAA\x0b\r x\n\n   \n"
    b"last ssh-rsa AAAA"
)


@pytest.mark.parametrize("replace", [False, True])
def test_the_lines_of_others_stay_byte_for_byte(tmp_path: Path, replace: bool) -> None:
    file, subject = tmp_path / "known_hosts", Node("n21", "10.0.0.21")
    before = AWKWARD
    if replace:
        before = before.replace(b"\n\n", b"\n " + written("n21,x9", made_up(b"a")).encode() + b" note\r\n\n")
    file.write_bytes(before)
    file.chmod(0o640)
    assert KnownHosts([file]).accept(subject, made_up(b"b"), replace) is State.OK
    new = written("n21,10.0.0.21", made_up(b"b")).encode() + b"\n"
    assert file.read_bytes() == before.replace(b"n21,x9", b"x9") + b"\n" + new
    assert file.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [file]
    assert KnownHosts([file]).verdict(subject, made_up(b"b")) is State.OK


BROKEN = {
    "n16 ssh-rsa AAAA": State.HOST_KEY_UNKNOWN,
    "n16 ssh-rsa AAAA junk": State.HOST_KEY_UNKNOWN,
    written("n16", made_up(b"a")).replace("ssh-ed25519", "ssh-rsa", 1): State.HOST_KEY_UNKNOWN,
    "n16 ssh-ed25519": State.HOST_KEY_UNKNOWN,
    "n16": State.HOST_KEY_UNKNOWN,
    written("n16", made_up(b"g"))[:-20]: State.HOST_KEY_CHANGED,
    written("n16", made_up(b"g"))[:-17]: State.HOST_KEY_CHANGED,
    written("n16", made_up(b"g")[:-3]): State.HOST_KEY_CHANGED,
    written("n16", made_up(b"g") + b"x"): State.HOST_KEY_CHANGED,
}
"""Lines that are cut, and what is said of a key where there is no other line.

Where it is seen that there was a key, a new one must not be trusted without a question.
"""


@pytest.mark.parametrize(("broken", "alone"), BROKEN.items())
def test_a_line_that_was_cut_is_passed_over(tmp_path: Path, broken: str, alone: State) -> None:
    file, subject = tmp_path / "known_hosts", Node("n16", "n16")
    file.write_text(f"{broken}\n{written('n16', made_up(b'g'))}\n")
    assert KnownHosts([file]).verdict(subject, made_up(b"g")) is State.OK
    assert KnownHosts([file]).verdict(subject, made_up(b"h")) is State.HOST_KEY_CHANGED
    file.write_text(f"{broken}\n")
    assert KnownHosts([file]).verdict(subject, made_up(b"g")) is alone
    refused = alone is State.HOST_KEY_CHANGED
    assert KnownHosts([file]).record(subject, made_up(b"g")) is (alone if refused else State.OK)
    assert KnownHosts([file]).accept(subject, made_up(b"g"), replace=True) is State.OK
    left = "" if refused else f"{broken}\n"
    assert file.read_text() == f"{left}{written('n16', made_up(b'g'))}\n"


def test_a_key_of_a_type_whose_line_was_cut_is_not_taken_for_a_new_one(tmp_path: Path) -> None:
    file, subject = tmp_path / "known_hosts", Node("n16", "n16")
    rsa = "n16 ssh-rsa " + base64.b64encode(b"\0\0\0\x07ssh-rsa\0\0\0\1\3\0\0\0\1\5").decode()
    file.write_text(f"{written('n16', made_up(b'a'))[:-20]}\n{rsa}\n")
    hosts = KnownHosts([file])
    assert hosts.preference(subject).startswith("rsa-sha2-512")
    assert hosts.accept(subject, made_up(b"a")) is State.HOST_KEY_CHANGED
    assert hosts.accept(subject, made_up(b"a"), replace=True) is State.OK
    assert file.read_text() == f"{rsa}\n{written('n16', made_up(b'a'))}\n"


@pytest.mark.parametrize("port", [22, 2222])
@pytest.mark.parametrize("address", ["FD00:0::2", "fd00::2", "[FD00:0:0:0:0:0:0:2]"])
@pytest.mark.parametrize(
    "spelling", ["fd00::2", "FD00::2", "fd00:0:0:0:0:0:0:2", "fd00:0000:0000:0000:0000:0000:0000:0002", "FD00:0::2"]
)
def test_an_ipv6_address_is_known_in_every_spelling(tmp_path: Path, address: str, spelling: str, port: int) -> None:
    file, subject = tmp_path / "known_hosts", Node("v6", address, port)
    label = spelling if port == 22 else f"[{spelling}]:{port}"
    for hashed in (False, True):
        file.write_text(written(label.lower() if hashed else label, made_up(b"a")) + "\n")
        if hashed and spelling != "FD00:0::2":  # a hash keeps the spelling, and of these there are many
            subprocess.run(["ssh-keygen", "-q", "-H", "-f", file], capture_output=True, check=True)
        assert KnownHosts([file]).verdict(subject, made_up(b"a")) is State.OK
        assert KnownHosts([file]).verdict(subject, made_up(b"b")) is State.HOST_KEY_CHANGED
    assert KnownHosts([file]).accept(subject, made_up(b"b"), replace=True) is State.OK
    own = "v6,fd00::2" if port == 22 else "[v6]:2222,[fd00::2]:2222"
    assert file.read_text() == written(own, made_up(b"b")) + "\n"


@pytest.mark.parametrize(
    ("address", "label"),
    [
        ("::1", "[::1]:22"),
        ("::ffff:10.0.0.2", "10.0.0.2"),
        ("10.0.0.2", "::ffff:10.0.0.2"),
        ("10.0.0.2", "::FFFF:a00:2"),
        ("fe80::1%eth0", "FE80:0::1%eth0"),
    ],
)
def test_other_forms_of_one_address(tmp_path: Path, address: str, label: str) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(written(label, made_up(b"a")) + "\n")
    assert KnownHosts([file]).verdict(Node("v6", address), made_up(b"a")) is State.OK


def test_another_interface_is_another_machine(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(written("fe80::1%eth0", made_up(b"a")) + "\n")
    assert KnownHosts([file]).verdict(Node("v6", "fe80::1%eth1"), made_up(b"a")) is State.HOST_KEY_UNKNOWN


def test_a_dangling_link_is_made_at_its_target(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    link = tmp_path / "known_hosts"
    link.symlink_to(tmp_path / "there" / "hosts")
    assert KnownHosts([link]).record(Node("n1", "10.0.0.1"), made_up(b"a")) is State.OK
    assert KnownHosts([link]).accept(Node("n1", "10.0.0.1"), made_up(b"b"), replace=True) is State.OK
    assert link.is_symlink()
    assert (tmp_path / "there" / "hosts").read_text() == written("n1,10.0.0.1", made_up(b"b")) + "\n"


def test_what_cannot_be_recorded_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    subject = Node("n1", "10.0.0.1")
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "no folder" / "hosts")
    with pytest.raises(ConfigError, match=r"link: it is a link to .*no folder/hosts"):
        KnownHosts([link]).record(subject, made_up(b"a"))
    with pytest.raises(ConfigError, match=r"/dev/null: is no ordinary file"):
        KnownHosts([Path(os.devnull)]).record(subject, made_up(b"a"))

    def no_locks(_descriptor: int, _operation: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with pytest.raises(ConfigError, match=r"hosts: its file system does not lock files .*NFS"):
        KnownHosts([tmp_path / "hosts"]).record(subject, made_up(b"a"))


def test_a_lock_that_does_not_come_free_is_said_and_nothing_is_written(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    with file.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        with pytest.raises(ConfigError, match=r"known_hosts: locked by another process"):
            KnownHosts([file]).record(Node("n1", "10.0.0.1"), made_up(b"a"))
    assert file.read_bytes() == b""
