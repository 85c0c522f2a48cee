from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pyarrow as pa
import pytest

from spanduck._upload.kernels import Kernels
from spanduck._upload.problems import Problems
from spanduck._upload.times import DEFAULT_FORMAT, to_nanoseconds
from spanduck.exceptions import ValidationError

SECOND = 10**9
NOON = int(datetime(2026, 1, 15, 12, tzinfo=UTC).timestamp()) * SECOND


def convert(values: Any, datetime_format: str = DEFAULT_FORMAT) -> tuple[list[Any], Problems]:
    array = values if isinstance(values, pa.Array) else pa.array(values)
    problems = Problems("dataframe")
    with Kernels() as kernels:
        made = to_nanoseconds(
            "start_time",
            array,
            datetime_format=datetime_format,
            kernels=kernels,
            problems=problems,
            first_row=100,
        )
    assert made.type == pa.int64()
    return made.to_pylist(), problems


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-15T12:00:00Z", NOON),
        ("2026-01-15T12:00:00", NOON),
        ("2026-01-15 12:00:00", NOON),
        ("2026-01-15T12:00", NOON),
        ("2026-01-15T14:00:00+02:00", NOON),
        ("2026-01-15T14:00:00+0200", NOON),
        ("2026-01-15T06:30:00-05:30", NOON),
        ("2026-01-15T12:00:00.5Z", NOON + SECOND // 2),
        ("2026-01-15T12:00:00.123456+00:00", NOON + 123_456_000),
        ("2026-01-15T12:00:00.123456789Z", NOON + 123_456_789),
        ("2026-01-15T17:30:00.999999999+05:30", NOON + 999_999_999),
        ("2026-01-15", NOON - 12 * 3600 * SECOND),
        ("20260115T120000Z", NOON),
        ("20260115T120000", NOON),
        ("1969-12-31T23:59:59.999999999Z", -1),
    ],
)
def test_texts_are_iso_8601(text: str, expected: int) -> None:
    made, problems = convert([text, None])
    assert made == [expected, None]
    assert not problems


def test_other_texts_are_read_by_the_callers_format() -> None:
    made, problems = convert(["15/01/2026 12:00", "2026-01-15T12:00:00Z"], "%d/%m/%Y %H:%M")
    assert made == [NOON, NOON]
    assert not problems


def test_a_text_that_is_no_time_is_told_with_its_row() -> None:
    made, problems = convert(["2026-01-15", "yesterday", "", None])
    assert made[1:] == [None, None, None]
    with pytest.raises(ValidationError, match="row 101: the text is no time: 'yesterday'") as told:
        problems.raise_if_any()
    assert told.value.row_index == 101


def test_a_format_that_is_none_is_told() -> None:
    with pytest.raises(ValidationError, match="strptime"):
        convert(["x"], "%Q")


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Asia/Tokyo"])
def test_timestamps_of_every_unit_and_zone(unit: str, zone: str | None) -> None:
    array = pa.array([NOON, None]).cast(pa.timestamp("ns")).cast(pa.timestamp(unit))
    if zone:
        array = array.cast(pa.timestamp(unit, tz=zone))
    assert convert(array)[0] == [NOON, None]


def test_numbers_are_nanoseconds() -> None:
    assert convert([NOON, None])[0] == [NOON, None]
    assert convert([1e18, None])[0] == [10**18, None]
    assert convert(pa.array([5], pa.int32()))[0] == [5]


def test_dates_are_midnight() -> None:
    assert convert([date(2026, 1, 15)])[0] == [NOON - 12 * 3600 * SECOND]


def test_a_zone_of_its_own() -> None:
    moment = datetime(2026, 1, 15, 14, tzinfo=timezone(timedelta(hours=2)))
    assert convert(pa.array([moment], pa.timestamp("us", tz="+02:00")))[0] == [NOON]


def test_a_time_beyond_nanoseconds_is_told() -> None:
    _, problems = convert(pa.array([datetime(2500, 1, 1)], pa.timestamp("us")))  # noqa: DTZ001
    with pytest.raises(ValidationError, match="does not fit"):
        problems.raise_if_any()


def test_a_type_that_holds_no_times_is_told() -> None:
    _, problems = convert([True])
    with pytest.raises(ValidationError, match="bool"):
        problems.raise_if_any()
