"""Metadata patches over Flight."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest

from spanduck._wire import MetadataResult

METADATA = "attributes.metadata"


@pytest.fixture
def project(request: pytest.FixtureRequest) -> str:
    return str(request.node.name)[:200]


def span_id(number: int) -> str:
    return f"span-{number:012d}"


def put(caller: Any, project: str, table: pa.Table) -> MetadataResult:
    return MetadataResult.from_bytes(caller.send(table, project, kind="metadata"))


def patch(caller: Any, project: str, *rows: tuple[int | str, Any]) -> MetadataResult:
    """Patch spans; a patch that is no text is sent as JSON."""
    ids = [span_id(span) if isinstance(span, int) else span for span, _ in rows]
    texts = [given if isinstance(given, str | None) else json.dumps(given) for _, given in rows]
    table = pa.table({"context.span_id": ids, "patch_document": pa.array(texts, pa.string())})
    return put(caller, project, table)


def metadata(caller: Any, project: str) -> list[Any]:
    """What each span has, parsed, in the order of the spans."""
    rows = sorted(caller.rows(project).items())
    return [None if row[METADATA] is None else json.loads(row[METADATA]) for _, row in rows]


@pytest.fixture
def logged(caller: Any, tools: Any, project: str) -> Any:
    """A caller whose project has four spans, three of them with metadata."""
    texts = ['{"a": 1, "keep": {"deep": [1]}}', "{}", None, '{"env": "dev"}']
    caller.upload(tools.spans(4, **{METADATA: texts}), project)
    return caller


def test_top_level_keys_are_set_and_others_stay(logged: Any, project: str) -> None:
    result = patch(logged, project, (0, {"a": "x", "b": 2.5}), (2, {"new": "n"}))
    assert result == MetadataResult(2, 2)
    assert metadata(logged, project) == [
        {"a": "x", "b": 2.5, "keep": {"deep": [1]}},
        {},
        {"new": "n"},
        {"env": "dev"},
    ]


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ('"text"', "text"),
        ('"naïve 🦆 \\u00e9 \\" \\\\ \\n"', 'naïve 🦆 é " \\ \n'),
        ("1", 1),
        ("-0.125", -0.125),
        ("12345678901234567890123", 12345678901234567890123),
        ("true", "True"),
        ("false", "False"),
        ("null", None),
        ("NaN", None),
        ("Infinity", None),
        ("-Infinity", None),
        ("nan", None),
        ("-NAN", None),
        ("inf", None),
        ("-inf", None),
        ("-iNfInItY", None),
        ('"nan"', "nan"),
        ('"-inf"', "-inf"),
        ('["a", 1, null]', '["a",1,null]'),
        ('{"x": {"y": "q\\"uote"}}', '{"x":{"y":"q\\"uote"}}'),
        ('""', ""),
        ('"true"', "true"),
        ('"null"', "null"),
        ('"[1]"', "[1]"),
    ],
)
def test_values_are_stored_as_documented(
    logged: Any, project: str, sent: str, stored: object
) -> None:
    assert patch(logged, project, (0, f'{{"key": {sent}, "plain": "p"}}')) == MetadataResult(1, 1)
    expected = {"a": 1, "keep": {"deep": [1]}, "key": stored, "plain": "p"}
    assert metadata(logged, project)[0] == expected


def test_keys_may_be_any_text(logged: Any, project: str) -> None:
    keys = {"a.b": "1", 'q"uote': "2", "naïve 🦆": "3", "": "4", "$.a": True, "[0]": None}
    patch(logged, project, (1, keys))
    assert metadata(logged, project)[1] == {**keys, "$.a": "True"}


def test_a_bad_row_fails_alone_and_is_named(logged: Any, project: str) -> None:
    result = patch(
        logged,
        project,
        (0, {"ok": 1}),
        (1, '{"broken": '),
        ("nowhere", {"a": 1}),
        (2, "[1]"),
        (3, None),
        (3, '{"a": 1, "a": 2}'),
        (3, "null"),
        (3, {"good": True}),
    )
    assert (result.spans_processed, result.spans_updated, result.spans_failed) == (8, 2, 6)
    assert [(id_, reason.split(":")[0]) for id_, reason in result.errors] == [
        (span_id(1), "parse_failure"),
        ("nowhere", "segment_not_found"),
        (span_id(2), "parse_failure"),
        (span_id(3), "parse_failure"),
        (span_id(3), "patch_failure"),
        (span_id(3), "parse_failure"),
    ]
    after = metadata(logged, project)
    assert after == [
        {"a": 1, "keep": {"deep": [1]}, "ok": 1},
        {},
        None,
        {"env": "dev", "good": "True"},
    ]


def test_rows_of_one_span_are_applied_in_their_order(logged: Any, project: str) -> None:
    result = patch(
        logged, project, (0, {"a": 2, "x": 1}), (1, {"y": 0}), (0, {"x": None}), (0, {"z": True})
    )
    assert result == MetadataResult(4, 4)
    after = {"a": 2, "keep": {"deep": [1]}, "x": None, "z": "True"}
    assert metadata(logged, project)[:2] == [after, {"y": 0}]


def test_metadata_that_is_no_object_is_kept(caller: Any, tools: Any, project: str) -> None:
    caller.upload(tools.spans(4, **{METADATA: ["no json", "[1]", "", " "]}), project)
    result = patch(caller, project, *((number, {"a": 1}) for number in range(4)))
    assert (result.spans_updated, result.spans_failed) == (2, 2)
    assert {reason.split(":")[0] for _, reason in result.errors} == {"type_conflict"}
    rows = sorted(caller.rows(project).items())
    texts = [row[METADATA] for _, row in rows]
    assert texts[:2] == ["no json", "[1]"]
    assert [json.loads(text) for text in texts[2:]] == [{"a": 1}] * 2


def test_a_project_without_metadata_gets_some(caller: Any, tools: Any, project: str) -> None:
    caller.upload(tools.spans(3), project)
    assert patch(caller, project, (1, {"a": 1})) == MetadataResult(1, 1)
    assert metadata(caller, project) == [None, {"a": 1}, None]
    # Uploads know the column then.
    caller.upload(tools.spans(1, first=3, **{METADATA: ['{"b": 2}']}), project)
    assert metadata(caller, project)[3] == {"b": 2}


def test_metadata_sent_as_structs_can_be_patched(caller: Any, tools: Any, project: str) -> None:
    structs = pa.array([{"a": 1, "b": "x"}, None])
    caller.upload(tools.spans(2, **{METADATA: structs}), project)
    assert patch(caller, project, (0, {"b": "y"}), (1, {"c": 1})) == MetadataResult(2, 2)
    assert metadata(caller, project) == [{"a": 1, "b": "y"}, {"c": 1}]


def test_metadata_of_two_kinds_becomes_one(caller: Any, tools: Any, project: str) -> None:
    caller.upload(tools.spans(2, **{METADATA: pa.array([{"a": 1}, {"a": 2}])}), project)
    caller.upload(tools.spans(2, first=2, **{METADATA: ['{"a": 3}', '{"a": 4}']}), project)
    patch(caller, project, *((number, {"b": number}) for number in (1, 2)))
    assert metadata(caller, project) == [{"a": 1}, {"a": 2, "b": 1}, {"a": 3, "b": 2}, {"a": 4}]
    patch(caller, project, (2, {"b": "again"}))
    assert metadata(caller, project)[2] == {"a": 3, "b": "again"}


def test_spans_of_a_table_without_the_column_move(caller: Any, tools: Any, project: str) -> None:
    caller.upload(tools.spans(20_000, **{"attributes.n": range(20_000)}), project)
    # So many new columns are begun in a table of their own.
    columns = {f"attributes.c{n}": ["x"] * 10 for n in range(700)}
    texts = pa.array(['{"a": 1}'] * 10)
    caller.upload(tools.spans(10, first=20_000, **columns, **{METADATA: texts}), project)
    rows = [(0, {"b": 1}), (19_999, {"b": 2}), (20_003, {"b": 3})]
    assert patch(caller, project, *rows) == MetadataResult(3, 3)
    wanted = ("context.span_id", METADATA, "attributes.n", "attributes.c5")
    back = caller.rows(project, projected_columns=wanted)
    assert len(back) == 20_010
    assert json.loads(back[span_id(0)][METADATA]) == {"b": 1}
    assert back[span_id(0)]["attributes.n"] == 0
    assert json.loads(back[span_id(19_999)][METADATA]) == {"b": 2}
    assert back[span_id(1)][METADATA] is None
    assert json.loads(back[span_id(20_003)][METADATA]) == {"a": 1, "b": 3}
    assert back[span_id(20_003)]["attributes.c5"] == "x"


def test_what_is_written_can_be_filtered_at_once(logged: Any, project: str) -> None:
    patch(logged, project, (0, {"tag": "hot", "n": 5}), (1, {"tag": "cold"}), (2, {"flag": True}))
    for text, spans in [
        ("attributes.metadata.tag = 'hot'", [0]),
        ("attributes.metadata.n > 4", [0]),
        ("attributes.metadata.flag = 'True'", [2]),
        ("attributes.metadata.env = 'dev'", [3]),
    ]:
        rows = logged.rows(project, filter_expression=text)
        assert sorted(rows) == [span_id(span) for span in spans], text


def test_an_empty_call_changes_nothing(logged: Any, project: str) -> None:
    before = metadata(logged, project)
    empty = pa.table({"context.span_id": pa.nulls(0), "patch_document": pa.nulls(0)})
    assert put(logged, project, empty) == MetadataResult()
    assert metadata(logged, project) == before
    # An empty patch is no failure.
    assert patch(logged, project, (0, "{}")) == MetadataResult(1, 1)
    assert metadata(logged, project) == before


@pytest.mark.parametrize(
    ("columns", "word"),
    [
        ({"context.span_id": [span_id(0)]}, "patch_document"),
        ({"patch_document": ["{}"]}, "context.span_id"),
        ({"context.span_id": [None, span_id(0)], "patch_document": ["{}", "{}"]}, "span_id"),
    ],
)
def test_a_call_without_ids_or_patches_is_refused(
    logged: Any, project: str, columns: dict[str, Any], word: str
) -> None:
    with pytest.raises(pa.ArrowInvalid, match=word):
        put(logged, project, pa.table(columns))


def test_an_unknown_project_is_an_error(logged: Any) -> None:
    with pytest.raises(pa.ArrowKeyError, match="no project"):
        patch(logged, "no such project", (0, {}))


def test_an_export_that_is_being_read_keeps_its_metadata(logged: Any, project: str) -> None:
    info = logged.info(project)
    patch(logged, project, (1, {"a": "later"}))
    texts = logged.read(info).sort_by("context.span_id")[METADATA].to_pylist()
    assert texts[1] == "{}"
    assert metadata(logged, project)[1] == {"a": "later"}
