"""What is asked for by REST, and how often."""

from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from spanduck._transport.rest import RestTransport
from spanduck._wire import make_id
from spanduck.exceptions import (
    ConfigError,
    RejectedError,
    UnavailableError,
    UnknownProjectError,
)

if TYPE_CHECKING:
    from collections.abc import Callable


# A class of the folder's conftest, which is no module to import from.
FaultyServer: TypeAlias = Any


class TestReads:
    def test_pages_are_walked_until_there_is_no_cursor(
        self, server: FaultyServer, rest: RestTransport
    ) -> None:
        server.answer(
            server.page("spaces", [server.space(1, "a")], "c1"),
            server.page("spaces", [server.space(2, "b")], "c2"),
            server.page("spaces", [server.space(3, "c")]),
        )
        assert [item.name for item in rest.spaces(name="x")] == ["a", "b", "c"]
        assert [request.path for request in server.requests] == [
            "/v2/spaces?name=x&limit=100",
            "/v2/spaces?name=x&cursor=c1&limit=100",
            "/v2/spaces?name=x&cursor=c2&limit=100",
        ]

    def test_a_cursor_that_repeats_is_refused(
        self, server: FaultyServer, rest: RestTransport
    ) -> None:
        server.answer(server.page("spaces", [], "c"))
        with pytest.raises(RejectedError, match="repeats"):
            list(rest.spaces())

    def test_every_call_names_the_client_and_bears_the_key(
        self, server: FaultyServer, rest: RestTransport
    ) -> None:
        server.answer(server.page("projects", []))
        list(rest.projects())
        headers = server.requests[0].headers
        assert headers["Authorization"] == f"Bearer {server.KEY}"
        assert headers["sdk-package-name"] == "spanduck"
        assert {"sdk-language", "language-version", "sdk-version"} <= headers.keys()

    @pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
    def test_a_read_is_repeated(
        self, server: FaultyServer, rest: RestTransport, status: int
    ) -> None:
        server.answer(
            server.Answer(status),
            server.Answer(status),
            server.page("spaces", [server.space(1, "a")]),
        )
        assert len(list(rest.spaces())) == 1
        assert len(server.requests) == 3

    @pytest.mark.parametrize("hang_up", ["before_body", "after_body"])
    def test_a_read_whose_connection_breaks_is_repeated(
        self, server: FaultyServer, rest: RestTransport, hang_up: str
    ) -> None:
        server.answer(server.Answer(hang_up=hang_up), server.page("spaces", [server.space(1, "a")]))
        assert len(list(rest.spaces())) == 1

    def test_repetitions_are_bounded_and_the_last_error_is_raised(
        self, server: FaultyServer, rest: RestTransport
    ) -> None:
        server.answer(server.Answer(503, {"title": "Busy", "status": 503}))
        with pytest.raises(UnavailableError, match="Busy") as caught:
            list(rest.spaces())
        assert len(server.requests) == 4
        assert caught.value.status == 503

    def test_a_pause_is_as_long_as_the_service_asks(
        self, server: FaultyServer, rest: RestTransport
    ) -> None:
        server.answer(server.Answer(429, headers={"Retry-After": "1"}), server.page("spaces", []))
        began = time.monotonic()
        list(rest.spaces())
        assert time.monotonic() - began >= 1

    def test_a_pause_that_is_too_long_is_not_made(
        self, server: FaultyServer, rest: RestTransport
    ) -> None:
        server.answer(server.Answer(429, headers={"Retry-After": "3600"}))
        with pytest.raises(UnavailableError) as caught:
            list(rest.spaces())
        assert len(server.requests) == 1
        assert caught.value.retry_after_s == 3600

    def test_a_slow_answer_ends_in_time(
        self, server: FaultyServer, settings: Callable[..., Any]
    ) -> None:
        release = threading.Event()
        server.answer(server.Answer(wait=release))
        began = time.monotonic()
        with (
            RestTransport(settings(read_timeout_s=0.2)) as rest,
            pytest.raises(UnavailableError, match="did not answer in time"),
        ):
            list(rest.spaces())
        assert time.monotonic() - began < 8
        release.set()

    def test_nobody_there(self, settings: Callable[..., Any]) -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            port = unused.getsockname()[1]
            with (
                RestTransport(settings(api_port=port)) as rest,
                pytest.raises(UnavailableError, match=f"http://127.0.0.1:{port}") as caught,
            ):
                list(rest.spaces())
        assert "api_host" in str(caught.value)


class TestLookUps:
    def test_a_project_is_found_by_its_exact_name(
        self, server: FaultyServer, rest: RestTransport
    ) -> None:
        items = [
            {"id": make_id("Model", n), "name": name, "space_id": "s"}
            for n, name in enumerate(["my-app-2", "My-App", "my-app"])
        ]
        server.answer(
            server.page("spaces", [server.space(1, "team")]), server.page("projects", items)
        )
        assert rest.resolve_project("my-app", "team").id == make_id("Model", 2)
        assert [request.path.partition("?")[0] for request in server.requests] == [
            "/v2/spaces",
            "/v2/projects",
        ]

    def test_near_matches_of_an_unknown_project_are_named(
        self, server: FaultyServer, rest: RestTransport
    ) -> None:
        known = [{"id": make_id("Model", 1), "name": "my-llm-app", "space_id": "s"}]
        server.answer(server.page("projects", []), server.page("projects", known))
        with pytest.raises(UnknownProjectError, match="Did you mean 'my-llm-app'"):
            rest.resolve_project("my-lm-app", make_id("Space", 1))

    def test_two_spaces_of_one_name_are_ambiguous(
        self, server: FaultyServer, rest: RestTransport
    ) -> None:
        server.answer(server.page("spaces", [server.space(1, "team"), server.space(2, "team")]))
        with pytest.raises(ConfigError, match="2 spaces"):
            rest.resolve_space("team")

    def test_a_project_by_name_needs_a_space(
        self, server: FaultyServer, rest: RestTransport
    ) -> None:
        with pytest.raises(ConfigError, match="ARIZE_SPACE"):
            rest.resolve_project("my-app")
        assert not server.requests
