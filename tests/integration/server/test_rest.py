from __future__ import annotations

import base64
from typing import Any

import httpx
import pytest


@pytest.fixture(autouse=True, scope="module")
def _projects(module_server: Any) -> None:
    client = httpx.Client(
        base_url=f"http://127.0.0.1:{module_server.rest_port}",
        headers={"Authorization": f"Bearer {module_server.api_key}"},
    )
    for name in ("alpha", "beta", "Alphabet", "gamma ☃"):
        body = {"name": name, "space_id": module_server.space_id}
        assert client.post("/v2/projects", json=body).status_code == 201
    client.close()


def _names(caller: Any, **params: Any) -> list[str]:
    answer = caller.rest.get("/v2/projects", params=params)
    assert answer.status_code == 200, answer.text
    return [project["name"] for project in answer.json()["projects"]]


def test_a_name_filter_is_a_substring_without_case(caller: Any) -> None:
    assert _names(caller, name="ALPHA") == ["alpha", "Alphabet"]
    assert _names(caller, name="☃") == ["gamma ☃"]
    assert _names(caller, name="delta") == []


def test_projects_can_be_filtered_by_space(caller: Any) -> None:
    assert len(_names(caller, space_id=caller.server.space_id)) == 4
    assert len(_names(caller, space_name=caller.server.space.upper()[1:3])) == 4
    assert _names(caller, space_id="U3BhY2U6Mg==") == []
    assert _names(caller, space_name="other") == []


def test_pages_are_walked_by_cursor(caller: Any) -> None:
    seen, cursor, pages = [], None, 0
    while True:
        params = {"limit": 3} | ({"cursor": cursor} if cursor else {})
        page = caller.rest.get("/v2/projects", params=params).json()
        seen += [project["name"] for project in page["projects"]]
        pages += 1
        cursor = page["pagination"].get("next_cursor")
        assert page["pagination"]["has_more"] == (cursor is not None)
        if cursor is None:
            break
    assert seen == ["alpha", "beta", "Alphabet", "gamma ☃"]
    assert pages == 2


@pytest.mark.parametrize(
    "params",
    [{"limit": "0"}, {"limit": "101"}, {"limit": "x"}, {"cursor": "garbage"}, {"name": "n" * 256}],
)
def test_a_bad_limit_or_cursor_is_refused(caller: Any, params: dict[str, str]) -> None:
    for path in ("/v2/projects", "/v2/spaces"):
        answer = caller.rest.get(path, params=params)
        assert answer.status_code == 422
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["title"]
        assert next(iter(params)) in answer.json()["detail"]


def test_a_project_can_be_got_by_its_id(caller: Any) -> None:
    listed = caller.rest.get("/v2/projects", params={"name": "beta"}).json()["projects"][0]
    assert caller.rest.get(f"/v2/projects/{listed['id']}").json() == listed
    assert ":" in base64.b64decode(listed["id"], validate=True).decode()
    assert listed["space_id"] == caller.server.space_id
    assert listed["created_at"].endswith("Z")


def test_spaces_can_be_listed_and_got(caller: Any) -> None:
    page = caller.rest.get("/v2/spaces", params={"name": caller.server.space, "limit": 100}).json()
    assert page["pagination"] == {"has_more": False}
    (space,) = page["spaces"]
    assert (space["id"], space["name"]) == (caller.server.space_id, caller.server.space)
    assert base64.b64decode(space["id"]).decode().startswith("Space:1:")
    assert caller.rest.get(f"/v2/spaces/{space['id']}").json() == space
    assert caller.rest.get("/v2/spaces", params={"name": "x"}).json()["spaces"] == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"name": "alpha", "space_id": "SPACE"}, 409),
        ({"name": "  ", "space_id": "SPACE"}, 400),
        ({"name": "new", "space_id": "nowhere"}, 404),
        ({"name": "new"}, 422),
        ({"space_id": "SPACE"}, 422),
        ({"name": 5, "space_id": "SPACE"}, 422),
        ([], 400),
    ],
)
def test_a_project_that_cannot_be_created_is_refused(caller: Any, body: Any, status: int) -> None:
    if isinstance(body, dict) and body.get("space_id") == "SPACE":
        body = {**body, "space_id": caller.server.space_id}
    answer = caller.rest.post("/v2/projects", json=body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert len(_names(caller)) == 4


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v2/projects/nobody", 404),
        ("GET", "/v2/spaces/nobody", 404),
        ("GET", "/v2/nothing", 404),
        ("GET", "/", 404),
        ("PUT", "/v2/projects", 405),
        ("GET", "/v1/pandas_arrow", 405),
        ("PATCH", "/v2/projects/x", 501),
        ("POST", "/v2/spans", 400),
        ("DELETE", "/v2/spans", 400),
        ("POST", "/v2/spans/annotate", 400),
        ("POST", "/v2/traces", 400),
        ("GET", "/v2/annotation-configs/nobody", 404),
    ],
)
def test_everything_else_is_a_problem_document(
    caller: Any, method: str, path: str, status: int
) -> None:
    answer = caller.rest.request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert answer.json()["title"]


@pytest.mark.parametrize("path", ["/v2/projects", "/v1/pandas_arrow", "/spanduck/status", "/x"])
def test_nothing_is_answered_without_the_key(caller: Any, path: str) -> None:
    url = f"http://127.0.0.1:{caller.server.rest_port}{path}"
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"authorization": "wrong"}):
        answer = httpx.get(url, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["content-type"] == "application/problem+json"
        assert caller.server.api_key not in answer.text


def test_the_key_is_taken_with_and_without_bearer(caller: Any) -> None:
    url = f"http://127.0.0.1:{caller.server.rest_port}/v2/spaces"
    key = caller.server.api_key
    for headers in (
        {"Authorization": f"Bearer {key}"},
        {"authorization": key},
        {"auth-token-bin": key},
    ):
        assert httpx.get(url, headers=headers).status_code == 200
