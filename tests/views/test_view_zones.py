"""Times in the zone of the reader around the change of the clocks: what is typed, drawn and written agree."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from unit_rows import PROBES, login, made, outcome

from nicassh.cli import command
from nicassh.store import Store

MOMENTS = [datetime.fromisoformat(f"2026-11-01T{clock}Z") for clock in ("00:12", "05:30", "06:30", "07:30")]
"""In New York the clocks go from 02:00 EDT back to 01:00 EST at 06:00 UTC."""


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A node that was asked at these moments."""
    folder = tmp_path_factory.mktemp("zones")
    (folder / "inventory.toml").write_text('[[nodes]]\nnames = "nc2.jinr.ru"\n')
    (folder / "nicamon.toml").write_text(f'database = "sqlite:///{folder}/nicamon.db"\n')
    store = Store(f"sqlite:///{folder}/nicamon.db", PROBES)
    store.create()
    for place, moment in enumerate(MOMENTS):
        process = made("processes", pid=place, command=f"run{place}", started=moment)
        answers = {"load": [made("load", load1=float(place))], "processes": [process], "system": [made("system")]}
        told = [outcome("nc2.jinr.ru", probe, moment, *records) for probe, records in answers.items()]
        store.write([login("nc2.jinr.ru", moment), *told])
    store.engine.dispose()
    yield folder / "nicamon.toml"


def run(config: Path, words: str, zone: str, code: int = 0) -> Result:
    runner = CliRunner(env={"NICAMON_CONFIG": str(config), "TZ": zone, "COLUMNS": "150"})
    done = runner.invoke(command, [word.replace("_", " ") for word in words.split()])
    assert done.exit_code == code, done.output
    return done


@pytest.mark.parametrize(
    ("zone", "at", "seen"),
    [
        ("Europe/Moscow", "2026-11-01_03:12", 0),
        ("America/New_York", "2026-11-01_01:30", 1),
        ("America/New_York", "2026-11-01T01:30-05:00", 2),
        ("America/New_York", "2026-11-01T07:30Z", 3),
        ("America/New_York", "2026-11-01_02:30", 3),
    ],
)
def test_at(config: Path, zone: str, at: str, seen: int) -> None:
    (row,) = json.loads(run(config, f"history --top cpu --at {at} --json", zone).stdout)["rows"]
    assert (row["command"], row["at"]) == (f"run{seen}", f"{MOMENTS[seen]:%Y-%m-%dT%H:%M:%SZ}")


def test_since_until_and_the_table(config: Path) -> None:
    words = "history nc2 load1 --since 2026-11-01T01:00 --until 2026-11-01_03:00 --step 0"
    document = json.loads(run(config, f"{words} --json", "America/New_York").stdout)
    values = [(row["at"], row["value"]) for row in document["rows"] if not row["gap"]]
    assert values == [("2026-11-01T05:30:00Z", 1), ("2026-11-01T06:30:00Z", 2), ("2026-11-01T07:30:00Z", 3)]
    table = run(config, f"{words} --table --columns at,value", "America/New_York").stdout
    assert [line for line in table.splitlines() if line.split()[-1:] in (["1.00"], ["2.00"], ["3.00"])] == [
        "2026-11-01 01:30:00 EDT   1.00",
        "2026-11-01 01:30:00 EST   2.00",
        "    2026-11-01 02:30:00   3.00",
    ]
    assert table.splitlines()[-1] == "times: America/New_York"
    assert table.count("America/New_York") == 1


def test_utc_the_setting_and_the_zone_of_the_system(config: Path, tmp_path: Path) -> None:
    words = "show system --columns node,updated"
    assert "2026-11-01 10:30:00" in run(config, words, "Europe/Moscow").stdout
    assert "2026-11-01 07:30:00\n\n" in run(config, f"{words} --utc", "Europe/Moscow").stdout
    assert "2026-11-01T07:30:00Z" in run(config, f"{words} --csv", "Europe/Moscow").stdout
    own = tmp_path / "nicamon.toml"
    own.write_text(config.read_text() + f'timezone = "Asia/Tokyo"\ninventory = ["{config.parent}/inventory.toml"]\n')
    told = run(own, words, "Europe/Moscow").stdout
    assert "2026-11-01 16:30:00" in told and told.endswith("times: Asia/Tokyo\n")
    own.write_text(own.read_text().replace("Tokyo", "Tokio"))
    assert "'Asia/Tokio' is not a time zone" in str(run(own, words, "UTC", code=1).exception)
