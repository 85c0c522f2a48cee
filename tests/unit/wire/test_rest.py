from __future__ import annotations

import base64
import pickle
from datetime import UTC, datetime, timedelta, timezone

import pytest

from spanduck._wire import (
    Pagination,
    ProblemDocument,
    Project,
    ProjectsPage,
    Space,
    SpacesPage,
    WireError,
    is_id,
    make_id,
)

MADE = datetime(2026, 11, 20, 10, 0, 0, 123_456, tzinfo=UTC)


def test_a_page_of_spaces_has_the_keys_that_every_sdk_accepts() -> None:
    page = SpacesPage(
        (Space("U3BhY2U6MTpiRnVM", "my-space", "", MADE),),
        Pagination(has_more=True, next_cursor="c2"),
    )
    assert page.to_dict() == {
        "spaces": [
            {
                "id": "U3BhY2U6MTpiRnVM",
                "name": "my-space",
                "description": "",
                "created_at": "2026-11-20T10:00:00.123456Z",
            }
        ],
        "pagination": {"has_more": True, "next_cursor": "c2"},
    }
    assert SpacesPage.from_dict(page.to_dict()) == page


def test_a_page_of_projects_has_the_keys_that_every_sdk_accepts() -> None:
    page = ProjectsPage((Project("TW9kZWw6MTIzOmFCY0Q=", "p", "U3BhY2U6MTpiRnVM", MADE),))
    assert page.to_dict() == {
        "projects": [
            {
                "id": "TW9kZWw6MTIzOmFCY0Q=",
                "name": "p",
                "space_id": "U3BhY2U6MTpiRnVM",
                "created_at": "2026-11-20T10:00:00.123456Z",
            }
        ],
        "pagination": {"has_more": False},
    }
    assert ProjectsPage.from_dict(page.to_dict()) == page


def test_unknown_keys_nulls_and_other_time_forms_are_read() -> None:
    item = {"id": "i", "name": "n", "description": None, "created_at": None, "is_private": False}
    assert Space.from_dict(item) == Space("i", "n")
    for text in (
        "2026-11-20T10:00:00.123456789Z",
        "2026-11-20T11:00:00.123456+01:00",
        "2026-11-20T10:00:00.123456",
    ):
        assert Project.from_dict({"id": "i", "name": "n", "created_at": text}).created_at == MADE


def test_a_time_in_another_zone_is_written_in_utc() -> None:
    local = MADE.astimezone(timezone(timedelta(hours=-3)))
    assert Space("i", "n", "", local).to_dict()["created_at"] == "2026-11-20T10:00:00.123456Z"


def test_an_empty_cursor_is_the_last_page_whatever_has_more_says() -> None:
    for pagination in ({"has_more": True}, {"next_cursor": ""}, {"next_cursor": None}, {}):
        page = SpacesPage.from_dict({"spaces": [], "pagination": pagination})
        assert page.pagination == Pagination()


@pytest.mark.parametrize(
    "page",
    [
        {},
        {"spaces": []},
        {"spaces": None, "pagination": {}},
        {"spaces": ["x"], "pagination": {}},
        {"spaces": [{"name": "n"}], "pagination": {}},
        {"spaces": [{"id": 5, "name": "n"}], "pagination": {}},
        {"spaces": [{"id": "i", "name": "n", "created_at": "soon"}], "pagination": {}},
        {"spaces": [{"id": "i", "name": "n", "created_at": 5}], "pagination": {}},
        {"spaces": [], "pagination": {"next_cursor": 5}},
        {"spaces": [], "pagination": []},
    ],
)
def test_a_malformed_page_is_a_wire_error(page: dict[str, object]) -> None:
    with pytest.raises(WireError):
        SpacesPage.from_dict(page)


def test_ids_are_base64_of_text_with_a_colon() -> None:
    assert make_id("Space", 1, "bFuL") == "U3BhY2U6MTpiRnVM"
    assert make_id("Model", 123, "aBcD") == "TW9kZWw6MTIzOmFCY0Q="
    assert make_id("Project", 7) == base64.b64encode(b"Project:7").decode()
    assert is_id("U3BhY2U6MTpiRnVM")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "my-llm-app",
        "U3BhY2U6MTpiRnVM\n",
        "U3BhY2U6MTpiRnV",
        base64.b64encode(b"\xff:").decode(),
        "c3BhY2U=",
        "é",
    ],
)
def test_anything_else_is_a_name(text: str) -> None:
    assert not is_id(text)


def test_a_problem_document_round_trips_with_its_extras() -> None:
    problem = ProblemDocument(
        503,
        "Unavailable",
        "try again … später",
        request_id="r1",
        extras={"deleted_span_ids": ["a"]},
    )
    assert ProblemDocument.from_json(problem.to_json()) == problem
    assert (
        problem.to_json()
        == (
            '{"deleted_span_ids": ["a"], "status": 503, "title": "Unavailable",'
            ' "detail": "try again … später", "request_id": "r1"}'
        ).encode()
    )
    assert hash(problem)


def test_extras_cannot_replace_the_standard_members() -> None:
    assert b"200" not in ProblemDocument(404, extras={"status": 200}).to_json()


def test_members_of_wrong_types_count_as_absent() -> None:
    text = b'{"status": "404", "title": 5, "detail": null, "errors": [1]}'
    assert ProblemDocument.from_json(text) == ProblemDocument(0, extras={"errors": [1]})


@pytest.mark.parametrize("text", [b"", b"Not Found", b"[]", b"\xff"])
def test_a_body_that_is_no_object_is_a_wire_error(text: bytes) -> None:
    with pytest.raises(WireError, match="problem document"):
        ProblemDocument.from_json(text)


def test_a_wire_error_survives_pickling() -> None:
    error = pickle.loads(pickle.dumps(WireError("bad", next_step="Mend it.", what="field")))  # noqa: S301
    assert (str(error), error.what) == ("bad. Mend it.", "field")
