"""Exports: the same Flight calls by the vendor's client and by ours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from tests.conformance.wire.differences import message, our_export

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conformance.wire.conftest import Both

ELSEWHERE = timezone(timedelta(hours=-3, minutes=-30))
NAIVE = datetime(2026, 1, 1, 2, 3, 4)  # noqa: DTZ001 - without a zone is what is tested
WINDOWS = {
    "utc": (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)),
    "elsewhere": (
        datetime(2026, 1, 1, 1, tzinfo=ELSEWHERE),
        datetime(2026, 2, 1, tzinfo=ELSEWHERE),
    ),
    "naive": (NAIVE, NAIVE + timedelta(days=40)),
    "fractions": (
        datetime(2026, 1, 1, 0, 0, 0, 999_999, tzinfo=UTC),
        datetime(2026, 2, 1, 0, 0, 0, 1, tzinfo=UTC),
    ),
}


@pytest.mark.usefixtures("far_from_utc")
@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"where": "eval.Q.label = 'é' AND \"name\" = 'x'"},
        {"columns": ["name", "start_time", "attributes.é"]},
        {"stream_chunk_size": 5_000},
        {"sample_rate": 1e-6},
        {"sample_rate": 1.0},
        {
            "where": "latency_ms > 1",
            "columns": ["start_time"],
            "stream_chunk_size": 1,
            "sample_rate": 0.1,
        },
    ],
    ids=["plain", "where", "columns", "chunks", "sample", "all traces", "everything"],
)
def test_exports_to_frames_are_the_vendors(
    both: Both, addressed: dict[str, str], arguments: dict[str, Any], window: str
) -> None:
    start, end = WINDOWS[window]
    info, get = both("export_to_df", **addressed, start_time=start, end_time=end, **arguments)
    assert [their.line for their, _ in (info, get)] == ["GetFlightInfo", "DoGet"]
    their, our = info
    assert message(our.body) == our_export(their.body, end, arguments.get("columns"))
    if not end.microsecond:
        assert our.body == their.body
    assert get[0].body == get[1].body == b"ticket"


def test_columns_without_the_start_are_asked_for_with_it(
    both: Both, addressed: dict[str, str]
) -> None:
    start, end = WINDOWS["utc"]
    (their, our), _ = both(
        "export_to_df", **addressed, start_time=start, end_time=end, columns=["name"]
    )
    assert message(our.body) == our_export(their.body, end, ["name"])
    assert our.json["projectedColumns"] == ["name", "start_time"]


def test_exports_to_files_are_the_vendors(
    both: Both, addressed: dict[str, str], tmp_path: Path
) -> None:
    start, end = WINDOWS["utc"]
    path = tmp_path / "spans.parquet"
    (their, our), get = both(
        "export_to_parquet",
        **addressed,
        path=str(path),
        start_time=start,
        end_time=end,
        where="name = 'x'",
        columns=["name", "start_time"],
        stream_chunk_size=100,
        sample_rate=0.5,
    )
    assert our.body == their.body
    assert get[0].line == "DoGet"
    assert path.exists()
