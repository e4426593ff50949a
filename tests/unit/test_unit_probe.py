"""Probe folders: loading them, errors that say what they lack, and the outcome of what a node printed."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from unit_rows import PROBES, at, outcome

from nicassh.collection.bundle import Section
from nicassh.collection.judge import to_outcome
from nicassh.model.errors import ProbeError
from nicassh.model.outcome import State
from nicassh.model.records import Keep
from nicassh.probes import loader as probe

RECORD = '''"""What it tells."""
from dataclasses import dataclass
from nicassh.model.records import Record, column
from nicassh.model.units import Bytes, Text
every, priority, timeout, keep = 60, "low", 10, "series"

@dataclass(frozen=True)
class Gpu(Record):
    card: Text = column("Card.", key=True)
    used: Bytes | None = column("Memory.")

@dataclass(frozen=True)
class GpuProcess(Record):
    keep = "latest"
    name: Text = column("Name.", key=True)

def parse(output):
    for line in output.splitlines():
        yield Gpu(line, None) if line != "p" else GpuProcess("\\x1b[2J")
'''


def folder(top: Path, record: str = RECORD, name: str = "gpu", script: str = "echo x\n") -> Path:
    place = top / name
    place.mkdir(parents=True)
    (place / "record.py").write_text(record)
    (place / "probe.sh").write_text(script)
    return place


def test_the_built_in_probes_by_priority() -> None:
    names = [one.name for one in PROBES]
    everywhere = {"load", "memory", "processes", "disks", "services", "software", "system", "mounts", "gpus"}
    assert set(names) == everywhere | {"batch"}
    order = [probe.PRIORITIES.index(one.priority) for one in PROBES]
    assert order == sorted(order)
    assert all(one.help and one.timeout > 0 and one.every > 0 for one in PROBES)


def test_a_folder_with_two_records(tmp_path: Path) -> None:
    one = probe.load(folder(tmp_path))
    assert list(one.records) == ["gpu", "gpu_gpu_process"]
    assert one.keep == {"gpu": Keep.SERIES, "gpu_gpu_process": Keep.LATEST}
    assert (one.help, one.advance) == ("What it tells.", None)
    first, second = map(vars, probe.read(one, b"a\xff\np\n"))
    assert (first["card"], second["name"]) == ("a\ufffd", "␛[2J")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"low"', '"urgent"', "priority 'urgent' is not one of: critical"),
        ("60,", "'often',", "`every` is missing or not of type int"),
        ('"series"', '"forever"', "keep 'forever' is not one of: series"),
        ("def parse", "def parses", "it must define a Record and parse"),
        ('column("Memory.")', "None", "Gpu: field 'used' must be declared"),
        ("Bytes | None", "list", "Gpu: field 'used' must be a type of nicassh.model.units"),
        ("    card:", "    node:", "Gpu: the names node are the store's own"),
        ("import Bytes, Text", "import Bites", "record.py: ImportError"),
        ("def parse(output):", "def parse(output)", "record.py: SyntaxError"),
    ],
)
def test_errors_say_what_is_wrong(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert old in RECORD
    place = folder(tmp_path, RECORD.replace(old, new))
    with pytest.raises(ProbeError) as caught:
        probe.load(place)
    assert words in caught.value.what
    assert str(place) in caught.value.what


def test_further_scripts_are_variables_of_the_probe(tmp_path: Path) -> None:
    place = folder(tmp_path, script='sh -c "$ask" ask one; echo "$other"')
    (place / "ask.sh").write_text('echo "it\'s $1"\n# end')
    (place / "other.sh").write_text("no newline")
    done = subprocess.run(["sh"], input=probe.load(place).script, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("it's one\nno newline\n", "")
    (place / "Not-A-Name.sh").write_text("")
    with pytest.raises(ProbeError, match="the name of a script"):
        probe.load(place)


def test_a_program_that_is_required_makes_the_probe_absent_where_it_is_not(tmp_path: Path) -> None:
    for program, status in (("sh", 0), ("no-such-program", 77)):
        record = RECORD.replace("every,", f'requires = ("sh", {program!r})\nevery,')
        one = probe.load(folder(tmp_path / program, record))
        assert one.requires == ("sh", program)
        assert subprocess.run(["sh", "-c", one.script], check=False).returncode == status


@pytest.mark.parametrize("requires", ['"sh"', '["sh"]', "(1,)", '("a b",)', '("$(id)",)', '("-p",)', '("",)'])
def test_what_names_no_program_is_refused(tmp_path: Path, requires: str) -> None:
    place = folder(tmp_path, RECORD.replace("every,", f"requires = {requires}\nevery,"))
    with pytest.raises(ProbeError, match="`requires` must be a tuple of names of programs"):
        probe.load(place)


@pytest.mark.parametrize("missing", ["probe.sh", "record.py"])
def test_half_a_folder(tmp_path: Path, missing: str) -> None:
    (folder(tmp_path) / missing).unlink()
    with pytest.raises(ProbeError, match=missing):
        probe.load_all([tmp_path])


def test_names_and_clashes(tmp_path: Path) -> None:
    with pytest.raises(ProbeError, match="lower-case"):
        probe.load(folder(tmp_path / "a", name="Gpu-1"))
    folder(tmp_path / "b", name="load")
    with pytest.raises(ProbeError, match="a probe named load exists in"):
        probe.load_all([tmp_path / "b"])
    with pytest.raises(ProbeError, match="no such folder of probes"):
        probe.load_all([tmp_path / "c"])
    with pytest.raises(ProbeError, match="no probe 'gpu'") as caught:
        probe.named(PROBES, ["load", "gpu"])
    assert "memory" in caught.value.hint
    assert probe.named(PROBES, []) == list(PROBES)


GOOD = b"loadavg 0.20 0.18 0.12 1/80 11206\npids 80\nend\n"


def section(output: bytes = GOOD, **fields: object) -> Section:
    usual = {"errors": b"", "status": 0, "timed_out": False, "whole": True}
    return Section(output, **{**usual, **fields})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "state", "reason"),
    [
        (section(), State.OK, ""),
        (section(status=77, errors=b"no card"), State.ABSENT, "no card"),
        (section(status=3), State.FAILED, "exit status 3"),
        (section(status=3, errors=b"\x1b[2Jgrep: no"), State.FAILED, "␛[2Jgrep: no"),
        (section(b"end\n"), State.UNREADABLE, "no three load averages in ``"),
        (section(b""), State.UNREADABLE, "the output is cut: its last line is not `end`"),
        (section(b"loadavg 1 2\nend\n"), State.UNREADABLE, "no three load averages in `1 2`"),
        (section(timed_out=True, whole=False, status=None), State.TIMEOUT, "ran longer than its 10 s"),
        (section(bytes(probe.SIZE), whole=False, status=None), State.TRUNCATED, "printed more than 2.0 M"),
        (section(whole=False, status=None), State.TRUNCATED, "its shell was killed"),
    ],
)
def test_the_outcome_of_a_section(given: Section, state: State, reason: str) -> None:
    load = next(one for one in PROBES if one.name == "load")
    found = to_outcome(load, given, outcome("nc2", "load", at(0)))
    assert (found.state, found.reason) == (state, reason)
    assert len(found.records) == (state is State.OK)
    assert bool(found.text) == (state is State.UNREADABLE and bool(given.output))


def test_a_section_cut_by_a_lost_connection_keeps_that_reason() -> None:
    load = next(one for one in PROBES if one.name == "load")
    lost = outcome("nc2", "load", at(0), state=State.TIMEOUT, reason="the node fell silent")
    found = to_outcome(load, section(whole=False, status=None), lost)
    assert (found.state, found.reason, found.records) == (State.TIMEOUT, "the node fell silent", ())


@pytest.mark.parametrize("name", ["farm", "login", "outcomes", "load", "load_series", "system_intervals"])
def test_names_that_are_taken(tmp_path: Path, name: str) -> None:
    folder(tmp_path, name=name)
    with pytest.raises(ProbeError):
        probe.load_all([tmp_path])
