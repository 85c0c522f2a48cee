"""Spans found by a key: a trace, a session, a value they carry."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from spanduck import SpansClient
from spanduck._write_back.keys import KEY_SCHEMA, infer_key, matches, span_key
from spanduck._write_back.lookup import MOST_PUSHED
from spanduck.exceptions import UnknownProjectError, ValidationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from spanduck._config import Settings
    from spanduck._transport.flight import FlightTransport

    Find = Callable[..., list[tuple[str, str]]]

SESSION = "attributes.session.id"
METADATA = "attributes.metadata"
START = time.time_ns() - 3600 * 10**9


def span(name: str) -> str:
    return f"span-{name:0>12}"


def trace(name: str) -> str:
    return f"trace-{name:0>12}"


def spans(*rows: dict[str, Any]) -> pa.Table:
    """Spans of which a row says `id` and whatever else; `at` is its start in seconds."""
    names = dict.fromkeys(name for row in rows for name in row if name not in ("id", "trace", "at"))
    starts = [START + row.get("at", 0) * 10**9 for row in rows]
    return pa.table(
        {
            "context.span_id": [span(row["id"]) for row in rows],
            "context.trace_id": [trace(row.get("trace", "t")) for row in rows],
            "name": ["operation"] * len(rows),
            "start_time": pa.array(starts, pa.int64()),
            "end_time": pa.array([start + 1 for start in starts], pa.int64()),
            **{name: [row.get(name) for row in rows] for name in names},
        }
    )


@pytest.fixture
def client(settings: dict[str, Any]) -> Iterator[SpansClient]:
    with SpansClient(**settings) as client:
        yield client


@pytest.fixture
def project(request: pytest.FixtureRequest) -> str:
    return str(request.node.name)


@pytest.fixture
def log(client: SpansClient, project: str) -> Callable[..., None]:
    def log(*rows: dict[str, Any]) -> None:
        client.log(project_name=project, dataframe=spans(*rows), validate=False)

    return log


@pytest.fixture
def find(flight: FlightTransport, resolved: Settings, project: str) -> Find:
    def find(key: str, *wanted: str | None) -> list[tuple[str, str]]:
        reading = matches(
            flight,
            resolved,
            space=resolved.service.space or "",
            project=project,
            key=span_key(key),
            wanted=pa.array(wanted, pa.string()),
        )
        found = pa.Table.from_batches(reading, KEY_SCHEMA)
        return sorted(zip(*found.to_pydict().values(), strict=True))

    return find


def test_a_trace_finds_its_roots(log: Callable[..., None], find: Find) -> None:
    log(
        {"id": "a", "trace": "one", "parent_id": None},
        {"id": "b", "trace": "one", "parent_id": span("a")},
        {"id": "c", "trace": "two", "parent_id": ""},
        {"id": "d", "trace": "two", "parent_id": None},
        {"id": "e", "trace": "orphan", "parent_id": span("x")},
        {"id": "f", "trace": "other", "parent_id": None},
    )
    wanted = [trace("one"), trace("two"), trace("orphan"), trace("none"), None, trace("one")]
    assert find("trace", *wanted) == [
        (trace("one"), span("a")),
        (trace("two"), span("c")),
        (trace("two"), span("d")),
    ]


def test_a_root_that_comes_late_is_found_then(log: Callable[..., None], find: Find) -> None:
    log({"id": "b", "trace": "one", "parent_id": span("a"), SESSION: "s"})
    assert find("trace", trace("one")) == []
    assert find("session", "s") == []
    log({"id": "a", "trace": "one", "parent_id": None})
    assert find("trace", trace("one")) == [(trace("one"), span("a"))]
    assert find("session", "s") == [("s", span("a"))]


def test_a_project_without_parents_has_roots_only(log: Callable[..., None], find: Find) -> None:
    log({"id": "a", "trace": "one"}, {"id": "b", "trace": "two"})
    assert find("trace", trace("two")) == [(trace("two"), span("b"))]


def test_a_session_finds_the_root_of_its_earliest_trace(
    log: Callable[..., None], find: Find
) -> None:
    log(
        {"id": "late", "trace": "late", "at": 20, SESSION: "s"},
        {"id": "root", "trace": "early", "at": 12, SESSION: "s", "parent_id": ""},
        # A child may begin before its parent, and be the only one to name the session.
        {"id": "child", "trace": "early", "at": 11, SESSION: "s", "parent_id": span("root")},
        {"id": "same", "trace": "same", "at": 5, SESSION: "S"},
        {"id": "none", "trace": "none", "at": 0},
    )
    assert find("session", "s", "S", "unknown") == [("S", span("same")), ("s", span("root"))]


def test_sessions_with_one_trace_in_common_find_its_root_both(
    log: Callable[..., None], find: Find
) -> None:
    log(
        {"id": "root", "trace": "one"},
        {"id": "a", "trace": "one", SESSION: "s", "parent_id": span("root")},
        {"id": "b", "trace": "one", SESSION: "it's", "parent_id": span("root")},
    )
    assert find("session", "it's", "s") == [("it's", span("root")), ("s", span("root"))]


def test_a_session_whose_earliest_trace_has_no_root_finds_nothing(
    log: Callable[..., None], find: Find
) -> None:
    log(
        {"id": "a", "trace": "early", "at": 1, SESSION: "s", "parent_id": span("x")},
        {"id": "b", "trace": "late", "at": 2, SESSION: "s"},
    )
    assert find("session", "s") == []


@pytest.mark.parametrize("asked", [3, MOST_PUSHED, MOST_PUSHED + 100])
def test_keys_are_found_however_many_they_are(
    log: Callable[..., None], find: Find, asked: int
) -> None:
    log(*({"id": str(n), "trace": str(n), SESSION: f"session {n}"} for n in range(700)))
    traces = [trace(str(n)) for n in range(0, 2 * asked, 2)]
    there = range(0, min(2 * asked, 700), 2)
    assert find("trace", *traces) == sorted((trace(str(n)), span(str(n))) for n in there)
    sessions = [f"session {n}" for n in range(0, 2 * asked, 2)]
    assert find("session", *sessions) == sorted((f"session {n}", span(str(n))) for n in there)


def test_a_value_of_the_metadata_finds_every_span_that_has_it(
    log: Callable[..., None], find: Find
) -> None:
    log(
        {"id": "a", METADATA: '{"order_id": "A 1"}'},
        {"id": "b", METADATA: '{"order_id": "A 1", "x": 1}'},
        {"id": "c", METADATA: '{"order_id": "a 1"}'},
        {"id": "d", METADATA: '{"order_id": null}'},
        {"id": "e", METADATA: '{"Order_id": "A 1"}'},
        {"id": "f", METADATA: '{"order_id": "O\'Hara"}'},
        {"id": "g", METADATA: "no JSON"},
        {"id": "h", METADATA: None},
    )
    key = "attributes.metadata.order_id"
    assert find(key, "A 1", "A 1", None, "nobody") == [("A 1", span("a")), ("A 1", span("b"))]
    assert find(key, "O'Hara", "a 1") == [("O'Hara", span("f")), ("a 1", span("c"))]
    assert find(key, "null", "") == []


def test_numbers_and_booleans_of_the_metadata_are_found_by_their_text(
    log: Callable[..., None], find: Find
) -> None:
    log(
        {"id": "int", METADATA: '{"k": 12}'},
        {"id": "text", METADATA: '{"k": "12"}'},
        {"id": "double", METADATA: '{"k": 12.0}'},
        {"id": "big", METADATA: '{"k": 9007199254740993}'},
        {"id": "near", METADATA: '{"k": 9007199254740992}'},
        {"id": "raw", METADATA: '{"k": true}'},
        {"id": "patched", METADATA: '{"k": "True"}'},
        {"id": "nested", METADATA: '{"k": {"z": 1}}'},
    )
    key = "attributes.metadata.k"
    assert find(key, "12") == [("12", span("int")), ("12", span("text"))]
    assert find(key, "12.0", "x") == [("12.0", span("double"))]
    assert find(key, "9007199254740993") == [("9007199254740993", span("big"))]
    assert find(key, "true") == [("true", span("raw"))]
    assert find(key, "True", "12") == [
        ("12", span("int")),
        ("12", span("text")),
        ("True", span("patched")),
    ]
    assert find(key, '{"z":1}') == [('{"z":1}', span("nested"))]


@pytest.mark.parametrize(
    ("key", "document"),
    [
        ("a.b", '{"a.b": "v"}'),
        ("a.b", '{"a": {"b": "v"}}'),
        ("order id", '{"order id": "v"}'),
        ('it\'s "q"', '{"it\'s \\"q\\"": "v"}'),
        ("0", '{"0": "v"}'),
        ("naïve", '{"naïve": "v"}'),
        ("a/b~c*", '{"a/b~c*": "v"}'),
    ],
)
def test_keys_of_the_metadata_have_any_name(
    client: SpansClient, find: Find, log: Callable[..., None], key: str, document: str
) -> None:
    log({"id": "a", METADATA: document}, {"id": "b", METADATA: '{"c": "v"}'})
    assert find(f"attributes.metadata.{key}", "v") == [("v", span("a"))]


def test_any_column_of_attributes_is_a_key(log: Callable[..., None], find: Find) -> None:
    log(
        {"id": "a", "attributes.Order Number": "x 1", "attributes.number": 7},
        {"id": "b", "attributes.Order Number": "x 2", "attributes.number": 7},
        {"id": "c", "attributes.order number": "x 1", "attributes.number": None},
    )
    assert find("attributes.Order Number", "x 1", "") == [("x 1", span("a"))]
    assert find("attributes.order number", "x 1") == [("x 1", span("c"))]
    assert find("attributes.number", "7", "8") == [("7", span("a")), ("7", span("b"))]
    assert find("span_id", span("b"), "nowhere") == [(span("b"), span("b"))]


def test_what_the_project_lacks_finds_nothing(log: Callable[..., None], find: Find) -> None:
    log({"id": "a"})
    for key in ("session", "attributes.metadata.k", "attributes.nothing"):
        assert find(key, "x") == []


def test_no_keys_find_nothing(find: Find) -> None:
    assert find("trace") == []
    assert find("session", None) == []


def test_a_project_that_is_not_there_is_named(find: Find) -> None:
    with pytest.raises(UnknownProjectError):
        find("trace", "x")


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("span_id", ("span_id", "context.span_id")),
        ("trace", ("trace_id", "context.trace_id")),
        ("context.trace_id", ("trace_id", "context.trace_id")),
        ("session_id", ("session_id", SESSION)),
        ("attributes.metadata.order_id", ("attributes.metadata.order_id", "order_id")),
        ("attributes.user.id", ("attributes.user.id", "user.id")),
        ("attributes.metadata.label", ("attributes.metadata.label",)),
    ],
)
def test_a_key_tells_what_a_model_selects_it_as(text: str, columns: tuple[str, ...]) -> None:
    key = span_key(text)
    assert (key.name, key.columns, key.column) == (text, columns, columns[0])


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("trase", "'trace'"),
        ("sesion_id", "'session_id'"),
        ("atributes.metadata.order_id", "'attributes.metadata.order_id'"),
        ("metadata.order_id", "'attributes.metadata.order_id'"),
        ("attributes.metadata.", "attributes.metadata"),
        ("order_id", "attributes.metadata"),
        ("", "attributes.metadata"),
    ],
)
def test_an_unknown_key_is_told_with_what_is_near(text: str, near: str) -> None:
    with pytest.raises(ValidationError, match=f"there is no key '{text}'") as caught:
        span_key(text)
    assert near in (caught.value.next_step or "")


@pytest.mark.parametrize(
    ("columns", "name"),
    [
        (["span_id", "trace_id", "label"], None),
        (["context.span_id"], None),
        (["name", "label"], None),
        (["Trace_ID", "name", "label"], "trace"),
        (["context.trace_id", "name"], "trace"),
        (["session_id", "name"], "session"),
        ([SESSION, "name"], "session"),
    ],
)
def test_columns_tell_the_key(columns: list[str], name: str | None) -> None:
    key = infer_key(columns)
    assert (None if key is None else key.name) == name


def test_columns_that_tell_two_keys_are_refused() -> None:
    with pytest.raises(ValidationError, match="trace_id and session_id both"):
        infer_key(["trace_id", "session_id", "label"])
