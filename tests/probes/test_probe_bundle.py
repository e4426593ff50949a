"""What a bundle does with probes that misbehave, under every shell: the next probe is whole, and nothing stays."""

from __future__ import annotations

import os
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import sampling
import shells
from hypothesis import given, settings
from hypothesis import strategies as st
from shells import TICK, Run, Shell

import needs
from nicassh.collection import bundle
from nicassh.collection.bundle import Section
from nicassh.probes.loader import SIZE, Probe

AFTER = "echo still here"


def made(name: str, script: str, timeout: int = 10, size: int = SIZE) -> Probe:
    """A probe that runs this script."""
    return replace(sampling.probes()["load"], name=name, script=script, timeout=timeout, size=size)


def run(shell: Shell, script: str, timeout: int = 10, before: str = "", size: int = SIZE) -> Run:
    """What comes of this script and a good one after it. The good one must be whole and nothing may stay."""
    done = shells.run(shell, [made("odd", script, timeout, size), made("next", AFTER)], before=before, tick=TICK)
    after = done.sections["next"]
    assert (after.output, after.status, after.whole, after.errors) == (b"still here\n", 0, True, b"")
    assert done.output.endswith(bundle.end_line(done.mark))
    assert shells.remaining(done.session) == []
    return done


def test_noise_before_the_first_mark_is_ignored(shell: Shell) -> None:
    noise = "echo 'Welcome to nc2!'; printf 'nicamon- begin odd\\n\\033[2Jno newline'; echo grumble >&2\n"
    odd = run(shell, "echo fine", before=noise).sections["odd"]
    assert (odd.output, odd.errors, odd.whole) == (b"fine\n", b"", True)


@pytest.mark.parametrize("script", ["if true; then", "echo $((", "case x in", ")", "echo 'open"])
def test_a_syntax_error_stays_in_its_probe(shell: Shell, script: str) -> None:
    odd = run(shell, script).sections["odd"]
    assert odd.status not in (0, 77)
    assert odd.errors


def test_a_hang_ends_with_its_children(shell: Shell) -> None:
    scripts = [
        "sleep 60",
        "while :; do :; done",
        "sleep 60 & sleep 61",
        "sleep 60 >/dev/null 2>&1 & exec sleep 61",
        "trap '' TERM INT HUP; sh -c 'trap \"\" TERM INT HUP; sleep 60; sleep 60'; sleep 60",
        "(sleep 60 | sleep 61) & wait",
        "echo early; cat /dev/zero >/dev/null",
        "while :; do sh -c 'sleep 60; :' & sleep 0.01; done",
    ]
    with ThreadPoolExecutor() as pool:  # each takes its two ticks, so all at once
        ended = dict(zip(scripts, pool.map(lambda script: run(shell, script, timeout=1), scripts), strict=True))
    for script, done in ended.items():
        odd = done.sections["odd"]
        assert (odd.timed_out, odd.whole, odd.status) == (True, False, None), script
        assert TICK <= done.seconds < 8, script


@pytest.mark.parametrize("script", ["while :; do echo endless endless; done", "cat /dev/zero"])
def test_endless_output_is_cut(shell: Shell, script: str) -> None:
    odd = run(shell, script).sections["odd"]
    assert not odd.whole
    assert SIZE * 0.99 < len(odd.output) <= SIZE


def test_output_just_below_the_limit_is_whole(shell: Shell) -> None:
    size = SIZE - 1000
    odd = run(shell, f"head -c {size} /dev/zero").sections["odd"]
    assert (odd.whole, odd.status, odd.output) == (True, 0, bytes(size))


def test_size_0_is_no_limit(shell: Shell) -> None:
    """So a command of an operator is passed on at once; the transport limits what it prints."""
    odd = run(shell, f"head -c {SIZE + 1000} /dev/zero", size=0).sections["odd"]
    assert (odd.whole, odd.status, odd.output) == (True, 0, bytes(SIZE + 1000))


@pytest.mark.parametrize(
    ("script", "status"), [("exit 77", 77), ("false", 1), ("exit", 0), ("(exit 3)", 3), ("sh -c 'kill -9 $$'", 137)]
)
def test_the_exit_status_arrives(shell: Shell, script: str, status: int) -> None:
    odd = run(shell, script).sections["odd"]
    assert (odd.status, odd.whole) == (status, True)


@pytest.mark.parametrize("text", ["", "abc", "abc\n", "\n", "\n\n", "\na\n\n"])
def test_output_arrives_byte_by_byte(shell: Shell, text: str) -> None:
    odd = run(shell, f"printf '{text}'").sections["odd"]
    assert (odd.output, odd.whole) == (text.encode(), True)


def test_binary_output_arrives(shell: Shell) -> None:
    odd = run(shell, r"printf '\000\001\377\376\033[31m\r\n\000'").sections["odd"]
    assert odd.output == b"\x00\x01\xff\xfe\x1b[31m\r\n\x00"


def test_a_probe_has_nothing_to_read(shell: Shell) -> None:
    odd = run(shell, 'cat; read -r line; echo "got:$line"; sh -s; head -c 10').sections["odd"]
    assert (odd.output, odd.whole) == (b"got:\n", True)


def test_a_probe_that_kills_its_shell_is_not_whole(shell: Shell) -> None:
    odd = run(shell, "echo before; sh -c 'kill -9 $PPID'; echo after").sections["odd"]
    assert (odd.output.strip(), odd.status, odd.whole, odd.timed_out) == (b"before", None, False, False)


KILLERS = {
    "its script": "echo x; kill -9 $$",
    "its script, and it goes on": "kill -9 $$; while :; do echo endless; done",
    "its script with all its children": "echo x; kill -9 -$$",
    "its script and its parent": "kill -9 $$ $PPID",
    "its script by a closed pipe": "echo x; kill -PIPE $$; sleep 0.3",
}
SERVANTS = {
    "the program that bounds its output": '*" (head) "?" $$ "*',
    "the sleep of the ticker": '*" (sleep) "?" $ticker "*',
    "the ticker": '"$ticker ("*',
}


@pytest.mark.parametrize("victim", KILLERS)
def test_a_probe_that_kills_the_whole_script(shell: Shell, victim: str) -> None:
    """What came whole before is kept."""
    child = Shell(["/bin/sh", "-c", '"$@"; :', "sh", *shell.argv], shell.environment)
    probes = [made("good", AFTER), made("odd", KILLERS[victim]), made("never", AFTER)]
    done = shells.run(child if "parent" in victim else shell, probes, tick=TICK)
    assert done.sections["good"].whole
    assert not any(done.sections[name].whole for name in done.sections if name != "good")
    assert not done.output.endswith(bundle.end_line(done.mark))
    assert shells.remaining(done.session, 20) == []


@pytest.mark.parametrize("victim", SERVANTS)
def test_a_probe_that_kills_what_serves_the_script(shell: Shell, victim: str) -> None:
    """Neither the probe before nor the one after is hurt."""
    kill = f"case $line in {SERVANTS[victim]}) kill -9 ${{entry#/proc/}} && killed=yes && echo killed >&2 ;; esac"
    look = f"for entry in /proc/[0-9]*; do read -r line 2>/dev/null <$entry/stat || continue; {kill}; done"
    script = f'killed=; while [ -z "$killed" ]; do {look}; done'
    done = shells.run(shell, [made("good", AFTER), made("odd", script, 200), made("next", AFTER)], tick=TICK)
    for name in ("good", "next"):
        assert (done.sections[name].output, done.sections[name].whole) == (b"still here\n", True)
    # A shell that tells of the program that was killed may be quicker than the probe.
    assert b"killed" in done.sections["odd"].errors.lower()
    assert done.output.endswith(bundle.end_line(done.mark))
    assert shells.remaining(done.session) == []


def test_errors_belong_to_their_probe(shell: Shell) -> None:
    probes = [made("one", "echo first >&2; echo 1"), made("two", "echo 2"), made("three", "echo third >&2; exit 3")]
    sections = shells.run(shell, probes).sections
    assert [sections[probe.name].errors for probe in probes] == [b"first", b"", b"third"]
    assert [sections[probe.name].output for probe in probes] == [b"1\n", b"2\n", b""]


def test_marks_of_another_run_are_text(shell: Shell) -> None:
    other = bundle.new_mark()
    script = "".join(f"printf '\\n%s\\n' '{other} {words}'\n" for words in ("exit 0", "close odd ok", "begin next"))
    odd = run(shell, script).sections["odd"]
    assert odd.whole
    assert odd.output.count(other.encode()) == 3


def test_a_probe_cannot_spoil_the_shell_of_the_next(shell: Shell) -> None:
    odd = run(shell, "trap '' EXIT; mark=x; limit=0; PATH=/nowhere; cd /; set -e; umask 777; alias echo=false")
    assert odd.sections["odd"].status is None


def test_a_failing_command_does_not_end_a_probe(shell: Shell) -> None:
    assert run(shell, "false; nonsense_command; echo on").sections["odd"].output == b"on\n"


def test_the_deadline_of_the_whole(shell: Shell) -> None:
    probes = [made("good", AFTER), made("slow", "sleep 60", 30), made("late", AFTER), made("later", AFTER)]
    done = shells.run(shell, probes, deadline=2, tick=TICK)
    assert done.sections["good"].whole
    assert done.sections["slow"].timed_out
    assert not {"late", "later"} & set(done.sections)
    assert done.output.endswith(bundle.end_line(done.mark))
    assert done.seconds < 5
    assert shells.remaining(done.session) == []


def test_parameters_arrive_as_they_are(shell: Shell) -> None:
    odd = 'it\'s\n"$HOME" `id` \\ * $(id) ünï'
    done = shells.run(shell, [made("odd", "printf '%s' \"$given\"")], {"given": odd})
    assert done.sections["odd"].output == odd.encode()


def test_the_uptime_of_the_node_stands_beside_each_section(shell: Shell) -> None:
    before = uptime()
    probes = [made("one", "sleep 0.5"), made("two", "IFS=.; up=1"), made("slow", "sleep 60", 1)]
    done = shells.run(shell, probes, tick=TICK)
    times = [(section.begun, section.ended) for section in done.sections.values()]
    flat = [time for pair in times for time in pair if time is not None]
    assert len(flat) == 6
    assert [before, *flat, uptime()] == sorted([before, *flat, uptime()])
    assert flat[1] - flat[0] >= 0.48


def uptime() -> float:
    """Seconds since this machine was booted."""
    return float(Path("/proc/uptime").read_text().split()[0])


def test_where_the_uptime_cannot_be_read_it_is_absent(shell: Shell, tmp_path: Path) -> None:
    needs.root("hides /proc/uptime")
    (tmp_path / "nothing").touch()
    hide = f'mount --bind {tmp_path}/nothing /proc/uptime && exec "$@"'
    argv = [str(shutil.which("unshare")), "--mount", "/bin/sh", "-c", hide, "sh", *shell.argv]
    blind = Shell(argv, shell.environment | {"PATH": f"{shell.environment['PATH']}:{os.environ['PATH']}"})
    done = shells.run(blind, [made("one", AFTER)], tick=TICK)
    assert done.sections["one"] == Section(b"still here\n", b"", 0, timed_out=False, whole=True)


@pytest.mark.parametrize("words", ["", "1.5", "1.5 x", "1.5 2.5 3.5", "nan 1.0", "1e3 2e3", "-1 2", f"{'9' * 400} 1"])
def test_an_uptime_that_is_none_is_absent(words: str) -> None:
    output = f"\nm begin load\nx\nm exit 0\n\nm close load ok {words}\n".encode()
    section = bundle.parse_output(output, b"", "m", [sampling.probes()["load"]])["load"]
    assert (section.whole, section.begun, section.ended) == (True, None, None)


def test_a_status_that_is_none_is_not_whole() -> None:
    output = f"\nm begin load\nx\nm exit {'7' * 5000}\n\nm close load ok 1.0 2.0\n".encode()
    assert not bundle.parse_output(output, b"", "m", [sampling.probes()["load"]])["load"].whole


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, list[Probe]]:
    """A real output with all kinds of sections in it."""
    bare, empty = made("bare", "printf 'no newline'"), made("empty", ":")
    absent, dead = made("absent", "echo why >&2; exit 77"), made("dead", "sh -c 'kill -9 $PPID'")
    probes = [*sampling.probes().values(), bare, empty, absent, dead]
    return shells.run(shells.find("dash", tmp_path_factory.mktemp("real")), probes), probes


@settings(deadline=None, max_examples=400)
@given(data=st.data())
def test_no_cut_makes_a_whole_section_of_another_output(real: tuple[Run, list[Probe]], data: st.DataObject) -> None:
    done, probes = real
    marks = [match.start() for match in re.finditer(done.mark.encode(), done.output)]
    near = st.builds(lambda at, shift: max(0, at + shift), st.sampled_from(marks), st.integers(-4, 64))
    places = st.one_of(near, st.integers(0, len(done.output)))
    first, last = sorted((data.draw(places), data.draw(places)))
    errors = done.errors[: data.draw(st.integers(0, len(done.errors)))]
    for name, section in bundle.parse_output(done.output[first:last], errors, done.mark, probes).items():
        if section.whole:
            known = done.sections[name]
            assert (section.output, section.status, section.timed_out) == (known.output, known.status, False)


@settings(deadline=None, max_examples=200)
@given(data=st.data())
def test_a_cut_keeps_every_section_that_came_whole(real: tuple[Run, list[Probe]], data: st.DataObject) -> None:
    done, probes = real
    ends = {
        probe.name: re.search(rf"\n{done.mark} close {probe.name} ok [^\n]*\n".encode(), done.output)
        for probe in probes
    }
    closed = {name: found.end() for name, found in ends.items() if found}
    near = st.builds(lambda at, shift: max(0, at + shift), st.sampled_from(sorted(closed.values())), st.integers(-3, 3))
    cut = data.draw(st.one_of(near, st.integers(0, len(done.output))))
    sections = bundle.parse_output(done.output[:cut], b"", done.mark, probes)
    whole = {name for name, end in closed.items() if end <= cut and done.sections[name].whole}
    assert {name for name, section in sections.items() if section.whole} == whole


def test_a_probe_knows_its_time(shell: Shell) -> None:
    probes = [made("first", "sleep 0.6; echo $limit", timeout=7), made("second", "echo $limit", timeout=60)]
    sections = shells.run(shell, probes, deadline=30, tick=TICK).sections
    first, second = sections["first"].output, sections["second"].output
    assert int(first) == 7
    assert 20 <= int(second) < 30, "what the first has used is gone"


def test_an_empty_path_is_not_the_present_folder(shell: Shell, tmp_path: Path) -> None:
    for name in ("sleep", "head", "uname"):
        (tmp_path / name).write_text(f"#!/bin/sh\necho {name} >>{tmp_path}/trace\n")
        (tmp_path / name).chmod(0o755)
    done = shells.run(shell, [made("asked", "uname")], before=f"cd '{tmp_path}'; PATH=\n")
    assert (done.sections["asked"].whole, done.sections["asked"].output) == (True, b"Linux\n")
    assert not (tmp_path / "trace").exists()
