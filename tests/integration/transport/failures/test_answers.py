"""Each failure that the service documents, and those of what stands before it."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import pytest

from spanduck.exceptions import (
    AuthenticationError,
    OutcomeUnknownError,
    Problem,
    RejectedError,
    ServiceError,
    UnavailableError,
    UnknownProjectError,
)

if TYPE_CHECKING:
    from pathlib import Path

    from spanduck._transport.rest import RestTransport


# A class of the folder's conftest, which is no module to import from.
CannedServer: TypeAlias = Any


HALF_A_BODY: Final = b'HTTP/1.1 200 OK\r\nContent-Length: 49\r\nConnection: close\r\n\r\n{"spaces":'
NO_GZIP: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\nno gzip"


def failure(rest: RestTransport) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        list(rest.spaces())
    return caught.value


STATUSES = [
    (400, RejectedError, False),
    (401, AuthenticationError, False),
    (403, AuthenticationError, False),
    (404, UnknownProjectError, False),
    (409, RejectedError, False),
    (422, RejectedError, False),
    (429, UnavailableError, True),
    (500, UnavailableError, True),
    (503, UnavailableError, True),
]


class TestDocumentedStatuses:
    @pytest.mark.parametrize(("status", "kind", "is_repeated"), STATUSES)
    def test_a_problem_document_is_kept_whole(
        self,
        server: CannedServer,
        rest: RestTransport,
        status: int,
        kind: type[ServiceError],
        is_repeated: bool,
    ) -> None:
        server.answer(server.problem(status))
        error = failure(rest)
        assert type(error) is kind
        assert (error.status, error.request_id, error.retryable) == (status, "req-42", is_repeated)
        assert "the window is 32 days, the most is 31" in str(error)
        told = error.problem
        assert isinstance(told, Problem)
        assert (told.status, told.title, told.detail) == (
            status,
            "Some error",
            server.PROBLEM["detail"],
        )
        assert (told.type, told.instance) == (server.PROBLEM["type"], "/v2/spaces")
        assert (told.error_code, told.extras["limits"]) == ("WINDOW_TOO_WIDE", {"days": 31})
        assert pickle.loads(pickle.dumps(error)).problem == told  # noqa: S301 - our own
        assert len(server.requests) == (4 if is_repeated else 1)

    # Not each with each: repetitions take their time.
    @pytest.mark.parametrize(("status", "kind", "is_repeated"), STATUSES)
    def test_an_empty_body_has_the_same_class(
        self,
        server: CannedServer,
        rest: RestTransport,
        status: int,
        kind: type[ServiceError],
        is_repeated: bool,
    ) -> None:
        server.answer(server.reply(status, x_request_id="req-7"))
        error = failure(rest)
        assert type(error) is kind
        assert (error.status, error.request_id, error.problem) == (status, "req-7", None)
        assert error.retryable is is_repeated
        assert error.next_step or status in (400, 409, 422)

    @pytest.mark.parametrize(
        ("status", "kind"),
        [(422, RejectedError), (401, AuthenticationError), (404, UnknownProjectError)],
    )
    @pytest.mark.parametrize(
        ("body", "content_type", "words"),
        [
            (b"the quota of the day is used up\n", "text/plain", "the quota of the day is used up"),
            (
                b"<!doctype html><html><head><TITLE>\n Bad &amp; gone </TITLE></head>",
                "text/html",
                "Bad & gone",
            ),
            (b"<html><body>no title</body></html>", "text/html; charset=utf-8", ""),
            (b"", "application/problem+json", ""),
            (b"{}", "application/json", ""),
            (b'{"title": "cut off", "detail": "the quo', "application/problem+json", "cut off"),
            (b'["a list"]', "application/json", "a list"),
            (b'{"message": "said elsewhere"}', "application/json", "said elsewhere"),
            (b'{"detail": [{"loc": ["limit"]}]}', "application/json", "limit"),
            ("größer".encode("latin-1"), "text/plain; charset=latin-1", "größer"),
            (b"\xff\xfe\x00", "text/plain; charset=nonsense", ""),
            (b"[" * 100_000, "application/json", "[["),
            (b"x" * 100_000, "text/plain", "xxx"),
        ],
        ids=lambda value: str(value)[:20] if isinstance(value, str) else "",
    )
    def test_any_other_body_has_the_same_class_and_its_words(
        self,
        *,
        server: CannedServer,
        rest: RestTransport,
        status: int,
        kind: type[ServiceError],
        body: bytes,
        content_type: str,
        words: str,
    ) -> None:
        server.answer(server.reply(status, body, content_type=content_type, x_request_id="req-7"))
        error = failure(rest)
        assert type(error) is kind
        assert (error.status, error.request_id, error.retryable) == (status, "req-7", False)
        assert words in str(error)
        assert len(str(error)) < 1_000


class TestBrokenAnswers:
    @pytest.mark.parametrize(
        "broken",
        [
            b"",
            b"HTTP/1.1 200 OK\r\nContent-Le",
            b"this is no HTTP at all\r\n\r\n",
            HALF_A_BODY,
            NO_GZIP,
        ],
        ids=["nothing", "half a head", "no HTTP", "half a body", "no gzip"],
    )
    def test_a_read_is_repeated_and_then_the_address_is_named(
        self, server: CannedServer, rest: RestTransport, broken: bytes
    ) -> None:
        server.answer(broken, server.reply(200, server.GOOD))
        assert list(rest.spaces()) == []
        server.answer(broken)
        error = failure(rest)
        assert isinstance(error, UnavailableError | RejectedError)
        assert f"http://127.0.0.1:{server.port}" in str(error)

    @pytest.mark.parametrize(
        "body",
        [
            b'{"spaces": [], "pagination": {"has_mo',
            b"[]",
            b"null",
            b"<html></html>",
            b"",
            b"[" * 100_000,
            b"{}",
        ],
    )
    def test_a_good_status_with_something_else_is_no_answer(
        self, server: CannedServer, rest: RestTransport, body: bytes
    ) -> None:
        server.answer(server.reply(200, body, content_type="application/json"))
        error = failure(rest)
        assert isinstance(error, RejectedError)
        assert error.status == 200
        assert "api_host" in str(error)


def test_an_upload_is_repeated_only_where_nothing_was_stored(
    server: CannedServer, rest: RestTransport, tmp_path: Path
) -> None:
    body = tmp_path / "body"
    body.write_bytes(bytes(1_000))
    server.answer(server.problem(429), server.problem(503), server.reply(200, b"{}"))
    assert rest.upload(body, space="s", rows=1).status_code == 200
    assert len(server.requests) == 3
    server.answer(server.problem(500))
    with pytest.raises(OutcomeUnknownError) as caught:
        rest.upload(body, space="s", rows=1)
    assert caught.value.problem is not None
    assert len(server.requests) == 4
