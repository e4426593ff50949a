"""What the probe of services reads in outputs: clocks, units, statistics; nothing of one that was cut or forged."""

from __future__ import annotations

import re
from typing import Any

import pytest
import sampling
from hypothesis import given, settings
from hypothesis import strategies as st

from nicassh.model.outcome import Unknown
from nicassh.model.records import Record

HEAD = "time 1795306000\nhost nc5.jinr.ru\nstat:btime 1795200000\n../etc/login.defs:UID_MIN 1000\n"


def daemon(pid: int, name: str, uid: int = 0) -> str:
    """The lines of one process."""
    stat = f"{pid}/stat:{pid} ({name}) S 1 1 1 0 -1 64 0 0 0 0 1 1 0 0 20 0 1 0 500 1 1\n"
    return f"{stat}{pid}/status:Uid:\t{uid}\t{uid}\t{uid}\t{uid}\n{pid}/cmdline:{name}\0\n"


def found(text: str) -> list[dict[str, Any]]:
    return sampling.rows("services", text.encode("utf-8", "surrogateescape"))


def clock(name: str, text: str) -> tuple[Any, ...]:
    """Source, synchronised, offset and stratum."""
    rows = found(f"{HEAD}{daemon(9, name)}section clock\n{text}end\n")
    (row,) = sampling.of("clock", rows)
    assert row["time"] == "2026-11-22T00:06:40Z"
    return row["source"], row["synchronised"], row["offset"], row["stratum"]


TRACKING = """Reference ID    : {id}
Stratum         : {stratum}
Ref time (UTC)  : Sun Nov 22 00:10:27 2026
System time     : {offset} seconds {way} of NTP time
Leap status     : {leap}
"""


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, ("chrony", True, 0.000012345, 3)),
        ({"way": "slow", "offset": "75.250000000"}, ("chrony", True, 75.25, 3)),
        ({"id": "159.93.14.7 (ntp1.jinr.ru)"}, ("chrony", True, 0.000012345, 3)),
        ({"leap": "Insert second"}, ("chrony", True, 0.000012345, 3)),
        ({"leap": "Not synchronised", "id": "00000000 ()", "stratum": "0"}, ("chrony", False, None, None)),
        ({"id": "7F7F0101 ()", "stratum": "10"}, ("chrony", False, None, None)),
        ({"id": "127.127.1.1 ()", "stratum": "10"}, ("chrony", False, None, None)),
        ({"id": "7F000001 (127.0.0.1)"}, ("chrony", True, 0.000012345, 3)),
        ({"offset": "much", "stratum": "?"}, ("chrony", True, None, None)),
    ],
)
def test_chrony(facts: dict[str, str], expected: tuple[Any, ...]) -> None:
    usual = {"id": "9F5D0E07 (159.93.14.7)", "stratum": "3", "offset": "0.000012345", "way": "fast", "leap": "Normal"}
    assert clock("chronyd", TRACKING.format(**(usual | facts))) == expected


@pytest.mark.parametrize("text", ["506 Cannot talk to daemon\n", "501 Not authorised\n", "", "Segmentation fault\n"])
def test_a_chrony_that_says_nothing(text: str) -> None:
    assert clock("chronyd", text) == ("chrony", None, None, None)


PEERS = """     remote           refid      st t when poll reach   delay   offset  jitter
==============================================================================
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{PEERS}*10.0.0.1 .GPS. 1 u 33 64 377 0.123 -45.6 0.012\n", ("ntp", True, 0.0456, 2)),
        (f"{PEERS}+1.1.1.2 1.1.1.1 2 u 3m 9 7 0 9 0\no1.1.1.1 .PPS. 0 l 1 16 7 0.0 +2 0\n", ("ntp", True, 0.002, 1)),
        (f"{PEERS}+10.0.0.1 .GPS. 1 u 33 64 377 0.123 -45.6 0.012\n", ("ntp", False, None, None)),
        (f"{PEERS} 10.0.0.1 .INIT. 16 u - 64 0 0.000 0.000 0.000\n", ("ntp", False, None, None)),
        (f"{PEERS}*127.127.1.0 .LOCL. 10 l 5 64 377 0.000 0.000 0.000\n", ("ntp", False, None, None)),
        (f"{PEERS}*fe80::1 10.0.0.1 x u 1 64 377 0 0 0\n", ("ntp", False, None, None)),
        ("No association ID's returned\n", ("ntp", None, None, None)),
        ("localhost: timed out, nothing received\n***Request timed out\n", ("ntp", None, None, None)),
    ],
)  # fmt: skip
def test_ntp(text: str, expected: tuple[Any, ...]) -> None:
    assert clock("ntpd", text) == expected


def test_other_clocks() -> None:
    assert clock("systemd-timesyn", "synchronized\n") == ("timesyncd", True, None, None)
    assert clock("systemd-timesyn", "") == ("timesyncd", False, None, None)
    assert clock("sshd", "") == ("none", None, None, None)


UNIT = {
    "Id": "x.service", "LoadState": "loaded", "ActiveState": "inactive", "SubState": "dead", "Result": "success",
    "MainPID": "0", "User": "", "ConditionResult": "yes", "ConditionTimestampMonotonic": "5000000",
    "ActiveEnterTimestampMonotonic": "5000000", "InactiveEnterTimestampMonotonic": "0",
}  # fmt: skip


def units(*changes: dict[str, str], before: str = "") -> list[tuple[Any, ...]]:
    """Service, instance, state and reason of each row, with these units of systemd."""
    text = "\n".join("".join(f"{key}={value}\n" for key, value in (UNIT | one).items()) for one in changes)
    rows = sampling.of("services", found(f"{HEAD}{before}section clock\nsection units\n{text}status 0\nend\n"))
    return [(row["service"], row["instance"], row["state"], row["reason"]) for row in rows]


@pytest.mark.parametrize(
    ("unit", "state", "reason"),
    [
        ({"ActiveState": "active"}, "up", None),
        ({"ActiveState": "reloading"}, "up", None),
        ({}, "down", "inactive"),
        ({"ActiveState": "deactivating"}, "down", "deactivating"),
        ({"ActiveState": "failed", "Result": "oom-kill"}, "failed", "failed: oom-kill"),
        ({"ActiveState": "activating", "SubState": "start"}, "starting", "activating"),
        ({"ActiveState": "activating", "SubState": "auto-restart"}, "failed", "restarting: success"),
        ({"ConditionResult": "no", "ConditionTimestampMonotonic": "0"}, "down", "inactive"),
        ({"LoadState": "bad-setting"}, "down", "inactive"),
    ],
)  # fmt: skip
def test_states_of_units(unit: dict[str, str], state: str, reason: str | None) -> None:
    assert units(unit) == [("x", "", state, reason)]


@pytest.mark.parametrize("unit", [{"LoadState": "not-found"}, {"LoadState": "masked"}, {"ConditionResult": "no"}])
def test_units_that_do_not_apply(unit: dict[str, str]) -> None:
    assert units(unit) == []


def test_units_and_processes_are_one_service() -> None:
    failed = {"ActiveState": "failed", "Result": "signal"}
    assert units({"Id": "ssh.service"}, before=daemon(5, "sshd")) == [("sshd", "", "up", None)]
    assert units({"Id": "ssh.service"} | failed, before=daemon(5, "sshd")) == [
        ("sshd", "", "degraded", "it runs, and ssh.service failed: signal")
    ]
    assert units({"Id": "xrootd@mpd.service"} | failed) == [("xrootd", "mpd", "down", "failed: signal")]
    assert units({"Id": "user@1001.service"} | failed) == [("user", "1001", "failed", "failed: signal")]
    assert units({"Id": "nslcd.service"} | failed, before="unit nslcd\n") == [("nslcd", "", "down", "failed: signal")]
    assert units({"Id": "data.mount"} | failed, {"Id": "data.mount"} | failed) == [
        ("data.mount", "", "failed", "failed: signal")
    ]
    own = daemon(5, "xrootd", 1001).replace("xrootd\0", "xrootd\0-c\0/etc/x.cfg\0-n\0mpd\0")
    active = {"Id": "xrootd@mpd.service", "ActiveState": "active"}
    assert units(active | {"MainPID": "5"}, before=own) == [("xrootd", "mpd of 1001", "up", None)]
    assert units(active | {"ActiveState": "inactive"}, before=own)[1:] == [("xrootd", "mpd", "down", "inactive")]


def test_a_unit_that_is_not_needed_because_another_sets_the_clock() -> None:
    assert units({"Id": "systemd-timesyncd.service"}, before=daemon(5, "chronyd")) == [("chrony", "", "up", None)]
    assert units({"Id": "systemd-timesyncd.service"}) == [("timesyncd", "", "down", "inactive")]


def test_enabled_services_may_be_excused() -> None:
    unmet = {"Id": "slurmd.service", "ConditionResult": "no"}
    assert units(unmet, before="enabled slurmd.service\n") == []
    assert units(before="enabled slurmd.service\n") == [("slurmd", "", "down", "started at boot, and does not run")]


def test_hidden_processes_are_not_missing() -> None:
    text = HEAD.replace("stat:", "hidden\nstat:") + "enabled munge.service\ngone 7 sshd.pid\nsection clock\n"
    one = sampling.probes()["services"]
    clock, gap = one.parse(f"{text}end\n")
    assert isinstance(clock, Record) and clock.source is None  # type: ignore[attr-defined]
    assert gap == Unknown(one.records["services"])


def test_a_big_number_is_unknown() -> None:
    stats = f'<statistics ver="v5"><stats id="link"><num>{10**30}</num></stats></statistics>'
    asked = f"section xrootd\nasked 7 port 99999999999999999999\nasked 7 config v5\nasked 7 stats {stats}\n"
    (row,) = sampling.of("services", found(f"{HEAD}{daemon(7, 'xrootd', 104)}{asked}section clock\nend\n"))
    assert (row["clients"], row["port"], row["version"]) == (None, None, "v5")


def test_ids_of_statistics_are_those_at_the_top() -> None:
    nested = '<stats id="0"><stats id="link"><num>666</num></stats><tot>10</tot><free>4</free></stats>'
    stats = f'<statistics v="1"><stats id="oss"><paths>1{nested}</paths></stats><stats id="link"><num>3</num></stats>'
    asked = f"section xrootd\nasked 7 config v5\nasked 7 stats {stats}\nasked 7 stats </statistics>\n"
    (row,) = sampling.of("services_xrootd", found(f"{HEAD}{daemon(7, 'xrootd', 104)}{asked}section clock\nend\n"))
    assert (row["links"], row["size"], row["free"]) == (3, 10240, 4096)


@pytest.mark.parametrize(("quota", "known"), [("<qta>5000</qta>", 5000), ("<qta>-1</qta>", None), ("", None)])
def test_a_quota_is_in_bytes_beside_sizes_in_kibibytes(quota: str, known: int | None) -> None:
    space = f'<space>1<stats id="0"><name>public</name><tot>10</tot><free>4</free>{quota}</stats></space>'
    stats = f'<statistics v="1"><stats id="oss" v="2">{space}</stats></statistics>'
    asked = f"section xrootd\nasked 7 config v5\nasked 7 stats {stats}\n"
    (row,) = sampling.of("services_xrootd", found(f"{HEAD}{daemon(7, 'xrootd', 104)}{asked}section clock\nend\n"))
    assert (row["size"], row["free"], row["quota"]) == (10240, 4096, known)


LINE = re.compile(r"Uid:|NSpid:|[^ :]*xrootd|[ ]*[0-9]+: |[^:]*:[^:]*:0:")
WORDS = st.sampled_from(
    ["\nend\n", "\nsection units\n", "Id=x", "\n", "\0", "1/stat:1 (sshd) S 1", "xrootd", "asked 7"]
)


@settings(deadline=None, max_examples=300)
@given(parts=st.lists(st.one_of(WORDS, st.text()), max_size=12), name=st.text(max_size=15))
def test_nothing_that_a_user_names_himself_makes_a_row_of_the_systems(parts: list[str], name: str) -> None:
    """Lines as grep prints them: with the file before each, and only those that begin as a daemon's do."""
    arguments = [line for line in f"xrootd{''.join(parts)}".split("\n") if LINE.match(line)]
    stat = f"7 ({name}) S 1 1 1 0 -1 64 0 0 0 0 1 1 0 0 20 0 1 0 5 1 1".split("\n")
    lines = [f"7/stat:{line}" for line in stat] + [f"7/cmdline:{line}" for line in arguments]
    own = daemon(7, "xrootd", 1001).split("\n")[1]
    text = "\n".join([*lines, own])
    rows = found(f"{HEAD}{daemon(9, 'sshd')}{text}\nsection clock\nend\n")
    assert [row["service"] for row in sampling.of("services", rows) if row["kind"] == "system"] == ["sshd"]


@settings(deadline=None, max_examples=200)
@given(text=st.one_of(st.text(), st.text(alphabet="<>/=\"' statsidnumpaths0123456789&;", max_size=200)))
def test_no_server_can_make_the_node_unreadable(text: str) -> None:
    answer = "".join(f"asked 7 {word} {line}\n" for line in text.split("\n") for word in ("config", "stats", "port"))
    start = 'asked 7 stats <statistics v="1">\n'
    rows = found(f"{HEAD}{daemon(7, 'xrootd', 1001)}section xrootd\n{start}{answer}section clock\nend\n")
    assert [row["service"] for row in sampling.of("services", rows)] == ["xrootd"]
