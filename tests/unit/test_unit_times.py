"""Times and durations as a person writes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nicassh.model.units import read_moment, read_seconds

NOW = datetime(2026, 11, 22, 14, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("5m", 300), ("12h", 43200), ("2d", 172800), ("1.5h", 5400), ("300", 300), ("0", 0), (" 5m ", 300)],
)
def test_durations(text: str, seconds: float) -> None:
    assert read_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", " ", "d", "5x", "-5m", "2G", "infd", "nan", "5 mm", "1h30m"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration such as"):
        read_seconds(text)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2d", datetime(2026, 11, 20, 14, 30, tzinfo=UTC)),
        ("12h", datetime(2026, 11, 22, 2, 30, tzinfo=UTC)),
        ("0s", NOW),
        ("03:12", datetime(2026, 11, 22, 3, 12, tzinfo=UTC)),
        ("3:12", datetime(2026, 11, 22, 3, 12, tzinfo=UTC)),
        ("14:30", NOW),
        ("14:30:01", datetime(2026, 11, 21, 14, 30, 1, tzinfo=UTC)),
        ("23:59", datetime(2026, 11, 21, 23, 59, tzinfo=UTC)),
        ("2026-11-20", datetime(2026, 11, 20, tzinfo=UTC)),
        ("2026-11-20 03:12", datetime(2026, 11, 20, 3, 12, tzinfo=UTC)),
        ("2026-11-20T03:12:05Z", datetime(2026, 11, 20, 3, 12, 5, tzinfo=UTC)),
        ("2026-11-20T03:12+03:00", datetime(2026, 11, 20, 0, 12, tzinfo=UTC)),
    ],
)
def test_moments(text: str, moment: datetime) -> None:
    assert read_moment(text, NOW) == moment


@pytest.mark.parametrize(
    "text", ["", "2x", "--2d", "25:00", "03:60", "2026-13-01", "2026-02-30", "99999999999d", "12", "d"]
)
def test_what_is_no_time_is_told_what_one_is(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no time; a time is 2d or 12h \(ago\), 03:12, 2026-11-20"):
        read_moment(text, NOW)


@given(st.datetimes(timezones=st.just(UTC)), st.timedeltas(timedelta(0), timedelta(hours=23)))
def test_a_clock_time_is_within_the_last_day(now: datetime, zone: timedelta) -> None:
    now = now.replace(year=max(2, min(now.year, 9000)), day=min(now.day, 28)).astimezone(timezone(zone))
    moment = read_moment(f"{now.minute % 24}:{now.second:02d}", now)
    assert timedelta(0) <= now - moment < timedelta(days=1)


@given(st.text(max_size=12))
def test_any_text_is_a_moment_or_a_value_error(text: str) -> None:
    try:
        assert read_moment(text, NOW).tzinfo is not None
    except ValueError as error:
        assert "is no time" in str(error)
