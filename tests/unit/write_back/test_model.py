from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from spanduck._write_back.incremental import Missing
from spanduck._write_back.model import parse_model, read_model
from spanduck.exceptions import ValidationError

if TYPE_CHECKING:
    from pathlib import Path

GOOD = '/* spanduck\nkind = "eval"   # a comment\nproject = "my-llm-app"\n*/\nSELECT 1\n'


def text_of(*lines: str) -> str:
    """A model whose comment has these lines, the first of them in the file's third line."""
    return "\n".join(["/* spanduck", 'project = "p"', *lines, "*/", "SELECT 1"])


def said(text: str) -> str:
    with pytest.raises(ValidationError) as caught:
        parse_model(text, name="models/latency.sql")
    return str(caught.value)


def test_a_model_says_what_it_writes_where() -> None:
    model = parse_model(GOOD, name="models/latency.sql")
    assert (model.kind, model.project, model.space) == ("eval", "my-llm-app", None)
    assert model.sql == GOOD


def test_a_model_may_name_its_space_and_begin_with_blank_lines() -> None:
    text = '\n\n/*spanduck\nkind="eval"\nproject="p"\nspace = "s"\n*/ SELECT 1'
    assert parse_model(text, name="m").space == "s"


def test_a_model_says_no_more_than_its_project_when_the_columns_tell_the_rest() -> None:
    model = parse_model(text_of(), name="models/latency.sql")
    assert (model.kind, model.key, model.nulls, model.missing) == (None, None, None, None)
    assert (model.incremental, model.lookback, model.start) == (False, None, None)
    assert (model.max_invalid, model.max_rejected) == (None, None)


def test_the_state_knows_a_model_by_its_file_name_unless_it_says_another() -> None:
    assert parse_model(text_of(), name="models/latency.sql").name == "latency"
    assert parse_model(text_of('name = "slow spans"'), name="m.sql").name == "slow spans"


def test_an_incremental_model_says_how_far_it_looks_back_and_where_it_begins() -> None:
    model = parse_model(
        text_of("incremental = true", 'lookback = "3 days"', "start = 2026-11-01"), name="m"
    )
    assert (model.incremental, model.lookback) == (True, "3 days")
    assert model.start == datetime(2026, 11, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "start", ["2026-11-01T00:00:00Z", '"2026-11-01"', '"2026-11-01T01:00:00+01:00"']
)
def test_a_start_is_a_time_of_toml_or_of_iso_8601(start: str) -> None:
    model = parse_model(text_of("incremental = true", f"start = {start}"), name="m")
    assert model.start == datetime(2026, 11, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "prefix", "name"),
    [
        ("eval.Quality", "eval", "Quality"),
        ("trace_eval.Is it good", "trace_eval", "Is it good"),
        ("session_eval.a_1", "session_eval", "a_1"),
        ("annotation.Judge's word", "annotation", "Judge's word"),
        ("annotation.notes", "annotation", "notes"),
    ],
)
def test_a_model_may_ask_for_spans_that_lack_its_values(text: str, prefix: str, name: str) -> None:
    model = parse_model(text_of(f'missing = "{text}"'), name="m")
    assert model.missing == Missing(prefix, name)
    assert str(model.missing) == text


@pytest.mark.parametrize(
    ("given", "expected"),
    [("0", 0), ("10", 10), ('"10"', 10), ('"5%"', 0.05), ('"2.5 %"', 0.025), ("0.1", 0.1)],
)
def test_a_limit_is_a_count_or_a_share(given: str, expected: float) -> None:
    model = parse_model(text_of(f"max_invalid = {given}", f"max_rejected = {given}"), name="m")
    assert (model.max_invalid, model.max_rejected) == (expected, expected)
    assert type(model.max_invalid) is type(expected)


def test_what_a_null_means_is_said_for_all_columns_or_for_each() -> None:
    assert parse_model(text_of('nulls = "write"'), name="m").nulls == "write"
    by_column = text_of('kind = "metadata"', "[nulls]", 'tier = "write"', 'plan = "skip"')
    assert parse_model(by_column, name="m").nulls == {"tier": "write", "plan": "skip"}


def test_a_key_is_kept_as_it_is_written() -> None:
    model = parse_model(text_of('key = "attributes.metadata.order_id"'), name="m")
    assert model.key == "attributes.metadata.order_id"


def test_a_byte_order_mark_is_no_part_of_the_model(tmp_path: Path) -> None:
    path = tmp_path / "m.sql"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.encode())
    assert read_model(path).sql == GOOD


@pytest.mark.parametrize(
    ("text", "start", "also"),
    [
        ("SELECT 1", ":1: the model has no leading", 'kind = "eval"'),
        ("-- x\n" + GOOD, ":1: the model has no leading", ""),
        ("/* other */ SELECT 1", ":1:", ""),
        ("/* spanduck\nkind = 'eval'\nSELECT 1", ":1: the comment", "no end"),
        ('\n/* spanduck\nkind = "eval"\n*/', ":2: the model names no project", ""),
        (
            '/* spanduck\nkind = "eval"\nprojct = "p"\n*/',
            ":3: unknown key 'projct'",
            "Did you mean 'project'?",
        ),
        (text_of("batch_size = 1"), ":3: unknown key 'batch_size'", "Known keys: kind, project"),
        ('/* spanduck\nkind = "evl"\nproject = "p"\n*/', ":2:", "Did you mean 'eval'?"),
        ('/* spanduck\nkind = "eval"\nproject = 7\n*/', ":3: project is 7", ""),
        ('/* spanduck\nkind = "eval"\nproject = " "\n*/', ":3: project is ' '", ""),
        ('/* spanduck\n[kind]\nx = 1\nproject = "p"\n*/', ":", ""),
        ("/* spanduck\nkind = eval\n*/", ":2: the leading comment is no TOML", ""),
        ('/* spanduck\nkind = "eval\n*/', ":2: the leading comment is no TOML", ""),
        (text_of("incremental = 'yes'"), ":3: incremental is 'yes'", "Write true or false"),
        (text_of('lookback = "3 days"'), ":3: lookback is for incr", "Add incremental = true."),
        (text_of("", "start = 2026-11-01"), ":4: start is for incremental models", ""),
        (text_of("incremental = true", 'start = "soon"'), ":4: start is 'soon', not a time", ""),
        (text_of("incremental = true", "start = 7"), ":4: start is 7, not a time", ""),
        (text_of("incremental = true", "lookback = 3"), ":4: lookback is 3, not a name", ""),
        (text_of("incremental = true", 'lookback = "3"'), ":4: lookback is '3', no length", ""),
        (text_of("incremental = true", 'lookback = "3 dayz"'), ":4: lookback is '3 dayz'", ""),
        (text_of("incremental = true", 'lookback = "-1 day"'), ":4: lookback", "is negative"),
        (text_of('missing = "evl.Quality"'), ":3: missing is 'evl.Quality'", "mean 'eval'?"),
        (text_of('missing = "Quality"'), ":3: missing is 'Quality'", 'like "eval.Quality"'),
        (text_of('missing = "eval."'), ":3: missing is 'eval.'", 'like "eval.Quality"'),
        (text_of('missing = "eval.A.label"'), ":3: missing is 'eval.A.label'", "'eval.A'"),
        (text_of('missing = "eval.A-B"'), ":3: missing is 'eval.A-B'", "letters, digits"),
        (text_of("max_invalid = -1"), ":3: max_invalid: -1 is no limit", '"5%"'),
        (text_of("max_invalid = 1.5"), ":3: max_invalid: 1.5 is no limit", ""),
        (text_of("max_invalid = nan"), ":3: max_invalid: nan is no limit", ""),
        (text_of("max_invalid = true"), ":3: max_invalid: True is no limit", ""),
        (text_of('max_rejected = "101%"'), ":3: max_rejected: '101%' is no limit", ""),
        (text_of('max_rejected = "few"'), ":3: max_rejected: 'few' is no limit", ""),
        (text_of('nulls = "wirte"'), ":3: nulls is 'wirte'", "Did you mean 'write'?"),
        (text_of("nulls = 0"), ":3: nulls is 0", '"skip"'),
        (text_of("[nulls]", 'tier = "keep"'), ":4: nulls of 'tier' is 'keep'", '"write"'),
        (text_of('kind = "eval"', 'nulls = "write"'), ":4: nulls", "on the wire is unknown"),
        (
            text_of('kind = "annotation"', "[nulls]", '"annotation.A.label" = "write"'),
            ":5: nulls",
            "on the wire is unknown",
        ),
        (text_of('key = "attributs.metadata.id"'), ":3:", ""),
    ],
)
def test_a_bad_model_is_told_with_file_and_line(text: str, start: str, also: str) -> None:
    message = said(text)
    assert message.startswith(f"models/latency.sql{start}")
    assert also in message


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match=r"cannot read the model .*absent\.sql"):
        read_model(tmp_path / "absent.sql")
    (tmp_path / "latin.sql").write_bytes(b"/* spanduck\n\xe9 */")
    with pytest.raises(ValidationError, match=r"latin\.sql:2: not UTF-8"):
        read_model(tmp_path / "latin.sql")
