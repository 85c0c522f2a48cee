"""Deleting spans by id, through every client."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from arize import ArizeClient

from spanduck import SpansClient

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conformance.conftest import Client

    MakeSpans = Callable[..., pd.DataFrame]

SPACE = "U3BhY2U6MTphYmNk"
PROJECT = "TW9kZWw6MTphYmNk"


def span_ids(*numbers: int) -> list[str]:
    return [f"span-{number:010}" for number in numbers]


@pytest.fixture
def logged(client: Client, make_spans: MakeSpans) -> Client:
    """A client whose project holds six spans."""
    client.log(make_spans(6))
    return client


def delete(client: Client, ids: list[str], **window: Any) -> tuple[bool, list[str], list[str]]:
    answer = client.spans.delete(project=client.project, space=client.space, span_ids=ids, **window)
    return (
        answer.completed,
        list(answer.deleted_span_ids),
        list(answer.not_deleted_span_ids),
    )


def test_spans_are_deleted(logged: Client) -> None:
    assert delete(logged, span_ids(1, 4)) == (True, span_ids(1, 4), [])
    assert sorted(logged.rows_by_id()) == span_ids(0, 2, 3, 5)


def test_ids_that_are_not_there_are_not_deleted(logged: Client) -> None:
    ids = [*span_ids(1), "no-such-span-é", *span_ids(2)]
    assert delete(logged, ids) == (True, span_ids(1, 2), ["no-such-span-é"])
    assert delete(logged, ids) == (True, [], ids)


def test_a_window_bounds_the_delete(logged: Client, noon: datetime) -> None:
    window = {
        "start_time": noon + timedelta(seconds=1),
        "end_time": noon + timedelta(seconds=4),
    }
    assert delete(logged, span_ids(*range(6)), **window) == (
        True,
        span_ids(1, 2, 3),
        span_ids(0, 4, 5),
    )


def test_evaluations_go_with_their_spans(logged: Client, make_spans: MakeSpans) -> None:
    rows = pd.DataFrame({"context.span_id": span_ids(0, 1), "eval.Quality.label": ["good", "bad"]})
    logged.update_evaluations(rows)
    delete(logged, span_ids(0))
    assert logged.update_evaluations(rows) == (1, set(span_ids(0)))
    logged.log(make_spans(6))
    labels = {id_: row["eval.Quality.label"] for id_, row in logged.rows_by_id().items()}
    assert labels[span_ids(0)[0]] is None
    assert labels[span_ids(1)[0]] == "bad"


def test_an_empty_list_is_refused_before_anything_is_sent(logged: Client) -> None:
    with pytest.raises(Exception, match="empty"):
        delete(logged, [])


class Recorder:
    """Keeps the requests of a delete."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        recorder = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_DELETE(self) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                body = self.rfile.read(int(headers["content-length"]))
                recorder.requests.append((self.path, headers, body))
                answer = {
                    "completed": True,
                    "deleted_span_ids": json.loads(body)["span_ids"],
                    "not_deleted_span_ids": [],
                }
                content = json.dumps(answer).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

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


@pytest.mark.parametrize(
    "window",
    [
        {},
        {"start_time": datetime(2026, 1, 2, 3, 4, 5, 678_900, tzinfo=UTC)},
        {
            "start_time": datetime(2026, 1, 2, tzinfo=UTC),
            "end_time": datetime(2026, 1, 3, tzinfo=UTC),
        },
    ],
)
def test_both_clients_send_the_same(recorder: Recorder, window: dict[str, Any]) -> None:
    port = recorder.server.server_address[1]
    address: dict[str, Any] = {"api_host": "localhost", "api_scheme": "http", "api_port": port}
    vendor = ArizeClient(api_key="ak-1", **address)
    with SpansClient(api_key="ak-1", **address) as ours:
        for spans in (vendor.spans, ours):
            spans.delete(project=PROJECT, space=SPACE, span_ids=["a", "naïve 🦆"], **window)
    (their_path, theirs, their_body), (our_path, mine, our_body) = recorder.requests
    assert our_path == their_path == "/v2/spans"
    assert our_body == their_body
    for name in ("authorization", "content-type", "accept"):
        assert mine[name] == theirs[name]
    assert {name for name in theirs if name.startswith("sdk-")} <= mine.keys()
