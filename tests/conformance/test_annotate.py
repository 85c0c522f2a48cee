"""Annotating by id, through every client."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from arize.annotation_queues.types import AnnotationInput as VendorInput
from arize.spans.types import AnnotateRecordInput as VendorRecord
from arize.spans.types import RecordGranularity

from spanduck import exceptions, types

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from tests.conformance.clients import Client

    MakeSpans = Callable[..., pd.DataFrame]

PROJECT = "TW9kZWw6MTphYmNk"


def span_ids(*numbers: int) -> list[str]:
    return [f"span-{number:010}" for number in numbers]


@pytest.fixture
def logged(client: Client, make_spans: MakeSpans) -> Client:
    """A client whose project holds six spans in two traces of two sessions."""
    sessions = ["a", "a", "a", "b", "b", "b"]
    client.log(make_spans(6, **{"attributes.session.id": sessions}))
    return client


def record(id_: str, **values: Any) -> dict[str, Any]:
    return {"record_id": id_, "values": [{"name": "accuracy", **values}]}


def records(**label_by_id: str) -> list[dict[str, Any]]:
    return [record(id_, label=label, score=1.0) for id_, label in label_by_id.items()]


def vendor_records(**label_by_id: str) -> list[VendorRecord]:
    """The vendor's objects, which ours takes too."""
    return [
        VendorRecord(record_id=id_, values=[VendorInput(name="accuracy", label=label, score=1.0)])
        for id_, label in label_by_id.items()
    ]


def labels(client: Client) -> dict[str, Any]:
    rows = client.rows_by_id()
    return {
        id_: label
        for id_, row in rows.items()
        if (label := row.get("annotation.accuracy.label")) is not None
    }


def test_spans_are_annotated(logged: Client) -> None:
    first, second = span_ids(0, 4)
    logged.annotate(records(**{first: "naïve 🦆", second: "b"}))
    assert labels(logged) == {first: "naïve 🦆", second: "b"}
    logged.annotate([record(first, text="why")])
    row = logged.rows_by_id()[first]
    assert (row["annotation.accuracy.text"], row["annotation.accuracy.score"]) == ("why", 1.0)
    assert labels(logged)[first] == "naïve 🦆"


def test_one_unknown_id_rejects_all(logged: Client) -> None:
    with pytest.raises(logged.kind.rest_refused) as caught:
        logged.annotate(records(**{span_ids(0)[0]: "a", "no-such-span": "b"}))
    assert caught.value.status == 404  # type: ignore[attr-defined]
    assert labels(logged) == {}


@pytest.mark.parametrize(
    ("ids", "options", "status"),
    [
        (span_ids(0, 0), {}, 400),
        (span_ids(1), {"granularity": RecordGranularity.TRACE}, 400),
        (span_ids(0), {"start_time": datetime.now(UTC) - timedelta(days=40)}, 422),
        (span_ids(0), {"end_time": datetime.now(UTC) + timedelta(days=1)}, 422),
        (["c"], {"granularity": RecordGranularity.SESSION}, 404),
    ],
    ids=["an id twice", "no root", "too long a window", "the future", "no such session"],
)
def test_what_the_service_refuses(
    logged: Client, ids: list[str], options: dict[str, Any], status: int
) -> None:
    annotations = [records(**{id_: "a"})[0] for id_ in ids]
    with pytest.raises(logged.kind.rest_refused) as caught:
        logged.annotate(annotations, **options)
    assert caught.value.status == status  # type: ignore[attr-defined]
    assert labels(logged) == {}


def test_traces_and_sessions_are_annotated_at_their_roots(logged: Client) -> None:
    logged.annotate(records(**{span_ids(3)[0]: "t"}), granularity=RecordGranularity.TRACE)
    logged.annotate(records(a="s"), granularity=RecordGranularity.SESSION)
    assert labels(logged) == dict(zip(span_ids(3, 0), ["t", "s"], strict=True))


def test_a_window_bounds_the_look_up(logged: Client, noon: datetime) -> None:
    window = {"start_time": noon, "end_time": noon + timedelta(seconds=3)}
    with pytest.raises(logged.kind.rest_refused):
        logged.annotate(records(**{span_ids(4)[0]: "a"}), **window)
    logged.annotate(records(**{span_ids(1)[0]: "a"}), **window)
    assert list(labels(logged)) == span_ids(1)


def test_our_client_takes_dictionaries_and_its_own_types(
    connect: Callable[..., Client], make_spans: MakeSpans
) -> None:
    ours = connect("spanduck")
    ours.log(make_spans(2))
    record = {"record_id": span_ids(0)[0], "values": [{"name": "accuracy", "label": "a"}]}
    typed = types.AnnotateRecordInput(
        span_ids(1)[0], [types.AnnotationInput("accuracy", label="b")]
    )
    ours.spans.annotate_spans(project=ours.project, space=ours.space, annotations=[record, typed])
    assert list(labels(ours).values()) == ["a", "b"]


@pytest.mark.parametrize(
    ("annotations", "message"),
    [
        ([], "0 records"),
        ([{"record_id": "a", "value": []}], "Did you mean 'values'"),
        ([{"record_id": "a", "values": []}], r"values is \[\]"),
        ([{"record_id": "a", "values": [{"label": "x"}]}], "name is None"),
        ([{"record_id": "a", "values": [{"name": "n", "score": "1"}]}], "score is '1'"),
        ([{"record_id": 1, "values": [{"name": "n"}]}], "record_id is 1"),
        (["a"], r"annotations\[0\] is 'a'"),
    ],
)
def test_our_client_refuses_what_is_no_record(
    connect: Callable[..., Client], annotations: list[Any], message: str
) -> None:
    spans = connect("spanduck").spans
    with pytest.raises(exceptions.ValidationError, match=message):
        spans.annotate(project=PROJECT, annotations=annotations)
    with pytest.raises(exceptions.ValidationError, match="granularity"):
        spans.annotate(project=PROJECT, annotations=vendor_records(a="x"), granularity="span")
