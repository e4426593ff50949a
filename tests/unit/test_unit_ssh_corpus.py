"""Our reading of ssh_config against OpenSSH's own: each file of the corpus, for some hosts, with `ssh -G`."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from ipaddress import IPv6Address
from pathlib import Path

import pytest
from ssh_corpus import INCLUDED, READ_ALIKE

import needs
from nicassh.inventory import Node, load

HOSTS = ("nc2", "nc3", "NC2", "nc2.jinr.ru", "gw")
ASKED: list[tuple[str, tuple[str, ...]]] = [
    *((host, ()) for host in HOSTS),
    ("nc2", ("-l", "mpd", "-p", "2022")),
    ("nc2", ("-o", "HostName=10.0.0.9")),
]
"""Names, and what the inventory says besides: ssh is told the same on its command line."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    if not shutil.which("ssh"):
        needs.missing("openssh-client is missing")
    monkeypatch.setenv("HOME", pwd.getpwuid(os.getuid()).pw_dir)  # ssh itself does not ask HOME
    monkeypatch.setenv("USER_OF_CORPUS", "someone")
    for name, text in INCLUDED.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text.replace("{folder}", str(tmp_path)))
        (tmp_path / name).chmod(0o600)
    return tmp_path


def write(folder: Path, text: str) -> Path:
    file = folder / "ssh_config"
    file.write_bytes(text.replace("{folder}", str(folder)).encode("utf-8", "surrogateescape"))
    return file


def ours(file: Path, host: str, arguments: tuple[str, ...] = ()) -> Node:
    given = dict(zip(arguments[::2], arguments[1::2], strict=True))
    lines = [f'names = "{host}"', f'ssh_config = "{file}"']
    lines += [f'user = "{given["-l"]}"', f"port = {given['-p']}"] if "-l" in given else []
    lines += [f'address = "{given["-o"].removeprefix("HostName=")}"'] if "-o" in given else []
    inventory = file.with_name("inventory.toml")
    inventory.write_text("[[nodes]]\n" + "\n".join(lines) + "\n")
    return load([inventory]).nodes[host]


def theirs(file: Path, host: str, arguments: tuple[str, ...] = ()) -> dict[str, list[str]]:
    """The options that `ssh -G` prints: each line's text by its keyword."""
    command = ["ssh", "-G", "-F", str(file), *arguments, host]
    said = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=True)
    found: dict[str, list[str]] = {}
    for line in said.stdout.decode("utf-8", "surrogateescape").splitlines():
        keyword, _, text = line.partition(" ")
        found.setdefault(keyword, []).append(text)
    return found


def paths(words: list[str], host: str, node: Node) -> tuple[Path, ...]:
    """The files of IdentityFile, which -G prints as they are written."""
    me, home = pwd.getpwuid(os.getuid()), os.environ["HOME"]
    tokens = {"%h": node.address, "%r": node.user or me.pw_name, "%n": host, "%p": str(node.port), "%u": me.pw_name,
              "%d": home, "%%": "%", "${HOME}": home, "${USER_OF_CORPUS}": "someone"}  # fmt: skip
    for token, value in tokens.items():
        words = [word.replace(token, value) for word in words]
    return tuple(Path(word).expanduser() for word in words if word != "none") or (Path(os.devnull),)


def one_spelling(address: str) -> str:
    return str(IPv6Address(address)) if ":" in address else address.lower()


def needed(options: dict[str, list[str]]) -> str:
    for keyword, name in (("proxyjump", "ProxyJump"), ("proxycommand", "ProxyCommand")):
        if options.get(keyword, ["none"]) != ["none"]:
            return name
    return "GSSAPIAuthentication" if options["gssapiauthentication"] == ["yes"] else ""


@pytest.mark.parametrize("name", READ_ALIKE)
def test_every_option_is_as_openssh_reads_it(name: str, folder: Path) -> None:
    file, plain = write(folder, READ_ALIKE[name]), folder / "plain"
    plain.write_text("")
    usual = theirs(plain, "nc2")
    for host, arguments in ASKED:
        where = f"{host} {arguments}"
        node, options = ours(file, host, arguments), theirs(file, host, arguments)
        identity = [] if options["identityfile"] == usual["identityfile"] else options["identityfile"]
        seconds = options["connecttimeout"][0]
        assert node.doubt == "", where
        assert one_spelling(node.address) == one_spelling(options["hostname"][0]), where
        assert [node.user or pwd.getpwuid(os.getuid()).pw_name] == options["user"], where
        assert [str(node.port)] == options["port"], where
        assert node.identity == (paths(identity, host, node) if identity else ()), where
        assert [node.host_key_alias] == options.get("hostkeyalias", [""]), where
        assert ["yes" if node.identities_only else "no"] == options["identitiesonly"], where
        assert node.needs == needed(options), where
        assert node.connect_timeout == (None if seconds == "none" else float(seconds)), where
        mine, common = options["userknownhostsfile"][0], options["globalknownhostsfile"][0]
        if [mine, common] == [usual["userknownhostsfile"][0], usual["globalknownhostsfile"][0]]:
            assert node.known_hosts == (), where
        else:
            known = " ".join(map(str, node.known_hosts)).replace(os.devnull, "none")
            assert mine == usual["userknownhostsfile"][0] or known.startswith(mine), where
            assert common == usual["globalknownhostsfile"][0] or known.endswith(common), where
    assert not (folder / "ran").exists()


def test_the_corpus_is_large_enough() -> None:
    assert len(READ_ALIKE) >= 40
