"""Annotations that are written back are what the next export shows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conformance.conftest import Client

    MakeSpans = Callable[..., pd.DataFrame]

UNICODE = "naïve 東京 🦆 \"quoted\" 'and' \\ \n"


@pytest.fixture
def logged(client: Client, make_spans: MakeSpans) -> Client:
    """A client whose project holds four spans."""
    client.log(make_spans(4))
    return client


def span_ids(*numbers: int) -> list[str]:
    return [f"span-{number:010}" for number in numbers]


def update(client: Client, **columns: Any) -> tuple[int, set[str]]:
    """Write columns, `__` for a dot; return (records updated, unmatched ids)."""
    frame = pd.DataFrame({name.replace("__", "."): values for name, values in columns.items()})
    return client.update_annotations(frame)


def annotation(client: Client, name: str, span: int) -> dict[str, Any]:
    row = client.rows_by_id()[f"span-{span:010}"]
    prefix = f"annotation.{name}."
    return {key.removeprefix(prefix): row[key] for key in row if key.startswith(prefix)}


def now_ms() -> float:
    return pd.Timestamp.now("UTC").timestamp() * 1000


def test_label_score_and_text_are_written(logged: Client) -> None:
    before = now_ms()
    written = update(
        logged,
        context__span_id=[*span_ids(0, 2), "no-such-span"],
        annotation__Quality__label=["good", UNICODE, "x"],
        annotation__Quality__score=[1.0, -0.125, 0.0],
        annotation__Quality__text=[UNICODE, "because", "x"],
    )
    assert written == (2, {"no-such-span"})
    found = annotation(logged, "Quality", 0)
    assert before - 1 <= found.pop("updated_at") <= now_ms()
    assert found == {"label": "good", "score": 1.0, "text": UNICODE, "updated_by": "SDK"}
    assert annotation(logged, "Quality", 2)["label"] == UNICODE
    assert set(annotation(logged, "Quality", 1).values()) == {None}


def test_who_and_when_may_be_given(logged: Client) -> None:
    update(
        logged,
        context__span_id=span_ids(0, 1),
        annotation__Quality__label=["a", None],
        annotation__Quality__score=[None, 2.0],
        annotation__Quality__updated_by=["me", "you"],
        annotation__Quality__updated_at=[1_700_000_000_123, 1_700_000_000_124],
    )
    found = [annotation(logged, "Quality", span) for span in (0, 1)]
    assert [row["updated_by"] for row in found] == ["me", "you"]
    assert [row["updated_at"] for row in found] == [1_700_000_000_123, 1_700_000_000_124]


def test_a_row_without_any_value_changes_nothing(logged: Client) -> None:
    ids = span_ids(0, 1)
    update(logged, context__span_id=ids[:1], annotation__Q__label=["a"], annotation__Q__score=[1])
    updated, _ = update(
        logged,
        context__span_id=ids,
        annotation__Q__label=[None, "b"],
        annotation__Q__score=[None, 0.5],
    )
    assert updated == 1
    assert annotation(logged, "Q", 0)["label"] == "a"


def test_a_second_write_replaces_the_fields_it_names(logged: Client) -> None:
    ids = span_ids(0)
    update(logged, context__span_id=ids, annotation__Q__label=["bad"], annotation__Q__text=["why"])
    update(logged, context__span_id=ids, annotation__Q__label=["good"])
    found = annotation(logged, "Q", 0)
    assert (found["label"], found["text"]) == ("good", "why")


def test_notes_are_kept_with_who_and_when(logged: Client) -> None:
    before = now_ms()
    for notes in ([UNICODE, None], ["second", None]):
        update(logged, context__span_id=span_ids(0, 1), annotation__notes=notes)
    rows = logged.rows_by_id()
    found = [json.loads(note) for note in rows[span_ids(0)[0]]["annotation.notes"]]
    assert [note["text"] for note in found] == [UNICODE, "second"]
    assert all(note["updated_by"] == "SDK" for note in found)
    assert all(before - 1 <= note["updated_at"] <= now_ms() for note in found)
    assert rows[span_ids(1)[0]]["annotation.notes"] is None


def test_written_annotations_can_be_filtered_at_once(logged: Client) -> None:
    ids = span_ids(0, 1, 2)
    update(logged, context__span_id=ids, annotation__Two_words__score=[0.1, 0.5, 0.9])
    assert sorted(logged.rows_by_id(where="annotation.Two_words.score > 0.3")) == span_ids(1, 2)
    found = logged.rows_by_id(where="annotation.Two_words.updated_at > '2020-01-01'")
    assert sorted(found) == ids


@pytest.mark.parametrize(
    "columns",
    [
        {"annotation__Q__label": ["x" * 101]},
        {"annotation__Q__label": [""]},
        {"annotation__Q__label": [3]},
        {"annotation__Q__score": [float("inf")]},
        {"annotation__Q__score": ["1"]},
        {"annotation__Q__text": ["x" * 10_001]},
        {"annotation__Q__text": [""]},
        {"annotation__Q__label": ["a"], "annotation__Q__updated_by": ["x" * 101]},
        {"annotation__Q__label": ["a"], "annotation__Q__updated_at": [0]},
        {"annotation__Q__label": ["a"], "annotation__Q__updated_at": [32_503_680_000_000]},
        {"annotation__Q__label": ["a"], "annotation__Q__updated_at": ["now"]},
        {
            "annotation__Q__label": [None],
            "annotation__Q__score": [None],
            "annotation__Q__text": [None],
        },
        {"annotation__Q__label": [None]},
        {"annotation__My-name__label": ["a"]},
        {"annotation__Q__explanation": ["a"]},
        {"annotation__notes": ["x" * 9_935]},
    ],
    ids=", ".join,
)
def test_what_cannot_be_is_refused_before_it_is_sent(
    logged: Client, columns: dict[str, Any]
) -> None:
    with pytest.raises(logged.kind.invalid):
        update(logged, context__span_id=span_ids(0), **columns)
    assert not [name for name in logged.export().column_names if name.startswith("annotation.")]


def test_the_longest_values_are_written(logged: Client) -> None:
    values = {"label": "x" * 100, "text": "y" * 10_000, "updated_by": "z" * 100}
    columns = {f"annotation__Q__{name}": [value] for name, value in values.items()}
    update(logged, context__span_id=span_ids(0), annotation__notes=["n" * 9_934], **columns)
    found = annotation(logged, "Q", 0)
    assert {name: found[name] for name in values} == values


def test_many_rows_arrive_in_one_call(client: Client, make_spans: MakeSpans) -> None:
    count = 12_345
    client.log(make_spans(count))
    scores = [float(i) for i in range(count)]
    ids = span_ids(*range(count))
    assert update(client, context__span_id=ids, annotation__Q__score=scores) == (count, set())
    got = client.rows_by_id(columns=["context.span_id", "annotation.Q.score"])
    assert all(got[f"span-{i:010}"]["annotation.Q.score"] == i for i in range(count))
