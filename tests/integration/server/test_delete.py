"""Deleting spans over REST, and the space they took."""

from __future__ import annotations

import json
import random
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def project(request: pytest.FixtureRequest) -> str:
    return str(request.node.name)[:200]


@pytest.fixture
def caller_of_small(tmp_path: Path, tools: Any) -> Iterator[Any]:
    """A caller of a server that rewrites tables from a thousand dead rows on."""
    with tools.rewriting_server(tmp_path) as made:
        yield made


def span_ids(*numbers: int) -> list[str]:
    return [f"span-{number:012d}" for number in numbers]


def delete(caller: Any, project: str, ids: Any, **members: Any) -> Any:
    listed = caller.rest.get("/v2/projects", params={"name": project}).json()["projects"]
    found = [item["id"] for item in listed if item["name"] == project]
    headers = members.pop("headers", None)
    body = json.dumps({"project_id": found[0], "span_ids": ids, **members})
    return caller.rest.request("DELETE", "/v2/spans", content=body, headers=headers)


def test_what_is_deleted_is_gone(caller: Any, tools: Any, project: str) -> None:
    caller.upload(tools.spans(5), project)
    scores = {"context.span_id": span_ids(*range(5)), "eval.Q.score": [1.0] * 5}
    caller.put(pa.table(scores), project)
    answer = delete(caller, project, [*span_ids(3, 1), "nowhere", *span_ids(3)])
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {
        "completed": True,
        "deleted_span_ids": span_ids(3, 1),
        "not_deleted_span_ids": ["nowhere"],
    }
    assert sorted(caller.rows(project)) == span_ids(0, 2, 4)
    # Its evaluations are gone, too: the span that comes again has none.
    caller.upload(tools.spans(5), project)
    scores = {name: row["eval.Q.score"] for name, row in caller.rows(project).items()}
    assert scores == dict(zip(span_ids(*range(5)), [1.0, None, 1.0, None, 1.0], strict=True))


def test_annotations_and_notes_go_with_their_span(caller: Any, tools: Any, project: str) -> None:
    caller.upload(tools.spans(2), project)
    said = {
        "context.span_id": span_ids(0, 1),
        "annotation.Q.label": ["a", "b"],
        "annotation.notes": pa.array([["one"], ["two"]]),
    }
    assert caller.put(pa.table(said), project, kind="annotations").records_updated == 2
    delete(caller, project, span_ids(0))
    caller.upload(tools.spans(2), project)
    gone, kept = (row for _, row in sorted(caller.rows(project).items()))
    assert (gone["annotation.Q.label"], kept["annotation.Q.label"]) == (None, "b")
    assert not gone["annotation.notes"]
    assert kept["annotation.notes"]


def test_a_delete_that_is_repeated_finds_nothing(caller: Any, tools: Any, project: str) -> None:
    caller.upload(tools.spans(3), project)
    ids = span_ids(0, 1)
    assert delete(caller, project, ids).json()["deleted_span_ids"] == ids
    again = delete(caller, project, ids).json()
    assert again == {"completed": True, "deleted_span_ids": [], "not_deleted_span_ids": ids}
    assert list(caller.rows(project)) == span_ids(2)


def test_the_window_includes_its_start_and_excludes_its_end(
    caller: Any, tools: Any, project: str
) -> None:
    first = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    starts = [int((first + timedelta(seconds=n)).timestamp()) * 10**9 for n in range(5)]
    table = tools.spans(5)
    index = table.schema.get_field_index("start_time")
    caller.upload(table.set_column(index, "start_time", pa.array(starts, pa.int64())), project)
    window = {
        "start_time": (first + timedelta(seconds=1)).isoformat(),
        "end_time": (first + timedelta(seconds=3)).replace(tzinfo=None).isoformat(),
    }
    answer = delete(caller, project, span_ids(*range(5)), **window).json()
    assert answer["deleted_span_ids"] == span_ids(1, 2)
    assert answer["not_deleted_span_ids"] == span_ids(0, 3, 4)


def test_without_a_window_it_is_the_last_two_years(caller: Any, tools: Any, project: str) -> None:
    now = time.time_ns()
    days = [0, 729, 731, -1]
    table = tools.spans(len(days))
    index = table.schema.get_field_index("start_time")
    starts = pa.array([now - day * 86_400 * 10**9 for day in days], pa.int64())
    caller.upload(table.set_column(index, "start_time", starts), project)
    assert delete(caller, project, span_ids(*range(4))).json() == {
        "completed": True,
        "deleted_span_ids": span_ids(0, 1),
        "not_deleted_span_ids": span_ids(2, 3),
    }
    long_ago = {"start_time": "2020-01-01T00:00:00Z"}
    assert delete(caller, project, span_ids(2), **long_ago).json()["deleted_span_ids"] == span_ids(
        2
    )


@pytest.mark.parametrize(
    ("identity", "status"),
    [
        (("arize", "8.37.0"), 204),
        (("arize", "8.22.0"), 204),
        (("arize", "8.37.1"), 200),
        (("arize", "8.61.0"), 200),
        (("other", "1.0.0"), 200),
    ],
)
def test_old_sdks_are_answered_as_they_know_it(
    caller: Any, tools: Any, project: str, identity: tuple[str, str], status: int
) -> None:
    caller.upload(tools.spans(2), project)
    headers = {"sdk-package-name": identity[0], "sdk-version": identity[1]}
    answer = delete(caller, project, span_ids(0), headers=headers)
    assert answer.status_code == status
    assert answer.content == b"" if status == 204 else answer.json()["completed"]
    assert list(caller.rows(project)) == span_ids(1)


@pytest.mark.parametrize(
    ("members", "status", "word"),
    [
        ({"span_ids": []}, 422, "span_ids"),
        ({"span_ids": ["x"] * 5_001}, 422, "5,001"),
        ({"span_ids": "span"}, 422, "span_ids"),
        ({"span_ids": [1]}, 422, "span_ids"),
        ({"span_ids": ["\ud800"]}, 422, "span_ids"),
        ({"span_ids": None}, 422, "span_ids"),
        ({"project_id": None}, 422, "project_id"),
        ({"project_id": "TW9kZWw6OTk5OnggIA=="}, 404, "TW9kZWw6OTk5OnggIA=="),
        ({"start_time": "yesterday"}, 422, "yesterday"),
        ({"end_time": 5}, 422, "end_time"),
        (
            {"start_time": "2026-01-02T00:00:00Z", "end_time": "2026-01-02T00:00:00Z"},
            422,
            "before",
        ),
    ],
)
def test_a_bad_request_is_a_problem(
    *,
    caller: Any,
    tools: Any,
    project: str,
    members: dict[str, Any],
    status: int,
    word: str,
) -> None:
    caller.upload(tools.spans(1), project)
    answer = delete(caller, project, span_ids(0), **members)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert word in answer.json()["detail"]
    assert list(caller.rows(project)) == span_ids(0)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'"x"'])
def test_a_body_that_is_no_object_is_refused(caller: Any, body: bytes) -> None:
    answer = caller.rest.request("DELETE", "/v2/spans", content=body)
    assert answer.status_code == 400
    assert answer.json()["title"] == "Bad Request"


def test_spans_of_every_table_are_deleted(caller: Any, tools: Any, project: str) -> None:
    caller.upload(tools.spans(20_000), project)
    # So many new columns are begun in a table of their own.
    columns = {f"attributes.c{n}": ["x"] * 10 for n in range(700)}
    caller.upload(tools.spans(10, first=20_000, **columns), project)
    ids = span_ids(0, 19_999, 20_000, 20_009)
    assert delete(caller, project, ids).json()["deleted_span_ids"] == ids
    assert sorted(caller.rows(project, projected_columns=("context.span_id",))) == span_ids(
        *range(1, 19_999), *range(20_001, 20_009)
    )


def test_an_export_that_is_being_read_keeps_its_spans(
    caller: Any, tools: Any, project: str
) -> None:
    caller.upload(tools.spans(2_000), project)
    info = caller.info(project, stream_chunk_size=100)
    delete(caller, project, span_ids(*range(1_000)))
    assert caller.read(info).num_rows == 2_000
    assert len(caller.rows(project)) == 1_000


def test_the_store_stops_growing(caller_of_small: Any, tools: Any, tmp_path: Path) -> None:
    rows, text_bytes, sizes = 4_000, 5_000, []
    folder = tmp_path / "store.duckdb"
    for number in range(16):
        # Random text, which does not compress: 20 MB a load, against the 64 MB at which the log is
        # folded into the file.
        noise = random.Random(number).randbytes(rows * text_bytes // 2).hex()
        text = [noise[at : at + text_bytes] for at in range(0, len(noise), text_bytes)]
        caller_of_small.upload(tools.spans(rows, **{"attributes.text": text}))
        ids = [id_ for n, id_ in enumerate(span_ids(*range(rows))) if n % 4]
        assert delete(caller_of_small, "p", ids).json()["deleted_span_ids"] == ids
        time.sleep(0.4)
        log = folder.with_name(f"{folder.name}.wal")
        sizes.append(folder.stat().st_size + (log.stat().st_size if log.exists() else 0))
    assert caller_of_small.info().total_records == rows // 4
    # Without a rewrite sixteen loads would take twice as much as eight.
    assert max(sizes[8:]) <= 1.1 * max(sizes[:8]), sizes
    print(sizes)
