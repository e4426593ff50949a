"""How values are drawn for people, and read from them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nicassh.model.units import (
    draw_bytes,
    draw_celsius,
    draw_number,
    draw_percent,
    draw_seconds,
    draw_time,
    draw_watts,
    read_quantity,
)


@pytest.mark.parametrize(
    ("value", "drawn"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 K"),
        (1024, "1.0 K"),
        (1024**2, "1.0 M"),
        (int(9.96 * 1024), "10 K"),
        (50635780096, "47 G"),
        (8354242560, "7.8 G"),
        (2 * 1024**4, "2.0 T"),
        (1023 * 1024**6, "1023 E"),
        (-2048, "-2.0 K"),
    ],
)
def test_bytes(value: int, drawn: str) -> None:
    assert draw_bytes(value) == drawn


@given(st.integers(0, 999 * 1024**6))
def test_bytes_have_at_most_three_digits_and_are_nearly_right(value: int) -> None:
    number, unit = draw_bytes(value).split()
    assert len(number) <= 3
    power = {"B": 0, "K": 1, "M": 2, "G": 3, "T": 4, "P": 5, "E": 6}[unit]
    assert float(number) * 1024**power == pytest.approx(value, rel=0.06, abs=1)


@pytest.mark.parametrize(
    ("value", "drawn"),
    [
        (0, "0.00 s"),
        (0.25, "0.25 s"),
        (4, "4 s"),
        (59.9, "59 s"),
        (60, "1 m 00 s"),
        (725, "12 m 05 s"),
        (3600, "1 h 00 m"),
        (12000, "3 h 20 m"),
        (86399, "23 h 59 m"),
        (86400, "1 d 0 h"),
        (12 * 86400 + 4 * 3600, "12 d 4 h"),
    ],
)
def test_seconds(value: float, drawn: str) -> None:
    assert draw_seconds(value) == drawn


def test_other_figures() -> None:
    assert [draw_percent(value) for value in (0.44, 99.84, 99.96, 163.2)] == ["0.4", "99.8", "100", "163"]
    assert draw_number(0.2) == "0.20"
    assert (draw_celsius(71.6), draw_watts(311.52)) == ("72 °C", "312 W")
    moscow = timezone(timedelta(hours=3))
    assert draw_time(datetime(2026, 11, 21, 20, 17, 4, 900000, UTC)) == "2026-11-21 20:17:04"
    assert draw_time(datetime(2026, 11, 22, 1, 0, tzinfo=moscow)) == "2026-11-21 22:00:00"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("4", 4),
        ("-1.5", -1.5),
        ("4K", 4096),
        ("4 KB", 4096),
        ("1.5 TiB", 1.5 * 1024**4),
        ("100M", 100 * 1024**2),
        ("7B", 7),
        ("80%", 80),
        (" 80 % ", 80),
        ("30s", 30),
        ("10m", 600),
        ("3h", 10800),
        ("2 d", 172800),
        ("1e3", 1000),
    ],
)
def test_quantities(text: str, value: float) -> None:
    assert read_quantity(text) == value


@pytest.mark.parametrize(
    "text", ["", "G", "%", "4 X", "4k", "m10", "nan", "inf", "-inf", "1e999", "4G4", "0x10", "--4"]
)
def test_what_is_no_quantity(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_quantity(text)


@given(st.integers(1, 999), st.sampled_from("KMGTPE"))
def test_a_drawn_size_can_be_typed_back(number: int, unit: str) -> None:
    size = int(read_quantity(f"{number}{unit}"))
    assert read_quantity(draw_bytes(size)) == size
