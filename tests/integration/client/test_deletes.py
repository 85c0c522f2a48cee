"""`SpansClient.delete` against a service that answers as told."""

from __future__ import annotations

import json
import pickle
import threading
from collections import deque
from datetime import UTC, datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from spanduck import SpansClient
from spanduck.exceptions import (
    IncompleteDeleteError,
    OutcomeUnknownError,
    RejectedError,
    UnavailableError,
    ValidationError,
)
from spanduck.types import DeleteResponse

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = "TW9kZWw6MTphYmNk"
EVERYTHING = object()
"""An answer: every id is deleted."""


class Service:
    """Gives the queued answers in order, then the last one again; keeps every request."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.answers: deque[Any] = deque([EVERYTHING])
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_DELETE(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                service.bodies.append(body)
                status, answer = service.next(body)
                content = b"" if answer is None else json.dumps(answer).encode()
                self.send_response(status)
                if answer is not None:
                    kind = "application/json" if status < 300 else "application/problem+json"
                    self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self._thread.start()

    def next(self, body: dict[str, Any]) -> tuple[int, Any]:
        answer = self.answers.popleft() if len(self.answers) > 1 else self.answers[0]
        if answer is EVERYTHING:
            return 200, done(deleted=body["span_ids"])
        status, content = answer
        return status, content

    def close(self) -> None:
        self.server.shutdown()
        self._thread.join()
        self.server.server_close()


def done(*, deleted: list[str], others: list[str] | None = None) -> dict[str, Any]:
    others = others or []
    return {"completed": True, "deleted_span_ids": deleted, "not_deleted_span_ids": others}


def unavailable(*, deleted: list[str], others: list[str]) -> tuple[int, dict[str, Any]]:
    lists = {"deleted_span_ids": deleted, "not_deleted_span_ids": others}
    return 503, {"status": 503, "title": "Service Unavailable", "detail": "half done", **lists}


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()
    yield made
    made.close()


@pytest.fixture
def client(service: Service, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.chdir(tmp_path)
    port = service.server.server_address[1]
    with SpansClient(
        api_key="ak-1", space="U3BhY2U6MTphYmNk", api_host="127.0.0.1", api_scheme="http",
        api_port=port,
    ) as made:  # fmt: skip
        yield made


def test_the_lists_are_always_there(service: Service, client: SpansClient) -> None:
    service.answers = deque([(200, done(deleted=["b"], others=["a"]))])
    answer = client.delete(project=PROJECT, span_ids=["a", "b", "a"])
    assert answer == DeleteResponse(
        completed=True, deleted_span_ids=("b",), not_deleted_span_ids=("a",), calls=1
    )
    assert service.bodies == [{"project_id": PROJECT, "span_ids": ["a", "b"]}]


def test_many_ids_go_in_several_calls(service: Service, client: SpansClient) -> None:
    ids = [f"span-{n}" for n in range(12_001)]
    answer = client.delete(project_name=PROJECT, span_ids=iter(ids))
    assert answer.deleted_span_ids == tuple(ids)
    assert (answer.completed, answer.calls) == (True, 3)
    assert [len(body["span_ids"]) for body in service.bodies] == [5_000, 5_000, 2_001]


def test_the_window_is_sent_with_its_zone(service: Service, client: SpansClient) -> None:
    start = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=2)))
    end = datetime(2026, 1, 3)  # noqa: DTZ001 - in the local zone
    client.delete(project=PROJECT, span_ids=["a"], start_time=start, end_time=end)
    sent = service.bodies[0]
    assert sent["start_time"] == "2026-01-02T03:04:05+02:00"
    assert datetime.fromisoformat(sent["end_time"]) == end.astimezone(UTC)


@pytest.mark.parametrize("ids", [[], (), "abc", [""], [" "], ["a", 5], ["a", None]])
def test_impossible_ids_are_not_sent(service: Service, client: SpansClient, ids: Any) -> None:
    with pytest.raises(ValidationError, match="span_ids"):
        client.delete(project=PROJECT, span_ids=ids)
    assert not service.bodies


def test_an_answer_without_a_body_means_that_all_are_gone(
    service: Service, client: SpansClient
) -> None:
    service.answers = deque([(204, None)])
    answer = client.delete(project=PROJECT, span_ids=["a", "b"])
    assert (answer.completed, answer.deleted_span_ids) == (True, ("a", "b"))
    assert answer.not_deleted_span_ids == ()


def test_a_delete_that_is_not_complete_says_what_is_left(
    service: Service, client: SpansClient
) -> None:
    # An older service, which sends nothing but what it deleted.
    service.answers = deque([(200, {"deleted_span_ids": ["s-1"]})])
    answer = client.delete(project=PROJECT, span_ids=[f"s-{n}" for n in range(5_001)])
    assert not answer.completed
    assert answer.deleted_span_ids == ("s-1",)
    assert len(answer.not_deleted_span_ids) == 5_000
    assert answer.calls == 1


def test_what_a_failed_attempt_deleted_counts(service: Service, client: SpansClient) -> None:
    # The repetition no longer finds it.
    service.answers = deque([unavailable(deleted=["a"], others=["b"]), (200, done(
        deleted=["b"], others=["a"]
    ))])  # fmt: skip
    answer = client.delete(project=PROJECT, span_ids=["a", "b"])
    assert (answer.completed, answer.calls) == (True, 2)
    assert answer.deleted_span_ids == ("a", "b")
    assert answer.not_deleted_span_ids == ()


def test_a_failure_says_what_is_deleted(service: Service, client: SpansClient) -> None:
    service.answers = deque([unavailable(deleted=["a"], others=["b"])])
    with pytest.raises(IncompleteDeleteError, match="half done") as caught:
        client.delete(project=PROJECT, span_ids=["a", "b"])
    error = caught.value
    assert (error.deleted_span_ids, error.not_deleted_span_ids) == (("a",), ("b",))
    assert (error.status, error.retryable) == (503, True)
    assert error.problem is not None
    assert isinstance(error.__cause__, UnavailableError)
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    assert again.deleted_span_ids == ("a",)


def test_a_later_call_that_fails_says_what_earlier_ones_deleted(
    service: Service, client: SpansClient
) -> None:
    problem = {"status": 403, "title": "Forbidden"}
    service.answers = deque([EVERYTHING, (403, problem)])
    with pytest.raises(IncompleteDeleteError) as caught:
        client.delete(project=PROJECT, span_ids=[str(n) for n in range(5_002)])
    assert len(caught.value.deleted_span_ids) == 5_000
    assert caught.value.not_deleted_span_ids == ("5000", "5001")
    assert caught.value.status == 403


def test_a_refusal_is_that(service: Service, client: SpansClient) -> None:
    service.answers = deque([(422, {"status": 422, "detail": "no such window"})])
    with pytest.raises(RejectedError, match="no such window"):
        client.delete(project=PROJECT, span_ids=["a"])
    assert len(service.bodies) == 1


def test_an_answer_that_cannot_be_read_is_no_success(service: Service, client: SpansClient) -> None:
    service.answers = deque([(200, {"completed": "yes", "deleted_span_ids": []})])
    with pytest.raises(OutcomeUnknownError, match="completed"):
        client.delete(project=PROJECT, span_ids=["a"])
