"""What a call by REST fails with."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from spanduck._transport.rest import RestTransport
from spanduck.exceptions import (
    AuthenticationError,
    ConfigError,
    Error,
    RejectedError,
    ServiceError,
    UnknownProjectError,
)

if TYPE_CHECKING:
    from collections.abc import Callable


# A class of the folder's conftest, which is no module to import from.
FaultyServer: TypeAlias = Any


class TestErrors:
    @pytest.mark.parametrize(
        ("status", "expected"),
        [
            (400, RejectedError),
            (401, AuthenticationError),
            (403, AuthenticationError),
            (404, UnknownProjectError),
            (409, RejectedError),
            (422, RejectedError),
            (302, RejectedError),
        ],
    )
    def test_a_status_has_its_class_and_the_service_its_own_words(
        self, server: FaultyServer, rest: RestTransport, status: int, expected: type[ServiceError]
    ) -> None:
        problem = {
            "status": status,
            "title": "Nope",
            "detail": "the window is too wide",
            "request_id": "req-7",
        }
        server.answer(server.Answer(status, problem, {"Content-Type": "application/problem+json"}))
        with pytest.raises(expected, match="the window is too wide") as caught:
            list(rest.spaces())
        assert len(server.requests) == 1
        error = caught.value
        assert (error.status, error.request_id) == (status, "req-7")
        again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
        assert (type(again), str(again), again.status) == (expected, str(error), status)

    def test_the_key_is_never_repeated(self, server: FaultyServer, rest: RestTransport) -> None:
        server.answer(
            server.Answer(
                401, f"no such key: {server.KEY}".encode(), {"Content-Type": "text/plain"}
            )
        )
        with pytest.raises(AuthenticationError, match="no such key") as caught:
            list(rest.spaces())
        assert server.KEY not in str(caught.value) + repr(caught.value) + repr(
            caught.value.__dict__
        )

    def test_a_page_of_another_program_is_no_answer(
        self, server: FaultyServer, rest: RestTransport
    ) -> None:
        server.answer(server.Answer(200, b"<html>router</html>", {"Content-Type": "text/html"}))
        with pytest.raises(RejectedError, match="no JSON object"):
            list(rest.spaces())

    def test_a_ca_file_that_is_not_there_is_told(self, settings: Callable[..., Any]) -> None:
        with (
            RestTransport(settings(api_scheme="https", ssl_ca_cert="/nowhere.pem")) as rest,
            pytest.raises(ConfigError, match=r"/nowhere\.pem"),
        ):
            list(rest.spaces())

    def test_a_scheme_in_the_host_is_told(self, settings: Callable[..., Any]) -> None:
        with (
            RestTransport(settings(api_host="http://localhost")) as rest,
            pytest.raises(Error, match="api_host"),
        ):
            list(rest.spaces())

    def test_a_closed_transport_says_so(self, rest: RestTransport) -> None:
        rest.close()
        rest.close()
        with pytest.raises(ConfigError, match="closed"):
            list(rest.spaces())
