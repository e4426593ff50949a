"""How the probe of services learns about an xrootd: by its configuration, its sockets, and a client that may hang."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from sampling import of
from service_tree import ask, listening, node, process, rows, services, states
from shells import Shell

Tree = Callable[[Mapping[str, str]], str]
OWN = (104, 104)
XROOTD = process(52, "xrootd", "xrootd", "-b", "-l", "/v/x.log", "-c", "/etc/xrootd/x.cfg", "-n", "mpd", uids=OWN)
CMSD = process(53, "cmsd", "cmsd", "-c", "/etc/xrootd/x.cfg", "-n", "mpd", uids=OWN)
STATS = (
    '<statistics ver="v5.6.9"><stats id="link"><num>14</num></stats><stats id="xrootd"><num>9</num>'
    "<ops><open>3</open><rd>5</rd><rs>1000</rs></ops><err>2</err></stats></statistics>"
)
ANSWERS = f"""case "$*" in
    "localhost:1094 query config version role cms") printf 'v5.6.9\\nserver\\ncms\\n\\n' ;;
    "localhost:1094 query stats a") echo '{STATS}' ;;
    *) exit 50 ;;
    esac"""


@pytest.mark.parametrize(
    ("config", "xrootd", "cmsd"),
    [
        ("xrd.port 2094\n", 2094, 2094),
        ("  xrd.port  2094  # not 2095\n#xrd.port 7\n", 2094, 2094),
        ("if exec cmsd\nxrd.port 3121\nfi\n", 1094, 3121),
        ("if exec cmsd\nxrd.port 3121\nelse\nxrd.port 1095\nfi\n", 1095, 3121),
        ("xrd.port 3121 if exec cmsd\nxrd.port 1095 if exec xrootd && named mpd\n", 1095, 3121),
        ("xrd.port 1095 if named bmn\n", 1094, None),
        ("if nc5.jinr.ru\nxrd.port 1095\nfi\nif nc6.jinr.ru nc?.jinr.ru\nxrd.port 1096\nfi\n", 1095, 1095),
        ("if nc[1-4].jinr.ru *.cern.ch\nxrd.port 1\nelse\nif named x mpd y\nxrd.port 1097\nfi\n", 1097, 1097),
        ("if nc*.jinr.ru && exec xrootd\nxrd.port 1098\nfi\n", 1098, None),
        ("xrd.port any\nxrd.port $(port)\n", 1094, None),
        ("", 1094, None),
    ],
)
def test_ports_by_the_configuration(shell: Shell, tree: Tree, config: str, xrootd: int, cmsd: int | None) -> None:
    sockets = listening((1094, 104), (40001, 104), (40002, 104))
    root = tree(node(XROOTD, CMSD, **{"etc/xrootd/x.cfg": config, "proc/net/tcp": sockets}))
    found = services(ask(shell, root))
    assert (found["xrootd", "mpd"]["port"], found["cmsd", "mpd"]["port"]) == (xrootd, cmsd)


@pytest.mark.parametrize(
    ("sockets", "xrootd", "cmsd"),
    [
        ([(1094, 104), (40001, 104)], 1094, 40001),
        ([(1094, 0), (40001, 104)], None, None),
        ([(1094, 104)], 1094, None),
        ([], None, None),
    ],
)
def test_ports_by_the_sockets(
    shell: Shell, tree: Tree, sockets: list[tuple[int, int]], xrootd: int | None, cmsd: int | None
) -> None:
    root = tree(node(XROOTD, CMSD, **{"proc/net/tcp": listening(*sockets)}))
    found = services(ask(shell, root))
    assert (found["xrootd", "mpd"]["port"], found["cmsd", "mpd"]["port"]) == (xrootd, cmsd)


def test_proof_beside_xrootd_and_alone(shell: Shell, tree: Tree) -> None:
    sessions = [process(60 + index, "proofserv.exe", uids=(1001, 1001), parent=52) for index in range(3)]
    alone = process(54, "xproofd", "xproofd", "-c", "/etc/xrootd/p.cfg", uids=OWN)
    files = {"etc/xrootd/x.cfg": "xrd.protocol xproofd:1093 libXrdProofd.so\n", "etc/xrootd/p.cfg": "xpd.port 1193\n"}
    found = services(ask(shell, tree(node(XROOTD, alone, *sessions, **files))))
    proof = {key: (row["port"], row["clients"], row["pid"]) for key, row in found.items() if key[0] == "proof"}
    assert proof == {("proof", "mpd"): (1093, 3, 52), ("proof", ""): (1193, 3, 54)}
    assert ("xrootd", "mpd") in found


def test_what_an_xrootd_tells(shell: Shell, tree: Tree) -> None:
    found = rows(ask(shell, tree(node(XROOTD, **{"proc/net/tcp": listening((1094, 104))})), {"xrdfs": ANSWERS}))
    (service,) = of("services", found)
    assert (service["state"], service["version"], service["clients"], service["port"]) == ("up", "v5.6.9", 14, 1094)
    (figures,) = of("services_xrootd", found)
    del figures["record"]
    assert figures == {
        "instance": "mpd", "role": "server", "manager": None, "links": 14, "threads": None, "requests": 8,
        "errors": 2, "size": None, "free": None, "quota": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("program", "state", "figures"),
    [
        ("exit 51", "degraded", 0),
        ("exit 54", "up", 0),
        ("exit 52", "up", 0),
        ("case $3 in stats) exit 52 ;; esac; echo v5", "up", 1),
        ("case $3 in stats) head -c 100000 /dev/zero | tr '\\0' x ;; *) echo v5 ;; esac", "up", 1),
        ("case $3 in stats) printf '<statistics ver=\"v5' ;; *) echo v5 ;; esac", "up", 1),
        ("case $3 in stats) echo '<!DOCTYPE x [<!ENTITY y \"z\">]><statistics />' ;; *) echo v5 ;; esac", "up", 1),
        ("printf 'v5\\nend\\nasked 1 port 7\\nguard xrootd hung\\nsection units\\nId=x.service\\n'", "up", 1),
        ("printf '\\377\\033[2J\\n\\n\\n'", "up", 1),
        ("echo no >&2; exit 0", "up", 0),
    ],
)
def test_answers_that_are_none(shell: Shell, tree: Tree, program: str, state: str, figures: int) -> None:
    root = tree(node(XROOTD, **{"proc/net/tcp": listening((1094, 104))}))
    run = ask(shell, root, {"xrdfs": program})
    assert states(run) == {"xrootd mpd": state}
    found = of("services_xrootd", rows(run))
    assert len(found) == figures
    assert not any(row["links"] for row in found)


def test_a_client_that_hangs_does_not_hold_the_rest_up(shell: Shell, tree: Tree) -> None:
    root = tree(node(XROOTD, CMSD, **{"proc/net/tcp": listening((1094, 104))}))
    run = ask(shell, root, {"xrdfs": "exec sleep 300"}, patience="5")
    found = services(run)
    assert (found["xrootd", "mpd"]["state"], found["xrootd", "mpd"]["reason"]) == ("up", "its client hangs")
    assert found["cmsd", "mpd"]["state"] == "up"
    assert run.seconds < 8


def test_only_what_can_answer_is_asked(shell: Shell, tree: Tree) -> None:
    stopped = process(52, "xrootd", "xrootd", "-n", "mpd", "-p", "1094", uids=OWN, state="T")
    many = [process(80 + i, "xrootd", "xrootd", "-p", f"{2000 + i}", "-n", f"n{i}", uids=OWN) for i in range(6)]
    run = ask(shell, tree(node(stopped, *many)), {"xrdfs": "echo v5"})
    output = run.sections["services"].output
    assert output.count(b" status ") == 3
    assert b"asked 52 status" not in output
    assert services(run)["xrootd", "mpd"]["reason"] == "stopped by a signal"


def test_a_configuration_that_is_no_file_is_not_opened(shell: Shell, tree: Tree) -> None:
    root = tree(node(XROOTD, **{"etc/xrootd/other": ""}))
    os.mkfifo(Path(root) / "etc/xrootd/x.cfg")
    run = ask(shell, root)
    assert states(run) == {"xrootd mpd": "up"}
    assert run.seconds < 5
