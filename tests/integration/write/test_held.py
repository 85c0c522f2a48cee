"""What the service holds now: what is read back is what a write-back would leave unchanged."""

from __future__ import annotations

import json
import time
from collections import Counter
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from spanduck import SpansClient
from spanduck._write_back.held import HELD_SCHEMA, held_values
from spanduck._write_back.lookup import MOST_PUSHED
from spanduck.exceptions import UnknownProjectError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from spanduck._config import Settings
    from spanduck._transport.flight import FlightTransport

    Held = Callable[..., pa.Table]


def span(number: int) -> str:
    return f"span-{number:012d}"


def spans(ids: list[str], **columns: list[str | None]) -> pa.Table:
    start = time.time_ns() - 3600 * 10**9
    return pa.table(
        {
            "context.span_id": ids,
            "context.trace_id": ["trace-000000000000"] * len(ids),
            "name": ["operation"] * len(ids),
            "start_time": pa.array([start] * len(ids), pa.int64()),
            "end_time": pa.array([start + 10**9] * len(ids), pa.int64()),
            **columns,
        }
    )


@pytest.fixture
def client(settings: dict[str, Any]) -> Iterator[SpansClient]:
    with SpansClient(**settings) as client:
        yield client


@pytest.fixture
def project(new_project: Callable[[str], str], request: pytest.FixtureRequest) -> str:
    return new_project(request.node.name)


@pytest.fixture
def held(flight: FlightTransport, resolved: Settings, project: str) -> Held:
    space = resolved.service.space or ""

    def values(
        kind: str,
        names: list[tuple[str, str]],
        ids: pa.Array | None = None,
        *,
        project: str = project,
    ) -> pa.Table:
        read = held_values(
            flight, resolved, space=space, project=project, kind=kind, names=names, span_ids=ids
        )
        return pa.Table.from_batches(read, HELD_SCHEMA)

    return values


def rows(table: pa.Table) -> list[tuple[Any, ...]]:
    return sorted(tuple(row.values()) for row in table.to_pylist())


def test_fields_come_as_they_are_stored(client: SpansClient, project: str, held: Held) -> None:
    said = pa.table(
        {
            "span_id": [span(0), span(1), span(2), span(3)],
            "eval.Tone of voice.label": ["warm", None, "cold", None],
            "eval.Tone of voice.score": [0.1, 2.0, None, None],
            "eval.Tone of voice.explanation": ["because", None, None, None],
        }
    )
    client.update_evaluations(project=project, dataframe=said)
    name = ("span", "Tone of voice")
    assert rows(held("eval", [name])) == [
        (span(0), *name, "warm", 0.1, "because"),
        (span(1), *name, None, 2.0, None),
        (span(2), *name, "cold", None, None),
    ]


def test_names_that_differ_by_case_or_level_stay_apart(
    client: SpansClient, project: str, held: Held
) -> None:
    said = pa.table(
        {
            "span_id": [span(0), span(1), span(2)],
            "eval.Tone.label": ["a", None, None],
            "eval.tone.label": [None, "b", None],
            "trace_eval.Tone.label": [None, None, "c"],
            "session_eval.Tone.label": ["d", None, None],
        }
    )
    client.update_evaluations(project=project, dataframe=said)
    assert rows(held("eval", [("span", "Tone"), ("session", "Tone")])) == [
        (span(0), "session", "Tone", "d", None, None),
        (span(0), "span", "Tone", "a", None, None),
    ]
    assert rows(held("eval", [("trace", "Tone")])) == [(span(2), "trace", "Tone", "c", None, None)]
    assert rows(held("eval", [("span", "tone")])) == [(span(1), "span", "tone", "b", None, None)]


def test_scores_of_any_number_type_are_doubles(
    client: SpansClient, project: str, held: Held
) -> None:
    said = pa.table(
        {
            "span_id": [span(0), span(1)],
            "eval.Whole.score": pa.array([3, None], pa.int64()),
            "eval.Flag.score": [True, False],
        }
    )
    client.update_evaluations(project=project, dataframe=said)
    got = held("eval", [("span", "Whole"), ("span", "Flag")])
    assert sorted(got["score"].to_pylist()) == [0.0, 1.0, 3.0]


def test_what_a_project_lacks_has_no_rows(client: SpansClient, project: str, held: Held) -> None:
    for kind in ("eval", "annotation", "metadata"):
        assert rows(held(kind, [("span", "Nothing"), ("span", "annotation.notes")])) == []
    said = pa.table({"span_id": [span(0)], "eval.Tone.label": ["a"]})
    client.update_evaluations(project=project, dataframe=said)
    names = [("span", "Tone"), ("span", "Nothing"), ("trace", "Tone")]
    assert rows(held("eval", names)) == [(span(0), "span", "Tone", "a", None, None)]


def test_no_names_and_no_spans_have_no_rows(held: Held) -> None:
    assert not held("eval", []).num_rows
    assert not held("eval", [("span", "Tone")], pa.array([], pa.string())).num_rows
    assert not held("eval", [("span", "Tone")], pa.array([None], pa.string())).num_rows


@pytest.mark.parametrize("asked", [2, MOST_PUSHED, MOST_PUSHED + 1, 3 * MOST_PUSHED])
def test_only_the_spans_asked_for_come(
    client: SpansClient, project: str, held: Held, asked: int
) -> None:
    said = pa.table({"span_id": [span(n) for n in range(300)], "eval.Tone.label": ["a"] * 300})
    client.update_evaluations(project=project, dataframe=said)
    # Half of them the project has; one is there twice, one is no id, one is quoted.
    ids = [span(300 - asked // 2 + n) for n in range(asked)]
    array = pa.array([*ids, ids[0], None, "it's"], pa.string())
    got = held("eval", [("span", "Tone")], array)
    there = {span(n) for n in range(300)}.intersection(ids)
    assert Counter(got["span_id"].to_pylist()) == Counter(there)


def test_long_ids_are_asked_for_in_several_exports(client: SpansClient, held: Held) -> None:
    ids = [f"{n:0128d}" for n in range(MOST_PUSHED)]
    project = "long ids"
    client.log(project_name=project, dataframe=spans(ids))
    said = pa.table({"span_id": ids, "eval.Tone.label": ["a"] * len(ids)})
    client.update_evaluations(project=project, dataframe=said)
    wanted = pa.array([*ids[::2], "a" * 128])
    got = held("eval", [("span", "Tone")], wanted, project=project)
    assert sorted(got["span_id"].to_pylist()) == ids[::2]


def test_more_names_than_one_export_takes(client: SpansClient, project: str, held: Held) -> None:
    names = [f"Name {n}" for n in range(120)]
    said = {f"eval.{name}.label": [name] for name in names}
    client.update_evaluations(project=project, dataframe=pa.table({"span_id": [span(7)], **said}))
    got = held("eval", [("span", name) for name in names])
    assert sorted(got["label"].to_pylist()) == sorted(names)
    assert set(got["span_id"].to_pylist()) == {span(7)}


def test_annotations_have_their_text_and_notes_a_row_each(
    client: SpansClient, project: str, held: Held
) -> None:
    said = pa.table(
        {
            "context.span_id": [span(0), span(1)],
            "annotation.Human check.label": ["good", None],
            "annotation.Human check.text": ["fine", None],
            "annotation.notes": ["one", "three"],
        }
    )
    client.update_annotations(project=project, dataframe=said)
    more = pa.table({"context.span_id": [span(0)], "annotation.notes": ["two \"quoted\" 'so'"]})
    client.update_annotations(project=project, dataframe=more)
    name, notes = ("span", "Human check"), ("span", "annotation.notes")
    assert rows(held("annotation", [name, notes])) == [
        (span(0), *name, "good", None, "fine"),
        (span(0), *notes, None, None, "one"),
        (span(0), *notes, None, None, "two \"quoted\" 'so'"),
        (span(1), *notes, None, None, "three"),
    ]
    got = held("annotation", [notes], pa.array([span(1)]))
    assert got["body"].to_pylist() == ["three"]


def test_keys_of_metadata_are_whole_and_exact(
    client: SpansClient, project: str, held: Held
) -> None:
    patch = {"a.b": 1, "a": "x", "A": None, "q'\"k/~*": "odd", "0": 2.5, "é": True, "": 7}
    more = {"a": {"b": 2}, "list": [1, {"x": None}]}
    table = pa.table(
        {
            "span_id": [span(0), span(1), "nowhere"],
            "patch_document": [json.dumps(patch), json.dumps(more), json.dumps(patch)],
        }
    )
    client.update_metadata(project=project, dataframe=table)
    keys = [*patch, "list", "b", "a.b.c"]
    got = held("metadata", [("span", key) for key in keys])
    assert {(row["span_id"], row["name"]): row["body"] for row in got.to_pylist()} == {
        (span(0), "a.b"): "1",
        (span(0), "a"): '"x"',
        (span(0), "A"): "null",
        (span(0), "q'\"k/~*"): '"odd"',
        (span(0), "0"): "2.5",
        (span(0), "é"): '"True"',
        (span(0), ""): "7",
        (span(1), "a"): r'"{\"b\":2}"',
        (span(1), "list"): r'"[1,{\"x\":null}]"',
    }


def test_metadata_that_is_no_object_has_no_keys(client: SpansClient, held: Held) -> None:
    texts = ['{"a": 1}', "[1]", '"a"', "no JSON", "", None, '{"a": true}']
    sent = spans([span(n) for n in range(len(texts))], **{"attributes.metadata": texts})
    client.log(project_name="no objects", dataframe=sent, validate=False)
    got = held("metadata", [("span", "a"), ("span", "0")], project="no objects").to_pylist()
    # A boolean that was not patched in is told as it is: setting it would change it.
    assert {row["span_id"]: row["body"] for row in got} == {span(0): "1", span(6): "true"}


def test_a_project_that_is_not_there_is_named(flight: FlightTransport, resolved: Settings) -> None:
    reading = held_values(
        flight, resolved, space="default", project="nowhere", kind="eval", names=[("span", "a")]
    )
    with pytest.raises(UnknownProjectError, match="nowhere"):
        list(reading)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.sampled_from(["True", "False", "true", "null", "NaN", "{}", "[1]", '"', "\0", "1.0"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def macro() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as con:
        path = files("spanduck_sql") / "write_back" / "stored_form.sql"
        con.execute(path.read_text(encoding="utf-8"))
        yield con


def stored_forms(macro: duckdb.DuckDBPyConnection, texts: list[str | None]) -> list[str | None]:
    asked = pa.table({"v": pa.array(texts, pa.string())})
    made = macro.from_arrow(asked).project("stored_form(v)").fetchall()
    return [form for (form,) in made]


@examples(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sent=st.lists(json_values, min_size=1, max_size=100), is_ascii=st.booleans())
@example(sent=[1, 1.0, 1e300, -0.0, 10**30, 2**53 + 1, 1e-9], is_ascii=True)
def test_the_stored_form_of_what_was_sent_is_what_is_held(
    *,
    flight: FlightTransport,
    resolved: Settings,
    settings: dict[str, Any],
    new_project: Callable[[str], str],
    macro: duckdb.DuckDBPyConnection,
    sent: list[Any],
    is_ascii: bool,
) -> None:
    project = new_project("stored forms")
    texts: list[str | None] = [json.dumps(value, ensure_ascii=is_ascii) for value in sent]
    patches = [f'{{"k" : {text} }}' for text in texts]
    ids = [span(n) for n in range(len(sent))]
    table = pa.table({"context.span_id": ids, "patch_document": patches})
    with SpansClient(**settings) as client:
        answer = client.update_metadata(project=project, dataframe=table, validate=False)
    assert answer.spans_failed == 0
    space = resolved.service.space or ""
    reading = held_values(
        flight, resolved, space=space, project=project, kind="metadata", names=[("span", "k")]
    )
    bodies = {row["span_id"]: row["body"] for batch in reading for row in batch.to_pylist()}
    forms = stored_forms(macro, texts)
    assert [bodies[name] for name in ids] == forms
    assert stored_forms(macro, forms) == forms


def test_values_that_the_service_keeps_apart_have_different_forms(
    macro: duckdb.DuckDBPyConnection,
) -> None:
    texts: list[str | None] = ["1", "1.0", '"1"', '"true"', "true", "null", '"null"', "[]", "{}"]
    assert len(set(stored_forms(macro, texts))) == len(texts)
    assert len(set(stored_forms(macro, ["1e0", " 1.0", "1.00"]))) == 1
    assert stored_forms(macro, [r'"\u00e9"', '"é"']) == ['"é"', '"é"']
    assert stored_forms(macro, ['{"b": 1, "a": 2}']) == [r'"{\"b\":1,\"a\":2}"']


def test_what_is_no_json_has_no_stored_form(macro: duckdb.DuckDBPyConnection) -> None:
    texts = [None, "", " ", "{", "yes", "01", "'a'"]
    assert stored_forms(macro, texts) == [None] * len(texts)
