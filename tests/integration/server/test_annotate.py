from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

NOW = datetime.now(UTC)


def _ids(*numbers: int) -> list[str]:
    return [f"span-{number:012d}" for number in numbers]


def _record(record_id: str, name: str = "Q", **fields: Any) -> dict[str, Any]:
    return {"record_id": record_id, "values": [{"name": name, **fields}]}


def _project_id(caller: Any, project: str) -> str:
    pages = caller.rest.get("/v2/projects", params={"name": project, "limit": 100}).json()
    return next(str(item["id"]) for item in pages["projects"] if item["name"] == project)


def _post(caller: Any, project: str, *records: Any, **members: Any) -> Any:
    body = {"project_id": _project_id(caller, project), "annotations": list(records), **members}
    return caller.rest.post("/v2/spans/annotate", json=body)


def _annotation(row: dict[str, Any], name: str = "Q") -> tuple[Any, Any, Any]:
    label, score, text = (row.get(f"annotation.{name}.{f}") for f in ("label", "score", "text"))
    return label, score, text


def test_fields_that_are_left_out_are_left_alone(caller: Any, tools: Any) -> None:
    caller.upload(tools.spans(2), "alone")
    began_ms = int(datetime.now(UTC).timestamp() * 1000)
    answer = _post(caller, "alone", _record(_ids(0)[0], label="a", score=1))
    assert (answer.status_code, answer.content) == (202, b"")
    values = [{"name": "Q", "text": "t", "score": None}, {"name": "other", "label": "b"}]
    _post(caller, "alone", {"record_id": _ids(0)[0], "values": values})
    back = caller.rows("alone")
    row = back[_ids(0)[0]]
    assert _annotation(row) == ("a", 1.0, "t")
    assert _annotation(row, "other") == ("b", None, None)
    assert row["annotation.Q.updated_by"] == "API"
    ended_ms = datetime.now(UTC).timestamp() * 1000
    assert began_ms <= row["annotation.Q.updated_at"] <= ended_ms
    assert _annotation(back[_ids(1)[0]]) == (None, None, None)


def test_one_unknown_id_rejects_all(caller: Any, tools: Any) -> None:
    caller.upload(tools.spans(1), "unknown")
    records = (_record(_ids(0)[0], label="a"), _record("no-such-span", label="a"))
    answer = _post(caller, "unknown", *records)
    assert answer.status_code == 404
    assert "no-such-span" in answer.json()["detail"]
    assert "annotation.Q.label" not in caller.info("unknown").schema.names


@pytest.mark.parametrize(
    ("members", "status", "word"),
    [
        ({"annotations": []}, 422, "records"),
        ({"annotations": [_record(f"span-{n}") for n in range(1_001)]}, 422, "1,001"),
        (
            {"granularity": "SESSION", "annotations": [_record(str(n)) for n in range(101)]},
            422,
            "101",
        ),
        ({"annotations": [_record("a"), _record("a")]}, 400, "'a'"),
        ({"annotations": [{"record_id": "a", "values": [{"name": "n"}] * 2}]}, 400, "'n'"),
        ({"annotations": [{"record_id": "a", "values": []}]}, 422, "values"),
        ({"annotations": [{"values": [{"name": "n"}]}]}, 422, "record_id"),
        ({"annotations": [{"record_id": "a", "values": [{"label": "n"}]}]}, 422, "name"),
        ({"annotations": ["a"]}, 422, "annotations"),
        ({"annotations": [_record("a", score="1")]}, 422, "score"),
        ({"annotations": [_record("a", score=True)]}, 422, "score"),
        ({"annotations": [_record("a", label=1)]}, 422, "label"),
        ({"granularity": "span"}, 422, "granularity"),
        ({"project_id": ""}, 422, "project_id"),
        ({"project_id": "TW9kZWw6OTk5OmFhYWE="}, 404, "project"),
        ({"start_time": "soon"}, 422, "start_time"),
        ({"start_time": (NOW - timedelta(days=32)).isoformat()}, 422, "31 days"),
        ({"end_time": (NOW + timedelta(days=1)).isoformat()}, 422, "future"),
        ({"start_time": NOW.isoformat(), "end_time": NOW.isoformat()}, 422, "before"),
        (
            {"granularity": "SESSION", "start_time": (NOW - timedelta(days=8)).isoformat()},
            422,
            "7 days",
        ),
    ],
)
def test_what_is_refused(
    caller: Any, tools: Any, members: dict[str, Any], status: int, word: str
) -> None:
    if "refused" not in caller.rest.get("/v2/projects", params={"name": "refused"}).text:
        caller.upload(tools.spans(1), "refused")
    answer = _post(
        caller, "refused", **{"annotations": [_record(_ids(0)[0], label="a")], **members}
    )
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert word in answer.json()["detail"]
    assert "annotation.Q.label" not in caller.info("refused").schema.names


def test_a_body_that_is_no_json_is_refused(caller: Any) -> None:
    assert caller.rest.post("/v2/spans/annotate", content=b"{").status_code == 400
    assert caller.rest.post("/v2/spans/annotate", content=b"[]").status_code == 400


def test_spans_outside_of_the_window_are_not_found(caller: Any, tools: Any) -> None:
    caller.upload(tools.spans(1), "window")
    record = _record(_ids(0)[0], label="a")
    hours = [(NOW - timedelta(hours=ago)).isoformat() for ago in (2, 1)]
    answer = _post(caller, "window", record, start_time=hours[0], end_time=hours[1])
    assert answer.status_code == 404
    assert _post(caller, "window", record, start_time=hours[1]).status_code == 202


def test_a_trace_is_annotated_at_its_root(caller: Any, tools: Any) -> None:
    table = tools.spans(4)
    parents = [None, _ids(0)[0], "", _ids(2)[0]]
    caller.upload(table.set_column(2, "parent_id", [parents]), "traces")
    good = [_record(id_, label="whole") for id_ in _ids(0, 2)]
    answer = _post(caller, "traces", *good, _record(_ids(1)[0], label="x"), granularity="TRACE")
    assert answer.status_code == 400
    assert "not the root" in answer.json()["detail"]
    assert _post(caller, "traces", *good, granularity="TRACE").status_code == 202
    back = caller.rows("traces")
    labels = [back[id_]["annotation.Q.label"] for id_ in _ids(0, 1, 2, 3)]
    assert labels == ["whole", None, "whole", None]


def test_what_is_said_of_a_span_stays_apart_from_what_is_said_of_its_trace(
    caller: Any, tools: Any
) -> None:
    caller.upload(tools.spans(2), "levels")
    first, second = _ids(0, 1)
    _post(
        caller,
        "levels",
        _record(first, label="t", text="x"),
        _record(second, text="y"),
        granularity="TRACE",
    )
    _post(caller, "levels", _record(first, label="s"))
    back = caller.rows("levels")
    assert _annotation(back[first]) == ("s", None, None)
    assert _annotation(back[second]) == (None, None, "y")
    assert list(caller.rows("levels", filter_expression="annotation.Q.text = 'y'")) == [second]


def test_a_session_is_annotated_at_the_root_of_its_earliest_trace(caller: Any, tools: Any) -> None:
    table = tools.spans(8, **{"attributes.session.id": [None, "one", "one", "two", *["one"] * 4]})
    parents = [None, _ids(0)[0], _ids(0)[0], _ids(0)[0], None, *_ids(4, 4, 4)]
    caller.upload(table.set_column(2, "parent_id", [parents]), "sessions")
    record = _record("one", label="s")
    answer = _post(caller, "sessions", record, _record("none"), granularity="SESSION")
    assert answer.status_code == 404
    assert "'none'" in answer.json()["detail"]
    assert _post(caller, "sessions", record, granularity="SESSION").status_code == 202
    back = caller.rows("sessions", filter_expression="annotation.Q.label = 's'")
    assert list(back) == _ids(0)
    caller.upload(tools.spans(1), "no sessions")
    assert _post(caller, "no sessions", record, granularity="SESSION").status_code == 404


def test_a_thousand_records_are_one_call(caller: Any, tools: Any) -> None:
    caller.upload(tools.spans(1_000), "thousand")
    records = [_record(id_, score=number) for number, id_ in enumerate(_ids(*range(1_000)))]
    assert _post(caller, "thousand", *records).status_code == 202
    back = caller.rows("thousand")
    assert [back[id_]["annotation.Q.score"] for id_ in _ids(0, 999)] == [0.0, 999.0]
