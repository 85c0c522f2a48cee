"""Every rule of the vendor's client for evaluations, annotations and metadata, at its boundary."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from tests.conformance.validation import (
    CRASHED,
    REFUSED,
    TAKEN,
    Case,
    Text,
    check,
    differs,
    limits,
    refused,
    taken,
)

import spanduck

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spanduck.embedded import EmbeddedServer

PROJECT = "validation of values"
IDS = ["span-000000000000", "span-000000000001"]
INF = float("inf")
NAMES = "a name that cannot be sent is told; the vendor's drops the column"
CRASH = "the vendor's crashes, ours names the column"
BLANK = "an id that is blank or null is of no span"
DROPPED = "what is no evaluation or annotation is told; the vendor's drops it"
ALL_ROWS = {"eval.Q.label": ["a", "b"]}


def ids(*given: Any) -> dict[str, Any]:
    return {"context.span_id": list(given)}


EVALUATIONS = [
    taken("a label", eval__Q__label=["a", "b"]),
    taken("all levels", session_eval__Q__label=["a", None], trace_eval__Q__score=[1, 2]),
    refused("no span id", context__span_id=..., eval__Q__label=["a", "b"]),
    refused("a number for an id", context__span_id=[1, 2], eval__Q__label=["a", "b"]),
    refused("a null id", context__span_id=["s", None], eval__Q__label=["a", "b"]),
    taken("an id of one character", context__span_id=["s", "t"], eval__Q__label=["a", "b"]),
    *limits("eval.Q.label", 100, fewest=1),
    refused("a number for a label", eval__Q__label=[1, 2]),
    taken("no label anywhere", eval__Q__label=[None, None]),
    taken("a null and an integer", eval__Q__score=[1, None]),
    taken("a null and a NaN", eval__Q__score=[0.5, np.nan]),
    taken("booleans", eval__Q__score=[True, False]),
    refused("infinity", eval__Q__score=[1.0, INF]),
    refused("minus infinity", eval__Q__score=[-INF, 1.0]),
    refused("a text for a score", eval__Q__score=["1", "2"]),
    Case("10,000", {"eval.Q.score": [1, 1], "eval.Q.explanation": Text(10_000)}, TAKEN),
    Case("10,001", {"eval.Q.score": [1, 1], "eval.Q.explanation": Text(10_001)}, REFUSED),
    taken("an empty explanation", eval__Q__score=[1, 1], eval__Q__explanation=["", "x"]),
    refused("an explanation alone", eval__Q__explanation=["x", "y"]),
    refused(
        "an explanation alone in a row",
        eval__Q__label=["a", None],
        eval__Q__explanation=["x", "y"],
    ),
    refused(
        "an explanation with a NaN", eval__Q__score=[1.0, np.nan], eval__Q__explanation=["x", "y"]
    ),
    taken(
        "a row of nulls",
        eval__Q__label=["a", None],
        eval__Q__score=[1.0, None],
        eval__Q__explanation=["x", None],
    ),
    Case("no such name", {**ALL_ROWS, "eval.a-b.label": ["a", "b"]}, REFUSED, TAKEN, NAMES),
]
# What only one of the two ways of evaluations does.
UPDATED = [
    differs(
        "a blank id", REFUSED, TAKEN, BLANK, context__span_id=["s", " "], eval__Q__label=["a", "b"]
    ),
    Case("another column", {**ALL_ROWS, "score": [1, 2]}, REFUSED, TAKEN, DROPPED),
    taken("a span twice", context__span_id=["s", "s"], eval__Q__label=["a", "b"]),
    # The documentation's batch pattern; the vendor's takes it, and sends none of it.
    taken("rows of one evaluation each", name=["Q", "Q"], score=[1, 2]),
]
LOGGED = [
    Case("another column", {**ALL_ROWS, "score": [1, 2]}, TAKEN),
    differs(
        "a span twice",
        REFUSED,
        TAKEN,
        "the vendor's sends the span twice, and one of them is lost",
        context__span_id=[IDS[0]] * 2,
        eval__Q__label=["a", "b"],
    ),
]

NOW_MS = time.time_ns() // 1_000_000
NOTE = 10_000 - len(f"['{json.dumps({'text': '', 'updated_by': 'SDK', 'updated_at': NOW_MS})}']")
LABEL = {"annotation.Q.label": ["a", "b"]}
ANNOTATIONS = [
    taken("a label", annotation__Q__label=["a", "b"]),
    refused("no span id", context__span_id=..., annotation__Q__label=["a", "b"]),
    refused("a number for an id", context__span_id=[1, 2], annotation__Q__label=["a", "b"]),
    refused("a null id", context__span_id=["s", None], annotation__Q__label=["a", "b"]),
    refused("a name with a dash", **{"annotation.a-b.label": ["a", "b"]}),
    refused("a field of evaluations", **{"annotation.Q.explanation": ["a", "b"]}),
    *limits("annotation.Q.label", 100, fewest=1),
    *limits("annotation.Q.text", 10_000, fewest=1),
    *(
        Case(case.name, {**LABEL, **case.columns}, case.ours)
        for case in limits("annotation.Q.updated_by", 100, fewest=1)
    ),
    taken("an integer and a null", annotation__Q__score=[1, None]),
    taken("booleans", annotation__Q__score=[True, False]),
    refused("infinity", annotation__Q__score=[1.0, INF]),
    refused("a text for a score", annotation__Q__score=["1", "2"]),
    refused("a number for a text", annotation__Q__text=[1, 2]),
    Case("now", {**LABEL, "annotation.Q.updated_at": [NOW_MS, 1]}, TAKEN),
    Case("a null time", {**LABEL, "annotation.Q.updated_at": [NOW_MS, None]}, TAKEN),
    Case("the future", {**LABEL, "annotation.Q.updated_at": [1, NOW_MS + 10**8]}, REFUSED),
    Case("zero", {**LABEL, "annotation.Q.updated_at": [NOW_MS, 0]}, REFUSED),
    Case("no time", {**LABEL, "annotation.Q.updated_at": ["now", "now"]}, REFUSED),
    Case(
        "a timestamp",
        {**LABEL, "annotation.Q.updated_at": pd.Series([datetime.now(UTC)] * 2)},
        TAKEN,
        REFUSED,
        "a time is a time",
    ),
    refused("a label that is null in every row", annotation__Q__label=[None, None]),
    refused("a score that is null in every row", annotation__Q__score=[None, None]),
    taken(
        "two fields and a row of nulls",
        annotation__Q__label=["a", None],
        annotation__Q__score=[1, None],
    ),
    refused(
        "three fields and a row of nulls",
        annotation__Q__label=["a", None],
        annotation__Q__score=[1, None],
        annotation__Q__text=["x", None],
    ),
    taken("notes alone", annotation__notes=["a note", None]),
    taken("an empty note", annotation__notes=["", "x"]),
    Case("a note that fits", {"annotation.notes": Text(NOTE)}, TAKEN),
    Case("a note that does not", {"annotation.notes": Text(NOTE + 1)}, REFUSED),
    Case("quotes that fit", {"annotation.notes": Text(NOTE // 3, '"')}, TAKEN),
    Case("quotes that do not", {"annotation.notes": Text(NOTE // 3 + 1, '"')}, REFUSED),
    Case("umlauts that fit", {"annotation.notes": Text(NOTE // 7, "ü")}, TAKEN),
    Case("umlauts that do not", {"annotation.notes": Text(NOTE // 7 + 1, "ü")}, REFUSED),
    differs(
        "numbers for notes",
        REFUSED,
        TAKEN,
        "a note is a text; the vendor's writes the number into it",
        annotation__notes=[1, 2],
    ),
    differs(
        "a blank id",
        REFUSED,
        TAKEN,
        BLANK,
        context__span_id=["s", " "],
        annotation__Q__label=["a", "b"],
    ),
    Case("another column", {**LABEL, "score": [1, 2]}, REFUSED, TAKEN, DROPPED),
    taken("rows of one annotation each", name=["Q", "Q"], score=[1, 2]),
]

MEGA = 1_000_000


def nested(depth: int) -> Any:
    """Return a dictionary of that many levels, as the vendor's client counts them."""
    value: Any = 1
    for _ in range(depth - 1):
        value = {"a": value}
    return value


def patches(second: Any) -> dict[str, Any]:
    return {"patch_document": pd.Series([{"a": 1}, second], dtype=object)}


EMPTY = "a patch of nothing changes nothing; the vendor's loses count of the rows"
METADATA = [
    taken("a field", attributes__metadata__a=["x", "y"]),
    refused("no rows", context__span_id=[], attributes__metadata__a=[]),
    refused("no span id", context__span_id=..., attributes__metadata__a=["x", "y"]),
    refused("a null id", context__span_id=["s", None], attributes__metadata__a=["x", "y"]),
    refused("a blank id", context__span_id=["s", " "], attributes__metadata__a=["x", "y"]),
    refused("a number for an id", context__span_id=[1, 2], attributes__metadata__a=["x", "y"]),
    differs("no metadata", REFUSED, CRASHED, CRASH, colour=["red", "blue"]),
    refused("a field without a name", **{"attributes.metadata.": ["x", "y"]}),
    refused("a field that is null in every row", attributes__metadata__a=[None, None]),
    taken("a field that is null in a row", attributes__metadata__a=["x", None]),
    taken("numbers", attributes__metadata__a=[1, 2.5]),
    taken("booleans", attributes__metadata__a=[True, False]),
    taken("lists", attributes__metadata__a=pd.Series([[1], ["x", None]])),
    refused("a time", attributes__metadata__a=pd.Series([datetime.now(UTC)] * 2)),
    refused("a set", attributes__metadata__a=pd.Series([{1}, {2}])),
    Case("a patch", patches({"b": None}), TAKEN),
    Case("a patch of text", patches('{"b": 1}'), TAKEN),
    Case("a text that is no JSON", patches("{"), REFUSED),
    Case("a text that is no object", patches("[1]"), REFUSED),
    Case("a number for a patch", patches(7), REFUSED),
    Case("a list for a patch", patches([1]), REFUSED),
    Case("a set in a patch", patches({"a": {1}}), REFUSED),
    Case("an empty patch", patches({}), TAKEN, CRASHED, EMPTY),
    Case("a null patch", patches(None), TAKEN, CRASHED, EMPTY),
    Case("1,000,000", patches({"a": Text(MEGA - 9)}), TAKEN),
    Case("1,000,001", patches({"a": Text(MEGA - 8)}), REFUSED),
    Case("umlauts", patches({"a": Text(MEGA // 6, "ü")}), REFUSED),
    Case("10 levels", patches(nested(10)), TAKEN),
    Case("11 levels", patches(nested(11)), REFUSED),
    Case("10 levels of text", patches(json.dumps(nested(10))), TAKEN),
    Case("11 levels of text", patches(json.dumps(nested(11))), REFUSED),
    Case("9 levels of a field", {"attributes.metadata.a": pd.Series([1, nested(9)])}, TAKEN),
    Case("10 levels of a field", {"attributes.metadata.a": pd.Series([1, nested(10)])}, REFUSED),
    Case("a field of 1,000,001", {"attributes.metadata.a": [Text(MEGA + 1), "x"]}, REFUSED),
    # With the braces and the key it is longer.
    Case("a field of 1,000,000", {"attributes.metadata.a": [Text(MEGA), "x"]}, REFUSED),
]


@pytest.fixture(scope="module")
def ours(server: EmbeddedServer) -> Iterator[spanduck.SpansClient]:
    settings: dict[str, Any] = {
        name.removeprefix("ARIZE_").lower(): value for name, value in server.environment().items()
    }
    with spanduck.SpansClient(**settings) as client:
        client.log(project_name=PROJECT, dataframe=spans())
        yield client


@pytest.fixture
def place(server: EmbeddedServer) -> dict[str, str]:
    return {"space_id": server.space_id, "project_name": PROJECT}


def spans() -> pd.DataFrame:
    now_ns = int(datetime.now(UTC).timestamp()) * 10**9
    return pd.DataFrame(
        {
            "context.span_id": IDS,
            "context.trace_id": ["trace-00000000000"] * 2,
            "name": ["call", "call"],
            "start_time": [now_ns - 1] * 2,
            "end_time": [now_ns] * 2,
        }
    )


def id_of(case: Case) -> str:
    return case.name.replace(" ", "-")


@pytest.mark.parametrize("case", [*EVALUATIONS, *UPDATED], ids=id_of)
def test_evaluations_are_taken_or_refused_by_both(
    case: Case, vendor: Any, ours: Any, place: dict[str, str]
) -> None:
    frame = case.over(ids(*IDS))
    check(
        case,
        lambda: vendor.spans.update_evaluations(dataframe=frame, **place),
        lambda: ours.update_evaluations(dataframe=frame, **place),
    )


@pytest.mark.parametrize("case", [*EVALUATIONS, *LOGGED], ids=id_of)
def test_evaluations_beside_spans_are_taken_or_refused_by_both(
    case: Case, vendor: Any, ours: Any, place: dict[str, str]
) -> None:
    frame = case.over(ids(*IDS))
    check(
        case,
        lambda: vendor.spans.log(dataframe=spans(), evals_dataframe=frame, **place),
        lambda: ours.log(dataframe=spans(), evals_dataframe=frame, **place),
    )


@pytest.mark.parametrize("case", ANNOTATIONS, ids=id_of)
def test_annotations_are_taken_or_refused_by_both(
    case: Case, vendor: Any, ours: Any, place: dict[str, str]
) -> None:
    frame = case.over(ids(*IDS))
    check(
        case,
        lambda: vendor.spans.update_annotations(dataframe=frame, **place),
        lambda: ours.update_annotations(dataframe=frame, **place),
    )


@pytest.mark.parametrize("case", METADATA, ids=id_of)
def test_metadata_is_taken_or_refused_by_both(
    case: Case, vendor: Any, ours: Any, place: dict[str, str]
) -> None:
    frame = case.over(ids(*IDS))
    check(
        case,
        lambda: vendor.spans.update_metadata(dataframe=frame, **place),
        lambda: ours.update_metadata(dataframe=frame, **place),
    )


@pytest.mark.parametrize("project", ["", " "])
def test_a_project_without_a_name_is_refused_by_both(
    vendor: Any, ours: Any, server: EmbeddedServer, project: str
) -> None:
    with pytest.raises(spanduck.exceptions.ValidationError, match="project"):
        ours.log(dataframe=spans(), project_name=project, space_id=server.space_id)
    with pytest.raises(Exception, match=r"(?i)project"):
        vendor.spans.log(dataframe=spans(), project_name=project, space_id=server.space_id)
