"""Records: the projection of a dataclass to columns, and what cannot be one."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

import pytest

from nicassh.model.notes import Unreadable
from nicassh.model.records import Record, as_dict, column, columns, keys, name_of
from nicassh.model.units import Bytes, Count, Flag, Number, Percent, Seconds, Text, Time
from nicassh.probes.tools import from_epoch


@dataclass(frozen=True)
class GpuProcess(Record):
    pid: Count = column("Process id.", key=True)
    memory: Bytes | None = column("Memory of the card.", high=(10, 20))
    share: Percent = column("Share.", low=(10, 3))
    name: Text | None = column("Name.")
    since: Time = column("Start.")
    busy: Flag = column("Busy.", high=(1, 1))
    ratio: Number = column("Ratio.", high=(1, 1))
    took: Seconds = column("Took.")
    count: int = column("A plain number.")
    label: str = column("A plain text.")


def test_columns_come_from_the_annotations() -> None:
    found = columns(GpuProcess)
    assert [one.name for one in found] == [field.name for field in fields(GpuProcess)]
    assert [one.kind for one in found] == [int, int, float, str, datetime, bool, float, float, int, str]
    assert [one.unit.name for one in found] == [
        "count", "bytes", "percent", "text", "time", "yes or no", "number", "seconds", "number", "text",
    ]  # fmt: skip
    assert [one.name for one in found if one.optional] == ["memory", "name"]
    assert [one.name for one in keys(GpuProcess)] == ["pid"]
    assert (found[1].name, found[1].help) == ("memory", "Memory of the card.")
    assert name_of(GpuProcess) == "gpu_process"


@pytest.mark.parametrize(
    ("name", "value", "severity"),
    [
        ("memory", 9, 0), ("memory", 10, 1), ("memory", 19, 1), ("memory", 20, 2), ("memory", None, 0),
        ("share", 10.1, 0), ("share", 10, 1), ("share", 3, 2), ("share", 0, 2),
        ("ratio", 0.5, 0), ("ratio", 1, 2), ("busy", True, 2), ("name", "x", 0), ("count", 10**9, 0),
    ],
)  # fmt: skip
def test_thresholds(name: str, value: Any, severity: int) -> None:
    (one,) = [one for one in columns(GpuProcess) if one.name == name]
    assert one.severity(value) == severity


def test_values_are_drawn_by_their_unit_and_unknown_is_not_zero() -> None:
    drawn = {one.name: one.draw for one in columns(GpuProcess)}
    assert [drawn["memory"](2048), drawn["memory"](0), drawn["memory"](None)] == ["2.0 K", "0 B", "–"]
    assert [drawn["busy"](True), drawn["busy"](False), drawn["name"]("x")] == ["yes", "no", "x"]


@pytest.mark.parametrize("kind", [list, "dict[str, int]", bytes, "int | str", "Bytes | Text | None", object, None])
def test_a_field_of_another_type_is_refused(kind: Any) -> None:
    body = {"__annotations__": {"field": kind}, "field": column("A field."), "__module__": __name__}
    bad = dataclass(frozen=True)(type("Bad", (Record,), body))
    with pytest.raises(TypeError, match=r"field 'field' must be a type of nicassh\.model\.units"):
        columns(bad)


def test_a_field_without_a_declaration_is_refused() -> None:
    @dataclass(frozen=True)
    class Bare(Record):
        size: Bytes = 0

    with pytest.raises(TypeError, match="field 'size' must be declared with column"):
        columns(Bare)


def test_a_record_as_a_dictionary() -> None:
    start = from_epoch(1413792000.9)
    assert start == datetime(2014, 10, 20, 8, tzinfo=UTC)
    values = as_dict(GpuProcess(1, None, 2.0, None, start, True, 1.0, 2.0, 3, "x"))
    assert list(values.items())[:5] == [("pid", 1), ("memory", None), ("share", 2.0), ("name", None), ("since", start)]


@pytest.mark.parametrize(
    "seconds",
    [1e30, -1e30, 18446744073709551488, float("nan"), float("inf"), 10**19, pytest.param(10**5000, id="huge")],
)
def test_a_moment_that_there_is_not(seconds: float) -> None:
    with pytest.raises(Unreadable, match="no time is"):
        from_epoch(seconds)
