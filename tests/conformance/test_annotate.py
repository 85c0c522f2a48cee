"""Annotating by id, through every client."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from arize import ArizeClient
from arize._generated.api_client.exceptions import ApiException
from arize.annotation_queues.types import AnnotationInput as VendorInput
from arize.spans.types import AnnotateRecordInput as VendorRecord
from arize.spans.types import RecordGranularity

from spanduck import SpansClient, exceptions, types

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pandas as pd
    from tests.conformance.conftest import Client

    MakeSpans = Callable[..., pd.DataFrame]

PROJECT = "TW9kZWw6MTphYmNk"
REFUSED = (ApiException, exceptions.ServiceError)


def span_ids(*numbers: int) -> list[str]:
    return [f"span-{number:010}" for number in numbers]


@pytest.fixture
def logged(client: Client, make_spans: MakeSpans) -> Client:
    """A client whose project holds six spans in two traces of two sessions."""
    sessions = ["a", "a", "a", "b", "b", "b"]
    client.log(make_spans(6, **{"attributes.session.id": sessions}))
    return client


def records(**label_by_id: str) -> list[VendorRecord]:
    """Both clients take the vendor's objects."""
    return [
        VendorRecord(record_id=id_, values=[VendorInput(name="accuracy", label=label, score=1.0)])
        for id_, label in label_by_id.items()
    ]


def annotate(client: Client, annotations: list[Any], **options: Any) -> None:
    answer = client.spans.annotate(
        project=client.project, space=client.space, annotations=annotations, **options
    )
    assert answer is None


def labels(client: Client) -> dict[str, Any]:
    rows = client.rows_by_id()
    return {
        id_: label
        for id_, row in rows.items()
        if (label := row.get("annotation.accuracy.label")) is not None
    }


def test_spans_are_annotated(logged: Client) -> None:
    first, second = span_ids(0, 4)
    annotate(logged, records(**{first: "naïve 🦆", second: "b"}))
    assert labels(logged) == {first: "naïve 🦆", second: "b"}
    again = VendorRecord(record_id=first, values=[VendorInput(name="accuracy", text="why")])
    annotate(logged, [again])
    row = logged.rows_by_id()[first]
    assert (row["annotation.accuracy.text"], row["annotation.accuracy.score"]) == ("why", 1.0)
    assert labels(logged)[first] == "naïve 🦆"


def test_one_unknown_id_rejects_all(logged: Client) -> None:
    with pytest.raises(REFUSED) as caught:
        annotate(logged, records(**{span_ids(0)[0]: "a", "no-such-span": "b"}))
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
)
def test_what_the_service_refuses(
    logged: Client, ids: list[str], options: dict[str, Any], status: int
) -> None:
    annotations = [records(**{id_: "a"})[0] for id_ in ids]
    with pytest.raises(REFUSED) as caught:
        annotate(logged, annotations, **options)
    assert caught.value.status == status  # type: ignore[attr-defined]
    assert labels(logged) == {}


def test_traces_and_sessions_are_annotated_at_their_roots(logged: Client) -> None:
    annotate(logged, records(**{span_ids(3)[0]: "t"}), granularity=RecordGranularity.TRACE)
    annotate(logged, records(a="s"), granularity=RecordGranularity.SESSION)
    assert labels(logged) == dict(zip(span_ids(3, 0), ["t", "s"], strict=True))


def test_a_window_bounds_the_look_up(logged: Client, noon: datetime) -> None:
    window = {"start_time": noon, "end_time": noon + timedelta(seconds=3)}
    with pytest.raises(REFUSED):
        annotate(logged, records(**{span_ids(4)[0]: "a"}), **window)
    annotate(logged, records(**{span_ids(1)[0]: "a"}), **window)
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
        spans.annotate(project=PROJECT, annotations=records(a="x"), granularity="span")


class Recorder:
    """Keeps the last call, and answers 202 without a body."""

    def __init__(self) -> None:
        self.call: tuple[str, str, Any] = ("", "", None)
        recorder = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                recorder.call = ("POST", self.path, json.loads(body))
                self.send_response(202)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self._thread.join()
        self.server.server_close()


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    made = Recorder()
    yield made
    made.close()


def test_a_call_is_the_same_on_the_wire(recorder: Recorder) -> None:
    port = recorder.server.server_address[1]
    address: dict[str, Any] = {"api_host": "127.0.0.1", "api_scheme": "http", "api_port": port}
    arguments: dict[str, Any] = {
        "project": PROJECT,
        "annotations": records(a="x", b="naïve"),
        "start_time": datetime(2026, 4, 1, 1, 2, 3, 456, tzinfo=UTC),
        "end_time": datetime(2026, 5, 1, tzinfo=UTC),
        "granularity": RecordGranularity.SESSION,
    }
    least = {"project": PROJECT, "annotations": records(a="x")}
    calls = []
    vendor = ArizeClient(api_key="ak-1", **address)
    with SpansClient(api_key="ak-1", **address) as ours:
        for spans in (vendor.spans, ours):
            for given in (arguments, least):
                spans.annotate(**given)
                calls.append(recorder.call)
    assert calls[2:] == calls[:2]
