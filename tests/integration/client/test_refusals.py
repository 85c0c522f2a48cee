"""What the service refuses, in every call of the client over REST: class, fields and words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.integration.client.calls import ID, REST, WRITES

from spanduck.exceptions import (
    AuthenticationError,
    Error,
    FilterError,
    NotFoundError,
    OutcomeUnknownError,
    RejectedError,
    ServiceError,
    UnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.client.conftest import ScriptedService

    from spanduck import SpansClient

    Connect = Callable[..., SpansClient]

CLASS_BY_STATUS = {
    400: RejectedError,
    401: AuthenticationError,
    403: AuthenticationError,
    404: NotFoundError,
    409: RejectedError,
    422: RejectedError,
    429: UnavailableError,
    503: UnavailableError,
}
BROKEN = (500, 502, 504)
KINDS = "https://arize.com/docs/ax/rest-reference/errors"


def refuse(service: ScriptedService, status: int, **members: Any) -> None:
    service.answer.status = status
    service.answer.body = {
        "status": status,
        "title": "It is refused",
        "type": f"{KINDS}#a-kind",
        "detail": f"the words of the service, ak-secret or {status}",
        "request_id": f"request-{status}",
        **members,
    }
    # Longer than anybody waits, so that a call is made once.
    service.answer.headers["Retry-After"] = "100"


def failure(call: Callable[[SpansClient], Any], client: SpansClient) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        call(client)
    return caught.value


@pytest.mark.parametrize("status", list(CLASS_BY_STATUS))
@pytest.mark.parametrize("name", list(REST))
def test_a_refusal_has_its_class_fields_and_words(
    scripted: ScriptedService, connect: Connect, name: str, status: int
) -> None:
    refuse(scripted, status)
    error = failure(REST[name], connect(scripted.port))
    assert isinstance(error, CLASS_BY_STATUS[status])
    assert error.status == status
    assert error.request_id == f"request-{status}"
    assert error.retryable is (status in (429, 503))
    assert error.problem is not None
    assert (error.problem.status, error.problem.title) == (status, "It is refused")
    assert error.problem.type == f"{KINDS}#a-kind"
    words = f"the words of the service, *** or {status}"
    assert error.problem.detail == words
    # Near matches take the place of the words; what is said of them is the cause.
    assert words in error.message or words in str(error.__cause__)
    assert "ak-secret" not in f"{error} {error.problem!r}"
    assert scripted.asked.count(scripted.asked[0]) == 1


@pytest.mark.parametrize("status", BROKEN)
@pytest.mark.parametrize("name", list(REST))
def test_a_broken_service_leaves_the_outcome_unknown_where_it_matters(
    scripted: ScriptedService, connect: Connect, name: str, status: int
) -> None:
    refuse(scripted, status)
    error = failure(REST[name], connect(scripted.port))
    assert type(error) is (OutcomeUnknownError if name in WRITES else UnavailableError)
    assert error.status == status
    assert error.retryable is (name not in WRITES)
    assert str(status) in error.message
    assert error.problem is not None
    assert len(scripted.asked) == 1


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("name", list(REST))
def test_how_long_to_wait_is_told(
    scripted: ScriptedService, connect: Connect, name: str, status: int
) -> None:
    refuse(scripted, status)
    error = failure(REST[name], connect(scripted.port))
    assert error.retry_after_s == 100
    assert "in 100 s" in error.next_step


@pytest.mark.parametrize("name", list(REST))
def test_the_next_step_of_a_wrong_key_is_where_it_is_set(
    scripted: ScriptedService, connect: Connect, name: str
) -> None:
    refuse(scripted, 401)
    assert "ARIZE_API_KEY" in failure(REST[name], connect(scripted.port)).next_step
    refuse(scripted, 403)
    assert "role" in failure(REST[name], connect(scripted.port)).next_step


@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize("method", ["list", "list_traces", "iter_spans", "iter_traces"])
def test_a_refused_list_with_a_filter_is_a_filter_error(
    scripted: ScriptedService, connect: Connect, method: str, status: int
) -> None:
    refuse(scripted, status)
    with pytest.raises(FilterError, match="the words of the service") as caught:
        list(getattr(connect(scripted.port), method)(project=ID, filter="nonsense = 1"))
    assert caught.value.text == "nonsense = 1"
    cause = caught.value.__cause__
    assert isinstance(cause, RejectedError)
    assert (cause.status, cause.request_id) == (status, f"request-{status}")


@pytest.mark.parametrize("name", list(REST))
def test_words_that_are_no_problem_document_are_kept(
    scripted: ScriptedService, connect: Connect, name: str
) -> None:
    scripted.answer.status = 422
    scripted.answer.body = "plain words of somebody in between"
    scripted.answer.headers["x-request-id"] = "request-of-the-header"
    error = failure(REST[name], connect(scripted.port))
    assert isinstance(error, RejectedError)
    assert (error.status, error.problem) == (422, None)
    assert error.request_id == "request-of-the-header"
    assert "plain words of somebody in between" in error.message


@pytest.mark.parametrize(
    "name", ["list", "list_traces", "configs.list", "configs.get", "configs.create"]
)
@pytest.mark.parametrize("body", ["<html><title>Hello</title></html>", {"other": 1}, []])
def test_a_success_that_cannot_be_read_is_an_error(
    scripted: ScriptedService, connect: Connect, name: str, body: Any
) -> None:
    scripted.answer.body = body
    with pytest.raises(Error, match="api_host"):
        REST[name](connect(scripted.port))
