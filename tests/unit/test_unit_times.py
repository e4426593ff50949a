"""Times and durations as a person writes them."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nicassh.model.units import draw_moment, draw_time, read_moment, read_seconds
from nicassh.model.zones import find_zone, using_zone, zone_name

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
        ("-12h", datetime(2026, 11, 22, 2, 30, tzinfo=UTC)),
        ("0s", NOW),
        ("today", datetime(2026, 11, 22, tzinfo=UTC)),
        ("yesterday", datetime(2026, 11, 21, tzinfo=UTC)),
        ("yesterday 3:12", datetime(2026, 11, 21, 3, 12, tzinfo=UTC)),
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
    "text",
    [
        "",
        "tomorrow",
        "yesterday soon",
        "2x",
        "--2d",
        "25:00",
        "03:60",
        "2026-13-01",
        "2026-02-30",
        "99999999999d",
        "0001-01-01T00:00Z",  # west of Greenwich it is the year before the first
        "9999-12-31T23:59Z",
        "12",
        "d",
    ],
)
def test_what_is_no_time_is_told_what_one_is(text: str) -> None:
    with pytest.raises(
        ValueError, match=r"invalid time '.*'; a time is 5m, 12h or 2d \(ago\), 03:12, today, yesterday"
    ):
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
        assert "invalid time" in str(error)


NEW_YORK = "America/New_York"


@pytest.mark.parametrize(
    ("zone", "text", "moment", "drawn"),
    [
        ("Europe/Moscow", "03:12", "2026-11-22T00:12Z", "2026-11-22 03:12:00"),
        ("Europe/Moscow", "today", "2026-11-21T21:00Z", "2026-11-22 00:00:00"),
        ("Europe/Moscow", "yesterday", "2026-11-20T21:00Z", "2026-11-21 00:00:00"),
        ("Europe/Moscow", "2026-11-20T03:12Z", "2026-11-20T03:12Z", "2026-11-20 06:12:00"),
        ("Europe/Moscow", "2014-10-26 01:30", "2014-10-25T21:30Z", "2014-10-26 01:30:00 MSK"),
        (NEW_YORK, "2026-11-01", "2026-11-01T04:00Z", "2026-11-01 00:00:00"),
        (NEW_YORK, "2026-11-01 01:30", "2026-11-01T05:30Z", "2026-11-01 01:30:00 EDT"),
        (NEW_YORK, "2026-11-01T01:30-05:00", "2026-11-01T06:30Z", "2026-11-01 01:30:00 EST"),
        (NEW_YORK, "2026-11-01 02:00", "2026-11-01T07:00Z", "2026-11-01 02:00:00"),
        (NEW_YORK, "2026-03-08 02:30", "2026-03-08T07:30Z", "2026-03-08 03:30:00"),
    ],
)
def test_a_time_without_a_zone_is_local_and_is_drawn_so(zone: str, text: str, moment: str, drawn: str) -> None:
    with using_zone(find_zone(zone)):
        read = read_moment(text, NOW)
        assert (read, draw_time(read)) == (datetime.fromisoformat(moment), drawn)
        assert draw_moment(read).startswith(drawn[:19])
        assert zone_name() == zone
    assert zone_name() == "UTC"


@pytest.mark.parametrize(
    ("variable", "name", "offset"),
    [
        ("Europe/Moscow", "Europe/Moscow", 3),
        (":Asia/Tokyo", "Asia/Tokyo", 9),
        ("", "UTC", 0),
        ("Etc/UTC", "UTC", 0),
        ("MSK-3", "MSK", 3),
    ],
)
def test_the_zone_of_the_system(variable: str, name: str, offset: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", variable)
    time.tzset()
    try:
        with using_zone(find_zone("")):
            assert zone_name() == name
            assert draw_time(NOW) == f"2026-11-22 {14 + offset}:30:00"
    finally:
        monkeypatch.undo()
        time.tzset()


def test_an_unknown_zone_is_refused() -> None:
    for name in ("Mars/Phobos", "../etc/passwd", "MSK\0"):
        with pytest.raises(ValueError, match="is not a time zone"):
            find_zone(name)
