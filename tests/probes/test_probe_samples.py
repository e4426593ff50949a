"""Every sample of every probe gives exactly its rows, and no row holds what acts on a terminal."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import pytest
import sampling

from nicassh.model.records import columns, keys

SYSTEMS = {"el6", "el9", "debian", "busybox"}
"""Systems that every probe has a sample of, unless it asks a batch system: there what is asked differs."""
VARIANTS = {
    "batch": {
        *("sge_62u5", "sge_soge", "sge_real819", "sge_uge", "sge_ocs9", "sge_down", "sge_awkward"),
        *("slurm_el6text", "slurm_2205json", "slurm_2311json", "slurm_real2205", "slurm_down", "slurm_awkward"),
        *("condor", "condor_empty", "condor_down"),
    }
}
"""Of each probe of batch clusters, the variants of what it asks."""


def expected(name: str, system: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads((sampling.folder(name) / f"{system}.json").read_text(encoding="utf-8"))
    return rows


@pytest.mark.parametrize(("name", "system"), sampling.samples())
def test_a_sample_gives_its_rows(name: str, system: str) -> None:
    output = (sampling.folder(name) / f"{system}.out").read_bytes()
    assert sampling.rows(name, output) == expected(name, system)


@pytest.mark.parametrize(("name", "system"), sampling.samples())
def test_rows_are_clean_and_told_apart_by_their_keys(name: str, system: str) -> None:
    rows = expected(name, system)
    texts = [value for row in rows for value in row.values() if isinstance(value, str)]
    assert not [text for text in texts if any(unicodedata.category(one)[0] == "C" for one in text)]
    assert not [text for text in texts if any(unicodedata.category(one) in ("Zl", "Zp") for one in text)]
    identities = set()
    for table, record in sampling.probes()[name].records.items():
        key = [column.name for column in keys(record)]
        identities |= {(table, *(row[part] for part in key)) for row in sampling.of(table, rows)}
    assert len(identities) == len(rows)


@pytest.mark.parametrize("name", sampling.probes())
def test_a_probe_has_samples_of_all_kinds_of_systems(name: str) -> None:
    outputs = {file.stem for file in sampling.folder(name).glob("*.out")}
    rows = {file.stem for file in sampling.folder(name).glob("*.json")}
    assert outputs == rows
    assert outputs >= (SYSTEMS if name in sampling.everywhere() else VARIANTS[name])


@pytest.mark.parametrize("name", sampling.everywhere())
def test_samples_together_show_every_field_with_a_value(name: str) -> None:
    """A field that no sample fills could be parsed wrongly without any test noticing.

    Of those of batch clusters, each system knows some of the fields; its own test says which.
    """
    found = [row for one, system in sampling.samples() if one == name for row in expected(name, system)]
    for table, record in sampling.probes()[name].records.items():
        rows = sampling.of(table, found)
        assert not [column.name for column in columns(record) if not any(row[column.name] is not None for row in rows)]


@pytest.mark.parametrize(
    ("name", "system"),
    [
        ("processes", "hostile"),
        ("disks", "hostile"),
        ("software", "hostile"),
        ("mounts", "hostile"),
        ("gpus", "hostile"),
    ],
)
def test_hostile_samples_hold_what_they_are_for(name: str, system: str) -> None:
    output = (sampling.folder(name) / f"{system}.out").read_bytes()
    assert b"\x1b]52;" in output
    with pytest.raises(UnicodeDecodeError):
        output.decode()
